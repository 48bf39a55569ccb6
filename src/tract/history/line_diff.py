"""Which lines of a text changed into which: the differences that git would show, in bounded time.

Source: E. Myers, "An O(ND) Difference Algorithm and Its Variations", 1986, in its linear-space form. Of several
shortest differences git keeps the one whose changed lines stand lowest, and a merge's outcome hangs on that choice.
"""

from collections.abc import Sequence
from typing import NamedTuple

STEP_LIMIT = 400_000
"""How many furthest points are looked at before two texts count as too different to compare: about half a second."""

Lines = Sequence[str]


class Hunk(NamedTuple):
    """Lines `start:stop` of the old text became lines `new_start:new_stop` of the new one."""

    start: int
    stop: int
    new_start: int
    new_stop: int


def split_lines(text: str) -> list[str]:
    """Return a text's lines with their ends; only a line feed ends a line, and the last line may lack it."""
    lines = text.split("\n")
    last = lines.pop()
    found = [line + "\n" for line in lines]
    return [*found, last] if last else found


def find_hunks(old: Lines, new: Lines, limit: int = STEP_LIMIT) -> list[Hunk] | None:
    """Return what changed between two lists of lines, in order; None if that takes more than `limit` steps."""
    head, tail = _common_ends(old, new)
    kept = _matches(old[head : len(old) - tail], new[head : len(new) - tail], limit)
    if kept is None:
        return None
    pairs = [(row, row) for row in range(head)]
    pairs += [(row + head, column + head) for row, column in kept]
    pairs += [(len(old) - rest, len(new) - rest) for rest in range(tail, 0, -1)]
    old_gaps, new_gaps = _gaps(pairs, len(old), 0), _gaps(pairs, len(new), 1)
    _sink(old, old_gaps, new_gaps)
    _sink(new, new_gaps, old_gaps)
    return _hunks(old_gaps, new_gaps)


def rough_hunk(old: Lines, new: Lines) -> Hunk:
    """Return the one hunk that covers all that changed between different texts; costs one pass."""
    head, tail = _common_ends(old, new)
    return Hunk(head, len(old) - tail, head, len(new) - tail)


def _common_ends(old: Lines, new: Lines) -> tuple[int, int]:
    shorter = min(len(old), len(new))
    head = 0
    while head < shorter and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < shorter - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    return head, tail


def _matches(old: Lines, new: Lines, limit: int) -> list[tuple[int, int]] | None:
    """Return pairs of positions that stay, leaving out at once what the other text does not have at all."""
    numbers = {line: number for number, line in enumerate(set(old) & set(new))}
    rows = [row for row, line in enumerate(old) if line in numbers]
    columns = [column for column, line in enumerate(new) if line in numbers]
    found = _common_sequence([numbers[old[row]] for row in rows], [numbers[new[column]] for column in columns], limit)
    return None if found is None else [(rows[row], columns[column]) for row, column in found]


def _common_sequence(old: list[int], new: list[int], limit: int) -> list[tuple[int, int]] | None:
    """Return the positions of a longest common subsequence, halving the problem at its middle with a stack."""
    found: list[tuple[int, int]] = []
    waiting = [(0, len(old), 0, len(new))]
    while waiting:
        top, bottom, left, right = waiting.pop()
        while top < bottom and left < right and old[top] == new[left]:
            found.append((top, left))
            top, left = top + 1, left + 1
        while top < bottom and left < right and old[bottom - 1] == new[right - 1]:
            bottom, right = bottom - 1, right - 1
            found.append((bottom, right))
        if top == bottom or left == right:
            continue
        row, column, steps = _middle(old[top:bottom], new[left:right], limit)
        limit -= steps
        if limit <= 0:
            return None
        waiting.append((top + row, bottom, left + column, right))
        waiting.append((top, top + row, left, left + column))
    found.sort()
    return found


