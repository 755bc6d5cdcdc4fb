"""What one process keeps in its memory: replies that are being spoken, news, rate limits."""
