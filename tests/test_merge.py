"""Merging through the verbs: what is committed, what waits, who is asked, and what then compiles."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tract import (
    ConflictInfo,
    ContentError,
    MergeAbortedError,
    MergeError,
    MergeInProgressError,
    Message,
    Resolution,
    Tract,
    UnresolvedConflictsError,
)
from tract_support import another_on, ids, texts

Resolver = Callable[[Any], Resolution]


LINES = "one\ntwo\nthree\nfour\nfive"


@pytest.fixture
def t(t: Tract) -> Tract:
    """A tract with a short conversation on `main`, in each kind of store in turn."""
    t.system("You are terse.")
    t.user(LINES)
    t.assistant("Hello.")
    return t


def fork(t: Tract, ours: Callable[[], object], theirs: Callable[[], object]) -> None:
    """Do one thing on `main` and another on `side`, and end on `main`."""
    t.branch("side")
    ours()
    t.switch("side")
    theirs()
    t.switch("main")


def both_edit(t: Tract, ours: str = "ours", theirs: str = "theirs") -> str:
    """Edit the user's message on both sides, and return its id."""
    message_id = ids(t)[1]
    fork(t, lambda: t.edit(message_id, ours), lambda: t.edit(message_id, theirs))
    return message_id


def says(text: str) -> Resolver:
    """Return a resolver that always says the same."""
    return lambda issue: Resolution("resolved", content_text=text)


def test_what_theirs_has_not_is_up_to_date(t: Tract) -> None:
    """Merging an ancestor, the branch itself or a tip twice changes nothing."""
    t.branch("side")
    t.user("more")
    head = t.head_id

    results = [t.merge("side"), t.merge("main"), t.merge("HEAD~2")]

    assert [result.kind for result in results] == ["up_to_date"] * 3
    assert t.head_id == head


def test_a_branch_behind_moves_forward(t: Tract) -> None:
    """Where ours has nothing of its own the branch just moves, and `no_ff` makes a commit with the same messages."""
    t.switch("side", create=True)
    added = t.user("more")
    t.switch("main")
    t.branch("other")

    result = t.merge("side")
    t.switch("other")
    made = t.merge("side", no_ff=True)

    assert (result.kind, result.committed, result.commit) == ("fast_forward", True, added)
    assert (made.kind, made.committed) == ("clean", True)
    assert t.log(limit=1)[0].parents[1] == added.id
    assert texts(t)[-1] == "more"


def test_a_merge_into_an_unborn_branch_moves_forward() -> None:
    """A new tract takes what another branch has."""
    with Tract.open() as t:
        t.switch("side", create=True)
        said = t.user("hi")
        with another_on(t, workspace="new") as unborn:
            result = unborn.merge("side")

            assert (result.kind, result.commit, unborn.head_id) == ("fast_forward", said, said.id)
            assert (unborn.current_branch, texts(unborn)) == ("main", ["hi"])


def test_both_sides_new_messages_come_ours_first(t: Tract) -> None:
    """A clean merge has everything of both, ours first, and one commit with both parents."""
    fork(t, lambda: [t.user("a"), t.assistant("b")], lambda: [t.user("x"), t.assistant("y")])
    ours, theirs = t.head_id, t.branches()["side"]

    result = t.merge("side")

    assert (result.kind, result.committed, result.conflicts) == ("clean", True, ())
    assert texts(t)[3:] == ["a", "b", "x", "y"]
    assert result.commit is not None
    assert result.commit.parents == (ours, theirs)
    assert t.head_id == result.commit.id
    assert t.merge("side").kind == "up_to_date"


def test_edits_of_different_lines_merge_by_themselves(t: Tract) -> None:
    """Two edits of one text that touch different lines are joined, in one message of the same id."""
    message_id = both_edit(t, "ONE\ntwo\nthree\nfour\nfive", "one\ntwo\nthree\nfour\nFIVE")

    result = t.merge("side")

    assert result.kind == "clean"
    assert texts(t)[1] == "ONE\ntwo\nthree\nfour\nFIVE"
    assert ids(t)[1] == message_id
    assert t.fsck().is_clean


