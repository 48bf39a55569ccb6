"""Rebuilding what is only an index: where commits lie, what is kept beside them, and token counts."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from tract.exceptions import BusyError
from tract.protocols import NewCommit
from tract.storage import statements
from tract.storage.collecting import keep_writers_out, pages
from tract.storage.database import Database
from tract.storage.rows import Row, bytes_text, commit_row, count_seal, readable
from tract.storage.schema import LINE_PLACES
from tract.storage.search_checking import index_faults
from tract.storage.statements import Statements, write
from tract.storage.writing import Transaction, empty_index

_COMMITS = """
SELECT place, id, parent, generation, message_count, token_count, tokens_exact, encoding, extras, seal FROM commits"""
_PARENTS = "SELECT child, n, parent FROM parents"
_COUNTED = """
SELECT row_id, id, encoding, tokens, exact, seal FROM blobs
WHERE encoding IS NOT NULL AND row_id > :after ORDER BY row_id LIMIT :limit"""
_COUNTS = """
SELECT t.blob, b.id, t.encoding, t.tokens, t.exact, t.seal FROM token_counts t LEFT JOIN blobs b ON b.row_id = t.blob"""

_PUT_ASIDE = write(
    "UPDATE commits SET place = -1 - :place, parent = :above, generation = :generation WHERE id = :id",
    *("id", "place", "above", "generation"),
)
_PUT_BACK = "UPDATE commits SET place = -1 - place WHERE place < 0"
_NO_PARENTS = "DELETE FROM parents"
_ADD_PARENT = write("INSERT INTO parents (child, n, parent) VALUES (:child, :n, :above)", "child", "n", "above")
_SET_FACTS = write(
    """
