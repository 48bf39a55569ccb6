"""Looking back: the log, a commit, the difference of two contexts, and a message's history."""

from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tract import ContentError, MessageNotFoundError, RevisionError, Tract
from tract.history.diff import diff_contexts
from tract.history.fold import apply_changes
from tract.model.changes import Append, Change, Configure, Edit, Fold, Move, NewMessage, SetMark, Unfold
from tract.model.context import Context, Entry, GrowingList
from tract.model.messages import Message, parse_message
from tract.model.results import Diff
from tract.operations.batch import record
from tract.operations.record import Notes
from tract_support import Another, answering, asking, ids, say


@pytest.fixture
def talk(t: Tract) -> Tract:
    """A tract with a system message, a question, and an exchange."""
    t.append([say("system", "s"), say("user", "one\ntwo\nthree"), asking("c1"), answering("c1"), say("assistant", "a")])
    return t


def change(t: Tract, *changes: Change) -> None:
    """Commit changes that no verb makes yet."""
    record(t._repo, "test", lambda draft: draft.add(changes), Notes())


def summary(t: Tract, *message_ids: str) -> str:
    """Fold messages into a summary, and return its id."""
    blob = parse_message(say("user", "what was said"))
    new = NewMessage("5" * 64, blob.id, "user")
    record(t._repo, "fold", lambda draft: draft.add([Fold(new.message_id, message_ids, new)], [blob]), Notes())
    return new.message_id


def test_the_log_is_newest_first(t: Tract) -> None:
    """Commits come by generation, then by id, whatever their times say."""
    t.user("base")
    t.branch("side")
    ours = [t.user("m1").id, t.user("m2").id]
    t.switch("side")
    theirs = [t.user("s1").id, t.user("s2").id]
    t.switch("main")
    merged = t.merge("side").commit

    found = [commit.id for commit in t.log()]

    assert merged is not None
    assert found[0] == merged.id
    assert found[1:3] == sorted([ours[1], theirs[1]])
    assert found[3:5] == sorted([ours[0], theirs[0]])
    assert len(found) == 6


def test_the_log_may_start_anywhere_and_end_early(talk: Tract) -> None:
    """A revision says where from, a limit how many."""
    commits = [talk.user(str(number)).id for number in range(5)]

    assert [commit.id for commit in talk.log("HEAD~1", 2)] == [commits[3], commits[2]]
    assert talk.log(limit=0) == []
    assert len(talk.log(limit=100)) == 6


def test_a_long_log_is_whole(t: Tract, another: Another) -> None:
    """Histories longer than a page are read to their end."""
    for number in range(600):
        t.configure(x=number)

    log = another().log()

    assert [commit.changes[0].settings["x"] for commit in log] == list(range(599, -1, -1))  # type: ignore[union-attr]
    assert [commit.id for commit in another().log(limit=300)] == [commit.id for commit in log[:300]]


def test_a_commit_is_shown_with_what_it_changed(talk: Tract) -> None:
    """`show` gives the commit and the difference to its first parent's context, the root's to nothing."""
    messages = ids(talk)
    edited = talk.edit(messages[1], "one\n2\nthree")

    commit, diff = talk.show()
    root, first = talk.show("HEAD~1")

    assert commit == edited
    assert [(found.message_id, found.text_diff) for found in diff.edited] == [
        (messages[1], "@@ -1,3 +1,3 @@\n one\n-two\n+2\n three")
    ]
    assert root.parents == ()
    assert [found.message_id for found in first.added] == messages


def test_a_merge_is_shown_against_its_first_parent(t: Tract) -> None:
    """What a merge brought in is what the other side had."""
    t.user("base")
    t.branch("side")
    t.user("ours")
    t.switch("side")
    t.user("theirs")
    t.switch("main")
    t.merge("side")

    assert [found.after.text for found in t.show()[1].added if found.after] == ["theirs"]


