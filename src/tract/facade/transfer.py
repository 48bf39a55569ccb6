"""Verbs that carry conversations in and out."""

from collections.abc import Mapping
from typing import Any

from tract.facade.base import Verbs
from tract.model.results import ImportReport
from tract.operations import transfer
from tract.operations.record import Notes


class Transfer(Verbs):
    """What reads other people's formats, and writes them."""

    def import_messages(
        self,
        source: object,
        *,
        format: str | None = None,
        index: int | None = None,
        message: str | None = None,
        author: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> ImportReport:
        """Append a conversation's messages that the branch never had: from a path, JSON, or values parsed already.

        `format` is `openai` or `anthropic`, found by looking if None; `index` picks one of several conversations.
        """
        notes = Notes(message, author, metadata)
        return transfer.import_messages(self._repo, source, notes, format=format, index=index)

    def export_messages(self, format: str = "openai", at: str | None = None) -> str:
        """Return what a revision compiles to as text: `openai` (JSON), `openai-jsonl` or `anthropic`."""
        return transfer.export_messages(self._repo, format, at)
