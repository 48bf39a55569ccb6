"""Laws of sharing, on any history: what is pushed is pulled, and clones and bundles are the same."""

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from sharing_support import compiles, open_at, shared_refs
from tract import Tract
from tract_support import answering, asking

Step = tuple[str, int]
KINDS = ("say", "ask", "edit", "skip", "pin", "configure", "branch", "switch", "merge", "tag", "reset", "batch")
steps = st.lists(st.tuples(st.sampled_from(KINDS), st.integers(0, 7)), max_size=25)


def take(t: Tract, step: Step, count: int) -> None:
    """Do one step of a story; one that nothing can be done about does nothing."""
    kind, number = step
    message_ids = t.compile(budget=10**9).message_ids
    chosen = message_ids[number % len(message_ids)] if message_ids else None
    branches = sorted(t.branches())
    if kind == "say" or chosen is None:
        t.user(f"said {number}")
    elif kind == "ask":
        t.append([asking("x", "y"), answering("y"), answering("x", f"found {number}")])
    elif kind == "edit" and t.compile(budget=10**9).messages[number % len(message_ids)].role == "user":
        t.edit(chosen, f"edited {count}")
    elif kind == "skip":
        t.skip(chosen)
    elif kind == "pin":
        t.pin(chosen)
    elif kind == "configure":
        t.configure(temperature=number)
    elif kind == "branch":
        t.branch(f"b{count}")
    elif kind == "switch" and branches:
        t.switch(branches[number % len(branches)])
    elif kind == "merge" and branches:
        t.merge(branches[number % len(branches)], strategy="union", allow_unrelated=True)
        give_up_waiting(t)
    elif kind == "tag":
        t.tag(f"t{count}")
    elif kind == "reset":
        t.reset(t.log()[number % len(t.log())].id)
    elif kind == "batch":
        with t.batch():
            t.user(f"one {number}")
            t.user(f"two {number}")


def give_up_waiting(t: Tract) -> None:
    """Give up a merge that no strategy settled."""
    if t.merge_session() is not None:
        t.abort_merge()


def tell(t: Tract, story: list[Step]) -> None:
    """Record a story, and something at least."""
    t.user("begin")
    for count, step in enumerate(story):
        take(t, step, count)


@given(steps)
@settings(max_examples=60, deadline=None)
def test_a_clone_and_a_bundle_are_the_same(story: list[Step]) -> None:
    """At every ref, with every count; and a clone of the clone is it, too."""
    with tempfile.TemporaryDirectory() as folder, open_at(None) as t:
        tell(t, story)
        t.bundle(Path(folder) / "all", *t.branches())

        with Tract.clone(t) as one, Tract.clone(one) as two, Tract.clone(Path(folder) / "all") as unpacked:
            assert shared_refs(one) == shared_refs(two) == shared_refs(t)
            assert compiles(one) == compiles(two) == compiles(t)
            reachable = {ref: key for ref, key in shared_refs(t).items() if key in reached_ids(t)}
            assert shared_refs(unpacked) == reachable
            assert compiles(unpacked).items() <= compiles(t).items()
            assert one.fsck().is_clean


def reached_ids(t: Tract) -> set[str]:
    """Return the commits that branches reach."""
    return {commit.id for name in t.branches() for commit in t.log(name)}


@given(steps, steps, steps)
@settings(max_examples=60, deadline=None)
def test_push_then_pull_is_the_identity(story: list[Step], more: list[Step], theirs: list[Step]) -> None:
    """Whatever two tracts do, once each pulled what the other pushed, they and the hub stand at one commit."""
    with open_at(None) as near, open_at(None) as hub:
        tell(near, story)
        near.switch("main")
        near.push(hub, force=True)
        with Tract.clone(hub) as far:
            for t, work in ((near, more), (far, theirs)):
                for count, step in enumerate(work):
                    if step[0] in ("say", "ask", "edit", "skip", "pin", "configure", "batch"):
                        take(t, step, 1000 + count)
            near.push(hub)

            far.pull(hub, strategy="ours")
            if far.merge_session() is not None:
                return
            far.push(hub)
            result = near.pull(hub)

            assert result.kind in ("fast_forward", "up_to_date")
            assert near.head_id == far.head_id == hub.head_id
            assert near.compile(budget=10**9).to_openai() == hub.compile(budget=10**9).to_openai()
            assert (near.push(hub).updates, far.push(hub).commits) == ((), 0)
            assert hub.fsck().is_clean
            assert far.fsck().is_clean


@given(steps, st.data())
@settings(max_examples=40, deadline=None)
def test_a_bundle_since_any_commit_completes_who_has_it(story: list[Step], data: st.DataObject) -> None:
    """Whoever has a commit, and then reads a bundle of what came since, has the branch."""
    with tempfile.TemporaryDirectory() as folder, open_at(None) as t, open_at(None) as near:
        tell(t, story)
        t.user("middle")
        t.user("end")
        since = data.draw(st.sampled_from([commit.id for commit in t.log()][1:]))
        t.branch("old", since)
        near.fetch(t, "old")

        t.bundle(Path(folder) / "new", since=since)
        near.fetch(Path(folder) / "new")

        near.branch("main", str(t.head_id))
        assert near.compile("main", 10**9).to_openai() == t.compile(budget=10**9).to_openai()
        assert near.fsck().is_clean
