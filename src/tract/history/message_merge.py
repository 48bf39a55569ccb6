"""Three-way merge of one message: its texts by lines, its parts, calls and other fields by key."""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from tract.exceptions import ContentError
from tract.history.text_merge import merge_text, regions, union_text
from tract.model.encoding import encode
from tract.model.messages import PRIVATE_KEY, Blob, call_ids, parse_message

Favour = Literal["ours", "union"]
"""What stands where both sides differ: ours; or of texts our lines, then theirs. None: nothing, it is a clash."""

_TEXT_KEYS = ("content", "text", "refusal", "reasoning", "reasoning_content")


class _ClashError(Exception):
    """Both sides changed one value, each in its own way."""


class _Manner(NamedTuple):
    """How values under one key are merged."""

    key: str
    favour: Favour | None


class _Absent:
    """The value of a key that is not there."""


_ABSENT = _Absent()


def merge_message(
    base: Mapping[str, Any] | None, ours: Mapping[str, Any], theirs: Mapping[str, Any], favour: Favour | None = None
) -> Blob | None:
    """Return the message that holds both sides' changes, or None where they clash or make no valid message.

    What another provider's message looked like is left out: it tells neither side.
    """
    old, our_fields, their_fields = (_public(fields) for fields in (base or {}, ours, theirs))
    try:
        merged = parse_message(_merge_keys(old, our_fields, their_fields, favour))
    except (_ClashError, ContentError):
        return None
    kept = (merged.role, merged.calls, merged.tool_call_id)
    return merged if kept == (ours["role"], call_ids(ours), ours.get("tool_call_id")) else None


def with_text(fields: Mapping[str, Any], text: str) -> dict[str, Any]:
    """Return a message's fields with another readable text; parts that are no text stay where they are."""
    found = _public(fields)
    content = found.get("content")
    if not isinstance(content, list):
        if content is None:
            found.pop("refusal", None)
        return {**found, "content": text}
    parts: list[Any] = []
    waiting: str | None = text
    for part in content:
        if not isinstance(part.get("text"), str):
            parts.append(part)
        elif waiting is not None:
            parts.append({**part, "text": waiting})
            waiting = None
    if waiting is not None:
        parts.insert(0, {"type": "text", "text": waiting})
    return {**found, "content": parts}


def with_fields(fields: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a message given in place of another one, which keeps its role and the calls it makes or answers.

    Raises:
        ContentError: it makes other calls.
    """
    found = {**given, "role": fields["role"]}
    if fields.get("tool_call_id") is not None:
        found["tool_call_id"] = fields["tool_call_id"]
    if not found.get("tool_calls") and fields.get("tool_calls"):
        found["tool_calls"] = fields["tool_calls"]
    if call_ids(found) != call_ids(fields):
        raise ContentError("a message in a conflict keeps its tool calls; the answer makes others")
    return found


def same_json(one: object, other: object) -> bool:
    """Tell whether two JSON values are the same, in which 1, 1.0 and true are three."""
    return one is other or (one == other and encode(one) == encode(other))


def _public(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if key != PRIVATE_KEY}


def _merge_keys(
    base: Mapping[str, Any], ours: Mapping[str, Any], theirs: Mapping[str, Any], favour: Favour | None
) -> dict[str, Any]:
    found = {}
    for key in dict.fromkeys([*ours, *theirs]):
        values = (base.get(key, _ABSENT), ours.get(key, _ABSENT), theirs.get(key, _ABSENT))
        merged = _merge_value(*values, _Manner(key, favour))
        if merged is not _ABSENT:
            found[key] = merged
    return found


def _merge_value(base: Any, ours: Any, theirs: Any, manner: _Manner) -> Any:
    if _same(ours, theirs) or _same(base, theirs):
        return ours
    if _same(base, ours):
        return theirs
    values = (base, ours, theirs)
    if all(isinstance(value, dict) for value in values):
        return _merge_keys(base, ours, theirs, manner.favour)
    if all(isinstance(value, list) for value in values):
        return _merge_lists(base, ours, theirs, manner)
    if isinstance(ours, str) and isinstance(theirs, str):
        return _merge_strings(base, ours, theirs, manner)
    return _favoured(ours, manner)


def _same(one: Any, other: Any) -> bool:
    if one is _ABSENT or other is _ABSENT:
        return one is other
    return same_json(one, other)


def _merge_strings(base: Any, ours: str, theirs: str, manner: _Manner) -> str:
    merged = merge_text(base, ours, theirs) if isinstance(base, str) else None
    if merged is not None:
        return merged
    if manner.favour == "union" and manner.key in _TEXT_KEYS:
        return union_text(base if isinstance(base, str) else "", ours, theirs)
    return str(_favoured(ours, manner))


def _favoured(ours: Any, manner: _Manner) -> Any:
    if manner.favour == "ours":
        return ours
    raise _ClashError


def _merge_lists(base: list[Any], ours: list[Any], theirs: list[Any], manner: _Manner) -> list[Any]:
    """Merge lists as texts are merged by lines, an item in a line's place, then items that both sides changed."""
    tokens = [[encode(item).decode("utf-8", "surrogatepass") for item in items] for items in (base, ours, theirs)]
    items = dict(zip((token for side in tokens for token in side), [*base, *ours, *theirs], strict=True))
    found: list[Any] = []
    for region in regions(*tokens):
        if region.settled is not None:
            found += [items[token] for token in region.settled]
        else:
            old, our_items, their_items = ([items[token] for token in side] for side in region[1:])
            found += _merge_items(old, our_items, their_items, manner)
    return found


def _merge_items(base: list[Any], ours: list[Any], theirs: list[Any], manner: _Manner) -> list[Any]:
    length = len(base)
    both_grew = min(len(ours), len(theirs)) > length
    if both_grew or min(len(ours), len(theirs)) < length:
        return list(_favoured(ours, manner))
    merged = [_merge_value(*values, manner) for values in zip(base, ours[:length], theirs[:length], strict=True)]
    return merged + ours[length:] + theirs[length:]
