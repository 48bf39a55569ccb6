"""The SQL of a store, as text with named parameters; a dialect gives the few pieces that databases spell apart."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Dialect:
    """What databases spell apart: `wanted(id)` as a table made of one parameter `:ids`, and how numbers are drawn."""

    with_wanted: str
    next_line: str
    next_seq: str


_FACTS = "c.message_count, c.token_count, c.tokens_exact, c.encoding, c.extras, c.seal"
_COMMIT = f"c.id, c.generation, {_FACTS}, c.payload"

FIND_TRACT = "SELECT row_id, seal FROM tracts WHERE name = :name"
ADD_TRACT = "INSERT INTO tracts (name, seal) VALUES (:name, :seal) ON CONFLICT DO NOTHING"
TRACTS = "SELECT name, seal FROM tracts ORDER BY name"
ENCODINGS = "SELECT row_id, name, seal FROM encodings"
ADD_ENCODING = "INSERT INTO encodings (name, seal) VALUES (:name, :seal) ON CONFLICT DO NOTHING"

ADD_BLOB = "INSERT INTO blobs (id, kind, payload) VALUES (:id, :kind, :payload) ON CONFLICT (id) DO NOTHING"
ADD_COUNT = """
INSERT INTO token_counts (blob_row, encoding, tokens, exact, seal)
SELECT b.row_id, :encoding, :tokens, :exact, :seal FROM blobs b WHERE b.id = :id
ON CONFLICT DO NOTHING"""
ADD_PARENT = """
INSERT INTO parents (commit_row, n, parent_row)
SELECT c.row_id, :n, p.row_id FROM commits c CROSS JOIN commits p WHERE c.id = :id AND p.id = :parent
ON CONFLICT DO NOTHING"""

FIND_RECORD = "SELECT payload FROM blobs WHERE id = :id AND kind = 1"
FIND_REF = "SELECT target FROM refs WHERE tract = :tract AND name = :name"
REFS = "SELECT name, target FROM refs WHERE tract = :tract AND name >= :low AND name < :high ORDER BY name"
TIP = f"SELECT {_COMMIT} FROM refs r JOIN commits c ON c.id = r.target WHERE r.tract = :tract AND r.name = :name"
COMMIT_IDS = "SELECT id FROM commits WHERE id BETWEEN :low AND :high ORDER BY id LIMIT :limit"
HAS_OPERATION = "SELECT 1 FROM moves WHERE operation = :operation LIMIT 1"

_STORED = """(:object IS NULL OR EXISTS (SELECT 1 FROM commits WHERE id = :object)
    OR EXISTS (SELECT 1 FROM blobs WHERE id = :object))"""
ADD_REF = f"""
INSERT INTO refs (tract, name, target) SELECT :tract, :name, :new WHERE {_STORED} ON CONFLICT DO NOTHING"""
MOVE_REF = f"""
UPDATE refs SET target = :new WHERE tract = :tract AND name = :name AND target = :old AND {_STORED}"""
DELETE_REF = "DELETE FROM refs WHERE tract = :tract AND name = :name AND target = :old"

_MOVES = "SELECT operation, ref, old, new, kind, author, created_at, seal FROM moves WHERE tract = :tract"
MOVES = f"{_MOVES} ORDER BY seq DESC LIMIT :limit OFFSET :skip"
MOVES_OF_REF = f"{_MOVES} AND ref = :ref ORDER BY seq DESC LIMIT :limit OFFSET :skip"

CHAIN = """
WITH RECURSIVE path (line, top, next_line, next_top, low, high) AS (
    SELECT c.line, c.position, f.fork_line, f.position - 1, c.position - :skip - :limit + 1, c.position - :skip
    FROM commits c CROSS JOIN commits f
    WHERE c.id = :id AND f.line = c.line AND f.position = (SELECT min(m.position) FROM commits m WHERE m.line = c.line)
    UNION ALL
    SELECT f.line, path.next_top, f.fork_line, f.position - 1, path.low, path.high
    FROM path CROSS JOIN commits f
    WHERE path.next_top >= path.low AND f.line = path.next_line
        AND f.position = (SELECT min(m.position) FROM commits m WHERE m.line = path.next_line)
)
SELECT c.position, c.id, c.payload FROM path CROSS JOIN commits c
WHERE c.line = path.line AND c.position >= path.low
    AND c.position <= CASE WHEN path.top < path.high THEN path.top ELSE path.high END"""
"""`next_line` and `next_top` are where a line left another; the walk ends where that is below what is asked for."""


class Statements:
    """The statements that a dialect has a part in."""

    def __init__(self, dialect: Dialect) -> None:
        wanted = dialect.with_wanted
        self.add_commit = f"""
