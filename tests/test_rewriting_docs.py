"""The page about rewriting history tells the truth: its examples run."""

import re
from pathlib import Path
from typing import get_args

import pytest

from tract.model.conflicts import ConflictKind

PAGE = (Path(__file__).parents[1] / "docs" / "rewriting.md").read_text("utf-8")
EXAMPLES = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_every_example_runs(example: str) -> None:
    """Each example runs as it stands, and what it asserts holds."""
    exec(compile(example, "docs/rewriting.md", "exec"), {})


def test_the_page_names_every_conflict_of_a_replay() -> None:
    """Replies to an edited message are the one kind that a replay never asks about."""
    assert [kind for kind in get_args(ConflictKind) if f"`{kind}`" not in PAGE] == ["edit_plus_append"]
