"""What a terminal is sent: text made harmless, colour where it is wanted, and a pager where git would use one."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal, TextIO

Style = Literal["id", "title", "head", "branch", "tag", "role", "added", "removed", "warning", "error", "dim"]

_CODES: Mapping[Style, str] = {
    "id": "33",
    "title": "1",
    "head": "1;36",
    "branch": "1;32",
    "tag": "1;33",
    "role": "36",
    "added": "32",
    "removed": "31",
    "warning": "33",
    "error": "1;31",
    "dim": "2",
}
# Controls, what turns the direction of text around, the two line breaks beside \n, and halves of characters.
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_TAB_WIDTH = 4


@dataclass(frozen=True, slots=True)
class Styled:
    """A piece of a line, and how it looks on a terminal that shows colour."""

    text: str
    style: Style


Line = str | Styled | Sequence[str | Styled]
"""One line to print, in pieces; none may break it or bring control sequences: they are shown when it is written."""


def pieces(line: Line) -> Sequence[str | Styled]:
    """Return the pieces of a line."""
    return (line,) if isinstance(line, str | Styled) else line


def visible(text: str) -> str:
    """Return text with its control characters made visible, so that a terminal shows them and obeys none."""
    return _CONTROLS.sub(_picture, text.expandtabs(_TAB_WIDTH))


def _picture(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code < 0x20:
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else f"\\u{code:04x}"


def one_line(text: str) -> str:
    """Return text with every run of white space made one space."""
    return " ".join(text.split())


def preview(text: str, width: int = 72) -> str:
    """Return the beginning of a text as one line of at most `width` characters."""
    # What lies far behind the width is not looked at: a message may be megabytes long.
    line = one_line(text[: width * 8])
    return line if len(line) <= width and len(text) <= width * 8 else line[: width - 1].rstrip() + "…"


def to_json(value: Any, *, ascii_only: bool = False) -> str:
    """Return readable JSON whose control characters are all escaped; `ascii_only` escapes everything else too."""
    return escape_controls(json.dumps(value, ensure_ascii=ascii_only, indent=2))


def escape_controls(text: str) -> str:
    """Return JSON text with the control characters escaped that JSON lets stand as they are."""
    return _JSON_CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


# A line break between JSON's tokens stays; inside its strings it is escaped already.
_JSON_CONTROLS = re.compile(_CONTROLS.pattern.replace("\x00-\x1f", "\x00-\x09\x0b-\x1f"))


class Terminal:
    """Where a command prints: lines, in colour if asked for, straight or through a pager.

    `stream` is None where the process was started without one: then nothing is printed.
    """

    def __init__(self, stream: TextIO | None, *, colour: bool = False, pager: str | None = None) -> None:
        self._stream = stream
        self._colour = colour
        self._pager = pager

    @classmethod
    def of(cls, stream: TextIO | None, *, paging: bool = False) -> "Terminal":
        """Return the terminal of a stream: colour and a pager only where somebody looks at it."""
        if stream is None or not stream.isatty():
            return cls(stream)
        colour = not os.environ.get("NO_COLOR") and os.environ.get("TERM", "dumb") != "dumb"
        return cls(stream, colour=colour, pager=find_pager() if paging else None)

    @property
    def is_interactive(self) -> bool:
        """Whether a person sees what is printed."""
        return self._stream is not None and self._stream.isatty()

    @property
    def shows_unicode(self) -> bool:
        """Whether more than ASCII can be printed."""
        return self._stream is not None and (self._stream.encoding or "").lower().startswith("utf")

    def print(self, *lines: Line) -> None:
        """Print lines."""
        self.print_all(lines)

    def print_all(self, lines: Iterable[Line]) -> None:
        """Print lines as they come."""
        if self._stream is not None:
            for line in lines:
                self._stream.write(self.render(line) + "\n")

    def print_json(self, value: Any) -> None:
        """Print a value as JSON."""
        if self._stream is not None:
            self._stream.write(to_json(value, ascii_only=not self.shows_unicode) + "\n")

    def print_json_text(self, text: str) -> None:
        """Print text that is JSON already."""
        if self._stream is not None:
            self._stream.write(escape_controls(text) if self.shows_unicode else _ascii_json(text))

    def page(self, lines: Iterable[Line]) -> None:
        """Print lines through the pager, if there is one; they are made as fast as the reader wants them."""
        if self._pager is None or self._stream is None:
            self.print_all(lines)
            return
        self._stream.flush()
        process = start_pager(self._pager, encoding=self._stream.encoding or "utf-8")
        assert process.stdin is not None
        try:
            # A reader who has seen enough closes the pager; that is no fault.
            with suppress(BrokenPipeError):
                for line in lines:
                    process.stdin.write(self.render(line) + "\n")
                process.stdin.close()
        finally:
            _wait_for(process)

    def render(self, line: Line) -> str:
        """Return a line as it is sent: harmless, and coloured if this terminal shows colour."""
        return "".join(self._render_piece(piece) for piece in pieces(line))

    def _render_piece(self, piece: str | Styled) -> str:
        if isinstance(piece, str):
            return visible(piece)
        text = visible(piece.text)
        return f"\x1b[{_CODES[piece.style]}m{text}\x1b[m" if self._colour and text else text


def find_pager() -> str | None:
    """Return the pager's command line: `TRACT_PAGER`, `PAGER`, else less if it is there; None for none."""
    for name in ("TRACT_PAGER", "PAGER"):
        chosen = os.environ.get(name)
        if chosen is not None:
            return chosen if _can_run(chosen) else None
    return "less" if shutil.which("less") else None


def _can_run(command: str) -> bool:
    """Tell whether a command line names something to run; `cat` and nothing mean no pager, as they do for git."""
    try:
        words = [word for word in shlex.split(command) if not re.match(r"\w+=", word)]
    except ValueError:
        return False
    return bool(words) and words != ["cat"] and shutil.which(words[0]) is not None


def start_pager(command: str, *, encoding: str) -> subprocess.Popen[str]:
    """Start a pager on this process's terminal, with git's settings for less where the user has none."""
    environment = {"LESS": "FRX", "LV": "-c", **os.environ}
    return subprocess.Popen(
        command, shell=True, stdin=subprocess.PIPE, env=environment, encoding=encoding, errors="backslashreplace"
    )


def _wait_for(process: "subprocess.Popen[str]") -> None:
    """Wait until the reader closes the pager, who may press ctrl-C in it meanwhile."""
    assert process.stdin is not None
    with suppress(BrokenPipeError):
        process.stdin.close()
    while True:
        try:
            process.wait()
            return
        except KeyboardInterrupt:
            continue


def prepare_streams() -> None:
    """Let the standard streams print whatever they are given, in any locale."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def _ascii_json(text: str) -> str:
    return re.sub("[^\x00-\x7f]", _escape_character, escape_controls(text))


def _escape_character(found: re.Match[str]) -> str:
    units = found[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[place]:02x}{units[place + 1]:02x}" for place in range(0, len(units), 2))
