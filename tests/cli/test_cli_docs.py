"""The page on the command line, held against the command line."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

from cli_support import Shell
from tract.cli.app import FAMILIES

PAGE = Path(__file__).parents[2] / "docs" / "cli.md"
ID = re.compile(r"\b(?=[0-9a-f]*[0-9])[0-9a-f]{8}\b")
DATE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{4}")


def sessions() -> Iterator[tuple[str, list[str]]]:
    """Yield each command of the page's console blocks with the lines that it is to print."""
    for block in re.findall(r"```console\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL):
        for entry in block.split("$ tract ")[1:]:
            line, *printed = entry.rstrip("\n").split("\n")
            yield line, printed


def pattern(line: str) -> str:
    """Return what matches a printed line with any ids, times and folder, each id in a group of its own."""
    told = DATE.sub("DATE", line).replace("/home/you/trip", "FOLDER")
    parts = ID.split(told)
    return "([0-9a-f]{8})".join(re.escape(part) for part in parts).replace("DATE", ".*").replace("FOLDER", ".*")


def test_every_example_prints_what_the_page_says(empty: Shell) -> None:
    """The commands run in order, the ids of the page standing for those that come out."""
    ids: dict[str, str] = {}

    for line, expected in sessions():
        arguments = shlex.split(ID.sub(lambda found: ids.get(found[0], found[0]), line))
        done = empty.tries(*arguments)
        assert len(done.lines) == len(expected), (line, done)
        for wanted, printed in zip(expected, done.lines, strict=True):
            found = re.fullmatch(pattern(wanted), printed)
            assert found, (line, wanted, printed)
            for told, real in zip(ID.findall(wanted), found.groups(), strict=True):
                assert ids.setdefault(told, real) == real, (line, wanted, printed)

    assert len(ids) > 10


def test_the_page_names_every_command() -> None:
    """No command is missing from the page."""
    page = PAGE.read_text("utf-8")

    assert [name for names in FAMILIES.values() for name in names if not re.search(rf"\b{name}\b", page)] == []
