"""The engine of knowledge: from an item to passages that can be found."""
