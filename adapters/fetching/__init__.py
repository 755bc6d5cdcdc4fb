"""Fetching what a user's URL names, from the public internet only."""
