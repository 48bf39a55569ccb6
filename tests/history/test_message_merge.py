"""The three-way merge of one message's fields."""

from typing import Any

import pytest

from tract.exceptions import ContentError
from tract.history.message_merge import merge_message, same_json, with_fields, with_text


def user(content: Any, **fields: Any) -> dict[str, Any]:
    """Return a user message."""
    return {"role": "user", "content": content, **fields}


def part(words: str, **fields: Any) -> dict[str, Any]:
    """Return a part that is text."""
    return {"type": "text", "text": words, **fields}


def merged(base: dict[str, Any], ours: dict[str, Any], theirs: dict[str, Any]) -> dict[str, Any] | None:
    """Return the fields of the merged message, or None."""
    blob = merge_message(base, ours, theirs)
    return None if blob is None else blob.fields


def test_fields_merge_by_key() -> None:
    """Each side's change of its own key stands, keys that a side removed go, keys that it added come."""
    base = user("text", name="n", gone=1, deep={"a": 1, "b": 1})

    found = merged(
        base,
        user("text", name="m", deep={"a": 2, "b": 1}),
        user("text", name="n", gone=1, deep={"a": 1, "b": 2}, new=0),
    )

    assert found == user("text", name="m", deep={"a": 2, "b": 2}, new=0)


def test_one_key_with_two_values_is_a_conflict() -> None:
    """A number changed in two ways, or changed here and removed there, does not merge."""
    base = user("text", size=1)

    assert merged(base, user("text", size=2), user("text", size=3)) is None
    assert merged(base, user("text", size=2), user("text")) is None


def test_parts_merge_one_by_one() -> None:
    """Edits of different parts merge, and so does an edit with a part that came in behind."""
    base = user([part("a"), part("b")])

    assert merged(base, user([part("x"), part("b")]), user([part("a"), part("y")])) == user([part("x"), part("y")])
    assert merged(base, user([part("a"), part("x")]), user([part("a"), part("b"), part("c")])) == user(
        [part("a"), part("x"), part("c")]
    )


def test_one_part_with_two_texts_is_a_conflict() -> None:
    """The same part edited twice, or two parts put at one place, do not merge."""
    base = user([part("a")])

    assert merged(base, user([part("x")]), user([part("y")])) is None
    assert merged(base, user([part("a"), part("x")]), user([part("a"), part("y")])) is None


def test_text_and_parts_of_one_part_merge() -> None:
    """Different lines of one part, and its other keys, merge."""
    base = user([part("1\n2\n3\n", cache=False)])

    found = merged(base, user([part("x\n2\n3\n", cache=True)]), user([part("1\n2\ny\n", cache=False)]))

    assert found == user([part("x\n2\ny\n", cache=True)])


def test_text_that_is_json_is_text() -> None:
    """Two keys of a JSON text on one line are one line, which conflicts."""
    base, ours, theirs = '{"a": 1, "b": 1}', '{"a": 2, "b": 1}', '{"a": 1, "b": 2}'

    assert merged(user(base), user(ours), user(theirs)) is None


def test_content_that_changed_its_kind_is_a_conflict() -> None:
    """Text against parts cannot be joined."""
    assert merged(user("a"), user([part("a")]), user("b")) is None


def test_what_a_provider_sent_is_not_merged() -> None:
    """The private copy of a provider's message is of neither side once both changed."""
    base = user("1\n2\n3\n", tract={"source": "x"})

    assert merged(base, user("x\n2\n3\n", tract={"source": "y"}), user("1\n2\ny\n")) == user("x\n2\ny\n")


def test_a_merge_keeps_the_calls() -> None:
    """A merge that would make other calls than ours is a conflict."""

    def asks(*ids: str) -> dict[str, Any]:
        return {"role": "assistant", "content": "t", "tool_calls": [{"id": item} for item in ids]}

    assert merged(asks("a"), {**asks("a"), "content": "u"}, asks("b")) is None


def test_without_a_base_only_equal_messages_merge() -> None:
    """Two messages that were never the same conflict, unless a side is favoured."""
    assert merge_message(None, user("a"), user("b")) is None
    favoured = merge_message(None, user("a"), user("b"), favour="ours")
    assert favoured is not None
    assert favoured.fields == user("a")


def test_union_joins_texts_and_nothing_else() -> None:
    """Our lines before theirs in what is read; names are no text."""
    joined = merge_message(user("m"), user("x"), user("y"), favour="union")

    assert joined is not None
    assert joined.fields == user("x\ny")
    assert merge_message(user("m", name="n"), user("x", name="a"), user("y", name="b"), favour="union") is None


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("old", "new"),
        (None, "new"),
        ([part("old"), {"type": "image"}, part("more")], [part("new"), {"type": "image"}]),
        ([{"type": "image"}], [part("new"), {"type": "image"}]),
    ],
)
def test_another_text_leaves_other_parts_alone(content: Any, expected: Any) -> None:
    """A new text takes the place of the readable one; what is no text stays."""
    assert with_text({"role": "assistant", "content": content}, "new")["content"] == expected


def test_another_text_replaces_a_refusal() -> None:
    """A message that only refused says the new text instead."""
    assert with_text({"role": "assistant", "content": None, "refusal": "no"}, "new") == {
        "role": "assistant",
        "content": "new",
    }


def test_another_message_keeps_role_and_calls() -> None:
    """Role, calls and the call answered stay; other calls are refused."""
    asked = {"role": "assistant", "content": None, "tool_calls": [{"id": "k"}]}
    result = {"role": "tool", "content": "r", "tool_call_id": "k"}

    assert with_fields(asked, {"content": "t"}) == {**asked, "content": "t"}
    assert with_fields(result, {"role": "user", "content": "t", "tool_call_id": "z"}) == {**result, "content": "t"}
    with pytest.raises(ContentError):
        with_fields(asked, {"content": "t", "tool_calls": [{"id": "z"}]})


def test_json_values_are_compared_as_json() -> None:
    """One, one point nought and true are three values; the order of keys is none."""
    assert not same_json(1, True)
    assert not same_json([1], [1.0])
    assert same_json({"a": 1, "b": [2]}, {"b": [2], "a": 1})
