"""Conversations read from files: the containers they come in, times and models, and what is refused."""

import json
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest

from formats_support import compile_fields, faults_for_openai
from tract.exceptions import ImportFormatError
from tract.formats.conversations import Conversation, SourceMessage, read_conversations
from tract.model.messages import PRIVATE_KEY

Json = dict[str, Any]
HI: Json = {"role": "user", "content": "Hi"}
HELLO: Json = {"role": "assistant", "content": "Hello", "logprobs": None}


def _fields(conversation: Conversation) -> list[Json]:
    return [message.fields for message in conversation.messages]


def _lines(*values: Any) -> str:
    return "".join(json.dumps(value) + "\n" for value in values)


@pytest.mark.parametrize(
    "data",
    [
        json.dumps([HI, HELLO]),
        json.dumps([HI, HELLO], indent=2).encode(),
        b"\xef\xbb\xbf" + json.dumps([HI, HELLO]).encode(),
        "\ufeff" + json.dumps([HI, HELLO]),
        json.dumps([HI, HELLO]).encode("utf-16"),
        _lines(HI, HELLO),
        _lines(HI, HELLO).replace("\n", "\r\n\r\n").encode(),
        b"\xef\xbb\xbf" + _lines(HI, HELLO).encode(),
        json.dumps({"model": "m", "messages": [HI, HELLO], "tools": []}),
        json.dumps({"traj": [HI, HELLO], "reward": 1}),
        json.dumps({"info": {}, "history": [HI, HELLO], "trajectory": [{"messages": [HI]}]}),
        json.dumps({"history": [HI], "messages": [HI, HELLO]}),
        json.dumps({"somewhere": {"else": [HI, HELLO]}}),
        [HI, HELLO],
        (HI, HELLO),
        {"messages": [HI, HELLO]},
    ],
)
def test_one_conversation_is_found_in_any_container(data: Any) -> None:
    """A list, lines, or a list under a key, as text, bytes or values, are the same conversation."""
    (conversation,) = read_conversations(data)

    assert _fields(conversation) == [HI, HELLO]
    assert conversation.format == "openai"


@pytest.mark.parametrize(
    "data",
    [
        _lines({"traj": [HI]}, {"traj": [HELLO, HI]}),
        _lines([HI], [HELLO, HI]),
        json.dumps({"runs": [{"messages": [HI]}, {"messages": [HELLO, HI]}]}),
        [{"request": {"messages": [HI]}}, {"request": {"messages": [HELLO, HI]}}],
    ],
)
def test_many_runs_are_many_conversations_in_order(data: Any) -> None:
    """A line, or an item, that holds messages under a key is a conversation of its own."""
    conversations = read_conversations(data)

    assert [_fields(conversation) for conversation in conversations] == [[HI], [HELLO, HI]]


def test_one_message_is_a_conversation() -> None:
    """A file of JSON Lines may have one line."""
    (conversation,) = read_conversations(_lines(HI))

    assert _fields(conversation) == [HI]


@pytest.mark.parametrize("data", ["[]", '{"messages": []}', []])
def test_no_messages_are_an_empty_conversation(data: Any) -> None:
    """An export of nothing imports as nothing."""
    assert read_conversations(data) == [Conversation((), "openai")]


def test_a_line_separator_inside_a_message_ends_no_line() -> None:
    """Only a line feed ends a line of JSON Lines."""
    odd = {"role": "user", "content": "a\u2028b\x85c"}

    (conversation,) = read_conversations(json.dumps(odd, ensure_ascii=False) + "\n" + json.dumps(HELLO))

    assert _fields(conversation) == [odd, HELLO]


def test_the_fields_are_the_callers_own() -> None:
    """Changing what was read leaves the values given as they were."""
    given = [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]

    (conversation,) = read_conversations(given)
    conversation.messages[0].fields["content"].clear()

    assert given[0]["content"] == [{"type": "text", "text": "Hi"}]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ([HI], "openai"),
        ({"system": "Be brief.", "messages": [HI]}, "anthropic"),
        ({"system": "linux", "messages": [{"role": "system", "content": "x"}, HI]}, "openai"),
        ([{"role": "user", "content": [{"type": "text", "text": "x"}]}], "openai"),
        (
            [HI, {"role": "assistant", "content": [{"type": "thinking", "thinking": "x", "signature": "s"}]}],
            "anthropic",
        ),
        ([HI, {"role": "assistant", "content": [{"type": "text", "text": "x", "citations": None}]}], "anthropic"),
        ([{"role": "user", "content": [{"type": "image", "source": {}}]}], "anthropic"),
        ([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}], "openai"),
    ],
)
def test_the_format_is_found_by_looking(data: Any, expected: str) -> None:
    """Roles, blocks and what stands beside the messages tell; where nothing does it is OpenAI's."""
    assert [conversation.format for conversation in read_conversations(data)] == [expected]


def test_a_named_format_is_taken_at_its_word() -> None:
    """Looking would call this OpenAI's; both are right."""
    (conversation,) = read_conversations([HI], format="anthropic")

    assert (conversation.format, _fields(conversation)) == ("anthropic", [HI])


