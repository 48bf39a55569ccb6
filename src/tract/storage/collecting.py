"""Collecting garbage: what nothing reaches is found without a lock, and deleted in short transactions.

Commits go first, the newest before their parents, and messages and records after them, so whatever is left at any
moment is whole. Each transaction keeps writers out, looks what refs were moved since the last one, and spares what
those reach: so an object that is published again in the meantime stays. Objects that no ref names yet are not safe:
whoever publishes in several steps lets a ref follow.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial

from tract.model.changes import Fold
from tract.model.commits import Commit, named_blobs
from tract.model.refs import INCOMING
from tract.protocols import Garbage
from tract.storage import statements
from tract.storage.database import Database
from tract.storage.ids import ID_BYTES
from tract.storage.rows import Parameters, Row, commit_of, readable, text_bytes
from tract.storage.schema import RECORD_KIND, TRACT_MOVES
from tract.storage.statements import Statements, write
from tract.storage.writing import Transaction, empty_index

Read = Callable[[str, Parameters], list[Row]]
_PAGE = 1000
_BATCH = 200
"""How many objects a transaction deletes at most."""

_LAST_MOVES = f"""
SELECT t.row_id, (SELECT max(m.number) FROM moves m
    WHERE m.number > t.row_id * {TRACT_MOVES} AND m.number < (t.row_id + 1) * {TRACT_MOVES})
