"""Work in processes of its own, so that it never holds up the event loop."""
