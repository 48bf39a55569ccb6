"""Verbs that rewrite a branch: rebase, cherry-pick and revert, and what goes on with one that waits."""

from collections.abc import Iterable

from tract.facade.base import Verbs
from tract.operations import replaying
from tract.operations.merge_session import Strategy, given_leave
from tract.operations.replay_result import ReplayResult
from tract.operations.replay_session import ReplayOptions
from tract.protocols import ResolverCallable


class Rewriting(Verbs):
    """What records commits anew elsewhere, message ids kept, or takes them back."""

    def rebase(
        self,
        onto: str,
        *,
        resolver: ResolverCallable | None = None,
        strategy: Strategy = "auto",
        allow: Iterable[str] = (),
        auto_commit: bool = False,
        model: str | None = None,
    ) -> ReplayResult:
        """Record what this branch has of its own on top of another commit, and move the branch there.

        A branch behind it moves forward. Conflicts come back as values (`RebaseWarning`), as a merge's do.

        Raises:
            RevisionError: `onto` leads nowhere.
            MergeInProgressError: a merge or replay waits on this branch already.
            MergeAbortedError: the resolver answered `abort`; nothing is changed.
        """
        options = ReplayOptions(strategy, given_leave(allow), auto_commit, model)
        return replaying.rebase(self._repo, onto, options, resolver)

    def cherry_pick(
        self,
        revisions: str | Iterable[str],
        *,
        resolver: ResolverCallable | None = None,
        strategy: Strategy = "auto",
        allow: Iterable[str] = (),
        auto_commit: bool = False,
        model: str | None = None,
    ) -> ReplayResult:
        """Record commits again on this branch, in the order given; of a range `a..b` the oldest first.

        What is there already adds nothing. Conflicts are `CherryPickIssue`s.

        Raises:
            RevisionError: a revision leads nowhere, or there is none.
            MergeInProgressError: a merge or replay waits on this branch already.
            MergeAbortedError: the resolver answered `abort`; nothing is changed.
        """
        options = ReplayOptions(strategy, given_leave(allow), auto_commit, model)
        return replaying.cherry_pick(self._repo, revisions, options, resolver)

    def revert(
        self,
        revisions: str | Iterable[str],
        *,
        resolver: ResolverCallable | None = None,
        strategy: Strategy = "auto",
        allow: Iterable[str] = (),
        auto_commit: bool = False,
        model: str | None = None,
    ) -> ReplayResult:
        """Take commits back by new ones, in the order given; of a range `a..b` the newest first.

        Messages that a commit added are skipped, the rest becomes what it was. Conflicts are `CherryPickIssue`s.

        Raises:
            RevisionError: a revision leads nowhere, or there is none.
            MergeInProgressError: a merge or replay waits on this branch already.
            MergeAbortedError: the resolver answered `abort`; nothing is changed.
        """
        options = ReplayOptions(strategy, given_leave(allow), auto_commit, model)
        return replaying.revert(self._repo, revisions, options, resolver)

    def replay_session(self) -> ReplayResult | None:
        """Return the rebase, cherry-pick or revert that waits on this branch, or None."""
        return replaying.find_replay(self._repo)

    def continue_replay(self, result: ReplayResult | None = None) -> ReplayResult:
        """Finish the rebase, cherry-pick or revert that waits on this branch (or the one given).

        Raises:
            UnresolvedConflictsError: conflicts are open; `conflicts` has them.
            MergeError: none waits.
        """
        return replaying.continue_replay(self._repo, result)

    def skip_replay(self, result: ReplayResult | None = None) -> ReplayResult:
        """Leave out the commit whose conflicts are open, and go on; finished if nothing else is asked.

        Raises:
            MergeError: none waits, or no conflict is open.
        """
        return replaying.skip_replay(self._repo, result)

    def abort_replay(self) -> None:
        """Give up the rebase, cherry-pick or revert that waits on this branch; answers given are remembered."""
        replaying.abort_replay(self._repo)
