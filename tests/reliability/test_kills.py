"""Processes killed at random moments, in every verb that writes: nothing acknowledged is lost, nothing is half done."""

import fcntl
import random
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path

import pytest
from kill_checks import beside, faults, mend, unburied
from kill_workload import WORK

from process_support import Worker, start
from storage_support import message, publish
from tract import Tract
from tract.storage.sqlite import open_sqlite

CYCLES_OF_A_STORE = 5
"""After so many cycles a new store is begun, so that a cycle's check stays cheap."""


def work(tell: Callable[[object], None], path: Path, cycle: int, names: Sequence[str]) -> None:
    """Do the work of the table in turn until killed, telling each commit that was acknowledged."""
    with Tract.open(path, durability="normal") as t:
        tell("open")
        t.add_remote("origin", beside(path, ".db"))
        for n in range(1_000_000):
            name = names[n % len(names)]
            for made in WORK[name](t, f"{cycle}.{n}"):
                tell(made)


def kill(worker: Worker, chance: random.Random) -> list[str]:
    """Kill a process some time behind one of its acknowledgements, and return all that it acknowledged."""
    told = list(islice(worker.told(), chance.randrange(1, 14)))
    worker.receiver.poll(0)
    for _ in range(chance.randrange(0, 20_000)):
        pass
    worker.process.kill()
    told += worker.told()
    worker.join()
    return [made for made in told if made != "open"]


def check(path: Path, acknowledged: Sequence[str]) -> str:
    """Check what is left, and return the commit that the next writer makes at once."""
    log = Path(f"{path}-wal")
    if log.exists():
        with log.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    with open_sqlite(path, busy_seconds=1, durability="normal") as store:
        publish(store, [message("at once")])
    with Tract.open(path, durability="normal") as t:
        mend(t, path)
        assert list(faults(t, path, acknowledged)) == []
        t.switch("main")
        made = t.user("next").id
    assert unburied(path, acknowledged) == []
    return made


def kill_often(folder: Path, cycles: int, seed: int) -> None:
    """Kill so many processes, each beginning with another verb, and check after each."""
    chance = random.Random(seed)
    acknowledged: list[str] = []
    for cycle in range(cycles):
        if cycle % CYCLES_OF_A_STORE == 0:
            acknowledged = []
        path = folder / f"{cycle // CYCLES_OF_A_STORE}.db"
        names = chance.sample(sorted(WORK), len(WORK))
        acknowledged += kill(start(work, path, cycle, names), chance)

        acknowledged.append(check(path, acknowledged))


@pytest.mark.parametrize("part", range(4))
def test_a_hundred_kills(tmp_path: Path, part: int) -> None:
    """After each of 25 kills all is there, whole and sound, and the next writer finds no lock."""
    kill_often(tmp_path, 25, seed=part)


@pytest.mark.long
@pytest.mark.parametrize("part", range(10))
def test_a_thousand_kills(tmp_path: Path, part: int) -> None:
    """After each of 100 kills all is there, whole and sound, and the next writer finds no lock."""
    kill_often(tmp_path, 100, seed=100 + part)
