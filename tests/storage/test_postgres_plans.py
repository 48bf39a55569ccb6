"""How PostgreSQL answers the questions that are asked most: by index, also behind ten thousand commits."""

import re

import pytest

from postgres_support import ask, raw
from storage_support import MAIN, append, commit, line, message, publish
from tract.protocols import RefMove
from tract.storage import statements
from tract.storage.opening import open_store
from tract.storage.postgres_statements import POSTGRES, numbered
from tract.storage.statements import Statements

LARGE = ("blobs", "commits", "moves", "refs")
SQL = Statements(POSTGRES)


@pytest.fixture
def long_url(postgres_url: str) -> str:
    """A store with 10,000 commits, a thousand branches and as many messages, which the server has looked at."""
    made = line(10_000)
    side = line(50, "side", made[4000].commit.id)
    merge = commit((made[-1].commit.id, side[-1].commit.id), note="merge")
    blobs = [message(f"message {n}", o200k_base=n) for n in range(3000)]
    moves = [RefMove(f"heads/b{n}", None, new.commit.id) for n, new in enumerate(made[:1000])]
    with open_store(postgres_url, tract="default", durability="normal") as store:
        publish(store, [*blobs, *made, *side, merge], RefMove(MAIN, None, merge.commit.id), *moves)
        append(store, "last")
    ask(postgres_url, "ANALYZE")
    return postgres_url


QUESTIONS = {
    "tip": statements.TIP,
    "ref": statements.FIND_REF,
    "refs": statements.REFS,
    "chain": statements.CHAIN,
    "commits": SQL.commits,
    "ancestry": SQL.ancestry,
    "messages": SQL.blobs,
    "counts": SQL.counts,
    "log": statements.MOVES,
    "log of a ref": statements.MOVES_OF_REF,
    "operation": statements.HAS_OPERATION,
    "commit by prefix": statements.COMMIT_IDS,
}


def test_no_question_scans_a_table(long_url: str) -> None:
    """Planned for its values, as tract's connections have it, each question reaches the large tables by an index."""
    last = ask(long_url, "SELECT id FROM commits ORDER BY generation DESC LIMIT 1")[0][0]
    (tract,) = ask(long_url, "SELECT row_id FROM tracts")[0]
    key, main = _literal(last), _literal(b"heads/main")
    bounds = {"low": _literal(b"heads/b5"), "high": _literal(b"heads/b51"), "limit": "20", "skip": "0", "floor": "9900"}
    values = {"tract": str(tract), "ref": main, "id": key, "ids": key, "operation": key, "encoding": "1"} | bounds
    values["known"] = _literal(b"another")
    found = {}
    with raw(long_url) as connection:
        connection.execute("SET plan_cache_mode = force_custom_plan")
        for number, (name, sql) in enumerate(QUESTIONS.items()):
            text, names = numbered(sql)
            connection.execute(f"PREPARE question{number} AS {text}".encode())
            arguments = ", ".join(values[each] for each in names)
            rows = connection.execute(f"EXPLAIN EXECUTE question{number}({arguments})".encode()).fetchall()
            plan = "\n".join(row[0] for row in rows)
            found[name] = re.findall(rf"Seq Scan on ({'|'.join(LARGE)})\b", plan)

    assert found == {name: [] for name in QUESTIONS}


def _literal(value: bytes) -> str:
    return f"'\\x{value.hex()}'"
