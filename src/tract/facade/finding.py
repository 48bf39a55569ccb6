"""Verbs that look for something: who put it there, which commit broke it, and where it was said."""

from collections.abc import Callable

from tract.facade.base import Verbs
from tract.formats.compiled import CompiledContext
from tract.model.finding import BisectResult, Blame, SearchHit
from tract.operations import finding, searching


class Finding(Verbs):
    """What looks through history, and writes nothing."""

    def blame(self, message_id: str, at: str | None = None) -> Blame:
        """Return which commit put a message there, and each line of its text; lines are followed through merges.

        Raises:
            MessageNotFoundError: the context at the revision (None: the branch's tip) has no such message.
        """
        return finding.blame(self._repo, message_id, at)

    def bisect(self, good: str, bad: str, check: Callable[[CompiledContext], bool | None]) -> BisectResult:
        """Return the first commit after which a check of the compiled context fails.

        Of n commits on the first-parent history from `good` to `bad` it checks the logarithm of n, or more where the
        check answers None: it cannot tell. Neither end is checked.

        Raises:
            RevisionError: `good` is not before `bad` in its first-parent history.
        """
        return finding.bisect(self._repo, good, bad, check)

    def search(
        self,
        query: str,
        *,
        branch: str | None = None,
        role: str | None = None,
        current: bool = False,
        limit: int | None = 50,
    ) -> list[SearchHit]:
        """Return the messages ever recorded in this tract that have what a query asks for, newest first.

        Words must all occur; words in double quotes in a row; `word*` stands for every word that begins so. `branch`
        keeps to its history, `current` to what a model is sent there now (on this object's branch, if none is named).

        Raises:
            RefNotFoundError: there is no such branch.
        """
        return searching.search(self._repo, query, branch=branch, role=role, current=current, limit=limit)
