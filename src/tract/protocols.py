"""The seams: what a store, a token counter, a resolver and a summarizer must offer, and the values that cross them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple, Protocol, Self, runtime_checkable

from pydantic import BaseModel

from tract.model.commits import Commit, ContextFacts
from tract.model.messages import Message
from tract.model.steps import Steps
from tract.model.words import Word


class TokenCount(NamedTuple):
    """A number of tokens, and whether it is exactly what the provider would bill."""

    tokens: int
    exact: bool


class Encoding(NamedTuple):
    """The name of a tokenizer's encoding, and whether it is the one that the model really uses."""

    name: str
    exact: bool


class TokenCounter(Protocol):
    """Counts what messages cost; pure, thread-safe, and without network."""

    def encoding_for(self, model: str | None) -> Encoding:
        """Return the encoding that a model's tokens are counted in; an unknown model gets an inexact one."""
        ...

    def reply_tokens(self, model: str | None) -> int:
        """Return what a prompt to a model costs beside its messages and tools: the opening of the reply."""
        ...

    def count_message(self, message: Mapping[str, Any], encoding: str) -> TokenCount:
        """Count what one OpenAI-shaped message adds to a prompt."""
        ...

    def count_tools(self, tools: object, encoding: str) -> TokenCount:
        """Count what a list of OpenAI-shaped tool schemas adds to a prompt: an estimate."""
        ...


@dataclass
class Resolution:
    """What a resolver answers to one conflict: `resolved`, `abort` the verb, or `skip` and leave it to a person."""

    action: Literal["resolved", "abort", "skip"]
    content: BaseModel | None = None
    content_text: str | None = None
    reasoning: str | None = None
    generation_config: dict[str, Any] | None = None


@runtime_checkable
class ResolverCallable(Protocol):
    """Anything that turns a conflict into a `Resolution`."""

    def __call__(self, issue: object, /) -> Resolution:
        """Answer one conflict; `issue` is read by attribute, so any object of the right shape serves."""
        ...


_USUAL_TOKENS = 1000


@dataclass(frozen=True)
class SummaryRequest:
    """What a summary is asked for: messages, what they say as text (calls too, parallel to them), and its bounds.

    `must_keep` are texts that must stand in it word for word. `source_tokens` is what the messages cost, and
    `count_tokens` what a text would cost as the summary; `target_tokens` is None where nobody set a figure. A summary
    that takes the messages' place (`replaces`) must cost less than they do; one that only tells of them need not.
    """

    messages: Sequence[Message]
    texts: Sequence[str]
    source_tokens: int
    count_tokens: Callable[[str], int]
    target_tokens: int | None = None
    must_keep: tuple[str, ...] = ()
    replaces: bool = True

    @property
    def limit_tokens(self) -> int:
        """The most that a summary may cost: the target, and less than what it replaces."""
        smaller = self.source_tokens - 1 if self.replaces else max(self.source_tokens, _USUAL_TOKENS)
        return smaller if self.target_tokens is None else min(self.target_tokens, smaller)

    def missing(self, text: str) -> tuple[str, ...]:
        """Return what must be kept and is not in a text."""
        return tuple(kept for kept in self.must_keep if kept not in text)


@dataclass
class Summary:
    """What a summarizer answers; `generation_config` says how the text was made, and is recorded."""

    text: str
    generation_config: dict[str, Any] | None = None


@runtime_checkable
class SummarizerCallable(Protocol):
    """Anything that turns a `SummaryRequest` into a `Summary`, or into its text alone."""

    def __call__(self, request: SummaryRequest, /) -> Summary | str:
        """Write one summary; whatever it raises comes out of the verb, and nothing is changed."""
        ...


class NewBlob(NamedTuple):
    """A message's bytes to store, with the token counts known of it, by encoding."""

    id: str
    payload: bytes
    counts: Mapping[str, TokenCount]


class NewCommit(NamedTuple):
    """A commit to store, the bytes that were hashed, and what is kept beside it about its context."""

    commit: Commit
    payload: bytes
    facts: ContextFacts


class NewRecord(NamedTuple):
    """Another immutable JSON object to store, such as a merge that waits; its id is `object_id("record", payload)`."""

    id: str
    payload: bytes