def test_an_unknown_format_is_refused() -> None:
    """The error names the formats there are."""
    with pytest.raises(ImportFormatError, match="openai, anthropic, not 'gemini'"):
        read_conversations([HI], format="gemini")


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("timestamp", "2024-05-01T10:00:00Z", datetime(2024, 5, 1, 10, tzinfo=UTC)),
        ("created_at", "2024-05-01T12:00:00.5+02:00", datetime(2024, 5, 1, 10, 0, 0, 500_000, tzinfo=UTC)),
        ("created", 1714557600, datetime(2024, 5, 1, 10, tzinfo=UTC)),
        ("create_time", 1714557600.25, datetime(2024, 5, 1, 10, 0, 0, 250_000, tzinfo=UTC)),
        ("timestamp", 1714557600000, datetime(2024, 5, 1, 10, tzinfo=UTC)),
        ("timestamp", 1714557600000000, datetime(2024, 5, 1, 10, tzinfo=UTC)),
        ("timestamp", 1714557600000000000, datetime(2024, 5, 1, 10, tzinfo=UTC)),
        ("timestamp", "2024-05-01 10:00:00", datetime(2024, 5, 1, 10, tzinfo=UTC)),
        ("timestamp", "yesterday", None),
        ("timestamp", "0001-01-01T00:00:00+14:00", None),
        ("timestamp", 10**40, None),
        ("timestamp", -5, None),
        ("timestamp", True, None),
        ("timestamp", {"$date": 1}, None),
    ],
)
def test_times_in_the_source_are_kept(key: str, value: Any, expected: datetime | None) -> None:
    """A time is read where it is clear, in UTC; the field stays as given either way."""
    (conversation,) = read_conversations([{**HI, key: value}])

    assert conversation.messages[0] == SourceMessage({**HI, key: value}, expected)


def test_models_and_times_of_a_run_hold_for_messages_that_have_none() -> None:
    """The nearest says: the message, then the object around it, then the one around that."""
    run = {"request": {"model": "near", "messages": [HI, {**HELLO, "model": "own"}]}, "model": "far", "created": 1}

    (conversation,) = read_conversations(run)

    assert [message.model for message in conversation.messages] == ["near", "own"]
    assert [message.created_at for message in conversation.messages] == [datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)] * 2


def test_a_run_has_the_title_that_its_source_gives() -> None:
    """A title, a name or an id, whichever there is."""
    runs = [{"messages": [HI], "id": "r1"}, {"messages": [HI], "id": "r2", "title": "Greeting"}, {"messages": [HI]}]

    assert [conversation.title for conversation in read_conversations(runs)] == ["r1", "Greeting", None]


def test_a_request_of_anthropics_starts_with_its_system() -> None:
    """`system` becomes the first message; a message that is taken apart keeps its source's time on every part."""
    results: Json = {
        "role": "user",
        "timestamp": 1,
        "content": [{"type": "tool_result", "tool_use_id": "t", "content": "r"}, {"type": "text", "text": "Go on."}],
    }
    call = {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "f", "input": {}}]}

    (conversation,) = read_conversations({"system": "Be brief.", "model": "m", "messages": [HI, call, results]})

    assert [message.fields["role"] for message in conversation.messages] == [
        "system",
        "user",
        "assistant",
        "tool",
        "user",
    ]
    assert [message.created_at is None for message in conversation.messages] == [True, True, True, False, False]
    assert compile_fields(_fields(conversation)).to_anthropic() == {
        "system": "Be brief.",
        "messages": [HI, call, results],
    }


def test_a_conversation_that_shows_late_whose_it_is_starts_with_the_same_fields() -> None:
    """Text alone is read alike in both formats, so an import of what grew since adds only what is new."""
    early = [{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}, HI]
    late = {"role": "assistant", "content": [{"type": "thinking", "thinking": "hm", "signature": "s"}]}

    (before,) = read_conversations(early)
    (after,) = read_conversations([*early, late])

    assert (before.format, after.format) == ("openai", "anthropic")
    assert _fields(after)[:2] == _fields(before)


