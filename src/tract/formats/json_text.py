"""JSON and JSON Lines read from what a file holds, with errors that say where."""

import json
from typing import Any, NoReturn

from tract.exceptions import ImportFormatError


def parse_json_text(data: bytes | str) -> Any:
    """Return the JSON value that a text holds, or the list of its lines' values if it is JSON Lines.

    A byte order mark is skipped. Of a key given twice the last stands, as in every usual parser.

    Raises:
        ImportFormatError: it is empty, not Unicode, or not JSON; the message says where.
    """
    text = _decode(data) if isinstance(data, bytes) else data.removeprefix("\ufeff")
    if not text.strip():
        raise ImportFormatError("nothing to import: the input is empty")
    try:
        return _parse(text, line=1)
    except ImportFormatError:
        lines = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
        if len(lines) < 2 or not _is_json(lines[0][1]):
            raise
    return [_parse(line, line=number) for number, line in lines]


def _decode(data: bytes) -> str:
    encoding = json.detect_encoding(data)
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise ImportFormatError(f"not {encoding} text: {error.reason} at byte {error.start}") from error


def _parse(text: str, *, line: int) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse_number)
    except json.JSONDecodeError as error:
        where = f"line {line + error.lineno - 1}, column {error.colno}"
        raise ImportFormatError(f"not JSON: {error.msg} at {where}") from error
    except RecursionError as error:
        raise ImportFormatError(f"not readable: nested too deep, from line {line}") from error
    except ValueError as error:
        raise ImportFormatError(f"not JSON: {error}, from line {line}") from error


def _is_json(line: str) -> bool:
    try:
        _parse(line, line=1)
    except ImportFormatError:
        return False
    return True


def _refuse_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no JSON number")
