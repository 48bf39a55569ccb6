"""The compiled context as a value: what it holds, and that nobody can change it."""

import pickle
from typing import Any

import pytest

from formats_support import compile_fields
from tract.exceptions import ImportFormatError
from tract.formats.compiled import CompiledContext
from tract.formats.export import render_export
from tract.model.context import GrowingList
from tract.model.messages import PRIVATE_KEY, Message

HELLO: list[dict[str, Any]] = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": [{"type": "text", "text": "Hi"}], "name": "ann"},
]


def test_messages_ids_and_counts_are_parallel() -> None:
    """Each message stands at the same place as its id and its tokens."""
    compiled = compile_fields(HELLO, message_ids=["a", "b"], token_counts=[4, 6], token_count=13)

    assert [message.text for message in compiled.messages] == ["Be brief.", "Hi"]
    assert list(compiled.message_ids) == ["a", "b"]
    assert list(compiled.token_counts) == [4, 6]
    assert (compiled.token_count, compiled.tokens_exact, len(compiled)) == (13, True, 2)


def test_messages_read_as_a_sequence_of_values() -> None:
    """Messages are indexed, sliced, compared and searched as any sequence's."""
    messages = compile_fields(HELLO).messages

    assert messages[-1] == Message(**HELLO[1])
    assert list(messages[:1]) == [Message(**HELLO[0])]
    assert messages == [Message(**fields) for fields in HELLO]
    assert Message(**HELLO[0]) in messages
    with pytest.raises(IndexError):
        messages[2]


def test_private_fields_never_go_out() -> None:
    """What tract keeps beside a message is in none of the shapes."""
    fields = [{**HELLO[0], PRIVATE_KEY: {"anthropic": {"system": [{"type": "text", "text": "Other."}]}}}]
    compiled = compile_fields(fields)

    handed_out = [compiled.to_openai(), compiled.to_dicts(), compiled.to_anthropic(), list(compiled.messages)]

    assert all(PRIVATE_KEY not in str(value) for value in handed_out)
    assert compiled.to_anthropic()["system"] == "Be brief."


def test_later_changes_of_lists_that_were_given_do_not_show() -> None:
    """Ids and counts are taken when the context is made; a shared growing list is not copied for it."""
    ids, counts = ["a", "b"], GrowingList([4, 6])
    compiled = compile_fields(HELLO, message_ids=ids, token_counts=counts)

    ids.append("c")

    assert list(compiled.message_ids) == ["a", "b"]
    assert compiled.token_counts is counts


def test_attributes_cannot_be_set() -> None:
    """A compiled context is a value."""
    compiled: Any = compile_fields(HELLO)

    with pytest.raises(AttributeError):
        compiled.token_count = 1
    with pytest.raises(AttributeError):
        compiled.other = 1


def test_equal_contexts_are_equal_and_hash_alike() -> None:
    """Two contexts with the same facts are one value; pickling gives it back."""
    one, same, other = compile_fields(HELLO), compile_fields(tuple(HELLO)), compile_fields(HELLO[:1])

    assert one == same
    assert hash(one) == hash(same)
    assert one != other
    assert pickle.loads(pickle.dumps(one)) == one


def test_an_empty_context_renders_to_nothing() -> None:
    """Without messages there is nothing in any shape, and no system."""
    compiled = compile_fields([], commit_id=None)

    assert compiled.to_openai() == []
    assert compiled.to_anthropic() == {"messages": []}
    assert compiled.to_anthropic()["system"] is None
    assert list(compiled.messages) == []


def test_a_request_has_no_other_keys_to_read() -> None:
    """Only `system` may be read where it is missing."""
    with pytest.raises(KeyError):
        compile_fields([]).to_anthropic()["tools"]


def test_deep_values_are_copied_however_deep() -> None:
    """Nesting beyond Python's stack is handed out like any other value."""
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]

    (message,) = compile_fields([{"role": "user", "content": "x", "extra": deep}]).to_openai()

    assert message["extra"] is not deep
    while message["extra"]:
        message["extra"] = message["extra"][0]
    while deep:
        deep = deep[0]


def test_the_repr_says_what_it_is_in_one_line() -> None:
    """A debugger shows sizes, not a whole conversation."""
    assert repr(compile_fields(HELLO, tokens_exact=False)) == (
        "<CompiledContext of cccccccccccc: 2 messages, 13 tokens (estimated)>"
    )
    assert isinstance(compile_fields(HELLO), CompiledContext)


def test_an_export_escapes_lone_surrogates() -> None:
    """A file in UTF-8 can hold every message."""
    exported = render_export(compile_fields([{"role": "user", "content": "a\ud800é"}]), "openai-jsonl")

    assert exported.encode() == '{"role": "user", "content": "a\\ud800é"}\n'.encode()


def test_an_unknown_export_format_is_refused() -> None:
    """The error names the formats there are."""
    with pytest.raises(ImportFormatError, match="openai, openai-jsonl, anthropic, not 'xml'"):
        render_export(compile_fields(HELLO), "xml")
