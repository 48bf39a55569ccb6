"""A process that forks while a store is open: the child opens it anew, and neither loses what was acknowledged."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from storage_support import run_in_child
from tract import StorageError, Tract
from tract_support import texts


def forked(act: Callable[[], None]) -> tuple[int, Callable[[], int]]:
    """Do something in a fork; return where to say that it may go on, and what waits for its exit code."""
    go, going = os.pipe()
    started, start = os.pipe()

    def child() -> None:
        act()
        os.write(start, b"x")
        os.read(go, 1)
        act()

    result: list[int] = []
    waiting = threading.Thread(target=lambda: result.append(run_in_child(child)))
    waiting.start()
    os.read(started, 1)

    def finish() -> int:
        os.write(going, b"x")
        waiting.join()
        return result[0]

    return going, finish


def test_a_child_that_opens_the_store_anew_loses_nothing(path: Path) -> None:
    """The child's connection holds locks of its own: a parent that closes does not delete the log it writes to."""
    parent = Tract.open(path, durability="normal")
    parent.user("parent")
    opened: list[Tract] = []

    def write() -> None:
        if not opened:
            opened.append(Tract.open(path, durability="normal"))
        opened[0].user(f"child {len(opened[0].log())}")

    _, finish = forked(write)
    parent.close()
    code = finish()

    assert code == 0
    with Tract.open(path) as t:
        assert texts(t) == ["parent", "child 1", "child 2"]
        assert t.fsck().is_clean


def test_an_inherited_tract_is_a_typed_error(path: Path) -> None:
    """Every verb of an object that was opened before the fork is a StorageError in the child; closing is harmless."""
    with Tract.open(path, durability="normal") as t:
        t.user("before")
        verbs: list[Callable[[], object]] = [
            lambda: t.user("child"),
            t.compile,
            t.log,
            t.status,
            t.fsck,
            lambda: t.branch("other"),
            lambda: t.merge("main"),
            lambda: t.import_messages([{"role": "user", "content": "child"}]),
        ]

        def use() -> None:
            for verb in verbs:
                try:
                    verb()
                except StorageError:
                    continue
                raise AssertionError(verb)
            t.close()

        code = run_in_child(use)
        t.user("after")

        assert code == 0
        assert texts(t) == ["before", "after"]


def test_a_child_that_ends_as_programs_do_disturbs_nobody(path: Path) -> None:
    """The interpreter's end in a child, which frees all that it inherited, leaves the parent's log and locks."""
    script = """
import os, sys
from tract import Tract
t = Tract.open(sys.argv[1], durability="normal")
t.user("before")
if os.fork() == 0:
    sys.exit()
assert os.wait()[1] == 0
t.user("after")
print(os.path.exists(sys.argv[1] + "-wal"))
other = Tract.open(sys.argv[1])
other.close()
t.user("last")
t.close()
with Tract.open(sys.argv[1]) as t:
    print([message.text for message in t.compile().messages], t.fsck().is_clean)
"""

    done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=False)

    assert done.stdout == "True\n['before', 'after', 'last'] True\n", done.stderr


def test_a_fork_waits_for_threads_that_write(path: Path) -> None:
    """Children forked while threads write find a whole store, and no lock that nobody will give up."""
    with Tract.open(path, durability="normal") as t:
        stop = threading.Event()

        def write() -> None:
            for _ in range(2_000):
                if not stop.is_set():
                    t.user("thread")

        writers = [threading.Thread(target=write) for _ in range(2)]
        for writer in writers:
            writer.start()

        def child() -> None:
            with Tract.open(path, durability="normal") as mine:
                mine.user("child")

        try:
            codes = [run_in_child(child) for _ in range(8)]
        finally:
            stop.set()
            for writer in writers:
                writer.join()

        assert codes == [0] * 8
        assert texts(t).count("child") == 8
        assert t.fsck().is_clean


def test_a_child_keeps_no_lock_on_the_log(path: Path) -> None:
    """What a child inherited of the log is closed there, so that the lock on checkpoints ends with who took it."""
    with Tract.open(path, durability="normal") as t:
        t.user("before")

        def look() -> None:
            inherited = [os.readlink(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd") if _is_link(fd)]
            assert not [name for name in inherited if name.startswith(str(path))]

        code = run_in_child(look)

    assert code == 0


def _is_link(fd: str) -> bool:
    return os.path.islink(f"/proc/self/fd/{fd}")
