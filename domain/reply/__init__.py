"""A reply: its events, and what is filtered out of its words."""
