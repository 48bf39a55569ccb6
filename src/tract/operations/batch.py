"""Batches: verbs of one thread that are one commit together, and the one way in which every verb records."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from tract.exceptions import BatchError, ConcurrentMoveError, ContentError
from tract.model.changes import Change
from tract.model.commits import Commit
from tract.model.messages import Blob
from tract.operations.record import Draft, Fill, Notes, find_last_tip
from tract.operations.repo import Repo


class PendingCommit(Commit):
    """A verb's result inside a batch: what it adds is final; everything else waits until the batch is written."""

    __slots__ = ("_batch", "_changes")

    def __init__(self, batch: "Batch", changes: Sequence[Change]) -> None:
        object.__setattr__(self, "_batch", batch)
        object.__setattr__(self, "_changes", tuple(changes))

    def give_up(self) -> None:
        """Forget the batch, which goes on without this part."""
        object.__setattr__(self, "_batch", None)

    def __getattribute__(self, name: str) -> Any:
        if name in _LATER:
            batch: Batch | None = object.__getattribute__(self, "_batch")
            if batch is None or batch.commit is None:
                raise BatchError("the batch is not written")
            return getattr(batch.commit, name)
        return object.__getattribute__(self, "_changes") if name == "changes" else object.__getattribute__(self, name)

    def __repr__(self) -> str:
        return f"PendingCommit(message_ids={self.message_ids!r})"

    __eq__ = object.__eq__
    __hash__ = object.__hash__


_LATER = frozenset({"id", "parents", "given_message", "message", "author", "created_at", "metadata"})


class Batch:
    """One thread's verbs on their way to be one commit, which `commit` is once it is written."""

    def __init__(self, draft: Draft, notes: Notes) -> None:
        self.draft = draft
        self.notes = notes
        self.commit: Commit | None = None
        self._parts: list[PendingCommit] = []

    def take(self, fill: Fill, notes: Notes) -> PendingCommit:
        """Add what a verb does, and return its part."""
        if notes.message is not None or notes.author is not None:
            raise BatchError("a batch is one commit: give its message and author to batch()")
        before = len(self.draft.changes)
        fill(self.draft)
        self.notes = self.notes.joined(notes)
        part = PendingCommit(self, self.draft.changes[before:])
        self._parts.append(part)
        return part

    def so_far(self) -> PendingCommit:
        """Return all that was recorded up to now."""
        return PendingCommit(self, self.draft.changes)

    @contextmanager
    def inner(self, notes: Notes) -> Iterator["Batch"]:
        """Let a batch inside this one join it; what an exception leaves of it is taken out again."""
        go_back, kept, count = self.draft.savepoint(), self.notes, len(self._parts)
        self.notes = self.notes.joined(notes)
        try:
            yield self
        except BaseException:
            go_back()
            self.notes = kept
            for part in self._parts[count:]:
                part.give_up()
            del self._parts[count:]
            raise


@contextmanager
def batch(repo: Repo, notes: Notes) -> Iterator[Batch]:
    """Make one commit of everything that this thread records inside, or none if an exception leaves the block."""
    threads = repo.workspace.threads
    outer: Batch | None = threads.batch
    if outer is not None:
        with outer.inner(notes):
            yield outer
        return
    opened = Batch(Draft(repo, repo.operation("batch", author=notes.author)), notes)
    threads.batch = opened
    with under_way(repo, opened.draft):
        try:
            yield opened
        finally:
            threads.batch = None
        if opened.draft.changes:
            opened.commit = opened.draft.publish(opened.notes)


def record(repo: Repo, kind: str, fill: Fill, notes: Notes, *, may_refill: bool = False) -> Commit:
    """Commit what `fill` adds to a draft; inside a batch it joins the batch. Nothing added: the tip is returned.

    `may_refill` says that after a lost race `fill` is to be called again on the newer tip.

    Raises:
        ContentError: nothing was added, and there is no tip.
    """
    opened: Batch | None = repo.workspace.threads.batch
    if opened is not None:
        return opened.take(fill, notes)
    return _record(Draft(repo, repo.operation(kind, author=notes.author)), fill, notes, may_refill=may_refill)


def record_messages(repo: Repo, blobs: Sequence[Blob], notes: Notes) -> Commit:
    """Commit messages at the end of the branch; inside a batch they join it. No messages: the tip is returned.

    They are built on the tip that was last seen, which spares reading it; where that is old, on the present one.

    Raises:
        ContentError: there are none and no tip, or they cannot follow what stands there.
    """

    def fill(draft: Draft) -> None:
        if blobs:
            draft.say(blobs)

    last = find_last_tip(repo) if blobs and repo.workspace.threads.batch is None else None
    if last is None:
        return record(repo, "append", fill, notes)
    draft = Draft(repo, repo.operation("append", author=notes.author), last=last)
    try:
        return _record(draft, fill, notes)
    except (ContentError, ConcurrentMoveError):
        draft.begin_again()
    return _record(draft, fill, notes)


def _record(draft: Draft, fill: Fill, notes: Notes, *, may_refill: bool = False) -> Commit:
    """Commit what is added to a draft; this thread's reading finds its messages meanwhile, which no store has yet."""
    threads = draft.repo.workspace.threads
    threads.draft = draft
    try:
        fill(draft)
        if draft.changes:
            return draft.publish(notes, fill if may_refill else None)
    finally:
        threads.draft = None
    if draft.commit is None:
        raise ContentError("nothing to record")
    return draft.commit


@contextmanager
def under_way(repo: Repo, draft: Draft) -> Iterator[None]:
    """Let this thread's reading find the messages of a draft, which no store has yet."""
    repo.workspace.threads.draft = draft
    try:
        yield
    finally:
        repo.workspace.threads.draft = None
