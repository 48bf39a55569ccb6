"""Rebase, cherry-pick and revert through the verbs: what is recorded, what waits, who is asked, what then compiles."""

from collections.abc import Callable
from typing import Any

import pytest

from tract import (
    CherryPickIssue,
    ContentError,
    MergeAbortedError,
    MergeError,
    MergeInProgressError,
    RebaseWarning,
    ReplayInProgressError,
    Resolution,
    RevisionError,
    Tract,
    UnresolvedConflictsError,
)
from tract_support import Another, answering, asking, ids, texts


def fork(t: Tract, ours: Callable[[], object], theirs: Callable[[], object]) -> None:
    """Do one thing on `main` and another on `topic`, both behind what is there, and end on `topic`."""
    t.branch("topic")
    ours()
    t.switch("topic")
    theirs()


def start(t: Tract) -> str:
    """Say something on `main`, and return the message's id."""
    t.system("Be terse.")
    return str(t.user("How often?").message_id)


def both_edit(t: Tract) -> str:
    """Let `main` and `topic` edit one message, `topic` say more, and return the message's id."""
    message_id = start(t)

    def theirs() -> None:
        t.edit(message_id, "topic's")
        t.user("more")

    fork(t, lambda: t.edit(message_id, "main's"), theirs)
    return message_id


def says(text: str) -> Callable[[Any], Resolution]:
    """Return a resolver that always says the same."""
    return lambda issue: Resolution("resolved", content_text=text, generation_config={"model": "m"})


def test_a_rebase_stands_on_the_other_branch_and_keeps_everything(t: Tract) -> None:
    """Messages keep their ids, commits their words, author, time, metadata and marks, and say where they came from."""
    message_id = start(t)

    def theirs() -> None:
        t.assistant("3 times.", author="Model", message="answered", metadata={"usage": {"total_tokens": 7}})
        t.pin(message_id)

    fork(t, lambda: t.user("main's"), theirs)
    before = t.log("main..topic")
    message_ids = ids(t)

    result = t.rebase("main")

    assert (result.verb, result.kind, result.committed) == ("rebase", "clean", True)
    assert texts(t) == ["Be terse.", "How often?", "main's", "3 times."]
    assert set(message_ids) < set(ids(t))
    for old, new in zip(reversed(before), result.commits, strict=True):
        assert (new.given_message, new.author, new.created_at) == (old.given_message, old.author, old.created_at)
        assert new.changes == old.changes
        assert new.metadata == {**old.metadata, "replay": {"verb": "rebase", "origin": old.id}}
    assert t.history(message_id)[-1].mark == "pinned"
    assert result.commit is not None
    assert t.head_id == result.commit.id == result.commits[-1].id
    assert t.fsck().is_clean


def test_a_rebase_behind_moves_forward_and_another_is_up_to_date(t: Tract) -> None:
    """Where the branch has nothing of its own it just moves; where it stands there already nothing happens."""
    start(t)
    fork(t, lambda: t.user("main's"), lambda: None)

    kinds = [t.rebase("main").kind, t.rebase("main").kind]
    t.user("own")
    head = t.head_id
    kinds.append(t.rebase("main").kind)

    assert kinds == ["fast_forward", "up_to_date", "up_to_date"]
    assert t.head_id == head


def test_a_branch_without_commits_takes_what_is_picked_and_moves_where_it_is_rebased(
    t: Tract, another: Another
) -> None:
    """What is picked is its first commit; a rebase is a move forward."""
    t.switch("picked", create=True)
    other = another(workspace="other")
    other.user("one")
    other.user("two")

    picked = t.cherry_pick("main")
    moved = another(workspace="third")
    moved._repo.workspace.stand_on("moved", born=False)
    result = moved.rebase("main")

    assert (picked.kind, picked.commits[0].parents, texts(t)) == ("clean", (), ["two"])
    assert (result.kind, texts(moved)) == ("fast_forward", ["one", "two"])


