"""Verbs of names: branches, tags, where the workspace stands, and where names stood before."""

from tract.facade.base import Verbs
from tract.model.commits import Commit
from tract.model.refs import BRANCHES, TAGS
from tract.model.results import ReflogEntry
from tract.operations import refs


class Refs(Verbs):
    """What makes, moves and lists names."""

    def branch(self, name: str, at: str = "HEAD") -> str:
        """Create a branch and return its commit's id; the object stays where it is."""
        return refs.branch(self._repo, name, at)

    def branches(self) -> dict[str, str]:
        """Return the branches, name to commit id, in order of name."""
        return refs.names(self._repo, BRANCHES)

    def switch(self, name: str, *, create: bool = False) -> str:
        """Put this object, and its workspace's HEAD, on a branch, `-` the one before; `create` makes it first."""
        return refs.switch(self._repo, name, create=create)

    def delete_branch(self, name: str, *, force: bool = False) -> None:
        """Delete a branch; without `force` only if another branch has all its commits."""
        refs.delete_branch(self._repo, name, force=force)

    def rename_branch(self, old: str, new: str) -> None:
        """Give a branch another name."""
        refs.rename_branch(self._repo, old, new)

    def tag(self, name: str, at: str = "HEAD") -> str:
        """Name a commit for ever, and return its id."""
        return refs.tag(self._repo, name, at)

    def tags(self) -> dict[str, str]:
        """Return the tags, name to commit id, in order of name."""
        return refs.names(self._repo, TAGS)

    def delete_tag(self, name: str) -> None:
        """Delete a tag."""
        refs.delete_tag(self._repo, name)

    def reset(self, revision: str) -> Commit:
        """Move the branch to a commit; what it leaves is found in the reflog."""
        return refs.reset(self._repo, revision)

    def workspaces(self) -> dict[str, str]:
        """Return the workspaces, name to the branch that each stands on, in order of name; this object's own too."""
        return refs.workspaces(self._repo)

    def remove_workspace(self, name: str) -> None:
        """Forget where a workspace stands, never this object's own; its branch stays.

        Raises:
            RefNotFoundError: there is none of this name.
            RefError: it is this object's own.
        """
        refs.remove_workspace(self._repo, name)

    def reflog(self, name: str | None = None, limit: int | None = None) -> list[ReflogEntry]:
        """Return where a branch or tag (None: the current branch) stood, newest first."""
        return refs.reflog(self._repo, name, limit)
