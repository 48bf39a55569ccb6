"""What loads with tract, seen in a fresh interpreter."""

import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("click", "httpx", "psycopg", "rich", "tenacity", "tiktoken")


def heavy_modules_after(statement: str) -> list[str]:
    """Run one statement in a new interpreter and return which of the heavy packages it loaded."""
    script = f"import sys\n{statement}\nprint(*sorted(set(sys.modules) & set({HEAVY})))"
    done = subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_the_probe_sees_what_a_statement_loads() -> None:
    """The measurement itself is not blind."""
    assert "tiktoken" in heavy_modules_after("import tiktoken")


@pytest.mark.parametrize("name", ["tract", "tract.llm", "tract.llm.summarizer"])
def test_importing_loads_nothing_heavy(name: str) -> None:
    """Whoever asks no model and draws no terminal pays for neither a client, a tokenizer nor a command line."""
    assert heavy_modules_after(f"import {name}") == []


def test_a_store_in_sqlite_loads_no_driver_of_postgresql(tmp_path: Path) -> None:
    """Opening, reading and closing one."""
    statement = f"import tract; t = tract.Tract.open({str(tmp_path / 'store.db')!r}); t.log(); t.close()"

    assert "psycopg" not in heavy_modules_after(statement)


def test_without_the_driver_the_error_names_the_extra() -> None:
    """Where psycopg is not installed, PostgreSQL is refused with what to install, and all else works."""
    statement = """
sys.modules["psycopg"] = None
import tract
tract.Tract.open().user("hello")
try:
    tract.Tract.open("postgresql://localhost/db")
except tract.StorageError as error:
    assert "tract-context[postgres]" in str(error), error
    print("refused")"""

    assert "refused" in heavy_modules_after(statement)
