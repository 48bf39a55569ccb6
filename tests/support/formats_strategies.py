"""Generated conversations that OpenAI or Anthropic would take."""

import json
from typing import Any

from hypothesis import strategies as st

Json = dict[str, Any]

# Surrogates are no text that a provider takes; they have tests of their own.
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
words = texts.filter(lambda text: bool(text.strip()))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
json_objects = st.dictionaries(texts, json_values, max_size=3)
call_ids = st.sampled_from(["call_1", "call_2", "call_1_2", "functions.f:0", "", "ü", "a b"])
_PNG = "data:image/png;base64,iVBORw0KGgo="

_text_parts = texts.map(lambda text: {"type": "text", "text": text})
_user_parts = _text_parts | st.sampled_from(
    [
        {"type": "image_url", "image_url": {"url": _PNG}},
        {"type": "image_url", "image_url": {"url": "https://example.org/a.png", "detail": "low"}},
        {"type": "image_url", "image_url": {"url": "data:image/svg+xml;base64,AA=="}},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AA=="}},
        {"type": "file", "file": {"file_id": "file-1"}},
        {"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}},
    ]
)
_arguments = (
    json_objects.map(json.dumps)
    | json_values.map(json.dumps)
    | st.sampled_from(["", "{", '{"a": NaN}', '{"a": 1e999}', "[" * 5000, "null", '{"a": ' + "9" * 5000 + "}"])
)


def _of_role(role: str, parts: Any) -> Any:
    content = texts | st.lists(parts, min_size=1, max_size=3)
    return st.builds(lambda content, extra: {"role": role, "content": content, **extra}, content, _extra_fields)


_extra_fields = st.dictionaries(st.sampled_from(["name", "reasoning_content", "x_note"]), words, max_size=2)
_plain = (
    _of_role("user", _user_parts)
    | _of_role("assistant", _text_parts | texts.map(lambda text: {"type": "refusal", "refusal": text}))
    | _of_role("system", _text_parts)
    | _of_role("developer", _text_parts)
    | words.map(lambda text: {"role": "assistant", "content": None, "refusal": text})
)


@st.composite
def _calls(draw: st.DrawFn) -> list[Json]:
    """An assistant's calls; ids may repeat, within the message too."""
    kinds = st.builds(
        lambda call_id, name, arguments: {
            "id": call_id,
            "type": "function",
            "function": {"name": name, "arguments": arguments},
        },
        call_ids,
        st.sampled_from(["f", "get.weather", "", "x" * 80]),
        _arguments,
    ) | st.builds(
        lambda call_id, given: {"id": call_id, "type": "custom", "custom": {"name": "shell", "input": given}},
        call_ids,
        texts,
    )
    return draw(st.lists(kinds, min_size=1, max_size=3))


@st.composite
def _exchange(draw: st.DrawFn, *, answered: bool = True) -> list[Json]:
    calls = draw(_calls())
    content = draw(st.none() | texts)
    asked = {"role": "assistant", "content": content, "tool_calls": calls}
    ids = draw(st.permutations([str(call["id"]) for call in calls])) if answered else []
    results = texts | st.lists(_text_parts, min_size=1, max_size=2)
    return [asked, *({"role": "tool", "tool_call_id": call_id, "content": draw(results)} for call_id in ids)]


@st.composite
def openai_units(draw: st.DrawFn) -> list[list[Json]]:
    """Messages as OpenAI takes them, in units that stay together: each a message, or a call and its results."""
    units = draw(st.lists(_plain.map(lambda message: [message]) | _exchange(), max_size=6))
    return [*units, *draw(st.lists(_exchange(answered=False), max_size=1))]


_image_blocks = st.sampled_from(
    [
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}},
        {"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}},
    ]
)
_text_blocks = st.builds(
    lambda text, extra: {"type": "text", "text": text, **extra},
    words,
    st.sampled_from([{}, {}, {"cache_control": {"type": "ephemeral"}}]),
)
_documents = st.sampled_from(
    [
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "words"}, "title": "t"},
        {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "AA=="}},
        {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "inner"}]}},
        {"type": "search_result", "source": "https://e.org", "title": "t", "content": [{"type": "text", "text": "s"}]},
    ]
)
_thinking = st.sampled_from(
    [
        {"type": "thinking", "thinking": "hm", "signature": "c2ln"},
        {"type": "redacted_thinking", "data": "eA=="},
        {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "q"}},
    ]
)


@st.composite
def anthropic_requests(draw: st.DrawFn) -> Json:
    """A request that Anthropic takes, calls answered in the next message, neighbours of one role allowed."""
    messages: list[Json] = [{"role": "user", "content": draw(words | _user_blocks)}]
    count = 0
    for _ in range(draw(st.integers(0, 4))):
        said = draw(st.lists(_thinking | _text_blocks, max_size=2))
        calls = draw(st.integers(0, 2))
        ids = [f"toolu_{count + number}" for number in range(calls)]
        count += calls
        uses = [{"type": "tool_use", "id": used, "name": "f", "input": draw(json_objects)} for used in ids]
        if draw(st.booleans()) and not uses:
            messages.append({"role": "assistant", "content": draw(words)})
        elif said or uses:
            messages.append({"role": "assistant", "content": [*said, *uses]})
        if draw(st.booleans()) or ids:
            messages.append(draw(_user_turn(ids)))
    system = draw(st.none() | words | st.lists(_text_blocks, min_size=1, max_size=2))
    return {"messages": messages} if system is None else {"system": system, "messages": messages}


_user_blocks = st.lists(_text_blocks | _image_blocks | _documents, min_size=1, max_size=3)


_result_extras: st.SearchStrategy[Json] = st.sampled_from(
    [{}, {"is_error": True}, {"cache_control": {"type": "ephemeral"}}]
)


@st.composite
def _user_turn(draw: st.DrawFn, ids: list[str]) -> Json:
    if not ids:
        return {"role": "user", "content": draw(words | _user_blocks)}
    contents = st.none() | texts | st.lists(_text_blocks | _image_blocks, max_size=2)
    results = []
    for answered in draw(st.permutations(ids)):
        content = draw(contents)
        error: Json = draw(_result_extras)
        result: Json = {"type": "tool_result", "tool_use_id": answered, **error}
        results.append(result if content is None else {**result, "content": content})
    return {"role": "user", "content": [*results, *draw(st.just([]) | _user_blocks)]}
