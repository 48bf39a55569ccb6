"""Conversations in and out through the verbs: what an import adds, what it leaves alone, and what comes out again."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tract import ContentError, ImportFormatError, Tract
from tract_support import Another, Json, answering, asking, ids, say, texts

CONVERSATION: list[Json] = [
    say("system", "Be brief."),
    say("user", "What is there?"),
    asking("c1"),
    answering("c1"),
    say("assistant", "A thing."),
]
REQUEST: Json = {
    "system": "Be brief.",
    "messages": [
        {"role": "user", "content": "What is there?"},
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "Look.", "signature": "c2ln"},
                {"type": "text", "text": "I look."},
                {"type": "tool_use", "id": "tu1", "name": "look", "input": {"where": "here"}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "tu1", "content": "found"},
                {"type": "text", "text": "And?"},
            ],
        },
        {"role": "assistant", "content": "A thing."},
    ],
}


def test_an_import_is_one_commit(t: Tract) -> None:
    """A conversation comes in as one commit, and compiles to what it was."""
    report = t.import_messages(CONVERSATION)

    assert report.commit is not None
    assert (report.added, report.message_ids) == (5, tuple(ids(t)))
    assert t.compile().to_openai() == CONVERSATION
    assert [commit.id for commit in t.log()] == [report.commit.id]


@pytest.mark.parametrize("conversation", [CONVERSATION, REQUEST], ids=["openai", "anthropic"])
def test_what_was_imported_is_not_added_again(t: Tract, another: Another, conversation: Any) -> None:
    """Imported twice, by this object and by another, a conversation makes no second commit."""
    first = t.import_messages(conversation)
    head = t.head_id

    again = [t.import_messages(conversation), another().import_messages(json.dumps(conversation))]

    assert [(report.commit, report.added) for report in again] == [(None, 0)] * 2
    assert [report.message_ids for report in again] == [first.message_ids] * 2
    assert t.head_id == head


def test_a_conversation_that_grew_adds_what_is_new(t: Tract) -> None:
    """What was edited, hidden or said here since stays as it is, and the new comes behind it."""
    t.import_messages(CONVERSATION)
    before = ids(t)
    t.edit(before[1], "What is there, please?")
    t.skip(before[4])
    t.user("Said here.")

    report = t.import_messages([*CONVERSATION, say("user", "More?"), say("assistant", "No.")])

    assert report.added == 2
    assert texts(t) == ["Be brief.", "What is there, please?", "", "found", "Said here.", "More?", "No."]
    assert report.message_ids[:5] == tuple(before)


def test_a_request_of_anthropics_grows_too(t: Tract) -> None:
    """The longer request adds its last messages, and comes out equal."""
    longer = {**REQUEST, "messages": [*REQUEST["messages"], {"role": "user", "content": "Thanks."}]}
    t.import_messages(REQUEST)

    report = t.import_messages(longer)

    assert (report.added, texts(t)[-1]) == (1, "Thanks.")
    assert t.compile().to_anthropic() == longer


def test_what_one_branch_has_another_may_lack(t: Tract) -> None:
    """Import looks at the branch alone; the same conversation on two branches is one when they merge."""
    t.user("hello")
    t.branch("side")
    t.import_messages(CONVERSATION)
    t.switch("side")

    report = t.import_messages([*CONVERSATION, say("user", "More?")])
    t.switch("main")
    result = t.merge("side")

    assert (report.added, result.kind) == (6, "clean")
    assert t.compile().to_openai()[1:] == [*CONVERSATION, say("user", "More?")]


def test_the_same_conversation_has_the_same_ids_in_any_store(t: Tract) -> None:
    """Ids follow from the conversation alone, whatever stands before it."""
    t.user("hello")
    report = t.import_messages(CONVERSATION)

    with Tract.open() as other:
        assert other.import_messages(CONVERSATION).message_ids == report.message_ids


def test_equal_words_said_twice_are_two_messages(t: Tract) -> None:
    """A message is known by what stands before it, not by its words."""
    repeated = [say("user", "Go on."), say("assistant", "Yes."), say("user", "Go on."), say("assistant", "Yes.")]

    t.import_messages(repeated)
    report = t.import_messages([*repeated, *repeated[2:]])

    assert report.added == 2
    assert t.compile().to_openai() == [*repeated, *repeated[2:]]


def test_an_abandoned_call_and_a_stray_result_are_repaired_and_reported(t: Tract) -> None:
    """What no provider would take comes in as what one takes; imported again it is still the same."""
    broken = [say("user", "a"), answering("never"), asking("c1", "c2"), answering("c2"), say("user", "b")]

    report = t.import_messages(broken)
    again = t.import_messages(broken)

    messages = t.compile().to_openai()
    assert [message.get("tool_call_id") for message in messages if message["role"] == "tool"] == ["c2", "c1"]
    assert messages[3]["content"] == "[no result]"
    assert (len(report.unanswered), len(report.orphans), again.added) == (1, 1, 0)
    assert report.orphans[0] not in ids(t)


def test_times_and_models_of_the_source_are_kept(t: Tract) -> None:
    """They stand in the commit's metadata, by place in the conversation, and in the messages as given."""
    conversation = [
        {**say("user", "a"), "timestamp": "2024-05-06T07:08:09Z"},
        {**say("assistant", "b"), "model": "gpt-4o-mini", "created": 1_700_000_000},
    ]

    report = t.import_messages({"id": "run-7", "messages": conversation}, metadata={"source": "test"})

    assert report.commit is not None
    assert report.commit.metadata["source"] == "test"
    assert report.commit.metadata["import"] == {
        "format": "openai",
        "title": "run-7",
        "times": {"0": "2024-05-06T07:08:09+00:00", "1": "2023-11-14T22:13:20+00:00"},
        "models": {"1": "gpt-4o-mini"},
    }
    assert t.compile().to_openai() == conversation


