"""Benchmarks beside floors and a peer, measured in one run. `python -m bench --help` says how to run them."""