def test_a_conflict_comes_back_as_a_value_and_nothing_is_committed(t: Tract) -> None:
    """Without a resolver a conflict waits: it says what both sides and the ancestor say, and who said it."""
    message_id = both_edit(t)
    head, ours = t.head_id, texts(t)

    result = t.merge("side")

    (conflict,) = result.conflicts
    assert (result.kind, result.committed, result.commit) == ("conflict", False, None)
    assert (conflict.conflict_type, conflict.message_id) == ("both_edit", message_id)
    assert (conflict.content_a_text, conflict.content_b_text) == ("ours", "theirs")
    assert conflict.ancestor_content_text == "one\ntwo\nthree\nfour\nfive"
    assert conflict.commit_a.id == head
    assert conflict.commit_b.message
    assert conflict.ancestor is not None
    assert conflict.ancestor.message
    assert "ours" in [message.text for message in conflict.compiled_context.messages]
    assert (t.head_id, texts(t)) == (head, ours)
    assert t.status().merge_session == result.session_id


def test_what_was_resolved_is_what_compiles(t: Tract) -> None:
    """A resolved text becomes the message; no message is added, and the commit says who settled it."""
    both_edit(t)
    result = t.merge("side")

    result.resolve(result.conflicts[0].id, "settled")
    commit = t.commit_merge()

    assert texts(t) == ["You are terse.", "settled", "Hello."]
    assert commit.metadata["merge"]["conflicts"][0]["by"] == "person"
    assert t.status().merge_session is None
    assert t.fsck().is_clean


@pytest.mark.parametrize(("choice", "text"), [("ours", "ours"), ("theirs", "theirs")])
def test_a_side_can_be_chosen(t: Tract, choice: str, text: str) -> None:
    """`ours` and `theirs` choose a side."""
    both_edit(t)
    result = t.merge("side")

    result.resolve(result.conflicts[0].id[:8], choice)
    t.commit_merge(result)

    assert texts(t)[1] == text
    assert result.committed


def test_the_word_ours_as_a_text_goes_in_a_resolution(t: Tract) -> None:
    """A text that is a choice's name is given in a `Resolution`."""
    both_edit(t, "a", "b")
    result = t.merge("side")

    result.resolve(result.conflicts[0].id, Resolution("resolved", content_text="theirs"))
    t.commit_merge()

    assert texts(t)[1] == "theirs"


def test_a_whole_message_replaces_the_message(t: Tract) -> None:
    """A resolution's content replaces all of the message but its role."""
    both_edit(t)
    result = t.merge("side")

    content: Any = Message(role="user", content=[{"type": "text", "text": "whole"}], name="Ann")
    result.resolve(result.conflicts[0].id, Resolution("resolved", content=content))
    t.commit_merge()

    assert t.compile().to_openai()[1] == {"role": "user", "content": [{"type": "text", "text": "whole"}], "name": "Ann"}


def test_a_whole_message_keeps_the_role_and_the_calls(t: Tract) -> None:
    """Role and call ids stay, whatever the answer's are."""
    both_edit(t)
    result = t.merge("side")

    content: Any = Message(role="assistant", content="whole")
    result.resolve(result.conflicts[0].id, Resolution("resolved", content=content))
    t.commit_merge()

    assert t.compile().to_openai()[1] == {"role": "user", "content": "whole"}


def test_an_open_conflict_is_never_committed(t: Tract) -> None:
    """`commit_merge` names the conflicts that are open, and changes nothing."""
    both_edit(t)
    result = t.merge("side")
    head = t.head_id

    with pytest.raises(UnresolvedConflictsError) as error:
        t.commit_merge()

    assert [conflict.id for conflict in error.value.conflicts if isinstance(conflict, ConflictInfo)] == [
        result.conflicts[0].id
    ]
    assert t.head_id == head


def test_one_merge_waits_on_a_branch(t: Tract) -> None:
    """A second merge is refused while one waits; abort makes room, and leaves the branch alone."""
    both_edit(t)
    head = t.head_id
    t.merge("side")

    with pytest.raises(MergeInProgressError):
        t.merge("side")
    t.abort_merge()

    assert t.merge_session() is None
    assert t.head_id == head
    with pytest.raises(MergeError):
        t.abort_merge()
    with pytest.raises(MergeError):
        t.commit_merge()