def test_a_diff_tells_everything(talk: Tract) -> None:
    """Messages added, removed and edited with their texts, marks, and configuration, from one side to the other."""
    messages = ids(talk)
    talk.branch("side")
    talk.user("only on main")
    talk.switch("side")
    talk.edit(messages[1], "edited")
    talk.pin(messages[3])
    talk.configure(model="gpt-4o", x=[1])
    added = talk.user("only on side").message_id

    diff = talk.diff("main", "side")

    assert [(found.message_id, found.before, found.after and found.after.text) for found in diff.added] == [
        (added, None, "only on side")
    ]
    assert [(found.before and found.before.text, found.after) for found in diff.removed] == [("only on main", None)]
    assert [(found.before and found.before.text, found.after and found.after.text) for found in diff.edited] == [
        ("one\ntwo\nthree", "edited")
    ]
    assert [(found.message_id, found.before, found.after) for found in diff.marked] == [
        (messages[2], "normal", "pinned")
    ]
    assert diff.configured == {"model": (None, "gpt-4o"), "x": (None, [1])}
    assert not diff.is_empty


def test_a_diff_of_the_same_is_empty(talk: Tract) -> None:
    """Two commits whose contexts are the same have no difference, however they came about."""
    message_id = ids(talk)[1]
    talk.pin(message_id)
    talk.unpin(message_id)
    talk.configure(x=1)
    talk.configure(x=None)

    assert talk.diff("HEAD~4", "HEAD") == Diff()
    assert talk.diff("HEAD").is_empty


def test_a_diff_names_the_tip_if_nothing_else(talk: Tract) -> None:
    """Without revisions a diff is what the last commit did; with one, what was done since."""
    talk.user("x")
    talk.user("y")

    assert [found.after.text for found in talk.diff().added if found.after] == ["y"]
    assert [found.after.text for found in talk.diff("HEAD~2").added if found.after] == ["x", "y"]


def test_a_diff_tells_moves_and_folds(talk: Tract) -> None:
    """The fewest messages that moved, and what is folded into which summary now."""
    messages = ids(talk)
    change(talk, Move(messages[4], messages[0]))
    assert talk.diff().moved == (messages[4],)

    summary_id = summary(talk, messages[1], messages[3])

    assert [(found.message_id, found.before, found.after) for found in talk.diff().folded] == [
        (messages[1], None, summary_id),
        (messages[2], None, summary_id),
    ]
    assert [found.message_id for found in talk.diff().added] == [summary_id]


def test_message_history(talk: Tract, another: Another) -> None:
    """Every commit that touched a message, oldest first: what it did, and what the message then said."""
    message_id = ids(talk)[1]
    talk.edit(message_id, "edited", author="Eve")
    talk.user("unrelated")
    talk.skip(message_id)
    talk.edit(ids(another())[0], "unrelated")
    with talk.batch():
        talk.unskip(message_id)
        talk.edit(message_id, "at last")

    for reader in (talk, another()):
        found = reader.history(message_id)
        assert [(version.action, version.message.text, version.mark) for version in found] == [
            ("added", "one\ntwo\nthree", "normal"),
            ("edited", "edited", "normal"),
            ("marked skipped", "edited", "skipped"),
            ("marked normal, edited", "at last", "normal"),
        ]
        assert [version.commit.author for version in found] == ["Ada", "Eve", "Ada", "Ada"]
    assert [version.action for version in talk.history(message_id[:8], "HEAD~4")] == ["added", "edited"]


def test_the_history_of_a_member_tells_of_its_exchange(talk: Tract) -> None:
    """A mark, a move, a fold and an unfold of an exchange are every member's, and nobody else's."""
    messages = ids(talk)
    talk.pin(messages[3])
    talk.unpin(messages[2])
    change(talk, Move(messages[2], messages[0]))
    first = summary(talk, messages[2])
    change(talk, Unfold(first))

    expected = ["added", "marked pinned", "marked normal", "moved", "folded", "unfolded"]
    assert [version.action for version in talk.history(messages[3])] == expected
    assert [version.action for version in talk.history(messages[2])] == expected
    assert [version.action for version in talk.history(messages[4])] == ["added"]
    assert [version.action for version in talk.history(first)] == ["written", "unfolded"]


def test_the_history_of_a_hidden_message_is_found(talk: Tract) -> None:
    """A message that is not sent is still in the context."""
    message_id = ids(talk)[1]
    talk.skip(message_id)

    assert len(talk.history(message_id)) == 2


