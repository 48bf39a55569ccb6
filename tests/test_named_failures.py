"""What other systems of this kind get wrong, each named by its failure: here it does not happen."""

import itertools
from collections.abc import Callable
from datetime import timedelta

import pytest

from tract import CommitNotFoundError, MessageNotFoundError, RevisionError, Tract
from tract.protocols import SummaryRequest
from tract_support import START, ids, texts


def said(t: Tract, *words: str) -> list[str]:
    """Say messages, and return their ids."""
    return [str(t.user(word).message_id) for word in words]


def test_compressing_a_middle_range_keeps_what_follows(t: Tract) -> None:
    """What stands before and behind the range stays verbatim, in order, under its ids."""
    one, two, three, four, five = said(t, "one", "two", "three", "four", "five")

    summary = t.compress(f"{two}..{three}", summary="two and three").message_id

    assert ids(t) == [one, summary, four, five]
    assert texts(t) == ["one", "two and three", "four", "five"]


def test_a_pinned_message_survives_ten_compressions(t: Tract) -> None:
    """It is sent verbatim after each of them."""
    (rule,) = said(t, "At most 300 euros.")
    t.pin(rule)

    for number in range(10):
        said(t, f"question {number}", f"answer {number}")
        t.compress("..", summary=f"summary {number}")

        assert texts(t) == ["At most 300 euros.", f"summary {number}"]


@pytest.mark.parametrize("verb", ["compress", "rebase", "cherry-pick", "all of them"])
def test_a_skipped_message_stays_skipped(t: Tract, verb: str) -> None:
    """Neither a summary nor a replay brings it back, and no summarizer is told of it."""
    said(t, "start")
    t.branch("main-goes-on")
    secret, _ = said(t, "skip me", "stays")
    t.skip(secret)
    first = t.resolve_revision("HEAD~2")
    told: list[str] = []

    def summarizer(request: SummaryRequest) -> str:
        told.extend(request.texts)
        return "sum"

    if verb in ("compress", "all of them"):
        t.compress("..", summarizer=summarizer)
    t.branch("topic")
    t.switch("main-goes-on")
    said(t, "meanwhile")

    if verb != "cherry-pick":
        t.switch("topic")
    if verb in ("rebase", "all of them"):
        assert t.rebase("main-goes-on").committed
    if verb == "cherry-pick":
        assert t.cherry_pick(f"{first}^..topic").committed

    assert "skip me" not in texts(t) + told
    t.unskip(secret)
    assert "skip me" in texts(t)


def test_compressing_after_a_merge_summarises_both_sides(t: Tract) -> None:
    """The summarizer is told what came from either branch, and neither is left standing."""
    said(t, "start")
    t.branch("side")
    said(t, "from ours")
    t.switch("side")
    said(t, "from theirs")
    t.switch("main")
    t.merge("side")
    told: list[str] = []

    def summarizer(request: SummaryRequest) -> str:
        told.extend(request.texts)
        return "both"

    t.compress("..", summarizer=summarizer)

    assert told == ["start", "from ours", "from theirs"]
    assert texts(t) == ["both"]


def test_the_configuration_survives_a_compression(t: Tract) -> None:
    """Also where the commits that set it made or came between what is folded."""
    t.configure(model="gpt-4o")
    said(t, "one and all that goes with it")
    t.configure(temperature=0.5, budget=4000)
    said(t, "two and all that goes with it")

    t.compress("..", summary="both")
    t.auto_compress(4000)

    assert t.compile().config == {"model": "gpt-4o", "temperature": 0.5, "budget": 4000}
    assert t.status().budget == 4000


def test_collecting_what_one_branch_left_touches_no_other(t: Tract) -> None:
    """Every other branch compiles to what it did, also where they share what was said."""
    said(t, "shared", "words")
    for name in ("one", "two", "gone"):
        t.switch(name, create=True)
        said(t, f"only on {name}", "the same on each")
    t.switch("main")
    before = {name: t.compile(name).to_openai() for name in ("main", "one", "two")}
    t.delete_branch("gone", force=True)

    collected = t.gc(keep=0)

    assert len(collected.commits) == 2
    assert {name: t.compile(name).to_openai() for name in t.branches()} == before
    assert t.fsck().is_clean


