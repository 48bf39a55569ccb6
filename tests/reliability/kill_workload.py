"""What processes do that are killed in the middle of it, an entry for each verb, and what must hold afterwards."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tract import Tract

PARTS = 4

Work = Callable[[Tract, str], Iterator[str]]


def append(t: Tract, name: str) -> Iterator[str]:
    """Say things, one after the other."""
    for n in range(PARTS):
        yield t.user(f"append {name} {n}").id


def batch(t: Tract, name: str) -> Iterator[str]:
    """Say several things as one commit."""
    with t.batch():
        for n in range(PARTS):
            made = t.user(f"batch {name} {n}")
    yield made.id


def take_in(t: Tract, name: str) -> Iterator[str]:
    """Import a conversation."""
    report = t.import_messages([{"role": "user", "content": f"import {name} {n}"} for n in range(PARTS)])
    assert report.commit is not None
    yield report.commit.id


def merge(t: Tract, name: str) -> Iterator[str]:
    """Say several things on a branch, one on ours, and merge."""
    yield t.user(f"fork {name}").id
    t.branch(f"side-{name}")
    yield t.user(f"ours {name}").id
    t.switch(f"side-{name}")
    try:
        with t.batch():
            for n in range(PARTS):
                t.user(f"merge {name} {n}")
    finally:
        t.switch("main")
    result = t.merge(f"side-{name}", delete_branch=True)
    assert result.commit is not None
    yield result.commit.id


def edit(t: Tract, name: str) -> Iterator[str]:
    """Say, edit, pin and skip in turn."""
    made = t.user(f"edited {name}")
    assert made.message_id is not None
    yield made.id
    yield t.edit(made.message_id, f"edited again {name}").id
    yield t.pin(made.message_id).id
    yield t.skip(made.message_id).id


def checkpoint(t: Tract, name: str) -> Iterator[str]:
    """Say things so long that the log is moved into the file meanwhile."""
    for n in range(PARTS):
        yield t.user(f"long {name} {n} " + "word " * 220_000).id


WORK: Mapping[str, Work] = {
    "append": append,
    "batch": batch,
    "import": take_in,
    "merge": merge,
    "edit": edit,
    "checkpoint": checkpoint,
}
"""What may be killed: it is given a tract on `main` and a name of its own, and yields each commit that it was told."""

WHOLE = ("batch", "import", "merge")
"""Kinds of messages of which, for each name, there are `PARTS` or none."""


@dataclass(frozen=True)
class Left:
    """What a killed process left: the ids reachable from `main`, and the texts that stand there."""

    commits: frozenset[str]
    texts: Sequence[str]

    def torn(self) -> list[str]:
        """Return the names of operations of which only a part is there."""
        parts: dict[str, int] = {}
        for text in self.texts:
            kind, *rest = text.split(" ")
            if kind in WHOLE:
                parts[f"{kind} {rest[0]}"] = parts.get(f"{kind} {rest[0]}", 0) + 1
        return [name for name, count in parts.items() if count != PARTS]


def look(t: Tract) -> Left:
    """Return what stands on `main`."""
    if "main" not in t.branches():
        return Left(frozenset(), ())
    commits = frozenset(commit.id for commit in t.log("main"))
    return Left(commits, [message.text for message in t.compile("main").messages])
