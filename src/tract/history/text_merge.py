"""Three-way merge of texts by lines, with the outcome that `git merge-file` has.

Source: S. Khanna, K. Kunal, B. Pierce, "A Formal Investigation of Diff3", 2007, for the regions; git for what touches.
"""

from collections.abc import Iterator
from typing import NamedTuple

from tract.history.line_diff import Hunk, find_hunks, rough_hunk, split_lines


class Region(NamedTuple):
    """What one stretch of the base became: lines that both sides agree on, or (`settled` is None) each side's own."""

    settled: list[str] | None
    base: list[str]
    ours: list[str]
    theirs: list[str]


class _Touching(NamedTuple):
    """Hunks of both sides that overlap or touch, and the lines of the base that they cover together."""

    start: int
    stop: int
    ours: list[Hunk]
    theirs: list[Hunk]


def merge_text(base: str, ours: str, theirs: str) -> str | None:
    """Return the text that holds both sides' changes, or None where changes overlap or touch.

    Texts that are too different to compare in bounded time merge only if their changes lie wholly apart.
    """
    if ours == theirs or theirs == base:
        return ours
    if ours == base:
        return theirs
    merged: list[str] = []
    for region in regions(split_lines(base), split_lines(ours), split_lines(theirs)):
        if region.settled is None:
            return None
        merged += region.settled
    return "".join(merged)


def union_text(base: str, ours: str, theirs: str) -> str:
    """Return the text that holds both sides' changes, and where they conflict our lines, then theirs."""
    merged: list[str] = []
    for region in regions(split_lines(base), split_lines(ours), split_lines(theirs)):
        merged += _union(region.ours, region.theirs) if region.settled is None else region.settled
    return "".join(merged)


def regions(base: list[str], ours: list[str], theirs: list[str]) -> Iterator[Region]:
    """Yield what each stretch of a list of lines became, in order; together they cover all of it."""
    position = 0
    for group in _touching(_hunks(base, ours), _hunks(base, theirs)):
        yield Region(base[position : group.start], [], [], [])
        yield _decide(group, base, ours, theirs)
        position = group.stop
    yield Region(base[position:], [], [], [])


def _hunks(old: list[str], new: list[str]) -> list[Hunk]:
    hunks = find_hunks(old, new)
    return [rough_hunk(old, new)] if hunks is None else hunks


def _touching(ours: list[Hunk], theirs: list[Hunk]) -> list[_Touching]:
    found: list[_Touching] = []
    sides = [(hunk, 0) for hunk in ours] + [(hunk, 1) for hunk in theirs]
    for hunk, side in sorted(sides):
        if found and hunk.start <= found[-1].stop:
            found[-1] = found[-1]._replace(stop=max(found[-1].stop, hunk.stop))
        else:
            found.append(_Touching(hunk.start, hunk.stop, [], []))
        (found[-1].theirs if side else found[-1].ours).append(hunk)
    return found


def _decide(group: _Touching, base: list[str], ours: list[str], theirs: list[str]) -> Region:
    old = base[group.start : group.stop]
    our_lines = _side(group, group.ours, base, ours)
    their_lines = _side(group, group.theirs, base, theirs)
    if not group.theirs or our_lines == their_lines:
        return Region(our_lines, old, our_lines, their_lines)
    if not group.ours:
        return Region(their_lines, old, our_lines, their_lines)
    return Region(None, old, our_lines, their_lines)


def _side(group: _Touching, hunks: list[Hunk], base: list[str], lines: list[str]) -> list[str]:
    """Return what the base's lines under a group are on one side."""
    if not hunks:
        return base[group.start : group.stop]
    first, last = hunks[0], hunks[-1]
    return lines[first.new_start - (first.start - group.start) : last.new_stop + (group.stop - last.stop)]


def _union(ours: list[str], theirs: list[str]) -> list[str]:
    """Return our lines, then theirs, where the two differ; what they share comes once."""
    found: list[str] = []
    position = 0
    for hunk in _hunks(ours, theirs):
        found += ours[position : hunk.stop]
        added = theirs[hunk.new_start : hunk.new_stop]
        if added and found and not found[-1].endswith("\n"):
            found[-1] += "\n"
        found += added
        position = hunk.stop
    return found + ours[position:]
