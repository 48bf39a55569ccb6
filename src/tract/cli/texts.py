"""Where a text comes from: an argument, a file, standard input, or an editor."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from tract.exceptions import ContentError

STANDARD_INPUT = "-"

Command = TypeVar("Command", bound=Callable[..., Any])


def text_options(command: Command) -> Command:
    """Give a command the argument TEXT and the option `--file`."""
    command = click.option("--file", "-F", "path", metavar="PATH", help="Read the text from a file ('-': stdin).")(
        command
    )
    return click.argument("text", required=False)(command)


def read_text(
    text: str | None, path: str | None, *, otherwise: Callable[[], str] | None = None, may_be_empty: bool = False
) -> str:
    """Return the text that was given, else what standard input holds, or on a terminal what `otherwise` asks for.

    A line break at the end of a file or of standard input is dropped. That nothing at all was given and nothing came
    on standard input is more likely a command that failed than a message, unless it `may_be_empty`.

    Raises:
        UsageError: it is given twice, or not at all.
        ContentError: it is not UTF-8.
        OSError: the file cannot be read.
    """
    if text is not None and path is not None:
        raise click.UsageError("give the text as an argument or with --file, not both")
    if path is not None and path != STANDARD_INPUT:
        return without_last_break(decoded(read_bytes(path), path))
    if text is not None and text != STANDARD_INPUT:
        return checked_argument(text)
    if path is None and text is None and sys.stdin is not None and sys.stdin.isatty() and otherwise is not None:
        return otherwise()
    data = read_bytes(STANDARD_INPUT)
    if not data and path is None and text is None and not may_be_empty:
        raise click.UsageError("nothing came on standard input; '' or '-' takes it for an empty text")
    return without_last_break(decoded(data, "standard input"))


def read_bytes(path: str) -> bytes:
    """Return what a file holds; `-` is standard input.

    Raises:
        UsageError: there is no standard input.
        OSError: the file cannot be read.
    """
    if path != STANDARD_INPUT:
        return Path(path).read_bytes()
    if sys.stdin is None:
        raise click.UsageError("there is nothing on standard input")
    return sys.stdin.buffer.read()


def checked_argument(text: str) -> str:
    """Return an argument if it is text: bytes that were none come as lone surrogates.

    Raises:
        ContentError: it is not UTF-8.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ContentError("the text is not UTF-8") from error
    return text


def decoded(data: bytes, source: str) -> str:
    """Return bytes as text.

    Raises:
        ContentError: they are not UTF-8.
    """
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise ContentError(f"{source} is not UTF-8: byte {error.start} is {data[error.start]:#04x}") from error


def without_last_break(text: str) -> str:
    """Return text without the line break at its end, if it has one."""
    return text.removesuffix("\n").removesuffix("\r") if text.endswith("\n") else text


def ask_editor(text: str = "") -> str:
    """Return what a person writes in the editor, starting from a text.

    Raises:
        UsageError: it was left without saving.
    """
    written = click.edit(text)
    if written is None:
        raise click.UsageError("nothing was written")
    return without_last_break(written)
