"""What one chat message adds to a prompt."""

from collections.abc import Mapping
from typing import Any

from tract.protocols import Encoding, TokenCount
from tract.tokens.media import count_part
from tract.tokens.models import find_encoding, reply_tokens
from tract.tokens.schemas import count_tools, write_json
from tract.tokens.text import NOTHING, count_text, total
from tract.tokens.vocabulary import Encoder, load_encoder

_FRAME_TOKENS = 3
"""What stands around each message."""

_NAME_TOKENS = 1
_CALL_TOKENS = 5
_PARALLEL_TOKENS = 13
"""What wraps the calls of a message that makes several."""

_RESULT_TOKENS = 3
"""What a result costs beside its text: it names the function that it answers."""

_ROLES = frozenset({"system", "developer", "user", "assistant"})
"""The roles that are one token each, and whose messages are billed as text."""

_COUNTED = frozenset({"role", "content", "name"})


class TiktokenCounter:
    """Counts as OpenAI bills: exact for messages of text, an estimate for calls, images, sound and files.

    Its vocabularies are loaded when the first message is counted, once in a process. Safe to share between threads.
    """

    def encoding_for(self, model: str | None) -> Encoding:
        """Return the encoding of a model's tokens; inexact for a model that is not known, exact o200k for None."""
        return find_encoding(model)

    def reply_tokens(self, model: str | None) -> int:
        """Return what a prompt costs beside its messages and tools: 3, or 2 for a reasoning model."""
        return reply_tokens(model)

    def count_message(self, message: Mapping[str, Any], encoding: str) -> TokenCount:
        """Count what one OpenAI-shaped message adds to a prompt.

        Reasoning and fields that are not known count nothing, and make the count an estimate.

        Raises:
            TraceError: the encoding is not one that tract carries.
        """
        return _count_message(message, load_encoder(encoding))

    def count_tools(self, tools: object, encoding: str) -> TokenCount:
        """Estimate what a list of tool schemas adds to a prompt.

        Raises:
            TraceError: the encoding is not one that tract carries.
        """
        return count_tools(tools, load_encoder(encoding))


def _count_message(message: Mapping[str, Any], encode: Encoder) -> TokenCount:
    role, content = message.get("role"), message.get("content")
    text = count_text(content, encode) if isinstance(content, str) else _count_parts(content, encode)
    tokens, exact = text.tokens + _FRAME_TOKENS + 1, text.exact and role in _ROLES
    if len(message) == 2:
        return TokenCount(tokens, exact)
    if role == "tool":
        return TokenCount(tokens + _RESULT_TOKENS, exact=False)
    exact = exact and not any(value for key, value in message.items() if key not in _COUNTED)
    rest = total((_count_name(message, encode), _count_calls(message, encode), _count_refusal(message, encode)))
    return TokenCount(tokens + rest.tokens, exact and rest.exact)


def _count_parts(content: object, encode: Encoder) -> TokenCount:
    match content:
        case None:
            return NOTHING
        case list() | tuple():
            return total(count_part(part, encode) for part in content)
        case _:
            return count_part(content, encode)


def _count_name(message: Mapping[str, Any], encode: Encoder) -> TokenCount:
    name = message.get("name")
    if not isinstance(name, str):
        return NOTHING
    # A name that only repeats the role is billed as one token.
    text = NOTHING if name == message.get("role") else count_text(name, encode)
    return TokenCount(text.tokens + _NAME_TOKENS, text.exact)


def _count_refusal(message: Mapping[str, Any], encode: Encoder) -> TokenCount:
    refusal = message.get("refusal")
    return count_text(refusal, encode) if isinstance(refusal, str) else NOTHING


def _count_calls(message: Mapping[str, Any], encode: Encoder) -> TokenCount:
    listed = message.get("tool_calls") or message.get("function_call")
    if not listed:
        return NOTHING
    calls = listed if isinstance(listed, list | tuple) else [listed]
    text = total(_count_call(call, encode) for call in calls)
    frame = len(calls) * _CALL_TOKENS + (_PARALLEL_TOKENS if len(calls) > 1 else 0)
    return TokenCount(text.tokens + frame, exact=False)


def _count_call(call: object, encode: Encoder) -> TokenCount:
    if not isinstance(call, Mapping):
        return count_text(write_json(call), encode)
    function = call.get("function") or call.get("custom") or call
    if not isinstance(function, Mapping):
        return count_text(write_json(function), encode)
    arguments = function.get("arguments", function.get("input"))
    written = arguments if isinstance(arguments, str) else write_json(arguments)
    return total((count_text(str(function.get("name")), encode), count_text(written, encode)))
