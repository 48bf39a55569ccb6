"""Search in a SQL database: an index of words, filled when it is asked for what was recorded since it was asked last.

The index is a cache beside the objects: publishing knows nothing of it, and it may be emptied at any time. It holds
each message's words once, whatever the number of tracts, and for each tract which of its commits recorded which
message. Both are the database's own full-text index, over words that `model/words.py` has split, so that both
find the same. Where it cannot be had or filled, the tract's commits are read one by one instead.

What takes messages or commits out of a store, or makes their bytes unreadable, must empty the index in the same
transaction with `writing.empty_index`: rows may be used again, and a secret's words must not outlast it.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from tract.exceptions import BusyError, CorruptionError, ReadOnlyError
from tract.model.commits import recorded_messages
from tract.model.encoding import decode
from tract.model.words import Word, searchable_text, words_of
from tract.protocols import Recorded
from tract.storage.database import Database
from tract.storage.ids import joined_keys, key_of, target_bytes, target_text
from tract.storage.rows import commit_of, readable
from tract.storage.schema import TRACT_MOVES
from tract.storage.writing import Transaction

_BATCH = 200
"""How many commits are read, and indexed in one transaction, at a time."""

_OVERLAP = 256
"""How many moves are looked at again: where writers run side by side, one may be logged behind a greater number."""

_LONGEST_WORD = 64
_LONGEST_VECTOR_BYTES = 900_000
"""What the index keeps of a word, in characters, and of a message; what is cut off is found all the same."""


class _Commit(NamedTuple):
    """What a commit recorded, as pairs of message id and blob id, and where the commit stands."""

    commit_id: str
    place: int
    generation: int
    messages: Sequence[tuple[str, str]]


class SearchIndex:
    """The index, asked for one tract."""

    def __init__(self, database: Database, tract: int, *, is_read_only: bool) -> None:
        self._database = database
        self._sql = database.statements.search
        self._index = database.statements.dialect.word_index
        self._is_postgres = database.statements.dialect.locks_rows
        self._tract = tract
        self._is_read_only = is_read_only

    def search(self, words: Sequence[Word], skip: int, limit: int) -> list[Recorded]:
        """Return where the tract's commits recorded messages that may have all these words, newest first."""
        if not self._catch_up():
            return self._scan(words)[skip:][:limit]
        asked = (self._tsquery if self._is_postgres else self._fts_query)(words)
        parameters = {"tract": self._tract, "words": asked, "skip": skip, "limit": limit}
        rows = self._database.read(self._sql.find, parameters)
        with readable():
            return [
                Recorded(commit.hex(), generation, n, target_text(message), blob.hex())
                for commit, generation, n, message, blob in rows
            ]

    def _catch_up(self) -> bool:
        """Fill the index with what was recorded since it was filled last, and tell whether that can be."""
        can_be_had, is_there = self._database.read(self._index.state, {})[0]
        if not can_be_had or (self._is_read_only and not is_there):
            return False
        try:
            if not is_there:
                self._database.transact(lambda transaction: transaction.read(self._index.make, {}))
            self._fill()
        except (BusyError, ReadOnlyError):
            return False
        return True

    def _fill(self) -> None:
        seen, newest = self._database.read(self._sql.progress, {"tract": self._tract})[0]
        first = self._tract * TRACT_MOVES
        since = max(first, (first if seen is None else seen) - _OVERLAP)
        fresh = self._commit_ids(self._sql.fresh, since)
        if self._is_read_only and fresh:
            raise ReadOnlyError("the index of words is behind, and the store was opened read-only")
        # Oldest first: what is indexed has all its ancestors indexed, also where this is interrupted.
        for start in range(0, len(fresh), _BATCH):
            self._fill_with(fresh[start : start + _BATCH])
        if newest is not None and (fresh or newest - since > 2 * _OVERLAP) and not self._is_read_only:
            self._database.transact(
                lambda transaction: transaction.write(self._sql.add_progress, [(self._tract, newest)])
            )

    def _fill_with(self, commit_ids: Sequence[str]) -> None:
        commits = self._commits(commit_ids)
        blobs = self._blobs(self._sql.new_blobs, commits)
        words = [
            (row, key_of(blob_id), self._vector(payload))
            for blob_id, (row, payload) in blobs.items()
            if payload is not None
        ]
        recorded = [(self._tract, 0, commit.place, 0, b"", key_of(commit.commit_id)) for commit in commits]
        recorded += [
            (self._tract, blobs[blob_id][0], commit.place, n, target_bytes(message_id), key_of(commit.commit_id))
            for commit in commits
            for n, (message_id, blob_id) in enumerate(commit.messages)
            if blob_id in blobs
        ]
        recorded.sort()
        words.sort()

        def fill(transaction: Transaction) -> None:
            # In this order, who empties the index meanwhile waits for all of it, or all of it sees what is gone.
            transaction.write(self._sql.add_recorded, recorded)
            if words:
                transaction.write(self._index.add, words)

        self._database.transact(fill)

    def _scan(self, words: Sequence[Word]) -> list[Recorded]:
        """Return the same without an index: every commit of the tract is read."""
        found: list[Recorded] = []
        ids = self._commit_ids(self._sql.everything, self._tract * TRACT_MOVES)
        for start in range(0, len(ids), _BATCH):
            commits = self._commits(ids[start : start + _BATCH])
            said = {
                blob_id: frozenset(_words(payload))
                for blob_id, (_, payload) in self._blobs(self._sql.blobs, commits).items()
            }
            found += [
                Recorded(commit.commit_id, commit.generation, n, message_id, blob_id)
                for commit in commits
                for n, (message_id, blob_id) in enumerate(commit.messages)
                if blob_id in said and all(word.is_in(said[blob_id]) for word in words)
            ]
        return sorted(found, key=lambda recorded: (-recorded.generation, recorded.commit_id, -recorded.n))

    def _commit_ids(self, sql: str, since: int) -> list[str]:
        parameters = {"tract": self._tract, "since": since, "upto": (self._tract + 1) * TRACT_MOVES}
        return [row[0].hex() for row in self._database.read(sql, parameters)]

    def _commits(self, ids: Sequence[str]) -> list[_Commit]:
        rows = self._database.read(self._sql.commits, {"ids": joined_keys(ids)})
        with readable():
            return [
                _Commit(key.hex(), place, generation, recorded_messages(commit_of(key, payload).changes))
                for key, place, generation, payload in rows
            ]

    def _blobs(self, sql: str, commits: Sequence[_Commit]) -> Mapping[str, tuple[int, Any]]:
        """Return the rows and the bytes of what commits recorded, by blob id; no bytes for what is indexed."""
        ids = joined_keys(blob_id for commit in commits for _, blob_id in commit.messages)
        return {key.hex(): (row, payload) for key, row, payload in self._database.read(sql, {"ids": ids})}

    def _vector(self, payload: bytes) -> str | None:
        """Return a message's words as the database takes them, None if they are too many for it."""
        words = sorted({word[:_LONGEST_WORD] for word in _words(payload)})
        if not self._is_postgres:
            return " ".join(words)
        quoted = " ".join(f"'{word}'" for word in words)
        return quoted if len(quoted.encode()) <= _LONGEST_VECTOR_BYTES else None

    def _fts_query(self, words: Sequence[Word]) -> str:
        return " AND ".join(f'"{word.text[:_LONGEST_WORD]}"{" *" if word.is_prefix else ""}' for word in words)

    def _tsquery(self, words: Sequence[Word]) -> str:
        return " & ".join(f"'{word.text[:_LONGEST_WORD]}'{':*' if word.is_prefix else ''}" for word in words)


def _words(payload: bytes) -> Iterator[str]:
    """Yield the words of a message's bytes; none if they cannot be read any more."""
    try:
        fields = decode(payload)
    except CorruptionError:
        return
    if isinstance(fields, dict):
        yield from words_of(searchable_text(fields))
