"""The graph beside a log: commits as stars in columns, and the lines between them, as ASCII.

A column stands for a line that leads down to one commit; several columns may wait for the same commit, and come
together right above it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from tract.model.commits import Commit

STAR = "*"


class GraphRow(NamedTuple):
    """What stands left of a commit's lines: rows before it, its own row, rows right behind it, and any further row."""

    before: tuple[str, ...]
    star: str
    after: tuple[str, ...]
    further: str


def draw(commits: Iterable[Commit]) -> Iterator[tuple[Commit, GraphRow]]:
    """Yield commits with their part of the graph; a commit comes before its parents."""
    columns: list[str] = []
    for commit in commits:
        before = tuple(_join(columns, commit.id))
        if commit.id not in columns:
            columns.append(commit.id)
        place = columns.index(commit.id)
        star = " ".join(STAR if column == place else "|" for column in range(len(columns)))
        after = tuple(_continue(columns, place, commit.parents))
        yield commit, GraphRow(before, star, after, " ".join("|" * len(columns)))


def _join(columns: list[str], commit_id: str) -> Iterator[str]:
    """Bring the columns that wait for a commit together in the first of them, a step to the left in each row."""
    while columns.count(commit_id) > 1:
        first = columns.index(commit_id)
        last = len(columns) - 1 - columns[::-1].index(commit_id)
        # What stands further right moves along, so that no gap stays.
        yield _row(_straight(last) | {2 * column - 1: "/" for column in range(last, len(columns))})
        del columns[last]
        for column in range(last - 1, first, -1):
            yield _row(_straight(len(columns)) | {2 * column - 1: "/"})


def _continue(columns: list[str], place: int, parents: Sequence[str]) -> Iterator[str]:
    """Let a commit's column lead to its first parent, and open one more for each other; a root's column ends."""
    if not parents:
        del columns[place]
        if place < len(columns):
            yield _row(_straight(place) | {2 * column + 1: "/" for column in range(place, len(columns))})
        return
    columns[place] = parents[0]
    for column, parent in enumerate(parents[1:], start=place + 1):
        yield _row(_straight(column) | {2 * right - 1: "\\" for right in range(column, len(columns) + 1)})
        columns.insert(column, parent)


def _straight(count: int) -> dict[int, str]:
    """Return the marks of so many columns that go straight down."""
    return {2 * column: "|" for column in range(count)}


def _row(marks: Mapping[int, str]) -> str:
    return "".join(marks.get(place, " ") for place in range(max(marks) + 1))
