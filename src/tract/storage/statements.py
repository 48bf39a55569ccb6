"""The SQL of a store, as text with named parameters; a dialect gives the few pieces that databases spell apart."""

import re
from dataclasses import dataclass
from typing import NamedTuple

from tract.storage.schema import LINE_PLACES, TRACT_MOVES


class Write(NamedTuple):
    """A statement that takes rows: with parameters by name, in the order of a row's values, and by number."""

    sql: str
    names: tuple[str, ...]
    numbered_sql: str


def write(sql: str, *names: str) -> Write:
    """Return a statement and the order of its parameters."""
    return Write(sql, names, re.sub(r":(\w+)", lambda found: f"?{names.index(found[1]) + 1}", sql))


class LoggedMoves(NamedTuple):
    """Statements that make, move or delete a ref and log that, in one: of a row for the log, and `object` behind it."""

    add: Write
    move: Write
    delete: Write


class WordIndex(NamedTuple):
    """The index of words, a database's own; a row for each message, whose key is the message's row.

    `state` gives whether such an index can be had and whether it is there, `make` makes it. `key` is the column that
    is the key. `find` is the condition that a row has what `:words` asks for, in the database's own language.
    """

    state: str
    make: str
    key: str
    add: Write
    find: str
    empty: str


@dataclass(frozen=True, slots=True)
class Dialect:
    """What databases spell apart.

    `with_wanted` makes a table `wanted(id)` of one parameter `:ids`, which holds ids one behind the other. `add_commit`
    gives a commit the place behind its first parent if that is free, else one on a new line; it inserts nothing if a
    first parent is missing. `walk_up` is the recursive part of a walk to the ancestors, and
    `{further}` in it the condition to go on. `next_number` is the number of
    a tract's next move. `locks_rows`: writers that insert the same messages at once must do it in the same order; where
    one writes at a time, they lie in the order of the conversation instead, which reads them faster. `logged_moves` are
    for writers at once too: a ref's log then has the order of its moves, but the numbers have gaps. `lock_tables` keeps
    other writers out until the transaction ends, where beginning it does not. `restart_lines` says which line comes
    next, where lines are drawn from a sequence.
    """

    with_wanted: str
    add_commit: str
    walk_up: str
    next_number: str
    locks_rows: bool
    word_index: WordIndex
    logged_moves: LoggedMoves | None = None
    lock_tables: str | None = None
    restart_lines: str | None = None


COMMIT_COLUMNS = """c.id, c.generation,
    c.message_count, c.token_count, c.tokens_exact, c.encoding, c.extras, c.seal, c.payload"""

FIND_TRACT = "SELECT row_id, seal FROM tracts WHERE name = :name"
ADD_TRACT = write("INSERT INTO tracts (name, seal) VALUES (:name, :seal) ON CONFLICT DO NOTHING", "name", "seal")
TRACTS = "SELECT row_id, name, seal FROM tracts ORDER BY name"
ENCODINGS = "SELECT row_id, name, seal FROM encodings"
ADD_ENCODING = write("INSERT INTO encodings (name, seal) VALUES (:name, :seal) ON CONFLICT DO NOTHING", "name", "seal")

ADD_BLOB = write(
    """
INSERT INTO blobs (id, kind, encoding, tokens, exact, seal, payload)
VALUES (:id, :kind, :encoding, :tokens, :exact, :seal, :payload) ON CONFLICT (id) DO NOTHING""",
    *("id", "kind", "encoding", "tokens", "exact", "seal", "payload"),
)
ADD_COUNT = write(
    """
INSERT INTO token_counts (blob, encoding, tokens, exact, seal)
SELECT b.row_id, :encoding, :tokens, :exact, :seal FROM blobs b
WHERE b.id = :id AND b.kind <> 1 AND (b.encoding IS NULL OR b.encoding <> :encoding)
ON CONFLICT DO NOTHING""",
    *("id", "encoding", "tokens", "exact", "seal"),
)
ADD_PARENT = write(
    """
INSERT INTO parents (child, n, parent)
SELECT c.place, :n, p.place FROM commits c CROSS JOIN commits p WHERE c.id = :id AND p.id = :parent
ON CONFLICT DO NOTHING""",
    *("id", "n", "parent"),
)

