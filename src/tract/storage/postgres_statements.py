"""What PostgreSQL spells in its own way, and statements with parameters by number."""

import re
from functools import lru_cache

from tract.storage.schema import LINE_NUMBERS, LINE_PLACES, MOVE_NUMBERS, TRACT_MOVES
from tract.storage.statements import ADD_REF, DELETE_REF, MOVE_REF, Dialect, LoggedMoves, WordIndex, Write, write

_PARAMETER = re.compile(r"(?<!:):([a-z_]+)")
_NULLABLE = frozenset({"extras", "ids", "new", "object", "old", "parent"})
"""Parameters that may be NULL where nothing else tells the server their type; all of them are bytes."""

_WITH_WANTED = """WITH RECURSIVE wanted (id) AS (
    SELECT substr(:ids, n, 32) FROM generate_series(1, length(:ids), 32) n
)"""

_NEXT_LINE = f"nextval('{LINE_NUMBERS.name}') * {LINE_PLACES}"
_ADD_COMMIT = f"""
INSERT INTO commits (place, id, parent, generation,
    message_count, token_count, tokens_exact, encoding, extras, seal, payload)
SELECT
    CASE WHEN p.place IS NULL THEN {_NEXT_LINE}
        WHEN EXISTS (SELECT 1 FROM commits t WHERE t.place = p.place + 1)
            THEN {_NEXT_LINE} + p.place % {LINE_PLACES} + 1
        ELSE p.place + 1 END,
    :id,
    p.place,
    CASE WHEN p.place IS NULL THEN 1
        WHEN :ids IS NULL THEN p.generation + 1
        ELSE ({_WITH_WANTED} SELECT max(q.generation) + 1 FROM wanted CROSS JOIN commits q WHERE q.id = wanted.id) END,
    :message_count, :token_count, :tokens_exact, :encoding, :extras, :seal, :payload
FROM (SELECT 1) once LEFT JOIN commits p ON p.id = :parent
WHERE :parent IS NULL OR p.place IS NOT NULL
ON CONFLICT DO NOTHING"""

_WALK_UP = """
    SELECT c.place, c.parent, c.generation FROM walk
        CROSS JOIN LATERAL (
            SELECT walk.parent UNION ALL SELECT q.parent FROM parents q WHERE q.child = walk.place
        ) up (place)
        JOIN commits c ON c.place = up.place
    WHERE {further}"""

_NEXT_NUMBER = f":tract * {TRACT_MOVES} + nextval('{MOVE_NUMBERS.name}')"
_LOGGED = ("tract", "operation", "n", "ref", "old", "new", "kind", "author", "created_at", "seal", "object")


def _logged(change: str) -> Write:
    """Return a statement that changes a ref, and logs that if it did.

    The move's number is drawn while the ref's row is held, so the log of a ref has the order of its moves.
    """
    return write(
        f"""
WITH moved AS ({change} RETURNING 1)
INSERT INTO moves (number, operation, n, ref, old, new, kind, author, created_at, seal)
SELECT {_NEXT_NUMBER}, :operation, :n, :ref, :old, :new, :kind, :author, :created_at, :seal FROM moved
ON CONFLICT (operation, n) DO NOTHING""",
        *_LOGGED,
    )


POSTGRES = Dialect(
    with_wanted=_WITH_WANTED,
    add_commit=_ADD_COMMIT,
    walk_up=_WALK_UP,
    next_number=_NEXT_NUMBER,
    logged_moves=LoggedMoves(_logged(ADD_REF.sql), _logged(MOVE_REF.sql), _logged(DELETE_REF.sql)),
    locks_rows=True,
    lock_tables="LOCK TABLE blobs, token_counts, commits, parents, refs, moves IN SHARE ROW EXCLUSIVE MODE",
    word_index=WordIndex(
        state="SELECT TRUE, TRUE",
        make="SELECT 1",
        key="blob",
        add=write(
            """
INSERT INTO blob_words (blob, words) SELECT :blob, CAST(:words AS tsvector)
WHERE EXISTS (SELECT 1 FROM blobs WHERE row_id = :blob AND id = :id AND kind = 0) ON CONFLICT DO NOTHING""",
            *("blob", "id", "words"),
        ),
        find="(w.words @@ CAST(:words AS tsquery) OR w.words IS NULL)",
        empty="DELETE FROM blob_words",
    ),
    restart_lines=f"SELECT setval('{LINE_NUMBERS.name}', :line, false)",
)


@lru_cache(maxsize=256)
def numbered(sql: str) -> tuple[str, tuple[str, ...]]:
    """Return a statement with its parameters by number, and their names in that order."""
    names = tuple(dict.fromkeys(_PARAMETER.findall(sql)))
    return _replaced(sql, names), names


@lru_cache(maxsize=256)
def in_order(statement: Write) -> str:
    """Return a statement with its parameters numbered in the order of a row's values."""
    return _replaced(statement.sql, statement.names)


def _replaced(sql: str, names: tuple[str, ...]) -> str:
    def number(found: re.Match[str]) -> str:
        name = found[1]
        return f"${names.index(name) + 1}{'::bytea' if name in _NULLABLE else ''}"

    return _PARAMETER.sub(number, sql)
