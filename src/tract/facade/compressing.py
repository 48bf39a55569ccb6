"""Verbs of compression: a summary stands for messages, and they come back when it is expanded."""

import re
from collections.abc import Iterable

from tract.facade.base import Metadata, Text, Verbs
from tract.model.commits import Commit
from tract.operations import compressing
from tract.operations.compressing import Wanted, Writing, as_tuple
from tract.operations.record import Notes
from tract.protocols import SummarizerCallable


class Compressing(Verbs):
    """What makes a long context short, and long again."""

    def compress(
        self,
        messages: str | Iterable[str] | None = None,
        *,
        before: str | None = None,
        summary: str | None = None,
        summarizer: SummarizerCallable | None = None,
        target_tokens: int | None = None,
        keep: Iterable[str] = (),
        must_keep: Iterable[str | re.Pattern[str]] = (),
        message: Text = None,
        author: Text = None,
        metadata: Metadata = None,
    ) -> Commit:
        """Let one summary stand for messages: ids, a range `a..b` of ids with both ends, or all `before` one.

        Whole exchanges are folded, but none that is pinned, skipped, open, a system message, or in `keep`; the
        commit's metadata says which were left out. Without `summary` the summarizer writes it, else the configured
        model. It must hold each text of `must_keep`, and all that its patterns match.

        Raises:
            CompressError: nothing may be folded, or nobody is there to write the summary.
            SummaryError: the summary is empty, lacks what must be kept, or is too long.
            MessageNotFoundError: the branch's context has no such message.
            ConcurrentMoveError: what was summarised changed meanwhile.
        """
        wanted = Wanted(messages, before, as_tuple(keep))
        writing = Writing(summary, summarizer, target_tokens, as_tuple(must_keep))
        return compressing.compress(self._repo, wanted, writing, Notes(message, author, metadata))

    def expand(
        self, summary_id: str, *, message: Text = None, author: Text = None, metadata: Metadata = None
    ) -> Commit:
        """Show again what a summary stands for, verbatim and in place; a summary in it stays one.

        Raises:
            CompressError: it is no summary, was expanded already, is skipped, or lies under another summary.
        """
        return compressing.expand(self._repo, summary_id, Notes(message, author, metadata))

    def auto_compress(
        self,
        budget: int | None = None,
        *,
        keep_last: int = 4,
        summarizer: SummarizerCallable | None = None,
        target_tokens: int | None = None,
        must_keep: Iterable[str | re.Pattern[str]] = (),
        message: Text = None,
        author: Text = None,
        metadata: Metadata = None,
    ) -> Commit | None:
        """Fold the oldest exchanges where the context exceeds a budget (None: the configured one), to half of it.

        The newest `keep_last` exchanges stay, and what `compress` never folds; what `must_keep` names counts where it
        stands in what is folded. Returns the tip where the context fits, None on an unborn branch.

        Raises:
            BudgetError: what must stay, with the summary, does not fit; `needed` says what would.
            SummaryError: the summary is empty, lacks what must be kept, or is too long.
        """
        writing = Writing(None, summarizer, target_tokens, as_tuple(must_keep))
        notes = Notes(message, author, metadata)
        return compressing.auto_compress(self._repo, budget, writing, notes, keep_last=keep_last)
