"""The nouns and rules of Avatarium: plain Python, no vendor, no door."""
