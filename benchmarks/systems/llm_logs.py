"""The log of the `llm` package: a Merkle tree of messages, and threads that name its tips."""

from collections.abc import Sequence
from pathlib import Path

import llm
from llm.logs import LogStore
from llm.parts import TextPart
from sqlite_utils import Database

from benchmarks.messages import Json
from benchmarks.systems.floor import connect

_THREAD = "thread"


class LogConversation:
    """A thread in a log."""

    def __init__(self, path: Path) -> None:
        self._database = Database(connect(path, isolation_level="DEFERRED"))
        self._store = LogStore(self._database)
        self._store.ensure_thread(_THREAD)
        self._hashes: list[str] = []

    def say_each(self, messages: Sequence[Json]) -> None:
        """Append messages to the thread one by one."""
        for message in messages:
            with self._database.conn:
                self._hashes.append(self._store.append(_THREAD, [_given(message)]))

    def say_all(self, messages: Sequence[Json]) -> None:
        """Append messages to the thread in one transaction."""
        with self._database.conn:
            self._store.append(_THREAD, [_given(message) for message in messages])

    def read(self) -> int:
        """Load the thread's messages, as dicts."""
        return len([message.to_dict() for message in self._store.thread_messages(_THREAD)])

    def take_turn(self, question: Json, answer: Json) -> None:
        """Record a question, read the conversation, record the answer."""
        self.say_each([question])
        self.read()
        self.say_each([answer])

    def fork(self, place: int) -> None:
        """Begin a thread at a message."""
        with self._database.conn:
            self._store.fork(self._hashes[place])

    def close(self) -> None:
        """Close the connection."""
        self._database.conn.close()


def _given(message: Json) -> llm.Message:
    return llm.Message(message["role"], [TextPart(text=message["content"])])
