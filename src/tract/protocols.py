"""The seams: what a store, a token counter and a resolver must offer, and the values that cross them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol, runtime_checkable

from pydantic import BaseModel


class TokenCount(NamedTuple):
    """A number of tokens, and whether it is exactly what the provider would bill."""

    tokens: int
    exact: bool


class Encoding(NamedTuple):
    """The name of a tokenizer's encoding, and whether it is the one that the model really uses."""

    name: str
    exact: bool


class TokenCounter(Protocol):
    """Counts what messages cost; pure, thread-safe, and without network."""

    def encoding_for(self, model: str | None) -> Encoding:
        """Return the encoding that a model's tokens are counted in; never fails, an unknown model gets an inexact one."""
        ...

    def count_message(self, message: Mapping[str, Any], encoding: str) -> TokenCount:
        """Count what one OpenAI-shaped message adds to a prompt."""
        ...

    def count_tools(self, tools: object, encoding: str) -> TokenCount:
        """Count what a list of OpenAI-shaped tool schemas adds to a prompt: an estimate."""
        ...


@dataclass
class Resolution:
    """What a resolver answers to one conflict: `resolved`, `abort` the verb, or `skip` and leave it to a person."""

    action: Literal["resolved", "abort", "skip"]
    content: BaseModel | None = None
    content_text: str | None = None
    reasoning: str | None = None
    generation_config: dict[str, Any] | None = None


@runtime_checkable
class ResolverCallable(Protocol):
    """Anything that turns a conflict into a `Resolution`."""

    def __call__(self, issue: object) -> Resolution:
        """Answer one conflict; `issue` is read by attribute, so any object of the right shape serves."""
        ...
