"""Branches, tags and where an object stands: what moves, for whom, and what is refused."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tract import (
    BatchError,
    ConcurrentMoveError,
    RefError,
    RefExistsError,
    RefNameError,
    RefNotFoundError,
    RevisionError,
    TraceError,
    Tract,
)
from tract_support import START, Another, ids, texts

GOOD_NAMES = [
    "x",
    "feature/x",
    "a.b",
    "é",
    "日本",
    "a@b",
    "@x",
    "a{b}",
    "a-",
    "main2",
    "Head",
    "x.lock.y",
    "a'b\"c;$(d)",
]
BAD_NAMES = [
    "", "@", "HEAD", "-x", "/x", "x/", "a//b", ".x", "a/.x", "x.", "x.lock", "a.lock/b", "a..b", "a b", "a~b", "a^b",
    "a:b", "a?b", "a*b", "a[b", "a\\b", "a@{b", "a\nb", "a\x00b", "a\x1bb", "a\x7fb", "\ud800", "x" * 256, "é" * 128,
]  # fmt: skip


@pytest.fixture
def talk(t: Tract) -> Tract:
    """A tract with three messages on `main`."""
    for text in ("one", "two", "three"):
        t.user(text)
    return t


def test_branch_only_creates(talk: Tract) -> None:
    """A new branch stands where the object stands, which stays on its own."""
    created = talk.branch("side")

    assert created == talk.head_id
    assert talk.branches() == {"main": created, "side": created}
    assert talk.current_branch == "main"
    talk.user("four")
    assert talk.branches()["side"] == created


def test_a_branch_may_stand_anywhere(talk: Tract) -> None:
    """A branch is made at any revision: a name, an id, a step back."""
    middle = talk.resolve_revision("HEAD~1")

    assert {talk.branch(f"b{place}", at) for place, at in enumerate([middle, middle[:8], "main~1", "HEAD^"])} == {
        middle
    }
    assert texts(talk, "b0") == ["one", "two"]


def test_branches_and_tags_come_in_order_of_name(talk: Tract) -> None:
    """Names are listed sorted, branches and tags apart."""
    for name in ("b", "a", "c/d", "c"):
        talk.branch(name)
        talk.tag(f"tag-{name}")

    assert list(talk.branches()) == ["a", "b", "c", "c/d", "main"]
    assert list(talk.tags()) == ["tag-a", "tag-b", "tag-c", "tag-c/d"]


def test_taken_names_are_refused(talk: Tract) -> None:
    """A branch or tag of a name that exists is an error, and stays where it is."""
    talk.branch("side", "HEAD~1")
    talk.tag("v1", "HEAD~1")
    before = (talk.branches(), talk.tags())

    for verb in (
        lambda: talk.branch("side"),
        lambda: talk.branch("main"),
        lambda: talk.tag("v1"),
        lambda: talk.switch("side", create=True),
        lambda: talk.rename_branch("main", "side"),
    ):
        with pytest.raises(RefExistsError):
            verb()

    assert (talk.branches(), talk.tags()) == before
    assert talk.current_branch == "main"


@pytest.mark.parametrize("name", GOOD_NAMES)
def test_names_that_git_takes(talk: Tract, name: str) -> None:
    """Whatever git takes as a branch's name works for branches, tags and workspaces."""
    talk.switch(name, create=True)
    talk.tag(name)

    assert talk.current_branch == name
    assert name in talk.branches()
    assert talk.resolve_revision(f"{name}~1") == talk.resolve_revision("main~1")


@pytest.mark.parametrize("name", [*BAD_NAMES, None, 5, b"x", ["x"]], ids=ascii)
def test_names_that_git_refuses(talk: Tract, name: Any) -> None:
    """Whatever git refuses is an error before anything is written."""
    before = (talk.branches(), talk.tags(), talk.reflog())

    for verb in (
        lambda: talk.branch(name),
        lambda: talk.switch(name),
        lambda: talk.switch(name, create=True),
        lambda: talk.rename_branch("main", name),
        lambda: talk.rename_branch(name, "x"),
        lambda: talk.delete_branch(name),
        lambda: talk.tag(name),
        lambda: talk.delete_tag(name),
    ):
        with pytest.raises(RefNameError):
            verb()

    assert (talk.branches(), talk.tags(), talk.reflog()) == before


