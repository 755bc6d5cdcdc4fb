"""Every setting, read once from the environment."""
