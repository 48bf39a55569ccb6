"""Values as rows and back, with what is checked on the way in: ids against bytes, and seals."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from zlib import crc32

from tract.exceptions import CorruptionError
from tract.model.commits import Commit, ContextFacts, OpenCall, parse_commit
from tract.model.encoding import decode, encode
from tract.protocols import (
    LoggedMove,
    LoggedOperation,
    NewBlob,
    NewCommit,
    NewRecord,
    Operation,
    RefMove,
    StoredCommit,
    TokenCount,
    Tombstone,
)
from tract.storage.ids import ID_BYTES, target_bytes, target_text
from tract.storage.schema import BLOB_KIND, RECORD_KIND, TOMBSTONE_KIND

Row = tuple[Any, ...]
Parameters = Mapping[str, Any]

_NO_COUNT = (None, None, None, None)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@contextmanager
def readable() -> Iterator[None]:
    """Turn what altered rows make of reading them into CorruptionError."""
    try:
        yield
    except (TypeError, ValueError, AttributeError, LookupError, OverflowError) as error:
        raise CorruptionError(f"a stored row cannot be read: {error}") from error


def seal_of(data: bytes) -> int:
    """Return the checksum of columns that no id covers."""
    return crc32(data)


def facts_seal(key: bytes, counts: tuple[int, int, int], encoding: str, extras: bytes | None) -> int:
    """Return the seal of what stands beside a commit: its messages, tokens, whether they are exact, and the rest."""
    return crc32(b"%b%d,%d,%d,%b,%b" % (key, *counts, text_bytes(encoding), extras or b""))


def count_seal(key: bytes, name: str, tokens: int, exact: int) -> int:
    """Return the seal of a token count."""
    return crc32(b"%b%d,%d,%b" % (key, tokens, exact, text_bytes(name)))


def move_seal(columns: Iterable[bytes | None], created_at: int) -> int:
    """Return the seal of a logged move."""
    return crc32(b"\0".join([b"-" if column is None else column for column in columns]), created_at & 0xFFFFFFFF)


def microseconds(moment: datetime) -> int:
    """Return a time as it is stored."""
    return (moment - _EPOCH) // _MICROSECOND


def text_bytes(text: str) -> bytes:
    """Return a text as it is stored: lone surrogates as their own three bytes."""
    return text.encode("utf-8", "surrogatepass")


def bytes_text(stored: bytes) -> str:
    """Return the text that `text_bytes` stored."""
    return stored.decode("utf-8", "surrogatepass")


def checked(kind: bytes, key: bytes, payload: bytes) -> bytes:
    """Return a payload whose hash is its id.

    Raises:
        CorruptionError: it is not.
    """
    if sha256(kind + b"\0" + payload).digest() != key:
        raise CorruptionError(f"the bytes of {kind.decode()} {key.hex()} do not match its id", object_id=key.hex())
    return payload


def grave_payload(key: bytes, payload: bytes) -> bytes:
    """Return a tombstone's bytes as they are stored, with a checksum of their own in front."""
    return sha256(b"tombstone\0" + key + payload).digest() + payload


def buried(key: bytes, stored: bytes) -> bytes:
    """Return a tombstone's bytes.

    Raises:
        CorruptionError: they are not what was stored.
    """
    payload = stored[ID_BYTES:]
    if grave_payload(key, payload) != stored:
        raise CorruptionError(f"what stands for the purged object {key.hex()} was altered", object_id=key.hex())
    return payload


def blob_payload(key: bytes, kind: int, stored: bytes) -> bytes:
    """Return a message's bytes; of a purged one, the message that stands for it."""
    if kind != TOMBSTONE_KIND:
        return checked(b"blob", key, stored)
    return encode(decode(buried(key, stored))["message"], sort_keys=False)


def all_checked(kind: bytes, rows: Iterable[tuple[bytes, bytes]]) -> tuple[list[str], list[bytes]]:
    """Return the ids and the payloads of rows, parallel, each payload one whose hash is its id.

    Raises:
        CorruptionError: one is not.
    """
    prefix = kind + b"\0"
    ids: list[str] = []
    payloads: list[bytes] = []
    for key, payload in rows:
        if sha256(prefix + payload).digest() != key:
            checked(kind, key, payload)
        ids.append(key.hex())
        payloads.append(payload)
    return ids, payloads


def commit_row(new: NewCommit, encoding: int) -> Row:
    """Return a new commit's values; its place and generation are found where it is inserted."""
    (commit, payload, facts), parents = new, new.commit.parents
    key = bytes.fromhex(commit.id)
    extras = _extras(facts)
    counts = (facts.message_count, facts.token_count, facts.tokens_exact)
    first = bytes.fromhex(parents[0]) if parents else None
    every = bytes.fromhex("".join(parents)) if len(parents) > 1 else None
    return (key, first, every, *counts, encoding, extras, facts_seal(key, counts, facts.encoding, extras), payload)


