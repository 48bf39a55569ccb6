"""Verbs one after the other that nobody would try together: each does its own, and the store stays whole."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tract import BatchError, CommitNotFoundError, Tract
from tract.protocols import SummaryRequest
from tract_support import Another, ids, texts

SECRET = "sk-0123456789"


@pytest.fixture
def leaked(t: Tract) -> str:
    """The id of a message that was purged on `topic`, which left `main` after its first message."""
    t.user("start")
    t.branch("topic")
    t.user("on main")
    t.switch("topic")
    message_id = str(t.user(f"The key is {SECRET}.").message_id)
    t.edit(message_id, f"The new key is {SECRET}!")
    t.assistant("Noted.")
    t.purge(message_id, confirmed=True)
    return message_id


def check_hidden(t: Tract) -> None:
    """Check that the secret is nowhere that a reader comes, and the store whole."""
    for name in t.branches():
        assert SECRET not in t.export_messages(at=name)
    assert t.search(f'"{SECRET}"') == []
    assert t.fsck().is_clean


def test_a_purged_message_is_rebased(t: Tract, leaked: str) -> None:
    """It stands on the new base as a tombstone, under its id."""
    assert t.rebase("main").kind == "clean"

    assert texts(t) == ["start", "on main", "[purged]", "Noted."]
    assert ids(t)[2] == leaked
    check_hidden(t)


def test_a_purged_message_is_merged_picked_and_reverted(t: Tract, leaked: str) -> None:
    """Each verb moves the tombstone as any message."""
    t.switch("main")
    t.cherry_pick("topic~2")
    assert texts(t)[-1] == "[purged]"
    t.revert("HEAD")
    t.revert("HEAD")

    t.merge("topic", strategy="theirs")

    assert sorted(texts(t)) == sorted(["start", "on main", "[purged]", "Noted."])
    check_hidden(t)


def test_a_purged_message_is_compressed_and_expanded(t: Tract, leaked: str) -> None:
    """The summarizer is told of a tombstone; a summary that was purged itself can be expanded."""
    told: list[str] = []

    def summarizer(request: SummaryRequest) -> str:
        told.extend(request.texts)
        return "."

    commit = t.compress([leaked], summarizer=summarizer)
    assert told == ["[purged]"]
    t.purge(str(commit.message_id), confirmed=True)

    t.expand(str(commit.message_id))

    assert texts(t) == ["start", "[purged]", "Noted."]
    check_hidden(t)


def test_a_purge_stays_whatever_is_undone(t: Tract, leaked: str) -> None:
    """Undo goes back before it, and the message stays a tombstone."""
    t.undo(2)

    assert texts(t) == ["start", "[purged]"]
    check_hidden(t)


def test_a_tombstone_travels_in_bundles_and_pushes(t: Tract, leaked: str, tmp_path: Path) -> None:
    """Who reads the bundle or is pushed to has the tombstone, and can go on with it."""
    t.bundle(tmp_path / "work.bundle", "topic", "main")
    with Tract.clone(tmp_path / "work.bundle", tmp_path / "copy.db", durability="normal") as copy:
        copy.switch("topic")
        assert texts(copy) == ["start", "[purged]", "Noted."]
        check_hidden(copy)
        copy.rebase("main")
        copy.user("more")

        copy.push(t, to="theirs")

        assert texts(t, "theirs") == ["start", "on main", "[purged]", "Noted.", "more"]
        check_hidden(t)


@pytest.mark.parametrize(
    "verb", ["rebase", "cherry_pick", "revert", "compress", "expand", "note", "pull", "pull of others", "collapse"]
)
def test_an_undo_restores_every_ref(t: Tract, another: Another, verb: str) -> None:
    """Also of what moves refs that are no branches; and redo moves them all on again."""
    t.user("start")
    t.branch("topic")
    summary = str(t.compress("..", summary="s").message_id) if verb == "expand" else ""
    t.user("on main")
    t.switch("topic")
    t.user("on topic")
    with another(name="hub") as hub, t.spawn("child") as child, Tract.open() as far:
        hub.pull(t, "main", name=t.name)
        hub.user("on hub")
        child.user("found")
        far.user("far")
        if verb == "expand":
            t.switch("main")
        acts: dict[str, Callable[[], object]] = {
            "rebase": lambda: t.rebase("main"),
            "cherry_pick": lambda: t.cherry_pick("main"),
            "revert": lambda: t.revert("HEAD"),
            "compress": lambda: t.compress("..", summary="s"),
            "expand": lambda: t.expand(summary),
            "note": lambda: t.note("HEAD", "look"),
            "pull": lambda: t.pull(hub, "main", name="hub"),
            "pull of others": lambda: t.pull(far, "main", allow_unrelated=True),
            "collapse": lambda: t.collapse(child),
        }
        before, shown = t._repo.store.refs(""), texts(t)

        acts[verb]()
        after, then = t._repo.store.refs(""), texts(t)
        t.undo()

        assert _lasting(t._repo.store.refs("")) == _lasting(before)
        assert texts(t) == shown
        t.redo()
        assert _lasting(t._repo.store.refs("")) == _lasting(after) != _lasting(before)
        assert texts(t) == then
        assert t.fsck().is_clean


def _lasting(refs: dict[str, str]) -> dict[str, str]:
    return {name: target for name, target in refs.items() if not name.startswith(("rerere/", "incoming/"))}


def test_an_undone_spawn_leaves_the_child_to_itself(t: Tract) -> None:
    """Its parent knows it no more until the spawn is done again; the child keeps what it said."""
    t.user("start")
    with t.spawn("web") as child:
        child.user("found")
        t.undo()
        assert (t.children(), texts(child)) == ({}, ["start", "found"])

        t.redo()

        assert t.collapse(child).kind == "clean"
        assert texts(t) == ["start", "found"]


def test_collecting_after_an_undo_leaves_what_stands(t: Tract) -> None:
    """What was undone and collected cannot be done again, which changes nothing; what is said next is right."""
    t.user("one")
    t.user("two")
    t.undo()
    assert len(t.gc(keep=0).commits) == 1

    with pytest.raises(CommitNotFoundError):
        t.redo()

    t.user("three")
    assert texts(t) == ["one", "three"]
    assert t.fsck().is_clean


def test_search_follows_what_is_purged_collected_compressed_and_fetched(t: Tract, another: Another) -> None:
    """What is gone is not found, what is folded is found as past, and what was pulled is found here."""
    t.user("alpha")
    t.switch("side", create=True)
    t.user("beta")
    t.switch("main")
    assert len(t.search("beta")) == 1
    t.delete_branch("side", force=True)
    t.gc(keep=0)
    assert t.search("beta") == []
    t.compress("..", summary="delta")
    assert (len(t.search("alpha")), t.search("alpha", current=True)) == (1, [])

    with Tract.open() as far:
        far.pull(t)
        assert [len(far.search(word)) for word in ("alpha", "beta", "delta")] == [1, 0, 1]


def test_blame_leads_through_rebase_and_cherry_pick(t: Tract) -> None:
    """Each line is whose it was, though other commits put it there."""
    message_id = str(t.user("one\ntwo\nthree\nfour", author="Ada").message_id)
    t.branch("topic")
    t.edit(message_id, "ONE\ntwo\nthree\nfour", author="Cy")
    t.switch("topic")
    t.edit(message_id, "one\ntwo\nthree\nFOUR", author="Bob")
    said = str(t.user("and more", author="Bob").message_id)
    t.branch("copy", "main")

    t.rebase("main")
    t.switch("copy")
    t.cherry_pick("topic~1")

    expected = [("ONE", "Cy"), ("two", "Ada"), ("three", "Ada"), ("FOUR", "Bob")]
    for name in ("topic", "copy"):
        lines = t.blame(message_id, at=name).lines
        assert [(line.text, line.origin.commit.author) for line in lines] == expected
    assert t.blame(said, at="topic").origin.commit.author == "Bob"


def test_bisect_takes_a_merge_as_one_step(t: Tract) -> None:
    """What broke it came from the other side: the merge is the first bad commit."""
    good = t.user("start").id
    t.branch("side")
    t.user("on main")
    t.switch("side")
    t.user("BAD")
    t.switch("main")
    merged = t.merge("side").commit
    t.user("later")

    found = t.bisect(good, "HEAD", lambda context: all(message.text != "BAD" for message in context.messages))

    assert found.commit == merged


def test_compressing_inside_a_batch_is_refused_and_expanding_joins_it(t: Tract) -> None:
    """The batch goes on, and is one commit."""
    t.user("one")
    t.user("two")
    summary = str(t.compress("..", summary="s").message_id)
    count = len(t.log())

    with t.batch():
        t.user("three")
        with pytest.raises(BatchError):
            t.compress("..", summary="x")
        with pytest.raises(BatchError):
            t.auto_compress(10)
        t.expand(summary)

    assert texts(t) == ["one", "two", "three"]
    assert len(t.log()) == count + 1


def test_children_outlive_collecting_and_pushing(t: Tract) -> None:
    """What only a child has is no garbage; a push carries the branch, and no child."""
    t.user("start")
    rule = str(t.user("At most 300 euros.").message_id)
    t.pin(rule)
    with t.spawn("part", inherit="pinned") as part, t.spawn("whole") as whole, Tract.open() as hub:
        part.user("from part")
        whole.user("from whole")
        t.reset("HEAD~1")
        t.gc(keep=0)
        assert (texts(part)[-1], texts(whole)[-1]) == ("from part", "from whole")

        t.push(hub)
        t.collapse(part)
        t.collapse(whole, summary="done")
        t.gc(keep=0)
        t.push(hub)
        hub.gc(keep=0)

        assert texts(hub) == texts(t) == ["start", "At most 300 euros.", "from part", "done"]
        assert hub.children() == {}
        assert t.fsck().is_clean
        assert hub.fsck().is_clean
