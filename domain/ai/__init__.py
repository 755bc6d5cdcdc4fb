"""AI models and what is sent to them."""
