"""Revisions: every way to name a commit, as git has them, and what each wrong way says."""

from collections.abc import Callable
from typing import Any

import pytest

from tract import AmbiguousRevisionError, CommitNotFoundError, RevisionError, TraceError, Tract
from tract.history.revisions import Revision, Step, is_prefix, parse_revision, split_range
from tract_support import texts


@pytest.fixture
def forked(t: Tract) -> Tract:
    """Two branches of two commits each behind a common one, merged into `main` by a commit of two parents."""
    t.user("base")
    t.branch("side")
    t.user("m1")
    t.user("m2")
    t.switch("side")
    t.user("s1")
    t.user("s2")
    t.switch("main")
    t.merge("side")
    return t


def last_said(t: Tract, revision: str) -> str:
    """Return what the commit that a revision names said, or `merge`."""
    commit = t.log(revision, limit=1)[0]
    return "merge" if len(commit.parents) == 2 else t.show(revision)[1].added[0].after.text  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("revision", "said"),
    [
        ("HEAD", "merge"),
        ("@", "merge"),
        ("main", "merge"),
        ("HEAD^", "m2"),
        ("HEAD^1", "m2"),
        ("HEAD^2", "s2"),
        ("HEAD^0", "merge"),
        ("HEAD~0", "merge"),
        ("HEAD~", "m2"),
        ("HEAD~2", "m1"),
        ("HEAD~3", "base"),
        ("HEAD~1~1", "m1"),
        ("HEAD^^", "m1"),
        ("HEAD^2~1", "s1"),
        ("HEAD^2^", "s1"),
        ("main^2~2", "base"),
        ("side", "s2"),
        ("side~1", "s1"),
        ("@~1", "m2"),
        ("~1", "m2"),
        ("^2", "s2"),
        ("main@{0}", "merge"),
        ("main@{1}", "m2"),
        ("main@{2}", "m1"),
        ("main@{3}", "base"),
        ("@{1}", "m2"),
        ("HEAD@{1}", "m2"),
        ("main@{0}^2", "s2"),
        ("main@{1}~1", "m1"),
        ("side@{1}", "s1"),
    ],
)
def test_what_a_revision_names(forked: Tract, revision: str, said: str) -> None:
    """Names, steps to first and other parents, and moves of a ref ago, in any order git takes."""
    assert last_said(forked, revision) == said


def test_ids_and_prefixes(forked: Tract) -> None:
    """An id, in full or shortened to what no other has, and a tag, name their commit, and steps follow."""
    commit = forked.log("main~1")[0]
    forked.tag("v1", commit.id)

    for revision in (commit.id, commit.id[:63], commit.id[:12], commit.id[:6], "v1"):
        assert forked.resolve_revision(revision) == commit.id
        assert forked.resolve_revision(revision + "~1") == commit.parents[0]


@pytest.mark.parametrize(
    "revision",
    [
        "",
        "nowhere",
        "HEAD~4",
        "HEAD~99999999999999999999",
        "HEAD^3",
        "HEAD~1^2",
        "main@{9}",
        "nowhere@{1}",
        "HEAD~x",
        "HEAD~-1",
        "HEAD^{commit}",
        "HEAD~1@{1}",
        "main@{-1}",
        "main@{yesterday}",
        "main@{1",
        "HEAD~٣",
        "main~1\n",
        "main\n",
        "main~1 ",
        " main",
        "a..b..c",
        "fff",
        "0" * 63,
        "0" * 65,
        "g" * 64,
        "\x00",
        "\ud800",
        "%",
        "main/",
        "heads/main",
        None,
        5,
        b"main",
        ["main"],
    ],
    ids=ascii,
)
def test_revisions_that_lead_nowhere(forked: Tract, revision: Any) -> None:
    """What cannot be read or leads nowhere is a RevisionError, in every verb that takes a revision."""
    verbs: list[Callable[[], object]] = [
        lambda: forked.resolve_revision(revision),
        lambda: forked.log(revision),
        lambda: forked.show(revision),
        lambda: forked.diff(revision),
        lambda: forked.reset(revision),
        lambda: forked.branch("x", revision),
        lambda: forked.tag("x", revision),
        lambda: forked.merge(revision),
    ]
    if revision is not None:
        verbs += [lambda: forked.compile(revision), lambda: forked.history("0000", revision)]

    for verb in verbs:
        with pytest.raises(RevisionError):
            verb()


def test_an_unknown_id_is_no_commit(forked: Tract) -> None:
    """A whole id that no commit has is told apart; so is the id of what is no commit."""
    blob_id = forked.log()[1].changes[0].message.blob_id  # type: ignore[union-attr]

    for unknown in ("0" * 64, blob_id):
        with pytest.raises(CommitNotFoundError) as error:
            forked.resolve_revision(unknown)
        assert error.value.commit_id == unknown


