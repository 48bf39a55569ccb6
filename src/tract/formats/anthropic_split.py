"""A message in Anthropic's shape taken apart into messages in OpenAI's.

Source: Anthropic's Messages API: the results of calls are blocks of the next user message, ahead of its other blocks.
"""

from collections.abc import Mapping
from typing import Any

from tract.exceptions import ImportFormatError
from tract.formats.anthropic_blocks import call_from_tool_use, content_from_blocks, text_block

Json = dict[str, Any]

_NEEDED = {"tool_use": ("id", "name"), "tool_result": ("tool_use_id",), "text": ("text",)}


def split_message(message: Mapping[str, Any]) -> list[Json]:
    """Return the messages that one of Anthropic's stands for: an assistant's one; a user's results, then its words.

    Raises:
        ImportFormatError: it is no message of Anthropic's.
    """
    role, content = message.get("role"), message.get("content")
    if role not in ("user", "assistant"):
        raise ImportFormatError(f"role must be user or assistant, not {_name(role)}", format="anthropic")
    if isinstance(content, str):
        return [{"role": role, "content": content}]
    if not isinstance(content, list):
        raise ImportFormatError(
            f"content must be text or a list of blocks, not {type(content).__name__}", format="anthropic"
        )
    blocks = [_check_block(block) for block in content]
    if blocks and all(block["type"] == "text" for block in blocks):
        # The same as when this is read as OpenAI's, so that it doesn't matter when a conversation shows what it is.
        return [{"role": role, "content": [text_block(block["text"]) for block in blocks]}]
    return [_join_assistant(blocks)] if role == "assistant" else _split_user(blocks)


def split_system(system: object) -> list[Json]:
    """Return the system message that a request's `system` stands for: none where it is empty.

    Raises:
        ImportFormatError: it is neither text nor a list of blocks.
    """
    if not system:
        return []
    if isinstance(system, str):
        return [{"role": "system", "content": system}]
    if not isinstance(system, list):
        raise ImportFormatError(
            f"system must be text or a list of blocks, not {type(system).__name__}", format="anthropic"
        )
    return [
        {"role": "system", "content": content_from_blocks([_check_block(block) for block in system], text_only=True)}
    ]


def split_result(block: Mapping[str, Any]) -> Json:
    """Return a block that answers a call as a tool message."""
    content = block.get("content")
    if isinstance(content, list):
        content = content_from_blocks([_check_block(inner) for inner in content], text_only=True)
    elif not isinstance(content, str):
        content = ""
    return {"role": "tool", "tool_call_id": block["tool_use_id"], "content": content}


def _join_assistant(blocks: list[Mapping[str, Any]]) -> Json:
    """Return an assistant's blocks as one message; what is neither text nor a call has no place in it."""
    texts = [block for block in blocks if block["type"] == "text"]
    calls = [call_from_tool_use(block) for block in blocks if block["type"] == "tool_use"]
    if not calls:
        return {"role": "assistant", "content": content_from_blocks(texts, text_only=True)}
    content = content_from_blocks(texts, text_only=True) if texts else None
    return {"role": "assistant", "content": content, "tool_calls": calls}


def _split_user(blocks: list[Mapping[str, Any]]) -> list[Json]:
    results = [split_result(block) for block in blocks if block["type"] == "tool_result"]
    words = [block for block in blocks if block["type"] != "tool_result"]
    if results and not words:
        return results
    return [*results, {"role": "user", "content": content_from_blocks(words)}]


def _check_block(block: object) -> Mapping[str, Any]:
    if not isinstance(block, dict) or not isinstance(block.get("type"), str):
        raise ImportFormatError(f"each block must be an object with a type, not {_name(block)}", format="anthropic")
    for needed in _NEEDED.get(block["type"], ()):
        if not isinstance(block.get(needed), str):
            raise ImportFormatError(f"a block of type {block['type']} needs {needed} as text", format="anthropic")
    return block


def _name(value: object) -> str:
    """Return a value that is text as it is written, of any other only what it is: it may be nested too deep to show."""
    return f"{value!r:.80}" if isinstance(value, str) else type(value).__name__
