"""Notes on commits: records named by refs, so that no commit's id changes and no context does."""

from datetime import UTC, datetime

from tract.exceptions import ConcurrentMoveError, ContentError, CorruptionError
from tract.model.encoding import decode, encode, object_id
from tract.model.notes import Note
from tract.model.refs import NOTES
from tract.operations.repo import Repo
from tract.operations.revisions import resolve_revision
from tract.protocols import NewRecord, RefMove

_ATTEMPTS = 100


def note(repo: Repo, revision: str, text: str) -> Note:
    """Add a note to a commit and return it; added anew behind one that another writer adds meanwhile.

    Raises:
        ContentError: the text is no text, or empty.
    """
    if not isinstance(text, str) or not text.strip():
        raise ContentError("a note is text, and not empty")
    commit_id = resolve_revision(repo, revision)
    operation = repo.operation("note")
    added = Note(text, operation.author, operation.created_at)
    for attempt in range(_ATTEMPTS):
        standing, known = _read(repo, commit_id)
        record = _record(commit_id, [*known, added])
        try:
            repo.store.publish([record], [RefMove(NOTES + commit_id, standing, record.id)], operation)
            break
        except ConcurrentMoveError:
            if attempt == _ATTEMPTS - 1:
                raise
    return added


def notes(repo: Repo, revision: str) -> list[Note]:
    """Return the notes on a commit, oldest first. Two statements more than the revision takes."""
    return _read(repo, resolve_revision(repo, revision))[1]


def remove_notes(repo: Repo, revision: str) -> list[Note]:
    """Take all notes from a commit, and return them.

    Raises:
        ConcurrentMoveError: another writer added one meanwhile; none is removed.
    """
    commit_id = resolve_revision(repo, revision)
    standing, known = _read(repo, commit_id)
    if standing is not None:
        repo.store.publish([], [RefMove(NOTES + commit_id, standing, None)], repo.operation("remove notes"))
    return known


def _read(repo: Repo, commit_id: str) -> tuple[str | None, list[Note]]:
    """Return the record that a commit's notes are in, and the notes."""
    record_id = repo.store.find_ref(NOTES + commit_id)
    if record_id is None:
        return None, []
    payload = repo.store.find_record(record_id)
    if payload is None:
        raise CorruptionError(f"record {record_id} is missing", object_id=record_id)
    try:
        found = [
            Note(kept["text"], kept["author"], datetime.fromisoformat(kept["created_at"]).astimezone(UTC))
            for kept in decode(payload)["notes"]
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise CorruptionError(f"record {record_id} holds no notes", object_id=record_id) from error
    return record_id, found


def _record(commit_id: str, known: list[Note]) -> NewRecord:
    told = [{"text": kept.text, "author": kept.author, "created_at": kept.created_at.isoformat()} for kept in known]
    payload = encode({"kind": "notes", "commit": commit_id, "notes": told}, sort_keys=False)
    return NewRecord(object_id("record", payload), payload)
