"""Properties of formats: what comes in goes out, and whatever goes out is valid."""

import copy
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from formats_strategies import anthropic_requests, openai_units, words
from formats_support import compile_fields, faults_for_anthropic, faults_for_openai
from tract.formats.conversations import read_conversations
from tract.formats.export import render_export

Json = dict[str, Any]
moderate = settings(max_examples=60, deadline=None)


def _fields(value: Any, **options: Any) -> list[Json]:
    (conversation,) = read_conversations(value, **options)
    return [message.fields for message in conversation.messages]


@moderate
@given(openai_units())
def test_openai_messages_come_back_equal_to_the_letter(units: list[list[Json]]) -> None:
    """What OpenAI takes is kept as given: every field, every value, in its order."""
    messages = [message for unit in units for message in unit]

    compiled = compile_fields(_fields(json.dumps(messages), format="openai"))

    assert json.dumps(compiled.to_openai()) == json.dumps(messages)
    assert json.dumps(compiled.to_dicts()) == json.dumps(messages)


@moderate
@given(anthropic_requests())
def test_anthropic_requests_come_back_equal(request: Json) -> None:
    """What Anthropic takes goes out to it as it came in."""
    assert faults_for_anthropic(request) == []

    compiled = compile_fields(_fields(json.dumps(request), format="anthropic"))

    assert compiled.to_anthropic() == request
    assert json.dumps(compiled.to_anthropic(), sort_keys=True) == json.dumps(request, sort_keys=True)


@moderate
@given(anthropic_requests())
def test_anthropic_requests_are_valid_for_openai(request: Json) -> None:
    """What came from Anthropic is kept as messages that OpenAI takes, with no field it doesn't know."""
    compiled = compile_fields(_fields(request, format="anthropic"))

    messages = compiled.to_openai()

    assert faults_for_openai(messages) == []
    assert {key for message in messages for key in message} <= {"role", "content", "tool_calls", "tool_call_id"}


@moderate
@given(openai_units())
def test_openai_messages_are_valid_for_anthropic(units: list[list[Json]]) -> None:
    """Whatever OpenAI takes is rendered so that Anthropic takes it."""
    messages = [message for unit in units for message in unit]

    request = compile_fields(messages).to_anthropic()

    assert faults_for_anthropic(request) == []


@moderate
@given(openai_units())
def test_messages_that_are_added_change_no_message_before_them(units: list[list[Json]]) -> None:
    """A context's messages for Anthropic start with those of the context it grew from: prompt caches live on this."""
    messages = [message for unit in units for message in unit]
    leading = next((at for at, unit in enumerate(units) if unit[0]["role"] not in ("system", "developer")), len(units))

    whole = compile_fields(messages).to_anthropic()["messages"]

    for end in range(leading, len(units) + 1):
        before = [message for unit in units[:end] for message in unit]
        rendered = compile_fields(before).to_anthropic()["messages"]
        assert whole[: len(rendered)] == rendered


@moderate
@given(anthropic_requests(), st.data())
def test_an_edited_message_is_rendered_anew_and_the_request_stays_valid(request: Json, data: st.DataObject) -> None:
    """An edit of what came from Anthropic shows, and leaves a valid request."""
    fields = _fields(request, format="anthropic")
    at = data.draw(st.integers(0, len(fields) - 1))
    text = data.draw(words)
    edited = [*fields[:at], {**fields[at], "content": text}, *fields[at + 1 :]]

    rendered = compile_fields(edited).to_anthropic()

    assert faults_for_anthropic(rendered) == []
    assert json.dumps(text) in json.dumps(rendered)


@moderate
@given(anthropic_requests(), anthropic_requests())
def test_joined_conversations_with_the_same_call_ids_are_valid(one: Json, other: Json) -> None:
    """Call ids that two conversations share, as after a merge, are made unique, and results follow them."""
    fields = [*_fields(one, format="anthropic"), *_fields(other, format="anthropic")]

    rendered = compile_fields(fields).to_anthropic()

    assert faults_for_anthropic(rendered) == []


@moderate
@given(openai_units() | anthropic_requests())
def test_what_is_handed_out_is_the_callers_own(source: Any) -> None:
    """Nothing a caller does to what it was handed changes the compiled context."""
    messages = _fields(source) if isinstance(source, dict) else [message for unit in source for message in unit]
    compiled = compile_fields(messages, config={"tools": [{"a": 1}]})
    before = copy.deepcopy((compiled.to_openai(), compiled.to_anthropic(), compiled.to_dicts(), compiled.config))

    for handed_out in (compiled.to_openai(), compiled.to_anthropic(), compiled.to_dicts(), compiled.config):
        _spoil(handed_out)
    for message in compiled.messages:
        _spoil(message.content)

    assert (compiled.to_openai(), compiled.to_anthropic(), compiled.to_dicts(), compiled.config) == before


def _spoil(value: Any) -> None:
    """Change every list and object that a value holds."""
    if isinstance(value, dict):
        for inner in list(value.values()):
            _spoil(inner)
        value["spoilt"] = True
    elif isinstance(value, list):
        for inner in list(value):
            _spoil(inner)
        value.append("spoilt")


@moderate
@given(openai_units())
def test_an_export_is_read_again_as_the_same_messages(units: list[list[Json]]) -> None:
    """An export in OpenAI's shape imports as the messages that it was made from."""
    messages = [message for unit in units for message in unit] or [{"role": "user", "content": ""}]
    compiled = compile_fields(messages)

    for name in ("openai", "openai-jsonl"):
        assert _fields(render_export(compiled, name).encode(), format="openai") == messages


@moderate
@given(anthropic_requests())
def test_an_export_for_anthropic_is_the_request_that_came_in(request: Json) -> None:
    """An export in Anthropic's shape holds what was imported in it."""
    compiled = compile_fields(_fields(request, format="anthropic"))

    exported = render_export(compiled, "anthropic")

    assert json.loads(exported) == request