def test_a_nested_merge_keeps_everything(t: Tract) -> None:
    """c is merged into b, and b into main: main has all of both."""
    said(t, "start")
    t.switch("b", create=True)
    said(t, "from b")
    t.switch("c", create=True)
    said(t, "from c")
    t.switch("b")
    said(t, "more from b")
    t.switch("main")
    said(t, "from main")

    t.switch("b")
    assert t.merge("c").committed
    t.switch("main")
    assert t.merge("b").committed

    assert sorted(texts(t)) == ["from b", "from c", "from main", "more from b", "start"]
    assert len(set(ids(t))) == 5
    assert t.merge("c").kind == "up_to_date"


def test_a_commit_made_while_a_merge_waits_survives(t: Tract) -> None:
    """It is merged with, not overwritten, and stands in the history of the merge."""
    (limit,) = said(t, "The limit is 3.")
    t.branch("side")
    t.edit(limit, "The limit is 4.")
    t.switch("side")
    t.edit(limit, "The limit is 5.")
    t.switch("main")
    result = t.merge("side")
    between = t.user("Said while the merge waits.")

    result.resolve(result.conflicts[0].id, "theirs")
    merged = t.commit_merge()

    assert texts(t) == ["The limit is 5.", "Said while the merge waits."]
    assert merged.parents[0] == between.id


@pytest.mark.parametrize("verb", ["compile", "reset", "branch", "log", "show", "diff"])
@pytest.mark.parametrize("name", ["f" * 64, "0123abcd", "nowhere", "main@{99}", "HEAD~99"])
def test_travelling_to_what_is_not_there_is_an_error(t: Tract, verb: str, name: str) -> None:
    """Never an empty context, never another one; nothing is changed, and the next call works."""
    said(t, "one", "two")
    acts: dict[str, Callable[[], object]] = {
        "compile": lambda: t.compile(name),
        "reset": lambda: t.reset(name),
        "branch": lambda: t.branch("new", name),
        "log": lambda: t.log(name),
        "show": lambda: t.show(name),
        "diff": lambda: t.diff(name, "HEAD"),
    }
    before = t.branches()

    with pytest.raises((RevisionError, CommitNotFoundError)):
        acts[verb]()

    assert t.branches() == before
    assert texts(t) == ["one", "two"]


@pytest.mark.parametrize("verb", ["blame", "history", "expand", "edit", "compress"])
def test_a_message_that_never_was_is_an_error(t: Tract, verb: str) -> None:
    """Every verb that takes a message's id says that there is none."""
    said(t, "one")
    unknown = "f" * 64
    acts: dict[str, Callable[[], object]] = {
        "blame": lambda: t.blame(unknown),
        "history": lambda: t.history(unknown),
        "expand": lambda: t.expand(unknown),
        "edit": lambda: t.edit(unknown, "x"),
        "compress": lambda: t.compress(unknown, summary="x"),
    }

    with pytest.raises(MessageNotFoundError):
        acts[verb]()


def rewritten(t: Tract) -> list[object]:
    """Rewrite a conversation by every verb that does, and return what is seen of it."""
    one, two = said(t, "one", "two")
    t.branch("topic")
    said(t, "on main")
    t.switch("topic")
    t.edit(two, "two, edited")
    said(t, "on topic")
    t.rebase("main")
    t.switch("main")
    t.cherry_pick("topic")
    t.revert("HEAD")
    t.merge("topic", strategy="ours")
    t.compress([one, two], summary="one and two")
    t.undo(2)
    t.redo()
    with t.spawn("child") as child:
        child.user("found")
        t.collapse(child)
    return [
        texts(t),
        [entry.kind for entry in t.operations()],
        [hit.message.text for hit in t.search("on")],
        sorted(commit.message.split()[0] for commit in t.log()),
        t.gc().commits,
        t.fsck().is_clean,
    ]


def test_a_clock_that_steps_back_changes_nothing() -> None:
    """Every verb that rewrites, and what is found afterwards, give what they give under a right clock."""
    ticks, steps = itertools.count(), itertools.count()
    with (
        Tract.open(clock=lambda: START + timedelta(seconds=next(ticks))) as right,
        Tract.open(clock=lambda: START - timedelta(hours=next(steps))) as backwards,
    ):
        assert rewritten(backwards) == rewritten(right)