def test_switch_moves_the_object(talk: Tract) -> None:
    """After a switch every verb works on the other branch."""
    talk.branch("side", "HEAD~2")

    assert talk.switch("side") == "side"
    talk.user("side")

    assert texts(talk) == ["one", "side"]
    assert texts(talk, "main") == ["one", "two", "three"]
    talk.switch("main")
    assert texts(talk) == ["one", "two", "three"]


def test_switch_with_create_makes_the_branch(talk: Tract) -> None:
    """One verb creates a branch where the object stands, and goes there."""
    talk.switch("side", create=True)
    talk.user("side")

    assert talk.current_branch == "side"
    assert texts(talk, "main") == ["one", "two", "three"]


def test_a_dash_goes_back_to_the_branch_before(talk: Tract, another: Another) -> None:
    """Back and forth, of this workspace alone; a branch renamed or deleted meanwhile is not gone to by its old name."""
    with pytest.raises(RefNotFoundError, match="no other branch"):
        talk.switch("-")
    talk.switch("side", create=True)
    with another(workspace="web") as other:
        other.switch("side")
        other.switch("third", create=True)

    gone = [talk.switch("-"), talk.switch("-"), talk.switch("-")]
    talk.rename_branch("main", "trunk")
    back = talk.switch("-")
    talk.switch("third")
    talk.delete_branch("side")

    assert (gone, back) == (["main", "side", "main"], "side")
    with pytest.raises(RefNotFoundError, match="side"):
        talk.switch("-")
    with pytest.raises(RefNameError):
        talk.switch("-", create=True)
    assert talk.current_branch == "third"


def test_switching_to_nothing_is_refused(talk: Tract) -> None:
    """There is no switching to a tag, a commit or a name that is no branch."""
    talk.tag("v1")

    for name in ("nowhere", "v1", str(talk.head_id)):
        with pytest.raises(RefNotFoundError) as error:
            talk.switch(name)
        assert error.value.name == name

    assert talk.current_branch == "main"


def test_where_an_object_stands_is_found_again(talk: Tract, another: Another) -> None:
    """A new object of the workspace starts on the branch that the last one switched to."""
    talk.switch("side", create=True)

    assert another().current_branch == "side"
    assert another(workspace="elsewhere").current_branch == "main"


def test_another_objects_switch_moves_nobody(talk: Tract, another: Another) -> None:
    """An object keeps its branch, whatever others of its workspace or of another one do."""
    others = [another(), another(workspace="elsewhere")]

    talk.switch("side", create=True)
    talk.user("side")

    for other in others:
        assert other.current_branch == "main"
        other.assistant("here")
        assert texts(other)[-1] == "here"
    assert texts(talk)[-1] == "side"


def test_workspaces_stand_apart(talk: Tract, another: Another) -> None:
    """Each workspace's HEAD is its own, in the store too."""
    talk.branch("a")
    talk.branch("b")
    another(workspace="one").switch("a")
    another(workspace="two").switch("b")

    assert [another(workspace=name).current_branch for name in ("one", "two", "default")] == ["a", "b", "main"]


def test_switches_at_once_end_on_one_of_them(t: Tract, another: Another) -> None:
    """Objects of one workspace that switch at the same time all arrive, and HEAD names one of their branches."""
    t.user("x")
    objects = [another() for _ in range(4)]
    for number in range(4):
        t.branch(f"b{number}")

    def go(number: int) -> str:
        for _ in range(10):
            objects[number].switch("main")
            objects[number].switch(f"b{number}")
        return objects[number].current_branch

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(go, range(4))) == ["b0", "b1", "b2", "b3"]
    assert another().current_branch in {"b0", "b1", "b2", "b3", "main"}


def test_branches_are_shared(talk: Tract, another: Another) -> None:
    """Each verb reads the tip anew: what one appends or resets is what the other goes on from."""
    other = another(workspace="elsewhere")

    other.user("four")
    assert texts(talk)[-1] == "four"
    talk.reset("HEAD~2")
    assert (other.head_id, texts(other)) == (talk.head_id, ["one", "two"])
    other.user("again")
    assert texts(talk) == ["one", "two", "again"]