def test_a_commit_of_which_nothing_is_left_is_dropped(t: Tract) -> None:
    """What was picked before is not recorded again by a rebase."""
    start(t)
    fork(t, lambda: None, lambda: [t.user("one"), t.user("two")])
    t.switch("main")
    t.cherry_pick("topic~1")
    t.user("main's")
    t.switch("topic")

    result = t.rebase("main")

    assert texts(t) == ["Be terse.", "How often?", "one", "main's", "two"]
    assert len(result.commits) == len(result.dropped) == 1


def test_picking_twice_adds_nothing(t: Tract) -> None:
    """The second cherry-pick is up to date, though what was picked is skipped now."""
    start(t)
    fork(t, lambda: t.user("main's"), lambda: t.user("one"))
    t.switch("main")

    first = t.cherry_pick("topic")
    t.skip(str(first.commits[0].message_id))
    head = t.head_id
    second = t.cherry_pick(["topic"])

    assert (first.kind, second.kind, second.commits) == ("clean", "up_to_date", ())
    assert texts(t) == ["Be terse.", "How often?", "main's"]
    assert t.head_id == head


def test_ranges_and_lists_are_picked_oldest_first(t: Tract) -> None:
    """`a..b` stands for the commits between, and several revisions for themselves, in order."""
    start(t)
    fork(t, lambda: None, lambda: [t.user(word) for word in "abcd"])
    t.switch("main")

    t.cherry_pick(["topic", "main..topic~1"])

    assert texts(t)[2:] == ["d", "a", "b", "c"]


def test_nothing_to_replay_is_an_error_where_nothing_was_named(t: Tract) -> None:
    """An empty list and a name that leads nowhere are errors; a range with nothing in it is up to date."""
    start(t)

    for revisions in ([], ["nowhere"], [7], None):
        with pytest.raises(RevisionError):
            t.cherry_pick(revisions)  # type: ignore[arg-type]
    assert t.revert("HEAD..HEAD").kind == "up_to_date"
    assert t.replay_session() is None


def test_a_revert_hides_what_was_said_and_its_revert_shows_it(t: Tract) -> None:
    """A message goes and comes back; edits, marks and settings become what they were."""
    message_id = start(t)
    t.edit(message_id, "How rarely?")
    t.configure(budget=900)
    said = t.user("Well?")
    before = texts(t)

    result = t.revert(["HEAD", "HEAD~1", "HEAD~2"])

    assert texts(t) == ["Be terse.", "How often?"]
    assert t.compile().config == {}
    assert result.commits[0].message == f'revert "{said.message}"'
    t.revert("HEAD~3..HEAD")
    assert texts(t) == before
    assert t.compile().config == {"budget": 900}


def test_a_merge_is_replayed_against_its_first_parent(t: Tract) -> None:
    """A rebase flattens a merge: what it brought in comes over in one commit; a revert of it hides that."""
    start(t)
    t.branch("side")
    fork(t, lambda: t.user("main's"), lambda: t.user("topic's"))
    t.switch("side")
    t.user("side's")
    t.switch("topic")
    t.merge("side")

    result = t.rebase("main")

    assert texts(t)[2:] == ["main's", "topic's", "side's"]
    assert [len(commit.parents) for commit in result.commits] == [1, 1]
    t.revert("HEAD")
    assert texts(t)[2:] == ["main's", "topic's"]


def test_a_merge_of_where_it_goes_adds_nothing_to_a_rebase(t: Tract) -> None:
    """Merging `main` and then rebasing onto it leaves the branch's own commits, though `main` went on to edit."""
    start(t)
    said: list[str] = []
    fork(t, lambda: said.append(str(t.user("main's").message_id)), lambda: t.user("topic's"))
    t.merge("main")
    t.switch("main")
    t.edit(said[0], "main's, edited")
    t.switch("topic")

    result = t.rebase("main")

    assert texts(t)[2:] == ["main's, edited", "topic's"]
    assert (len(result.commits), len(result.dropped), result.kind) == (1, 1, "clean")


def test_unrelated_history_is_rebased_from_its_root(t: Tract, another: Another) -> None:
    """As in git, a branch without common history is replayed whole."""
    other = another(workspace="other")
    t.switch("topic", create=True)
    other.user("main's")
    t.user("one")
    t.user("two")

    result = t.rebase("main")

    assert (result.kind, len(result.commits)) == ("clean", 2)
    assert texts(t) == ["main's", "one", "two"]


