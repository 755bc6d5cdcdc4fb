"""The verbs: what a caller can do. Both doors call these, and nothing else."""
