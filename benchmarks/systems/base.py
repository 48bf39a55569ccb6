"""The few methods that every system is measured by, and what is known of each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

from benchmarks.messages import Json


class Conversation(Protocol):
    """One growing conversation in a store on disk, durable as SQLite's synchronous NORMAL is."""

    def say_each(self, messages: Sequence[Json]) -> None:
        """Record messages, each acknowledged before the next."""
        ...

    def say_all(self, messages: Sequence[Json]) -> None:
        """Record messages, acknowledged together."""
        ...

    def read(self) -> int:
        """Read the whole conversation as one would send it, and return how many messages it has."""
        ...

    def take_turn(self, question: Json, answer: Json) -> None:
        """Record a question, read the conversation, record the answer."""
        ...

    def fork(self, place: int) -> None:
        """Begin a branch behind the message at a place."""
        ...

    def close(self) -> None:
        """Give up what is open."""
        ...


@dataclass(frozen=True)
class System:
    """A system that can be measured: where its module is, what that needs, and how far it goes in reasonable time."""

    name: str
    module: str
    opener: str
    needs: str = ""
    branches: bool = True
    longest: int = 1_000_000

    def load(self) -> Callable[[Path], Conversation]:
        """Import what the system needs."""
        opener: Callable[[Path], Conversation] = getattr(
            import_module(f"benchmarks.systems.{self.module}"), self.opener
        )
        return opener

    def open(self, path: Path) -> Conversation:
        """Open the conversation in a file or directory, made where it is not there yet."""
        return self.load()(path)

    @property
    def is_here(self) -> bool:
        """Whether what it needs is installed."""
        return not self.needs or find_spec(self.needs) is not None


FLOOR = System("bare sqlite3", "floor", "FloorConversation", branches=False)
TRACT = System("tract", "tract_store", "TractConversation")
AGENTS = System("OpenAI Agents SQLiteSession", "openai_agents", "open_plain", "agents", branches=False)
ADVANCED = System("OpenAI Agents AdvancedSQLiteSession", "openai_agents", "open_advanced", "agents")
LANGGRAPH = System("LangGraph SqliteSaver", "langgraph_saver", "open_default", "langgraph", longest=1_000)
DELTA = System("LangGraph SqliteSaver, DeltaChannel", "langgraph_saver", "open_delta", "langgraph", longest=1_000)
LOGS = System("llm LogStore", "llm_logs", "LogConversation", "llm", longest=10_000)
GIT = System("git fast-import", "git_repository", "GitConversation")
RIVALS = (AGENTS, ADVANCED, LANGGRAPH, DELTA, LOGS, GIT)


def rivals(*, with_peers: bool) -> list[System]:
    """Return the rivals that can be measured here; without peers, those alone that need no package."""
    return [system for system in RIVALS if system.is_here and (with_peers or not system.needs)]
