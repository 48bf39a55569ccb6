"""What the tests of the verbs share: a clock, other objects on one store, small conversations, and recorded data."""

import json
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tract import Tract
from tract.facade.wiring import wire
from tract.storage.memory import MemoryStore
from tract.storage.sql import SqlStore

DATA = Path(os.environ.get("TRACT_TEST_DATA") or Path(__file__).parents[3] / "shared" / "data")
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="the recorded data is not here")

Json = dict[str, Any]
Another = Callable[..., Tract]
START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


class Clock:
    """A clock that goes on by a second each time it is asked."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        """Return the next second."""
        self.now += timedelta(seconds=1)
        return self.now


def another_on(t: Tract, *, name: str | None = None, workspace: str = "default", author: str = "Bob") -> Tract:
    """Return another object on the same store; the caller closes it."""
    store = t._repo.store
    assert isinstance(store, MemoryStore | SqlStore)
    return Tract(wire(store.sibling(name or store.tract), None, clock=Clock(), author=author, workspace=workspace))


def call(call_id: str, name: str = "look", arguments: str = "{}") -> Json:
    """Return a tool call in OpenAI's shape."""
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def asking(*call_ids: str) -> Json:
    """Return an assistant message that makes calls."""
    return {"role": "assistant", "content": None, "tool_calls": [call(call_id) for call_id in call_ids]}


def answering(call_id: str, content: str = "found") -> Json:
    """Return a tool message."""
    return {"role": "tool", "tool_call_id": call_id, "content": content}


def say(role: str, content: str) -> Json:
    """Return a message of text."""
    return {"role": role, "content": content}


def ids(t: Tract) -> list[str]:
    """Return the ids of the messages that are sent."""
    return list(t.compile().message_ids)


def texts(t: Tract, at: str | None = None) -> list[str]:
    """Return the texts that are sent."""
    return [message.text for message in t.compile(at).messages]


def tau_runs() -> list[Json]:
    """Return the recorded runs of agents: 12 tasks, four trials of each."""
    return list(_read_lines(DATA / "tau_bench_airline" / "dev_tasks_00-11.jsonl"))


def naughty_strings() -> list[str]:
    """Return strings that break programs."""
    found: list[str] = json.loads((DATA / "naughty_strings" / "blns.json").read_text("utf-8"))
    return found


def json_cases() -> list[Json]:
    """Return JSON texts, right and wrong ones, each with `name`, `expect` and `b64`."""
    return list(_read_lines(DATA / "json_test_suite" / "cases.jsonl"))


def _read_lines(path: Path) -> Iterator[Json]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)
