"""The store in SQLite or PostgreSQL: tables, statements, migrations."""
