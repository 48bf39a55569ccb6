"""What the tests of stores build: messages, commits and operations, small and always the same."""

import os
import traceback
import warnings
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tract.model.changes import Append, NewMessage
from tract.model.commits import Commit, ContextFacts, OpenCall, build_commit
from tract.model.encoding import encode, live_message_id, object_id
from tract.protocols import NewBlob, NewCommit, NewObject, NewRecord, Operation, RefMove, Store, TokenCount

NOW = datetime(2025, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)
MAIN = "heads/main"
ABSENT = "0" * 64


def message(text: str, **counts: int) -> NewBlob:
    """Return a user's message with exact token counts by encoding."""
    payload = encode({"role": "user", "content": text})
    return NewBlob(object_id("blob", payload), payload, {name: TokenCount(n, True) for name, n in counts.items()})


def record(text: str) -> NewRecord:
    """Return a record that holds a text."""
    payload = encode({"record": text})
    return NewRecord(object_id("record", payload), payload)


def facts(count: int = 1, encoding: str = "o200k_base") -> ContextFacts:
    """Return what is kept beside a commit whose context has so many messages."""
    return ContextFacts(count, 10 * count + 3, True, encoding)


def rich_facts() -> ContextFacts:
    """Return what is kept beside a commit, with every field set."""
    calls = (OpenCall("a" * 64, "call_1", "b" * 64), OpenCall("a" * 64, "call_2", "c" * 64))
    return ContextFacts(7, 1234, False, "other_base", 4000, calls)


def commit(
    parents: Sequence[str], *blobs: NewBlob, note: str | None = None, about: ContextFacts | None = None
) -> NewCommit:
    """Return a commit that appends messages."""
    changes = [Append(NewMessage(live_message_id(blob.id, n), blob.id, "user")) for n, blob in enumerate(blobs)]
    made, payload = build_commit(parents, changes, message=note, created_at=NOW)
    return NewCommit(made, payload, about or facts())


def operation(name: str, author: str = "me") -> Operation:
    """Return an operation whose id follows from a name."""
    return Operation(object_id("operation", name.encode()), "append", author, NOW + timedelta(seconds=1))


def line(length: int, note: str = "turn", parent: str | None = None) -> list[NewCommit]:
    """Return commits in a row, oldest first, each with a note of its own."""
    made: list[NewCommit] = []
    for n in range(length):
        made.append(commit((parent,) if parent else (), note=f"{note} {n}"))
        parent = made[-1].commit.id
    return made


def publish(store: Store, objects: Sequence[NewObject], *moves: RefMove, name: str = "op") -> None:
    """Publish under an operation named so."""
    store.publish(objects, moves, operation(name))


def ids(commits: Sequence[NewCommit | Commit]) -> list[str]:
    """Return the ids of commits."""
    return [made.commit.id if isinstance(made, NewCommit) else made.id for made in commits]


def append(store: Store, text: str, ref: str = MAIN) -> Commit:
    """Put a message on a branch, as a writer does: read the tip, build, publish."""
    tip = store.find_tip(ref)
    old = tip.commit.id if tip else None
    count = tip.facts.message_count + 1 if tip else 1
    blob = message(text, o200k_base=10)
    made = commit((old,) if old else (), blob, about=facts(count))
    store.publish([blob, made], [RefMove(ref, old, made.commit.id)], operation(f"{old} {text}"))
    return made.commit


def size_bytes(path: Path) -> int:
    """Return the size of a file, 0 if there is none."""
    return path.stat().st_size if path.exists() else 0


def run_in_child(act: Callable[[], None]) -> int:
    """Do something in a fork of this process, and return 0 if it raised nothing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        code = 1
        try:
            act()
            code = 0
        except BaseException:
            traceback.print_exc()
            raise
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
