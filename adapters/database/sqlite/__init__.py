"""The store in one SQLite file, on Python's own sqlite3."""
