"""What a child said since it was spawned, told by a summarizer in the words of one message."""

from contextlib import suppress

from tract.exceptions import ContentError, TraceError
from tract.model.commits import Commit
from tract.model.context import Context, Entry
from tract.model.encoding import shown
from tract.operations.load import load_context, load_context_at
from tract.operations.repo import Repo
from tract.operations.summaries import answer_of, check_summary, find_paid, keep_paid, paid_id, request_of
from tract.protocols import SummarizerCallable, Summary


class ChildSummary:
    """The summary of what a child said: written once, and kept where it cannot be recorded.

    `message_ids` are the messages that it tells of.
    """

    def __init__(self, repo: Repo, name: str, *, head: Commit, begun_id: str | None) -> None:
        self._repo = repo
        context = load_context(repo, head)
        told = _said_since(context, None if begun_id is None else load_context_at(repo, begun_id))
        if not told:
            raise ContentError(f"child {shown(name)} has said nothing that a summary could tell")
        self.message_ids = [entry.message_id for entry in told]
        self._request = request_of(repo, context.config, told, replaces=False)
        asked = [("child", name), *((entry.message_id, entry.blob_id) for entry in told)]
        self._key = paid_id(asked, self._request)

    def written(self, summarizer: SummarizerCallable) -> Summary:
        """Return what was written for the same question and could not be recorded, or what is written now.

        Raises:
            SummaryError: it is empty, or longer than all that was said.
            Exception: whatever the summarizer raises.
        """
        found = find_paid(self._repo, self._key)
        return found or check_summary(answer_of(summarizer, self._request), self._request)

    def keep(self, summary: Summary) -> None:
        """Keep a summary that could not be recorded, for who asks the same again."""
        # The error under way is the one to tell of, also where the store takes nothing any more.
        with suppress(TraceError):
            keep_paid(self._repo, {self._key: summary})


def _said_since(context: Context, begun: Context | None) -> list[Entry]:
    """Return what a model is sent and was not, or in other words, where the child began."""
    before = {} if begun is None else {entry.message_id: entry.blob_id for entry in begun.visible()}
    return [entry for entry in context.visible() if before.get(entry.message_id) != entry.blob_id]
