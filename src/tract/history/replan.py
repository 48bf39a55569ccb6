"""The changes that turn one context into another: what a merge commit holds against its first parent."""

from tract.model.changes import Change
from tract.model.context import Context


def plan_changes(first_parent: Context, target: Context) -> tuple[Change, ...]:
    """Return the changes whose fold over the first parent is exactly the target."""
    raise NotImplementedError
