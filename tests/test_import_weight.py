"""What loads with tract, seen in a fresh interpreter."""

import subprocess
import sys

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


@pytest.mark.parametrize("name", ["tract"])
def test_importing_loads_nothing_heavy(name: str) -> None:
    """Whoever asks no model and draws no terminal pays for neither a client, a tokenizer nor a command line."""
    assert heavy_modules_after(f"import {name}") == []
