"""Children: what they inherit, what they bring back, and many of them at once."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tract import ContentError, MergeInProgressError, Resolution, RevisionError, Tract
from tract.exceptions import BatchError, RefExistsError, RefNameError, RefNotFoundError
from tract_support import Another, answering, asking, ids, say, texts


@pytest.fixture
def talk(t: Tract) -> Tract:
    """A conversation with a pinned fact and a tool call that was answered."""
    t.system("You are terse.")
    fact = t.user("The limit is 3.")
    t.pin(fact.message_id or "")
    t.append([asking("c1"), answering("c1", "seven files")])
    t.assistant("Seven.")
    t.configure(model="gpt-4o", budget=4000)
    return t


@pytest.fixture
def child(talk: Tract) -> Iterator[Tract]:
    """A child of the conversation that inherits all."""
    with talk.spawn("web") as opened:
        yield opened


def test_a_child_starts_with_the_whole_context(talk: Tract, child: Tract) -> None:
    """It stands at the parent's commit, with the same messages, marks and settings."""
    assert child.head_id == talk.head_id
    assert child.compile().to_openai() == talk.compile().to_openai()
    assert (child.name, child.current_branch, child.compile().config["model"]) == ("web", "main", "gpt-4o")


def test_what_a_child_does_leaves_its_parent_alone(talk: Tract, child: Tract) -> None:
    """Its branches, tags and log are its own."""
    before = (talk.head_id, talk.branches(), len(talk.reflog()))

    child.user("Search the web.")
    child.branch("try")
    child.reset("HEAD^")

    assert (talk.head_id, talk.branches(), len(talk.reflog())) == before


def test_a_child_may_start_at_any_revision(talk: Tract) -> None:
    """`at` names where it starts."""
    with talk.spawn("early", at="HEAD~4") as child:
        assert texts(child) == ["You are terse.", "The limit is 3."]


def test_a_child_may_inherit_what_is_pinned_alone(talk: Tract) -> None:
    """It begins a history of its own, with those messages under their ids, still pinned, and with the settings."""
    with talk.spawn("web", inherit="pinned") as child:
        assert texts(child) == ["The limit is 3."]
        assert ids(child) == [ids(talk)[1]]
        assert len(child.log()) == 1
        assert child.compile(budget=40).messages == child.compile().messages
        assert child.status().budget == 4000


def test_a_child_may_inherit_messages_by_their_ids(talk: Tract) -> None:
    """Whole exchanges come along, in the order of the parent, whatever the order and form of the ids."""
    chosen = [message_id[:12] for message_id in (ids(talk)[3], ids(talk)[0])]

    with talk.spawn("web", inherit=chosen) as child:
        assert ids(child) == [ids(talk)[0], ids(talk)[2], ids(talk)[3]]
        assert child.fsck().is_clean


def test_a_child_that_inherits_nothing_begins_with_the_settings(talk: Tract) -> None:
    """No ids: an empty context."""
    with talk.spawn("web", inherit=[]) as child:
        assert (texts(child), child.compile().config["model"]) == ([], "gpt-4o")


def test_a_hidden_message_cannot_be_inherited(talk: Tract) -> None:
    """What was skipped is not handed on by its id."""
    talk.skip(ids(talk)[4])

    with pytest.raises(ContentError):
        talk.spawn("web", inherit=[talk.log()[2].message_id or ""])

    assert talk.children() == {}


@pytest.mark.parametrize("inherit", ["some", 5, None])
def test_a_word_that_means_nothing_is_refused(talk: Tract, inherit: object) -> None:
    """`inherit` is all, pinned, or ids."""
    with pytest.raises(ContentError):
        talk.spawn("web", inherit=inherit)  # type: ignore[arg-type]


def test_an_open_call_is_not_inherited_without_its_result(t: Tract) -> None:
    """A part that would show something behind a call without a result is refused."""
    t.user("Look.")
    t.append(asking("c1", "c2"))
    t.tool("found", tool_call_id="c1")

    with t.spawn("web", inherit=[ids(t)[1]]) as child:
        assert ids(child) == ids(t)[1:]
    with t.spawn("late") as late, pytest.raises(ContentError):
        late.user("too early")


def test_a_name_that_is_taken_is_refused(talk: Tract, child: Tract) -> None:
    """A tract is spawned once, under a name that no tract has."""
    for taken in ("web", talk.name):
        with pytest.raises(RefExistsError):
            talk.spawn(taken)
    with pytest.raises(RefNameError):
        talk.spawn("no name")


def test_a_tract_with_refs_of_its_own_is_no_childs_name(talk: Tract, another: Another) -> None:
    """A tract that somebody else made stays as it is, though it has no branch `main`."""
    other = another(name="taken")
    other.user("mine")
    other.rename_branch("main", "dev")

    with pytest.raises(RefExistsError):
        talk.spawn("taken")

    assert list(other.branches()) == ["dev"]
    assert (other.parent(), talk.children()) == (None, {})


