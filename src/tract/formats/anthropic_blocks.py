"""Parts of content in OpenAI's shape as Anthropic's blocks, and back.

What the other side has no word for becomes a short text in brackets, so that a message stays valid and still tells
that something stood there.
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from tract.formats.copies import own_copy

Json = dict[str, Any]

_DATA_URL = re.compile(r"data:([\w.+-]+/[\w.+-]+);base64,(.*)", re.DOTALL)
_IMAGE_TYPES = ("image/jpeg", "image/png", "image/gif", "image/webp")
_SOURCED_BLOCKS = ("image", "document")
_BESIDE_TEXT = ("cache_control", "citations")
_PDF = "application/pdf"
_NOT_IN_A_NAME = re.compile(r"[^a-zA-Z0-9_-]")
_LONGEST_NAME = 64


def is_blank(text: object) -> bool:
    """Tell whether Anthropic would refuse this as the text of a block: it is empty, or only white space."""
    return not isinstance(text, str) or not text.strip()


def text_block(text: str) -> Json:
    """Return text as a block of Anthropic's, which is a text part of OpenAI's too."""
    return {"type": "text", "text": text}


def content_from_blocks(blocks: Sequence[Mapping[str, Any]], *, text_only: bool = False) -> str | list[Json]:
    """Return blocks as OpenAI's content: text where they are one text or none, else a list of parts.

    `text_only` is for the roles whose parts must all be text.
    """
    parts = [text_block(_text_of_block(block)) if text_only else _part_from_block(block) for block in blocks]
    if not parts:
        return ""
    return parts[0]["text"] if len(parts) == 1 and parts[0]["type"] == "text" else parts


def blocks_from_content(content: object, *, text_only: bool = False) -> list[Json]:
    """Return OpenAI's content as Anthropic's blocks, without blank ones; `text_only` leaves no images or documents."""
    if isinstance(content, str):
        blocks = [text_block(content)]
    elif isinstance(content, list):
        blocks = [_text_from_part(part) if text_only else _block_from_part(part) for part in content]
    else:
        blocks = []
    return [block for block in blocks if block["type"] != "text" or not is_blank(block["text"])]


def call_from_tool_use(block: Mapping[str, Any]) -> Json:
    """Return a block that calls a tool as OpenAI's tool call."""
    arguments = json.dumps(block.get("input", {}), ensure_ascii=False, separators=(",", ":"))
    return {"id": block["id"], "type": "function", "function": {"name": block["name"], "arguments": arguments}}


def tool_use_from_call(call: Mapping[str, Any], call_id: str) -> Json:
    """Return OpenAI's tool call as a block, under an id that Anthropic takes."""
    kind = "custom" if isinstance(call.get("custom"), Mapping) else "function"
    asked = call.get(kind)
    asked = asked if isinstance(asked, Mapping) else {}
    key = "input" if kind == "custom" else "arguments"
    name = asked.get("name")
    cleaned = clean_id(name)[:_LONGEST_NAME] if isinstance(name, str) else "_"
    return {"type": "tool_use", "id": call_id, "name": cleaned, "input": _input_object(asked.get(key), key)}


def clean_id(text: str) -> str:
    """Return an id or a tool's name with every character that Anthropic refuses in one replaced."""
    return _NOT_IN_A_NAME.sub("_", text) or "_"


def _input_object(given: object, key: str) -> Json:
    """Return a call's arguments as the object that Anthropic wants; what is no object stands under `key`."""
    if isinstance(given, str):
        given = _parse_arguments(given) if key == "arguments" else given
    if given is None or given == "":
        return {}
    found: Json = own_copy(given) if isinstance(given, dict) else {key: own_copy(given)}
    return found


def _parse_arguments(text: str) -> object:
    try:
        return json.loads(text, parse_constant=_refuse_number, parse_float=_parse_finite)
    except (ValueError, RecursionError):
        return text


def _parse_finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _refuse_number(text)


def _refuse_number(text: str) -> float:
    raise ValueError(f"{text} is no JSON number")


def _part_from_block(block: Mapping[str, Any]) -> Json:
    source = block.get("source")
    if isinstance(source, Mapping):
        kind = (block["type"], source.get("type"))
        url = f"data:{source.get('media_type')};base64,{source.get('data')}"
        if kind == ("image", "url"):
            return {"type": "image_url", "image_url": {"url": str(source.get("url"))}}
        if kind == ("image", "base64"):
            return {"type": "image_url", "image_url": {"url": url}}
        if kind == ("document", "base64"):
            return {"type": "file", "file": {"filename": str(block.get("title") or "document.pdf"), "file_data": url}}
    return text_block(_text_of_block(block))


def _text_of_block(block: Mapping[str, Any]) -> str:
    """Return what a block says in words, else its type in brackets."""
    text = block.get("text")
    if isinstance(text, str):
        return text
    source = block.get("source")
    held = source if isinstance(source, Mapping) else block
    if held.get("type") == "text" and isinstance(held.get("data"), str):
        return str(held["data"])
    inner = held.get("content")
    if isinstance(inner, list):
        # One level is all that Anthropic's documents and search results have.
        inner = "\n".join(
            item["text"] for item in inner if isinstance(item, Mapping) and not is_blank(item.get("text"))
        )
    return f"[{block['type']}]" if is_blank(inner) else str(inner)


def _block_from_part(part: Mapping[str, Any]) -> Json:
    kind = part["type"]
    if kind == "image_url":
        return _image_from_part(part)
    if kind == "file":
        return _document_from_part(part)
    if kind in _SOURCED_BLOCKS and isinstance(part.get("source"), Mapping):
        own: Json = own_copy(part)
        return own
    return _text_from_part(part)


def _text_from_part(part: Mapping[str, Any]) -> Json:
    """Return what a part says as a block of text, with what Anthropic too may have beside a text."""
    words = part.get("text")
    if not isinstance(words, str):
        refusal = part.get("refusal")
        return text_block(refusal if isinstance(refusal, str) else _text_of_block(part))
    return {**text_block(words), **{key: own_copy(part[key]) for key in _BESIDE_TEXT if key in part}}


def _image_from_part(part: Mapping[str, Any]) -> Json:
    image = part.get("image_url")
    url = image.get("url") if isinstance(image, Mapping) else image
    if not isinstance(url, str):
        return text_block("[image_url]")
    if url.startswith(("https://", "http://")):
        return {"type": "image", "source": {"type": "url", "url": url}}
    data = _DATA_URL.fullmatch(url)
    if data is None or data[1] not in _IMAGE_TYPES:
        return text_block("[image_url]")
    return {"type": "image", "source": {"type": "base64", "media_type": data[1], "data": data[2]}}


def _document_from_part(part: Mapping[str, Any]) -> Json:
    file = part.get("file")
    file = file if isinstance(file, Mapping) else {}
    data = _DATA_URL.fullmatch(file["file_data"]) if isinstance(file.get("file_data"), str) else None
    if data is None or data[1] != _PDF:
        return text_block(f"[file: {file['filename']}]" if isinstance(file.get("filename"), str) else "[file]")
    source = {"type": "base64", "media_type": _PDF, "data": data[2]}
    title = file.get("filename")
    return {"type": "document", "source": source, **({"title": title} if isinstance(title, str) else {})}
