"""What each message and each key became, three-way: the part of a merge that looks at one thing at a time."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tract.history.delta import Delta, find_delta
from tract.history.draft import stronger
from tract.history.merge_base import DISPUTED, Load, MergeBase, Register
from tract.history.message_merge import merge_message, same_json
from tract.model.changes import MARKS
from tract.model.conflicts import SIDES, Conflict, Leave, SideBlobs
from tract.model.context import Context, Entry
from tract.model.messages import INSTRUCTION_ROLES, Blob, text_of

Versions = tuple[Entry | None, Entry, Entry]
"""One message in the base (None: not there), on our side and on theirs."""


@dataclass(frozen=True)
class Sides:
    """Three states to be merged, and what the base became on either side."""

    base: MergeBase
    ours: MergeBase
    theirs: MergeBase
    our_delta: Delta
    their_delta: Delta

    @classmethod
    def of(cls, base: MergeBase, ours: MergeBase, theirs: MergeBase) -> "Sides":
        """Return three states with their differences."""
        return cls(
            base,
            ours,
            theirs,
            find_delta(base.context, ours.context),
            find_delta(base.context, theirs.context),
        )

    def touched(self) -> Iterator[tuple[str, Versions]]:
        """Yield the messages that both sides have and that are not the same in all three states."""
        ours, theirs = self.our_delta, self.their_delta
        for message_id, (old, our) in ours.changed.items():
            yield message_id, (old, our, theirs.changed[message_id][1] if message_id in theirs.changed else old)
        for message_id, (old, their) in theirs.changed.items():
            if message_id not in ours.changed:
                yield message_id, (old, old, their)
        for message_id, our in ours.added.items():
            if message_id in theirs.added:
                yield message_id, (None, our, theirs.added[message_id])
        for message_id in self._disputed_only():
            found = [state.context.find(message_id) for state in (self.base, self.ours, self.theirs)]
            if found[1] is not None and found[2] is not None:
                yield message_id, (found[0], found[1], found[2])

    def values(self, register: Register, key: str, found: Iterable[Any]) -> tuple[Any, Any, Any]:
        """Return a register's three values, those in dispute replaced by one that is equal to nothing."""
        base, ours, theirs = (
            DISPUTED if (register, key) in state.disputed else value
            for state, value in zip((self.base, self.ours, self.theirs), found, strict=True)
        )
        return base, ours, theirs

    def _disputed_only(self) -> list[str]:
        states = (self.base, self.ours, self.theirs)
        ids = {key for state in states for register, key in state.disputed if register != "config"}
        both_added = self.our_delta.added.keys() & self.their_delta.added.keys()
        return sorted(ids - self.our_delta.changed.keys() - self.their_delta.changed.keys() - both_added)


@dataclass
class Registers:
    """The merged values of what is touched, the conflicts among them, and which summaries have to be chosen."""

    became: dict[str, Entry] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)
    seen: dict[str, Mapping[str, str]] = field(default_factory=dict)
    conflicts: list[Conflict] = field(default_factory=list)
    disputed: set[tuple[Register, str]] = field(default_factory=set)
    rivals: list[set[str]] = field(default_factory=list)
    blobs: dict[str, Blob] = field(default_factory=dict)


def merge_registers(sides: Sides, load: Load) -> Registers:
    """Return what became of everything that both sides have."""
    found = Registers()
    for message_id, versions in sides.touched():
        merged = _Merged(sides, message_id, versions)
        blob_id = _merge_content(merged, load, found)
        _, ours, theirs = versions
        mark, folded_into = ours.mark, ours.folded_into
        if ours.answers is None:
            mark = _merge_mark(merged, found)
            folded_into = _merge_fold(merged, found)
        entry = ours._replace(blob_id=blob_id, mark=mark, folded_into=folded_into)
        found.became[message_id] = ours if entry == ours else theirs if entry == theirs else entry
    _merge_config(sides, found)
    found.seen = _merge_seen(sides.base.context, sides.ours.context, sides.theirs.context)
    return found


def contested(sides: Sides) -> list[str]:
    """Return the ids of the blobs that merging the registers loads."""
    found: list[str] = []
    for message_id, versions in sides.touched():
        values = sides.values("content", message_id, _blob_ids(versions))
        if three_way(*values) is None:
            found += [value for value in values if isinstance(value, str)]
    return list(dict.fromkeys(found))


def three_way(base: Any, ours: Any, theirs: Any) -> tuple[Any] | None:
    """Return the one value of a register; None if both sides changed it, each in its own way."""
    if ours == theirs or theirs == base:
        return (ours,)
    return (theirs,) if ours == base else None


def leave_for(role: str) -> Leave | None:
    """Return the leave that a model needs to settle what a message of this role says or whether it shows."""
    if role in INSTRUCTION_ROLES:
        return "system"
    return "tool_result" if role == "tool" else None


@dataclass(frozen=True)
class _Merged:
    """One message on its way through the merge."""

    sides: Sides
    message_id: str
    versions: Versions

    def values(self, register: Register, found: Iterable[Any]) -> tuple[Any, Any, Any]:
        return self.sides.values(register, self.message_id, found)