FROM tracts t"""
_FIRST_YOUNG = "SELECT min(number) FROM moves WHERE created_at >= :before AND number > :low AND number < :high"
_MOVES = """
SELECT number, old, new FROM moves WHERE number > :after AND number < :high ORDER BY number LIMIT :limit"""
_TARGETS = "SELECT DISTINCT target FROM refs WHERE name < :low OR name >= :high"
_LAST_BLOB = "SELECT coalesce(max(row_id), 0) FROM blobs"
_RECORDS = f"""
SELECT row_id, id, payload FROM blobs WHERE kind = {RECORD_KIND} AND row_id > :after ORDER BY row_id LIMIT :limit"""
_NODES = "SELECT place, id, parent FROM commits WHERE place > :after ORDER BY place LIMIT :limit"
_PARENTS = "SELECT child, parent FROM parents"
_COMMITS = """
SELECT place, id, generation, payload FROM commits WHERE place > :after ORDER BY place LIMIT :limit"""
_BLOBS = """
SELECT row_id, id, kind, length(payload) FROM blobs
WHERE row_id > :after AND row_id <= :last ORDER BY row_id LIMIT :limit"""
_BY_ID = "SELECT place, id, parent, payload FROM commits WHERE id = :id"
_BY_PLACE = "SELECT place, id, parent, payload FROM commits WHERE place = :place"
_OTHERS = "SELECT parent FROM parents WHERE child = :place"

_DELETE_COMMIT = write("DELETE FROM commits WHERE place = :place AND id = :id", "place", "id")
_DELETE_PARENTS = write("DELETE FROM parents WHERE child = :place", "place")
_DELETE_BLOB = write("DELETE FROM blobs WHERE row_id = :row AND id = :id", "row", "id")
_DELETE_COUNTS = write("DELETE FROM token_counts WHERE blob = :row", "row")

_HEX_ID = re.compile(rb'"([0-9a-f]{64})"')


def find_containing(database: Database, kind: str, texts: Sequence[bytes]) -> dict[str, bytes]:
    """Return the commits or records in which one of several byte strings occurs, id to bytes."""
    table = "SELECT place, id, payload FROM commits WHERE place > :after ORDER BY place LIMIT :limit"
    return {
        key.hex(): payload
        for _, key, payload in pages(database, table if kind == "commit" else _RECORDS, -(2**62))
        if any(text in payload for text in texts)
    }


def collect(database: Database, before_microseconds: int, *, dry_run: bool) -> Garbage:
    """Return what no ref and no move since a time reaches, and delete it unless it is only asked about."""
    collector = _Collector(database)
    commits, blobs = collector.find(before_microseconds)
    if not dry_run:
        commits = collector.delete_commits(commits)
        blobs = collector.delete_blobs(blobs)
    return Garbage(
        tuple(key.hex() for _, _, key, _ in commits),
        tuple(key.hex() for _, key, kind, _ in blobs if kind != RECORD_KIND),
        tuple(key.hex() for _, key, kind, _ in blobs if kind == RECORD_KIND),
        sum(size for *_, size in commits) + sum(size for *_, size in blobs),
    )


class _Collector:
    """What is reached, as far as it is known: the places of commits, and the ids of other objects."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._places: set[int] = set()
        self._kept: set[bytes] = set()
        self._seen: dict[int, int] = {}

    def find(self, before: int) -> tuple[list[Row], list[Row]]:
        """Return the commits that nothing reaches, tips first, and then the messages and records."""
        last_blob = self._database.transact(self._begin)
        # What a transfer's own ref names is young, or the transfer broke off.
        incoming = {"low": text_bytes(INCOMING), "high": text_bytes(INCOMING[:-1] + "0")}
        roots = {row[0] for row in self._database.read(_TARGETS, incoming) if len(row[0]) == ID_BYTES}
        for tract, last in self._seen.items():
            bounds = {"low": tract * TRACT_MOVES, "high": last + 1}
            first = self._database.read(_FIRST_YOUNG, {**bounds, "before": before})[0][0]
            if first is not None:
                roots.update(self._named_by_moves(self._database.read, first - 1, last))
        roots.update(self._named_by_records(roots))
        self._kept.update(roots)
        self._mark(roots)
        garbage = sorted(self._unreached(), key=lambda row: row[1], reverse=True)
        blobs = [row for row in pages(self._database, _BLOBS, 0, {"last": last_blob}) if row[1] not in self._kept]
        return garbage, blobs

    def delete_commits(self, rows: list[Row]) -> list[Row]:
        """Delete commits, but those that are reached by now, and return what was deleted."""
        acts = (partial(self._delete_commits, batch) for batch in _batches(rows))
        return [row for act in acts for row in self._database.transact(act)]

    def delete_blobs(self, rows: list[Row]) -> list[Row]:
        """Delete messages and records, but those that are reached by now, and return what was deleted."""
        acts = (partial(self._delete_blobs, batch) for batch in _batches(rows))
        return [row for act in acts for row in self._database.transact(act)]

    def _begin(self, transaction: Transaction) -> int:
        """Note how far the logs and the messages go at a moment when nobody writes."""
        keep_writers_out(transaction, self._database.statements)
        self._seen = _last_moves(transaction)
        last: int = transaction.read(_LAST_BLOB, {})[0][0]
        return last

    def _named_by_moves(self, read: Read, after: int, last: int) -> set[bytes]:
        """Return the objects that a tract's moves behind one, up to another, went from or to."""
        found: set[bytes] = set()
        while rows := read(_MOVES, {"after": after, "high": last + 1, "limit": _PAGE}):
            after = rows[-1][0]
            found.update(key for _, *keys in rows for key in keys if key is not None and len(key) == ID_BYTES)
        return found

    def _named_by_records(self, roots: Iterable[bytes]) -> set[bytes]:
        """Return all that the records among the roots tell of: what looks like an id may be one."""
        named = {key: _ids_in(payload) for _, key, payload in pages(self._database, _RECORDS, 0)}
        found: set[bytes] = set()
        waiting = list(roots)
        while waiting:
            fresh = named.pop(waiting.pop(), set()) - found
            found |= fresh
            waiting.extend(fresh)
        return found

    def _mark(self, roots: set[bytes]) -> None:
        """Reach all ancestors of the commits among the roots."""
        parents: dict[int, int | None] = {}
        waiting: list[int] = []
        for place, key, parent in pages(self._database, _NODES, -1):
            parents[place] = parent
            if key in roots:
                waiting.append(place)
        others: dict[int, list[int]] = {}
        for child, parent in self._database.read(_PARENTS, {}):
            others.setdefault(child, []).append(parent)
        while waiting:
            place = waiting.pop()
            if place not in self._places:
                self._places.add(place)
                first = parents.get(place)
                waiting.extend(others.get(place, ()) if first is None else (first, *others.get(place, ())))

    def _unreached(self) -> Iterator[Row]:
        """Yield the commits that are not reached, as (place, generation, id, size); keep what the others name."""
        for place, key, generation, payload in pages(self._database, _COMMITS, -1):
            if place in self._places:
                self._keep(commit_of(key, payload))
            else:
                yield place, generation, key, len(payload)

    def _keep(self, commit: Commit) -> None:
        self._kept.update(map(bytes.fromhex, named_blobs(commit.changes)))
        for change in commit.changes:
            if isinstance(change, Fold) and change.seen is not None:
                self._kept.update(map(bytes.fromhex, change.seen.values()))

    def _delete_commits(self, batch: list[Row], transaction: Transaction) -> list[Row]:
        self._catch_up(transaction)
        doomed = [row for row in batch if row[0] not in self._places]
        if doomed:
            transaction.write(_DELETE_COMMIT, [(place, key) for place, _, key, _ in doomed])
            transaction.write(_DELETE_PARENTS, [(place,) for place, *_ in doomed])
            empty_index(transaction, self._database.statements)
        return doomed

    def _delete_blobs(self, batch: list[Row], transaction: Transaction) -> list[Row]:
        self._catch_up(transaction)
        doomed = [row for row in batch if row[1] not in self._kept]
        if doomed:
            transaction.write(_DELETE_BLOB, [(row_id, key) for row_id, key, *_ in doomed])
            transaction.write(_DELETE_COUNTS, [(row_id,) for row_id, *_ in doomed])
            empty_index(transaction, self._database.statements)
        return doomed

    def _catch_up(self, transaction: Transaction) -> None:
        """Keep writers out until the transaction ends, and reach what was named since the last time."""
        keep_writers_out(transaction, self._database.statements)
        last_moves = _last_moves(transaction)
        for tract, last in last_moves.items():
            seen = self._seen.get(tract, tract * TRACT_MOVES)
            if last > seen:
                named = self._named_by_moves(transaction.read, seen, last)
                for key in tuple(named):
                    for (payload,) in transaction.read(statements.FIND_RECORD, {"id": key}):
                        named |= _ids_in(payload)
                self._kept |= named
                self._reach(transaction, named)
        self._seen = last_moves

    def _reach(self, transaction: Transaction, named: Iterable[bytes]) -> None:
        """Reach the commits named, and their ancestors as far as they were not reached before."""
        waiting = [row for key in named for row in transaction.read(_BY_ID, {"id": key})]
        while waiting:
            place, key, parent, payload = waiting.pop()
            if place in self._places:
                continue
            self._places.add(place)
            self._keep(commit_of(key, payload))
            others = [row[0] for row in transaction.read(_OTHERS, {"place": place})]
            for above in others if parent is None else (parent, *others):
                if above not in self._places:
                    waiting.extend(transaction.read(_BY_PLACE, {"place": above}))


def pages(database: Database, sql: str, after: int, more: Mapping[str, int] | None = None) -> Iterator[Row]:
    """Yield a table's rows, a page at a time; the first column is the key that the statement goes on from."""
    with readable():
        while rows := database.read(sql, {**(more or {}), "after": after, "limit": _PAGE}):
            yield from rows
            after = rows[-1][0]


def _ids_in(payload: bytes) -> set[bytes]:
    """Return what in a record's JSON looks like ids."""
    return {bytes.fromhex(text.decode()) for text in _HEX_ID.findall(payload)}


def keep_writers_out(transaction: Transaction, sql: Statements) -> None:
    """Let nobody else write until the transaction ends."""
    if sql.dialect.lock_tables is not None:
        transaction.read(sql.dialect.lock_tables, {})


def _last_moves(transaction: Transaction) -> dict[int, int]:
    return {tract: last for tract, last in transaction.read(_LAST_MOVES, {}) if last is not None}


def _batches(rows: list[Row]) -> Iterator[list[Row]]:
    return (rows[start : start + _BATCH] for start in range(0, len(rows), _BATCH))
