"""What a check of a SQL store reads: every object against its id, and what rows promise each other."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial

from tract.exceptions import CorruptionError
from tract.model.commits import named_blobs
from tract.model.encoding import decode
from tract.model.refs import (
    BRANCHES,
    CHILDREN,
    HORIZON,
    INCOMING,
    MERGES,
    NOTES,
    PARENT,
    REMEMBERED,
    REMOTES,
    TAGS,
    TRACKING,
    WORKSPACES,
)
from tract.protocols import Fault
from tract.storage import statements
from tract.storage.database import Database
from tract.storage.ids import ID_BYTES, joined_keys, target_text
from tract.storage.rows import (
    Parameters,
    Row,
    buried,
    bytes_text,
    checked,
    logged_move,
    microseconds,
    readable,
    seal_of,
    stored_commit,
    text_bytes,
    token_counts,
)
from tract.storage.schema import BLOB_KIND, LINE_PLACES, TOMBSTONE_KIND, TRACT_MOVES
from tract.storage.search_checking import index_faults

_BATCH = 200
"""How many rows are held at a time."""

_BLOBS = """
SELECT row_id, id, kind, encoding, tokens, exact, seal, payload FROM blobs
WHERE row_id > :after ORDER BY row_id LIMIT :limit"""
_COMMITS = f"""
SELECT c.place, {statements.COMMIT_COLUMNS}, c.parent, p.id, p.generation
FROM commits c LEFT JOIN commits p ON p.place = c.parent
WHERE c.place > :after ORDER BY c.place LIMIT :limit"""
_PARENTS = """
SELECT q.child, q.n, m.id, m.generation FROM parents q LEFT JOIN commits m ON m.place = q.parent
WHERE q.child >= :low AND q.child <= :high ORDER BY q.child, q.n"""
_LOST_PARENTS = """
SELECT q.child FROM parents q LEFT JOIN commits c ON c.place = q.child WHERE c.place IS NULL LIMIT :limit"""
_COUNTS = """
SELECT t.blob, b.id, t.tokens, t.exact, t.seal FROM token_counts t LEFT JOIN blobs b ON b.row_id = t.blob
WHERE t.encoding = :encoding AND t.blob > :after ORDER BY t.blob LIMIT :limit"""
_STRAY_COUNTS = """
SELECT t.blob FROM token_counts t LEFT JOIN encodings e ON e.row_id = t.encoding WHERE e.row_id IS NULL LIMIT :limit"""
_KIND_OF = """
(CASE WHEN EXISTS (SELECT 1 FROM commits WHERE id = {0}) THEN 'commit'
    ELSE (SELECT CASE WHEN kind = 0 THEN 'blob' ELSE 'record' END FROM blobs WHERE id = {0}) END)"""
_REFS = f"""
SELECT r.name, r.target, {_KIND_OF.format("r.target")}, (SELECT l.new FROM moves l WHERE l.ref = r.name
    AND l.number > :tract * {TRACT_MOVES} AND l.number < (:tract + 1) * {TRACT_MOVES} ORDER BY l.number DESC LIMIT 1)
FROM refs r WHERE r.tract = :tract AND r.name > :after ORDER BY r.name LIMIT :limit"""
_HORIZONS = "SELECT b.payload FROM refs r JOIN blobs b ON b.id = r.target WHERE r.name = :ref"
_STRAY_REFS = """
SELECT r.name FROM refs r LEFT JOIN tracts t ON t.row_id = r.tract WHERE t.row_id IS NULL LIMIT :limit"""
_TORN_OPERATIONS = """
SELECT operation FROM moves GROUP BY operation HAVING min(n) <> 0 OR max(n) <> count(*) - 1 LIMIT :limit"""
_MOVES = f"""
SELECT m.number, m.operation, m.ref, m.old, m.new, m.kind, m.author, m.created_at, m.seal,
    (SELECT l.new FROM moves l WHERE l.ref = m.ref AND l.number < m.number
        AND l.number > m.number / {TRACT_MOVES} * {TRACT_MOVES} ORDER BY l.number DESC LIMIT 1),
    {_KIND_OF.format("m.new")},
    EXISTS (SELECT 1 FROM refs r WHERE r.tract = m.number / {TRACT_MOVES} AND r.name = m.ref)
        OR EXISTS (SELECT 1 FROM moves l WHERE l.ref = m.ref AND l.number > m.number
            AND l.number < (m.number / {TRACT_MOVES} + 1) * {TRACT_MOVES})
