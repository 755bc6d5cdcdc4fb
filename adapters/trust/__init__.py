"""Who somebody is, and what keeps secrets secret."""
