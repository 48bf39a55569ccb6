"""What is asked of a commit or a message that comes from elsewhere, before it may be stored."""

import re
from collections.abc import Iterable, Mapping, Sequence

from tract.exceptions import ContentError, CorruptionError, TransferError
from tract.history.fold import result_ids
from tract.model.changes import (
    MARKS,
    Append,
    Change,
    Configure,
    Edit,
    Fold,
    Insert,
    Move,
    NewMessage,
    SetMark,
    Unfold,
)
from tract.model.commits import Commit, OpenCall, added_messages, build_commit, named_blobs, parse_commit
from tract.model.context import Context
from tract.model.encoding import check_json, decode, object_id
from tract.model.messages import ROLES, Blob, parse_message

_ID = re.compile(r"[0-9a-f]{64}")
_MALFORMED = (TypeError, ValueError, AttributeError, LookupError, OverflowError, RecursionError)
"""What reading a value of another shape than ours may raise."""


def is_id(value: object) -> bool:
    """Tell whether a value is an id: 64 hex digits."""
    return isinstance(value, str) and _ID.fullmatch(value) is not None


def read_commit(payload: bytes) -> Commit:
    """Return the commit that bytes hold, named by their hash.

    Raises:
        TransferError: they are no commit as this version writes it, to the byte.
    """
    commit_id = object_id("commit", payload)
    try:
        commit = parse_commit(commit_id, payload)
    except (CorruptionError, *_MALFORMED) as error:
        raise _refused("commit", commit_id, error) from error
    write_commit(commit)
    return commit


def write_commit(commit: Commit) -> bytes:
    """Return the bytes of a commit whose id is their hash.

    Raises:
        TransferError: a field has another shape than ours, or the bytes have another hash.
    """
    try:
        _check_shape(commit)
        made, payload = build_commit(
            commit.parents,
            commit.changes,
            message=commit.given_message,
            author=commit.author,
            created_at=commit.created_at,
            metadata=commit.metadata,
        )
    except (ContentError, *_MALFORMED) as error:
        raise _refused("commit", commit.id, error) from error
    if made.id != commit.id:
        raise _refused("commit", commit.id, ContentError("its bytes are not those that tract writes for it"))
    return payload


def read_blob(payload: bytes) -> Blob:
    """Return the message that bytes hold, named by their hash.

    Raises:
        TransferError: they are no message as this version writes it, to the byte.
    """
    blob_id = object_id("blob", payload)
    try:
        blob = parse_message(decode(payload))
        if blob.id != blob_id:
            raise ContentError("it is not written as tract writes messages")
    except (ContentError, CorruptionError, *_MALFORMED) as error:
        raise _refused("message", blob_id, error) from error
    return blob


def blobs_named(commit: Commit) -> list[str]:
    """Return the ids of the messages' bytes that a commit names, each once, in order."""
    return list(dict.fromkeys(named_blobs(commit.changes)))


def check_blobs(changes: Sequence[Change], blobs: Mapping[str, Blob]) -> None:
    """Check that the facts which changes carry of their messages are what the messages say.

    Raises:
        ContentError: they are not, or a message is missing.
    """
    for message in added_messages(changes):
        blob = _present(message.blob_id, blobs)
        if (blob.role, blob.calls, blob.tool_call_id) != (message.role, message.calls, message.call_id):
            raise ContentError(f"message {message.message_id[:12]} is not what its bytes say")
    for change in changes:
        if isinstance(change, Edit):
            _present(change.blob_id, blobs)


def check_fit(changes: Sequence[Change], context: Context, blobs: Mapping[str, Blob]) -> None:
    """Check what a fold takes for granted, in the context that changes led to.

    An edit keeps a message's role, calls and answered call; a result answers a call that is there, and stands with it.

    Raises:
        ContentError: one does not.
    """
    for change in changes:
        if isinstance(change, Edit):
            entry, blob = context.find(change.message_id), blobs[change.blob_id]
            if entry is None or (blob.role, blob.calls, blob.tool_call_id) != (entry.role, entry.calls, entry.call_id):
                raise ContentError(f"an edit of message {change.message_id[:12]} changes its role or its calls")
    for message in added_messages(changes):
        if message.answers is not None and not _answers_rightly(message, context):
            raise ContentError(f"message {message.message_id[:12]} is no result of the call that it names")


