"""Copies of JSON values that a caller may change, made without recursion."""

from collections.abc import Iterable, Mapping
from typing import Any

from tract.model.messages import PRIVATE_KEY


def own_copy(value: Any) -> Any:
    """Return a JSON value that shares no list and no object with the one given, however deep it goes."""
    holder: list[Any] = [value]
    waiting: list[Any] = [holder]
    while waiting:
        item = waiting.pop()
        # Only values of keys that are there are set, so iterating meanwhile is safe.
        for key, inner in item.items() if type(item) is dict else enumerate(item):
            if isinstance(inner, dict):
                item[key] = own = dict(inner)
                waiting.append(own)
            elif isinstance(inner, list):
                item[key] = copied = list(inner)
                waiting.append(copied)
    return holder[0]


def own_messages(messages: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return checked messages as a caller's own dicts, without tract's private key.

    A message of nothing but a role and text, by far the most usual, costs one shallow copy.
    """
    return [
        dict(fields) if len(fields) == 2 and fields.get("content").__class__ is str else own_fields(fields)
        for fields in messages
    ]


def own_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return a message's fields as a caller's own dict, without tract's private key."""
    for value in fields.values():
        kind = value.__class__
        if kind is list or kind is dict:
            break
    else:
        return dict(fields)
    copied: dict[str, Any] = own_copy({key: value for key, value in fields.items() if key != PRIVATE_KEY})
    return copied
