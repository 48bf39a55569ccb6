"""The difference between two contexts."""

from bisect import bisect_left
from collections.abc import Callable, Mapping
from typing import Any

from tract.history.rising import longest_rise
from tract.model.context import Context, Entry
from tract.model.encoding import same_json
from tract.model.messages import Message
from tract.model.results import Diff, FoldDiff, MarkDiff, MessageDiff


def changed_blobs(before: Context, after: Context) -> list[str]:
    """Return the ids of the blobs that `diff_contexts` will ask for."""
    found: list[str] = []
    for old, new in _pairs(before, after):
        if old is None or new is None or old.blob_id != new.blob_id:
            found.extend(entry.blob_id for entry in (old, new) if entry is not None)
    return found


def diff_contexts(before: Context, after: Context, load: Callable[[str], Message]) -> Diff:
    """Return what is different from one context to another; `load` gives a blob's message."""
    added: list[MessageDiff] = []
    removed: list[MessageDiff] = []
    edited: list[MessageDiff] = []
    marked: list[MarkDiff] = []
    folded: list[FoldDiff] = []
    for old, new in _pairs(before, after):
        message_id = (new or old).message_id  # type: ignore[union-attr]
        if old is None or new is None or old.blob_id != new.blob_id:
            change = MessageDiff(message_id, old and load(old.blob_id), new and load(new.blob_id))
            (added if old is None else removed if new is None else edited).append(change)
        if new is not None:
            was = old or Entry(message_id, "", new.role)
            if was.mark != new.mark:
                marked.append(MarkDiff(message_id, was.mark, new.mark))
            if was.folded_into != new.folded_into:
                folded.append(FoldDiff(message_id, was.folded_into, new.folded_into))
    return Diff(
        tuple(added),
        tuple(removed),
        tuple(edited),
        tuple(marked),
        tuple(_moved(before, after)),
        tuple(folded),
        _configured(before.config, after.config),
    )


def _pairs(before: Context, after: Context) -> list[tuple[Entry | None, Entry | None]]:
    start = _common_start(before, after)
    found: list[tuple[Entry | None, Entry | None]] = []
    for new in after.entries[start:]:
        old = before.find(new.message_id)
        if old is not new:
            found.append((old, new))
    found.extend((old, None) for old in before.entries[start:] if after.position(old.message_id) is None)
    return found


def _common_start(before: Context, after: Context) -> int:
    shorter = min(len(before.entries), len(after.entries))
    if after.entries.shares(before.entries):
        return shorter
    one, other = before.entries[:], after.entries[:]
    return bisect_left(range(shorter), True, key=lambda stop: one[: stop + 1] != other[: stop + 1])


def _moved(before: Context, after: Context) -> list[str]:
    """Return the fewest common messages whose moving turns the one order into the other."""
    start = _common_start(before, after)
    common = [entry.message_id for entry in after.entries[start:] if before.position(entry.message_id) is not None]
    places = [before.positions[message_id] for message_id in common]
    stays = set(longest_rise(places))
    return [message_id for index, message_id in enumerate(common) if index not in stays]


def _configured(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    keys = sorted({*before, *after})
    return {key: (before.get(key), after.get(key)) for key in keys if not same_json(before.get(key), after.get(key))}
