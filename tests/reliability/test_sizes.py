"""Large things: no verb recurses over them, and memory stays in bounds."""

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("size_workload.py")
SHORT = [("commits", 20_000, 400), ("merges", 2_000, 250), ("message", 5, 400), ("branches", 10_000, 300)]
LONG = [("commits", 1_000_000, 6_000), ("merges", 100_000, 2_000), ("message", 50, 2_000)]
"""What is made, how large, and how many megabytes the process may come to."""


def peak_megabytes(path: Path, name: str, size: int) -> int:
    """Return the most memory that a program took that made something so large, with little stack."""
    command = [sys.executable, str(PROGRAM), name, str(path), str(size)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return int(done.stdout)


@pytest.mark.parametrize(("name", "size", "most"), SHORT)
def test_large_things_need_little_stack_and_memory(path: Path, name: str, size: int, most: int) -> None:
    """Something large is made and used without recursion, and without more memory than it takes itself."""
    assert peak_megabytes(path, name, size) < most


@pytest.mark.long
@pytest.mark.parametrize(("name", "size", "most"), LONG)
def test_the_largest_things_need_little_stack_and_memory(path: Path, name: str, size: int, most: int) -> None:
    """The same, as large as the project promises."""
    assert peak_megabytes(path, name, size) < most
