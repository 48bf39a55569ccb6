"""Verbs of merging: start one, look at one that waits, finish it or give it up."""

from collections.abc import Iterable

from tract.facade.base import Verbs
from tract.facade.wiring import configure_llm
from tract.llm.protocols import LLMClient
from tract.model.commits import Commit
from tract.operations import merging
from tract.operations.merge_result import MergeResult
from tract.operations.merge_session import MergeOptions, Review, Strategy, given_leave
from tract.protocols import ResolverCallable


class Merging(Verbs):
    """What brings branches together."""

    def merge(
        self,
        source: str,
        *,
        resolver: ResolverCallable | None = None,
        strategy: Strategy = "auto",
        allow: Iterable[str] = (),
        allow_unrelated: bool = False,
        no_ff: bool = False,
        auto_commit: bool = False,
        review: Review | None = None,
        model: str | None = None,
        message: str | None = None,
        delete_branch: bool = False,
    ) -> MergeResult:
        """Merge a branch, tag or commit into this branch; conflicts come back as values, for a resolver or a person.

        Raises:
            MergeInProgressError: a merge into this branch waits already.
            MergeAbortedError: the resolver answered `abort`; nothing is changed.
            MergeError: the two have no common history, and `allow_unrelated` is not given.
        """
        options = MergeOptions(
            strategy, given_leave(allow), allow_unrelated, no_ff, auto_commit, review, model, message, delete_branch
        )
        return merging.merge(self._repo, source, options, resolver)

    def merge_session(self) -> MergeResult | None:
        """Return the merge that waits on this branch, or None."""
        return merging.find_session(self._repo)

    def commit_merge(self, result: MergeResult | None = None) -> Commit:
        """Finish the merge that waits on this branch (or the one given).

        Raises:
            UnresolvedConflictsError: conflicts are open; `conflicts` has them.
            MergeError: no merge waits.
        """
        return merging.commit_merge(self._repo, result)

    def abort_merge(self) -> None:
        """Give up the merge that waits on this branch; answers already given are remembered."""
        merging.abort_merge(self._repo)

    def configure_llm(self, client: LLMClient | None) -> None:
        """Let a model settle the conflicts of merges and write summaries, where nobody is named; None: nobody does.

        Raises:
            ContentError: it is no client.
        """
        configure_llm(self._repo, client)
