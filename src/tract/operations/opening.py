"""Opening a tract: where its workspace stands, written the first time anybody asks."""

from collections.abc import Callable
from datetime import datetime

from tract.exceptions import ContentError, CorruptionError
from tract.model.refs import BRANCHES, WORKSPACES, check_ref_name
from tract.operations.repo import Repo, Workspace
from tract.protocols import Store, TokenCounter

FIRST_BRANCH = "main"


def open_repo(
    store: Store, counter: TokenCounter, *, clock: Callable[[], datetime], author: str, workspace: str
) -> Repo:
    """Return a repo on the branch that the workspace's HEAD names; a workspace seen first stands on `main`.

    Nothing is written until the workspace is switched: reading a store leaves it as it was.
    """
    if not isinstance(author, str):
        raise ContentError(f"an author is text, not {type(author).__name__}")
    head = store.find_ref(WORKSPACES + check_ref_name(workspace))
    if head is not None and not head.startswith(BRANCHES):
        raise CorruptionError(f"workspace {workspace!r} stands on {head!r}, which is no branch")
    branch = head.removeprefix(BRANCHES) if head is not None else FIRST_BRANCH
    born = store.find_ref(BRANCHES + branch) is not None
    return Repo(store, counter, clock, author, Workspace(workspace, branch, born=born))
