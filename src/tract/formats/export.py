"""Compiled contexts written out in other people's formats."""

import json
import re
from collections.abc import Sequence
from typing import Any

from tract.exceptions import ImportFormatError
from tract.formats.compiled import CompiledContext

EXPORT_FORMATS = ("openai", "openai-jsonl", "anthropic")

_SURROGATE = re.compile("[\ud800-\udfff]")


def render_export(compiled: CompiledContext, format: str) -> str:
    """Return a compiled context as text: a list or a request in JSON, a line for each message, or JSON Lines.

    Raises:
        ImportFormatError: there is no such format.
    """
    if format == "openai":
        return _to_list(compiled.to_openai()) + "\n"
    if format == "openai-jsonl":
        return "".join(_to_json(message) + "\n" for message in compiled.to_openai())
    if format == "anthropic":
        request = compiled.to_anthropic()
        system = f'"system": {_to_json(request["system"])},\n' if "system" in request else ""
        return f'{{{system}"messages": {_to_list(request["messages"])}}}\n'
    raise ImportFormatError(f"format must be one of {', '.join(EXPORT_FORMATS)}, not {format!r:.80}")


def _to_list(messages: Sequence[Any]) -> str:
    lines = ",\n".join(map(_to_json, messages))
    return f"[\n{lines}\n]" if lines else "[]"


def _to_json(value: Any) -> str:
    """Return JSON on one line; a lone surrogate is escaped, since no file in UTF-8 can hold it as it is."""
    text = json.dumps(value, ensure_ascii=False)
    return _SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