UPDATE commits SET message_count = :message_count, token_count = :token_count, tokens_exact = :tokens_exact,
    encoding = :encoding, extras = :extras, seal = :seal WHERE id = :id""",
    *("id", "message_count", "token_count", "tokens_exact", "encoding", "extras", "seal"),
)
_UNCOUNT = write(
    "UPDATE blobs SET encoding = NULL, tokens = NULL, exact = NULL, seal = NULL WHERE row_id = :row", "row"
)
_DROP_COUNT = write("DELETE FROM token_counts WHERE blob = :blob AND encoding = :encoding", "blob", "encoding")


class _Layout(NamedTuple):
    """Where commits are to lie: id to (place, place of the first parent, generation), and the rows of merges."""

    places: Mapping[bytes, tuple[int, int | None, int]]
    merges: frozenset[tuple[int, int, int]]


def reindex(database: Database, commits: Sequence[NewCommit], encoding_row: Callable[[str], int]) -> int:
    """Lay out all commits, given parents first, and put these facts beside them; return how many rows were wrong.

    Raises:
        BusyError: others wrote meanwhile; nothing was changed.
    """
    facts = {
        row[0]: (*row[3:6], *row[6:9]) for row in (commit_row(new, encoding_row(new.facts.encoding)) for new in commits)
    }
    return database.transact(partial(_reindex, database.statements, commits, facts))


def drop_altered_counts(database: Database) -> int:
    """Delete the token counts that are not what was written, and return how many."""
    names = {number: bytes_text(name) for number, name, _ in database.read(statements.ENCODINGS, {})}
    with readable():
        wrong = [row[0] for row in pages(database, _COUNTED, 0) if not _is_count(row, names)]
        stray = [row for row in database.read(_COUNTS, {}) if not _is_count(row, names)]

    def drop(transaction: Transaction) -> int:
        if wrong:
            transaction.write(_UNCOUNT, [(row_id,) for row_id in wrong])
        if stray:
            transaction.write(_DROP_COUNT, [(blob, encoding) for blob, _, encoding, *_ in stray])
        return len(wrong) + len(stray)

    return database.transact(drop)


def _is_count(row: Row, names: Mapping[int, str]) -> bool:
    _, key, encoding, tokens, exact, seal = row
    try:
        return key is not None and seal == count_seal(key, names[encoding], tokens, exact)
    except (LookupError, TypeError, ValueError):
        return False


def _reindex(
    sql: Statements, commits: Sequence[NewCommit], facts: Mapping[bytes, Row], transaction: Transaction
) -> int:
    keep_writers_out(transaction, sql)
    standing = {row[1]: row for row in transaction.read(_COMMITS, {})}
    merges = frozenset(transaction.read(_PARENTS, {}))
    if standing.keys() != facts.keys():
        raise BusyError("others wrote while the index was to be rebuilt")
    stray = list(index_faults(transaction.read, sql, limit=1))
    lies_right = _lies_right(commits, standing, merges)
    wrong = 0
    if stray or not lies_right:
        # The index of words names commits by their places, and the next search fills it anew.
        empty_index(transaction, sql)
        wrong += len(stray)
    if not lies_right:
        layout = _plan(commits)
        transaction.write(_PUT_ASIDE, [(key, *found) for key, found in layout.places.items()])
        transaction.read(_PUT_BACK, {})
        transaction.read(_NO_PARENTS, {})
        if layout.merges:
            transaction.write(_ADD_PARENT, sorted(layout.merges))
        last_line = max((place for place, *_ in layout.places.values()), default=0) // LINE_PLACES
        if sql.dialect.restart_lines is not None:
            transaction.read(sql.dialect.restart_lines, {"line": last_line + 1})
        before = {key: (row[0], row[2], row[3]) for key, row in standing.items()}
        wrong += sum(found != before[key] for key, found in layout.places.items()) + len(layout.merges ^ merges)
    mended = [(key, *row) for key, row in facts.items() if tuple(standing[key][4:]) != row]
    if mended:
        transaction.write(_SET_FACTS, mended)
    return wrong + len(mended)


def _lies_right(
    commits: Sequence[NewCommit], standing: Mapping[bytes, Row], merges: frozenset[tuple[int, int, int]]
) -> bool:
    """Tell whether every commit's place, first parent and generation are what they must be, and merges' parents too."""
    generations: dict[str, int] = {}
    wanted: set[tuple[int, int, int]] = set()
    first_of: dict[int, int] = {}
    for row in standing.values():
        line = row[0] // LINE_PLACES
        first_of[line] = min(row[0], first_of.get(line, row[0]))
    for commit, *_ in commits:
        place, _, parent, generation, *_ = standing[bytes.fromhex(commit.id)]
        above = [standing[bytes.fromhex(name)][0] for name in commit.parents]
        generations[commit.id] = 1 + max((generations[name] for name in commit.parents), default=0)
        wanted.update((place, n, other) for n, other in enumerate(above) if n)
        if parent != (above[0] if above else None) or generation != generations[commit.id]:
            return False
        begins = first_of[place // LINE_PLACES] == place
        position = above[0] % LINE_PLACES + 1 if above else 0
        if place % LINE_PLACES != position or not (begins or (above and place == above[0] + 1)):
            return False
    return wanted == merges


def _plan(commits: Sequence[NewCommit]) -> _Layout:
    """Return a layout in which each commit follows its first parent, or begins a line where another does already."""
    places: dict[bytes, tuple[int, int | None, int]] = {}
    taken: set[int] = set()
    merges: list[tuple[int, int, int]] = []
    lines = 0
    for commit, *_ in commits:
        above = [places[bytes.fromhex(name)] for name in commit.parents]
        place = above[0][0] + 1 if above else -1
        if not above or place in taken:
            lines += 1
            place = lines * LINE_PLACES + (above[0][0] % LINE_PLACES + 1 if above else 0)
        taken.add(place)
        generation = 1 + max((found[2] for found in above), default=0)
        places[bytes.fromhex(commit.id)] = (place, above[0][0] if above else None, generation)
        merges += [(place, n, found[0]) for n, found in enumerate(above) if n]
    return _Layout(places, frozenset(merges))
