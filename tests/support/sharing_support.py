"""What the tests of sharing build: tracts in every kind of store, and a history with all that travels."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from postgres_server import new_schema
from tract import Tract
from tract.facade.peers import Place
from tract_support import Clock, answering, asking

KINDS = ("memory", "sqlite", "postgres")


class Places:
    """Makes stores of any kind, and opens tracts in them."""

    def __init__(self, folder: Path, server_url: str) -> None:
        self._folder = folder
        self._server_url = server_url
        self._count = 0

    @contextmanager
    def place(self, kind: str) -> Iterator[Path | str | None]:
        """Yield where a store that is not there yet may be made; None for memory."""
        self._count += 1
        if kind == "postgres":
            with new_schema(self._server_url) as url:
                yield url
        else:
            yield None if kind == "memory" else self._folder / f"{self._count}.db"

    @contextmanager
    def tract(self, kind: str) -> Iterator[tuple[Tract, Place]]:
        """Yield a new tract, and what names it to others: its place, or the object itself where it has none."""
        with self.place(kind) as place, open_at(place) as opened:
            yield opened, opened if place is None else place


def open_at(place: Path | str | None, *, name: str = "default", author: str = "Ada") -> Tract:
    """Return a tract at a place; the caller closes it."""
    return Tract.open(place, name=name, author=author, clock=Clock(), durability="normal")


def write_story(t: Tract) -> None:
    """Record a history with every kind of change, two branches, a merge and tags."""
    t.system("You are terse.", author="Bob", message="begin", metadata={"run": 7})
    question = t.user("How often?")
    t.tag("start")
    looked = t.append([asking("a", "b"), answering("b"), answering("a")])
    t.branch("side")
    t.edit(question.message_ids[0], "How often?\n\nSay a number.")
    t.configure(model="gpt-4", budget=9000)
    t.switch("side")
    t.pin(looked.message_ids[0])
    t.append([{"role": "user", "content": [{"type": "text", "text": "zwei \ud800 \x00"}]}, asking("c"), answering("c")])
    t.switch("main")
    t.skip(t.user("Never mind.").message_ids[0])
    assert t.merge("side").committed
    t.tag("end")
    t.import_messages([answering("lost"), {"role": "user", "content": "imported"}])
    t.switch("side")
    t.append([{"role": "user", "content": "open end"}, asking("d")])
    t.switch("main")


def shared_refs(t: Tract) -> dict[str, str]:
    """Return all branches and tags, full name to commit id."""
    return {
        **{f"heads/{name}": key for name, key in t.branches().items()},
        **{f"tags/{name}": key for name, key in t.tags().items()},
    }


def compiles(t: Tract) -> dict[str, object]:
    """Return what every branch and tag compiles to, with its counts."""
    found: dict[str, object] = {}
    for ref in shared_refs(t):
        compiled = t.compile(ref.split("/", 1)[1], budget=10**6)
        found[ref] = (compiled.to_openai(), compiled.message_ids, compiled.token_counts, compiled.token_count)
    return found