@pytest.mark.parametrize("verb", ["rebase", "cherry_pick"])
def test_two_edits_of_one_message_wait_for_an_answer(t: Tract, verb: str) -> None:
    """The branch is untouched, the conflict says who did what, and the answer is what compiles."""
    both_edit(t)
    if verb == "cherry_pick":
        t.switch("main")
    head = t.head_id

    result = t.rebase("main") if verb == "rebase" else t.cherry_pick("main..topic")

    assert (result.kind, result.committed, t.head_id) == ("conflict", False, head)
    (conflict,) = result.conflicts
    assert type(conflict) is (RebaseWarning if verb == "rebase" else CherryPickIssue)
    assert (conflict.content_a_text, conflict.content_b_text) == ("main's", "topic's")
    assert conflict.ancestor_content_text == "How often?"
    assert (conflict.commit_a.text, conflict.commit_b.id) == ("main's", result.waiting_id)
    assert t.status().replay_session == result.session_id
    assert t.status().merge_session is None
    result.resolve(conflict.id[:8], "both")
    assert [message.text for message in result.preview().messages] == ["Be terse.", "both", "more"]
    done = t.continue_replay(result)
    assert done is result
    assert (result.committed, len(result.commits), t.replay_session()) == (True, 2, None)
    assert texts(t) == ["Be terse.", "both", "more"]
    assert result.commits[0].metadata["replay"]["conflicts"][0]["by"] == "person"
    assert t.fsck().is_clean


def test_conflicts_come_one_commit_after_the_other(t: Tract) -> None:
    """An answer lets the replay go on to the next commit that has to be asked about."""
    one = start(t)
    two = str(t.user("And?").message_id)

    def edits(word: str) -> Callable[[], object]:
        return lambda: [t.edit(one, f"{word} 1"), t.edit(two, f"{word} 2")]

    fork(t, edits("main"), edits("topic"))
    result = t.rebase("main")

    assert [conflict.message_id for conflict in result.conflicts] == [one]
    result.resolve(result.open_conflicts[0].id, "theirs")
    assert [conflict.message_id for conflict in result.conflicts] == [one, two]
    with pytest.raises(UnresolvedConflictsError) as caught:
        t.continue_replay()
    assert [conflict.message_id for conflict in caught.value.conflicts] == [two]  # type: ignore[attr-defined]
    result.resolve(result.open_conflicts[0].id, "ours")
    t.continue_replay(result)
    assert texts(t) == ["Be terse.", "topic 1", "main 2"]
    assert len(result.commits) == len(result.dropped) == 1


def test_a_commit_is_skipped_and_the_rest_goes_on(t: Tract) -> None:
    """`skip_replay` leaves out the commit that waits, and finishes where nothing else is asked."""
    both_edit(t)
    result = t.rebase("main")

    t.skip_replay(result)

    assert (result.committed, len(result.commits), len(result.dropped)) == (True, 1, 1)
    assert texts(t) == ["Be terse.", "main's", "more"]
    with pytest.raises(MergeError):
        t.skip_replay()


def test_what_is_given_up_changed_nothing_and_its_answers_are_remembered(t: Tract) -> None:
    """After an abort the same conflict comes up answered, in a merge too, and still waits to be accepted."""
    both_edit(t)
    head = t.head_id
    result = t.rebase("main")
    result.resolve(result.conflicts[0].id, "both")

    t.abort_replay()

    assert t.head_id == head
    assert t.replay_session() is None
    with pytest.raises(MergeError):
        result.resolve(result.conflicts[0].id, "again")
    again = t.rebase("main")
    assert (again.committed, again.open_conflicts) == (False, ())
    t.abort_replay()
    merged = t.merge("main", auto_commit=True)
    assert merged.committed
    assert "both" in texts(t)


def test_a_resolver_proposes_and_a_person_accepts_or_changes(t: Tract) -> None:
    """Nothing is committed until `continue_replay`, which takes what stands."""
    both_edit(t)

    result = t.rebase("main", resolver=says("proposed"))

    assert (result.committed, result.open_conflicts) == (False, ())
    result.edit_resolution(result.conflicts[0].id, "edited")
    t.continue_replay()
    assert texts(t)[1] == "edited"