def test_a_resolver_proposes_and_a_person_decides(t: Tract) -> None:
    """By default an answer is proposed, can be edited, and is committed by `commit_merge` alone."""
    both_edit(t)
    head = t.head_id

    result = t.merge("side", resolver=says("proposed"))
    assert t.head_id == head
    assert [resolution.content_text for resolution in result.resolutions.values()] == ["proposed"]
    assert result.preview().messages[1].text == "proposed"
    result.edit_resolution(result.conflicts[0].id, "decided")
    t.commit_merge(result)

    assert texts(t)[1] == "decided"


def test_an_autonomous_merge_commits_what_was_resolved(t: Tract) -> None:
    """With `auto_commit` the resolver's answer is committed, with its model and reasoning."""
    both_edit(t)
    config = {"model": "m", "usage": {"total_tokens": 3}}
    answer = Resolution("resolved", content_text="settled", reasoning="because", generation_config=config)

    result = t.merge("side", resolver=lambda issue: answer, auto_commit=True)

    assert result.committed
    assert texts(t)[1] == "settled"
    assert result.commit is not None
    told = result.commit.metadata["merge"]["conflicts"][0]
    assert (told["by"], told["reasoning"], told["generation_config"]) == ("resolver", "because", config)
    assert result.commit.generation_config == config


def test_a_skip_leaves_the_conflict_to_a_person(t: Tract) -> None:
    """A skipped conflict waits, whatever `auto_commit` says."""
    both_edit(t)
    head = t.head_id

    result = t.merge("side", resolver=lambda issue: Resolution("skip"), auto_commit=True)

    assert (result.committed, result.resolutions) == (False, {})
    assert t.head_id == head
    assert t.merge_session() is not None


def test_an_abort_leaves_nothing(t: Tract) -> None:
    """An aborting resolver leaves branch and store as they were."""
    both_edit(t)
    head = t.head_id

    with pytest.raises(MergeAbortedError):
        t.merge("side", resolver=lambda issue: Resolution("abort", reasoning="no"))

    assert (t.head_id, t.merge_session()) == (head, None)


def test_a_resolver_that_raises_leaves_nothing_but_its_answers(t: Tract) -> None:
    """The resolver's error comes out; what it answered before is remembered and not asked again."""
    first, second = ids(t)[1:]
    fork(
        t,
        lambda: [t.edit(first, "a1"), t.edit(second, "a2")],
        lambda: [t.edit(first, "b1"), t.edit(second, "b2")],
    )
    head = t.head_id
    asked: list[str] = []

    def answers_once(issue: Any) -> Resolution:
        asked.append(issue.message_id)
        if len(asked) == 2:
            raise RuntimeError("the model is gone")
        return Resolution("resolved", content_text=f"settled {issue.message_id[:4]}")

    with pytest.raises(RuntimeError, match="is gone"):
        t.merge("side", resolver=answers_once)
    assert (t.head_id, t.merge_session()) == (head, None)
    t.merge("side", resolver=answers_once, auto_commit=True)

    assert sorted(asked) == sorted([first, second, second]) or sorted(asked) == sorted([first, first, second])
    assert texts(t)[1:] == [f"settled {first[:4]}", f"settled {second[:4]}"]


@pytest.mark.parametrize("answer", [None, "text", {"action": "resolved"}, Resolution("later")], ids=repr)  # type: ignore[arg-type]
def test_what_is_no_resolution_is_an_error(t: Tract, answer: Any) -> None:
    """A resolver that answers with anything else has settled nothing, and no merge waits."""
    both_edit(t)

    with pytest.raises(MergeError, match="Resolution that says"):
        t.merge("side", resolver=lambda issue: answer)

    assert t.merge_session() is None


def test_the_same_conflict_is_never_asked_twice(t: Tract) -> None:
    """An answer given before, by a person or a model, stands when the same conflict comes again."""
    both_edit(t)
    result = t.merge("side")
    result.resolve(result.conflicts[0].id, "settled")
    t.abort_merge()

    def never(issue: Any) -> Resolution:
        raise AssertionError("asked again")

    t.merge("side", resolver=never)
    t.commit_merge()

    assert texts(t)[1] == "settled"


