"""The sessions of the OpenAI Agents SDK: a table of items, and the one with branches, which copies their rows."""

import asyncio
import sqlite3
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

from agents import SQLiteSession
from agents.extensions.memory import AdvancedSQLiteSession

from benchmarks.messages import Json


def _sync_at_checkpoints(configure: Callable[[sqlite3.Connection], None]) -> Callable[[sqlite3.Connection], None]:
    """Return what makes a session's connection, durable as the others' here are."""

    def configured(connection: sqlite3.Connection) -> None:
        configure(connection)
        connection.execute("PRAGMA synchronous = NORMAL")

    return configured


class _Plain(SQLiteSession):  # type: ignore[misc]
    _configure_connection = staticmethod(_sync_at_checkpoints(SQLiteSession._configure_connection))


class _Advanced(AdvancedSQLiteSession):  # type: ignore[misc]
    _configure_connection = staticmethod(_sync_at_checkpoints(AdvancedSQLiteSession._configure_connection))


def open_plain(path: Path) -> "SessionConversation":
    """Open a session without branches."""
    return SessionConversation(_Plain("session", path))


def open_advanced(path: Path) -> "SessionConversation":
    """Open a session with branches."""
    return SessionConversation(_Advanced(session_id="session", db_path=path, create_tables=True))


class SessionConversation:
    """A session, on one event loop for as long as it is open."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self._loop = asyncio.new_event_loop()

    def say_each(self, messages: Sequence[Json]) -> None:
        """Add items one by one."""
        self._run(self._say_each(messages))

    def say_all(self, messages: Sequence[Json]) -> None:
        """Add items together."""
        self._run(self._session.add_items(list(messages)))

    def read(self) -> int:
        """Get all items of the branch."""
        return len(self._run(self._session.get_items()))

    def take_turn(self, question: Json, answer: Json) -> None:
        """Record a question, read the conversation, record the answer."""
        self._run(self._take_turn(question, answer))

    def fork(self, place: int) -> None:
        """Copy a branch up to a turn, of which each has two messages."""
        self._run(self._session.create_branch_from_turn(place // 2 + 1))

    def close(self) -> None:
        """Close the session, its threads and the loop."""
        self._session.close()
        self._run(self._loop.shutdown_default_executor())
        self._loop.close()

    async def _say_each(self, messages: Sequence[Json]) -> None:
        for message in messages:
            await self._session.add_items([message])

    async def _take_turn(self, question: Json, answer: Json) -> None:
        await self._session.add_items([question])
        await self._session.get_items()
        await self._session.add_items([answer])

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self._loop.run_until_complete(work)
