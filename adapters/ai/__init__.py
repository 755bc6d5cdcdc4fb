"""The AI providers: our own streams beside LiteLLM, behind the port `Models`."""
