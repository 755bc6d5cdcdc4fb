"""What operators are told: logs, metrics, traces."""
