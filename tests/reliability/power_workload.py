"""A program that writes to a store in every way there is and acknowledges each commit, until its power is cut."""

import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from disk_support import LoadedDisk
from tract import Tract


def append(t: Tract, n: int, chance: random.Random) -> Iterator[str]:
    """Say one thing, short or long."""
    yield t.user(f"{n} " + "x" * chance.choice([10, 300, 3_000])).id


def batch(t: Tract, n: int, _: random.Random) -> Iterator[str]:
    """Say three things as one commit."""
    with t.batch():
        made = [t.user(f"batch {n} {part}") for part in range(3)]
    yield made[0].id


def merge(t: Tract, n: int, _: random.Random) -> Iterator[str]:
    """Say something, branch, say something on both sides, and merge."""
    yield t.user(f"common {n}").id
    t.branch(f"side-{n}")
    yield t.user(f"main {n}").id
    t.switch(f"side-{n}")
    t.user(f"side {n}")
    t.switch("main")
    result = t.merge(f"side-{n}")
    assert result.commit is not None
    yield result.commit.id


def take_in(t: Tract, n: int, _: random.Random) -> Iterator[str]:
    """Import a conversation of five messages."""
    report = t.import_messages([{"role": "user", "content": f"import {n} {part}"} for part in range(5)])
    assert report.commit is not None
    yield report.commit.id


def large(t: Tract, n: int, _: random.Random) -> Iterator[str]:
    """Say something so long that the log must be moved into the file soon."""
    yield t.user(f"large {n} " + "y" * 900_000).id


WORK: dict[str, Callable[[Tract, int, random.Random], Iterator[str]]] = {
    "append": append,
    "batch": batch,
    "merge": merge,
    "import": take_in,
    "large": large,
}
"""What is done, by name. What is yielded was acknowledged, and must be reachable from `main` for ever."""


def main(folder: str, durability: str, seed: str, weights: str, openings: str, works: str) -> None:
    """Work in a new store, opened so often for so much work each; `weights` names what to do, as often as listed."""
    chance, disk = random.Random(seed), LoadedDisk()
    names = weights.split()
    n = 0
    for _ in range(int(openings)):
        with Tract.open(Path(folder) / "t.db", durability="full" if durability == "full" else "normal") as t:
            for _ in range(int(works)):
                n += 1
                for made in WORK[chance.choice(names)](t, n, chance):
                    disk.acknowledge(made)


if __name__ == "__main__":
    main(*sys.argv[1:])