def test_a_deleted_branch_is_missed(talk: Tract, another: Another) -> None:
    """Whoever stands on a branch that somebody deleted is told so by every verb, until it goes elsewhere."""
    other = another(workspace="elsewhere")
    other.switch("side", create=True)
    said = str(other.user("side").message_id)

    talk.delete_branch("side", force=True)

    verbs: list[Callable[[], object]] = [
        lambda: other.user("x"),
        lambda: other.edit(said, "x"),
        lambda: other.compile(),
        lambda: other.status(),
        lambda: other.log(),
        lambda: other.head_id,
        lambda: other.branch("x"),
        lambda: other.switch("x", create=True),
        lambda: other.reset("main"),
        lambda: other.configure(x=1),
        lambda: other.import_messages([{"role": "user", "content": "x"}]),
        lambda: other.resolve_revision("HEAD"),
    ]
    for verb in verbs:
        with pytest.raises(RefNotFoundError, match="side"):
            verb()
    assert "side" not in talk.branches()
    other.switch("main")
    assert texts(other) == ["one", "two", "three"]


def test_a_branch_made_again_is_found_again(talk: Tract, another: Another) -> None:
    """A branch of the same name serves whoever stands on that name."""
    other = another(workspace="elsewhere")
    other.switch("side", create=True)
    talk.delete_branch("side")

    talk.branch("side", "HEAD~1")

    assert texts(other) == ["one", "two"]


def test_deleting_what_another_branch_holds(talk: Tract) -> None:
    """A branch goes away if another holds all its commits, at its tip or below."""
    talk.branch("same")
    talk.branch("behind", "HEAD~2")

    talk.delete_branch("same")
    talk.delete_branch("behind")

    assert list(talk.branches()) == ["main"]


def test_what_is_merged_nowhere_is_kept(talk: Tract) -> None:
    """Commits that only one branch reaches are given up by force alone; a tag holds nothing, an id still finds them."""
    talk.switch("side", create=True)
    tip = talk.user("side").id
    talk.tag("v1")
    talk.switch("main")

    with pytest.raises(RefError, match="merged nowhere"):
        talk.delete_branch("side")
    assert "side" in talk.branches()

    talk.delete_branch("side", force=True)
    assert texts(talk, tip)[-1] == "side"
    assert talk.reflog("side")[0].old_id == tip


def test_what_was_merged_may_go(talk: Tract) -> None:
    """A merge holds both its sides."""
    talk.switch("side", create=True)
    talk.user("side")
    talk.switch("main")
    talk.user("main")
    talk.merge("side")

    talk.delete_branch("side")

    assert list(talk.branches()) == ["main"]


def test_the_own_branch_is_not_deleted(talk: Tract) -> None:
    """Nobody saws off the branch they stand on, even by force."""
    talk.branch("side")

    with pytest.raises(RefError, match="main"):
        talk.delete_branch("main", force=True)

    assert talk.head_id


def test_unknown_names_are_errors(talk: Tract) -> None:
    """Deleting and renaming what is not there says what is missing."""
    for verb in (
        lambda: talk.delete_branch("nowhere"),
        lambda: talk.rename_branch("nowhere", "x"),
        lambda: talk.delete_tag("nowhere"),
        lambda: talk.reflog("nowhere"),
    ):
        with pytest.raises(RefNotFoundError) as error:
            verb()
        assert error.value.name == "nowhere"


def test_a_renamed_branch_keeps_its_commits(talk: Tract) -> None:
    """A branch, the own one or another, goes on under another name."""
    talk.branch("side", "HEAD~1")

    talk.rename_branch("side", "aside")
    talk.rename_branch("main", "trunk")
    talk.rename_branch("trunk", "trunk")

    assert list(talk.branches()) == ["aside", "trunk"]
    assert talk.current_branch == "trunk"
    talk.user("four")
    assert texts(talk, "trunk") == ["one", "two", "three", "four"]


@pytest.mark.parametrize("switched", [False, True])
def test_a_renamed_branch_is_where_its_workspaces_stand(talk: Tract, another: Another, *, switched: bool) -> None:
    """Whoever opens a workspace that stood on the old name stands on the new one, also one that never switched."""
    if switched:
        talk.switch("side", create=True)
        another(workspace="elsewhere").switch("side")

    talk.rename_branch(talk.current_branch, "trunk")

    assert another().current_branch == "trunk"
    assert texts(another()) == ["one", "two", "three"]
    assert another(workspace="elsewhere").current_branch == ("trunk" if switched else "main")