def _answers_rightly(message: NewMessage, context: Context) -> bool:
    assistant = context.find(message.answers or "")
    if assistant is None or assistant.answers is not None:
        return False
    calls = dict(zip(result_ids(assistant), assistant.calls, strict=True))
    if calls.get(message.message_id) != message.call_id:
        return False
    return any(member.message_id == message.message_id for member in context.exchange(assistant.message_id))


def find_appended(changes: Sequence[Change], open_calls: Iterable[OpenCall]) -> tuple[OpenCall, ...] | None:
    """Return the calls that are open after changes that only say messages behind a context with these open calls.

    None: that they may be said cannot be told without the context.
    """
    waiting = list(open_calls)
    for change in changes:
        if not isinstance(change, Append):
            return None
        message = change.message
        if message.answers is None:
            if waiting or message.role == "tool":
                return None
            waiting = [
                OpenCall(message.message_id, call_id, result_id)
                for call_id, result_id in zip(message.calls, result_ids(message), strict=True)
            ]
            continue
        found = OpenCall(message.answers, message.call_id or "", message.message_id)
        if found not in waiting:
            return None
        waiting.remove(found)
    return tuple(waiting)


def _check_shape(commit: Commit) -> None:
    """Raise ContentError, or what `check_json` raises, where a field is not of the kind that our code writes."""
    for parent in commit.parents:
        _require(is_id(parent), "a parent")
    _require(isinstance(commit.metadata, Mapping), "the metadata")
    for change in commit.changes:
        _check_change(change)


def _check_change(change: Change) -> None:
    match change:
        case Append(message):
            _check_message(message)
        case Insert(message, after, summary):
            _check_message(message)
            _require((after is None or is_id(after)) and isinstance(summary, bool), "an insert")
        case Move(message_id, after):
            _require(is_id(message_id) and (after is None or is_id(after)), "a move")
        case Edit(message_id, blob_id):
            _require(is_id(message_id) and is_id(blob_id), "an edit")
        case SetMark(message_id, mark):
            _require(is_id(message_id) and mark in MARKS, "a mark")
        case Fold():
            _check_fold(change)
        case Unfold(summary_id, message_ids):
            _require(is_id(summary_id) and all(map(is_id, message_ids or ())), "an unfold")
        case Configure(settings):
            _require(isinstance(settings, dict), "a setting")
            check_json(settings)


def _check_fold(fold: Fold) -> None:
    _require(is_id(fold.summary_id) and all(map(is_id, fold.message_ids)), "a fold")
    if fold.summary is not None:
        _check_message(fold.summary)
    if fold.seen is not None:
        _require(isinstance(fold.seen, dict), "what a summary was made from")
        _require(all(is_id(key) and is_id(value) for key, value in fold.seen.items()), "what a summary was made from")


def _check_message(message: NewMessage) -> None:
    _require(is_id(message.message_id) and is_id(message.blob_id), "a message's id")
    _require(message.role in ROLES, "a message's role")
    _require(all(isinstance(call, str) for call in message.calls), "a message's calls")
    _require(isinstance(message.call_id, str | None), "the call that a message answers")
    _require(message.answers is None or (is_id(message.answers) and message.call_id is not None), "a result's call")


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise ContentError(f"{what} is malformed")


def _present(blob_id: str, blobs: Mapping[str, Blob]) -> Blob:
    found = blobs.get(blob_id)
    if found is None:
        raise ContentError(f"message {blob_id} is missing")
    return found


def _refused(kind: str, object_id: str, error: Exception) -> TransferError:
    return TransferError(f"{kind} {object_id} cannot be taken: {error}", object_id=object_id)