def _blob_ids(versions: Versions) -> list[str | None]:
    return [None if version is None else version.blob_id for version in versions]


def _merge_content(merged: _Merged, load: Load, found: Registers) -> str:
    _, our_entry, their_entry = merged.versions
    base, ours, theirs = values = merged.values("content", _blob_ids(merged.versions))
    settled = three_way(*values)
    if settled is None and ours is not DISPUTED and theirs is not DISPUTED:
        blob = merge_message(load(base), load(ours), load(theirs)) if isinstance(base, str) else None
        if blob is not None:
            found.blobs[blob.id] = blob
            return blob.id
        found.conflicts.append(_content_conflict(merged, values, load))
    if settled is None or settled[0] is DISPUTED:
        found.disputed.add(("content", merged.message_id))
        return our_entry.blob_id
    return our_entry.blob_id if settled[0] == our_entry.blob_id else their_entry.blob_id


def _content_conflict(merged: _Merged, values: tuple[Any, Any, Any], load: Load) -> Conflict:
    base, ours, theirs = values
    base = None if base is DISPUTED else base
    role = merged.versions[1].role
    return Conflict(
        "tool_result" if role == "tool" else "both_edit",
        merged.message_id,
        base,
        ours,
        theirs,
        (merged.message_id,),
        SideBlobs(base, ours, theirs),
        takes_text=text_of(load(ours)) != text_of(load(theirs)),
        needs_leave=leave_for(role),
    )


def _merge_mark(merged: _Merged, found: Registers) -> Any:
    _, our_entry, their_entry = merged.versions
    marks = [None if version is None else version.mark for version in merged.versions]
    base, ours, theirs = merged.values("mark", marks)
    settled = three_way(base, ours, theirs)
    if settled is not None and settled[0] is not DISPUTED:
        return settled[0]
    if ours is DISPUTED or theirs is DISPUTED:
        found.disputed.add(("mark", merged.message_id))
    elif "skipped" in (ours, theirs):
        found.disputed.add(("mark", merged.message_id))
        found.conflicts.append(_mark_conflict(merged, base, ours, theirs))
    return stronger(our_entry.mark, their_entry.mark)


def _mark_conflict(merged: _Merged, base: Any, ours: Any, theirs: Any) -> Conflict:
    our_entry = merged.versions[1]
    shown = [None if entry is None or entry.mark == "skipped" else entry.blob_id for entry in merged.versions]
    return Conflict(
        "mark",
        merged.message_id,
        None if base is DISPUTED else base,
        ours,
        theirs,
        (merged.message_id,),
        SideBlobs(*shown),
        (*SIDES, *sorted((ours, theirs), key=MARKS.index)),
        needs_leave=leave_for(our_entry.role),
    )


def _merge_fold(merged: _Merged, found: Registers) -> Any:
    _, our_entry, _ = merged.versions
    folds = [None if version is None else version.folded_into for version in merged.versions]
    base, ours, theirs = merged.values("fold", folds)
    settled = three_way(base, ours, theirs)
    if settled is not None and settled[0] is not DISPUTED:
        return settled[0]
    found.disputed.add(("fold", merged.message_id))
    found.rivals.append({value for value in (base, ours, theirs) if isinstance(value, str)})
    return our_entry.folded_into


def _merge_config(sides: Sides, found: Registers) -> None:
    base, ours, theirs = (state.context.config for state in (sides.base, sides.ours, sides.theirs))
    found.config = dict(ours)
    for key in sorted({*ours, *theirs}) if ours is not theirs or sides.base.disputed else ():
        values = sides.values("config", key, (base.get(key), ours.get(key), theirs.get(key)))
        old, our, their = values
        if same_value(our, their) or same_value(old, their):
            chosen = our
        elif same_value(old, our):
            chosen = their
        else:
            chosen = DISPUTED
            if our is not DISPUTED and their is not DISPUTED:
                found.conflicts.append(Conflict("config", key, None if old is DISPUTED else old, our, their))
        if chosen is DISPUTED:
            found.disputed.add(("config", key))
        elif chosen is None:
            found.config.pop(key, None)
        else:
            found.config[key] = chosen


def same_value(one: Any, other: Any) -> bool:
    """Tell whether two values of a key are the same; one in dispute is the same as none."""
    return one is not DISPUTED and other is not DISPUTED and same_json(one, other)


def _merge_seen(base: Context, ours: Context, theirs: Context) -> dict[str, Mapping[str, str]]:
    """Return what each summary tells; where both sides made it anew, only what they agree on."""
    found = {**theirs.seen, **ours.seen}
    for summary in ours.seen.keys() & theirs.seen.keys():
        old, our, their = base.seen.get(summary, {}), ours.seen[summary], theirs.seen[summary]
        settled = three_way(old, our, their)
        if settled is not None:
            found[summary] = settled[0]
            continue
        told = {key: three_way(old.get(key), our.get(key), their.get(key)) for key in {**our, **their}}
        found[summary] = {key: value[0] for key, value in told.items() if value is not None and value[0] is not None}
    return found
