"""The commit graph, read from the store in windows that grow only as far as a question reaches."""

from collections.abc import Sequence

from tract.exceptions import CommitNotFoundError
from tract.history.graph import is_ancestor
from tract.operations.repo import Repo
from tract.protocols import GraphNode, Store, StoredCommit

_FIRST_WINDOW = 64


class GraphReader:
    """Looks up commits' parents and generations; each window read is four times as deep as the one before."""

    def __init__(self, store: Store, tips: Sequence[StoredCommit]) -> None:
        self._store = store
        self._window = _FIRST_WINDOW
        self._floor = max((tip.generation for tip in tips), default=0)
        self._nodes: dict[str, GraphNode] = {}
        self._waiting = {tip.commit.id for tip in tips}

    def __call__(self, commit_id: str) -> GraphNode:
        """Return a commit's node.

        Raises:
            CommitNotFoundError: it is not in the store.
        """
        while commit_id not in self._nodes:
            if commit_id not in self._waiting:
                raise CommitNotFoundError(f"no commit {commit_id}", commit_id=commit_id)
            self._read()
        return self._nodes[commit_id]

    def _read(self) -> None:
        self._floor -= self._window
        self._window *= 4
        found = self._store.ancestry(sorted(self._waiting), self._floor)
        unknown = self._waiting - found.keys()
        if unknown:
            raise CommitNotFoundError(f"no commit {min(unknown)}", commit_id=min(unknown))
        self._nodes.update(found)
        self._waiting = {parent for node in found.values() for parent in node.parents if parent not in self._nodes}


def descends(repo: Repo, newer: StoredCommit, older: StoredCommit) -> bool:
    """Tell whether the older commit is the newer one or in its history."""
    if newer.commit.id == older.commit.id or older.commit.id in newer.commit.parents:
        return True
    return is_ancestor(older.commit.id, newer.commit.id, GraphReader(repo.store, [newer, older]))
