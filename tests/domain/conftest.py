"""Hypothesis without deadlines, since nothing here may depend on how fast the machine is."""

from hypothesis import settings

settings.register_profile("avatarium", deadline=None, max_examples=200, database=None)
settings.load_profile("avatarium")