def test_an_unborn_branch_may_be_renamed(t: Tract, another: Another) -> None:
    """A new tract's first branch gets its name before it has a commit."""
    t.rename_branch("main", "trunk")

    assert another().current_branch == t.current_branch == "trunk"
    t.user("x")
    assert list(t.branches()) == ["trunk"]


def test_a_new_tract_stands_on_an_unborn_branch(t: Tract) -> None:
    """`main` has no commit: nothing is compiled, logged or listed, and what needs a commit is an error."""
    assert (t.current_branch, t.head_id, t.branches(), t.log(), t.reflog()) == ("main", None, {}, [], [])
    assert (len(t.compile()), t.compile().commit_id, t.compile().token_count) == (0, None, t.status().token_count)
    assert (t.status().head_id, t.status().message_count) == (None, 0)

    for verb in (
        lambda: t.branch("x"),
        lambda: t.tag("x"),
        lambda: t.reset("HEAD"),
        lambda: t.show(),
        lambda: t.compile("HEAD"),
        lambda: t.log("main"),
    ):
        with pytest.raises(RevisionError):
            verb()


def test_an_unborn_branch_is_left_and_found(t: Tract, another: Another) -> None:
    """Switching away from an unborn branch leaves nothing; its own name is always there."""
    t.switch("main")
    t.switch("side", create=True)
    assert (t.current_branch, another().current_branch) == ("side", "side")
    assert t.branches() == {}
    with pytest.raises(RefNotFoundError):
        t.switch("main")

    t.user("x")

    assert list(t.branches()) == ["side"]


def test_an_unborn_branch_of_one_is_born_by_another(t: Tract, another: Another) -> None:
    """The first commit that anybody makes on the branch is everybody's."""
    other = another()

    other.user("x")

    assert texts(t) == ["x"]
    assert t.reset("HEAD").id == other.head_id


def test_creating_over_a_branch_that_others_made(t: Tract, another: Another) -> None:
    """From an unborn branch too, a name that is taken is refused."""
    other = another(workspace="elsewhere")
    other.switch("side", create=True)
    other.user("x")

    with pytest.raises(RefExistsError):
        t.switch("side", create=True)

    assert t.current_branch == "main"


def test_a_reset_may_give_birth(t: Tract, another: Another) -> None:
    """An unborn branch is reset to a commit of another one."""
    other = another(workspace="elsewhere")
    other.switch("side", create=True)
    tip = other.user("x")

    assert t.reset("side").id == tip.id
    assert t.branches() == {"main": tip.id, "side": tip.id}


def test_reset_moves_the_branch(talk: Tract) -> None:
    """A reset returns the commit where the branch stands from then on; going back by the reflog undoes it."""
    tip = talk.head_id
    first = talk.resolve_revision("HEAD~2")

    assert talk.reset("HEAD~2").id == first == talk.head_id
    assert texts(talk) == ["one"]
    assert talk.reset("main@{1}").id == tip
    assert texts(talk) == ["one", "two", "three"]


def test_a_reset_to_the_tip_moves_nothing(talk: Tract) -> None:
    """Where the branch stands there already nothing is logged."""
    moves = len(talk.reflog())

    assert talk.reset("HEAD").id == talk.head_id

    assert len(talk.reflog()) == moves


def test_a_reset_to_nothing_is_refused(talk: Tract) -> None:
    """A revision that leads nowhere moves nothing."""
    tip = talk.head_id

    for revision in ("nowhere", "HEAD~9", "f" * 64, ""):
        with pytest.raises(TraceError):
            talk.reset(revision)

    assert talk.head_id == tip


def test_the_reflog_tells_every_move(talk: Tract) -> None:
    """Newest first: where the branch stood, what moved it, who and when; each selector names its line."""
    commits = [commit.id for commit in talk.log()]
    talk.reset("HEAD~1")
    talk.edit(ids(talk)[0], "ONE", author="Eve")

    entries = talk.reflog()

    assert [entry.kind for entry in entries] == ["edit", "reset", "append", "append", "append"]
    assert [entry.new_id for entry in entries] == [talk.head_id, commits[1], *commits]
    assert [entry.old_id for entry in entries] == [commits[1], *commits, None]
    assert [entry.selector for entry in entries] == [f"main@{{{number}}}" for number in range(5)]
    assert [talk.resolve_revision(entry.selector) for entry in entries] == [entry.new_id for entry in entries]
    assert (entries[0].author, entries[1].author) == ("Eve", "Ada")
    assert entries[-1].created_at == START + timedelta(seconds=1)
    assert talk.reflog(limit=2) == entries[:2]
    assert talk.reflog("main") == talk.reflog("HEAD") == entries


