"""The page about rewriting history leaves nothing out."""

from pathlib import Path
from typing import get_args

from tract.model.conflicts import ConflictKind

PAGE = (Path(__file__).parents[1] / "docs" / "rewriting.md").read_text("utf-8")


def test_the_page_names_every_conflict_of_a_replay() -> None:
    """Replies to an edited message are the one kind that a replay never asks about."""
    assert [kind for kind in get_args(ConflictKind) if f"`{kind}`" not in PAGE] == ["edit_plus_append"]
