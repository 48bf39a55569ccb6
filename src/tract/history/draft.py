"""A merge in the making: both sides' messages in order, what they have become, and what is still to be asked."""

from collections.abc import Iterable, Mapping
from typing import Any

from tract.history.fold_view import FoldView
from tract.model.changes import MARKS, Mark
from tract.model.context import Context, Entry, GrowingList
from tract.model.messages import Blob


class Draft:
    """Both sides' messages in merged order, of which some have become something else than on either side.

    The list given as `order` is never changed.
    """

    def __init__(self, ours: Context, theirs: Context, order: list[Entry]) -> None:
        self.ours = ours
        self.theirs = theirs
        self.order = order
        self.became: dict[str, Entry] = {}
        self.config: dict[str, Any] = {}
        self.seen: dict[str, Mapping[str, str]] = {}
        self.blobs: dict[str, Blob] = {}
        self._folds: FoldView | None = None

    @property
    def folds(self) -> FoldView:
        """What the summaries stand for."""
        if self._folds is None:
            entries: Iterable[Entry] = self.entries() if self.seen else ()
            self._folds = FoldView(entries, self.seen, self.find)
        return self._folds

    def find(self, message_id: str) -> Entry | None:
        """Return a message as it is now, or None."""
        return self.became.get(message_id) or self.ours.find(message_id) or self.theirs.find(message_id)

    def get(self, message_id: str) -> Entry:
        """Return a message that is there, as it is now."""
        found = self.find(message_id)
        assert found is not None, "conflicts are about messages of either side"
        return found

    def head(self, message_id: str) -> Entry:
        """Return the entry that carries the mark of a message's exchange."""
        entry = self.get(message_id)
        return entry if entry.answers is None else self.get(entry.answers)

    def entries(self) -> list[Entry]:
        """Return all entries as they are now."""
        became = self.became
        if not became:
            return self.order
        return [became.get(entry.message_id, entry) for entry in self.order]

    def put(self, entry: Entry) -> None:
        """Let a message be something else."""
        self.became[entry.message_id] = entry

    def write(self, message_id: str, blob_id: str) -> None:
        """Let a message say something else."""
        self.put(self.get(message_id)._replace(blob_id=blob_id))

    def mark(self, message_id: str, mark: Mark) -> None:
        """Mark the exchange of a message."""
        self.put(self.head(message_id)._replace(mark=mark))

    def fold(self, unit: str, summary: str | None) -> None:
        """Let a summary stand for a unit, or (None) show it again."""
        self.folds.fold(unit, summary)
        self.put(self.get(unit)._replace(folded_into=summary))

    def expand(self, summaries: Iterable[str]) -> None:
        """Show again all that summaries stand for."""
        for summary in summaries:
            for unit in list(self.folds.under.get(summary, ())):
                self.fold(unit, None)

    def refresh(self, summary: str) -> None:
        """Let a summary count as made from what it stands for now."""
        self.seen[summary] = self.folds.told_now(summary)

    def insert_behind(self, unit: str, entries: list[Entry]) -> None:
        """Put results behind the last entry of their exchange."""
        place = next(place for place, entry in enumerate(self.order) if entry.message_id == unit) + 1
        while place < len(self.order) and self.order[place].answers == unit:
            place += 1
        self.order = [*self.order[:place], *entries, *self.order[place:]]
        self.became.update((entry.message_id, entry) for entry in entries)

    def finished(self) -> Context:
        """Return the context; of a summary that stands for nothing it keeps what our side says that it tells."""
        seen: Mapping[str, Mapping[str, str]] = self.ours.seen
        if self.seen:
            under = self.folds.under
            seen = {key: told for key, told in self.seen.items() if key in under}
            seen |= {key: told for key, told in self.ours.seen.items() if key not in under}
        return Context(GrowingList(self.entries()), self.config, seen)


def stronger(one: Mark, other: Mark) -> Mark:
    """Return the stronger of two marks."""
    return max(one, other, key=MARKS.index)
