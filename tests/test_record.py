"""Recording: what each verb writes, what it refuses, and what is kept of it."""

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from tract import ContentError, Message, MessageNotFoundError, TraceError, Tract
from tract.model.changes import MARKS
from tract.model.commits import Commit
from tract_support import START, Another, Json, answering, asking, call, ids, say, texts

ODD_MESSAGES: list[Json] = [
    {"content": "keys in another order", "role": "user"},
    {"role": "user", "content": [{"type": "text", "text": "look"}, {"type": "image_url", "image_url": {"url": "u"}}]},
    {"role": "assistant", "content": "", "reasoning_content": "because", "x": {"z": [1, 2.5, None, True], "a": {}}},
    {"role": "assistant", "content": None, "refusal": "I won't."},
    {"role": "assistant", "content": None, "audio": {"id": "audio_1"}},
    {"role": "developer", "content": "Be brief.", "name": "dev"},
    {"role": "user", "content": "Zoë \ud800 \u0000 \U0001f600", "name": "zoë"},
    {"role": "user", "content": ""},
    {"role": "user", "content": [], "tool_call_id": "only tool messages answer"},
    {"role": "system", "content": "1e400 is text", "n": -0.0, "big": 10**30},
]


class AnswerMessage(BaseModel):
    """A message as an SDK gives it."""

    role: str
    content: str | None = None
    refusal: str | None = None
    tool_calls: list[dict[str, Any]] | None = None


class Role(StrEnum):
    """Roles as an application may name them."""

    USER = "user"


