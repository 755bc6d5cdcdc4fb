"""Whoever can answer: a file a speaker, each behind the port `Speaker`."""