def test_a_resolver_alone_commits_what_it_settles(t: Tract) -> None:
    """With `auto_commit` all is done in one call, and the commit says which model settled it."""
    both_edit(t)

    result = t.rebase("main", resolver=says("settled"), auto_commit=True)

    assert (result.committed, texts(t)[1]) == (True, "settled")
    told = result.commits[0].metadata["replay"]["conflicts"][0]
    assert (told["by"], told["generation_config"]) == ("resolver", {"model": "m"})


def test_what_a_resolver_skips_waits_and_what_it_aborts_leaves_nothing(t: Tract) -> None:
    """`skip` keeps the session for a person; `abort` and an error change nothing and keep none."""
    both_edit(t)
    head = t.head_id

    with pytest.raises(MergeAbortedError):
        t.rebase("main", resolver=lambda issue: Resolution("abort"), auto_commit=True)
    assert (t.head_id, t.replay_session()) == (head, None)
    waiting = t.rebase("main", resolver=lambda issue: Resolution("skip"), auto_commit=True)

    assert len(waiting.open_conflicts) == 1
    assert t.head_id == head


def test_a_system_message_is_not_settled_by_a_model_without_leave(t: Tract) -> None:
    """The resolver is asked about it only where `allow` says so."""
    system_id = str(t.system("Be terse.").message_id)
    fork(t, lambda: t.edit(system_id, "Be short."), lambda: t.edit(system_id, "Be brief."))

    waiting = t.rebase("main", resolver=says("Be both."), auto_commit=True)
    assert len(waiting.open_conflicts) == 1
    t.abort_replay()
    done = t.rebase("main", resolver=says("Be both."), auto_commit=True, allow=["system"])

    assert done.committed
    assert texts(t) == ["Be both."]


@pytest.mark.parametrize(
    ("strategy", "text"), [("ours", "main's"), ("theirs", "topic's"), ("union", "main's\ntopic's")]
)
def test_a_strategy_settles_conflicts_by_itself(t: Tract, strategy: Any, text: str) -> None:
    """Ours is what stands where the branch goes, theirs the commit that is replayed, as in git."""
    both_edit(t)

    result = t.rebase("main", strategy=strategy)

    assert result.committed
    assert texts(t)[1] == text


def test_one_session_to_a_branch_whatever_its_kind(t: Tract) -> None:
    """While a replay waits no other begins, nor a merge; while a merge waits no replay does."""
    both_edit(t)
    t.rebase("main")

    for verb in (lambda: t.merge("main"), lambda: t.rebase("main"), lambda: t.cherry_pick("main")):
        with pytest.raises(ReplayInProgressError):
            verb()
    assert t.merge_session() is None
    with pytest.raises(MergeError):
        t.commit_merge()
    with pytest.raises(MergeError):
        t.abort_merge()
    t.abort_replay()
    t.merge("main")
    with pytest.raises(MergeInProgressError) as caught:
        t.revert("HEAD")
    assert not isinstance(caught.value, ReplayInProgressError)


def test_a_branch_that_waits_is_renamed_with_its_session(t: Tract) -> None:
    """The session goes with the branch's name."""
    both_edit(t)
    t.rebase("main")

    t.rename_branch("topic", "other")

    waiting = t.replay_session()
    assert waiting is not None
    assert waiting.target == "other"


def test_what_is_recorded_while_a_replay_waits_is_replayed_too(t: Tract, another: Another) -> None:
    """Another object's commit on the branch is not lost when the rebase is finished."""
    both_edit(t)
    result = t.rebase("main")
    result.resolve(result.conflicts[0].id, "both")

    another().user("meanwhile")
    t.continue_replay(result)

    assert texts(t) == ["Be terse.", "both", "more", "meanwhile"]
    assert result.commits[-1].author == "Bob"


def test_another_object_goes_on_with_a_replay(t: Tract, another: Another) -> None:
    """What waits is in the store: it is settled and finished by whoever comes."""
    both_edit(t)
    t.rebase("main")

    other = another()
    waiting = other.replay_session()
    assert waiting is not None
    waiting.resolve(waiting.open_conflicts[0].id, "both")
    other.continue_replay()

    assert texts(t) == ["Be terse.", "both", "more"]


