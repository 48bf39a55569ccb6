"""The graph beside a log."""

from datetime import UTC, datetime
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tract.cli.graph import STAR, draw
from tract.model.commits import Commit

NOW = datetime(2025, 1, 1, tzinfo=UTC)


def commit(name: str, parents: str) -> Commit:
    """Return a commit whose parents' names are the letters of a word."""
    return Commit(name, tuple(parents), (), name, "", NOW)


def picture(*commits: Commit) -> str:
    """Return the whole graph, with each commit's name behind its star."""
    lines = []
    for each, row in draw(commits):
        lines += [*row.before, f"{row.star} {each.id}", *row.after]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        ("b:a a:", "* b\n* a"),
        (
            "m:ab b:r a:r r:",
            r"""
            * m
            |\
            | * b
            * | a
            |/
            * r
            """,
        ),
        (
            "m:ab x:r b:r a:r r:",
            r"""
            * m
            |\
            | | * x
            | * | b
            * | | a
            | |/
            |/|
            |/
            * r
            """,
        ),
        (
            "m:nc n:ab c:b b:r a:r r:",
            r"""
            * m
            |\
            * | n
            |\ \
            | | * c
            | |/
            | * b
            * | a
            |/
            * r
            """,
        ),
        (
            "o:abc c:r b:r a:r r:",
            r"""
            * o
            |\
            | |\
            | | * c
            | * | b
            * | | a
            | |/
            |/|
            |/
            * r
            """,
        ),
        ("p:q r: q:", "* p\n| * r\n* q"),
        (
            "m:ab a: b:",
            r"""
            * m
            |\
            * | a
             /
            * b
            """,
        ),
    ],
)
def test_pictures(history: str, expected: str) -> None:
    """Merges open a column, and columns that wait for one commit come together above it."""
    commits = [commit(*entry.split(":")) for entry in history.split()]

    found = picture(*commits).replace(" |\n", " |\n")

    assert found == dedent(expected).strip("\n")


@st.composite
def histories(draw_from: st.DrawFn) -> list[Commit]:
    """Return commits newest first, each with up to three parents among the older ones."""
    count = draw_from(st.integers(1, 14))
    names = [chr(ord("a") + number) for number in range(count)]
    found = []
    for number in range(count):
        older = names[:number]
        parents = draw_from(st.lists(st.sampled_from(older), max_size=3, unique=True)) if older else []
        found.append(commit(names[number], "".join(parents)))
    return found[::-1]


@given(histories())
def test_every_line_leads_down_to_the_parents(commits: list[Commit]) -> None:
    """Who follows the lines from a star downwards reaches each of its parents, and columns are never lost."""
    rows: list[tuple[str, str | None]] = []
    for each, row in draw(commits):
        rows += [(line, None) for line in row.before]
        rows += [(row.star, each.id)]
        rows += [(line, None) for line in row.after]

    for each in commits:
        assert set(each.parents) <= reached(rows, each.id)


def reached(rows: list[tuple[str, str | None]], start: str) -> set[str]:
    """Return the commits at whose stars the lines below a commit's star can end."""
    first = next(number for number, (_, name) in enumerate(rows) if name == start)
    places = {rows[first][0].index(STAR)}
    ends: set[str] = set()
    above = dict.fromkeys(places, STAR)
    for line, name in rows[first + 1 :]:
        below: dict[int, str] = {}
        for place, mark in above.items():
            for step in steps(mark):
                if 0 <= place + step < len(line) and line[place + step] in joins(mark, step):
                    below[place + step] = line[place + step]
        for place, mark in list(below.items()):
            if mark == STAR:
                assert name is not None
                ends.add(name)
                del below[place]
        above = below
    return ends


def steps(mark: str) -> range:
    """Return how far a line may go sideways below a mark."""
    return {"/": range(-2, 0), "\\": range(3)}.get(mark, range(-1, 2))


def joins(mark: str, step: int) -> str:
    """Return the marks that a line may go on with after a step sideways from a mark."""
    if step == 0 and mark == "\\":
        return "/"
    return {0: "|*", -1: "/|*", 1: "\\|*", -2: "/", 2: "\\"}[step]
