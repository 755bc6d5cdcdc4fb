"""What is measured: a file a part, each with a `measure` of its own."""
