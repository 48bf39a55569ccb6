"""What a run is given: how large the work is, where files go, and who takes part."""

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from benchmarks.harness import Act, Entrant
from benchmarks.messages import messages
from benchmarks.systems.base import FLOOR, TRACT, Conversation, System, rivals
from benchmarks.systems.tract_store import TractConversation


@dataclass(frozen=True)
class Sizes:
    """How large the work is; what is measured stays the same."""

    rounds: int
    appends: int
    short: int
    long: int
    longest: int
    branches: int
    merged: int
    turns: int
    rivals: int
    """How many messages a rival is given whose cost grows with its history."""


SIZES = {
    "full": Sizes(7, 1_000, 1_000, 10_000, 100_000, 10_000, 500, 2_000, 500),
    "quick": Sizes(3, 200, 200, 1_000, 5_000, 500, 50, 100, 100),
    "tiny": Sizes(1, 10, 20, 60, 80, 20, 5, 5, 20),
}


@dataclass(frozen=True)
class Bench:
    """One run."""

    sizes: Sizes
    folder: Path
    with_peers: bool = True
    stores: dict[int, Path] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=count)

    @property
    def rivals(self) -> list[System]:
        """The rivals that can be measured here."""
        return rivals(with_peers=self.with_peers)

    def new_path(self) -> Path:
        """Return where nothing is yet."""
        return self.folder / str(next(self.numbers))

    def entrant(self, system: System, work: Callable[[Conversation], Act], *, units: int, base: int = 0) -> Entrant:
        """Return a system that does some work on a new conversation of `base` messages."""

        @contextmanager
        def prepare(_: int) -> Iterator[Act]:
            with self.conversation(system, base) as conversation:
                yield work(conversation)

        return Entrant(system.name, prepare, units)

    @contextmanager
    def conversation(self, system: System, base: int = 0) -> Iterator[Conversation]:
        """Open a new conversation of `base` messages; the first of all has tract load its tokenizer."""
        path = self.new_path()
        conversation = system.open(path)
        try:
            conversation.say_each(messages(0, base))
            yield conversation
        finally:
            conversation.close()
            remove(path)

    def store(self, length: int) -> Path:
        """Return a tract's file of so many messages, one commit each, made the first time it is asked for."""
        if length not in self.stores:
            path = self.new_path()
            conversation = TRACT.open(path)
            conversation.say_each(messages(0, length))
            conversation.close()
            self.stores[length] = path
        return self.stores[length]

    @contextmanager
    def copy(self, length: int) -> Iterator[TractConversation]:
        """Open a copy of that file."""
        path = self.new_path()
        shutil.copy(self.store(length), path)
        conversation = TractConversation(path)
        try:
            yield conversation
        finally:
            conversation.close()
            remove(path)


FLOOR_AND_TRACT = (FLOOR, TRACT)


def remove(path: Path) -> None:
    """Remove a store and the files beside it."""
    if path.is_dir():
        shutil.rmtree(path)
        return
    for found in path.parent.glob(f"{path.name}*"):
        if found.name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
            found.unlink()


def checkpoint(path: Path) -> None:
    """Move all that waits in a SQLite database's log into its file."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def size_bytes(path: Path) -> int:
    """Return how many bytes a store takes on disk, all of its files."""
    if path.is_dir():
        return sum(found.stat().st_size for found in path.rglob("*") if found.is_file())
    names = (path.name, f"{path.name}-wal")
    return sum(found.stat().st_size for found in path.parent.iterdir() if found.name in names)