def test_an_unborn_branch_has_no_children(t: Tract) -> None:
    """There is nothing to start from."""
    with pytest.raises(RevisionError):
        t.spawn("web")


def test_no_child_is_made_inside_a_batch(talk: Tract) -> None:
    """A batch has no commit to start from yet."""
    with talk.batch(), pytest.raises(BatchError):
        talk.spawn("web")


def test_parents_and_children_know_each_other(talk: Tract, child: Tract) -> None:
    """A parent lists its children; a child says where it came from."""
    started = talk.head_id
    with child.spawn("deep", inherit="pinned") as grandchild:
        talk.user("Meanwhile.")

        origin, deep = child.parent(), grandchild.parent()

        assert origin is not None
        assert (origin.tract, origin.branch, origin.commit_id, origin.root_id) == ("default", "main", started, None)
        assert deep is not None
        assert (deep.tract, deep.commit_id, deep.root_id) == ("web", started, grandchild.head_id)
        assert talk.children() == {"web": started}
        assert child.children() == {"deep": grandchild.head_id}
        assert talk.parent() is None


def test_what_a_child_found_comes_back_as_one_message(talk: Tract, child: Tract) -> None:
    """The summary is a user's message; the commit says which child, branch and commit it tells of."""
    child.user("Search the web.")
    child.assistant("A thousand lines of results.")

    result = talk.collapse(child, summary="The web says: 4.")

    assert (result.kind, result.committed, result.source) == ("clean", True, "web")
    assert texts(talk)[-1] == "The web says: 4."
    assert talk.compile().messages[-1].role == "user"
    assert talk.log(limit=1)[0].metadata["collapse"] == {"tract": "web", "branch": "main", "commit": child.head_id}


def test_what_a_child_found_may_answer_a_call(t: Tract) -> None:
    """With the call's id the summary is the tool's result."""
    t.user("Find out.")
    with t.spawn("web") as child:
        t.append(asking("c1"))
        child.assistant("4.")

        t.collapse("web", summary="4", tool_call_id="c1")

    assert [message.role for message in t.compile().messages] == ["user", "assistant", "tool"]


def test_a_calls_id_without_a_text_is_refused(talk: Tract, child: Tract) -> None:
    """A merge cannot be a tool's result."""
    with pytest.raises(ContentError):
        talk.collapse(child, tool_call_id="c1")


def test_a_child_may_be_merged_whole(talk: Tract, child: Tract) -> None:
    """Its messages come behind the parent's own, by a merge commit that names the child, even where nothing moved."""
    child.user("Search the web.")
    child.assistant("4.")

    result = talk.collapse(child)

    assert (result.kind, result.committed) == ("clean", True)
    assert texts(talk)[-2:] == ["Search the web.", "4."]
    commit = talk.log(limit=1)[0]
    assert commit.parents[1] == child.head_id
    assert (commit.metadata["merge"]["tract"], commit.message) == ("web", "collapse web into main")


def test_a_child_that_inherited_a_part_leaves_the_rest_as_it_is(talk: Tract) -> None:
    """What was left out is not skipped in the parent, and what came along is not doubled."""
    before = ids(talk)
    with talk.spawn("web", inherit=[before[1], before[4]]) as child:
        child.edit(before[4], "Eight.")
        child.user("Search the web.")

        talk.user("Meanwhile.")
        result = talk.collapse(child)

    assert (result.kind, result.committed) == ("clean", True)
    assert texts(talk)[:5] == ["You are terse.", "The limit is 3.", "", "seven files", "Eight."]
    assert texts(talk)[5:] == ["Meanwhile.", "Search the web."]
    assert talk.fsck().is_clean


def test_a_child_may_be_collapsed_again(talk: Tract) -> None:
    """Only what is new since the last time comes along; nothing new is up to date."""
    with talk.spawn("web", inherit="pinned") as child:
        child.user("first")
        talk.collapse(child)
        child.user("second")

        talk.collapse(child)
        again = talk.collapse(child)

    assert texts(talk)[-2:] == ["first", "second"]
    assert again.kind == "up_to_date"


def test_a_child_that_did_nothing_is_up_to_date(talk: Tract) -> None:
    """There is nothing to bring back, whatever it inherited."""
    for name, inherit in (("all", "all"), ("part", "pinned")):
        with talk.spawn(name, inherit=inherit) as child:
            assert talk.collapse(child).kind == "up_to_date"


