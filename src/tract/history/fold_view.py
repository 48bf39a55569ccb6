"""What a context's summaries stand for, and what they tell that is no longer so."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Literal, NamedTuple

from tract.history.fold import result_ids
from tract.model.context import Context, Entry

IssueKind = Literal["changed", "late", "skipped", "twice"]


class Issue(NamedTuple):
    """Something wrong with a visible summary: the message concerned, what it says now, and what the summary tells.

    It tells a message that was edited (`changed`) or is shown beside it (`twice`), or stands for one that was skipped
    (`skipped`) or that it does not tell (`late`).
    """

    kind: IssueKind
    message_id: str
    now: str | None = None
    told: str | None = None


class FoldView:
    """The summaries of a context that may still change: what each unit is folded into, and what lies under each."""

    def __init__(
        self,
        entries: Iterable[Entry],
        seen: Mapping[str, Mapping[str, str]],
        find: Callable[[str], Entry | None],
    ) -> None:
        self.into: dict[str, str] = {}
        self.under: dict[str, dict[str, None]] = {}
        self.seen = seen
        self._find = find
        for entry in entries:
            if entry.folded_into is not None:
                self.fold(entry.message_id, entry.folded_into)

    @classmethod
    def of(cls, context: Context) -> "FoldView":
        """Return the view of a context."""
        return cls(context.entries if context.seen else (), context.seen, context.find)

    def fold(self, unit: str, summary: str | None) -> None:
        """Let a summary stand for a unit, or (None) nothing."""
        old = self.into.pop(unit, None)
        if old is not None:
            del self.under[old][unit]
            if not self.under[old]:
                del self.under[old]
        if summary is not None:
            self.into[unit] = summary
            self.under.setdefault(summary, {})[unit] = None

    def head(self, message_id: str) -> Entry | None:
        """Return the entry that carries the mark of a message's exchange."""
        entry = self._find(message_id)
        return entry if entry is None or entry.answers is None else self._find(entry.answers)

    def is_visible(self, unit: str) -> bool:
        """Tell whether a model sees the unit."""
        entry = self._find(unit)
        if entry is None or entry.mark == "skipped" or unit in self.into:
            return False
        return not entry.summary or unit in self.under

    def above(self, unit: str) -> list[str]:
        """Return the summaries that stand for a unit, the outermost last; of a circle each one once."""
        found: list[str] = []
        while unit in self.into and self.into[unit] not in found:
            unit = self.into[unit]
            found.append(unit)
        return found

    def top(self, unit: str) -> str:
        """Return the outermost summary that stands for a unit, or the unit itself."""
        return [unit, *self.above(unit)][-1]

    def below(self, summary: str) -> Iterator[str]:
        """Yield all that lies under a summary, at any depth."""
        waiting = list(self.under.get(summary, ()))
        passed = {summary}
        while waiting:
            unit = waiting.pop()
            if unit not in passed:
                passed.add(unit)
                yield unit
                waiting.extend(self.under.get(unit, ()))

    def leaves(self, summary: str) -> Iterator[Entry]:
        """Yield the heads of the exchanges under a summary that are no summaries themselves."""
        for unit in self.below(summary):
            entry = self._find(unit)
            if entry is not None and not entry.summary:
                yield entry

    def told_now(self, summary: str) -> dict[str, str]:
        """Return what the summary would tell if it were made now: message id to blob id."""
        found = {}
        for leaf in self.leaves(summary):
            for message_id in (leaf.message_id, *(result_ids(leaf) if leaf.calls else ())):
                entry = self._find(message_id)
                if entry is not None:
                    found[message_id] = entry.blob_id
        return found

    def issues(self, summary: str, shaky: frozenset[str] = frozenset()) -> set[Issue]:
        """Return what is wrong with a summary; what `shaky` messages say is not settled, so they count as changed."""
        told, found = self.seen.get(summary, {}), set()
        for message_id, blob_id in told.items():
            entry, head = self._find(message_id), self.head(message_id)
            if entry is None or head is None:
                continue
            if message_id in shaky:
                found.add(Issue("changed", message_id, None, blob_id))
            elif entry.blob_id != blob_id:
                found.add(Issue("changed", message_id, entry.blob_id, blob_id))
            top = self.top(head.message_id)
            if top != summary and head.mark != "pinned" and self.is_visible(top):
                found.add(Issue("twice", head.message_id))
        for message_id, blob_id in self.told_now(summary).items():
            if message_id not in told:
                found.add(Issue("late", message_id, blob_id))
        for unit in self.below(summary):
            entry = self._find(unit)
            if entry is not None and entry.mark == "skipped":
                found.add(Issue("skipped", unit))
        return found
