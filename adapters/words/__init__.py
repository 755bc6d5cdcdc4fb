"""The search by words: terms, and how they are ranked."""
