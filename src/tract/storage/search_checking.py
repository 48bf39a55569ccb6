"""What a check of the index for search reads: its rows, against the commits, the messages and each other."""

from collections.abc import Callable, Iterator

from tract.storage.rows import Parameters, Row
from tract.storage.statements import Statements

Read = Callable[[str, Parameters], list[Row]]

_SEEN = "EXISTS (SELECT 1 FROM recorded s WHERE s.tract = r.tract AND s.blob = 0 AND s.place = {0})"
_FAULTS = {
    "it names a commit or a message that is gone": """
SELECT r.tract, r.place FROM recorded r LEFT JOIN commits c ON c.place = r.place
    LEFT JOIN blobs b ON b.row_id = r.blob AND b.kind = 0
WHERE c.place IS NULL OR (r.blob <> 0 AND b.row_id IS NULL) LIMIT :limit""",
    "its tract is missing": """
SELECT r.tract, r.place FROM recorded r LEFT JOIN tracts t ON t.row_id = r.tract WHERE t.row_id IS NULL LIMIT :limit""",
    "it has messages of a commit that it was not filled with": f"""
SELECT r.tract, r.place FROM recorded r WHERE r.blob <> 0 AND NOT {_SEEN.format("r.place")} LIMIT :limit""",
    "it has a commit without the ones before it": f"""
SELECT r.tract, r.place FROM recorded r JOIN commits c ON c.place = r.place LEFT JOIN parents q ON q.child = r.place
WHERE r.blob = 0 AND ((c.parent IS NOT NULL AND NOT {_SEEN.format("c.parent")})
    OR (q.parent IS NOT NULL AND NOT {_SEEN.format("q.parent")})) LIMIT :limit""",
}
_PROGRESS = """
SELECT s.tract, s.number FROM searched s
WHERE s.number > (SELECT coalesce(max(m.number), 0) FROM moves m) LIMIT :limit"""


def index_faults(read: Read, sql: Statements, *, limit: int) -> Iterator[tuple[str, str]]:
    """Yield where the index is wrong and what is wrong there; each kind of fault at most so often.

    What was recorded since the index was filled is no fault: the next search adds it.
    """
    for problem, statement in _FAULTS.items():
        for tract, place in read(statement, {"limit": limit}):
            yield f"search index of tract {tract}", f"{problem}, at place {place}"
    for tract, number in read(_PROGRESS, {"limit": limit}):
        yield f"search index of tract {tract}", f"it was filled up to move {number}, which is not there"
    index = sql.dialect.word_index
    can_be_had, is_there = read(index.state, {})[0]
    if can_be_had and is_there:
        for (row,) in read(_without_words(index.key), {"limit": limit}):
            yield "search index", f"the words of message {row} are missing"
        for (row,) in read(_without_message(index.key), {"limit": limit}):
            yield "search index", f"it has words of message {row}, which is gone"


def _without_words(key: str) -> str:
    return f"""
SELECT DISTINCT r.blob FROM recorded r
WHERE r.blob <> 0 AND NOT EXISTS (SELECT 1 FROM blob_words w WHERE w.{key} = r.blob) LIMIT :limit"""


def _without_message(key: str) -> str:
    return f"""
SELECT w.{key} FROM blob_words w
WHERE NOT EXISTS (SELECT 1 FROM blobs b WHERE b.row_id = w.{key} AND b.kind = 0) LIMIT :limit"""