BURY = write("UPDATE blobs SET kind = 2, payload = :payload WHERE id = :id", "id", "payload")
TOMBSTONES = "SELECT id, payload FROM blobs WHERE kind = 2 ORDER BY id"
FIND_RECORD = "SELECT payload FROM blobs WHERE id = :id AND kind = 1"
FIND_REF = "SELECT target FROM refs WHERE tract = :tract AND name = :ref"
REFS = "SELECT name, target FROM refs WHERE tract = :tract AND name >= :low AND name < :high ORDER BY name"
TIP = f"""
SELECT r.target, {COMMIT_COLUMNS} FROM refs r LEFT JOIN commits c ON c.id = r.target AND r.target <> :known
WHERE r.tract = :tract AND r.name = :ref"""
"""Reads nothing of the commit that the caller knows."""

COMMIT_IDS = "SELECT id FROM commits WHERE id BETWEEN :low AND :high ORDER BY id LIMIT :limit"
HAS_OPERATION = "SELECT 1 FROM moves WHERE operation = :operation LIMIT 1"
HAS_MOVE = "SELECT 1 FROM moves WHERE operation = :operation AND n = :n"

_STORED = """(:object IS NULL OR EXISTS (SELECT 1 FROM commits WHERE id = :object)
    OR EXISTS (SELECT 1 FROM blobs WHERE id = :object))"""
_REF_ROW = ("tract", "ref", "old", "new", "object")
ADD_REF = write(
    f"""
INSERT INTO refs (tract, name, target) SELECT :tract, :ref, :new WHERE :old IS NULL AND {_STORED}
ON CONFLICT DO NOTHING""",
    *_REF_ROW,
)
MOVE_REF = write(
    f"UPDATE refs SET target = :new WHERE tract = :tract AND name = :ref AND target = :old AND {_STORED}", *_REF_ROW
)
DELETE_REF = write(
    "DELETE FROM refs WHERE tract = :tract AND name = :ref AND target = :old AND :new IS NULL AND :object IS NULL",
    *_REF_ROW,
)

_MOVES = f"""
SELECT operation, ref, old, new, kind, author, created_at, seal FROM moves
WHERE number > :tract * {TRACT_MOVES} AND number < (:tract + 1) * {TRACT_MOVES}"""
MOVES = f"{_MOVES} ORDER BY number DESC LIMIT :limit OFFSET :skip"
MOVES_OF_REF = f"{_MOVES} AND ref = :ref ORDER BY number DESC LIMIT :limit OFFSET :skip"

_OF_TRACT = f"{{0}}.number > :tract * {TRACT_MOVES} AND {{0}}.number < (:tract + 1) * {TRACT_MOVES}"
_OPERATIONS = f"""
SELECT l.operation, l.ref, l.old, l.new, l.kind, l.author, l.created_at, l.seal FROM (
    SELECT m.number, m.operation FROM moves m
    WHERE {_OF_TRACT.format("m")} AND {{wanted}} AND NOT EXISTS (
        SELECT 1 FROM moves p WHERE p.operation = m.operation AND p.n = m.n - 1 AND {_OF_TRACT.format("p")})
    ORDER BY {{order}} LIMIT :limit
) m CROSS JOIN moves l WHERE l.operation = m.operation AND {_OF_TRACT.format("l")} ORDER BY {{order}}, l.n"""
OPERATIONS = _OPERATIONS.format(wanted="1 = 1", order="m.number DESC")
OPERATIONS_BEFORE = _OPERATIONS.format(
    wanted=f"""m.number <
        (SELECT min(b.number) FROM moves b WHERE b.operation = :before AND {_OF_TRACT.format("b")})""",
    order="m.number DESC",
)
FIND_OPERATIONS = _OPERATIONS.format(wanted="m.operation BETWEEN :low AND :high", order="m.operation")
"""An operation's moves of one tract have neighbouring numbers `n`; the first of them tells its place."""

CHAIN = f"""
WITH RECURSIVE path (line, top, next, low, high) AS (
    SELECT c.place / {LINE_PLACES}, c.place % {LINE_PLACES}, f.parent,
        c.place % {LINE_PLACES} - :skip - :limit + 1, c.place % {LINE_PLACES} - :skip
    FROM commits c CROSS JOIN commits f
    WHERE c.id = :id AND f.place =
        (SELECT min(m.place) FROM commits m WHERE m.place >= c.place / {LINE_PLACES} * {LINE_PLACES})
    UNION ALL
    SELECT path.next / {LINE_PLACES}, path.next % {LINE_PLACES}, f.parent, path.low, path.high
    FROM path CROSS JOIN commits f
    WHERE path.next % {LINE_PLACES} >= path.low AND f.place =
        (SELECT min(m.place) FROM commits m WHERE m.place >= path.next / {LINE_PLACES} * {LINE_PLACES})
)
SELECT c.place % {LINE_PLACES}, c.id, c.payload FROM path CROSS JOIN commits c
WHERE c.place >= path.line * {LINE_PLACES} + CASE WHEN path.low > 0 THEN path.low ELSE 0 END
    AND c.place <= path.line * {LINE_PLACES} + CASE WHEN path.top < path.high THEN path.top ELSE path.high END"""
