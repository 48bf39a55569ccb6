"""Conflicts about summaries, with values that follow from the two sides alone, so that their ids last."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tract.history.fold_view import FoldView
from tract.model.conflicts import SIDES, UNFOLD, Conflict, SideBlobs
from tract.model.context import Context

_CHOICES = (*SIDES, UNFOLD)


@dataclass(frozen=True)
class FoldSides:
    """Both sides of a merge, ours first, and what their summaries stand for."""

    contexts: tuple[Context, Context]
    views: tuple[FoldView, FoldView]

    @classmethod
    def of(cls, ours: Context, theirs: Context) -> "FoldSides":
        """Return two contexts with their views."""
        return cls((ours, theirs), (FoldView.of(ours), FoldView.of(theirs)))

    def showing(self, summary: str) -> list[str]:
        """Return the sides that show a summary, so that choosing one of them keeps it as it is."""
        return [side for side, view in zip(SIDES, self.views, strict=True) if view.is_visible(summary)]

    def shown_blob(self, side: int, summary: str) -> str | None:
        """Return what a side shows of a summary, or None."""
        return self.blob(side, summary) if self.views[side].is_visible(summary) else None

    def blob(self, side: int, message_id: str) -> str | None:
        """Return what a message says on a side, or None."""
        entry = self.contexts[side].find(message_id)
        return None if entry is None else entry.blob_id

    def mark(self, side: int, unit: str) -> str | None:
        """Return how a unit is marked on a side, or None."""
        entry = self.contexts[side].find(unit)
        return None if entry is None else entry.mark


def overlap_conflict(sides: FoldSides, component: frozenset[str]) -> Conflict:
    """Return the conflict of summaries that can only be chosen together."""
    values: list[dict[str, Any]] = []
    blobs: list[str | None] = []
    for side, view in enumerate(sides.views):
        standing = [summary for summary in sorted(component) if summary in view.under]
        values.append({summary: [sides.blob(side, summary), sorted(view.under[summary])] for summary in standing})
        shown = [sides.shown_blob(side, summary) for summary in standing]
        blobs.append(next((blob for blob in shown if blob is not None), None))
    ids = tuple(sorted(component))
    return Conflict(
        "fold_overlap",
        ids[0],
        list(ids),
        values[0],
        values[1],
        message_ids=ids,
        blobs=SideBlobs(None, blobs[0], blobs[1]),
        choices=_CHOICES,
    )


def edit_conflict(sides: FoldSides, summary: str, members: Sequence[str], told: Mapping[str, str]) -> Conflict:
    """Return the conflict of a summary with changes of what it stands for; `told` is what it was made from."""
    ids = sorted({*told, *members})
    ours, theirs = ({key: sides.blob(side, key) for key in ids} for side in range(2))
    differing = [key for key in ids if ours[key] != theirs[key]]
    our_blob, their_blob = (sides.shown_blob(side, summary) for side in range(2))
    return Conflict(
        "fold_vs_edit",
        summary,
        None,
        [our_blob, {key: ours[key] for key in differing}],
        [their_blob, {key: theirs[key] for key in differing}],
        message_ids=(summary, *members),
        blobs=SideBlobs(told.get(members[0]), our_blob or ours[members[0]], their_blob or theirs[members[0]]),
        choices=_CHOICES,
        takes_text=True,
    )


def skip_conflict(sides: FoldSides, summary: str, members: Sequence[str], told: Mapping[str, str]) -> Conflict:
    """Return the conflict of a summary with skips of what it stands for; `told` is what it was made from."""
    ids = sorted({*told, *members})
    ours, theirs = ({key: sides.mark(side, key) for key in ids} for side in range(2))
    differing = [key for key in ids if ours[key] != theirs[key]]
    our_blob, their_blob = (sides.shown_blob(side, summary) for side in range(2))
    return Conflict(
        "fold_vs_skip",
        summary,
        None,
        [our_blob, {key: ours[key] for key in differing}],
        [their_blob, {key: theirs[key] for key in differing}],
        message_ids=(summary, *members),
        blobs=SideBlobs(None, our_blob, their_blob),
        choices=_CHOICES,
        takes_text=True,
        needs_leave="fold_vs_skip",
    )