@pytest.mark.parametrize(
    "answer",
    [
        Resolution("resolved", content_text="<<<<<<< ours\na\n=======\nb\n>>>>>>> theirs"),
        Resolution("resolved", content_text="x" * 5000),
        Resolution("resolved"),
        Resolution("resolved", content_text=3),  # type: ignore[arg-type]
    ],
)
def test_an_answer_that_cannot_stand_counts_as_skip(t: Tract, answer: Resolution) -> None:
    """Conflict markers, endless text and no text at all settle nothing."""
    both_edit(t)

    result = t.merge("side", resolver=lambda issue: answer, auto_commit=True)

    assert (result.committed, result.resolutions) == (False, {})


def test_system_messages_wait_for_a_person_unless_allowed(t: Tract) -> None:
    """No model settles a system message without leave."""
    system_id = ids(t)[0]
    fork(t, lambda: t.edit(system_id, "a"), lambda: t.edit(system_id, "b"))

    result = t.merge("side", resolver=says("settled"), auto_commit=True)
    assert not result.committed
    t.abort_merge()
    allowed = t.merge("side", resolver=says("settled"), auto_commit=True, allow=("system",))

    assert allowed.committed
    assert texts(t)[0] == "settled"


def test_what_a_model_settled_with_leave_stands_again_only_with_leave(t: Tract) -> None:
    """A remembered answer gives a model no leave that this merge does not."""
    system_id = ids(t)[0]
    fork(t, lambda: t.edit(system_id, "a"), lambda: t.edit(system_id, "b"))
    t.merge("side", resolver=says("settled"), allow=("system",))
    t.abort_merge()

    without = t.merge("side")
    assert without.resolutions == {}
    t.abort_merge()

    assert len(t.merge("side", allow=("system",)).resolutions) == 1


@pytest.mark.parametrize(
    ("strategy", "text"), [("ours", "same\nours"), ("theirs", "same\ntheirs"), ("union", "same\nours\ntheirs")]
)
def test_a_strategy_settles_conflicts_only(t: Tract, strategy: Any, text: str) -> None:
    """A strategy decides what conflicts, commits, and keeps what both sides added."""
    message_id = t.user("same\nbase").message_id
    assert message_id is not None
    t.assistant("yes")
    fork(
        t,
        lambda: [t.edit(message_id, "same\nours"), t.user("a")],
        lambda: [t.edit(message_id, "same\ntheirs"), t.user("x")],
    )

    result = t.merge("side", strategy=strategy)

    assert (result.kind, result.committed) == ("conflict", True)
    assert texts(t)[3:] == [text, "yes", "a", "x"]


def test_manual_asks_nobody(t: Tract) -> None:
    """With the strategy `manual` no resolver is asked, though one is there."""
    both_edit(t)

    result = t.merge("side", strategy="manual", resolver=says("settled"))

    assert result.resolutions == {}


def test_marks_and_configuration_are_settled_by_choice(t: Tract) -> None:
    """A skip against a pin, and two values of one key, are settled by choices."""
    message_id = ids(t)[1]
    fork(
        t,
        lambda: [t.skip(message_id), t.configure(model="gpt-4o", temperature=0)],
        lambda: [t.pin(message_id), t.configure(model="gpt-4")],
    )

    result = t.merge("side")
    by_kind = {conflict.conflict_type: conflict for conflict in result.conflicts}
    said = {
        kind: (found.ancestor_content_text, found.content_a_text, found.content_b_text)
        for kind, found in by_kind.items()
    }
    with pytest.raises(ContentError):
        result.resolve(by_kind["config"].id, "gpt-5")
    result.resolve(by_kind["mark"].id, "theirs")
    result.resolve(by_kind["config"].id, "theirs")
    t.commit_merge()

    assert said == {"mark": (LINES, None, LINES), "config": (None, '"gpt-4o"', '"gpt-4"')}
    assert t.compile().config == {"model": "gpt-4", "temperature": 0}
    assert ids(t)[1] == message_id


def test_replies_under_an_edited_system_message_are_asked_about(t: Tract) -> None:
    """An edit of the system message conflicts with replies generated under the old one, unless review is off."""
    system_id = ids(t)[0]
    fork(t, lambda: t.edit(system_id, "You are verbose."), lambda: [t.user("x"), t.assistant("y")])

    result = t.merge("side")
    assert [conflict.conflict_type for conflict in result.conflicts] == ["edit_plus_append"]
    t.abort_merge()
    off = t.merge("side", review="off")

    assert off.kind == "clean"
    assert texts(t)[-1] == "y"


