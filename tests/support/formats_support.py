"""What the tests of formats share: recorded data, compiled contexts made directly, and the providers' rules."""

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tract.formats.compiled import CompiledContext

DATA = Path(os.environ.get("TRACT_TEST_DATA") or Path(__file__).parents[3] / "shared" / "data")
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="the recorded data is not here")

Json = dict[str, Any]

_ANTHROPIC_ID = re.compile(r"[a-zA-Z0-9_-]+")
_ANTHROPIC_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_IMAGE_TYPES = ("image/png", "image/jpeg", "image/gif", "image/webp")
_OWN_BLOCKS = {
    "user": ("text", "image", "document", "tool_result", "search_result"),
    "assistant": ("text", "tool_use", "thinking", "redacted_thinking", "server_tool_use", "web_search_tool_result"),
}
_OPENAI_PARTS = {
    "user": ("text", "image_url", "input_audio", "file"),
    "assistant": ("text", "refusal"),
    "system": ("text",),
    "developer": ("text",),
    "tool": ("text",),
}


def compile_fields(fields: Sequence[Mapping[str, Any]], **facts: Any) -> CompiledContext:
    """Return a compiled context of these messages, with invented ids and counts."""
    given: Json = {
        "message_ids": [f"id{index}" for index in range(len(fields))],
        "token_counts": [5] * len(fields),
        "token_count": 5 * len(fields) + 3,
        "tokens_exact": True,
        "commit_id": "c" * 64,
        "config": {},
    }
    return CompiledContext(fields=fields, **{**given, **facts})


def read_lines(path: Path) -> Iterator[Json]:
    """Yield the objects of a file of JSON Lines."""
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def faults_for_openai(messages: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what OpenAI's chat completions would refuse in messages; a call may be open at the end."""
    faults = []
    awaited: list[str] = []
    for index, message in enumerate(messages):
        role, content = message["role"], message.get("content")
        if role == "tool":
            if message["tool_call_id"] in awaited:
                awaited.remove(message["tool_call_id"])
            else:
                faults.append(f"{index}: a result without its call")
        elif awaited:
            faults.append(f"{index}: no result for {awaited}")
            awaited = []
        if role == "assistant":
            awaited = [call["id"] for call in message.get("tool_calls") or ()]
        faults.extend(f"{index}: {fault}" for fault in _content_faults(role, content, bool(awaited)))
    return faults


def _content_faults(role: str, content: object, calls: bool) -> Iterator[str]:
    if isinstance(content, list):
        yield from (f"{part['type']} in {role}" for part in content if part["type"] not in _OPENAI_PARTS[role])
        if not content:
            yield "no parts"
    elif not isinstance(content, str) and not (content is None and role == "assistant" and calls):
        yield f"content of {role} is {content!r}"


def faults_for_anthropic(request: Mapping[str, Any]) -> list[str]:
    """Return what Anthropic's messages would refuse in a request; calls of the last turn may be open.

    Neighbours of one role are fine: Anthropic joins them.
    """
    messages = request["messages"]
    faults = list(_system_faults(request)) if "system" in request else []
    if messages and messages[0]["role"] != "user":
        faults.append("the first message is not the user's")
    seen: set[str] = set()
    for index, message in enumerate(messages):
        faults.extend(f"{index}: {fault}" for fault in _message_faults(message))
        faults.extend(f"{index}: id {used} used before" for used in _use_ids(message) if used in seen)
        seen.update(_use_ids(message))
        before = _use_ids(messages[index - 1]) if index else []
        answers = [block["tool_use_id"] for block in _blocks(message) if block["type"] == "tool_result"]
        if len(set(answers)) != len(answers) or not set(answers) <= set(before):
            faults.append(f"{index}: answers {answers} to calls {before}")
        if set(before) - set(answers) and index != len(messages) - 1:
            faults.append(f"{index}: no results for {set(before) - set(answers)}")
    return faults


def _system_faults(request: Mapping[str, Any]) -> Iterator[str]:
    system = request["system"]
    blocks = system if isinstance(system, list) else [{"type": "text", "text": system}]
    if not blocks or any(block["type"] != "text" or not block["text"].strip() for block in blocks):
        yield f"system is {system!r}"


def _message_faults(message: Mapping[str, Any]) -> Iterator[str]:
    if set(message) != {"role", "content"} or message["role"] not in _OWN_BLOCKS:
        yield f"keys {list(message)} of {message.get('role')}"
        return
    blocks = _blocks(message)
    if not blocks:
        yield "no content"
    results = [block["type"] == "tool_result" for block in blocks]
    if results != sorted(results, reverse=True):
        yield "a result behind something else"
    for block in blocks:
        if block["type"] not in _OWN_BLOCKS[message["role"]]:
            yield f"{block['type']} from the {message['role']}"
        yield from _block_faults(block)


def _block_faults(block: Mapping[str, Any]) -> Iterator[str]:
    kind = block["type"]
    if kind == "text" and not block["text"].strip():
        yield "blank text"
    if kind == "tool_use":
        if not _ANTHROPIC_ID.fullmatch(block["id"]) or not _ANTHROPIC_NAME.fullmatch(block["name"]):
            yield f"id {block['id']!r}, name {block['name']!r}"
        if not isinstance(block["input"], dict):
            yield f"input {block['input']!r}"
    if kind == "image" and block["source"].get("media_type", "image/png") not in _IMAGE_TYPES:
        yield f"an image of {block['source']['media_type']}"
    if kind == "tool_result" and isinstance(block.get("content"), list):
        for inner in block["content"]:
            yield from _block_faults(inner)
            if inner["type"] not in ("text", "image", "document"):
                yield f"{inner['type']} in a result"


def _blocks(message: Mapping[str, Any]) -> list[Json]:
    content = message["content"]
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def _use_ids(message: Mapping[str, Any]) -> list[str]:
    return [block["id"] for block in _blocks(message) if block["type"] == "tool_use"]
