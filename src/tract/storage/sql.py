"""The store on a SQL database, whatever the database: what `publish` writes, and how each question is asked."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, Self

from tract.exceptions import BusyError, ReadOnlyError
from tract.model.commits import Commit
from tract.model.steps import Steps
from tract.model.words import Word
from tract.protocols import (
    Fault,
    Garbage,
    GraphNode,
    LoggedMove,
    LoggedOperation,
    NewCommit,
    NewObject,
    Operation,
    Recorded,
    RefMove,
    StoredCommit,
    TokenCount,
)
from tract.storage import statements
from tract.storage.chains import ChainRows
from tract.storage.checking import check_store
from tract.storage.collecting import collect, find_containing
from tract.storage.database import Database
from tract.storage.ids import joined_keys, key_of, prefix_range, target_text
from tract.storage.reindexing import drop_altered_counts, reindex
from tract.storage.rows import (
    Row,
    blob_payload,
    buried,
    bytes_text,
    checked,
    count_row,
    generation_of,
    logged_move,
    logged_operations,
    microseconds,
    readable,
    seal_of,
    stored_commit,
    text_bytes,
    token_counts,
)
from tract.storage.searching import SearchIndex
from tract.storage.tips import KnownTips
from tract.storage.writing import AlreadyDoneError, plan_moves, plan_objects, write_plan

_ALL = 2**40
"""A limit that no table reaches, and that sums stay far below the largest integer with."""


class SqlStore:
    """One tract in a SQL database. Made by `open_sqlite` and `open_postgres`."""

    def __init__(self, database: Database, tract: str, *, read_only: bool, reopen: Callable[[str], "SqlStore"]) -> None:
        self.tract = tract
        self._database = database
        self._statements = database.statements
        self._read_only = read_only
        self._reopen = reopen
        self._tips = KnownTips()
        self._tract_row: int | None = None
        self._find_tract()
        self._encodings = self._read_encodings()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def sibling(self, tract: str) -> "SqlStore":
        """Return the store of another tract over the same objects; the caller closes it."""
        return self._reopen(tract)

    def publish(self, objects: Sequence[NewObject], moves: Sequence[RefMove], operation: Operation) -> None:
        """Insert objects, move refs by compare-and-set, log the operation: all of it, or nothing.

        Raises:
            ConcurrentMoveError: a ref does not stand at its move's `old`.
            StorageError: a commit's parent, or an object that a ref is to name, is neither stored nor given.
        """
        plan = plan_objects(objects, self._encoding_row)
        if moves:
            plan_moves(plan, self._tract_row_of, moves, operation)
        try:
            self._database.transact(lambda transaction: write_plan(transaction, self._statements, plan))
        except AlreadyDoneError:
            return
        self._tips.follow(objects, moves)

    def find_ref(self, name: str) -> str | None:
        """Return a ref's target, or None."""
        rows = self._database.read(statements.FIND_REF, {"tract": self._find_tract(), "ref": text_bytes(name)})
        with readable():
            return target_text(rows[0][0]) if rows else None

    def refs(self, prefix: str) -> dict[str, str]:
        """Return the refs whose names start so, name to target, in order of name."""
        low = text_bytes(prefix)
        high = low[:-1] + bytes([low[-1] + 1]) if low else b"\xff"
        rows = self._database.read(statements.REFS, {"tract": self._find_tract(), "low": low, "high": high})
        with readable():
            return {bytes_text(name): target_text(target) for name, target in rows}

    def find_tip(self, ref: str) -> StoredCommit | None:
        """Return the commit that a ref names, or None."""
        known = self._tips.get(ref)
        parameters = {"tract": self._find_tract(), "ref": text_bytes(ref), "known": known.key if known else b""}
        rows = self._database.read(statements.TIP, parameters)
        if not rows:
            return None
        target, row = rows[0][0], rows[0][1:]
        if known is not None and target == known.key:
            return known.stored
        if row[0] is None:
            return None
        stored = self._stored(row)
        self._tips.keep(ref, stored)
        return stored

    def last_tip(self, ref: str) -> StoredCommit | None:
        """Return the commit that a ref named when this object last saw it, or None."""
        known = self._tips.get(ref)
        return None if known is None else known.stored

    def commits(self, ids: Sequence[str]) -> dict[str, StoredCommit]:
        """Return commits by id."""
        rows = self._database.read(self._statements.commits, {"ids": joined_keys(ids)})
        return {stored.commit.id: stored for stored in map(self._stored, rows)}

    def commit_ids(self, prefix: str, limit: int) -> list[str]:
        """Return up to `limit` ids of commits that start so, in order."""
        bounds = prefix_range(prefix)
        if bounds is None:
            return []
        parameters = {"low": bounds[0], "high": bounds[1], "limit": min(limit, _ALL)}
        return [row[0].hex() for row in self._database.read(statements.COMMIT_IDS, parameters)]

    def chain(self, commit_id: str, *, skip: int = 0, limit: int | None = None) -> list[Commit]:
        """Return the first-parent chain, newest first, without the newest `skip`."""
        return self._rows_of_chain(commit_id, skip, limit).commits()

    def steps(self, commit_id: str, *, skip: int = 0, limit: int | None = None) -> Steps:
        """Return the same chain, unread."""
        found = self._rows_of_chain(commit_id, skip, limit)
        return Steps(found.ids, found.is_whole, found.changes)

    def _rows_of_chain(self, commit_id: str, skip: int, limit: int | None) -> ChainRows:
        wanted = _ALL if limit is None else min(limit, _ALL)
        parameters = {"id": key_of(commit_id), "skip": min(skip, _ALL), "limit": wanted}
        return ChainRows(self._database.read(statements.CHAIN, parameters), wanted)

    def ancestry(self, ids: Sequence[str], floor: int) -> dict[str, GraphNode]:
        """Return the commits named and all that is reached from them through commits above `floor`."""
        parameters = {"ids": joined_keys(ids), "floor": floor}
        rows = self._database.read(self._statements.ancestry, parameters)
        found: dict[str, GraphNode] = {}
        merged: dict[str, dict[int, str]] = {}
        with readable():
            for key, generation, parent, n, other in rows:
                name = key.hex()
                if name not in found:
                    found[name] = GraphNode(name, () if parent is None else (parent.hex(),), generation_of(generation))
                if n is not None:
                    merged.setdefault(name, {})[n] = other.hex()
        for name, others in merged.items():
            node = found[name]
            found[name] = node._replace(parents=node.parents + tuple(others[n] for n in sorted(others)))
        return found

    def blobs(self, ids: Sequence[str]) -> dict[str, bytes]:
        """Return messages' bytes by blob id."""
        rows = self._database.read(self._statements.blobs, {"ids": joined_keys(ids)})
        with readable():
            return {row[0].hex(): blob_payload(*row) for row in rows}

    def find_record(self, record_id: str) -> bytes | None:
        """Return a record's bytes, or None."""
        key = key_of(record_id)
        rows = self._database.read(statements.FIND_RECORD, {"id": key})
        with readable():
            return checked(b"record", key, rows[0][0]) if rows else None

    def token_counts(self, blob_ids: Sequence[str], encoding: str) -> dict[str, TokenCount]:
        """Return the counts that are kept, by blob id."""
        number = self._encodings.get(encoding) or self._read_encodings().get(encoding)
        if number is None:
            return {}
        parameters = {"ids": joined_keys(blob_ids), "encoding": number}
        rows = self._database.read(self._statements.counts, parameters)
        with readable():
            return token_counts(rows, encoding)

    def save_token_counts(self, encoding: str, counts: Mapping[str, TokenCount]) -> None:
        """Keep counts for later, of blobs that are stored; a cache may be lost, so a store that is held is left."""
        if self._read_only:
            return
        try:
            number = self._encoding_row(encoding)
            rows = [count_row(key_of(name), number, encoding, count) for name, count in counts.items()]
            self._database.transact(lambda transaction: transaction.write(statements.ADD_COUNT, rows), wait=False)
        except (BusyError, ReadOnlyError):
            return

    def moves(self, ref: str | None = None, *, skip: int = 0, limit: int | None = None) -> list[LoggedMove]:
        """Return the log of one ref, or of all, newest first."""
        parameters: dict[str, Any] = {"tract": self._find_tract(), "skip": min(skip, _ALL)}
        parameters["limit"] = _ALL if limit is None else min(limit, _ALL)
        if ref is None:
            rows = self._database.read(statements.MOVES, parameters)
        else:
            rows = self._database.read(statements.MOVES_OF_REF, parameters | {"ref": text_bytes(ref)})
        with readable():
            return [logged_move(row) for row in rows]

    def operations(self, *, before: str | None = None, limit: int | None = None) -> list[LoggedOperation]:
        """Return the log by operation, newest first, or what was logged before an operation."""
        parameters: dict[str, Any] = {"tract": self._find_tract(), "limit": _ALL if limit is None else min(limit, _ALL)}
        if before is None:
            rows = self._database.read(statements.OPERATIONS, parameters)
        else:
            rows = self._database.read(statements.OPERATIONS_BEFORE, parameters | {"before": key_of(before)})
        with readable():
            return logged_operations(rows)

    def find_operations(self, prefix: str, limit: int) -> list[LoggedOperation]:
        """Return up to `limit` of the log's operations whose ids start so, in order of id."""
        bounds = prefix_range(prefix)
        if bounds is None:
            return []
        parameters = {"tract": self._find_tract(), "low": bounds[0], "high": bounds[1], "limit": min(limit, _ALL)}
        with readable():
            return logged_operations(self._database.read(statements.FIND_OPERATIONS, parameters))

    def search(self, words: Sequence[Word], *, skip: int = 0, limit: int) -> list[Recorded]:
        """Return where this tract's commits recorded messages that may have all these words, newest first."""
        index = SearchIndex(self._database, self._find_tract(), is_read_only=self._read_only)
        return index.search(words, min(skip, _ALL), min(limit, _ALL))

    def has_operation(self, operation_id: str) -> bool:
        """Tell whether an operation was done."""
        return bool(self._database.read(statements.HAS_OPERATION, {"operation": key_of(operation_id)}))

    def tracts(self) -> list[str]:
        """Return the names of the tracts in this store, in order."""
        with readable():
            return [bytes_text(name) for _, name, _ in self._database.read(statements.TRACTS, {})]

    def containing(self, kind: Literal["commit", "record"], texts: Sequence[bytes]) -> dict[str, bytes]:
        """Return the commits or records, id to bytes, in which one of several byte strings occurs."""
        return find_containing(self._database, kind, texts)

    def tombstones(self) -> dict[str, bytes]:
        """Return what stands for purged objects, by their ids."""
        with readable():
            return {key.hex(): buried(key, stored) for key, stored in self._database.read(statements.TOMBSTONES, {})}

    def forget(self) -> None:
        """Give up what was overwritten, as far as the database allows."""
        self._database.forget()

    def drop_altered_counts(self) -> int:
        """Delete the token counts that are not what was written, and return how many."""
        return drop_altered_counts(self._database)

    def reindex(self, commits: Sequence[NewCommit]) -> int:
        """Lay out all commits anew with these facts beside them, and return how many rows were wrong."""
        return reindex(self._database, commits, self._encoding_row)

    def collect(self, before: datetime, *, dry_run: bool) -> Garbage:
        """Return what no ref of any tract reaches, nor any move since a time, and delete it unless `dry_run`."""
        return collect(self._database, microseconds(before), dry_run=dry_run)

    def check(self) -> Iterator[Fault]:
        """Re-hash every object and check what rows promise each other; reads everything, in bounded memory."""
        return check_store(self._database)

    def close(self) -> None:
        """Give up the connections of all threads; twice is harmless."""
        self._database.close()

    def _find_tract(self) -> int:
        """Return the row of this tract, made if the store can be written; -1 where it is not there."""
        if self._tract_row is None:
            name = text_bytes(self.tract)
            rows = self._database.read(statements.FIND_TRACT, {"name": name})
            if not rows and not self._read_only:
                self._add_tract(name)
                rows = self._database.read(statements.FIND_TRACT, {"name": name})
            self._tract_row = rows[0][0] if rows else None
        return -1 if self._tract_row is None else self._tract_row

    def _add_tract(self, name: bytes) -> None:
        self._database.transact(lambda transaction: transaction.write(statements.ADD_TRACT, [(name, seal_of(name))]))

    def _tract_row_of(self, tract: str | None) -> int:
        """Return the row of a tract (None: this one), made if it is not there."""
        if tract is None or tract == self.tract:
            return self._find_tract()
        name = text_bytes(tract)
        while not (rows := self._database.read(statements.FIND_TRACT, {"name": name})):
            self._add_tract(name)
        row_id: int = rows[0][0]
        return row_id

    def _encoding_row(self, name: str) -> int:
        """Return the row of an encoding, which is kept for good."""
        found = self._encodings.get(name)
        if found is None:
            self._encodings = self._read_encodings()
            if name not in self._encodings:
                stored = text_bytes(name)
                self._database.transact(
                    lambda transaction: transaction.write(statements.ADD_ENCODING, [(stored, seal_of(stored))])
                )
                self._encodings = self._read_encodings()
            found = self._encodings[name]
        return found

    def _read_encodings(self) -> dict[str, int]:
        rows = self._database.read(statements.ENCODINGS, {})
        with readable():
            return {bytes_text(name): row_id for row_id, name, _ in rows}

    def _stored(self, row: Row) -> StoredCommit:
        with readable():
            names = {number: name for name, number in self._encodings.items()}
            name = names.get(row[5]) or {number: name for name, number in self._read_encodings().items()}[row[5]]
            return stored_commit(row, name)
