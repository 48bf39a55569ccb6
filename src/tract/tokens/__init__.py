"""Token counts, with no network: tiktoken's engine over vocabularies that tract carries."""

from tract.tokens.counter import TiktokenCounter

__all__ = ["TiktokenCounter"]
