"""What a provider says of an error, read from a body in any of the shapes that providers use."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

_LONGEST_WORDS = 2000
# Deeper than any provider nests, and shallow enough for whatever a server may make up.
_DEEPEST = 6
_WORD_KEYS = ("message", "detail", "msg", "error", "errors", "error_description", "status_msg", "base_resp", "title")
_CODE_KEYS = ("code", "type", "status")
# Terminal control sequences and marks that reorder text do not belong in a log or on a screen.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")

_SPENT_QUOTA = frozenset(
    {
        "access_terminated",
        "account_deactivated",
        "arrearage",
        "billing_hard_limit_reached",
        "billing_not_active",
        "credit_balance_exhausted",
        "credit_balance_too_low",
        "exceeded_current_quota_error",
        "insufficient_balance",
        "insufficient_credits",
        "insufficient_funds",
        "insufficient_quota",
        "insufficient_user_quota",
        "payment_required",
        "quota_exceeded",
    }
)


class ProviderError(NamedTuple):
    """A provider's own words about an error; `kinds` are all its codes and types, in lower case."""

    words: str
    code: str | None
    request_id: str | None
    kinds: frozenset[str]

    @property
    def is_quota_spent(self) -> bool:
        """Whether no later try can succeed before somebody pays."""
        return bool(self.kinds & _SPENT_QUOTA)


def read_provider_error(body: bytes, mask: Callable[[str], str]) -> ProviderError:
    """Read an error's body, masking what must not be shown; of one in no known shape, the words are its beginning."""
    text = body.decode("utf-8", "replace").strip()
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = text
    entries = _nested_entries(value)
    codes = [str(code) for entry in entries for code in _fields(entry, _CODE_KEYS)]
    request_ids = [str(id_) for entry in entries for id_ in _fields(entry, ("request_id",))]
    return ProviderError(
        words=printable(mask(_words(value) or text)),
        code=printable(mask(codes[0])) if codes else None,
        request_id=printable(mask(request_ids[0])) if request_ids else None,
        kinds=frozenset(code.lower() for code in codes),
    )


def printable(text: str) -> str:
    """Return text that can be logged and shown: control characters spelled out, not longer than some lines."""
    visible = _CONTROL.sub(lambda match: match.group().encode("unicode_escape").decode("ascii"), text)
    return visible.encode("utf-8", "backslashreplace").decode("utf-8")[:_LONGEST_WORDS]


def _nested_entries(value: Any) -> list[dict[str, Any]]:
    """Return the objects that describe an error, innermost first: what they say is the most exact."""
    entries: list[dict[str, Any]] = []
    while len(entries) < _DEEPEST:
        if isinstance(value, list) and value:
            value = value[0]
        if not isinstance(value, dict):
            break
        entries.append(value)
        value = value.get("error")
    return entries[::-1]


def _fields(entry: dict[str, Any], names: tuple[str, ...]) -> Iterator[str | int]:
    for name in names:
        value = entry.get(name)
        if isinstance(value, str | int) and not isinstance(value, bool) and value != "":
            yield value


def _words(value: Any, depth: int = 0) -> str:
    """Return the readable text of an error, "" if there is none."""
    if isinstance(value, str):
        return value.strip()
    if depth == _DEEPEST:
        return ""
    if isinstance(value, list):
        return "; ".join(filter(None, (_words(part, depth + 1) for part in value[:_DEEPEST])))
    if not isinstance(value, dict):
        return ""
    if isinstance(value.get("error"), dict | list):
        value = {"error": value["error"]} if _words(value["error"], depth + 1) else value
    found = next(filter(None, (_words(value.get(key), depth + 1) for key in _WORD_KEYS)), "")
    upstream = _upstream_words(value.get("metadata"))
    return f"{found}: {upstream}" if found and upstream else found


def _upstream_words(metadata: Any) -> str:
    """Return what a router quotes from the provider behind it."""
    raw = metadata.get("raw") if isinstance(metadata, dict) else None
    return raw.strip() if isinstance(raw, str) else ""
