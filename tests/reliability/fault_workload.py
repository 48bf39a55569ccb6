"""A program that lets each call that changes a file fail in turn, in each verb that writes, and checks what is left."""

import errno
import os
import random
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from disk_support import LoadedDisk
from tract import Tract
from tract.exceptions import StorageError

FILE = "t.db"

FAILED: list[str] = []
"""The verbs that failed."""


def say(t: Tract) -> None:
    """Append a message."""
    t.user("said")


def say_long(t: Tract) -> None:
    """Append a message of many pages."""
    t.user("long " * 20_000)


def many(t: Tract) -> None:
    """Write a batch."""
    with t.batch():
        for n in range(5):
            t.user(f"batch {n}")


def join(t: Tract) -> None:
    """Merge a branch that has gone its own way."""
    t.merge("side")


def take_in(t: Tract) -> None:
    """Import a conversation."""
    t.import_messages([{"role": "user", "content": f"import {n}"} for n in range(5)])


def name(t: Tract) -> None:
    """Make a branch."""
    t.branch("named")


VERBS: Mapping[str, Callable[[Tract], None]] = {
    "append": say,
    "append long": say_long,
    "batch": many,
    "merge": join,
    "import": take_in,
    "branch": name,
}
FAULTS: Mapping[str, tuple[int, bool, bool]] = {
    "full": (errno.ENOSPC, True, False),
    "full, half written": (errno.ENOSPC, True, True),
    "one error": (errno.EIO, False, False),
    "broken": (errno.EIO, True, False),
}
"""Kinds of failure: the error, whether it lasts, and whether the first write is done by half."""


def state(t: Tract) -> tuple[object, ...]:
    """Return what a tract shows."""
    if "main" not in t.branches():
        return ((), (), ())
    return (t.branches(), [commit.id for commit in t.log("main")], [message.text for message in t.compile().messages])


def base(folder: Path, *, long_log: bool) -> Path:
    """Make a store with two branches, with a log that is due to be moved into the file or none; return its folder."""
    made = folder / ("long" if long_log else "short")
    made.mkdir()
    left = Tract.open(made / FILE, durability="normal")
    with Tract.open(made / FILE, durability="normal") as t:
        t.system("begin")
        t.branch("side")
        t.user("ours")
        t.switch("side")
        t.user("theirs")
        t.switch("main")
        if long_log:
            t.user("word " * 900_000)
        copy = folder / f"{made.name}-copy"
        shutil.copytree(made, copy)
    left.close()
    return copy if long_log else made


def once(
    disk: LoadedDisk, source: Path | None, work: Path, verb: str, fault: tuple[int, bool, bool] | None, call: int
) -> int:
    """Do a verb with one call failing, check what is left, and return how many calls there were without a failure."""
    if source is not None:
        shutil.copytree(source, work)
    else:
        work.mkdir()
    with Tract.open(work / FILE) as t:
        before = state(t)
        disk.heal()
        failed = False
        if fault is not None:
            error, on, half = fault
            disk.arm(call, error, on=on, half=half)
        try:
            VERBS[verb](t)
        except StorageError:
            failed = True
            FAILED.append(verb)
        calls = disk.calls()
        disk.heal()
        after = state(t)
        assert not failed or after == before or len(after[1]) > len(before[1]), (verb, call, before, after)  # type: ignore[arg-type]
        assert failed or after != before, (verb, call)
        t.user("and on")
        again = state(t)
        assert t.fsck().is_clean, (verb, call)
    with Tract.open(work / FILE) as t:
        assert state(t) == again, (verb, call)
        assert t.fsck().is_clean, (verb, call)
    shutil.rmtree(work)
    return calls


def open_once(disk: LoadedDisk, work: Path, fault: tuple[int, bool, bool] | None, call: int) -> int:
    """Make a new store with one call failing, and then without; return how many calls there were without a failure."""
    work.mkdir()
    disk.heal()
    if fault is not None:
        error, on, half = fault
        disk.arm(call, error, on=on, half=half)
    try:
        Tract.open(work / FILE).close()
    except StorageError:
        FAILED.append("open")
    calls = disk.calls()
    disk.heal()
    with Tract.open(work / FILE) as t:
        t.user("and on")
        assert t.fsck().is_clean, call
    shutil.rmtree(work)
    return calls


def main(folder: str, most: str) -> None:
    """Let calls fail, at most so many of each verb and failure, drawn where there are more; tell how many."""
    disk, chance, root = LoadedDisk(), random.Random(11), Path(folder)
    work, done = root / "work", 0
    bases = {"": base(root, long_log=False), " with a checkpoint": base(root, long_log=True)}
    for verb in VERBS:
        for suffix, source in bases.items():
            if suffix and verb not in ("append", "merge"):
                continue
            calls = once(disk, source, work, verb, None, 0)
            assert calls > 0
            for fault in FAULTS.values():
                first = list(range(1, calls + 1))
                for call in sorted(chance.sample(first, min(int(most), calls))):
                    once(disk, source, work, verb, fault, call)
                    done += 1
    for fault in FAULTS.values():
        for call in range(1, open_once(disk, work, None, 0) + 1):
            open_once(disk, work, fault, call)
            done += 1
    print(done, len(FAILED))


if __name__ == "__main__":
    os.umask(0o077)
    main(*sys.argv[1:])
