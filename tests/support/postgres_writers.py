"""Processes that write to a store in PostgreSQL at once, and tell what was acknowledged."""

import multiprocessing
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

from postgres_support import ask
from tract import Tract
from tract.storage.schema import LINE_PLACES
from tract.storage.sql import SqlStore

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["__main__", "tract", "psycopg", "sqlalchemy.dialects.postgresql.psycopg"])


@dataclass(frozen=True)
class Said:
    """An acknowledged message, and how often it was tried to write it."""

    text: str
    message_id: str
    tries: int


class CountedTries:
    """Counts how often this process begins to publish, while a `with` lasts."""

    def __enter__(self) -> "CountedTries":
        self.count = 0
        self._publish = publish = SqlStore.publish

        def counted(*arguments: object) -> None:
            self.count += 1
            publish(*arguments)  # type: ignore[arg-type]

        SqlStore.publish = counted  # type: ignore[assignment, method-assign]
        return self

    def __exit__(self, *_: object) -> None:
        SqlStore.publish = self._publish  # type: ignore[method-assign]


def write(url: str, writer: int, count: int, acknowledged: Connection) -> None:
    """Append so many messages to the main branch, and send each that was acknowledged."""
    with acknowledged, CountedTries() as tries, Tract.open(url, workspace=f"w{writer}", durability="normal") as t:
        for n in range(count):
            text, before = f"{writer} {n}", tries.count
            message_id = t.user(text).message_id
            acknowledged.send(Said(text, str(message_id), tries.count - before))


def start(target: object, *arguments: object) -> tuple[BaseProcess, Connection]:
    """Start a process whose last argument is where it sends; what it sends can be received."""
    receiver, sender = CONTEXT.Pipe(duplex=False)
    process = CONTEXT.Process(target=target, args=(*arguments, sender))  # type: ignore[arg-type]
    process.start()
    sender.close()
    return process, receiver


def received(receiver: Connection) -> list[Said]:
    """Return what a process sends, until it ends."""
    found: list[Said] = []
    with receiver:
        while True:
            try:
                found.append(receiver.recv())
            except EOFError:
                return found


def written_at_once(url: str, writers: int, count: int) -> list[list[Said]]:
    """Let processes append at once, and return what each had acknowledged; all of them end well."""
    started = [start(write, url, writer, count) for writer in range(writers)]
    found = [received(receiver) for _, receiver in started]
    for process, _ in started:
        process.join()
    assert [process.exitcode for process, _ in started] == [0] * writers
    return found


def assert_one_line(url: str, said: Sequence[Said]) -> None:
    """Assert that the main branch holds what was said, each once, in one chain of commits on one line, and no more."""
    with Tract.open(url) as t:
        context = t.compile()
        chain = t.log()
        assert t.fsck().faults == ()
    found = dict(zip(context.message_ids, [message.text for message in context.messages], strict=True))
    assert len(found) == len(context.message_ids)
    assert found == {each.message_id: each.text for each in said}
    assert len(said) == len({each.text for each in said})
    assert [commit.parents for commit in chain] == [(older.id,) for older in chain[1:]] + [()]
    places = [place for (place,) in ask(url, "SELECT place FROM commits ORDER BY place")]
    assert [place - places[0] for place in places] == list(range(len(said)))
    assert places[0] % LINE_PLACES == 0
