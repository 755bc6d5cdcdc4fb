"""The store in PostgreSQL, on asyncpg."""