def test_a_race_costs_no_second_answer_and_no_commit(t: Tract, another: Another) -> None:
    """What another says while the resolver thinks is replayed, and the resolver is asked once."""
    both_edit(t)
    other, asked = another(), []

    def slow(issue: Any) -> Resolution:
        asked.append(issue.id)
        other.user("meanwhile")
        return Resolution("resolved", content_text="settled")

    result = t.rebase("main", resolver=slow, auto_commit=True)

    assert (result.committed, len(asked)) == (True, 1)
    assert texts(t) == ["Be terse.", "settled", "more", "meanwhile"]


def test_a_skipped_message_stays_skipped(t: Tract) -> None:
    """A rebase and a cherry-pick take a skip along, and do not show what is skipped where they go."""
    message_id = start(t)
    fork(t, lambda: t.skip(message_id), lambda: t.user("topic's"))

    t.rebase("main")

    assert texts(t) == ["Be terse.", "topic's"]
    t.switch("main")
    t.cherry_pick("topic")
    assert texts(t) == ["Be terse.", "topic's"]


def test_an_edit_of_what_is_skipped_there_is_asked(t: Tract) -> None:
    """The skip and the edit are a conflict; either may win."""
    message_id = start(t)
    fork(t, lambda: t.skip(message_id), lambda: t.edit(message_id, "edited"))

    result = t.rebase("main")

    assert [conflict.conflict_type for conflict in result.conflicts] == ["skip_vs_edit"]
    result.resolve(result.conflicts[0].id, "theirs")
    t.continue_replay()
    assert texts(t) == ["Be terse.", "edited"]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [("ours", ["Be terse."]), ("theirs", ["Be terse.", "edited"]), ("own", ["Be terse.", "own"])],
)
def test_an_edit_of_what_is_missing_there_is_asked(t: Tract, answer: str, expected: list[str]) -> None:
    """Ours leaves the change out, theirs brings the message along, and a text brings it with those words."""
    t.system("Be terse.")
    t.branch("elsewhere")
    message_id = str(t.user("How often?").message_id)
    t.edit(message_id, "edited")
    t.switch("elsewhere")

    result = t.cherry_pick("main")

    (conflict,) = result.conflicts
    assert (conflict.conflict_type, conflict.message_id) == ("missing_message", message_id)
    assert (conflict.content_a_text, conflict.content_b_text) == (None, "edited")
    result.resolve(conflict.id, answer)
    t.continue_replay()
    assert texts(t) == expected
    assert t.fsck().is_clean


@pytest.mark.parametrize(("answer", "count"), [("ours", 1), ("theirs", 3)])
def test_a_result_without_its_call_is_asked(t: Tract, answer: str, count: int) -> None:
    """The call comes along, or the result stays away: they are never parted."""
    t.user("Look.")
    t.branch("elsewhere")
    t.append(asking("c1"))
    t.append(answering("c1"))
    t.switch("elsewhere")

    result = t.cherry_pick("main")

    assert [conflict.conflict_type for conflict in result.conflicts] == ["missing_call"]
    with pytest.raises(ContentError):
        result.resolve(result.conflicts[0].id, "a text")
    result.resolve(result.conflicts[0].id, answer)
    t.continue_replay()
    assert len(texts(t)) == count
    assert t.fsck().is_clean


def test_a_call_and_its_result_are_picked_together_or_one_by_one(t: Tract) -> None:
    """Each commit on the way is a context that can be sent."""
    t.user("Look.")
    fork(t, lambda: t.user("main's"), lambda: [t.append(asking("c1")), t.append(answering("c1")), t.user("Thanks.")])

    result = t.rebase("main")

    assert texts(t) == ["Look.", "main's", "", "found", "Thanks."]
    assert [len(t.compile(commit.id).messages) for commit in result.commits] == [3, 4, 5]
    assert t.fsck().is_clean


