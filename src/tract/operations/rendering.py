"""What a context's visible messages are and cost, made from an earlier rendering where they are the same."""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from tract.model.context import Context, Entry, GrowingList
from tract.operations.load import load_fields
from tract.operations.repo import Rendering, Repo
from tract.protocols import TokenCount

_SLICE = 4096


@dataclass(frozen=True, slots=True)
class Overhead:
    """How a configuration's model counts, and what a prompt to it costs beside its messages: reply and tools."""

    encoding: str
    tokens: int
    exact: bool


def overhead_of(repo: Repo, config: Mapping[str, Any]) -> Overhead:
    """Return what a configuration costs."""
    model = config.get("model")
    encoding = repo.counter.encoding_for(model)
    tools = config.get("tools")
    counted = repo.counter.count_tools(tools, encoding.name) if tools else TokenCount(0, True)
    return Overhead(encoding.name, counted.tokens + repo.counter.reply_tokens(model), encoding.exact and counted.exact)


def encoding_of(repo: Repo, config: Mapping[str, Any]) -> str:
    """Return the name of the encoding that a configuration's model is counted in."""
    return repo.counter.encoding_for(config.get("model")).name


def load_counts(repo: Repo, fields: Mapping[str, Mapping[str, Any]], encoding: str) -> dict[str, TokenCount]:
    """Return token counts parallel to these blobs; counts that nobody kept are made, and kept for the next reader."""
    cached = repo.caches.counts.get_many([(blob_id, encoding) for blob_id in fields])
    found = {blob_id: count for (blob_id, _), count in cached.items()}
    unknown = [blob_id for blob_id in fields if blob_id not in found]
    if unknown:
        kept = repo.store.token_counts(unknown, encoding)
        made = {
            blob_id: repo.counter.count_message(fields[blob_id], encoding) for blob_id in unknown if blob_id not in kept
        }
        if made:
            repo.store.save_token_counts(encoding, made)
        new = kept | made
        repo.caches.counts.put_many({(blob_id, encoding): count for blob_id, count in new.items()})
        found.update(new)
    return found


def render(repo: Repo, context: Context) -> Rendering:
    """Return what a model would be sent of a context, and what it costs.

    Work follows what is new since a rendering that is at hand: appends extend it and share its lists, a change in the
    middle is spliced in. At most two statements, and one more that keeps new counts.
    """
    encoding = encoding_of(repo, context.config)
    renderings = [found for found in repo.caches.renderings.newest() if found.encoding == encoding]
    grown = [found for found in renderings if _is_beginning(found.context, context)]
    if grown:
        rendering = _extended(repo, max(grown, key=lambda found: len(found.context.entries)), context)
    elif renderings:
        rendering = _spliced(repo, renderings[0], context)
    else:
        rendering = _extended(repo, _nothing(encoding), context)
    repo.caches.renderings.put((id(context), encoding), rendering)
    return rendering


def _nothing(encoding: str) -> Rendering:
    return Rendering(Context(), encoding, GrowingList(), GrowingList(), GrowingList(), GrowingList(), GrowingList(), 0)


def _is_beginning(older: Context, context: Context) -> bool:
    """Tell whether a context is another one that only appends have followed."""
    return older.entries.shares(context.entries) and len(older.entries) <= len(context.entries)


def _extended(repo: Repo, base: Rendering, context: Context) -> Rendering:
    start = len(base.context.entries)
    part = _render_part(repo, context, range(start, len(context.entries)), base.encoding)
    return Rendering(
        context,
        base.encoding,
        base.places.extended(part.places),
        base.fields.extended(part.fields),
        base.message_ids.extended(part.message_ids),
        base.token_counts.extended(part.token_counts),
        base.inexact.extended(part.inexact),
        base.tokens + sum(part.token_counts),
    )


def _spliced(repo: Repo, base: Rendering, context: Context) -> Rendering:
    """Render the part of a context that another rendering's does not have, between what is the same in both."""
    changed = find_changed(base.context, context)
    first, last = (bisect_left(base.places, place) for place in (changed.start, changed.old_stop))
    part = _render_part(repo, context, range(changed.start, changed.new_stop), base.encoding)
    # What goes away is not read: it may be another branch's, and collected since.
    return Rendering(
        context,
        base.encoding,
        _moved(base.places, changed, part.places),
        GrowingList([*base.fields[:first], *part.fields, *base.fields[last:]]),
        GrowingList([*base.message_ids[:first], *part.message_ids, *base.message_ids[last:]]),
        GrowingList([*base.token_counts[:first], *part.token_counts, *base.token_counts[last:]]),
        _moved(base.inexact, changed, part.inexact),
        base.tokens - sum(base.token_counts[first:last]) + sum(part.token_counts),
    )


