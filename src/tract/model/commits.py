"""A commit: parents, changes, and who made them when; its id covers all of it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from tract.exceptions import ContentError, CorruptionError
from tract.model.changes import (
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
    change_from_json,
    change_to_json,
)
from tract.model.encoding import decode, decode_all, encode, encode_own, object_id

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


_PLAIN = re.compile(
    r'\{(?:"author":"[^"\\\x00-\x1f]*",)?"changes":\[\{"blob":"([0-9a-f]{64})","do":"append","id":"([0-9a-f]{64})",'
    r'"role":"([a-z]+)"\}\],"parents":\[(?:"([0-9a-f]{64})")?\],"time":-?[0-9]+\}'
)
"""The bytes of a commit that only appends one message without calls, as most do. They are canonical, so that what
matches need not be parsed as JSON."""

Step = tuple[tuple[str, ...], tuple[Change, ...]]
"""A commit's first parent (a tuple of it, or an empty one) and its changes."""


class OpenCall(NamedTuple):
    """A tool call that has no result yet: whose it is, its id, and the message id that its result will have."""

    assistant_id: str
    call_id: str
    result_id: str


@dataclass(frozen=True, slots=True)
class ContextFacts:
    """What a store keeps beside a commit about its context, so that a status or an append reads no history.

    Never hashed: it follows from the changes, and can be rebuilt. `token_count` includes the reply's 3 and the
    tools; `open_calls` are the unanswered calls of the last visible message.
    """

    message_count: int
    token_count: int
    tokens_exact: bool
    encoding: str
    budget: int | None = None
    open_calls: tuple[OpenCall, ...] = ()


@dataclass(frozen=True, slots=True)
class Commit:
    """One immutable step of history. `changes` apply to the context of the first parent."""

    id: str
    parents: tuple[str, ...]
    changes: tuple[Change, ...]
    given_message: str | None
    author: str
    created_at: datetime
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @property
    def message(self) -> str:
        """The commit's message as given, else one line made from its changes."""
        return self.given_message if self.given_message is not None else describe_changes(self.changes)

    @property
    def generation_config(self) -> dict[str, Any]:
        """The model and parameters that made what the commit holds, or an empty dict."""
        found = self.metadata.get("generation_config")
        return dict(found) if isinstance(found, Mapping) else {}

    @property
    def message_ids(self) -> tuple[str, ...]:
        """The ids of the messages that the commit added, in order."""
        return tuple(message.message_id for message in added_messages(self.changes))

    @property
    def message_id(self) -> str | None:
        """The id of the one message that the commit added; None if it added none or several."""
        ids = self.message_ids
        return ids[0] if len(ids) == 1 else None


def build_commit(
    parents: Sequence[str],
    changes: Sequence[Change],
    *,
    message: str | None = None,
    author: str = "",
    created_at: datetime,
    metadata: Mapping[str, Any] | None = None,
) -> tuple[Commit, bytes]:
    """Return a commit and the bytes that are hashed and stored.

    Raises:
        ContentError: the message or author is no text, or the metadata no JSON.
    """
    if not isinstance(author, str) or not isinstance(message, str | None):
        raise ContentError("a commit's message and author are text")
    if not isinstance(metadata, Mapping | None):
        raise ContentError(f"a commit's metadata is a mapping, not {type(metadata).__name__}")
    kept: dict[str, Any] = decode(encode(dict(metadata))) if metadata else {}
    microseconds = (created_at - _EPOCH) // _MICROSECOND
    body: dict[str, Any] = {
        "changes": [change_to_json(change) for change in changes],
        "parents": list(parents),
        "time": microseconds,
    }
    if message is not None:
        body["message"] = message
    if author:
        body["author"] = author
    if kept:
        body["metadata"] = kept
    payload = encode_own(body)
    commit_id = object_id("commit", payload)
    return Commit(commit_id, tuple(parents), tuple(changes), message, author, created_at, kept), payload


def parse_commit(commit_id: str, payload: bytes) -> Commit:
    """Return the commit that stored bytes hold; that the bytes match the id is the store's to check.

    Raises:
        CorruptionError: the bytes are no commit.
    """
    return _commit_of(commit_id, decode(payload))