class Tombstone(NamedTuple):
    """What takes the place of a stored message's or record's bytes for good, under the same id.

    `payload` is JSON, whose `message` (for a message) is read in the place of what was purged. With `is_new` it comes
    from another store, and takes its place only where nothing is stored under the id.
    """

    id: str
    payload: bytes
    is_new: bool = False


NewObject = NewBlob | NewCommit | NewRecord | Tombstone


class RefMove(NamedTuple):
    """One ref's compare-and-set: from `old` (None: it must not exist) to `new` (None: it goes away).

    `tract` names another tract of the store whose ref it is; None: the store's own. A log names no tract.
    """

    name: str
    old: str | None
    new: str | None
    tract: str | None = None


class Operation(NamedTuple):
    """Who does what, for the operation log; `id` (64 hex) is chosen before the first try and makes a retry safe."""

    id: str
    kind: str
    author: str
    created_at: datetime


class StoredCommit(NamedTuple):
    """A commit with what the store keeps beside it."""

    commit: Commit
    generation: int
    facts: ContextFacts


class GraphNode(NamedTuple):
    """A commit as the graph sees it; a root's generation is 1, any other's one more than its parents' greatest."""

    id: str
    parents: tuple[str, ...]
    generation: int


class LoggedMove(NamedTuple):
    """One move of one ref, as the operation log keeps it."""

    operation: Operation
    move: RefMove


class LoggedOperation(NamedTuple):
    """An operation with all its moves of one tract's refs, in order of name."""

    operation: Operation
    moves: tuple[RefMove, ...]


class Recorded(NamedTuple):
    """A message as a commit of a tract recorded it; `n` counts what one commit recorded."""

    commit_id: str
    generation: int
    n: int
    message_id: str
    blob_id: str


class Fault(NamedTuple):
    """Something wrong in a store: the object or row concerned, and what is wrong with it."""

    where: str
    problem: str


class Garbage(NamedTuple):
    """Ids of objects that nothing reaches, and the bytes that they take; commits stand before their parents."""

    commits: tuple[str, ...]
    messages: tuple[str, ...]
    records: tuple[str, ...]
    size_bytes: int


