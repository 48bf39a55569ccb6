"""Several processes on one SQLite file: opening it new, writing at once, and dying."""

import multiprocessing
import random
from collections.abc import Iterable, Sequence
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

from storage_support import MAIN, append
from tract.exceptions import ConcurrentMoveError
from tract.storage.sqlite import open_sqlite

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["__main__", "storage_support", "tract.storage.sqlite"])


def write(path: Path, writer: int, count: int, acknowledged: Connection) -> None:
    """Append so many messages, trying again after each lost race, and tell each commit that was acknowledged."""
    with open_sqlite(path, durability="normal") as store:
        for n in range(count):
            while True:
                try:
                    made = append(store, f"{writer} {n}")
                    break
                except ConcurrentMoveError:
                    pass
            acknowledged.send(made.id)


def start(path: Path, writer: int, count: int) -> tuple[BaseProcess, Connection]:
    """Start a writer; what it acknowledges can be received."""
    receiver, sender = CONTEXT.Pipe(duplex=False)
    process = CONTEXT.Process(target=write, args=(path, writer, count, sender))
    process.start()
    sender.close()
    return process, receiver


def received(receiver: Connection) -> Iterable[str]:
    """Yield what a writer acknowledges, until it ends or is killed."""
    with receiver:
        while True:
            try:
                yield receiver.recv()
            except (EOFError, OSError):
                return


def lost_and_faults(path: Path, acknowledged: Sequence[str]) -> tuple[set[str], list[str]]:
    """Return what was acknowledged but is not in the branch's chain, and the faults of the store."""
    with open_sqlite(path) as store:
        chain = {made.id for made in store.chain(store.find_ref(MAIN) or "")}
        return set(acknowledged) - chain, [str(fault) for fault in store.check()]


def test_many_processes_open_a_new_file_and_append(path: Path) -> None:
    """Eight processes at once make the store and write forty messages each: all there, once, in one line."""
    writers = [start(path, writer, 40) for writer in range(8)]

    acknowledged = [made for _, receiver in writers for made in received(receiver)]
    for process, _ in writers:
        process.join()

    assert [process.exitcode for process, _ in writers] == [0] * 8
    assert len(set(acknowledged)) == 320
    assert lost_and_faults(path, acknowledged) == (set(), [])
    with open_sqlite(path) as store:
        tip = store.find_tip(MAIN)
        assert tip is not None
        assert (tip.generation, len(store.moves(MAIN))) == (320, 320)


def test_a_killed_writer_loses_nothing_acknowledged(path: Path) -> None:
    """Killed at a random moment, a writer leaves all it acknowledged, no half operation, and no lock."""
    chance = random.Random(7)
    acknowledged: list[str] = []
    for cycle in range(8):
        process, receiver = start(path, cycle, 100_000)
        acknowledged += [receiver.recv() for _ in range(chance.randrange(1, 60))]
        process.kill()
        acknowledged += received(receiver)
        process.join()

        assert lost_and_faults(path, acknowledged) == (set(), [])
        with open_sqlite(path, busy_seconds=1) as store:
            acknowledged.append(append(store, f"after {cycle}").id)
