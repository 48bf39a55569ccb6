"""The seams of the LLM package: a client, a resolver and a summarizer; any object of the right shape serves."""

from typing import Any, Protocol, runtime_checkable

from tract.protocols import Resolution, ResolverCallable, SummarizerCallable, Summary, SummaryRequest

__all__ = ["LLMClient", "Resolution", "ResolverCallable", "SummarizerCallable", "Summary", "SummaryRequest"]


@runtime_checkable
class LLMClient(Protocol):
    """Asks a model and hands back its answer, in OpenAI's shape."""

    def chat(
        self,
        messages: list[dict[str, Any]],
        *,
        model: str | None = None,
        temperature: float | None = None,
        max_tokens: int | None = None,
    ) -> dict[str, Any]:
        """Return the model's answer: a dict whose `choices` is a list, as `/chat/completions` gives it."""
        ...

    def close(self) -> None:
        """Let go of connections; closing twice is harmless."""
        ...