def test_a_message_behind_an_open_call_is_asked(t: Tract) -> None:
    """Where the branch ends in an open call, what is picked waits until the call is settled."""
    t.user("Look.")
    fork(t, lambda: t.append(asking("c1")), lambda: t.user("topic's"))

    result = t.rebase("main")

    assert [conflict.conflict_type for conflict in result.conflicts] == ["unanswered_call"]
    result.resolve(result.conflicts[0].id, "cancel")
    t.continue_replay()
    assert texts(t) == ["Look.", "", "[cancelled by merge]", "topic's"]


def test_reverting_a_result_hides_its_call_too(t: Tract) -> None:
    """A result is never taken from its call."""
    t.user("Look.")
    t.append(asking("c1"))
    t.append(answering("c1"))

    t.revert("HEAD")

    assert texts(t) == ["Look."]
    t.revert("HEAD")
    assert texts(t) == ["Look.", "", "found"]


def test_settings_are_replayed_key_by_key(t: Tract) -> None:
    """Other keys stay; one key with two values is a conflict that says both."""
    start(t)
    fork(t, lambda: t.configure(budget=500, a=1), lambda: [t.configure(b=2), t.configure(a=3)])

    result = t.rebase("main")

    (conflict,) = result.conflicts
    assert (conflict.conflict_type, conflict.key) == ("config", "a")
    assert (conflict.content_a_text, conflict.content_b_text) == ("1", "3")
    result.resolve(conflict.id, "theirs")
    t.continue_replay()
    assert t.compile().config == {"budget": 500, "a": 3, "b": 2}


def test_metadata_of_the_callers_own_is_left_alone(t: Tract) -> None:
    """A caller's own `replay` stays as given, through several replays."""
    start(t)
    fork(t, lambda: t.user("main's"), lambda: t.user("topic's", metadata={"replay": "mine"}))

    t.rebase("main")
    t.switch("main")
    t.user("more")
    t.switch("topic")
    (commit,) = t.rebase("main").commits

    assert commit.metadata["replay"] == "mine"
    assert commit.metadata["replay_"]["verb"] == "rebase"
    assert set(commit.metadata) == {"replay", "replay_"}


def test_replays_are_no_part_of_a_batch(t: Tract) -> None:
    """Inside a batch they are refused, and the batch goes on."""
    start(t)

    with t.batch():
        t.user("one")
        for verb in (t.rebase, t.cherry_pick, t.revert):
            with pytest.raises(Exception, match="batch"):
                verb("main")

    assert texts(t)[-1] == "one"


def test_one_operation_moves_the_branch_once(t: Tract) -> None:
    """However many commits a replay makes, the reflog has one line, and the line before takes it back."""
    start(t)
    fork(t, lambda: t.user("main's"), lambda: [t.user(str(count)) for count in range(5)])
    head = t.head_id
    lines = len(t.reflog())

    t.rebase("main")

    assert len(t.reflog()) == lines + 1
    assert t.reflog()[0].kind == "rebase"
    t.reset("topic@{1}")
    assert t.head_id == head


@pytest.mark.parametrize(("choice", "expected"), [("unfold", ["Be terse.", "edited", "And?"]), ("ours", None)])
def test_an_edit_of_what_is_summarised_there_is_asked(t: Tract, choice: str, expected: list[str] | None) -> None:
    """The summary is opened, or stays as it is although what it tells was edited."""
    message_id = start(t)
    other_id = str(t.user("And?").message_id)
    fork(t, lambda: t.compress([message_id, other_id], summary="Asked."), lambda: t.edit(message_id, "edited"))

    result = t.rebase("main")

    assert [conflict.conflict_type for conflict in result.conflicts] == ["fold_vs_edit"]
    result.resolve(result.conflicts[0].id, choice)
    t.continue_replay()
    assert texts(t) == (expected or ["Be terse.", "Asked."])
    assert t.fsck().is_clean


