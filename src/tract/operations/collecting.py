"""Collecting garbage: what no ref and no young operation reaches, in any tract of the store, is deleted."""

import re
from datetime import UTC, datetime, timedelta

from tract.exceptions import ContentError
from tract.model.encoding import encode, object_id, shown
from tract.model.refs import HORIZON, INCOMING
from tract.operations.repo import Repo
from tract.protocols import Garbage, NewRecord, RefMove

Duration = timedelta | float | str
"""A time span: a `timedelta`, seconds, or a text such as `2w`, `14d`, `36h`, `90m` or `0s`."""

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_SPAN = re.compile(r"(\d{1,9})([smhdw])")


def gc(repo: Repo, keep: Duration, *, dry_run: bool) -> Garbage:
    """Delete what nothing reaches, and return it; with `dry_run` it is only returned.

    Before anything is deleted, the store is told up to which time its logs may name what is gone.

    Raises:
        ContentError: `keep` is no time span.
        ConcurrentMoveError: somebody else began to collect at the same moment.
    """
    repo.refuse_in_batch("gc")
    before = _earlier(repo.now(), read_duration(keep))
    if not dry_run:
        records, moves = _horizon(repo, before)
        repo.store.publish(records, [*moves, *_broken_off(repo, before)], repo.operation("gc"))
    found = repo.store.collect(before, dry_run=dry_run)
    if not dry_run:
        repo.caches.contexts.forget(found.commits)
        repo.caches.fields.forget(found.messages)
    return found


def read_duration(given: object) -> timedelta:
    """Return a time span.

    Raises:
        ContentError: it is none, or negative.
    """
    try:
        if isinstance(given, str):
            found = _SPAN.fullmatch(given.strip())
            if found is not None:
                return timedelta(seconds=int(found[1]) * _UNITS[found[2]])
        elif isinstance(given, timedelta):
            if given >= timedelta():
                return given
        elif isinstance(given, int | float) and not isinstance(given, bool) and given >= 0:
            return timedelta(seconds=given)
    except (OverflowError, ValueError):
        pass
    raise ContentError(f"a time span is a timedelta, seconds, or a text like '14d', not {shown(given)}")


def _broken_off(repo: Repo, before: datetime) -> list[RefMove]:
    """Return the moves that let go of transfers, into any tract, that stored nothing since a time."""
    moves: list[RefMove] = []
    for name in repo.store.tracts():
        with repo.store.sibling(name) as store:
            for ref, target in store.refs(INCOMING).items():
                last = store.moves(ref, limit=1)
                if last and last[0].operation.created_at < before:
                    moves.append(RefMove(ref, target, None, name))
    return moves


def _earlier(moment: datetime, span: timedelta) -> datetime:
    try:
        return moment - span
    except OverflowError:
        return datetime.min.replace(tzinfo=UTC)


def _horizon(repo: Repo, before: datetime) -> tuple[list[NewRecord], list[RefMove]]:
    """Return what publishes that logs may name what is gone, if it was done before a time."""
    payload = encode({"kind": "gc", "before": before.isoformat()}, sort_keys=False)
    record = NewRecord(object_id("record", payload), payload)
    old = repo.store.find_ref(HORIZON)
    return ([record], [RefMove(HORIZON, old, record.id)]) if old != record.id else ([], [])
