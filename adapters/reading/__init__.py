"""Reading documents in a child process. The parsers, and what they import, are loaded there only."""
