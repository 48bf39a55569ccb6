"""Programs that make something large and use it, with little stack and counted memory: they print megabytes at most."""

import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from tract import Tract
from tract.model.changes import Append, NewMessage
from tract.model.commits import ContextFacts, build_commit
from tract.model.encoding import encode, live_message_id, object_id
from tract.protocols import NewBlob, NewCommit, NewObject, Operation, RefMove, TokenCount
from tract.storage.sqlite import open_sqlite

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
FRAMES = 180
"""How deep the stack may get: a recursion over what is large would need thousands."""

OBJECTS = 5_000
"""How many commits are written at once."""


def write(path: str, commits: Sequence[NewObject], old: str | None, new: str) -> None:
    """Write commits, and move `main` over them."""
    with open_sqlite(path, durability="normal") as store:
        store.publish(
            commits, [RefMove("heads/main", old, new)], Operation(object_id("op", new.encode()), "fill", "", NOW)
        )


def history(path: str, count: int, *, merges: bool) -> None:
    """Make a history of so many commits: one line, or each a merge of the two before it, of which one forks."""
    payload = encode({"role": "user", "content": "again"})
    blob = NewBlob(object_id("blob", payload), payload, {"o200k_base": TokenCount(5, True)})
    waiting: list[NewObject] = [blob]
    old: str | None = None
    before: list[str] = []
    for n in range(count):
        message = Append(NewMessage(live_message_id(f"{n:064x}", 0), blob.id, "user"))
        parents = before[-2:][::-1] if merges and len(before) > 1 else before[-1:]
        made, made_payload = build_commit(parents, [message], message=None, created_at=NOW)
        waiting.append(NewCommit(made, made_payload, ContextFacts(n + 1, 5 * n + 8, True, "o200k_base")))
        before = [*before[-1:], made.id]
        if len(waiting) >= OBJECTS or n == count - 1:
            write(path, waiting, old, made.id)
            waiting, old = [], made.id


def commits(path: str, count: int) -> None:
    """A long line of commits: appended to, listed, branched, merged and compiled to a budget."""
    history(path, count, merges=False)
    with Tract.open(path, durability="normal") as t:
        t.user("last")
        assert len(t.log(limit=20)) == 20
        assert t.status().message_count == count + 1
        t.branch("side", at=f"main~{count // 2}")
        t.switch("side")
        t.user("aside")
        t.switch("main")
        assert t.merge("side").committed
        assert len(t.compile(budget=10_000).messages) > 10


def merges(path: str, count: int) -> None:
    """A chain of merges of merges: listed, merged with, checked."""
    history(path, count, merges=True)
    with Tract.open(path, durability="normal") as t:
        t.branch("side", at=f"main~{count // 3}")
        t.switch("side")
        t.user("aside")
        t.switch("main")
        assert t.merge("side").committed
        assert len(t.log()) == count + 2


def message(path: str, megabytes: int) -> None:
    """One long message: said, edited, merged by lines, compiled."""
    text = "a line of words, as people write them\n" * (megabytes * 1_000_000 // 38)
    with Tract.open(path, durability="normal") as t:
        made = t.user(text)
        assert made.message_id is not None
        t.branch("side")
        t.edit(made.message_id, text + "ours")
        t.switch("side")
        t.edit(made.message_id, "theirs\n" + text)
        t.merge("main", strategy="ours")
        assert len(t.compile().messages[0].text) >= len(text)
    with Tract.open(path) as t:
        assert t.fsck().is_clean


def branches(path: str, count: int) -> None:
    """Many branches: listed, switched to, deleted."""
    with Tract.open(path, durability="normal") as t:
        made = t.user("begin")
    with open_sqlite(path, durability="normal") as store:
        moves = [RefMove(f"heads/b{n}", None, made.id) for n in range(count)]
        store.publish([], moves, Operation(object_id("op", b"branches"), "branch", "", NOW))
    with Tract.open(path, durability="normal") as t:
        assert len(t.branches()) == count + 1
        t.switch(f"b{count // 2}")
        t.user("here")
        t.switch("main")
        t.merge(f"b{count // 2}")
        t.delete_branch(f"b{count // 2}")
        assert t.fsck().is_clean


PROGRAMS: Mapping[str, Callable[[str, int], None]] = {
    "commits": commits,
    "merges": merges,
    "message": message,
    "branches": branches,
}


def main(name: str, path: str, size: str) -> None:
    """Run a program in little stack, and print how many megabytes the process came to."""
    with Tract.open() as warm:
        warm.user("warm")
        warm.compile()
    sys.setrecursionlimit(FRAMES)
    PROGRAMS[name](path, int(size))
    print(peak_megabytes())


def peak_megabytes() -> int:
    """Return the most memory that this process had; `getrusage` would tell of the one that started it, too."""
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM"))


if __name__ == "__main__":
    main(*sys.argv[1:])
