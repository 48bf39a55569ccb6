"""Tract, as a program uses it."""

import secrets
from collections.abc import Sequence
from pathlib import Path

from benchmarks.messages import Json
from tract import Tract


class TractConversation:
    """A conversation in a tract of durability normal; token counting is part of every write."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.tract = Tract.open(path, durability="normal")
        self._commits: list[str] = []

    def say_each(self, messages: Sequence[Json]) -> None:
        """Record messages, one commit each."""
        for message in messages:
            self._commits.append(self.tract.append(message).id)

    def say_all(self, messages: Sequence[Json]) -> None:
        """Record messages as one commit."""
        self.tract.append(messages)

    def read(self) -> int:
        """Compile, as dicts of the caller's own."""
        return len(self.tract.compile().to_openai())

    def take_turn(self, question: Json, answer: Json) -> None:
        """Record a question, compile, record the answer."""
        self.tract.append(question)
        self.read()
        self.tract.append(answer)

    def fork(self, place: int) -> None:
        """Begin a branch at the commit of a message."""
        self.tract.branch(f"fork-{secrets.token_hex(4)}", at=self._commits[place])

    def close(self) -> None:
        """Close the store."""
        self.tract.close()
