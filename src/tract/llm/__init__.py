"""Asking language models: the client, the resolver of conflicts, the summarizer, and the seams for your own.

The client is loaded when it is first asked for, so that the others load without httpx and tenacity.
"""

import importlib
from typing import Any

from tract.llm.errors import (
    LLMAuthError,
    LLMClientError,
    LLMConfigError,
    LLMConnectionError,
    LLMDeadlineError,
    LLMRateLimitError,
    LLMRequestError,
    LLMResponseError,
)
from tract.llm.protocols import LLMClient, Resolution, ResolverCallable, SummarizerCallable, Summary, SummaryRequest
from tract.llm.resolver import OpenAIResolver
from tract.llm.summarizer import OpenAISummarizer

__all__ = [
    "LLMAuthError",
    "LLMClient",
    "LLMClientError",
    "LLMConfigError",
    "LLMConnectionError",
    "LLMDeadlineError",
    "LLMRateLimitError",
    "LLMRequestError",
    "LLMResponseError",
    "LLMStatusError",
    "OpenAIClient",
    "OpenAIResolver",
    "OpenAISummarizer",
    "Resolution",
    "ResolverCallable",
    "SummarizerCallable",
    "Summary",
    "SummaryRequest",
]

_LOADED_LATE = frozenset({"LLMStatusError", "OpenAIClient"})


def __getattr__(name: str) -> Any:
    """Load what needs httpx."""
    if name not in _LOADED_LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module("tract.llm.client"), name)


def __dir__() -> list[str]:
    """List the late names too."""
    return sorted({*globals(), *__all__})