def lines(messages: list[Json]) -> str:
    """Return messages as JSONL."""
    return "".join(json.dumps(message) + "\n" for message in messages)


@pytest.mark.parametrize(
    "source",
    [
        lambda path: CONVERSATION,
        lambda path: tuple(CONVERSATION),
        lambda path: {"traj": CONVERSATION, "reward": 1.0},
        lambda path: json.dumps(CONVERSATION),
        lambda path: json.dumps({"messages": CONVERSATION}).encode(),
        lambda path: lines(CONVERSATION),
        lambda path: [path.write_text(json.dumps(CONVERSATION)), path][1],
        lambda path: [path.write_text(lines(CONVERSATION)), str(path)][1],
        lambda path: [path.write_bytes(b"\xef\xbb\xbf" + json.dumps(CONVERSATION).encode()), path][1],
    ],
    ids=["list", "tuple", "run", "text", "bytes", "lines", "path", "path of lines", "byte order mark"],
)
def test_a_conversation_is_taken_from_anywhere(source: Callable[[Path], object], tmp_path: Path) -> None:
    """Values, JSON, JSON lines, and files of them, alone or under a key of a run."""
    with Tract.open() as t:
        t.import_messages(source(tmp_path / "conversation"))

        assert t.compile().to_openai() == CONVERSATION


def test_one_of_several_conversations_is_named_by_its_index(t: Tract) -> None:
    """Without an index several are an error that says how many, and nothing is written."""
    runs = [{"traj": [say("user", "a")]}, {"traj": [say("user", "b")]}]

    for index in (None, 2, -1, "0", True, 1.0):
        with pytest.raises(ImportFormatError):
            t.import_messages(runs, index=index)  # type: ignore[arg-type]
    assert t.head_id is None

    t.import_messages(runs, index=1)

    assert texts(t) == ["b"]


@pytest.mark.parametrize("format", ["openai", "anthropic"])
def test_a_named_format_is_taken_at_its_word(t: Tract, format: str) -> None:
    """What both formats could mean is read as the one that was named."""
    t.import_messages([say("user", "a"), say("assistant", "b")], format=format)

    assert texts(t) == ["a", "b"]
    assert t.log()[0].metadata["import"]["format"] == format


def test_an_import_inside_a_batch_is_part_of_its_commit(t: Tract) -> None:
    """Beside what else the batch records, and only what is new."""
    t.import_messages(CONVERSATION)

    with t.batch("both"):
        t.user("Said here.")
        report = t.import_messages([*CONVERSATION, say("user", "More?")])

    assert report.added == 1
    assert t.log()[0].message == "both"
    assert texts(t)[-2:] == ["Said here.", "More?"]
    assert len(t.log()) == 2


@pytest.mark.parametrize("format", ["openai", "openai-jsonl", "anthropic"])
def test_what_is_exported_is_imported_as_the_same_messages(t: Tract, format: str) -> None:
    """An export is read again elsewhere, and compiles to the same."""
    source = REQUEST if format == "anthropic" else CONVERSATION
    t.import_messages(source)

    with Tract.open() as other:
        report = other.import_messages(t.export_messages(format))

        assert report.message_ids == tuple(ids(t))
        assert other.compile().to_openai() == t.compile().to_openai()
        assert other.compile().to_anthropic() == t.compile().to_anthropic()


def test_an_export_is_of_a_revision(t: Tract) -> None:
    """The branch's tip, unless another revision is named; a format that is none is an error."""
    t.user("a")
    t.user("b")

    assert json.loads(t.export_messages(at="HEAD^")) == [say("user", "a")]
    assert json.loads(t.export_messages()) == [say("user", "a"), say("user", "b")]
    with pytest.raises(ImportFormatError):
        t.export_messages("xml")


@pytest.mark.parametrize(
    "source", [None, 5, "", "nowhere.json", "{", "[1, 2]", '{"a": 1}', b"\xff", [[]], [{"role": "robot"}], "a\0b"]
)
def test_what_is_no_conversation_changes_nothing(t: Tract, source: object) -> None:
    """It is an error of tract's, and the next import works."""
    t.user("a")
    head = t.head_id

    with pytest.raises((ImportFormatError, ContentError)):
        t.import_messages(source)

    assert t.head_id == head
    assert t.import_messages(CONVERSATION).added == 5
