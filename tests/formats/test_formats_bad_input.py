"""Strings and JSON that break things: each is kept as it is, or refused with a clear error."""

import base64
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from formats_support import DATA, compile_fields, faults_for_anthropic, needs_data, read_lines
from tract.exceptions import ImportFormatError
from tract.formats.conversations import read_conversations
from tract.formats.export import render_export

CASES = DATA / "json_test_suite" / "cases.jsonl"


def _read(data: Any, format: str | None = None) -> list[dict[str, Any]] | None:
    """Return the fields of the first conversation, or None where it was refused."""
    try:
        conversations = read_conversations(data, format=format)
    except ImportFormatError:
        return None
    return [message.fields for message in conversations[0].messages]


@needs_data
def test_every_json_case_is_read_or_refused() -> None:
    """As a whole file no case crashes, and what is no JSON is never taken."""
    for case in read_lines(CASES):
        fields = _read(base64.b64decode(case["b64"]))

        assert fields is None or case["expect"] != "n", case["name"]


@needs_data
def test_every_json_case_inside_a_message_is_kept_or_refused() -> None:
    """As a field of a message, valid JSON comes back equal."""
    for case in read_lines(CASES):
        data = b'[{"role": "user", "content": "x", "extra": ' + base64.b64decode(case["b64"]) + b"}]"

        fields = _read(data)

        if case["expect"] == "y":
            assert fields == json.loads(data), case["name"]
            assert compile_fields(fields or []).to_openai() == fields


@needs_data
def test_every_json_case_as_the_arguments_of_a_call_is_valid_for_anthropic() -> None:
    """Whatever a model wrote as arguments, the request can be sent."""
    for case in read_lines(CASES):
        arguments = base64.b64decode(case["b64"]).decode("latin-1")
        call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": arguments}}
        fields: list[dict[str, Any]] = [
            {"role": "user", "content": "x"},
            {"role": "assistant", "content": None, "tool_calls": [call]},
        ]

        request = compile_fields(fields).to_anthropic()

        assert faults_for_anthropic(request) == [], case["name"]
        json.dumps(request, allow_nan=False)


@needs_data
def test_every_naughty_string_comes_back() -> None:
    """As content, name, id, field and key, a string is kept and exported as it is."""
    for text in json.loads((DATA / "naughty_strings" / "blns.json").read_text(encoding="utf-8")):
        call = {"id": text, "type": "function", "function": {"name": text, "arguments": text}}
        fields = [
            {"role": "user", "content": text, "name": text, text or "empty": text},
            {"role": "assistant", "content": text, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": text, "content": [{"type": "text", "text": text}]},
        ]
        compiled = compile_fields(fields)

        exported = render_export(compiled, "openai-jsonl")

        assert _read(exported.encode()) == fields
        assert faults_for_anthropic(compiled.to_anthropic()) == []


@needs_data
def test_every_naughty_string_is_refused_as_a_file() -> None:
    """None of them is a conversation; some are JSON, or names of Python's."""
    for text in json.loads((DATA / "naughty_strings" / "blns.json").read_text(encoding="utf-8")):
        assert _read(text) is None
        assert _read([{"role": text, "content": "x"}]) is None or text in ("user", "assistant")


def test_lone_surrogates_are_kept() -> None:
    """Half a character in a source is half a character in what is exported."""
    data = b'[{"role": "user", "content": "\\ud800"}]'

    fields = _read(data)

    assert fields == [{"role": "user", "content": "\ud800"}]
    assert _read(render_export(compile_fields(fields or []), "openai").encode()) == fields


def test_nesting_up_to_what_python_reads_is_read_or_refused() -> None:
    """Whatever the depth, the answer is a message or an error that can be caught."""
    for depth in range(100, 1100, 25):
        for opening, closing in (("[", "]"), ('{"a":', "}")):
            nested = opening * depth + "1" + closing * depth
            for place in ('"content": "x", "extra": %s', '"content": [{"type": "tool_use", "id": "a", "input": %s}]'):
                fields = _read('[{"role": "assistant", %s}]' % (place % nested))

                if fields is not None:
                    compiled = compile_fields(fields)
                    compiled.to_anthropic()
                    assert _read(render_export(compiled, "openai")) in (None, compiled.to_openai())


_KEYS = [
    *("role", "content", "messages", "type", "text", "id", "tool_use_id", "tool_calls", "tool_call_id", "system"),
    *("function_call", "tool_call_ids", "source", "input", "timestamp", "model", "title"),
]
_scraps = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["user", "tool", "f"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(_KEYS),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(_scraps, st.sampled_from([None, "openai", "anthropic"]))
def test_any_value_is_read_or_refused(value: Any, format: str | None) -> None:
    """No value of JSON leads to another error than the one that says so."""
    _read(value, format)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "role": st.sampled_from(["user", "assistant"]),
                "content": st.text(max_size=3) | st.lists(_scraps, max_size=3),
            }
        ),
        max_size=4,
    )
)
def test_what_was_read_from_anthropics_shape_can_be_compiled(value: Any) -> None:
    """Whatever passes as Anthropic's can be handed out in both shapes."""
    fields = _read(value, "anthropic")

    if fields is not None:
        compile_fields(fields).to_anthropic()
        compile_fields(fields).to_openai()