def commit_of(key: bytes, payload: bytes) -> Commit:
    """Return the commit that a row holds."""
    return parse_commit(key.hex(), checked(b"commit", key, payload))


def generation_of(column: object) -> int:
    """Return a commit's generation, which no id and no seal covers.

    Raises:
        CorruptionError: it is no number.
    """
    if type(column) is not int:
        raise CorruptionError(f"a commit's generation is {column!r}")
    return column


def stored_commit(row: Row, encoding: str) -> StoredCommit:
    """Return a commit with its facts from a row; the name of its encoding is given."""
    key, generation, message_count, token_count, exact, _, extras, seal, payload = row
    if seal != facts_seal(key, (message_count, token_count, exact), encoding, extras):
        raise CorruptionError(f"what is kept beside commit {key.hex()} was altered", object_id=key.hex())
    budget: int | None = None
    open_calls: tuple[OpenCall, ...] = ()
    if extras is not None:
        found = decode(extras)
        budget = found.get("budget")
        open_calls = tuple([OpenCall(*call) for call in found.get("open", ())])
    facts = ContextFacts(message_count, token_count, bool(exact), encoding, budget, open_calls)
    return StoredCommit(commit_of(key, payload), generation_of(generation), facts)


def blob_row(new: NewBlob | NewRecord, count: Row | None) -> Row:
    """Return a message's or a record's values, with those of the first token count."""
    if count is None:
        return (
            bytes.fromhex(new.id),
            RECORD_KIND if isinstance(new, NewRecord) else BLOB_KIND,
            *_NO_COUNT,
            new.payload,
        )
    key, *columns = count
    return (key, BLOB_KIND, *columns, new.payload)


def grave_row(new: Tombstone) -> Row:
    """Return a tombstone's values, as a row of its own."""
    key = bytes.fromhex(new.id)
    return (key, TOMBSTONE_KIND, *_NO_COUNT, grave_payload(key, new.payload))


def count_row(key: bytes, encoding: int, name: str, count: TokenCount) -> Row:
    """Return a token count's values."""
    tokens, exact = count
    return (key, encoding, tokens, exact, count_seal(key, name, tokens, exact))


def token_counts(rows: Iterable[Row], name: str) -> dict[str, TokenCount]:
    """Return the token counts that rows hold in one encoding, by blob id."""
    encoding = text_bytes(name)
    found = {}
    for key, tokens, exact, seal in rows:
        if seal != crc32(b"%b%d,%d,%b" % (key, tokens, exact, encoding)):
            raise CorruptionError(f"a token count of message {key.hex()} was altered", object_id=key.hex())
        found[key.hex()] = TokenCount(tokens, bool(exact))
    return found


def move_rows(tract: int, n: int, move: RefMove, operation: Operation) -> tuple[Row, Row]:
    """Return a move's values for the log and for its ref; the latter end with what object must be stored."""
    key = bytes.fromhex(operation.id)
    ref = text_bytes(move.name)
    old = None if move.old is None else target_bytes(move.old)
    new = None if move.new is None else target_bytes(move.new)
    kind, author = text_bytes(operation.kind), text_bytes(operation.author)
    created_at = microseconds(operation.created_at)
    seal = move_seal((key, ref, old, new, kind, author), created_at)
    wanted = new if new is not None and len(new) == ID_BYTES else None
    return (tract, key, n, ref, old, new, kind, author, created_at, seal), (tract, ref, old, new, wanted)


def logged_move(row: Row) -> LoggedMove:
    """Return the logged move that a row holds."""
    operation, ref, old, new, kind, author, created_at, seal = row
    if seal != move_seal(row[:6], created_at):
        raise CorruptionError(f"the log of operation {operation.hex()} was altered", object_id=operation.hex())
    done = Operation(operation.hex(), bytes_text(kind), bytes_text(author), _EPOCH + timedelta(microseconds=created_at))
    move = RefMove(
        bytes_text(ref), None if old is None else target_text(old), None if new is None else target_text(new)
    )
    return LoggedMove(done, move)


def logged_operations(rows: Iterable[Row]) -> list[LoggedOperation]:
    """Return the operations whose logged moves follow one another in rows."""
    found: list[LoggedOperation] = []
    for operation, move in map(logged_move, rows):
        if found and found[-1].operation.id == operation.id:
            found[-1] = LoggedOperation(operation, (*found[-1].moves, move))
        else:
            found.append(LoggedOperation(operation, (move,)))
    return found


def _extras(facts: ContextFacts) -> bytes | None:
    if facts.budget is None and not facts.open_calls:
        return None
    found: dict[str, Any] = {}
    if facts.budget is not None:
        found["budget"] = facts.budget
    if facts.open_calls:
        found["open"] = [list(call) for call in facts.open_calls]
    return encode(found)
