"""The three-way merge of contexts: what comes out, and what has to be asked."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from tract.history.virtual_base import Load, MergeBase
from tract.model.conflicts import Answer, Conflict, Notice
from tract.model.context import Context
from tract.model.messages import Blob

Review = Literal["system", "strict", "off"]
"""When replies under a message that the other side edited or skipped are asked about; `system`: pinned ones too."""


@dataclass(frozen=True)
class MergePlan:
    """What a merge comes to.

    `context` is provisional while there are `conflicts`. `new_blobs` are the messages that merging texts made, by
    id; they are to be stored with the merge.
    """

    context: Context
    conflicts: tuple[Conflict, ...]
    notices: tuple[Notice, ...]
    new_blobs: Mapping[str, Blob]


@dataclass(frozen=True)
class Settled:
    """A plan with answers applied; `context` may be committed once there are no `open_conflicts`.

    `open_conflicts` may hold conflicts that the plan did not have, which an answer brought up.
    """

    context: Context
    open_conflicts: tuple[Conflict, ...]
    notices: tuple[Notice, ...]
    new_blobs: Mapping[str, Blob]


def plan_merge(
    base: Context | MergeBase, ours: Context, theirs: Context, *, load: Load, review: Review = "system"
) -> MergePlan:
    """Return the merge of two contexts; it depends on the three contexts alone.

    `load` is asked for what `contested_blobs` names, and for nothing else.
    """
    raise NotImplementedError


def contested_blobs(base: Context | MergeBase, ours: Context, theirs: Context) -> list[str]:
    """Return the ids of the blobs that planning this merge will load, so that they can be read at once."""
    raise NotImplementedError


def settle(plan: MergePlan, answers: Mapping[str, Answer]) -> Settled:
    """Return a plan with answers applied, by conflict id; answers to other conflicts are ignored.

    Raises:
        ContentError: an answer does not fit its conflict, or makes no valid message.
    """
    raise NotImplementedError
