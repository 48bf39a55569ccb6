"""Canonical bytes and the ids made from them: compact UTF-8 JSON, hashed behind a kind prefix.

Source: content addressing as git does it (a kind, then the bytes), with JSON for bytes.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tract.exceptions import ContentError, CorruptionError

ID_LENGTH = 64
_DEEPEST = 256
_TOGETHER = 256
_SHOWN_CHARACTERS = 80
_LEAVES = frozenset((str, int, float, bool, type(None)))

_SORTED = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), sort_keys=True)
_AS_GIVEN = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def encode(value: object, *, sort_keys: bool = True) -> bytes:
    """Return a JSON value as compact UTF-8; lone surrogates survive as their own three bytes.

    Raises:
        ContentError: the value is not JSON: NaN or infinite numbers, keys that are no text, foreign objects,
            integers of more digits than Python reads back, or nesting of more than 256 levels.
    """
    try:
        text = (_SORTED if sort_keys else _AS_GIVEN).encode(value)
        check_json(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise ContentError(f"not a JSON value: {error}") from error
    return text.encode("utf-8", "surrogatepass")


def encode_own(value: object) -> bytes:
    """Return JSON that our own code built of checked values; `encode` without the check."""
    return _SORTED.encode(value).encode("utf-8", "surrogatepass")


def decode(payload: bytes) -> Any:
    """Return the JSON value of bytes that `encode` made.

    Raises:
        CorruptionError: the bytes are no JSON.
    """
    try:
        return json.loads(payload.decode("utf-8", "surrogatepass"))
    except (ValueError, RecursionError) as error:
        raise CorruptionError(f"stored bytes are not JSON: {error}") from error


def decode_all(payloads: Sequence[bytes]) -> Iterator[Any]:
    """Yield the JSON value of each payload; many are read at once, which takes half the time of one by one.

    Raises:
        CorruptionError: one of them is no JSON.
    """
    for start in range(0, len(payloads), _TOGETHER):
        some = payloads[start : start + _TOGETHER]
        try:
            found = json.loads(b"".join((b"[", b",".join(some), b"]")).decode("utf-8", "surrogatepass"))
        except (ValueError, RecursionError):
            found = []
        yield from found if len(found) == len(some) else map(decode, some)


def object_id(kind: str, payload: bytes) -> str:
    """Return the id of an object: 64 hex digits, SHA-256 of its kind, a zero byte and its bytes."""
    return hashlib.sha256(kind.encode() + b"\0" + payload).hexdigest()


def value_id(kind: str, value: object) -> str:
    """Return the id of a JSON value, whatever the order of its keys."""
    return object_id(kind, encode(value))


def live_message_id(operation_id: str, position: int) -> str:
    """Return the id of a message said now: known before the write, and unchanged by a lost race."""
    return object_id("live", f'["{operation_id}",{position}]'.encode())


def imported_message_id(previous_id: str | None, message: Mapping[str, Any]) -> str:
    """Return the id of an imported message: the same for the same conversation, or a longer one, in any store."""
    return value_id("imported", [previous_id, message])


def result_message_id(assistant_id: str, call_id: str, ordinal: int = 0) -> str:
    """Return the id of a tool result, so that two branches answering one call meet.

    `ordinal` counts calls of one assistant message that share a call id.
    """
    named = [assistant_id, call_id, ordinal] if ordinal else [assistant_id, call_id]
    return object_id("result", encode_own(named))


def check_json(value: object) -> None:
    """Raise where a value would not come back as it is: TypeError for a tuple or a key that is no text, ValueError
    for nesting so deep that reading it back could exhaust Python's stack. The value must have no cycle.
    """
    level = [value]
    for _ in range(_DEEPEST):
        inner: list[object] = []
        for item in level:
            if isinstance(item, dict):
                for key in item:
                    if type(key) is not str:
                        raise TypeError(f"key {shown(key)} is not text")
                inner.extend(item.values())
            elif isinstance(item, list):
                inner.extend(item)
            elif isinstance(item, tuple):
                raise TypeError("a tuple is no JSON value; give a list")
        if not inner:
            return
        level = inner
    raise ValueError(f"nested deeper than {_DEEPEST} levels")


def same_json(one: object, other: object) -> bool:
    """Tell whether two JSON values are the same; 1, 1.0 and true are equal to Python and differ here."""
    return one == other and encode_own(one) == encode_own(other)


def is_leaf(value: object) -> bool:
    """Tell whether a JSON value is a text, number, boolean or null of Python's own kinds."""
    return value.__class__ in _LEAVES


def shown(value: object) -> str:
    """Return a value from outside as an error shows it: what is short as it is written, of any other its kind."""
    if isinstance(value, str):
        return repr(value if len(value) <= _SHOWN_CHARACTERS else value[:_SHOWN_CHARACTERS] + "...")
    if isinstance(value, bool | float | None) or (isinstance(value, int) and value.bit_length() <= 64):
        return repr(value)
    return f"a value of type {type(value).__name__}"