@pytest.mark.parametrize("limit", [-1, 1.5, "2", True, [1]])
def test_a_limit_is_a_number(talk: Tract, limit: Any) -> None:
    """A limit that is none is an error, in the reflog as in the log."""
    for verb in (lambda: talk.reflog(limit=limit), lambda: talk.log(limit=limit)):
        with pytest.raises(TraceError, match="limit"):
            verb()


def test_tags_stay(talk: Tract) -> None:
    """A tag names its commit, whatever branches do, until it is deleted."""
    tagged = talk.tag("v1")
    talk.tag("v0", "HEAD~2")

    talk.reset("HEAD~1")
    talk.user("other")

    assert talk.tags() == {"v0": talk.resolve_revision("HEAD~2"), "v1": tagged}
    assert texts(talk, "v1") == ["one", "two", "three"]
    talk.delete_tag("v1")
    assert list(talk.tags()) == ["v0"]
    assert talk.reflog("v0")[0].kind == "tag"


def test_a_branch_and_a_tag_may_share_a_name(talk: Tract) -> None:
    """They are different refs; as a revision the name is the branch's."""
    talk.tag("x", "HEAD~1")
    talk.branch("x")

    assert talk.resolve_revision("x") == talk.head_id
    talk.delete_branch("x")
    assert talk.resolve_revision("x") == talk.resolve_revision("HEAD~1")


def test_tracts_of_one_store_stand_apart(talk: Tract, another: Another) -> None:
    """Tracts share objects, and neither names nor logs."""
    other = another(name="other")
    other.user("theirs")
    other.tag("v1")

    assert (list(talk.branches()), talk.tags(), len(talk.reflog())) == (["main"], {}, 3)
    assert texts(other) == ["theirs"]
    with pytest.raises(RevisionError):
        talk.resolve_revision("v1")
    assert texts(talk, str(other.head_id)) == ["theirs"]


def test_a_racing_reset_names_both_tips(talk: Tract, another: Another, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reset of a branch that moves meanwhile loses nobody's commit: it is an error with both tips."""
    other = another()
    before = talk.head_id
    publish = talk._repo.store.publish

    def late(*args: Any) -> None:
        other.user("fast")
        publish(*args)

    monkeypatch.setattr(talk._repo.store, "publish", late)
    with pytest.raises(ConcurrentMoveError) as error:
        talk.reset("HEAD~1")

    assert (error.value.expected, error.value.found) == (before, other.head_id)
    assert texts(talk)[-1] == "fast"


def test_threads_switch_while_others_record(t: Tract) -> None:
    """One object's threads may switch and record at once: each change lands whole on one of the branches."""
    t.user("start")
    t.branch("side")

    def switch(_: int) -> None:
        for _ in range(20):
            t.switch("side")
            t.switch("main")

    def work(number: int) -> None:
        for count in range(20):
            t.user(f"{number} {count}")

    with ThreadPoolExecutor(3) as threads:
        list(threads.map(lambda job: job[0](job[1]), [(switch, 0), (work, 1), (work, 2)]))

    said = texts(t, "main")[1:] + texts(t, "side")[1:]
    assert sorted(said) == sorted(f"{number} {count}" for number in (1, 2) for count in range(20))


@pytest.fixture
def batched(talk: Tract) -> Iterator[Tract]:
    """A tract inside a batch."""
    with talk.batch():
        talk.user("batched")
        yield talk


def test_tags_may_be_set_inside_a_batch(batched: Tract) -> None:
    """A tag names the tip, which a batch has not moved yet; branches wait."""
    batched.tag("v1")

    assert batched.tags()["v1"] == batched.head_id
    with pytest.raises(BatchError):
        batched.branch("x")


def test_opening_writes_nothing(tmp_path: Path) -> None:
    """Standing somewhere is not written before somebody switches."""
    place = tmp_path / "work.db"
    with Tract.open(place) as t:
        t.user("x")
    before = place.read_bytes()

    with Tract.open(place) as t, Tract.open(place, workspace="other") as other:
        assert t.head_id == other.head_id

    assert place.read_bytes() == before
