"""The engine of a turn: from a visitor's words to a stored reply."""