@pytest.mark.parametrize(("answer", "shown"), [("ours", []), ("theirs", ["Asked."])])
def test_a_summary_of_what_is_missing_there_is_asked(t: Tract, answer: str, shown: list[str]) -> None:
    """It stays away, or comes with the messages that it stands for, which it still hides."""
    t.system("Be terse.")
    t.branch("elsewhere")
    ids_there = [str(t.user("How often?").message_id), str(t.user("And?").message_id)]
    summary = t.compress(ids_there, summary="Asked.")
    t.switch("elsewhere")

    result = t.cherry_pick("main")

    assert [conflict.conflict_type for conflict in result.conflicts] == ["missing_message"]
    result.resolve(result.conflicts[0].id, answer)
    t.continue_replay()
    assert texts(t) == ["Be terse.", *shown]
    if shown:
        t.expand(str(summary.message_id))
        assert texts(t) == ["Be terse.", "How often?", "And?"]
    assert t.fsck().is_clean


def test_a_summary_is_reverted_and_restored(t: Tract) -> None:
    """Its revert shows what it stood for, as expanding it does, and the revert of that folds it again."""
    message_ids = [start(t), str(t.user("And?").message_id)]
    t.compress(message_ids, summary="Asked.")

    t.revert("HEAD")
    assert texts(t) == ["Be terse.", "How often?", "And?"]
    t.revert("HEAD")

    assert texts(t) == ["Be terse.", "Asked."]
    assert t.fsck().is_clean


def test_a_message_that_is_skipped_stays_so_through_a_summary_and_a_rebase(t: Tract) -> None:
    """Nothing brings back what was hidden, though a summary is made beside it and the branch moves."""
    message_id = start(t)
    said = [str(t.user(word).message_id) for word in ("one", "two")]
    fork(t, lambda: t.user("main's"), lambda: [t.skip(message_id), t.compress(said, summary="Counted.")])

    t.rebase("main")

    assert texts(t) == ["Be terse.", "Counted.", "main's"]


def test_a_rebase_is_undone_as_one(t: Tract) -> None:
    """One undo takes all its commits back, and one redo makes them stand again."""
    start(t)
    fork(t, lambda: t.user("main's"), lambda: [t.user("one"), t.user("two")])
    before = t.head_id
    t.rebase("main")
    after = t.head_id

    t.undo()
    undone = t.head_id
    t.redo()

    assert (undone, t.head_id) == (before, after)


def test_two_results_of_one_call_are_asked(t: Tract) -> None:
    """Both branches answered the call: neither result is lost without a word."""
    t.user("Look.")
    t.append(asking("c1"))
    fork(t, lambda: t.append(answering("c1", "main's")), lambda: t.append(answering("c1", "topic's")))

    result = t.rebase("main", resolver=says("a model's"), auto_commit=True)

    assert [conflict.conflict_type for conflict in result.open_conflicts] == ["tool_result"]
    result.resolve(result.conflicts[0].id, "theirs")
    t.continue_replay()
    assert texts(t) == ["Look.", "", "topic's"]


def test_what_a_merge_brought_in_otherwise_than_it_is_there_is_asked(t: Tract) -> None:
    """A merge of a third branch brought an edited message, which stands unedited where the rebase goes."""
    start(t)
    t.switch("side", create=True)
    message_id = str(t.user("side's").message_id)
    t.branch("main-too")
    t.edit(message_id, "side's, edited")
    t.switch("main")
    t.switch("topic", create=True)
    t.user("topic's")
    t.merge("side")

    result = t.rebase("main-too")

    assert [conflict.conflict_type for conflict in result.conflicts] == ["both_edit"]
    result.resolve(result.conflicts[0].id, "theirs")
    t.continue_replay()
    assert texts(t)[2:] == ["side's, edited", "topic's"]


def test_a_call_that_comes_last_stays_open(t: Tract) -> None:
    """A commit that is merged where it goes may end in a call: nothing will stand behind it."""
    message_id = str(t.user("one\ntwo\nthree\nfour\nfive").message_id)

    def theirs() -> None:
        with t.batch():
            t.edit(message_id, "one\ntwo\nthree\nfour\nFIVE")
            t.append(asking("c1"))
        t.append(answering("c1"))

    fork(t, lambda: [t.edit(message_id, "ONE\ntwo\nthree\nfour\nfive"), t.user("main's")], theirs)

    result = t.rebase("main")

    assert (result.kind, result.conflicts) == ("clean", ())
    assert texts(t) == ["ONE\ntwo\nthree\nfour\nFIVE", "main's", "", "found"]
