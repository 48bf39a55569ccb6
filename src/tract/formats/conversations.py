"""Conversations read from other people's files: what OpenAI's and Anthropic's clients send, and runs that hold it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from tract.exceptions import ContentError, ImportFormatError
from tract.formats.anthropic_import import import_message, import_system
from tract.formats.json_text import parse_json_text
from tract.formats.runs import Run, describe, find_model, find_runs, find_time
from tract.model.encoding import decode
from tract.model.messages import PRIVATE_KEY, parse_message

Json = dict[str, Any]

FORMATS = ("openai", "anthropic")
"""The shapes of messages that can be read; each alone, under a key, one per line, or many runs at once."""

_OPENAI_ROLES = ("system", "developer", "tool", "function")
_ANTHROPIC_BLOCKS = frozenset(
    (
        "container_upload",
        "document",
        "image",
        "mcp_tool_result",
        "mcp_tool_use",
        "redacted_thinking",
        "search_result",
        "server_tool_use",
        "thinking",
        "tool_result",
        "tool_use",
        "web_search_tool_result",
    )
)


@dataclass(frozen=True, slots=True)
class SourceMessage:
    """A message as it comes in: OpenAI-shaped fields, and when and with which model its source says it was made."""

    fields: Json
    created_at: datetime | None = None
    model: str | None = None


@dataclass(frozen=True, slots=True)
class Conversation:
    """The messages of one conversation, the format they were in, and the name that their source gives it."""

    messages: tuple[SourceMessage, ...]
    format: str
    title: str | None = None


def read_conversations(
    data: bytes | str | Sequence[Any] | Mapping[str, Any], *, format: str | None = None
) -> list[Conversation]:
    """Return the conversations that a file's content, or a JSON value, holds; the format is found by looking.

    Every message is checked and its fields are kept as given, with three exceptions that no provider would take:
    a `function` message and its call become a tool message and a tool call, a tool message that names its call under
    `tool_call_ids` gets `tool_call_id` too, and what comes in Anthropic's shape is turned into OpenAI's, its original
    kept. The fields are the caller's own.

    Raises:
        ImportFormatError: it is no JSON, or holds no conversation, or a message is malformed; it says what and where.
    """
    if format is not None and format not in FORMATS:
        raise ImportFormatError(f"format must be one of {', '.join(FORMATS)}, not {format!r:.80}")
    value = parse_json_text(data) if isinstance(data, bytes | str) else data
    return [_read_run(run, format or _detect_format(run)) for run in find_runs(value)]


def _detect_format(run: Run) -> str:
    """Return the format that a run's messages are in; `openai` where both would do."""
    messages = [message for message in run.messages if isinstance(message, Mapping)]
    if any(message.get("role") in _OPENAI_ROLES or message.get("tool_calls") for message in messages):
        return "openai"
    if run.system and isinstance(run.system, str | list):
        return "anthropic"
    contents = [message.get("content") for message in messages]
    blocks = (block for content in contents if isinstance(content, list) for block in content)
    kinds = (block.get("type") for block in blocks if isinstance(block, Mapping))
    return "anthropic" if any(isinstance(kind, str) and kind in _ANTHROPIC_BLOCKS for kind in kinds) else "openai"


def _read_run(run: Run, format: str) -> Conversation:
    time = next((found for found in map(find_time, run.holders) if found is not None), None)
    model = next((found for found in map(find_model, run.holders) if found is not None), None)
    shaped = _from_anthropic(run) if format == "anthropic" else _from_openai(run)
    messages = [
        SourceMessage(fields, find_time(source) or time, find_model(source) or model) for source, fields in shaped
    ]
    return Conversation(tuple(messages), format, run.title)


def _from_openai(run: Run) -> list[tuple[Json, Json]]:
    """Return each message with the fields that it stands for."""
    found: list[tuple[Json, Json]] = []
    for number, message in enumerate(run.messages, 1):
        place = _at(run, f"message {number}")
        source = _check_source(message, place)
        if source.get("role") == "function":
            fields = _answer_function_call(source, found, place)
        elif source.get("role") == "tool" and "tool_call_id" not in source:
            fields = _name_call(source)
        else:
            fields = source
        found.extend((source, shaped) for shaped in _shape(place, partial(list, [fields])))
    return found


def _answer_function_call(source: Json, found: list[tuple[Json, Json]], place: str) -> Json:
    """Return a `function` message as a tool message, and make the call that it answers, right before it, a tool call.

    Such calls had no ids, so the place in the conversation gives one.
    """
    caller, fields = found[-1] if found else ({}, {})
    call = fields.get("function_call")
    if not isinstance(call, dict):
        raise ImportFormatError(f"{place}: a function message stands right behind the function_call that it answers")
    call_id = f"function_call_{len(found)}"
    kept = {key: value for key, value in fields.items() if key != "function_call"}
    found[-1] = (caller, {**kept, "tool_calls": [{"id": call_id, "type": "function", "function": call}]})
    return {**source, "role": "tool", "tool_call_id": call_id}


def _name_call(source: Json) -> Json:
    """Return a tool message with its `tool_call_id`, where it only has the list that some agents write."""
    named = source.get("tool_call_ids")
    return {**source, "tool_call_id": named[0]} if isinstance(named, list) and len(named) == 1 else source


def _from_anthropic(run: Run) -> list[tuple[Json, Json]]:
    """Return each message with each set of fields that it stands for."""
    found: list[tuple[Json, Json]] = [
        ({}, fields) for fields in _shape(_at(run, "system"), partial(import_system, run.system))
    ]
    places = [_at(run, f"message {number}") for number in range(1, len(run.messages) + 1)]
    sources = [_check_source(message, place) for message, place in zip(run.messages, places, strict=True)]
    holding = [False, *map(_holds_results, sources), False]
    for index, (source, place) in enumerate(zip(sources, places, strict=True)):
        convert = partial(import_message, source, beside_results=holding[index] or holding[index + 2])
        found.extend((source, fields) for fields in _shape(place, convert))
    return found


def _holds_results(message: Json) -> bool:
    content = message.get("content")
    return isinstance(content, list) and any(
        isinstance(block, dict) and block.get("type") == "tool_result" for block in content
    )


def _check_source(message: object, place: str) -> Json:
    if not isinstance(message, Mapping):
        raise ImportFormatError(f"{place}: a message is an object with a role, not {describe(message)}")
    if PRIVATE_KEY in message:
        raise ImportFormatError(f"{place}: the key {PRIVATE_KEY!r} is tract's own")
    return dict(message)


def _shape(place: str, convert: Callable[[], list[Json]]) -> list[Json]:
    """Return the messages that a conversion makes, each checked, and the caller's own."""
    try:
        return [decode(parse_message(fields).payload) for fields in convert()]
    except (ContentError, ImportFormatError, RecursionError) as error:
        raise ImportFormatError(f"{place}: {error}") from error


def _at(run: Run, place: str) -> str:
    return f"{run.where}, {place}" if run.where else place
