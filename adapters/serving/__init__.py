"""The HTTP server around the doors."""