"""`next` is the place where a line left another; the walk ends where that is below what is asked for."""


_SEEN = "EXISTS (SELECT 1 FROM recorded r WHERE r.tract = :tract AND r.blob = 0 AND r.place = {0}.place)"


class SearchStatements:
    """The statements of search: what commits are news to the index, what they recorded, and what is found in it."""

    def __init__(self, dialect: Dialect) -> None:
        wanted, index = dialect.with_wanted, dialect.word_index
        walk = """
WITH RECURSIVE walk (place, parent, generation) AS (
    SELECT c.place, c.parent, c.generation FROM moves m CROSS JOIN commits c
    WHERE m.number > :since AND m.number < :upto AND c.id = m.new
    UNION{walk_up}
)
SELECT c.id FROM walk w CROSS JOIN commits c WHERE c.place = w.place AND {news} ORDER BY w.generation, c.id"""
        self.fresh = walk.format(
            walk_up=dialect.walk_up.format(further=f"NOT {_SEEN.format('walk')}"), news=f"NOT {_SEEN.format('w')}"
        )
        self.everything = walk.format(walk_up=dialect.walk_up.format(further="1 = 1"), news="1 = 1")
        self.commits = f"""
{wanted} SELECT c.id, c.place, c.generation, c.payload FROM wanted CROSS JOIN commits c WHERE c.id = wanted.id"""
        self.blobs = f"""
{wanted} SELECT b.id, b.row_id, b.payload FROM wanted CROSS JOIN blobs b WHERE b.id = wanted.id AND b.kind = 0"""
        self.new_blobs = f"""
{wanted} SELECT b.id, b.row_id,
    CASE WHEN EXISTS (SELECT 1 FROM blob_words w WHERE w.{index.key} = b.row_id) THEN NULL ELSE b.payload END
FROM wanted CROSS JOIN blobs b WHERE b.id = wanted.id AND b.kind = 0"""
        self.find = f"""
SELECT c.id, c.generation, r.n, r.message, b.id
FROM blob_words w CROSS JOIN recorded r CROSS JOIN commits c CROSS JOIN blobs b
WHERE {index.find} AND r.tract = :tract AND r.blob = w.{index.key} AND c.place = r.place AND b.row_id = r.blob
ORDER BY c.generation DESC, c.id, r.n DESC LIMIT :limit OFFSET :skip"""
        self.progress = f"""
SELECT (SELECT number FROM searched WHERE tract = :tract),
    (SELECT max(number) FROM moves WHERE number > :tract * {TRACT_MOVES} AND number < (:tract + 1) * {TRACT_MOVES})"""
        self.add_recorded = write(
            """
INSERT INTO recorded (tract, blob, place, n, message) SELECT :tract, :blob, :place, :n, :message
WHERE EXISTS (SELECT 1 FROM commits WHERE place = :place AND id = :id) ON CONFLICT DO NOTHING""",
            *("tract", "blob", "place", "n", "message", "id"),
        )
        self.add_progress = write(
            """
INSERT INTO searched (tract, number) VALUES (:tract, :number)
ON CONFLICT (tract) DO UPDATE SET number = excluded.number WHERE searched.number < excluded.number""",
            *("tract", "number"),
        )


class Statements:
    """The statements that a dialect has a part in."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        wanted = dialect.with_wanted
        self.add_commit = write(
            dialect.add_commit,
            *("id", "parent", "ids", "message_count", "token_count", "tokens_exact", "encoding", "extras", "seal"),
            "payload",
        )
        self.add_move = write(
            f"""
