"""Other people's shapes: OpenAI, Anthropic, exports, and the compiled context that renders them."""