def test_a_message_of_another_branch_has_no_history_here(talk: Tract) -> None:
    """A history is a branch's; where the message is not, it is an error."""
    talk.branch("side")
    said = str(talk.user("x").message_id)
    talk.switch("side")

    with pytest.raises(MessageNotFoundError):
        talk.history(said)
    assert len(talk.history(said, "main")) == 1


@pytest.mark.parametrize(
    "verb",
    [
        lambda t: t.show("nowhere"),
        lambda t: t.diff("nowhere"),
        lambda t: t.diff("HEAD", "nowhere"),
        lambda t: t.diff("HEAD^"),
        lambda t: t.diff("HEAD..HEAD", "HEAD"),
        lambda t: t.history("0000", "nowhere"),
        lambda t: t.log("nowhere"),
    ],
)
def test_looking_nowhere_is_an_error(talk: Tract, verb: Callable[[Tract], object]) -> None:
    """A revision that leads nowhere is said to."""
    with pytest.raises(RevisionError):
        verb(talk)


IDS = [f"m{number}" for number in range(6)]
SOME_CHANGES = st.one_of(
    st.sampled_from(IDS).map(lambda message_id: Append(NewMessage(message_id, "b", "user"))),
    st.builds(Edit, st.sampled_from(IDS), st.sampled_from(["b", "c"])),
    st.builds(SetMark, st.sampled_from(IDS), st.sampled_from(["normal", "pinned", "skipped"])),
    st.builds(Move, st.sampled_from(IDS), st.one_of(st.none(), st.sampled_from(IDS))),
    st.builds(Configure, st.dictionaries(st.sampled_from("xy"), st.sampled_from([None, 1, True, [0]]), max_size=2)),
)


def folded(context: Context, changes: list[Change]) -> Context:
    """Apply those changes that fit."""
    for found in changes:
        with suppress(MessageNotFoundError, ContentError):
            context = apply_changes(context, [found])
    return context


@settings(max_examples=150, deadline=None)
@given(
    common=st.lists(SOME_CHANGES, max_size=8), ours=st.lists(SOME_CHANGES, max_size=6), theirs=st.lists(SOME_CHANGES)
)
def test_a_diff_is_what_makes_one_context_of_another(
    common: list[Change], ours: list[Change], theirs: list[Change]
) -> None:
    """Read the other way a diff is the opposite; what it tells, applied to one side, gives the other."""
    base = folded(Context(), common)
    before, after = folded(base, ours), folded(base, theirs)

    def load(blob_id: str) -> Message:
        return Message(role="user", content=blob_id)

    diff, back = diff_contexts(before, after, load), diff_contexts(after, before, load)

    old = {entry.message_id: entry for entry in before.entries}
    new = {entry.message_id: entry for entry in after.entries}
    assert {found.message_id for found in diff.added} == new.keys() - old.keys()
    assert {found.message_id for found in diff.removed} == old.keys() - new.keys()
    assert {found.message_id for found in diff.edited} == {
        message_id for message_id in old.keys() & new.keys() if old[message_id].blob_id != new[message_id].blob_id
    }
    assert {(found.message_id, found.after) for found in diff.marked} == {
        (message_id, entry.mark)
        for message_id, entry in new.items()
        if entry.mark != (old[message_id].mark if message_id in old else "normal")
    }
    stays = [message_id for message_id in new if message_id in old and message_id not in diff.moved]
    assert stays == [message_id for message_id in old if message_id in new and message_id not in diff.moved]
    assert len(diff.moved) == len(back.moved)
    assert {found.message_id for found in back.added} == {found.message_id for found in diff.removed}
    assert {key: value[::-1] for key, value in back.configured.items()} == diff.configured
    assert diff.is_empty == (before == after)


def test_the_fewest_messages_are_called_moved() -> None:
    """One message that goes from the front to the back is one move."""
    entries = [Entry(message_id, "b", "user") for message_id in IDS]
    before, after = Context(GrowingList(entries)), Context(GrowingList([*entries[1:], entries[0]]))

    assert diff_contexts(before, after, lambda _: Message(role="user", content="")).moved == (IDS[0],)