def sha(kind: str, *values: object) -> str:
    """Return an id as the rule says, written anew: SHA-256 of kind, zero byte and compact JSON."""
    payload = json.dumps(list(values), ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return hashlib.sha256(kind.encode() + b"\0" + payload.encode()).hexdigest()


def test_each_verb_appends_one_message(t: Tract) -> None:
    """The verbs of the five kinds say one message each, and what they say is compiled in order."""
    t.system("You are terse.")
    t.user("Weather?", name="ada")
    t.assistant("I look.", tool_calls=[call("c1")])
    t.tool("rain", tool_call_id="c1", name="look")
    t.assistant("It rains.")

    assert t.compile().to_openai() == [
        {"role": "system", "content": "You are terse."},
        {"role": "user", "content": "Weather?", "name": "ada"},
        {"role": "assistant", "content": "I look.", "tool_calls": [call("c1")]},
        {"role": "tool", "content": "rain", "name": "look", "tool_call_id": "c1"},
        {"role": "assistant", "content": "It rains."},
    ]


def test_an_assistant_may_only_call(t: Tract) -> None:
    """Without text an assistant's content is null, as providers want it."""
    t.assistant(tool_calls=[call("c1")])

    assert t.compile().to_openai() == [{"role": "assistant", "content": None, "tool_calls": [call("c1")]}]


def test_parts_are_content(t: Tract) -> None:
    """Content may be a list of parts, whose texts are the message's readable text."""
    parts = [{"type": "text", "text": "see"}, {"type": "image_url", "image_url": {"url": "u"}}]

    t.user([*parts, {"type": "text", "text": "this"}])

    assert t.compile().messages[0].content[:2] == parts
    assert t.compile().messages[0].text == "see\nthis"


def test_every_verb_returns_its_commit(t: Tract) -> None:
    """A commit has its place, its author, its time, and the message that it added."""
    first = t.user("Hi")
    second = t.assistant("Hello.")

    assert (first.parents, second.parents) == ((), (first.id,))
    assert (second.author, second.created_at) == ("Ada", START + timedelta(seconds=2))
    assert second.message_ids == (second.message_id,) == tuple(ids(t)[1:])
    assert second.metadata == {}
    assert t.head_id == second.id
    assert len(second.id) == 64


def test_a_commit_of_several_messages_has_no_single_id(t: Tract) -> None:
    """`message_id` is the one message that a commit added, None if it is not one."""
    commit = t.append([say("user", "a"), say("assistant", "b")])

    assert commit.message_id is None
    assert list(commit.message_ids) == ids(t)


def test_notes_are_kept(t: Tract) -> None:
    """Message, author and metadata of a commit are what was given."""
    metadata = {"generation_config": {"model": "m", "temperature": 0}, "usage": [1]}

    commit = t.assistant("x", message="why", author="Eve", metadata=metadata)

    for found in (commit, t.log()[0]):
        assert (found.message, found.author, found.metadata) == ("why", "Eve", metadata)
        assert found.generation_config == {"model": "m", "temperature": 0}


@pytest.mark.parametrize(
    "record",
    [
        lambda t, notes: t.system("x", **notes),
        lambda t, notes: t.user("x", **notes),
        lambda t, notes: t.assistant("x", **notes),
        lambda t, notes: t.append(say("user", "x"), **notes),
        lambda t, notes: t.edit(ids(t)[0], "x", **notes),
        lambda t, notes: t.mark(ids(t)[0], "important", **notes),
        lambda t, notes: t.pin(ids(t)[0], **notes),
        lambda t, notes: t.skip(ids(t)[0], **notes),
        lambda t, notes: [t.skip(ids(t)[0]), t.unskip(t.log()[0].changes[0].message_id, **notes)][1],
        lambda t, notes: [t.pin(ids(t)[0]), t.unpin(ids(t)[0], **notes)][1],
        lambda t, notes: t.configure(temperature=0, **notes),
        lambda t, notes: t.import_messages([say("user", "x")], **notes).commit,
    ],
    ids=[
        "system",
        "user",
        "assistant",
        "append",
        "edit",
        "mark",
        "pin",
        "skip",
        "unskip",
        "unpin",
        "configure",
        "import",
    ],
)
def test_every_verb_takes_notes(t: Tract, record: Callable[[Tract, Json], Commit]) -> None:
    """Message, author and metadata go with every verb that makes a commit."""
    t.user("first")

    commit = record(t, {"message": "why", "author": "Eve", "metadata": {"k": [1]}})

    assert (commit.message, commit.author, commit.metadata["k"]) == ("why", "Eve", [1])


def test_a_message_is_made_from_changes(t: Tract) -> None:
    """A commit without a message of its own says in one line what it does."""
    t.user("Hi")
    t.append([say("assistant", "a"), say("user", "b"), say("user", "c")])
    t.pin(ids(t)[0])
    t.configure({"two\nlines": 1}, model="m")

    for commit in t.log():
        assert commit.message
        assert "\n" not in commit.message


def test_metadata_is_the_commits_own(t: Tract) -> None:
    """What a caller does with its dict afterwards changes no commit."""
    metadata = {"list": [1]}

    commit = t.user("x", metadata=metadata)
    metadata["list"].append(2)

    assert commit.metadata == {"list": [1]}


def test_a_local_clock_is_read_as_utc(tmp_path: Path) -> None:
    """Times are aware and in UTC, whatever zone the clock is in, to the microsecond."""
    local = datetime(1969, 7, 20, 22, 17, 40, 123456, tzinfo=timezone(timedelta(hours=2)))

    with Tract.open(tmp_path / "work.db", clock=lambda: local) as t:
        t.user("x")
    with Tract.open(tmp_path / "work.db") as t:
        commit = t.log()[0]

    assert commit.created_at == local
    assert commit.created_at.tzinfo == UTC


def test_a_naive_clock_is_refused() -> None:
    """A time without a zone means nothing."""
    with (
        Tract.open(clock=lambda: datetime(2026, 1, 1)) as t,
        pytest.raises(ContentError, match="aware"),
    ):
        t.user("x")


@pytest.mark.parametrize("message", ODD_MESSAGES, ids=lambda message: str(list(message)))
def test_messages_come_back_as_given(t: Tract, another: Another, message: Json) -> None:
    """Every field of a message is kept as given, in the order given, read by whom it may be."""
    written = json.dumps(message)

    t.append(message)

    for reader in (t, another()):
        compiled = reader.compile()
        assert json.dumps(compiled.to_openai()[0]) == written
        assert json.dumps(compiled.to_dicts()[0]) == written
        assert json.dumps(compiled.messages[0].model_dump()) == written


def test_what_is_given_stays_the_callers(t: Tract) -> None:
    """Changing a dict after it was appended changes nothing that is recorded."""
    message = {"role": "user", "content": [{"type": "text", "text": "before"}]}

    t.append(message)
    message["content"][0]["text"] = "after"  # type: ignore[index]

    assert texts(t) == ["before"]


def test_subclasses_of_text_are_recorded_as_text(t: Tract, another: Another) -> None:
    """What a caller's own kinds of text stand for is kept, not the objects."""
    t.append({"role": Role.USER, "content": Role.USER})

    (here,), (there,) = t.compile().to_openai(), another().compile().to_openai()
    assert {type(value) for value in here.values()} == {str}
    assert here == there == {"role": "user", "content": "user"}


def test_answers_of_sdks_are_taken(t: Tract) -> None:
    """Objects with `model_dump` are messages, alone and in lists; fields they leave at None are not given."""
    t.append(say("user", "Hi"))
    t.append(AnswerMessage(role="assistant", tool_calls=[call("c1")]))
    t.append([answering("c1"), AnswerMessage(role="assistant", content="Hello.")])

    assert t.compile().to_openai() == [say("user", "Hi"), asking("c1"), answering("c1"), say("assistant", "Hello.")]


def test_messages_of_tract_are_taken(t: Tract) -> None:
    """What compile gives can be appended again, and so can a `Message`."""
    t.append([say("user", "a"), say("assistant", "b")])

    t.append(t.compile().messages)
    t.append(Message(role="user", content="c"))
    t.append(say(role, "d") for role in ("assistant", "user"))

    assert texts(t) == ["a", "b", "a", "b", "c", "d", "d"]


@pytest.mark.parametrize(
    "message",
    [
        None,
        5,
        "text",
        b"bytes",
        ["text"],
        [[say("user", "x")]],
        [say("user", "x"), None],
        {},
        {"role": "user"},
        {"role": "user", "content": None},
        {"role": "nobody", "content": "x"},
        {"role": None, "content": "x"},
        {"role": ["user"], "content": "x"},
        {"role": "user", "content": 5},
        {"role": "user", "content": {"text": "x"}},
        {"role": "user", "content": ["x"]},
        {"role": "user", "content": [{"text": "no type"}]},
        {"role": "user", "content": "x", "name": 5},
        {"role": "user", "content": "x", "tool_calls": [call("c1")]},
        {"role": "user", "content": "x", "n": float("nan")},
        {"role": "user", "content": "x", "n": float("inf")},
        {"role": "user", "content": "x", "n": {1: "key"}},
        {"role": "user", "content": "x", 5: "key"},
        {"role": "user", "content": "x", "n": (1, 2)},
        {"role": "user", "content": "x", "n": {1, 2}},
        {"role": "user", "content": "x", "n": b"bytes"},
        {"role": "user", "content": "x", "n": 10**5000},
        {"role": "user", "content": "x", "tract": {"original": {}}},
        {"role": "assistant"},
        {"role": "assistant", "content": None},
        {"role": "assistant", "content": None, "tool_calls": None, "name": "x"},
        {"role": "assistant", "content": None, "tool_calls": "c1"},
        {"role": "assistant", "content": None, "tool_calls": ["c1"]},
        {"role": "assistant", "content": None, "tool_calls": [{"function": {}}]},
        {"role": "assistant", "content": None, "tool_calls": [{"id": 5}]},
        {"role": "tool", "content": "x"},
        {"role": "tool", "content": "x", "tool_call_id": 5},
        {"role": "tool", "content": None, "tool_call_id": "c1"},
        [say("user", "x"), {"role": "user", "content": 5}],
    ],
)
def test_what_is_no_message_is_refused_whole(t: Tract, message: object) -> None:
    """A malformed message is a ContentError, nothing of its list is written, and the next verb works."""
    t.user("before")
    head = t.head_id

    with pytest.raises(ContentError):
        t.append(message)

    assert t.head_id == head
    t.user("after")
    assert texts(t) == ["before", "after"]


def nested(depth: int) -> list[Any]:
    """Return lists in lists."""
    found: list[Any] = []
    for _ in range(depth):
        found = [found]
    return found


def circular() -> list[Any]:
    """Return a list that holds itself twice."""
    found: list[Any] = []
    found.extend([found, found])
    return found


@pytest.mark.parametrize("value", [nested(500), nested(5000), nested(200_000), circular()], ids=lambda _: "")
def test_values_that_could_not_be_read_back_are_refused(t: Tract, value: list[Any]) -> None:
    """Nesting that a parser may refuse, and circles, are errors wherever JSON is taken."""
    t.user("x")
    verbs: list[Callable[[], object]] = [
        lambda: t.append({"role": "user", "content": "x", "deep": value}),
        lambda: t.append({"role": "user", "content": value}),
        lambda: t.append({"role": value, "content": "x"}),
        lambda: t.append({"role": "assistant", "content": None, "tool_calls": value}),
        lambda: t.user("x", metadata={"deep": value}),
        lambda: t.configure(deep=value),
        lambda: t.configure(tools=value),
        lambda: t.configure(model=value),
        lambda: t.edit(ids(t)[0], value),
    ]

    for verb in verbs:
        with pytest.raises(ContentError):
            verb()
    assert len(t.log()) == 1


def test_deep_values_are_kept(t: Tract, another: Another) -> None:
    """Nesting as deep as anybody has it comes back, also to a reader that is deep in calls itself."""
    message = {"role": "user", "content": "x", "deep": nested(90)}
    t.append(message, metadata={"deep": nested(90)})
    t.configure(deep=nested(90))
    other = another()

    def read_from(depth: int) -> Json:
        return read_from(depth - 1) if depth else other.compile().to_openai()[0]

    assert read_from(500) == message


def test_ids_of_live_messages_follow_from_their_operation(t: Tract) -> None:
    """What is said live has the id of its operation and its place in it; equal words are two messages."""
    commit = t.append([say("user", "same"), say("user", "same")])

    operation_id = t._repo.store.moves("heads/main", limit=1)[0].operation.id
    assert list(commit.message_ids) == [sha("live", operation_id, 0), sha("live", operation_id, 1)]
    assert t.user("same").message_id not in commit.message_ids


def test_the_id_of_a_result_follows_from_its_call(t: Tract) -> None:
    """Two branches that answer one call meet in one message id."""
    asked = t.append(asking("c1")).message_id
    t.branch("side")

    ours = t.tool("yes", tool_call_id="c1").message_id
    t.switch("side")
    theirs = t.tool("no", tool_call_id="c1").message_id

    assert ours == theirs == sha("result", asked, "c1")


def test_ids_of_imports_follow_from_the_conversation(t: Tract) -> None:
    """An imported message's id is made of the id before it and its content with sorted keys."""
    report = t.import_messages([{"role": "user", "content": "é"}, {"content": "b", "role": "assistant"}])

    first = sha("imported", None, {"content": "é", "role": "user"})
    assert list(report.message_ids) == [first, sha("imported", first, {"content": "b", "role": "assistant"})]


def test_a_commits_id_covers_what_it_means(t: Tract) -> None:
    """The bytes of a commit are compact JSON with sorted keys, and its id is their hash."""
    t.user("Hi")
    commit = t.user("é", message="m", metadata={"b": 1, "a": [None]})

    body = {
        "changes": [
            {"blob": commit.changes[0].message.blob_id, "do": "append", "id": commit.message_id, "role": "user"}  # type: ignore[union-attr]
        ],
        "parents": list(commit.parents),
        "time": int(commit.created_at.timestamp()) * 1_000_000,
        "message": "m",
        "author": "Ada",
        "metadata": {"b": 1, "a": [None]},
    }
    payload = json.dumps(body, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
    assert commit.id == hashlib.sha256(b"commit\0" + payload).hexdigest()


def test_an_edit_changes_one_message_and_keeps_its_id(t: Tract) -> None:
    """An edit gives other words, keeps every other field, and leaves the past as it was."""
    said = t.append({"role": "user", "content": "befor", "name": "ada", "x": 1})
    t.assistant("ok")

    commit = t.edit(ids(t)[0], "before")

    assert commit.message_ids == ()
    assert t.compile().to_openai()[0] == {"role": "user", "content": "before", "name": "ada", "x": 1}
    assert ids(t)[0] == said.message_id
    assert texts(t, said.id) == ["befor"]


def test_an_edit_may_replace_the_whole_message(t: Tract) -> None:
    """A dict with a role, or a `Message`, stands for all the fields."""
    message_id = str(t.append({"role": "user", "content": "a", "x": 1}).message_id)

    t.edit(message_id, {"role": "user", "content": "b"})
    assert t.compile().to_openai() == [say("user", "b")]

    t.edit(message_id, Message(role="user", content="c", name="ada"))
    assert t.compile().to_openai() == [{"role": "user", "content": "c", "name": "ada"}]


def test_words_beside_calls_can_be_edited(t: Tract) -> None:
    """An assistant message keeps its calls when its words change, and may lose its words."""
    t.append(asking("c1"))

    t.edit(ids(t)[0], "I look.")
    t.edit(ids(t)[0], None)

    assert t.compile().to_openai() == [asking("c1")]


@pytest.mark.parametrize(
    ("place", "content"),
    [
        (0, None),
        (0, 5),
        (0, {"role": "assistant", "content": "x"}),
        (0, {"content": "no role"}),
        (0, {"role": "user", "content": "x", "tract": {}}),
        (1, {"role": "assistant", "content": "no calls"}),
        (1, asking("c2")),
        (1, asking("c1", "c2")),
        (2, answering("c2")),
        (2, {"role": "tool", "content": "x"}),
    ],
)
def test_an_edit_keeps_role_and_calls(t: Tract, place: int, content: object) -> None:
    """An edit that would change who speaks, what is called or what is answered is refused."""
    t.append([say("user", "x"), asking("c1"), answering("c1")])
    head = t.head_id

    with pytest.raises(ContentError):
        t.edit(ids(t)[place], content)

    assert t.head_id == head


def test_changes_of_nothing_make_no_commit(t: Tract) -> None:
    """What changes nothing returns the tip: the same words, the same mark, the same setting, no messages."""
    t.append([say("user", "a"), asking("c1"), answering("c1")])
    t.configure(model="m")
    t.pin(ids(t)[1])
    tip = t.skip(ids(t)[0])
    hidden, call_, result = (entry.message_id for entry in t._repo.caches.contexts.newest()[0].entries)

    returned = [
        t.skip(hidden),
        t.mark(hidden, "skipped"),
        t.edit(hidden, "a"),
        t.edit(hidden, {"content": "a", "role": "user"}) if False else tip,
        t.pin(call_),
        t.pin(result),
        t.unskip(call_),
        t.unpin(hidden),
        t.configure(model="m"),
        t.configure(never=None),
        t.append([]),
    ]

    assert {commit.id for commit in returned} == {tip.id}
    assert t.head_id == tip.id


def test_a_setting_of_another_kind_is_another_setting(t: Tract) -> None:
    """1, 1.0 and true are equal to Python, and three values to JSON."""
    values: list[Any] = [1, True, 1.0, [0], [False], 0, 0.0]

    for value in values:
        t.configure(x=value)

    assert [repr(commit.changes[0].settings["x"]) for commit in reversed(t.log())] == [repr(value) for value in values]  # type: ignore[union-attr]
    assert repr(t.diff("HEAD~5", "HEAD~4").configured) == "{'x': (True, 1.0)}"


def test_unskip_and_unpin_undo_only_their_own(t: Tract) -> None:
    """They set `normal`, and do nothing to another mark."""
    message_id = str(t.user("x").message_id)

    t.mark(message_id, "important")
    t.unskip(message_id)
    t.unpin(message_id)
    assert [mark.after for mark in t.diff("HEAD~1").marked] == ["important"]

    t.pin(message_id)
    t.unpin(message_id)
    assert [(mark.before, mark.after) for mark in t.diff("HEAD~1").marked] == [("pinned", "normal")]


@pytest.mark.parametrize("member", [1, 2, 3])
@pytest.mark.parametrize("to", [mark for mark in MARKS if mark != "normal"])
def test_a_mark_holds_for_the_exchange(t: Tract, member: int, to: Any) -> None:
    """A mark on any member of an exchange is the assistant message's, and holds for all of it."""
    t.append([say("user", "x"), asking("c1", "c2"), answering("c1"), answering("c2"), say("assistant", "y")])
    everything = ids(t)

    t.mark(everything[member], to)

    assert [mark.message_id for mark in t.diff().marked] == [everything[1]]
    assert ids(t) == ([everything[0], everything[4]] if to == "skipped" else everything)


def test_a_mark_holds_for_later_results(t: Tract) -> None:
    """A result that comes to a skipped call is hidden with it, and shown with it."""
    asked = str(t.append(asking("c1")).message_id)
    t.skip(asked)
    t.user("go on")

    t.tool("late", tool_call_id="c1")
    assert texts(t) == ["go on"]
    assert t.status().message_count == 1

    t.unskip(asked)
    assert texts(t) == ["", "late", "go on"]


def test_showing_a_call_without_its_result_again_is_refused(t: Tract) -> None:
    """A call that has no result stays hidden while something stands behind it."""
    asked = str(t.append(asking("c1")).message_id)
    t.skip(asked)
    t.user("go on")

    with pytest.raises(ContentError, match="result"):
        t.unskip(asked)

    assert texts(t) == ["go on"]


def test_only_results_follow_an_open_call(t: Tract) -> None:
    """Anything but a result behind an open call is an error, live and in a list."""
    t.append([say("user", "x"), asking("c1", "c2")])
    head = t.head_id

    for refused in (say("user", "y"), [answering("c1"), say("user", "y")], asking("c3"), answering("c3")):
        with pytest.raises(ContentError):
            t.append(refused)

    assert t.head_id == head
    t.append([answering("c2"), answering("c1"), say("user", "y")])
    assert len(ids(t)) == 5


def test_a_result_without_a_call_is_refused(t: Tract) -> None:
    """A result answers an open call, once."""
    with pytest.raises(ContentError, match="c1"):
        t.tool("x", tool_call_id="c1")
    t.append([asking("c1"), answering("c1")])

    with pytest.raises(ContentError, match="c1"):
        t.tool("x", tool_call_id="c1")


def test_call_ids_may_repeat(t: Tract) -> None:
    """Each result answers the nearest earlier open call of its id, within one message too."""
    t.append([asking("c", "c"), answering("c", "1"), answering("c", "2"), asking("c"), answering("c", "3")])

    assert texts(t) == ["", "1", "2", "", "3"]
    assert len(set(ids(t))) == 5


def test_a_result_answers_the_nearest_open_call(t: Tract) -> None:
    """Of two hidden open calls of one id the later is answered first."""
    for count in range(2):
        t.skip(str(t.append(asking("c")).message_id))
        t.user(f"go on {count}")

    results = [t.tool(text, tool_call_id="c") for text in ("first", "second")]

    asked = [entry.message_id for entry in t._repo.caches.contexts.newest()[0].entries if entry.calls]
    assert [commit.changes[0].message.answers for commit in results] == asked[::-1]  # type: ignore[union-attr]


def test_message_ids_may_be_shortened(t: Tract) -> None:
    """A prefix of four characters names a message if no other begins so."""
    message_id = str(t.user("x").message_id)

    t.edit(message_id[:4], "y")
    t.pin(message_id[:63])

    assert texts(t) == ["y"]


def test_a_prefix_that_several_share_is_refused(t: Tract) -> None:
    """An error names the candidates; an id in full, one too short and an unknown one are told apart."""
    t.append([say("user", str(number)) for number in range(2000)])
    by_prefix: dict[str, list[str]] = {}
    for message_id in ids(t):
        by_prefix.setdefault(message_id[:4], []).append(message_id)
    prefix, shared = max(by_prefix.items(), key=lambda item: len(item[1]))
    assert len(shared) > 1

    with pytest.raises(MessageNotFoundError, match="several") as error:
        t.pin(prefix)

    assert sorted(error.value.candidates) == sorted(shared)
    t.pin(shared[0])


@pytest.mark.parametrize("message_id", ["", "abc", "f" * 64, "f" * 65, "%", "no such message", None, 5, b"x", ["x"]])
def test_unknown_messages_are_errors(t: Tract, message_id: Any) -> None:
    """Every verb that names a message says that there is none."""
    t.user("x")
    head = t.head_id

    for verb in (lambda: t.edit(message_id, "y"), lambda: t.pin(message_id), lambda: t.history(message_id)):
        with pytest.raises(MessageNotFoundError):
            verb()

    assert t.head_id == head


def test_settings_are_any_json(t: Tract, another: Another) -> None:
    """Configuration is set, changed, unset by None, and compiled into `config`."""
    t.configure(model="gpt-4o", temperature=0, tools=[{"type": "function"}], deep={"a": [None, 1.5]})
    t.configure(temperature=1, deep=None)

    expected = {"model": "gpt-4o", "temperature": 1, "tools": [{"type": "function"}]}
    assert t.compile().config == another().compile().config == expected


def test_any_key_can_be_set(t: Tract) -> None:
    """Keys that by name would be notes, or no name at all, go in a mapping; what is given by name goes before it."""
    t.configure({"message": "x", "author": 1, "metadata": {"user": "u"}, "a b": 2, "top_p": 1}, top_p=0.5)
    t.configure({"message": None})

    assert t.compile().config == {"author": 1, "metadata": {"user": "u"}, "a b": 2, "top_p": 0.5}
    assert (t.log()[0].author, t.log()[0].metadata) == ("Ada", {})


@pytest.mark.parametrize("settings", [None, 5, "ab", [("a", 1)], {1: 2}], ids=str)
def test_settings_that_are_no_mapping_are_refused(t: Tract, settings: Any) -> None:
    """Settings are a mapping from text, and nothing is written otherwise."""
    with pytest.raises(ContentError):
        t.configure(settings)

    assert t.head_id is None


@pytest.mark.parametrize(
    "settings",
    [
        {"model": 5},
        {"budget": 0},
        {"budget": -5},
        {"budget": 1.5},
        {"budget": True},
        {"budget": "many"},
        {"tools": {}},
        {"tools": "x"},
        {"tools": ["x"]},
        {"x": {1, 2}},
        {"x": float("nan")},
        {"x": (1,)},
        {"": 1},
    ],
    ids=str,
)
def test_settings_that_mean_nothing_are_refused(t: Tract, settings: Json) -> None:
    """Keys that tract reads must hold what it can use, and every value is JSON."""
    t.user("x")

    with pytest.raises(ContentError):
        t.configure(**settings)

    assert t.compile().config == {}


@pytest.mark.parametrize(
    "notes",
    [{"message": 5}, {"author": 5}, {"metadata": 5}, {"metadata": [1]}, {"metadata": {1: 1}}, {"metadata": {"x": {1}}}],
    ids=str,
)
def test_notes_that_are_no_notes_are_refused(t: Tract, notes: Json) -> None:
    """Message and author are text and metadata is JSON, with every verb, and nothing is written otherwise."""
    t.user("x")
    head = t.head_id

    for verb in (
        lambda: t.user("y", **notes),
        lambda: t.edit(ids(t)[0], "y", **notes),
        lambda: t.pin(ids(t)[0], **notes),
        lambda: t.configure(top_p=1, **notes),
        lambda: t.import_messages([say("user", "y")], **notes),
    ):
        with pytest.raises(ContentError):
            verb()
    with pytest.raises(ContentError), t.batch(**notes):
        t.user("y")

    assert t.head_id == head
    t.user("z")


def test_a_closed_tract_says_so(t: Tract) -> None:
    """Closing twice is harmless, and any verb afterwards is an error of tract's."""
    t.user("x")
    t.close()
    t.close()

    for verb in (lambda: t.user("y"), lambda: t.compile(), lambda: t.head_id, lambda: t.log()):
        with pytest.raises(TraceError, match="closed"):
            verb()
