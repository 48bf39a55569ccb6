"""The power goes at any moment: with `full` nothing acknowledged is lost, with either nothing is corrupt."""

import hashlib
import random
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest

from disk_support import Disk, build_disk
from power_cuts import Cut, Event, cuts, read_log
from tract import Tract

WORKLOAD = Path(__file__).with_name("power_workload.py")


class Program(NamedTuple):
    """What is watched: what it does, as often as listed, in how many openings of its store, and how much in each."""

    weights: str
    openings: int
    works: int


USUAL = Program("append append batch merge import", 2, 6)
LONG_LOG = Program("append large large", 1, 9)
"""Writes so much in one opening that the log is moved into the file meanwhile."""


SHORT = [
    pytest.param(USUAL, 1, 470, id="usual"),
    pytest.param(USUAL, 2, 470, id="usual, again"),
    pytest.param(LONG_LOG, 3, 60, id="long log"),
]


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Disk:
    """The library that watches a process's disk."""
    return build_disk(tmp_path_factory.mktemp("disk"))


def recorded(disk: Disk, folder: Path, durability: str, seed: int, program: Program) -> list[Event]:
    """Return what a program did to its disk, and what it acknowledged."""
    watched = folder / f"{durability}-{seed}"
    watched.mkdir()
    log = folder / f"{durability}-{seed}.log"
    disk.run(WORKLOAD, watched, durability, seed, *program, log=log)
    events = read_log(log)
    if not any(event.what == "W" for event in events):
        pytest.skip("this interpreter's SQLite cannot be watched")
    assert Counter(event.what for event in events)["A"] >= program.openings * program.works
    return events


def verdict(folder: Path, cut: Cut) -> tuple[int, list[str]]:
    """Return how many acknowledged commits a cut lost, and what is wrong with what it left."""
    for name, content in cut.files.items():
        (folder / name).write_bytes(content)
    if "t.db" not in cut.files:
        return len(cut.acknowledged), []
    with Tract.open(folder / "t.db", durability="normal") as t:
        kept = {commit.id for commit in t.log("main")} if "main" in t.branches() else set()
        faults = [f"{fault.where}: {fault.problem}" for fault in t.fsck().faults]
        t.user("after")
    there = [made in kept for made in cut.acknowledged]
    if there != sorted(there, reverse=True):
        faults.append("a commit is there, and one acknowledged before it is not")
    return there.count(False), faults


def lost_most(events: list[Event], folder: Path, count: int, seed: int) -> int:
    """Return how many acknowledged commits the worst of so many cuts lost; no cut may leave anything wrong."""
    known: dict[bytes, tuple[int, list[str]]] = {}
    worst = 0
    for number, cut in enumerate(cuts(events, count, random.Random(seed))):
        digest = hashlib.sha256(repr(len(cut.acknowledged)).encode())
        for name, content in sorted(cut.files.items()):
            digest.update(name.encode() + content)
        if digest.digest() not in known:
            place = folder / f"cut-{number}"
            place.mkdir()
            known[digest.digest()] = verdict(place, cut)
            for left in place.iterdir():
                left.unlink()
        lost, faults = known[digest.digest()]
        assert faults == [], number
        worst = max(worst, lost)
    return worst


@pytest.mark.parametrize(("program", "seed", "count"), SHORT)
def test_full_durability_loses_nothing(disk: Disk, tmp_path: Path, program: Program, seed: int, count: int) -> None:
    """After each of a thousand cuts every acknowledged commit is there, and the store is sound."""
    events = recorded(disk, tmp_path, "full", seed, program)

    assert lost_most(events, tmp_path, count, seed) == 0


@pytest.mark.parametrize(("program", "seed", "count"), SHORT)
def test_normal_durability_loses_only_the_end(
    disk: Disk, tmp_path: Path, program: Program, seed: int, count: int
) -> None:
    """After each of a thousand cuts the store is sound, and what it lacks is what was acknowledged last."""
    events = recorded(disk, tmp_path, "normal", seed, program)

    assert lost_most(events, tmp_path, count, seed) > 0


@pytest.mark.long
@pytest.mark.parametrize("seed", range(50))
@pytest.mark.parametrize("durability", ["full", "normal"])
def test_a_hundred_thousand_cuts(disk: Disk, tmp_path: Path, durability: str, seed: int) -> None:
    """The same after a thousand cuts in each of 50 programs, for each durability."""
    events = recorded(
        disk, tmp_path, durability, seed, LONG_LOG if seed % 10 == 9 else USUAL._replace(openings=4, works=8)
    )

    assert lost_most(events, tmp_path, 1_000, seed) == 0 or durability == "normal"