FROM moves m WHERE m.number > :after ORDER BY m.number LIMIT :limit"""

_TARGET_KINDS = {
    BRANCHES: "commit",
    TAGS: "commit",
    TRACKING: "commit",
    CHILDREN: "commit",
    MERGES: "record",
    REMEMBERED: "record",
    NOTES: "record",
    PARENT: "record",
    HORIZON: "record",
    REMOTES: "record",
}


def check_store(database: Database) -> Iterator[Fault]:
    """Yield what is wrong; a part that cannot be read is a fault of its own, and the other parts are still checked."""
    for part in (_damage, _names, _blobs, _commits, _counts, _refs, _moves, _recorded):
        try:
            yield from part(database)
        except CorruptionError as error:
            yield Fault("database", str(error))


def _damage(database: Database) -> Iterator[Fault]:
    for problem in database.damage():
        yield Fault("database", problem)


def _names(database: Database) -> Iterator[Fault]:
    for sql, word in ((statements.TRACTS, "tract"), (statements.ENCODINGS, "encoding")):
        for _, name, seal in database.read(sql, {}):
            if not isinstance(name, bytes) or seal != seal_of(name):
                yield Fault(f"{word} {name!r}", "its name was altered")


def _blobs(database: Database) -> Iterator[Fault]:
    encodings = _encodings(database)
    for rows in _batches(database, _BLOBS, 0):
        for row in rows:
            yield from _guarded(f"object {_hex(row[1])}", partial(_blob, row, encodings))


def _blob(row: Row, encodings: Mapping[int, str]) -> Iterator[Fault]:
    _, key, kind, encoding, tokens, exact, seal, payload = row
    if kind == TOMBSTONE_KIND:
        buried(key, payload)
    else:
        checked(b"blob" if kind == BLOB_KIND else b"record", key, payload)
    if encoding is not None:
        token_counts([(key, tokens, exact, seal)], encodings[encoding])
    yield from ()


def _commits(database: Database) -> Iterator[Fault]:
    encodings = _encodings(database)
    before = -1
    for rows in _batches(database, _COMMITS, -1):
        others: dict[int, list[Row]] = {}
        for child, *other in database.read(_PARENTS, {"low": rows[0][0], "high": rows[-1][0]}):
            others.setdefault(child, []).append(tuple(other))
        named: dict[str, str] = {}
        for row in rows:
            check = partial(_commit, row, others.get(row[0], []), before, encodings=encodings, named=named)
            yield from _guarded(f"commit {_hex(row[1])}", check)
            before = row[0]
        yield from _missing_blobs(database, named)
    for row in database.read(_LOST_PARENTS, {"limit": _BATCH}):
        yield Fault(f"merge at place {row[0]}", "its commit is missing")


def _commit(
    row: Row, others: Sequence[Row], before: int, *, encodings: Mapping[int, str], named: dict[str, str]
) -> Iterator[Fault]:
    place, parent, parent_key, parent_generation = row[0], *row[-3:]
    where = f"commit {row[1].hex()}"
    stored = stored_commit(row[1:-3], encodings[row[6]])
    found = [] if parent_key is None else [(0, parent_key, parent_generation)]
    found += [(n, key, generation) for n, key, generation in others if key is not None]
    if [(n, key.hex()) for n, key, _ in found] != list(enumerate(stored.commit.parents)):
        yield Fault(where, "its parents' rows are missing or altered")
    elif stored.generation != 1 + max((generation for _, _, generation in found), default=0):
        yield Fault(where, "its generation is not one more than its parents'")
    if not _stands_right(place, parent, before):
        yield Fault(where, "its place does not follow from its first parent's")
    named.update(dict.fromkeys(named_blobs(stored.commit.changes), stored.commit.id))


def _stands_right(place: int, parent: int | None, before: int) -> bool:
    """Tell whether a commit follows its parent on its line, or begins a line one position behind its parent."""
    if place // LINE_PLACES == before // LINE_PLACES:
        return parent == before == place - 1
    return place % LINE_PLACES == (0 if parent is None else parent % LINE_PLACES + 1)


def _missing_blobs(database: Database, named: Mapping[str, str]) -> Iterator[Fault]:
    """Yield the commits that name messages which are not there; `named` maps message to commit."""
    rows = database.read(database.statements.known_blobs, {"ids": joined_keys(named)})
    found = {row[0].hex() for row in rows}
    for blob, commit in named.items():
        if blob not in found:
            yield Fault(f"commit {commit}", f"names a message that is not stored: {blob}")


def _counts(database: Database) -> Iterator[Fault]:
    for encoding, name in _encodings(database).items():
        for rows in _batches(database, _COUNTS, 0, {"encoding": encoding}):
            for row in rows:
                yield from _guarded(f"token count of {_hex(row[1])}", partial(_count, row, name))
    for row in database.read(_STRAY_COUNTS, {"limit": _BATCH}):
        yield Fault(f"token count {row[0]}", "its encoding is missing")


def _count(row: Row, encoding: str) -> Iterator[Fault]:
    if row[1] is None:
        yield Fault(f"token count {row[0]}", "its message is missing")
    else:
        token_counts([row[1:]], encoding)


def _refs(database: Database) -> Iterator[Fault]:
    for tract, *_ in database.read(statements.TRACTS, {}):
        for rows in _batches(database, _REFS, b"", {"tract": tract}):
            for row in rows:
                yield from _guarded(f"ref {_shown(row[0])}", partial(_ref, row))
    for row in database.read(_STRAY_REFS, {"limit": _BATCH}):
        yield Fault(f"ref {_shown(row[0])}", "its tract is missing")


def _ref(row: Row) -> Iterator[Fault]:
    name, target, kind, logged = bytes_text(row[0]), *row[1:]
    if target != logged:
        yield Fault(f"ref {name}", "it does not stand where its log left it")
    wanted = next((kind for prefix, kind in _TARGET_KINDS.items() if name.startswith(prefix)), None)
    if name.startswith(INCOMING):
        return
    if name.startswith(WORKSPACES):
        if not target_text(target).startswith(BRANCHES):
            yield Fault(f"ref {name}", "it names no branch")
    elif kind is None or kind != (wanted or kind):
        yield Fault(f"ref {name}", f"it names no {wanted or 'object'} that is stored")


def _moves(database: Database) -> Iterator[Fault]:
    has_gaps = database.statements.dialect.logged_moves is not None
    horizon = _collected_before(database)
    before = 0
    for rows in _batches(database, _MOVES, 0):
        for row in rows:
            yield from _guarded(f"operation {_hex(row[1])}", partial(_move, row, None if has_gaps else before, horizon))
            before = row[0]
    for row in database.read(_TORN_OPERATIONS, {"limit": _BATCH}):
        yield Fault(f"operation {_hex(row[0])}", "its moves are not numbered in a row")


def _collected_before(database: Database) -> int:
    """Return the time, in microseconds, before which a log may name what was collected."""
    rows = database.read(_HORIZONS, {"ref": text_bytes(HORIZON)})
    with readable():
        times = [microseconds(datetime.fromisoformat(decode(payload)["before"])) for (payload,) in rows]
    return max(times, default=-(2**63))


def _move(row: Row, before: int | None, horizon: int) -> Iterator[Fault]:
    """Check a move; `before` is the number of the move before it, None where numbers have gaps."""
    number, previous, kind, seen = row[0], *row[-3:]
    logged = logged_move(row[1:-3])
    where = f"operation {logged.operation.id}"
    if before is not None and not _is_next(number, before):
        yield Fault(where, "the log before it is missing")
    if row[3] != previous:
        yield Fault(where, f"it did not move {logged.move.name} from where the log left it")
    if kind is None and row[4] is not None and len(row[4]) == ID_BYTES and row[7] >= horizon:
        yield Fault(where, f"the object that {logged.move.name} was moved to is missing")
    if not seen and row[4] is not None:
        yield Fault(f"ref {logged.move.name}", "its log says that it exists")


def _is_next(number: int, before: int) -> bool:
    """Tell whether a move's number follows another's, or is the first of its tract."""
    begins = number // TRACT_MOVES != before // TRACT_MOVES
    return number % TRACT_MOVES == 1 if begins else number == before + 1


def _recorded(database: Database) -> Iterator[Fault]:
    for where, problem in index_faults(database.read, database.statements, limit=_BATCH):
        yield Fault(where, problem)


def _batches(database: Database, sql: str, after: object, parameters: Parameters | None = None) -> Iterator[list[Row]]:
    """Yield a table's rows, a batch at a time; the first column is the key that the statement goes on from."""
    while rows := database.read(sql, {**(parameters or {}), "after": after, "limit": _BATCH}):
        yield rows
        after = rows[-1][0]


def _guarded(where: str, check: Callable[[], Iterator[Fault]]) -> Iterator[Fault]:
    """Yield what a check of one row finds; a row that cannot be read is a fault too."""
    try:
        with readable():
            yield from check()
    except CorruptionError as error:
        yield Fault(where, str(error))


def _encodings(database: Database) -> dict[int, str]:
    with readable():
        return {number: bytes_text(name) for number, name, _ in database.read(statements.ENCODINGS, {})}


def _hex(key: object) -> str:
    return key.hex() if isinstance(key, bytes) else repr(key)


def _shown(name: object) -> str:
    """Return a stored name for people, whatever became of it."""
    return name.decode("utf-8", "backslashreplace") if isinstance(name, bytes) else repr(name)
