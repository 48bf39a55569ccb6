"""What processes do that are killed in the middle of it, an entry for each verb.

`kill_checks.py` says what must hold of what they leave.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from tract import Commit, Tract
from tract.storage.sql import SqlStore

PARTS = 4

DRAFTS = "draft-"
"""Branches of such names are written message by message; on all others, kinds that are whole must be so."""

BRANCHED = {"merge": "side-", "undo": "undone-"}
"""Kinds whose messages are on `main` exactly if the branch is gone: what its names begin with."""

HARMED = ".harmed"
"""The end of the name of a file that is there while the index is damaged."""

Work = Callable[[Tract, str], Iterator[str]]


def append(t: Tract, name: str) -> Iterator[str]:
    """Say things, one after the other."""
    for n in range(PARTS):
        yield t.user(f"append {name} {n}").id


def batch(t: Tract, name: str) -> Iterator[str]:
    """Say several things as one commit."""
    with t.batch():
        for n in range(PARTS):
            made = t.user(f"batch {name} {n}")
    yield made.id


def take_in(t: Tract, name: str) -> Iterator[str]:
    """Import a conversation."""
    report = t.import_messages([{"role": "user", "content": f"import {name} {n}"} for n in range(PARTS)])
    assert report.commit is not None
    yield report.commit.id


def merge(t: Tract, name: str) -> Iterator[str]:
    """Say several things on a branch, one on ours, and merge."""
    yield t.user(f"fork {name}").id
    t.branch(BRANCHED["merge"] + name)
    yield t.user(f"ours {name}").id
    t.switch(f"side-{name}")
    try:
        with t.batch():
            for n in range(PARTS):
                t.user(f"merge {name} {n}")
    finally:
        t.switch("main")
    result = t.merge(f"side-{name}", delete_branch=True)
    assert result.commit is not None
    yield result.commit.id


def edit(t: Tract, name: str) -> Iterator[str]:
    """Say, edit, pin and skip in turn."""
    made = t.user(f"edited {name}")
    assert made.message_id is not None
    yield made.id
    yield t.edit(made.message_id, f"edited again {name}").id
    yield t.pin(made.message_id).id
    yield t.skip(made.message_id).id


def checkpoint(t: Tract, name: str) -> Iterator[str]:
    """Say things so long that the log is moved into the file meanwhile."""
    for n in range(PARTS):
        yield t.user(f"long {name} {n} " + "word " * 220_000).id


def told(commit: Commit | None) -> str:
    """Return the id of a commit that was made."""
    assert commit is not None
    return commit.id


def several(t: Tract, kind: str, name: str) -> Iterator[Commit]:
    """Say the parts one by one."""
    for n in range(PARTS):
        yield t.user(f"{kind} {name} {n}")


def drafted(t: Tract, kind: str, name: str) -> str:
    """Say the parts one by one on a branch of drafts, go back to `main`, and return the range of them."""
    t.switch(f"{DRAFTS}{name}", create=True)
    made = list(several(t, kind, name))
    t.switch("main")
    return f"{told(made[0])}^..{told(made[-1])}"


def rebase(t: Tract, name: str) -> Iterator[str]:
    """Rebase several commits on what `main` says meanwhile, and let `main` follow."""
    yield t.user(f"below {name}").id
    branch = f"rebased-{name}"
    t.branch(branch, at=drafted(t, "rebase", name).split("..")[1])
    yield t.user(f"beside {name}").id
    t.switch(branch)
    t.rebase("main")
    t.switch("main")
    yield told(t.merge(branch, delete_branch=True).commit)


def cherry_pick(t: Tract, name: str) -> Iterator[str]:
    """Pick several commits at once."""
    yield t.user(f"below {name}").id
    yield told(t.cherry_pick(drafted(t, "cherry-pick", name)).commit)


def revert(t: Tract, name: str) -> Iterator[str]:
    """Pick several commits, and revert them at once."""
    below = t.user(f"below {name}").id
    yield below
    yield told(t.cherry_pick(drafted(t, "revert", name)).commit)
    yield told(t.revert(f"{below}..main").commit)


def said_at_once(t: Tract, kind: str, name: str) -> list[str]:
    """Say the parts as one commit, and return the ids of the messages."""
    with t.batch():
        made = list(several(t, kind, name))
    return [commit.message_id for commit in made if commit.message_id is not None]


def compress(t: Tract, name: str) -> Iterator[str]:
    """Let a summary stand for several messages."""
    yield t.compress(said_at_once(t, "compress", name), summary=f"summary {name}").id


def expand(t: Tract, name: str) -> Iterator[str]:
    """Let a summary stand for several messages, and show them again."""
    made = t.compress(said_at_once(t, "expand", name), summary=f"summary {name}")
    yield made.id
    assert made.message_id is not None
    yield t.expand(made.message_id).id


def gc(t: Tract, name: str) -> Iterator[str]:
    """Drop a branch, fill the index of words, and delete what nothing reaches."""
    drafted(t, "dropped", name)
    t.search("dropped")
    t.delete_branch(f"{DRAFTS}{name}", force=True)
    t.gc(keep="0s")
    yield t.user(f"kept {name}").id


def purge(t: Tract, name: str) -> Iterator[str]:
    """Say a secret, edit it, and purge it."""
    made = t.user(f"secret-{name}. one")
    assert made.message_id is not None
    yield made.id
    yield t.edit(made.message_id, f"secret-{name}. two").id
    t.search(f"secret-{name}")
    t.purge(made.message_id, confirmed=True)
    yield f"purged secret-{name}."


def undo(t: Tract, name: str) -> Iterator[str]:
    """Merge a branch and delete it; undo that, and do it again."""
    branch = BRANCHED["undo"] + name
    t.switch(branch, create=True)
    try:
        said_at_once(t, "undo", name)
    finally:
        t.switch("main")
    result = t.merge(branch, delete_branch=True)
    t.undo()
    t.redo()
    yield told(result.commit)


def family(t: Tract, name: str) -> Iterator[str]:
    """Let a child find something, and take it in."""
    yield t.user(f"below {name}").id
    with t.spawn(f"child-{name}") as child:
        list(several(child, "collapse", name))
        yield told(t.collapse(child).commit)


def push(t: Tract, name: str) -> Iterator[str]:
    """Push to another store."""
    made = t.user(f"pushed {name}").id
    yield made
    t.push()
    yield f"pushed {made}"


def fetch(t: Tract, name: str) -> Iterator[str]:
    """Fetch what is in another store, and merge it."""
    with Tract.open(t.remotes()["origin"].url, durability="normal") as peer:
        peer.switch(f"theirs-{name}", create=True)
        list(several(peer, "fetch", name))
        peer.switch("main")
    t.fetch()
    yield told(t.merge(f"origin/theirs-{name}", allow_unrelated=True).commit)


def bundle(t: Tract, name: str) -> Iterator[str]:
    """Write a bundle over the one that is there."""
    made = t.user(f"bundled {name}").id
    yield made
    path = Path(t.remotes()["origin"].url).with_suffix(".bundle")
    t.bundle(path, "main")
    yield f"bundled {made}"


def note(t: Tract, name: str) -> Iterator[str]:
    """Write notes on a commit."""
    made = t.user(f"noted {name}").id
    yield made
    t.note(made, f"note {name}")
    yield f"noted {made}"


def repair(t: Tract, name: str) -> Iterator[str]:
    """Damage the index, which is told by a file, and repair it."""
    store = t._repo.store
    assert isinstance(store, SqlStore)
    harmed = Path(t.remotes()["origin"].url).with_suffix(HARMED)
    harmed.touch()
    for harm in ("UPDATE commits SET generation = 7", "UPDATE commits SET token_count = 1, seal = 5"):
        store._database.transact(lambda transaction, sql=harm: transaction.read(sql, {}))  # type: ignore[misc]
    assert t.fsck(repair=True).is_clean
    harmed.unlink()
    yield t.user(f"repaired {name}").id


WORK: Mapping[str, Work] = {
    "append": append,
    "batch": batch,
    "import": take_in,
    "merge": merge,
    "edit": edit,
    "checkpoint": checkpoint,
    "rebase": rebase,
    "cherry-pick": cherry_pick,
    "revert": revert,
    "compress": compress,
    "expand": expand,
    "gc": gc,
    "purge": purge,
    "undo": undo,
    "collapse": family,
    "push": push,
    "fetch": fetch,
    "bundle": bundle,
    "note": note,
    "repair": repair,
}
"""What may be killed: it is given a tract on `main` and a name of its own, and yields each commit that it was told of.

A text with a word before it tells of something else that was acknowledged.
"""

WHOLE = frozenset(
    {"batch", "import", "merge", "rebase", "cherry-pick", "revert", "compress", "expand", "undo", "collapse", "fetch"}
)
"""Kinds of messages of which, for each name, there are `PARTS` or none on a branch that is no draft."""
