"""The base of a merge that has several best ones: they are merged first, in memory."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from tract.history.graph import Lookup
from tract.model.context import Context
from tract.model.messages import Blob

Register = Literal["content", "mark", "fold", "config"]
Load = Callable[[str], Mapping[str, Any]]
"""Gives the fields of a message by its blob id."""


@dataclass(frozen=True)
class MergeBase:
    """What both sides of a merge started from.

    `disputed` are the registers, (register, message id or key), whose value in a virtual base is equal to nothing;
    `blobs` are the messages that merging the bases made, which no store has.
    """

    context: Context = field(default_factory=Context)
    disputed: frozenset[tuple[Register, str]] = frozenset()
    blobs: Mapping[str, Blob] = field(default_factory=dict)


def virtual_base(
    base_ids: Sequence[str], *, lookup: Lookup, context_of: Callable[[str], Context], load: Load
) -> MergeBase:
    """Return the merge of several best common ancestors, in order of id; of one the context itself, of none nothing.

    `context_of` gives a commit's context; it is asked once per commit.
    """
    raise NotImplementedError
