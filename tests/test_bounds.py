"""What stays within bounds however long a history is: memory, caches, bytes on disk, and what is loaded."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from benchmarks.bench import size_bytes
from benchmarks.messages import Script, messages
from benchmarks.systems.floor import FloorConversation

from storage_support import commit
from tract import Tract
from tract.operations.repo import BoundedCache
from tract.protocols import RefMove, StoredCommit
from tract.storage.tips import KnownTips

_COMPILE = """
import json, sys
from pathlib import Path
from tract import Tract

def peak_bytes():
    lines = Path("/proc/self/status").read_text("utf-8").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))

before = peak_bytes()
with Tract.open(sys.argv[1]) as t:
    count = len(t.compile().to_openai())
print(json.dumps([count, peak_bytes() - before, "tiktoken" in sys.modules]))
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the system does not say how much memory it gave")
def test_compiling_ten_thousand_messages_takes_forty_megabytes(path: Path) -> None:
    """Over what importing tract takes, in a new process; counts that are kept are not made again."""
    with Tract.open(path, durability="normal") as t:
        for start in range(0, 10_000, 500):
            t.append(messages(start, 500))

    done = subprocess.run([sys.executable, "-c", _COMPILE, str(path)], capture_output=True, text=True, check=True)

    count, grown_bytes, is_tokenizer_loaded = json.loads(done.stdout)
    assert count == 10_000
    assert grown_bytes < 40_000_000
    assert not is_tokenizer_loaded


def test_a_log_loads_nothing_heavy(tmp_path: Path) -> None:
    """`tract log` in a new process asks no model, counts no token, and knows one database."""
    path = tmp_path / "work.db"
    with Tract.open(path) as t:
        t.user("hello")
    script = (
        "import sys\nfrom tract.cli import main\n"
        f"try:\n    main(['--db', {str(path)!r}, 'log'])\nexcept SystemExit:\n    pass\n"
        "print('loaded', *sys.modules)"
    )
    environment = {key: value for key, value in os.environ.items() if not key.startswith("TRACT_")}

    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environment, cwd=tmp_path
    )

    loaded = done.stdout.rpartition("loaded ")[2].split()
    assert "tract.cli" in loaded
    assert {"httpx", "tenacity", "tiktoken", "psycopg", "rich", "sqlalchemy.dialects.sqlite"}.isdisjoint(loaded)


def test_importing_tract_loads_no_dialect() -> None:
    """Making tables is for new stores; who opens one that is there needs no dialect of SQLAlchemy's."""
    script = "import sys, tract\nprint(*sys.modules)"

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert not [name for name in done.stdout.split() if name.startswith("sqlalchemy.dialects.")]


@pytest.mark.parametrize(("script", "times"), [("latin", 1.3), ("cyrillic", 1.5), ("chinese", 1.5)])
def test_bytes_on_disk_are_near_those_of_four_rows(tmp_path: Path, script: Script, times: float) -> None:
    """A message takes hardly more than a blob, a commit, an operation and a ref in bare SQLite, in any script."""
    count = 400
    floor = FloorConversation(tmp_path / "floor.db")
    floor.say_each(messages(0, count, script))
    floor.close()

    with Tract.open(tmp_path / "tract.db", durability="normal") as t:
        for message in messages(0, count, script):
            t.append(message)

    assert size_bytes(tmp_path / "tract.db") <= times * size_bytes(tmp_path / "floor.db")


def test_a_cache_forgets_what_was_unused_longest() -> None:
    """Its sizes never add up to more than its limit."""
    cache: BoundedCache[str, int] = BoundedCache(10)
    cache.put_many({"a": 1, "b": 2}, {"a": 4, "b": 4})
    cache.get("a")

    cache.put("c", 3, 4)

    assert cache.get_many("abc") == {"a": 1, "c": 3}


def test_what_is_kept_again_counts_once() -> None:
    """Its new size takes the place of the old."""
    cache: BoundedCache[str, int] = BoundedCache(10)
    for size in (9, 1, 5):
        cache.put("a", size, size)

    cache.put("b", 0, 5)

    assert cache.get_many("ab") == {"a": 5, "b": 0}


def test_the_first_of_several_is_found_by_its_place() -> None:
    """Of keys of which two are kept, the earlier."""
    cache: BoundedCache[str, int] = BoundedCache(10)
    cache.put_many({"b": 2, "c": 3})

    assert cache.find_first("abc") == (1, 2)
    assert cache.find_first("xyz") is None


def test_last_tips_are_kept_of_a_few_refs() -> None:
    """However many branches an object looks at."""
    tips = KnownTips()
    made = commit(())

    for number in range(1000):
        tips.keep(f"heads/{number}", StoredCommit(made.commit, 1, made.facts))

    assert sum(tips.get(f"heads/{number}") is not None for number in range(1000)) <= 16


def test_a_tip_follows_the_commit_that_moved_it() -> None:
    """One commit ahead of what was known is known, of the store's own tract and of no other ref."""
    tips = KnownTips()
    old = commit(())
    new = commit((old.commit.id,))
    for ref in ("heads/main", "heads/side", "heads/far"):
        tips.keep(ref, StoredCommit(old.commit, 1, old.facts))

    tips.follow(
        [new],
        [
            RefMove("heads/main", old.commit.id, new.commit.id),
            RefMove("heads/far", old.commit.id, new.commit.id, tract="another"),
        ],
    )

    found = {ref: tips.get(ref) for ref in ("heads/main", "heads/side", "heads/far")}
    generations = {ref: known.stored.generation for ref, known in found.items() if known is not None}
    assert generations == {"heads/main": 2, "heads/side": 1, "heads/far": 1}
