"""The commits that branches were last seen to stand at, so that a tip that did not move is not read again."""

from collections.abc import Sequence
from typing import NamedTuple

from tract.protocols import NewCommit, NewObject, RefMove, StoredCommit

_LIMIT = 16


class KnownTip(NamedTuple):
    """A commit as a store returns it, and the bytes of its id."""

    key: bytes
    stored: StoredCommit


class KnownTips:
    """The last tip seen of each of a few refs: what a commit is never changes, only whether a ref still names it.

    Safe to share between threads: an entry is replaced whole, and what is missing is read.
    """

    def __init__(self) -> None:
        self._tips: dict[str, KnownTip] = {}

    def get(self, ref: str) -> KnownTip | None:
        """Return the last tip seen of a ref."""
        return self._tips.get(ref)

    def keep(self, ref: str, stored: StoredCommit) -> None:
        """Note where a ref was seen to stand."""
        if len(self._tips) >= _LIMIT and ref not in self._tips:
            self._tips.clear()
        self._tips[ref] = KnownTip(bytes.fromhex(stored.commit.id), stored)

    def follow(self, objects: Sequence[NewObject], moves: Sequence[RefMove]) -> None:
        """Note where refs stand now that were moved by one commit ahead."""
        new = objects[-1] if objects else None
        if not isinstance(new, NewCommit) or len(new.commit.parents) != 1:
            return
        for move in moves:
            before = self._tips.get(move.name)
            if (
                move.tract is not None
                or before is None
                or move.new != new.commit.id
                or before.stored.commit.id != new.commit.parents[0]
            ):
                continue
            self.keep(move.name, StoredCommit(new.commit, before.stored.generation + 1, new.facts))
