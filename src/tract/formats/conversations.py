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
from tract.model.messages import PRIVATE_KEY, call_ids, parse_message

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

    Every message is checked and its fields are kept as given, with three exceptions: a `function_call` and the
    `function` message that answers it become a tool call and a tool message, a tool message that names its call under
    `tool_call_ids` gets `tool_call_id` too, and what comes in Anthropic's shape is turned into OpenAI's, its original
    kept. What a message becomes follows from those before it alone, so that a conversation that grew starts with the
    same fields. The fields are the caller's own.

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
    return "anthropic" if any(map(_is_anthropic_block, blocks)) else "openai"


def _is_anthropic_block(block: object) -> bool:
    """Tell whether only Anthropic has such a block; its texts have citations, if only to say that there are none."""
    if not isinstance(block, Mapping):
        return False
    kind = block.get("type")
    return isinstance(kind, str) and (kind in _ANTHROPIC_BLOCKS or (kind == "text" and "citations" in block))


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
            if not found or not _calls_function(found[-1][0]):
                raise ImportFormatError(f"{place}: a function message stands right behind the call that it answers")
            fields = {**source, "role": "tool", "tool_call_id": _function_call_id(number - 1)}
        else:
            fields = _with_calls(source, number)
        found.extend((source, shaped) for shaped in _shape(place, partial(list, [fields])))
    return found


def _with_calls(source: Json, number: int) -> Json:
    """Return a message with its calls, or the call that it answers, where OpenAI has them now; others as given."""
    if _calls_function(source):
        kept = {key: value for key, value in source.items() if key != "function_call"}
        call = {"id": _function_call_id(number), "type": "function", "function": source["function_call"]}
        return {**kept, "tool_calls": [call]}
    named = source.get("tool_call_ids")
    if source.get("role") == "tool" and "tool_call_id" not in source and isinstance(named, list) and len(named) == 1:
        return {**source, "tool_call_id": named[0]}
    return source


def _calls_function(source: Json) -> bool:
    is_call = source.get("role") == "assistant" and isinstance(source.get("function_call"), dict)
    return is_call and not source.get("tool_calls")


def _function_call_id(number: int) -> str:
    """Return the id of a call that had none: its message's place, which stays the same when the conversation grows."""
    return f"function_call_{number}"


def _from_anthropic(run: Run) -> list[tuple[Json, Json]]:
    """Return each message with each set of fields that it stands for."""
    found: list[tuple[Json, Json]] = [
        ({}, fields) for fields in _shape(_at(run, "system"), partial(import_system, run.system))
    ]
    asked: set[str] = set()
    for number, message in enumerate(run.messages, 1):
        place = _at(run, f"message {number}")
        source = _check_source(message, place)
        pieces = _shape(place, partial(import_message, source, partly=not asked <= _answered_calls(source)))
        found.extend((source, fields) for fields in pieces)
        if pieces[-1]["role"] == "assistant":
            asked = set(call_ids(pieces[-1]))
    return found


def _answered_calls(message: Json) -> set[str]:
    """Return the ids of the calls that a message of Anthropic's answers; it need not be well formed."""
    content = message.get("content")
    blocks = [block for block in content if isinstance(block, dict)] if isinstance(content, list) else []
    answered = [block.get("tool_use_id") for block in blocks if block.get("type") == "tool_result"]
    return {call_id for call_id in answered if isinstance(call_id, str)}


def _check_source(message: object, place: str) -> Json:
    if not isinstance(message, Mapping):
        raise ImportFormatError(f"{place}: a message is an object with a role, not {describe(message)}")
    if PRIVATE_KEY in message:
        raise ImportFormatError(f"{place}: the key {PRIVATE_KEY!r} is tract's own")
    return dict(message)


def _shape(place: str, convert: Callable[[], list[Json]]) -> list[Json]:
    """Return the messages that a conversion makes, each checked, and the caller's own."""
    try:
        return [parse_message(fields).fields for fields in convert()]
    except (ContentError, ImportFormatError, RecursionError) as error:
        raise ImportFormatError(f"{place}: {error}") from error


def _at(run: Run, place: str) -> str:
    return f"{run.where}, {place}" if run.where else place
