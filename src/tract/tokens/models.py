"""Which encoding a model counts in, and what the opening of its reply costs."""

import re
from typing import NamedTuple

from tract.protocols import Encoding

O200K = "o200k_base"
CL100K = "cl100k_base"

_LONGEST_MODEL = 200
"""Characters; a longer string names no model, and is not searched."""

_PROVIDER = r"(?:.*\b(?:openai|azure)[\w-]*[/:])?(?:ft:)?"
"""What gateways and fine-tuning put before the model: `openai/`, `azure:`, `openrouter/openai/`, `ft:`."""

_VARIANT = r"(?:[-:@].*)?"
"""What may follow it: a date, a size, a fine-tuning's name."""


class _Family(NamedTuple):
    models: re.Pattern[str]
    encoding: str
    reply_tokens: int


def _family(models: str, encoding: str, reply_tokens: int) -> _Family:
    return _Family(re.compile(f"{_PROVIDER}(?:{models}){_VARIANT}", re.IGNORECASE), encoding, reply_tokens)


_FAMILIES = (
    _family(r"o1-(?:mini|preview)|gpt-5(?:\.\d+)?-chat", O200K, 3),
    # A prompt of a reasoning model is billed one token less than the same messages sent to another.
    _family(r"o[134]|gpt-5(?:\.\d+)?|codex-mini", O200K, 2),
    _family(r"(?:chat)?gpt-4o|gpt-4\.[15]", O200K, 3),
    _family(r"gpt-4|gpt-3\.?5", CL100K, 3),
)
"""The first that matches holds, so the narrower stand first."""


def find_encoding(model: str | None) -> Encoding:
    """Return the encoding of a model's tokens: inexact o200k for a model that is not known, exact o200k for none.

    Without a model there is nothing that the count could miss: it is exactly what the o200k models would bill.
    """
    if model is None:
        return Encoding(O200K, exact=True)
    family = _find_family(model)
    return Encoding(family.encoding, exact=True) if family else Encoding(O200K, exact=False)


def reply_tokens(model: str | None) -> int:
    """Return what a prompt costs beside its messages and tools: the opening of the reply."""
    family = _find_family(model) if model is not None else None
    return family.reply_tokens if family else 3


def _find_family(model: str) -> _Family | None:
    if len(model) > _LONGEST_MODEL:
        return None
    return next((family for family in _FAMILIES if family.models.fullmatch(model)), None)