@pytest.mark.parametrize("inherit", ["all", "pinned"])
def test_conflicts_with_a_child_wait_like_any_others(talk: Tract, another: Another, inherit: str) -> None:
    """They are values, are settled by a person or a resolver, and go on in another process."""
    fact = ids(talk)[1]
    with talk.spawn("web", inherit=inherit) as child:
        child.edit(fact, "The limit is 4.")
        talk.edit(fact, "The limit is 5.")

        result = talk.collapse(child)

        assert (result.kind, result.committed, len(result.conflicts)) == ("conflict", False, 1)
        with pytest.raises(MergeInProgressError):
            talk.collapse(child)
    session = another().merge_session()
    assert session is not None
    session.resolve(session.conflicts[0].id, "The limit is 5, was 4.")
    commit = another().commit_merge()
    assert texts(talk)[1] == "The limit is 5, was 4."
    assert commit.metadata["merge"]["tract"] == "web"


def test_a_resolver_settles_what_a_child_brings(talk: Tract, child: Tract) -> None:
    """As in a merge, with `auto_commit` it is committed at once."""
    child.edit(ids(talk)[1], "The limit is 4.")
    talk.edit(ids(talk)[1], "The limit is 5.")

    result = talk.collapse(
        child, resolver=lambda issue: Resolution("resolved", content_text="The limit is 9."), auto_commit=True
    )

    assert (result.committed, texts(talk)[1]) == (True, "The limit is 9.")


def test_only_children_are_collapsed(talk: Tract, another: Another) -> None:
    """A tract that was not spawned here, or is not there, is refused, and none is made by asking."""
    another(name="other").user("mine")

    for name in ("other", "missing", "default"):
        with pytest.raises(RefNotFoundError):
            talk.collapse(name)


@pytest.mark.parametrize("child", [None, 5, b"web", ["web"], ""], ids=repr)
def test_what_names_no_child_is_refused(talk: Tract, child: Any) -> None:
    """A child is named by itself or by its name."""
    with pytest.raises(RefNameError):
        talk.collapse(child)


def test_many_children_are_spawned_and_collapsed_at_once(t: Tract, another: Another) -> None:
    """Threads that spawn, work and collapse beside each other lose nothing."""
    t.user("Go.")
    parents = [another() for _ in range(6)]
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            with parents[number].spawn(f"agent-{number}", inherit=["all", "pinned"][number % 2]) as child:
                child.user(f"found {number}")
                parents[number].collapse(child)
        except BaseException as error:
            failures.append(error)
            raise

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    assert sorted(texts(t)) == ["Go.", *(f"found {number}" for number in range(6))]
    assert sorted(t.children()) == [f"agent-{number}" for number in range(6)]
    assert t.fsck().is_clean


def test_the_timeline_tells_of_all_tracts(talk: Tract, child: Tract) -> None:
    """Moves of branches here and in every descendant, newest first; a limit is kept."""
    child.user("Search.")
    with child.spawn("deep") as grandchild:
        grandchild.user("Deeper.")
    talk.user("Meanwhile.")

    found = talk.timeline()

    assert [entry.created_at for entry in found] == sorted((e.created_at for e in found), reverse=True)
    assert [(entry.tract, entry.kind) for entry in found[:5]] == [
        ("default", "append"),
        ("deep", "append"),
        ("deep", "spawn"),
        ("web", "append"),
        ("web", "spawn"),
    ]
    assert found[0].commit_id == talk.head_id
    assert talk.timeline(limit=2) == found[:2]


def test_a_child_speaks_for_itself(talk: Tract, child: Tract) -> None:
    """Appending to parent and child alike keeps two histories that share what they had."""
    talk.append(say("user", "parent"))
    child.append(say("user", "child"))

    assert texts(talk)[:-1] == texts(child)[:-1]
    assert (texts(talk)[-1], texts(child)[-1]) == ("parent", "child")


AGENT = """
import sys
from tract import Tract
with Tract.open(sys.argv[1], durability="normal") as parent:
    for number in range(3):
        with parent.spawn(f"agent-{sys.argv[2]}-{number}", inherit="pinned") as child:
            child.user(f"found {sys.argv[2]}-{number}")
            parent.collapse(child)
"""


def test_processes_spawn_and_collapse_beside_each_other(path: Path) -> None:
    """Several processes with several children each: every finding comes back, once."""
    with Tract.open(path, durability="normal") as t:
        t.pin(t.user("Go.").message_id or "")

        agents = [subprocess.Popen([sys.executable, "-c", AGENT, str(path), str(number)]) for number in range(3)]
        codes = [agent.wait(60) for agent in agents]

        assert codes == [0, 0, 0]
        names = [f"{agent}-{number}" for agent in range(3) for number in range(3)]
        assert sorted(texts(t)) == ["Go.", *(f"found {name}" for name in names)]
        assert sorted(t.children()) == [f"agent-{name}" for name in names]
        assert t.fsck().is_clean
