"""The vectors of passages: stored by Chroma, searched in memory."""
