"""What a list of tool schemas costs: an estimate, made by writing them as the model is shown them.

OpenAI's models see tools as the types of a TypeScript namespace. Counted as that, most billed lists come out within a
few tokens; the recipe in common use (a constant per function, property and enum) misses nested schemas by half.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from tract.protocols import TokenCount
from tract.tokens.text import NOTHING, count_text
from tract.tokens.vocabulary import Encoder

_FRAME_TOKENS = 6
"""What stands around the namespace: 9 tokens where the tools open the prompt, 5 or 6 behind a system message."""

_DEEPEST = 24
"""Levels of nesting; what lies deeper is written as `any`."""


def count_tools(tools: object, encode: Encoder) -> TokenCount:
    """Estimate what tool schemas add to a prompt: OpenAI's, old and new, Anthropic's, or any other JSON."""
    listed = tools if isinstance(tools, list | tuple) else [tools] if tools else []
    if not listed:
        return NOTHING
    text = "namespace functions {\n\n" + "".join(map(_write_tool, listed)) + "} // namespace functions"
    return TokenCount(count_text(text, encode).tokens + _FRAME_TOKENS, exact=False)


def _write_tool(tool: object) -> str:
    function = tool.get("function", tool) if isinstance(tool, Mapping) else None
    if not isinstance(function, Mapping) or not isinstance(function.get("name"), str):
        return write_json(tool) + "\n\n"
    schema = function.get("parameters") or function.get("input_schema")
    lines = [*_write_comment(function.get("description")), f"type {function['name']} = {_write_signature(schema)};", ""]
    if isinstance(schema, Mapping):
        for name, definition in _read_mapping(schema, "$defs").items():
            lines.append(f"type {name} = {_write_type(definition, 0)};")
    return "\n".join(lines) + "\n"


def _write_signature(schema: object) -> str:
    if isinstance(schema, Mapping) and _read_mapping(schema, "properties"):
        return f"(_: {_write_object(schema, 0)}) => any"
    return "() => any"


def _write_object(schema: Mapping[str, Any], depth: int) -> str:
    required = schema.get("required")
    is_required = set(map(str, required)) if isinstance(required, list) else set()
    lines: list[str] = []
    has_comment = False
    for name, property_schema in _read_mapping(schema, "properties").items():
        comment = list(_describe(property_schema))
        has_comment = has_comment or bool(comment)
        mark = "" if name in is_required else "?"
        lines += [*comment, f"{name}{mark}: {_write_type(property_schema, depth)},{_write_default(property_schema)}"]
    # Without comments an object stands on one line, and is one token shorter.
    return "{\n" + "\n".join(lines) + "\n}" if has_comment else "{ " + " ".join(lines)[:-1] + " }"


def _write_type(schema: object, depth: int) -> str:
    if not isinstance(schema, Mapping) or depth > _DEEPEST:
        return "any"
    if isinstance(schema.get("$ref"), str):
        # The definition is written once, beside the tool: written in place, a few of them can grow without end.
        return str(schema["$ref"]).rpartition("/")[2]
    if isinstance(schema.get("enum"), list):
        return " | ".join(map(write_json, schema["enum"]))
    for union in ("anyOf", "oneOf"):
        if isinstance(schema.get(union), list):
            return " | ".join(_write_type(choice, depth + 1) for choice in schema[union])
    kinds = schema.get("type")
    return " | ".join(_write_kind(kind, schema, depth) for kind in (kinds if isinstance(kinds, list) else [kinds]))


def _write_kind(kind: object, schema: Mapping[str, Any], depth: int) -> str:
    match kind:
        case "integer":
            return "number"
        case "array":
            return _write_type(schema.get("items"), depth + 1) + "[]"
        case "object" if _read_mapping(schema, "properties"):
            return _write_object(schema, depth + 1)
        case str():
            return kind
        case _:
            return "any"


def _describe(schema: object) -> Iterator[str]:
    if isinstance(schema, Mapping):
        title = list(_write_comment(schema.get("title")))
        description = list(_write_comment(schema.get("description")))
        yield from title
        if title and description:
            yield "//"
        yield from description


def _write_comment(text: object) -> Iterator[str]:
    if isinstance(text, str) and text.strip():
        for line in text.strip().split("\n"):
            yield f"// {line.strip()}".rstrip()


def _write_default(schema: object) -> str:
    return (
        f" // default: {write_json(schema['default'])}" if isinstance(schema, Mapping) and "default" in schema else ""
    )


def _read_mapping(schema: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = schema.get(key)
    return found if isinstance(found, Mapping) else {}


def write_json(value: object) -> str:
    """Return a value's JSON, or of one that is nested too deeply or no JSON, the plainest text that stands for it."""
    try:
        return json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        return str(type(value).__name__)
