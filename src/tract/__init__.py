"""Version control for the context of a language model."""
