"""What the verbs are held against: a plain list of messages with marks, summaries and settings."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tract import Tract
from tract.model.messages import text_of
from tract.operations.load import load_context_at, load_fields

Shown = list[tuple[str, str, str]]
"""What a model sees: id, role and text of each message."""


@dataclass(frozen=True)
class Plain:
    """A context in the plainest way: exchanges of message ids in order, and what is so of each.

    The first id of an exchange names it; `marks` and `folded` (into which summary) are by that name.
    """

    units: tuple[tuple[str, ...], ...] = ()
    said: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    marks: Mapping[str, str] = field(default_factory=dict)
    folded: Mapping[str, str] = field(default_factory=dict)
    summaries: frozenset[str] = frozenset()
    config: Mapping[str, Any] = field(default_factory=dict)

    @property
    def ids(self) -> tuple[str, ...]:
        """All message ids, hidden ones too."""
        return tuple(message_id for unit in self.units for message_id in unit)

    def unit_of(self, message_id: str) -> tuple[str, ...]:
        """Return the exchange that a message belongs to."""
        return next(unit for unit in self.units if message_id in unit)

    def is_shown(self, unit: tuple[str, ...]) -> bool:
        """Tell whether a model sees an exchange."""
        name = unit[0]
        stands_for_nothing = name in self.summaries and name not in self.folded.values()
        return self.marks.get(name) != "skipped" and name not in self.folded and not stands_for_nothing

    def shown_units(self) -> list[tuple[str, ...]]:
        """Return the exchanges that a model sees."""
        return [unit for unit in self.units if self.is_shown(unit)]

    def shown(self) -> Shown:
        """Return what a model sees."""
        return [(key, *self.said[key]) for unit in self.shown_units() for key in unit]

    def saying(self, role: str, text: str, message_id: str) -> "Plain":
        """Return this with a message at the end."""
        return replace(self, units=(*self.units, (message_id,)), said={**self.said, message_id: (role, text)})

    def asking(self, message_id: str, *result_ids: str) -> "Plain":
        """Return this with an exchange at the end whose results all say `found`."""
        said = {message_id: ("assistant", ""), **dict.fromkeys(result_ids, ("tool", "found"))}
        return replace(self, units=(*self.units, (message_id, *result_ids)), said={**self.said, **said})

    def answered(self, name: str, message_id: str, text: str) -> "Plain":
        """Return this with a result more in an exchange."""
        units = tuple((*unit, message_id) if unit[0] == name else unit for unit in self.units)
        return replace(self, units=units, said={**self.said, message_id: ("tool", text)})

    def edited(self, message_id: str, text: str) -> "Plain":
        """Return this with other words for a message."""
        return replace(self, said={**self.said, message_id: (self.said[message_id][0], text)})

    def marked(self, message_id: str, mark: str) -> "Plain":
        """Return this with another mark for an exchange."""
        return replace(self, marks={**self.marks, self.unit_of(message_id)[0]: mark})

    def configured(self, key: str, value: object) -> "Plain":
        """Return this with another setting; None unsets."""
        others = {name: old for name, old in self.config.items() if name != key}
        return replace(self, config=others if value is None else {**others, key: value})

    def may_fold(self, unit: tuple[str, ...], *, calls: Mapping[str, int]) -> bool:
        """Tell whether a summary may stand for an exchange: a whole one, neither pinned nor a system message."""
        whole = len(unit) > calls.get(unit[0], 0)
        return whole and self.marks.get(unit[0]) != "pinned" and self.said[unit[0]][0] != "system"

    def compressed(self, names: Iterable[str], summary_id: str, text: str) -> "Plain":
        """Return this with a summary where the first of some exchanges stands."""
        chosen = set(names)
        units: list[tuple[str, ...]] = []
        for unit in self.units:
            if unit[0] in chosen and (summary_id,) not in units:
                units.append((summary_id,))
            units.append(unit)
        return replace(
            self,
            units=tuple(units),
            said={**self.said, summary_id: ("user", text)},
            folded={**self.folded, **dict.fromkeys(chosen, summary_id)},
            summaries=self.summaries | {summary_id},
        )

    def expanded(self, summary_id: str) -> "Plain":
        """Return this with what a summary stands for in its place."""
        return replace(self, folded={name: into for name, into in self.folded.items() if into != summary_id})


def read_plain(t: Tract, commit_id: str) -> Plain:
    """Read what stands at a commit."""
    context = load_context_at(t._repo, commit_id)
    fields = load_fields(t._repo, sorted({entry.blob_id for entry in context.entries}))
    units: list[tuple[str, ...]] = []
    for entry in context.entries:
        if entry.answers is None:
            units.append((entry.message_id,))
        else:
            assert units[-1][0] == entry.answers, "a result stands right behind its call"
            units[-1] = (*units[-1], entry.message_id)
    return Plain(
        tuple(units),
        {entry.message_id: (entry.role, text_of(fields[entry.blob_id])) for entry in context.entries},
        {entry.message_id: entry.mark for entry in context.entries if entry.mark != "normal"},
        {entry.message_id: entry.folded_into for entry in context.entries if entry.folded_into is not None},
        frozenset(entry.message_id for entry in context.entries if entry.summary),
        dict(context.config),
    )


def shown_by(t: Tract, revision: str | None = None) -> Shown:
    """Return what a model sees of a tract at a revision."""
    compiled = t.compile(revision, budget=10**9)
    return [
        (key, message.role, message.text) for key, message in zip(compiled.message_ids, compiled.messages, strict=True)
    ]


def names(units: Iterable[tuple[str, ...]]) -> set[str]:
    """Return the names of exchanges."""
    return {unit[0] for unit in units}


def with_summaries(message_ids: set[str], *contexts: Plain) -> set[str]:
    """Return messages with all that stands in one exchange or under one summary with any of them."""
    found = set(message_ids)
    pairs = {pair for plain in contexts for pair in plain.folded.items()}
    pairs |= {(unit[0], key) for plain in contexts for unit in plain.units for key in unit[1:]}
    while more := {key for pair in pairs if set(pair) & found for key in pair} - found:
        found |= more
    return found


def lost_or_doubled(
    before: Plain, other: Plain, after: Plain, asked: set[str], removed: set[str], *, whole: bool
) -> list[str]:
    """Return what a verb that joins two contexts did to messages that nobody asked it to.

    `asked` are what conflicts were about, `removed` what the verb was meant to take away. `whole`: all that the other
    side has is to come in, not one commit's work alone.
    """
    ours, theirs, now = names(before.shown_units()), names(other.shown_units()), names(after.shown_units())
    faults = [f"{key} is there twice" for key in {key for key in after.ids if after.ids.count(key) > 1}]
    faults += [f"{key} was hidden on both sides, and is shown" for key in now - ours - theirs - asked]
    kept = (ours & theirs) | (ours - set(other.ids)) | (theirs - set(before.ids) if whole else set())
    faults += [f"{key} was shown, and is lost" for key in kept - now - asked - removed]
    had = {*before.ids, *other.ids} if whole else set(before.ids)
    faults += [f"{key} is gone" for key in had - set(after.ids) - removed]
    return faults + [f"{key} is of nobody" for key in set(after.ids) - {*before.ids, *other.ids} - asked]
