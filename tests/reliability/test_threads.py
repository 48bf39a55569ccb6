"""Threads that share one tract: each verb does what it does alone, and nothing is lost."""

import random
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from tract import ConcurrentMoveError, TraceError, Tract

THREADS = 8


def run(act: Callable[[int], None]) -> None:
    """Do something in several threads at once; the first exception of any comes out."""
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(act, range(THREADS)))


def use(t: Tract, number: int, count: int) -> list[str]:
    """Use every kind of verb in an order drawn by chance; return what was said. Only typed errors may come out."""
    chance = random.Random(number)
    said: list[str] = []

    def say() -> str | None:
        said.append(f"said {number} {len(said)}")
        return t.user(said[-1]).message_id

    def many() -> None:
        with t.batch():
            for _ in range(3):
                say()

    def change() -> None:
        made = say()
        assert made is not None
        t.pin(made)
        t.unpin(made)

    def fork() -> None:
        name = f"branch-{number}-{len(said)}"
        t.branch(name)
        t.merge(name)
        t.delete_branch(name)

    def configure() -> None:
        with suppress(ConcurrentMoveError):
            t.configure(temperature=number / 10)

    verbs: list[Callable[[], object]] = [
        *(say, many, change, fork, t.compile, t.log, t.status, t.branches, t.reflog),
        lambda: t.diff("HEAD", "main"),
        lambda: t.import_messages([{"role": "user", "content": f"imported {number}"}]),
        configure,
    ]
    for _ in range(count):
        chance.choice(verbs)()
    return said


def all_verbs(t: Tract, count: int) -> None:
    """Check that what threads say through one object is there once, each one's in its order."""
    t.system("begin")
    said: dict[int, list[str]] = {}

    run(lambda number: said.update({number: use(t, number, count)}))

    found = [message.text for message in t.compile().messages if message.text.startswith("said ")]
    assert Counter(found) == Counter(text for texts in said.values() for text in texts)
    for number, texts in said.items():
        assert [text for text in found if text.startswith(f"said {number} ")] == texts
    assert t.fsck().is_clean


def test_threads_share_a_tract(t: Tract) -> None:
    """Eight threads use every kind of verb of one object, on each kind of store."""
    all_verbs(t, 12)


@pytest.mark.long
def test_threads_share_a_tract_for_long(t: Tract) -> None:
    """The same with 300 uses a thread."""
    all_verbs(t, 300)


def test_a_tract_closed_under_threads_is_a_typed_error(path: Path) -> None:
    """Threads that write while another closes the object get a StorageError, and what they were told is kept."""
    t = Tract.open(path, durability="normal")
    t.user("begin")
    told: list[str] = []
    begun = threading.Barrier(THREADS)

    def write(number: int) -> None:
        begun.wait()
        if number == 0:
            t.close()
            return
        try:
            for n in range(500):
                made = t.user(f"{number} {n}")
                told.append(made.id)
        except TraceError:
            return
        raise AssertionError("it went on")

    run(write)

    with Tract.open(path) as again:
        assert set(told) <= {commit.id for commit in again.log()}
        assert again.fsck().is_clean