class Store(Protocol):
    """One tract's refs and operation log in a store, and the immutable objects that all its tracts share.

    Thread-safe. Every method may raise a `StorageError`; what is read is checked against its id, and a mismatch is a
    `CorruptionError`. Absent ids are absent from mappings, never an error. Ids are 64 hex digits.
    """

    tract: str

    def publish(self, objects: Sequence[NewObject], moves: Sequence[RefMove], operation: Operation) -> None:
        """Insert objects (twice is a no-op), move refs by compare-and-set, log the operation: all of it, or nothing.

        Commits are given parents first. An operation id that is logged already means that this was done: a no-op.
        Objects that no ref names afterwards may be collected at any time.

        Raises:
            ConcurrentMoveError: a ref does not stand at its move's `old`; nothing was changed.
            StorageError: a commit's parent or message, or what a ref is to name, is neither stored nor given.
        """
        ...

    def find_ref(self, name: str) -> str | None:
        """Return a ref's target, or None. One statement."""
        ...

    def refs(self, prefix: str) -> dict[str, str]:
        """Return the refs whose names start so, name to target, in order of name. One statement."""
        ...

    def find_tip(self, ref: str) -> StoredCommit | None:
        """Return the commit that a ref names, or None. One statement."""
        ...

    def last_tip(self, ref: str) -> StoredCommit | None:
        """Return the commit that a ref named when this object last saw it, or None. No statement.

        The ref may have moved since, so only a compare-and-set may be built on it.
        """
        ...

    def commits(self, ids: Sequence[str]) -> dict[str, StoredCommit]:
        """Return commits by id. One statement, however many."""
        ...

    def commit_ids(self, prefix: str, limit: int) -> list[str]:
        """Return up to `limit` ids of commits that start so, in order. One statement."""
        ...

    def chain(self, commit_id: str, *, skip: int = 0, limit: int | None = None) -> list[Commit]:
        """Return the first-parent chain, newest first, the commit itself included, without the newest `skip`.

        One statement, which reads the commits returned and the lines they stand on.
        """
        ...

    def steps(self, commit_id: str, *, skip: int = 0, limit: int | None = None) -> Steps:
        """Return the same chain as `chain`, unread. One statement."""
        ...

    def ancestry(self, ids: Sequence[str], floor: int) -> dict[str, GraphNode]:
        """Return the commits named and all that is reached from them through commits of a generation above `floor`.

        So every commit returned whose generation is above `floor` has its parents returned too. One statement, which
        reads what it returns.
        """
        ...

    def blobs(self, ids: Sequence[str]) -> dict[str, bytes]:
        """Return messages' bytes by blob id; of a purged one, what stands for it. One statement, however many."""
        ...

    def find_record(self, record_id: str) -> bytes | None:
        """Return a record's bytes, or None. One statement."""
        ...

    def token_counts(self, blob_ids: Sequence[str], encoding: str) -> dict[str, TokenCount]:
        """Return the counts that are kept, by blob id. One statement, however many."""
        ...

    def save_token_counts(self, encoding: str, counts: Mapping[str, TokenCount]) -> None:
        """Keep counts for later; does nothing where the store cannot be written, or while another writes."""
        ...

    def moves(self, ref: str | None = None, *, skip: int = 0, limit: int | None = None) -> list[LoggedMove]:
        """Return the log of one ref, or of all, newest first. One statement, which reads what it returns."""
        ...

    def operations(self, *, before: str | None = None, limit: int | None = None) -> list[LoggedOperation]:
        """Return the log by operation, newest first: all of it, or what was logged before an operation.

        One statement, which reads what it returns.
        """
        ...

    def find_operations(self, prefix: str, limit: int) -> list[LoggedOperation]:
        """Return up to `limit` of the log's operations whose ids start so, in order of id. One statement."""
        ...

    def search(self, words: Sequence[Word], *, skip: int = 0, limit: int) -> list[Recorded]:
        """Return where commits that this tract's refs ever led to recorded messages that have all these words.

        Newest first: by generation, then by commit id, then last in the commit first. Messages that lack some of the
        words may be among them, and none that has them is missing. May fill an index first: a cache, which is made
        of what was recorded since the last search.
        """
        ...

    def has_operation(self, operation_id: str) -> bool:
        """Tell whether an operation was done. One statement."""
        ...

    def tracts(self) -> list[str]:
        """Return the names of the tracts in this store, in order."""
        ...

    def sibling(self, tract: str) -> "Store":
        """Return the store of another tract over the same objects; the caller closes it."""
        ...

    def containing(self, kind: Literal["commit", "record"], texts: Sequence[bytes]) -> dict[str, bytes]:
        """Return the commits or records, id to bytes, in which one of several byte strings occurs; reads them all."""
        ...

    def tombstones(self) -> dict[str, bytes]:
        """Return what stands for purged objects, by their ids; reads the ids of all."""
        ...

    def forget(self) -> None:
        """Give up what was overwritten, as far as the database allows, so that it cannot be found in its files."""
        ...

    def drop_altered_counts(self) -> int:
        """Delete the token counts that are not what was written, and return how many."""
        ...

    def reindex(self, commits: Sequence[NewCommit]) -> int:
        """Rebuild where all commits, given parents first, lie, and put these facts beside them; one transaction.

        Returns how many rows were wrong.

        Raises:
            BusyError: these are not all commits there are: others wrote meanwhile.
        """
        ...

    def collect(self, before: datetime, *, dry_run: bool) -> Garbage:
        """Return what no ref of any tract reaches, nor any move since a time, and delete it unless `dry_run`.

        Short transactions, beside which others write: what they name meanwhile stays. Interrupted, it leaves a store
        that is whole. Reads every commit, and holds an id for each object.
        """
        ...

    def check(self) -> Iterator[Fault]:
        """Re-hash every object and check what rows promise each other; reads everything, in bounded memory."""
        ...

    def __enter__(self) -> Self:
        """Return the store, to be closed at the end of the block."""
        ...

    def __exit__(self, *_: object) -> None: ...

    def close(self) -> None:
        """Give up connections; twice is harmless. Any other method then raises StorageError."""
        ...
