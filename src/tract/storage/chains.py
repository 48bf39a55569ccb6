"""A part of a first-parent chain as rows, which become commits or changes as far as they are asked for."""

from collections.abc import Iterator, Sequence

from tract.exceptions import CorruptionError
from tract.model.changes import Change
from tract.model.commits import Commit, parse_commits, parse_steps
from tract.storage.rows import Row, all_checked, readable

_TOGETHER = 128
"""How many commits are parsed at a time: few objects are alive then, and no garbage collection goes through them."""


class ChainRows:
    """Rows of position, id and payload. Each commit is hashed, and compared with what the one behind it names.

    Raises:
        CorruptionError: there is a gap between them.
    """

    def __init__(self, rows: list[Row], wanted: int) -> None:
        with readable():
            rows.sort(reverse=True)
            self._rows = rows
            self.ids: Sequence[str] = [row[1].hex() for row in rows]
            self.is_whole = bool(rows) and rows[-1][0] == 0
            if rows:
                _check_places(rows, wanted)

    def commits(self) -> list[Commit]:
        """Return all of them, newest first."""
        with readable():
            found = parse_commits(*all_checked(b"commit", [row[1:] for row in self._rows]))
        _check_parents(self.ids, [commit.parents[:1] for commit in found], whole=self.is_whole)
        return found

    def changes(self, count: int) -> Iterator[Change]:
        """Yield the changes of the newest `count` commits, oldest first."""
        parent = (self.ids[count],) if count < len(self.ids) else () if self.is_whole else None
        for stop in range(count, 0, -_TOGETHER):
            with readable():
                some = [row[1:] for row in self._rows[max(stop - _TOGETHER, 0) : stop][::-1]]
                ids, payloads = all_checked(b"commit", some)
                found = parse_steps(ids, payloads)
            for name, (parents, changes) in zip(ids, found, strict=True):
                if parent is not None and parents != parent:
                    raise _misplaced(name)
                parent = (name,)
                yield from changes


def _check_places(rows: Sequence[Row], wanted: int) -> None:
    """Raise CorruptionError unless positions follow each other down to the first, or to as many as were wanted."""
    top, bottom = rows[0][0], rows[-1][0]
    if top - bottom != len(rows) - 1 or (len(rows) < wanted and bottom):
        name = rows[0][1].hex()
        raise CorruptionError(f"the history of commit {name} has a gap", object_id=name)


def _check_parents(ids: Sequence[str], parents: Sequence[tuple[str, ...]], *, whole: bool) -> None:
    """Raise CorruptionError unless commits, newest first, are each other's first parents."""
    for name, named, older in zip(ids, parents, ids[1:], strict=False):
        if named != (older,):
            raise _misplaced(name)
    if ids and whole != (not parents[-1]):
        raise _misplaced(ids[-1])


def _misplaced(name: str) -> CorruptionError:
    return CorruptionError(f"the first parent of commit {name} is not in its place", object_id=name)