INSERT INTO commits (id, parent_row, generation, line, position, fork_line,
    message_count, token_count, tokens_exact, encoding, extras, seal, payload)
SELECT :id, p.row_id,
    CASE WHEN :ids IS NULL THEN coalesce(p.generation, 0) + 1
        ELSE ({wanted} SELECT max(g.generation) + 1 FROM wanted CROSS JOIN commits g WHERE g.id = wanted.id) END,
    CASE WHEN p.row_id IS NOT NULL AND t.row_id IS NULL THEN p.line ELSE {dialect.next_line} END,
    coalesce(p.position + 1, 0),
    CASE WHEN t.row_id IS NOT NULL THEN p.line END,
    :message_count, :token_count, :tokens_exact, :encoding, :extras, :seal, :payload
FROM (SELECT 1) one
    LEFT JOIN commits p ON p.id = :parent
    LEFT JOIN commits t ON t.line = p.line AND t.position = p.position + 1
WHERE :parent IS NULL OR p.row_id IS NOT NULL
ON CONFLICT (id) DO NOTHING"""
        """`t` is the commit that took the place behind the parent, if one did; merges alone give `ids`, all parents."""
        self.add_move = f"""
INSERT INTO moves (tract, seq, operation, n, ref, old, new, kind, author, created_at, seal)
VALUES (:tract, {dialect.next_seq}, :operation, :n, :ref, :old, :new, :kind, :author, :created_at, :seal)
ON CONFLICT (operation, n) DO NOTHING"""
        self.commits = f"{wanted} SELECT {_COMMIT} FROM wanted CROSS JOIN commits c WHERE c.id = wanted.id"
        self.known = f"{wanted} SELECT c.id FROM wanted CROSS JOIN commits c WHERE c.id = wanted.id"
        self.blobs = f"""
{wanted} SELECT wanted.id, b.payload FROM wanted CROSS JOIN blobs b WHERE b.id = wanted.id AND b.kind = 0"""
        self.counts = f"""
{wanted} SELECT wanted.id, t.tokens, t.exact, t.seal FROM wanted CROSS JOIN blobs b CROSS JOIN token_counts t
WHERE b.id = wanted.id AND t.blob_row = b.row_id AND t.encoding = :encoding"""
        self.ancestry = f"""
{wanted}, walk (row_id, parent_row, generation) AS (
    SELECT c.row_id, c.parent_row, c.generation FROM wanted CROSS JOIN commits c WHERE c.id = wanted.id
    UNION
    SELECT c.row_id, c.parent_row, c.generation FROM walk CROSS JOIN commits c
    WHERE walk.generation > :floor AND c.row_id = walk.parent_row
    UNION
    SELECT c.row_id, c.parent_row, c.generation FROM walk CROSS JOIN parents q CROSS JOIN commits c
    WHERE walk.generation > :floor AND q.commit_row = walk.row_id AND c.row_id = q.parent_row
)
SELECT c.id, w.generation, p.id, q.n, m.id FROM walk w CROSS JOIN commits c
    LEFT JOIN commits p ON p.row_id = w.parent_row
    LEFT JOIN parents q ON q.commit_row = w.row_id
    LEFT JOIN commits m ON m.row_id = q.parent_row
WHERE c.row_id = w.row_id"""


SQLITE = Dialect(
    with_wanted="""WITH RECURSIVE wanted (upto, id) AS (
    SELECT 32, substr(:ids, 1, 32) WHERE length(:ids) >= 32
    UNION ALL
    SELECT upto + 32, substr(:ids, upto + 1, 32) FROM wanted WHERE upto < length(:ids)
)""",
    next_line="(SELECT coalesce(max(line), 0) + 1 FROM commits)",
    next_seq="(SELECT coalesce(max(seq), 0) + 1 FROM moves WHERE tract = :tract)",
)
