"""Where a change names messages that the context it is replayed on does not have."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from tract.history.delta import Delta, find_delta
from tract.history.fold_view import FoldView
from tract.history.registers import leave_for
from tract.model.conflicts import Conflict, ConflictKind, SideBlobs
from tract.model.context import Context, Entry, GrowingList


@dataclass(frozen=True)
class Lack:
    """What one change lacks: what it is about, and the messages that would have to come along for it.

    `units` are the exchanges, and `summaries` the new summaries, that are left out otherwise.
    """

    conflict: Conflict
    brought: frozenset[str]
    units: frozenset[str]
    summaries: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Narrowing:
    """Both ends of a change, as they are seen from a context that lacks some of their messages.

    `foreign`: the change brought in what another history had, so what is there already may say something else.
    """

    before: Context
    after: Context
    onto: Context
    foreign: bool = False
    delta: Delta = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "delta", find_delta(self.before, self.after))

    def lacks(self) -> list[Lack]:
        """Return what the change names and the context lacks, in the order of the change's own context."""
        found = [*self._lacking_calls(), *self._lacking_messages(), *self._lacking_in_summaries()]
        return sorted(found, key=lambda lack: self.after.position(lack.conflict.key) or 0)

    def ends(self, left_out: Iterable[Lack], brought: Iterable[Lack]) -> tuple[Context, Context]:
        """Return the change's two ends without what the context lacks, but for what is brought along."""
        dropped = {summary for lack in left_out for summary in lack.summaries}
        held = {unit for lack in left_out for unit in lack.units}
        come = {message_id for lack in brought for message_id in lack.brought}
        old = _Folds(self.before, self._stands)
        new = _Folds(self.after, lambda key: key not in dropped and (self._stands(key) or self._comes(key, come)))
        base: dict[str, Entry] = {}
        theirs: dict[str, Entry] = {}
        for entry in self.before.entries:
            if self._stands(entry.message_id):
                base[entry.message_id] = old.seen_from_there(entry)
        for entry in self.after.entries:
            key = entry.message_id
            if key in dropped or not (self._stands(key) or self._comes(key, come)):
                continue
            theirs[key] = base[key] if entry.unit in held and key in base else new.seen_from_there(entry)
        for key in [key for key in theirs if key not in base and self._is_there_already(theirs[key])]:
            base[key] = theirs[key]
        return self._base_of(base, theirs), _context(theirs.values(), self.after)

    def _stands(self, message_id: str) -> bool:
        return self.onto.position(message_id) is not None

    def _comes(self, message_id: str, brought: set[str]) -> bool:
        """Tell whether a message comes with the change: its own, with the call that it answers, or brought along."""
        added = self.delta.added.get(message_id)
        if added is None:
            return message_id in brought
        return added.answers is None or self._stands(added.answers) or self._comes(added.answers, brought)

    def _is_there_already(self, entry: Entry) -> bool:
        """Tell whether what the context has of a message that the change adds is left as it is.

        It is a later state of the same message, but for another result of a call, and what another history made of it.
        """
        found = self.onto.find(entry.message_id)
        if found is None:
            return False
        return found.blob_id == entry.blob_id or not (self.foreign or entry.role == "tool")

    def _base_of(self, base: Mapping[str, Entry], theirs: Mapping[str, Entry]) -> Context:
        """Return the earlier end, what is there already standing where the later end has it."""
        behind: dict[str | None, list[Entry]] = {}
        anchor = None
        for key in theirs:
            if key in base and self.before.position(key) is not None:
                anchor = key
            elif key in base:
                behind.setdefault(anchor, []).append(base[key])
        entries = list(behind.get(None, ()))
        for entry in self.before.entries:
            if entry.message_id in base:
                entries.append(base[entry.message_id])
                entries += behind.get(entry.message_id, ())
        return _context(entries, self.before)

    def _lacking_calls(self) -> Iterator[Lack]:
        """Yield the results whose call is not there."""
        results: dict[str, list[Entry]] = {}
        for entry in self.delta.added.values():
            call = entry.answers
            if call is not None and call not in self.delta.added and not self._stands(call):
                results.setdefault(call, []).append(entry)
        for call, entries in results.items():
            ids = tuple(entry.message_id for entry in entries)
            told = self._told("missing_call", call, ids, SideBlobs(self._blob(call), None, entries[0].blob_id))
            yield Lack(told, self._whole([call]), frozenset([call]))

    def _lacking_messages(self) -> Iterator[Lack]:
        """Yield the messages that are not there and that the change edits, shows or raises."""
        for old, new in self.delta.changed.values():
            head = self.after.head(new)
            if head.mark == "skipped":
                continue
            lacking = [new.message_id] if old.blob_id != new.blob_id and not self._stands(new.message_id) else []
            if old.mark != new.mark:
                lacking += self._absent([new.unit])
            if lacking:
                is_text = old.blob_id != new.blob_id and new.role != "tool" and lacking == [new.message_id]
                blobs = SideBlobs(old.blob_id, None, new.blob_id)
                told = self._told("missing_message", new.message_id, tuple(lacking), blobs, takes_text=is_text)
                yield Lack(told, self._whole([new.unit]), frozenset([new.unit]))

    def _lacking_in_summaries(self) -> Iterator[Lack]:
        """Yield the summaries that the change makes of messages that are not there; what hangs together is one."""
        old = _Folds(self.before, self._stands)
        new = _Folds(self.after, lambda key: self._stands(key) or key in self.delta.added)
        under: dict[str, list[str]] = {}
        for unit in self._refolded():
            above = new.above(unit)
            if above and old.above(unit) != above:
                under.setdefault(above[-1], []).append(unit)
        for summary, units in under.items():
            lacking = self._absent(units)
            if lacking:
                made = {above for unit in units for above in new.above(unit) if above in self.delta.added}
                blobs = SideBlobs(None, None, self._blob(summary))
                told = self._told("missing_message", summary, tuple(lacking), blobs)
                yield Lack(told, self._whole(units), frozenset(units), frozenset(made))

    def _refolded(self) -> Iterator[str]:
        """Yield the units whose summary the change may have changed; of a missing summary, what lies under it."""
        view: FoldView | None = None
        for old, new in self.delta.changed.values():
            if old.folded_into != new.folded_into:
                if new.summary and not self._stands(new.message_id):
                    view = view or FoldView.of(self.after)
                    yield from (leaf.message_id for leaf in view.leaves(new.message_id))
                else:
                    yield new.message_id

    def _absent(self, units: Iterable[str]) -> list[str]:
        """Return the members of exchanges, as they were before the change, that are not there."""
        members = (entry.message_id for unit in units for entry in self.before.exchange(unit))
        return [message_id for message_id in members if not self._stands(message_id)]

    def _whole(self, units: Iterable[str]) -> frozenset[str]:
        """Return the messages of exchanges, and of a summary all that it stands for."""
        found: set[str] = set()
        waiting = list(units)
        view: FoldView | None = None
        while waiting:
            members = self.after.exchange(waiting.pop())
            found.update(entry.message_id for entry in members)
            if members and members[0].summary:
                view = view or FoldView.of(self.after)
                waiting += [unit for unit in view.under.get(members[0].message_id, ()) if unit not in found]
        return frozenset(found)

    def _blob(self, message_id: str) -> str | None:
        entry = self.after.find(message_id)
        return None if entry is None else entry.blob_id

    def _told(
        self, kind: ConflictKind, key: str, lacking: tuple[str, ...], blobs: SideBlobs, *, takes_text: bool = False
    ) -> Conflict:
        old, new = self.before.find(key), self.after.find(key)
        assert new is not None, "a change is about what its own context has"
        return Conflict(
            kind,
            key,
            None if old is None else [old.blob_id, old.mark],
            None,
            [new.blob_id, new.mark, sorted(lacking), blobs.theirs],
            tuple(dict.fromkeys((key, *lacking))),
            blobs,
            takes_text=takes_text,
            needs_leave="tool_result" if kind == "missing_call" else leave_for(new.role),
        )


class _Folds:
    """The summaries of a context, those that are not there left out: what they stood for, the ones above stand for."""

    def __init__(self, context: Context, is_there: Callable[[str], bool]) -> None:
        self._context = context
        self._is_there = is_there

    def above(self, unit: str) -> list[str]:
        """Return the summaries above a unit that are there, the outermost last."""
        found: list[str] = []
        entry = self._context.find(unit)
        while entry is not None and entry.folded_into is not None:
            if self._is_there(entry.folded_into):
                found.append(entry.folded_into)
            entry = self._context.find(entry.folded_into)
        return found

    def seen_from_there(self, entry: Entry) -> Entry:
        """Return an entry as it looks without the summaries that are not there."""
        if entry.folded_into is None:
            return entry
        above = self.above(entry.message_id)
        return entry if above[:1] == [entry.folded_into] else entry._replace(folded_into=above[0] if above else None)


def _context(entries: Iterable[Entry], like: Context) -> Context:
    kept = GrowingList(entries)
    ids = {entry.message_id for entry in kept if entry.summary} if like.seen else set()
    return Context(kept, like.config, {key: told for key, told in like.seen.items() if key in ids})