INSERT INTO moves (number, operation, n, ref, old, new, kind, author, created_at, seal)
VALUES ({dialect.next_number}, :operation, :n, :ref, :old, :new, :kind, :author, :created_at, :seal)
ON CONFLICT (operation, n) DO NOTHING""",
            *("tract", "operation", "n", "ref", "old", "new", "kind", "author", "created_at", "seal"),
        )
        self.commits = f"{wanted} SELECT {COMMIT_COLUMNS} FROM wanted CROSS JOIN commits c WHERE c.id = wanted.id"
        self.known = f"{wanted} SELECT c.id FROM wanted CROSS JOIN commits c WHERE c.id = wanted.id"
        self.known_blobs = f"{wanted} SELECT b.id FROM wanted CROSS JOIN blobs b WHERE b.id = wanted.id AND b.kind <> 1"
        self.blobs = f"""
{wanted} SELECT wanted.id, b.kind, b.payload FROM wanted CROSS JOIN blobs b WHERE b.id = wanted.id AND b.kind <> 1"""
        self.counts = f"""
{wanted} SELECT wanted.id, coalesce(t.tokens, b.tokens), coalesce(t.exact, b.exact), coalesce(t.seal, b.seal)
FROM wanted CROSS JOIN blobs b LEFT JOIN token_counts t ON t.blob = b.row_id AND t.encoding = :encoding
WHERE b.id = wanted.id AND (b.encoding = :encoding OR t.encoding = :encoding)"""
        self.search = SearchStatements(dialect)
        self.ancestry = f"""
{wanted}, walk (place, parent, generation) AS (
    SELECT c.place, c.parent, c.generation FROM wanted CROSS JOIN commits c WHERE c.id = wanted.id
    UNION{dialect.walk_up.format(further="walk.generation > :floor")}
)
SELECT c.id, w.generation, p.id, q.n, m.id FROM walk w CROSS JOIN commits c
    LEFT JOIN commits p ON p.place = w.parent
    LEFT JOIN parents q ON q.child = w.place
    LEFT JOIN commits m ON m.place = q.parent
WHERE c.place = w.place"""


_WITH_WANTED = """WITH RECURSIVE wanted (upto, id) AS (
    SELECT 32, substr(:ids, 1, 32) WHERE length(:ids) >= 32
    UNION ALL
    SELECT upto + 32, substr(:ids, upto + 1, 32) FROM wanted WHERE upto < length(:ids)
)"""
_NEXT_LINE = f"(SELECT coalesce(max(place) / {LINE_PLACES}, 0) + 1 FROM commits) * {LINE_PLACES}"

SQLITE = Dialect(
    with_wanted=_WITH_WANTED,
    add_commit=f"""
INSERT OR IGNORE INTO commits (place, id, parent, generation,
    message_count, token_count, tokens_exact, encoding, extras, seal, payload)
VALUES (
    CASE WHEN :parent IS NULL THEN {_NEXT_LINE} ELSE (
        SELECT CASE WHEN EXISTS (SELECT 1 FROM commits t WHERE t.place = p.place + 1)
            THEN {_NEXT_LINE} + p.place % {LINE_PLACES} + 1 ELSE p.place + 1 END
        FROM commits p WHERE p.id = :parent) END,
    :id,
    (SELECT p.place FROM commits p WHERE p.id = :parent),
    CASE WHEN :parent IS NULL THEN 1
        WHEN :ids IS NULL THEN (SELECT p.generation + 1 FROM commits p WHERE p.id = :parent)
        ELSE ({_WITH_WANTED} SELECT max(p.generation) + 1 FROM wanted CROSS JOIN commits p WHERE p.id = wanted.id) END,
    :message_count, :token_count, :tokens_exact, :encoding, :extras, :seal, :payload)""",
    walk_up="""
    SELECT c.place, c.parent, c.generation FROM walk CROSS JOIN commits c
    WHERE {further} AND c.place = walk.parent
    UNION
    SELECT c.place, c.parent, c.generation FROM walk CROSS JOIN parents q CROSS JOIN commits c
    WHERE {further} AND q.child = walk.place AND c.place = q.parent""",
    next_number=f"""(SELECT coalesce(max(number), :tract * {TRACT_MOVES}) + 1 FROM moves
    WHERE number > :tract * {TRACT_MOVES} AND number < (:tract + 1) * {TRACT_MOVES})""",
    locks_rows=False,
    word_index=WordIndex(
        state="""
SELECT EXISTS (SELECT 1 FROM pragma_module_list WHERE name = 'fts5'),
    EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'blob_words')""",
        make="""
CREATE VIRTUAL TABLE IF NOT EXISTS blob_words USING fts5(words, content = '', detail = none, tokenize = 'ascii')""",
        key="rowid",
        add=write(
            """
INSERT INTO blob_words (rowid, words)
SELECT :blob, :words WHERE EXISTS (SELECT 1 FROM blobs WHERE row_id = :blob AND id = :id AND kind = 0)
    AND NOT EXISTS (SELECT 1 FROM blob_words WHERE rowid = :blob)""",
            *("blob", "id", "words"),
        ),
        find="w.blob_words MATCH :words",
        empty="INSERT INTO blob_words (blob_words) VALUES ('delete-all')",
    ),
)
"""Subqueries in VALUES, for a SELECT that reads the table it fills would be written to a temporary table first; only
merges give `:ids`, all of their parents. Where the first parent is missing the generation is NULL, so the row is
ignored."""