def test_another_process_goes_on_with_a_merge(tmp_path: Path) -> None:
    """A merge waits in the store: another object finds it, settles it and commits it."""
    place = tmp_path / "work.db"
    with Tract.open(place) as t:
        t.user("a")
        t.user("b")
        both_edit(t)
        left = t.merge("side")

    with Tract.open(place) as other:
        found = other.merge_session()
        assert found is not None
        assert (found.session_id, found.source, found.target) == (left.session_id, "side", "main")
        found.resolve(found.conflicts[0].id, "settled")
    with Tract.open(place) as third:
        third.commit_merge()

        assert texts(third) == ["a", "settled"]


def test_commits_that_land_while_a_merge_waits_survive(t: Tract) -> None:
    """Finishing a merge merges with what the branch got meanwhile; answers that still fit are used."""
    both_edit(t)
    result = t.merge("side")
    result.resolve(result.conflicts[0].id, "settled")
    t.user("meanwhile")

    t.commit_merge()

    assert texts(t) == ["You are terse.", "settled", "Hello.", "meanwhile"]


def test_a_conflict_that_comes_up_meanwhile_is_asked(t: Tract) -> None:
    """A new conflict is kept in the session, and must be settled too."""
    first, second = ids(t)[1:]
    fork(t, lambda: t.edit(first, "a1"), lambda: [t.edit(first, "b1"), t.edit(second, "b2")])
    result = t.merge("side")
    result.resolve(result.conflicts[0].id, "settled")
    t.edit(second, "a2")

    with pytest.raises(UnresolvedConflictsError):
        t.commit_merge(result)
    found = t.merge_session()
    assert found is not None
    (still_open,) = found.open_conflicts
    found.resolve(still_open.id, "ours")
    t.commit_merge(result)

    assert texts(t)[1:] == ["settled", "a2"]


def test_theirs_that_came_in_meanwhile_closes_the_merge(t: Tract) -> None:
    """Where the branch has got theirs another way, there is nothing to commit."""
    both_edit(t)
    t.merge("side")
    t.reset("side")
    head = t.head_id

    commit = t.commit_merge()

    assert commit.id == head
    assert t.merge_session() is None


def test_criss_cross_merges_ask_what_was_decided_twice(t: Tract) -> None:
    """Two merges that settled one conflict differently conflict again, and lose nothing."""
    message_id = both_edit(t)
    t.user("main only")
    t.branch("copy")
    t.merge("side", strategy="ours")
    t.switch("side")
    t.user("side only")
    t.merge("copy", strategy="ours")
    t.switch("main")

    result = t.merge("side")

    assert len(result.base_ids) == 2
    assert [conflict.message_id for conflict in result.conflicts] == [message_id]
    result.resolve(result.conflicts[0].id, "settled")
    t.commit_merge()
    assert texts(t)[1] == "settled"
    assert sorted(texts(t)[3:]) == ["main only", "side only"]


def test_no_common_history_needs_leave(tmp_path: Path) -> None:
    """Two histories without a common commit merge only if that is asked for."""
    place = tmp_path / "work.db"
    with Tract.open(place, workspace="one") as one, Tract.open(place, workspace="two") as two:
        one.switch("one", create=True)
        one.user("a")
        two.switch("two", create=True)
        two.user("x")

        with pytest.raises(MergeError, match="no common history"):
            one.merge("two")
        result = one.merge("two", allow_unrelated=True)

        assert (result.kind, result.base_ids) == ("clean", ())
        assert texts(one) == ["a", "x"]


@pytest.mark.parametrize(
    "options",
    [
        {"strategy": "best"},
        {"review": "never"},
        {"allow": ("everything",)},
        {"allow": "every"},
        {"allow": 5},
        {"allow": [[]]},
        {"resolver": 5},
    ],
    ids=str,
)
def test_options_are_checked(t: Tract, options: dict[str, Any]) -> None:
    """An option that is none is an error, and nothing is merged."""
    fork(t, lambda: t.user("a"), lambda: t.user("x"))
    head = t.head_id

    with pytest.raises(MergeError):
        t.merge("side", **options)

    assert t.head_id == head


