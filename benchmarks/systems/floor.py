"""The floor: bare sqlite3 and the standard library, doing the least that keeps the same facts."""

import hashlib
import json
import secrets
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from benchmarks.messages import Json

IsolationLevel = Literal["DEFERRED"] | None

_TABLES = """
CREATE TABLE IF NOT EXISTS blobs (id TEXT PRIMARY KEY, payload BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS commits (id TEXT PRIMARY KEY, parent TEXT, payload BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS operations (id TEXT PRIMARY KEY, ref TEXT NOT NULL, old TEXT, new TEXT);
CREATE TABLE IF NOT EXISTS refs (name TEXT PRIMARY KEY, target TEXT);
INSERT OR IGNORE INTO refs VALUES ('main', NULL);
"""


def connect(path: Path, *, isolation_level: IsolationLevel = None) -> sqlite3.Connection:
    """Open a database with a write-ahead log that is synced at checkpoints."""
    connection = sqlite3.connect(path, isolation_level=isolation_level, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    return connection


class FloorConversation:
    """A DAG of four rows a message, with ids of 64 hex digits: a blob, a commit, an operation, a moved ref."""

    def __init__(self, path: Path) -> None:
        self._connection = connect(path)
        self._connection.executescript(_TABLES)
        self._tip: str | None = self._connection.execute("SELECT target FROM refs").fetchone()[0]

    def say_each(self, messages: Sequence[Json]) -> None:
        """Record messages, four statements and a transaction each."""
        for message in messages:
            blob_id, payload = _hashed(message)
            commit_id, commit = _hashed(
                {"parents": [self._tip], "changes": [{"do": "append", "id": secrets.token_hex(32), "blob": blob_id}]}
            )
            self._write([(blob_id, payload)], [(commit_id, self._tip, commit)])

    def say_all(self, messages: Sequence[Json]) -> None:
        """Record messages as one commit."""
        blobs = [_hashed(message) for message in messages]
        changes = [{"do": "append", "id": secrets.token_hex(32), "blob": blob_id} for blob_id, _ in blobs]
        commit_id, commit = _hashed({"parents": [self._tip], "changes": changes})
        self._write(blobs, [(commit_id, self._tip, commit)])

    def read(self) -> int:
        """Read all blobs in the order in which they were written."""
        return len([json.loads(row[0]) for row in self._connection.execute("SELECT payload FROM blobs ORDER BY rowid")])

    def take_turn(self, question: Json, answer: Json) -> None:
        """Record a question, read the conversation, record the answer."""
        self.say_each([question])
        self.read()
        self.say_each([answer])

    def fork(self, place: int) -> None:
        """Add a ref to the commit at a place."""
        (found,) = self._connection.execute("SELECT id FROM commits WHERE rowid = ?", (place + 1,)).fetchone()
        self._connection.execute("INSERT INTO refs VALUES (?, ?)", (secrets.token_hex(4), found))

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _write(self, blobs: list[tuple[str, bytes]], commits: list[tuple[str, str | None, bytes]]) -> None:
        new = commits[-1][0]
        execute = self._connection.execute
        execute("BEGIN IMMEDIATE")
        self._connection.executemany("INSERT OR IGNORE INTO blobs VALUES (?, ?)", blobs)
        self._connection.executemany("INSERT INTO commits VALUES (?, ?, ?)", commits)
        execute("INSERT INTO operations VALUES (?, 'main', ?, ?)", (secrets.token_hex(32), self._tip, new))
        execute("UPDATE refs SET target = ? WHERE name = 'main' AND target IS ?", (new, self._tip))
        execute("COMMIT")
        self._tip = new


def _hashed(value: Json) -> tuple[str, bytes]:
    payload = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return hashlib.sha256(payload).hexdigest(), payload
