"""Verbs that read: the context as a model is sent it, and the history that made it."""

from tract.facade.base import Verbs
from tract.formats.compiled import CompiledContext
from tract.model.commits import Commit
from tract.model.results import Diff, MessageVersion, Status
from tract.operations import read
from tract.operations.revisions import resolve_revision


class Reading(Verbs):
    """What reads, and writes nothing."""

    @property
    def head_id(self) -> str | None:
        """The id of the commit that the branch stands at, or None while it is unborn. One statement."""
        return read.head_id(self._repo)

    @property
    def current_branch(self) -> str:
        """The branch that this object is on."""
        return self._repo.workspace.branch

    def compile(self, at: str | None = None, budget: int | None = None) -> CompiledContext:
        """Return what a model is sent at a revision (None: the branch's tip).

        Under a budget (tokens; the configured one if None) system and pinned messages stay and the newest of the rest.

        Raises:
            BudgetError: what must stay does not fit; `needed` says what would.
        """
        return read.compile_context(self._repo, at, budget)

    def log(self, revision: str = "HEAD", limit: int | None = None) -> list[Commit]:
        """Return commits newest first, by generation and then by id; `a..b`: those of b that a has not."""
        return read.log(self._repo, revision, limit)

    def show(self, revision: str = "HEAD") -> tuple[Commit, Diff]:
        """Return a commit, and what it changed in its first parent's context."""
        return read.commit_diff(self._repo, revision)

    def status(self) -> Status:
        """Return where the branch stands, and what its context costs; two statements."""
        return read.status(self._repo)

    def diff(self, before: str = "HEAD^", after: str | None = None) -> Diff:
        """Return what is different in the context at one revision from another (None: the tip); `a..b` works too."""
        return read.diff(self._repo, before, after)

    def history(self, message_id: str, at: str | None = None) -> list[MessageVersion]:
        """Return every version of a message on the branch, oldest first."""
        return read.message_history(self._repo, message_id, at)

    def resolve_revision(self, revision: str) -> str:
        """Return the commit id that a revision names, such as `main~3`, `v1^2`, `main@{1}` or a prefix."""
        return resolve_revision(self._repo, revision)
