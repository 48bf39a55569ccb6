"""Fixtures of the command line's tests."""

from pathlib import Path

import pytest
from cli_support import Shell


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A folder without a tract."""
    return Shell(tmp_path, monkeypatch)


@pytest.fixture
def shell(empty: Shell) -> Shell:
    """A folder with a new tract."""
    empty.run("init")
    return empty