def test_a_conversation_that_grew_starts_with_the_same_fields() -> None:
    """What is kept beside a message follows from what stands before it alone, so an import can be repeated."""
    uses: list[Json] = [{"type": "tool_use", "id": used, "name": "f", "input": {}} for used in ("a", "b")]
    results = [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": used}]} for used in "ab"]
    messages = [HI, {"role": "assistant", "content": uses}, *results, HI]

    read = [_fields(read_conversations(messages[:end], format="anthropic")[0]) for end in range(2, 6)]

    assert all(longer[: len(shorter)] == shorter for shorter, longer in pairwise(read))


def test_results_in_several_messages_come_back_so() -> None:
    """Neighbours that each hold results keep their bounds, the first of them too."""
    uses: list[Json] = [{"type": "tool_use", "id": used, "name": "f", "input": {}} for used in ("a", "b", "c")]
    results = [
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": used, "content": "r"}]} for used in "abc"
    ]
    messages = [HI, {"role": "assistant", "content": uses}, *results]

    (conversation,) = read_conversations(messages)

    assert compile_fields(_fields(conversation)).to_anthropic()["messages"] == messages


def test_a_function_message_becomes_the_result_of_a_tool_call() -> None:
    """What OpenAI called functions before tools is read as tools, calls and results matched."""
    call = {"name": "f", "arguments": "{}"}
    legacy = [
        HI,
        {"role": "assistant", "content": None, "function_call": call},
        {"role": "function", "name": "f", "content": "1"},
        {"role": "assistant", "content": None, "function_call": call},
        {"role": "function", "name": "f", "content": "2"},
    ]

    (conversation,) = read_conversations(legacy)

    fields = _fields(conversation)
    assert faults_for_openai(fields) == []
    assert [message.get("tool_call_id") for message in fields] == [
        None,
        None,
        "function_call_2",
        None,
        "function_call_4",
    ]
    assert fields[1]["tool_calls"] == [{"id": "function_call_2", "type": "function", "function": call}]
    assert "function_call" not in fields[1]


def test_an_unanswered_function_call_becomes_a_tool_call_all_the_same() -> None:
    """Its answer may come when the conversation has grown; a null in its place is kept as given."""
    call = {"name": "f", "arguments": "{}"}
    messages = [{**HELLO, "function_call": None}, HI, {"role": "assistant", "content": None, "function_call": call}]

    (conversation,) = read_conversations(messages)
    (longer,) = read_conversations([*messages, {"role": "function", "name": "f", "content": "1"}])

    assert _fields(conversation)[0] == messages[0]
    assert _fields(conversation)[2]["tool_calls"] == [{"id": "function_call_3", "type": "function", "function": call}]
    assert _fields(longer)[:3] == _fields(conversation)


def test_a_result_that_names_its_call_in_a_list_is_matched() -> None:
    """Some agents write `tool_call_ids`; OpenAI's own field is added."""
    calls = [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
    messages: list[Json] = [
        {"role": "assistant", "content": "", "tool_calls": calls},
        {"role": "tool", "content": "r", "tool_call_ids": ["c"]},
    ]

    (conversation,) = read_conversations(messages)

    assert _fields(conversation)[1] == {"role": "tool", "content": "r", "tool_call_ids": ["c"], "tool_call_id": "c"}


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ("", "the input is empty"),
        (b"\xef\xbb\xbf \n", "the input is empty"),
        (b"[\xff]", "not utf-8 text: invalid start byte at byte 1"),
        ("{'role': 'user'}", "not JSON: .* at line 1, column 2"),
        ('[\n {"role": "user",}\n]', "not JSON: .* at line 2, column 18"),
        (_lines(HI) + '{"role":', "not JSON: Expecting value at line 2, column 9"),
        ("Hello there", "not JSON: Expecting value at line 1, column 1"),
        ('[{"role": "user", "content": NaN}]', "NaN is no JSON number"),
        ('[{"role": "user", "content": "x", "n": 1e999}]', "message 1: not a JSON value"),
        ('[{"role": "user", "content": "x", "n": ' + "9" * 5000 + "}]", "not JSON: Exceeds the limit"),
        ("[" * 100_000, "nested too deep"),
        ("5", "found a number"),
        ('"text"', "found text"),
        ("null", "found null"),
        ("{}", "found an empty object"),
        ("[[], []]", "found a list of 2, the first of them another list"),
        ('{"a": 1, "b": 2}', "found an object with the keys a, b"),
        ([HI, "x"], "message 2: a message is an object with a role, not text"),
        ([HI, {"content": "x"}], "message 2: role must be one of .* not None"),
        ([{"role": "model", "content": "x"}], "message 1: role must be one of .* not 'model'"),
        ([{"role": "user", "content": 5}], "message 1: content must be text or a list of parts, not int"),
        ([{"role": "function", "content": "x"}], "message 1: a function message stands right behind"),
        ([{**HI, PRIVATE_KEY: {}}], "message 1: the key 'tract' is tract's own"),
        ([{**HI, "extra": {1, 2}}], "message 1: not a JSON value"),
        ([{**HI, "extra": (1, 2)}], "message 1: not a JSON value"),
        (
            [{"messages": [HI]}, {"x": 1}],
            "item 2 holds no conversation, while others do: found an object with the keys x",
        ),
        (_lines(HI, {"traj": [HI]}), "message 2: role must be one of"),
        ([{"messages": [HI]}, {"messages": [HI, {}]}], "item 2, key 'messages', message 2: role must be"),
        (
            {"system": 5, "messages": [{"role": "user", "content": [{"type": "tool_use"}]}]},
            "system: system must be text",
        ),
        ({"system": "x", "messages": [{"role": "user"}]}, "key 'messages', message 1: content must be text or a list"),
    ],
)
def test_what_is_no_conversation_is_refused(data: Any, problem: str) -> None:
    """The error says what was found, and where."""
    with pytest.raises(ImportFormatError, match=problem):
        read_conversations(data)