def parse_commits(ids: Sequence[str], payloads: Sequence[bytes]) -> list[Commit]:
    """Return the commits that stored bytes hold, parallel to their ids.

    Raises:
        CorruptionError: some bytes are no commit.
    """
    return list(map(_commit_of, ids, decode_all(payloads)))


def parse_steps(ids: Sequence[str], payloads: Sequence[bytes]) -> list[Step]:
    """Return the first parent (a tuple of it, or an empty one) and the changes of commits, parallel to their ids.

    Raises:
        CorruptionError: some bytes are no commit.
    """
    plain = [_PLAIN.fullmatch(payload.decode("utf-8", "surrogatepass")) for payload in payloads]
    others = decode_all([payload for payload, match in zip(payloads, plain, strict=True) if match is None])
    return [
        _step_of(commit_id, next(others)) if match is None else _plain_step(*match.groups())
        for commit_id, match in zip(ids, plain, strict=True)
    ]


def _plain_step(blob_id: str, message_id: str, role: str, parent_id: str | None) -> Step:
    parents = () if parent_id is None else (parent_id,)
    return parents, (Append(tuple.__new__(NewMessage, (message_id, blob_id, role, (), None, None))),)


def _step_of(commit_id: str, body: Any) -> Step:
    try:
        return tuple(body["parents"][:1]), _changes_of(body)
    except (KeyError, TypeError, AttributeError) as error:
        raise CorruptionError(f"commit {commit_id} is not readable", object_id=commit_id) from error


def _changes_of(body: Any) -> tuple[Change, ...]:
    changes = body["changes"]
    return (change_from_json(changes[0]),) if len(changes) == 1 else tuple(map(change_from_json, changes))


def _commit_of(commit_id: str, body: Any) -> Commit:
    try:
        return Commit(
            commit_id,
            tuple(body["parents"]),
            _changes_of(body),
            body.get("message"),
            body.get("author", ""),
            _EPOCH + timedelta(microseconds=body["time"]),
            body.get("metadata", {}),
        )
    except (KeyError, TypeError, AttributeError, OverflowError) as error:
        raise CorruptionError(f"commit {commit_id} is not readable", object_id=commit_id) from error


def added_messages(changes: Sequence[Change]) -> list[NewMessage]:
    """Return the messages that changes bring in, in order; a summary is one of them."""
    found = []
    for change in changes:
        if isinstance(change, Append | Insert):
            found.append(change.message)
        elif isinstance(change, Fold) and change.summary is not None:
            found.append(change.summary)
    return found


def named_blobs(changes: Sequence[Change]) -> list[str]:
    """Return the ids of the messages' bytes that changes need: of what they bring in, and of what they edit to."""
    found = [message.blob_id for message in added_messages(changes)]
    found += [change.blob_id for change in changes if isinstance(change, Edit)]
    return found


def recorded_messages(changes: Sequence[Change]) -> list[tuple[str, str]]:
    """Return the messages whose content changes record, new ones and edited ones: pairs of message id and blob id."""
    found = []
    for change in changes:
        if isinstance(change, Edit):
            found.append((change.message_id, change.blob_id))
        else:
            found += [(message.message_id, message.blob_id) for message in added_messages([change])]
    return found


def describe_changes(changes: Sequence[Change]) -> str:
    """Return one line that says what changes do."""
    if len(changes) == 1:
        return _describe(changes[0])
    kinds: dict[str, int] = {}
    for change in changes:
        kind = change.message.role if isinstance(change, Append | Insert) else _describe(change).split(" ", 1)[0]
        kinds[kind] = kinds.get(kind, 0) + 1
    return ", ".join(f"{count} {kind}" for kind, count in kinds.items()) or "nothing"


def _describe(change: Change) -> str:
    match change:
        case Append(message) | Insert(message):
            return message.role
        case Edit(message_id):
            return f"edit {message_id[:8]}"
        case SetMark(message_id, mark):
            return f"mark {message_id[:8]} {mark}"
        case Fold(_, message_ids):
            return f"fold {len(message_ids)} messages"
        case Unfold(summary_id):
            return f"unfold {summary_id[:8]}"
        case Configure(settings):
            return " ".join(f"configure {', '.join(settings)}".split())
        case Move(message_id):
            return f"move {message_id[:8]}"