def test_one_leave_alone_is_a_list_of_one(t: Tract) -> None:
    """`allow="system"` means what `allow=["system"]` means; what means nothing is named as it was written."""
    system = t.system("Be terse.").message_id or ""
    fork(t, lambda: t.edit(system, "Be brief."), lambda: t.edit(system, "Be short."))

    with pytest.raises(MergeError, match="fold_vs_skip, not 'sytem'"):
        t.merge("side", allow="sytem")
    result = t.merge("side", allow="system", resolver=lambda issue: Resolution("resolved", content_text="Short."))

    assert not result.open_conflicts


@pytest.mark.parametrize("client", [5, "gpt-4o", object()], ids=["number", "name", "object"])
def test_what_is_no_client_is_refused(t: Tract, path: Path, client: Any) -> None:
    """It is told when it is given, not when a model is to be asked; no file is made."""
    with pytest.raises(ContentError, match="has a method chat"):
        t.configure_llm(client)
    with pytest.raises(ContentError, match="has a method chat"):
        Tract.open(path.parent / "new.db", llm=client)

    assert not (path.parent / "new.db").exists()


def test_a_merged_branch_is_deleted_on_request(t: Tract) -> None:
    """`delete_branch` deletes the branch merged in, with the merge."""
    fork(t, lambda: t.user("a"), lambda: t.user("x"))

    result = t.merge("side", delete_branch=True, message="bring it in")

    assert list(t.branches()) == ["main"]
    assert result.commit is not None
    assert result.commit.message == "bring it in"


def test_a_model_settles_what_no_resolver_is_named_for(t: Tract) -> None:
    """The configured client answers through the resolver; `model` names its model for one merge."""
    both_edit(t)
    calls: list[dict[str, Any]] = []

    class Client:
        """A client of somebody's own."""

        def chat(self, messages: list[dict[str, Any]], **parameters: Any) -> dict[str, Any]:
            """Answer with a text."""
            calls.append({"messages": messages, **parameters})
            return {"model": "served", "choices": [{"message": {"content": "settled"}, "finish_reason": "stop"}]}

        def close(self) -> None:
            """Do nothing."""

    t.configure_llm(Client())
    result = t.merge("side", auto_commit=True, model="asked")

    assert result.committed
    assert calls[0]["model"] == "asked"
    assert "theirs" in calls[0]["messages"][1]["content"]
    assert result.commit is not None
    assert result.commit.generation_config["model"] == "served"
    assert texts(t)[1] == "settled"


def test_branches_that_answer_one_call_meet(t: Tract) -> None:
    """Results of one call have one id: equal ones are one message, different ones a conflict."""
    call = {"id": "k", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    t.assistant(tool_calls=[call])
    t.branch("same")
    fork(t, lambda: t.tool("42", tool_call_id="k"), lambda: t.tool("43", tool_call_id="k"))
    t.switch("same")
    t.tool("42", tool_call_id="k")
    t.switch("main")

    assert t.merge("same").kind == "clean"
    result = t.merge("side")

    assert [conflict.conflict_type for conflict in result.conflicts] == ["tool_result"]
    assert texts(t)[3:] == ["", "42"]


def test_a_side_without_its_call_answered_is_asked_about(t: Tract) -> None:
    """Nothing is put behind a call without a result unasked."""
    call = {"id": "k", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    fork(t, lambda: t.assistant(tool_calls=[call]), lambda: t.user("x"))

    result = t.merge("side")

    assert [conflict.conflict_type for conflict in result.conflicts] == ["unanswered_call"]
    conflict = result.conflicts[0]
    assert not conflict.takes_text
    result.resolve(conflict.id, conflict.choices[0])
    t.commit_merge()
    assert texts(t)[-1] == "x"


def test_a_remembered_side_is_the_same_side_from_the_other_branch(t: Tract) -> None:
    """Whoever chose main's words gets main's words too where the other branch takes main in."""
    both_edit(t)
    result = t.merge("side")
    result.resolve(result.conflicts[0].id, "ours")
    t.abort_merge()
    t.switch("side")

    other = t.merge("main")

    assert other.preview().messages[1].text == "ours"