def test_a_prefix_that_several_share(t: Tract) -> None:
    """An error has the candidates; a longer prefix is enough."""
    t.user("x")
    by_prefix: dict[str, list[str]] = {}
    while not (shared := [ids for ids in by_prefix.values() if len(ids) > 1]):
        for number in range(100):
            commit_id = t.configure(x=len(by_prefix) * 1000 + number).id
            by_prefix.setdefault(commit_id[:4], []).append(commit_id)

    with pytest.raises(AmbiguousRevisionError) as error:
        t.resolve_revision(shared[0][0][:4])

    assert sorted(error.value.candidates) == sorted(shared[0])
    assert t.resolve_revision(shared[0][0][:63]) == shared[0][0]


def test_a_name_goes_before_a_prefix(forked: Tract) -> None:
    """A branch or tag that is named like the beginning of an id is what is meant."""
    commit_id = forked.resolve_revision("side")
    forked.branch(commit_id[:6], "main")
    forked.tag(commit_id[:7], "main~1")

    assert forked.resolve_revision(commit_id[:6]) == forked.head_id
    assert forked.resolve_revision(commit_id[:7]) == forked.resolve_revision("main~1")
    assert forked.resolve_revision(commit_id[:8]) == commit_id


def test_a_whole_id_is_no_name(forked: Tract) -> None:
    """Nobody's branch stands in for a commit that is named in full."""
    commit_id = forked.resolve_revision("side")
    forked.branch(commit_id, "main")

    assert forked.resolve_revision(commit_id) == commit_id
    assert texts(forked, commit_id) == ["base", "s1", "s2"]


def test_moves_ago_follow_the_ref(forked: Tract) -> None:
    """`@{n}` counts moves of a branch, resets too, whatever its history is."""
    tip = forked.head_id
    forked.reset("side")
    forked.user("later")

    assert last_said(forked, "main@{1}") == "s2"
    assert forked.resolve_revision("main@{2}") == tip
    forked.tag("v1")
    assert forked.resolve_revision("v1@{0}") == forked.head_id


def test_ranges(forked: Tract) -> None:
    """`a..b` is what b has and a has not; an end left out is HEAD."""

    def said(commits: Any) -> list[str]:
        return [last_said(forked, commit.id) for commit in commits]

    assert sorted(said(forked.log("side..main"))) == ["m1", "m2", "merge"]
    assert said(forked.log("main^..side")) == ["s2", "s1"]
    assert said(forked.log("HEAD~1..")) == said(forked.log("main~1..main")) == ["merge", "s2", "s1"]
    assert said(forked.log("..side")) == said(forked.log("main..main")) == []
    assert forked.diff("main~1..main") == forked.diff("main~1", "main")
    assert [entry.after.text for entry in forked.diff("main~1..").added if entry.after] == ["s1", "s2"]


@pytest.mark.parametrize("text", ["nowhere..main", "main..nowhere", "main...side", "..", "a..b"])
def test_ranges_that_cannot_be_read(t: Tract, text: str) -> None:
    """Both ends of a range must be revisions, and no verb for one commit takes a range."""
    t.user("x")
    if text == "..":
        assert t.log(text) == []
    else:
        with pytest.raises(RevisionError):
            t.log(text)

    for verb in (lambda: t.compile(text), lambda: t.reset(text), lambda: t.diff("main..main", "main")):
        with pytest.raises(TraceError):
            verb()


@pytest.mark.parametrize(
    ("text", "revision"),
    [
        ("main", Revision("main", ())),
        ("@", Revision("HEAD", ())),
        ("~", Revision("HEAD", (Step("back", 1),))),
        ("a/b@{3}~2^", Revision("a/b", (Step("ago", 3), Step("back", 2), Step("parent", 1)))),
        ("user@host", Revision("user@host", ())),
        ("x@{0}^0", Revision("x", (Step("ago", 0), Step("parent", 0)))),
    ],
)
def test_revisions_are_read(text: str, revision: Revision) -> None:
    """A revision is a name and steps."""
    assert parse_revision(text) == revision


def test_ranges_are_split() -> None:
    """Two dots make a range."""
    assert split_range("a..b") == ("a", "b")
    assert split_range("..") == ("HEAD", "HEAD")
    assert split_range("a") is None


@pytest.mark.parametrize(
    ("text", "expected"), [("abcd", True), ("abc", False), ("a" * 64, True), ("a" * 65, False), ("xyzw", False)]
)
def test_prefixes_are_four_digits_at_least(text: str, expected: bool) -> None:
    """Only hex digits, 4 to 64 of them, may be an id."""
    assert is_prefix(text) is expected
