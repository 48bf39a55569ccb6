"""Purging: what a message ever said is overwritten in the whole store, and stands as a tombstone under its ids."""

from collections.abc import Iterable, Mapping
from typing import Any

from tract.exceptions import MessageNotFoundError
from tract.model.changes import Edit
from tract.model.commits import added_messages, parse_commit
from tract.model.encoding import ID_LENGTH, decode, encode
from tract.model.messages import call_ids, text_of
from tract.model.refs import BRANCHES, TAGS
from tract.model.results import PurgeReport
from tract.operations.read import context_at
from tract.operations.repo import Repo
from tract.operations.write import find_message
from tract.protocols import RefMove, Tombstone

PURGED = "[purged]"
"""What a purged message says."""

_SHORTEST_TEXT = 4
"""Shorter texts occur everywhere; they are not looked for in records."""


def purge(repo: Repo, message_id: str, *, confirmed: bool) -> PurgeReport:
    """Overwrite everything that a message ever said, if that is confirmed, and return what is, or would be, concerned.

    Raises:
        MessageNotFoundError: no commit of the store has a message of this id.
    """
    repo.refuse_in_batch("purge")
    full_id = _full_id(repo, message_id)
    versions = _versions(repo, full_id)
    if not versions:
        raise MessageNotFoundError(f"no message {full_id} in this store", message_id=full_id)
    standing = _standing(repo, versions)
    texts = _texts(standing.values())
    records = repo.store.containing("record", texts).keys() if texts else set[str]()
    moves = _forgetting(repo, records)
    report = PurgeReport(
        full_id,
        tuple(sorted(versions)),
        tuple(f"{move.tract}: {move.name}" for move in moves),
        tuple(repo.store.containing("commit", texts)) if texts else (),
        confirmed,
    )
    if confirmed:
        graves = [tombstone(repo, blob_id, _stand_in(fields)) for blob_id, fields in sorted(standing.items())]
        graves += [tombstone(repo, record_id, None) for record_id in sorted(records)]
        repo.store.publish(graves, moves, repo.operation("purge"))
        repo.store.forget()
        repo.caches.fields.clear(refused=report.blob_ids)
        repo.caches.renderings.clear()
    return report


def _full_id(repo: Repo, message_id: str) -> str:
    """Return the id of a message of the branch that begins so; a whole id may be of any message of the store."""
    if isinstance(message_id, str) and len(message_id) == ID_LENGTH:
        return message_id
    return find_message(context_at(repo, None)[0], message_id).message_id


def _versions(repo: Repo, message_id: str) -> set[str]:
    """Return the blobs that a message ever had, in any commit of the store; reads all commits."""
    found: set[str] = set()
    for commit_id, payload in repo.store.containing("commit", [message_id.encode()]).items():
        changes = parse_commit(commit_id, payload).changes
        found.update(message.blob_id for message in added_messages(changes) if message.message_id == message_id)
        found.update(
            change.blob_id for change in changes if isinstance(change, Edit) and change.message_id == message_id
        )
    return found


def _standing(repo: Repo, blob_ids: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return the fields of those that are no tombstones yet."""
    gone = repo.store.tombstones()
    wanted = [blob_id for blob_id in blob_ids if blob_id not in gone]
    return {blob_id: decode(payload) for blob_id, payload in repo.store.blobs(wanted).items()}


def _texts(messages: Iterable[Mapping[str, Any]]) -> list[bytes]:
    """Return what messages say, as it stands inside JSON."""
    texts = {text_of(fields) for fields in messages}
    return [encode(text)[1:-1] for text in sorted(texts) if len(text) >= _SHORTEST_TEXT]


def _forgetting(repo: Repo, record_ids: Iterable[str]) -> list[RefMove]:
    """Return the moves that let go of records, in every tract: remembered answers, notes, merges that wait."""
    wanted = set(record_ids)
    moves: list[RefMove] = []
    for name in repo.store.tracts() if wanted else ():
        with repo.store.sibling(name) as store:
            for ref, target in store.refs("").items():
                if target in wanted and not ref.startswith((BRANCHES, TAGS)):
                    moves.append(RefMove(ref, target, None, name))
    return moves


def stand_in(role: str, calls: Iterable[str], answered: str | None) -> dict[str, Any]:
    """Return the message that stands for another: its role and the ids of its calls, and nothing that it said."""
    found: dict[str, Any] = {"role": role, "content": PURGED}
    made = [{"id": call, "type": "function", "function": {"name": "purged", "arguments": "{}"}} for call in calls]
    if made:
        found["tool_calls"] = made
    if answered is not None:
        found["tool_call_id"] = answered
    return found


def tombstone(repo: Repo, object_id: str, message: Mapping[str, Any] | None, *, is_new: bool = False) -> Tombstone:
    """Return what stands for a purged object, and for a message the message that is read in its place."""
    told = {"by": repo.author, "at": repo.now().isoformat()}
    whole = told if message is None else {**told, "message": message}
    return Tombstone(object_id, encode(whole, sort_keys=False), is_new)


def _stand_in(fields: Mapping[str, Any]) -> dict[str, Any]:
    return stand_in(fields["role"], call_ids(fields), fields.get("tool_call_id"))