def _moved(places: GrowingList[int], changed: "Changed", new: Sequence[int]) -> GrowingList[int]:
    """Return places with those of the changed part replaced, and those behind it moved on."""
    first, last = (bisect_left(places, place) for place in (changed.start, changed.old_stop))
    shift = changed.new_stop - changed.old_stop
    return GrowingList([*places[:first], *new, *[place + shift for place in places[last:]]])


class Changed(NamedTuple):
    """Where two contexts differ: from one place on, up to a place in the older and one in the newer."""

    start: int
    old_stop: int
    new_stop: int


def find_changed(older: Context, newer: Context) -> Changed:
    """Return the narrowest span outside which two contexts show the same messages in the same order."""
    old, new = older.entries, newer.entries
    head = _same(zip(_slices(old), _slices(new), strict=False))
    tail = min(
        _same(zip(_slices(old, back=True), _slices(new, back=True), strict=False)), min(len(old), len(new)) - head
    )
    # A summary is shown or not by what lies under it, wherever that stands.
    for summary in older.covering ^ newer.covering:
        for context in (older, newer):
            place = context.position(summary)
            if place is not None:
                head, tail = min(head, place), min(tail, len(context.entries) - place - 1)
    while tail and new[len(new) - tail].answers is not None:
        tail -= 1  # A result's mark is its assistant message's, which stands in the part that changed.
    return Changed(head, len(old) - tail, len(new) - tail)


def visible_tokens(repo: Repo, context: Context, span: range, encoding: str) -> list[TokenCount]:
    """Return what each visible message in a span of a context costs; at most two statements, and one that keeps."""
    entries = context.entries[span.start : span.stop]
    return _count(repo, [entry for entry in entries if context.is_visible(entry)], encoding)


def _slices(entries: Sequence[Entry], *, back: bool = False) -> Iterator[list[Entry]]:
    """Yield a context's entries in slices that compare in C, from the beginning or from the end, then nothing."""
    whole = entries[:]
    if back:
        whole = whole[::-1]
    for start in range(0, len(whole) + 1, _SLICE):
        yield list(whole[start : start + _SLICE])


def _same(pairs: Iterator[tuple[list[Entry], list[Entry]]]) -> int:
    """Return how many entries are the same before the first that is not."""
    passed = 0
    for one, other in pairs:
        if one != other:
            return passed + next(
                (place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b),
                min(len(one), len(other)),
            )
        passed += len(one)
    return passed


@dataclass(frozen=True, slots=True)
class _Part:
    """The rendering of some of a context's entries: parallel lists of the visible ones, and the places of estimates."""

    places: list[int]
    fields: list[dict[str, Any]]
    message_ids: list[str]
    token_counts: list[int]
    inexact: list[int]


def _render_part(repo: Repo, context: Context, span: range, encoding: str) -> _Part:
    entries = context.entries[span.start : span.stop]
    places = [place for place, entry in zip(span, entries, strict=True) if context.is_visible(entry)]
    visible = [entries[place - span.start] for place in places] if len(places) < len(entries) else entries
    blob_ids = [entry.blob_id for entry in visible]
    fields = load_fields(repo, blob_ids)
    counts = load_counts(repo, fields, encoding)
    counted = [counts[blob_id] for blob_id in blob_ids]
    return _Part(
        places,
        [fields[blob_id] for blob_id in blob_ids],
        [entry.message_id for entry in visible],
        [tokens for tokens, _ in counted],
        [place for place, (_, exact) in zip(places, counted, strict=True) if not exact],
    )


def _count(repo: Repo, entries: Sequence[Entry], encoding: str) -> list[TokenCount]:
    counts = load_counts(repo, load_fields(repo, [entry.blob_id for entry in entries]), encoding)
    return [counts[entry.blob_id] for entry in entries]