def _middle(old: list[int], new: list[int], limit: int) -> tuple[int, int, int]:
    """Return a point that a shortest path passes half-way, and the steps taken; beyond `limit` the point is wrong.

    A point is how many lines of old and of new lie behind it, a diagonal their difference. `ahead` holds per
    diagonal the furthest row reached from the start, `back` the nearest row reached from the end.
    """
    rows, columns = len(old), len(new)
    corner = rows - columns
    ahead, back = {1: 0}, {corner - 1: rows}
    steps = 0
    for cost in range(rows + columns + 1):
        for diagonal in range(_bound(rows, cost), -_bound(columns, cost) - 1, -2):
            row = max(ahead.get(diagonal - 1, -2) + 1, ahead.get(diagonal + 1, -1))
            if not 0 <= row <= rows or row - diagonal > columns:
                continue
            while row < rows and row - diagonal < columns and old[row] == new[row - diagonal]:
                row += 1
            ahead[diagonal] = row
            if corner % 2 and abs(diagonal - corner) < cost and back.get(diagonal, rows + 1) <= row:
                return row, row - diagonal, steps
        for offset in range(_bound(columns, cost), -_bound(rows, cost) - 1, -2):
            diagonal = corner + offset
            row = min(back.get(diagonal - 1, rows + 1), back.get(diagonal + 1, rows + 2) - 1)
            if not max(0, diagonal) <= row <= rows:
                continue
            while row > 0 and row > diagonal and old[row - 1] == new[row - diagonal - 1]:
                row -= 1
            back[diagonal] = row
            if corner % 2 == 0 and abs(diagonal) <= cost and row <= ahead.get(diagonal, -1):
                return row, row - diagonal, steps
        steps += 2 * cost + 2
        if steps > limit:
            break
    return 0, 0, limit + 1


def _bound(length: int, cost: int) -> int:
    """Return the outermost diagonal that `cost` steps reach on one side: at most `length`, and as even as `cost`."""
    return cost if cost <= length else length - (cost - length) % 2


def _gaps(pairs: list[tuple[int, int]], length: int, side: int) -> list[int]:
    """Return how many changed lines of one side stand before each line that stays, and behind the last."""
    found = []
    position = 0
    for pair in pairs:
        found.append(pair[side] - position)
        position = pair[side] + 1
    return [*found, length - position]


def _sink(lines: Lines, gaps: list[int], others: list[int]) -> None:
    """Move each run of changed lines down as far as the same text allows, or to the last run of the other side.

    A run may move past a line that stays if the line is equal to the one it gains at its other end; runs that meet
    become one, which may then move further.
    """
    gap = start = 0
    while gap < len(gaps):
        size = 0
        partner = None
        while gaps[gap] > size:
            size = gaps[gap]
            while start > 0 and lines[start - 1] == lines[start + gaps[gap] - 1]:
                start -= 1 + gaps[gap - 1]
                gap = _shift(gaps, gap, -1)
            partner = gap if others[gap] else None
            while start + gaps[gap] < len(lines) and lines[start] == lines[start + gaps[gap]]:
                start += 1
                gap = _shift(gaps, gap, 1)
                partner = gap if others[gap] else partner
        while partner is not None and gap > partner:
            start -= 1
            gap = _shift(gaps, gap, -1)
        start += gaps[gap] + 1
        gap += 1


def _shift(gaps: list[int], gap: int, step: int) -> int:
    """Move a run of changed lines into the gap beside it, joining what is there, and return that gap."""
    gaps[gap + step] += gaps[gap]
    gaps[gap] = 0
    return gap + step


def _hunks(old_gaps: list[int], new_gaps: list[int]) -> list[Hunk]:
    found = []
    start = new_start = 0
    for removed, added in zip(old_gaps, new_gaps, strict=True):
        if removed or added:
            found.append(Hunk(start, start + removed, new_start, new_start + added))
        start += removed + 1
        new_start += added + 1
    return found
