"""Conversations in and out: importing what a branch does not have, and exporting what it compiles to."""

from collections.abc import Mapping, Sequence
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from tract.exceptions import ContentError, ImportFormatError
from tract.formats.conversations import Conversation, read_conversations
from tract.formats.export import render_export
from tract.history.importing import ImportPlan, plan_import
from tract.model.changes import Append
from tract.model.encoding import shown
from tract.model.messages import parse_message
from tract.model.results import ImportReport
from tract.operations.batch import record
from tract.operations.read import compile_context
from tract.operations.record import Draft, Notes
from tract.operations.repo import Repo


def read_source(source: object, format: str | None) -> list[Conversation]:
    """Return the conversations in a path, JSON text or bytes, or values parsed already.

    Text that begins like JSON is JSON; any other text is a path.

    Raises:
        ImportFormatError: it is none, or the file cannot be read.
    """
    if isinstance(source, PathLike) or (isinstance(source, str) and source.lstrip("\ufeff \t\r\n")[:1] not in "[{"):
        try:
            return read_conversations(Path(fspath(source)).read_bytes(), format=format)
        except (OSError, ValueError) as error:
            raise ImportFormatError(f"cannot read {source!s}: {error}") from error
    if isinstance(source, str | bytes | Mapping | Sequence):
        return read_conversations(source, format=format)
    raise ImportFormatError(f"a conversation is JSON or a path, not {type(source).__name__}")


def import_messages(repo: Repo, source: object, notes: Notes, *, format: str | None, index: int | None) -> ImportReport:
    """Append what a conversation has and the branch's history has not, as one commit; times and models go along.

    Raises:
        ImportFormatError: the source holds no conversation, or several and `index` (from 0) names none of them.
    """
    conversation = _pick(read_source(source, format), index)
    blobs = [parse_message(message.fields) for message in conversation.messages]
    plans: list[ImportPlan] = []

    def fill(draft: Draft) -> None:
        plan = plan_import(draft.context(), blobs)
        plans.append(plan)
        if plan.changes:
            draft.add(plan.changes, plan.blobs)

    origin = _origin(conversation)
    metadata = {**({"import": origin} if origin else {}), **(notes.metadata or {})}
    try:
        commit = record(repo, "import", fill, Notes(notes.message, notes.author, metadata), may_refill=True)
    except ContentError:
        if not plans or plans[-1].changes:
            raise
        commit = None
    plan = plans[-1]
    added = sum(isinstance(change, Append) for change in plan.changes)
    return ImportReport(commit if added else None, plan.message_ids, added, plan.unanswered, plan.orphans)


def export_messages(repo: Repo, format: str, at: str | None) -> str:
    """Return what a revision compiles to as text in a format: `openai`, `openai-jsonl` or `anthropic`."""
    return render_export(compile_context(repo, at, None), format)


def _pick(conversations: Sequence[Conversation], index: int | None) -> Conversation:
    if not isinstance(index, int | None) or isinstance(index, bool):
        raise ImportFormatError(f"an index is a whole number, not {shown(index)}")
    if index is None and len(conversations) > 1:
        raise ImportFormatError(f"the source holds {len(conversations)} conversations; say which one by its index")
    if not 0 <= (index or 0) < len(conversations):
        raise ImportFormatError(f"the source holds {len(conversations)} conversations, and none at {index}")
    return conversations[index or 0]


def _origin(conversation: Conversation) -> dict[str, Any]:
    """Return what is kept of where a conversation comes from; times and models by the message's place in it."""
    times = {
        str(place): message.created_at.isoformat()
        for place, message in enumerate(conversation.messages)
        if message.created_at is not None
    }
    models = {str(place): message.model for place, message in enumerate(conversation.messages) if message.model}
    found = {"format": conversation.format, "title": conversation.title, "times": times, "models": models}
    return {key: value for key, value in found.items() if value}
