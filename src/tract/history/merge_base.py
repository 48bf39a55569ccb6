"""What the sides of a merge started from, and its values that are in dispute."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from tract.model.context import Context
from tract.model.messages import Blob

Register = Literal["content", "mark", "fold", "config"]
Load = Callable[[str], Mapping[str, Any]]
"""Gives the fields of a message by its blob id."""


@dataclass(frozen=True)
class MergeBase:
    """What both sides of a merge started from; where bases are merged first, a side is one too.

    `disputed` are the registers, (register, message id or key), whose value in a virtual base is equal to nothing;
    `blobs` are the messages that merging the bases made, which no store has.
    """

    context: Context = field(default_factory=Context)
    disputed: frozenset[tuple[Register, str]] = frozenset()
    blobs: Mapping[str, Blob] = field(default_factory=dict)


class _Disputed:
    """A value that is equal to nothing, itself included, so that whatever meets it is asked again."""

    def __eq__(self, other: object) -> bool:
        return False

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return "DISPUTED"


DISPUTED: Any = _Disputed()
