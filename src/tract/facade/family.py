"""Verbs of families: tracts that work for this one, and bring back what they found."""

from collections.abc import Iterable
from typing import Self

from tract.facade.base import Verbs
from tract.model.results import Origin, TimelineEntry
from tract.operations import children
from tract.operations.children import Inherit, Named
from tract.operations.merge_result import MergeResult
from tract.operations.merge_session import MergeOptions, Review, Strategy, given_leave
from tract.protocols import ResolverCallable, SummarizerCallable


class Family(Verbs):
    """What makes children, and takes in what they found."""

    @property
    def name(self) -> str:
        """The name of the tract in its store."""
        return self._repo.store.tract

    def spawn(self, name: str, *, at: str = "HEAD", inherit: Inherit = "all") -> Self:
        """Make a tract of this name in the same store that starts from a revision, and return it; the caller closes it.

        `inherit`: `all` shares the whole history, and costs three rows; `pinned`, or ids, starts a new history that has
        those messages under their ids, and the settings. The child asks the same model.

        Raises:
            RefExistsError: there is a tract of this name.
            ContentError: a message to inherit is not shown, or its call waits for a result.
        """
        return type(self)(children.spawn(self._repo, name, at=at, inherit=inherit))

    def collapse(
        self,
        child: "str | Named",
        *,
        summary: str | SummarizerCallable | None = None,
        tool_call_id: str | None = None,
        resolver: ResolverCallable | None = None,
        strategy: Strategy = "auto",
        allow: Iterable[str] = (),
        auto_commit: bool = False,
        review: Review | None = None,
        message: str | None = None,
    ) -> MergeResult:
        """Bring back what a child found: one message that says it, or (no `summary`) all that is on its branch, merged.

        `summary` is the message's text, or a summarizer that writes it from what the child said since it was spawned.
        The message is the user's, or with `tool_call_id` the result of that call; the commit's metadata name the child.
        A merge is `merge`'s: conflicts come back as values and may wait; what the child did not inherit stays as it is.
        The child stays, and may be collapsed again: what is new since then comes along.

        Raises:
            RefNotFoundError: this tract has no such child.
            ContentError: the message does not fit here, or the child said nothing that a summarizer could tell.
            SummaryError: what the summarizer wrote is empty, or longer than all that it tells.
            MergeInProgressError, MergeAbortedError: as in `merge`.
        """
        options = MergeOptions(strategy, given_leave(allow), auto_commit=auto_commit, review=review, message=message)
        return children.collapse(
            self._repo, child, summary=summary, tool_call_id=tool_call_id, resolver=resolver, options=options
        )

    def children(self) -> dict[str, str]:
        """Return the tracts that were spawned from this one, name to the id of the commit that they began with."""
        return children.children(self._repo)

    def parent(self) -> Origin | None:
        """Return where this tract was spawned, or None."""
        return children.parent(self._repo)

    def timeline(self, limit: int | None = None) -> list[TimelineEntry]:
        """Return what moved the branches of this tract and of all that were spawned from it, newest first.

        The order is that of the writers' clocks, which decide nothing else.
        """
        return children.timeline(self._repo, limit)
