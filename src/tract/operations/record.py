"""Recording changes: a draft against a branch's tip, checked as it grows, and published in one write.

Source: the optimistic loop of compare-and-set stores; the id of the operation is chosen before the first try, so a
lost race changes no message's id.
"""

import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from tract.exceptions import BatchError, ConcurrentMoveError, ContentError, RefNotFoundError
from tract.history.append import find_hidden_call, plan_append
from tract.history.fold import apply_changes, check_context, open_calls
from tract.model.changes import Append, Change, Configure, Edit, Fold, Insert, Move, SetMark, Unfold
from tract.model.commits import Commit, ContextFacts, OpenCall, added_messages, build_commit
from tract.model.context import Context
from tract.model.encoding import same_json
from tract.model.messages import Blob
from tract.operations.graph import descends
from tract.operations.load import encoding_of, load_context, overhead_of, render
from tract.operations.repo import Repo
from tract.protocols import NewBlob, NewCommit, NewObject, Operation, RefMove, StoredCommit, TokenCount

_LONGEST_PAUSE_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Notes:
    """What a caller says about a commit."""

    message: str | None = None
    author: str | None = None
    metadata: Mapping[str, Any] | None = None


def read_tip(repo: Repo, branch_ref: str | None = None) -> StoredCommit | None:
    """Return the commit that a branch (the workspace's own) stands at, or None while it is unborn. One statement.

    Raises:
        RefNotFoundError: the workspace's branch was there, and somebody deleted it.
    """
    tip = repo.store.find_tip(branch_ref or repo.branch_ref)
    if branch_ref is None or branch_ref == repo.branch_ref:
        if tip is None and repo.workspace.born:
            raise RefNotFoundError(f"branch {repo.workspace.branch!r} was deleted", name=repo.workspace.branch)
        repo.workspace.born = tip is not None
    return tip


def empty_facts(repo: Repo) -> ContextFacts:
    """Return the facts of the context of an unborn branch."""
    overhead = overhead_of(repo, {})
    return ContextFacts(0, overhead.tokens, overhead.exact, overhead.encoding)


def facts_of(repo: Repo, context: Context) -> ContextFacts:
    """Return the facts of a context, counted from what it compiles to."""
    rendering = render(repo, context)
    overhead = overhead_of(repo, context.config)
    budget = context.config.get("budget")
    return ContextFacts(
        len(rendering.message_ids),
        rendering.tokens + overhead.tokens,
        rendering.exact and overhead.exact,
        overhead.encoding,
        budget if isinstance(budget, int) else None,
        open_calls(context),
    )


class Draft:
    """Changes on their way to be one commit: checked against the tip's context as they come, published at the end."""

    def __init__(self, repo: Repo, operation: Operation) -> None:
        self.repo = repo
        self.operation = operation
        self.branch_ref = repo.branch_ref
        self.tip = read_tip(repo)
        self.changes: list[Change] = []
        self.blobs: dict[str, Blob] = {}
        self.facts = self.tip.facts if self.tip is not None else empty_facts(repo)
        self.open_calls: tuple[OpenCall, ...] = self.facts.open_calls
        self._context: Context | None = None
        self._plain = True

    @property
    def commit(self) -> Commit | None:
        """The tip that the draft stands on."""
        return self.tip.commit if self.tip is not None else None

    def context(self) -> Context:
        """Return the context with the draft's changes in it."""
        if self._context is None:
            self._context = apply_changes(load_context(self.repo, self.commit), self.changes)
        return self._context

    def say(self, blobs: Sequence[Blob]) -> list[Change]:
        """Add messages at the end, and return the changes that do it; all of them, or none and an error."""
        said = len(added_messages(self.changes))
        changes, waiting = plan_append(
            blobs, self.operation.id, self.open_calls, position=said, find_call=self._find_hidden
        )
        context = None if self._context is None else apply_changes(self._context, changes)
        self._take(changes, blobs)
        self._context, self.open_calls = context, waiting
        return list(changes)

    def add(self, changes: Sequence[Change], blobs: Iterable[Blob] = ()) -> None:
        """Add changes of any kind; all of them, or none and an error."""
        context = apply_changes(self.context(), changes)
        if not all(isinstance(change, Edit | Configure) for change in changes):
            check_context(context)
        self._take(changes, blobs)
        self._plain = False
        self._context, self.open_calls = context, open_calls(context)

    def publish(self, notes: Notes) -> Commit:
        """Write the draft as one commit on the branch, replayed on a newer tip where that changes nothing it means."""
        attempt = 0
        while True:
            try:
                return self._publish_once(notes)
            except ConcurrentMoveError as error:
                attempt += 1
                time.sleep(random.uniform(0, min(_LONGEST_PAUSE_SECONDS, 0.001 * 2 ** min(attempt, 10))))
                self._replay(error)

    def _find_hidden(self, call_id: str) -> OpenCall | None:
        self._plain = False
        return find_hidden_call(self.context(), call_id)

    def _take(self, changes: Sequence[Change], blobs: Iterable[Blob]) -> None:
        for blob in blobs:
            self.blobs[blob.id] = blob
            self.repo.caches.fields.put(blob.id, blob.fields, len(blob.payload))
        self.changes.extend(changes)

    def _publish_once(self, notes: Notes) -> Commit:
        commit, payload = build_commit(
            [self.tip.commit.id] if self.tip is not None else [],
            self.changes,
            message=notes.message,
            author=self.operation.author,
            created_at=self.operation.created_at,
            metadata=notes.metadata,
        )
        facts = self._facts_after()
        objects = new_objects(self.repo, self.blobs.values(), facts.encoding)
        objects.append(NewCommit(commit, payload, facts))
        move = RefMove(self.branch_ref, self.tip.commit.id if self.tip is not None else None, commit.id)
        self.repo.store.publish(objects, [move], self.operation)
        self._remember(commit)
        return commit

    def _facts_after(self) -> ContextFacts:
        if not self._plain:
            for blob in self.blobs.values():
                count_blob(self.repo, blob, encoding_of(self.repo, self.context().config))
            return facts_of(self.repo, self.context())
        counts = [count_blob(self.repo, blob, self.facts.encoding) for blob in self._said()]
        return ContextFacts(
            self.facts.message_count + len(counts),
            self.facts.token_count + sum(count.tokens for count in counts),
            self.facts.tokens_exact and all(count.exact for count in counts),
            self.facts.encoding,
            self.facts.budget,
            self.open_calls,
        )

    def _said(self) -> Iterator[Blob]:
        for message in added_messages(self.changes):
            yield self.blobs[message.blob_id]

    def _remember(self, commit: Commit) -> None:
        contexts = self.repo.caches.contexts
        if self._context is None:
            before = contexts.get(commit.parents[0]) if commit.parents else Context()
            if before is None:
                return
            self._context = apply_changes(before, self.changes)
        contexts.put(commit.id, self._context)

    def _replay(self, error: ConcurrentMoveError) -> None:
        """Stand on the newer tip, if it descends from ours and touched nothing that the draft names."""
        before = load_context(self.repo, self.commit)
        newer = read_tip(self.repo, self.branch_ref)
        if newer is None or (self.tip is not None and not descends(self.repo, newer, self.tip)):
            raise error
        after = load_context(self.repo, newer.commit)
        if any(not _untouched(change, before, after) for change in self.changes):
            raise error
        behind = open_calls(after)
        said = added_messages(self.changes)
        if behind and said and said[0].answers is None:
            raise ContentError("the branch moved, and now a tool call waits for its result") from error
        context = apply_changes(after, self.changes)
        if not self._plain:
            check_context(context)
        self.tip, self.facts, self._context = newer, newer.facts, context
        self.open_calls = open_calls(context)


def _untouched(change: Change, before: Context, after: Context) -> bool:
    """Tell whether what a change names stands in the newer context as it stood when the change was made."""
    if isinstance(change, Configure):
        return all(same_json(before.config.get(key), after.config.get(key)) for key in change.settings)
    return all(before.exchange(message_id) == after.exchange(message_id) for message_id in _named(change))


def _named(change: Change) -> Sequence[str]:
    match change:
        case Append(message):
            return () if message.answers is None else (message.message_id,)
        case Insert(message, after):
            return () if after is None else (after,)
        case Edit(message_id) | SetMark(message_id) | Move(message_id):
            return (message_id,)
        case Fold(summary_id, message_ids):
            return message_ids
        case Unfold(summary_id):
            return (summary_id,)
    return ()


def count_blob(repo: Repo, blob: Blob, encoding: str) -> TokenCount:
    """Return what a new message costs, and keep it in the cache."""
    found = repo.caches.counts.get((blob.id, encoding))
    if found is None:
        found = repo.counter.count_message(blob.fields, encoding)
        repo.caches.counts.put((blob.id, encoding), found)
    return found


def new_objects(repo: Repo, blobs: Iterable[Blob], encoding: str) -> list[NewObject]:
    """Return blobs as what a store takes, with their counts, in order of id."""
    ordered = sorted({blob.id: blob for blob in blobs}.items())
    return [NewBlob(key, blob.payload, {encoding: count_blob(repo, blob, encoding)}) for key, blob in ordered]


class PendingCommit(Commit):
    """A verb's result inside a batch: what it adds is final; everything else waits until the batch is written."""

    __slots__ = ("_batch", "_changes")

    def __init__(self, batch: "Batch", changes: Sequence[Change]) -> None:
        object.__setattr__(self, "_batch", batch)
        object.__setattr__(self, "_changes", tuple(changes))

    def __getattribute__(self, name: str) -> Any:
        if name in _LATER:
            return getattr(object.__getattribute__(self, "_batch").written(), name)
        return object.__getattribute__(self, "_changes") if name == "changes" else object.__getattribute__(self, name)

    def __repr__(self) -> str:
        return f"PendingCommit(message_ids={self.message_ids!r})"

    __eq__ = object.__eq__
    __hash__ = object.__hash__


_LATER = frozenset({"id", "parents", "given_message", "message", "author", "created_at", "metadata"})


class Batch:
    """One thread's verbs on their way to be one commit."""

    def __init__(self, draft: Draft, notes: Notes) -> None:
        self.draft = draft
        self.notes = notes
        self.commit: Commit | None = None

    def take(self, fill: Callable[[Draft], None], notes: Notes) -> PendingCommit:
        """Add what a verb does, and return its part."""
        if notes.message is not None or notes.author is not None:
            raise BatchError("a batch is one commit: give its message and author to batch()")
        before = len(self.draft.changes)
        fill(self.draft)
        if notes.metadata:
            self.notes = replace(self.notes, metadata={**(self.notes.metadata or {}), **notes.metadata})
        return PendingCommit(self, self.draft.changes[before:])

    def written(self) -> Commit:
        """Return the batch's commit.

        Raises:
            BatchError: it is not written yet, was given up, or had nothing to write.
        """
        if self.commit is None:
            raise BatchError("the batch is not written")
        return self.commit


@contextmanager
def batch(repo: Repo, notes: Notes) -> Iterator[Batch]:
    """Make one commit of everything that this thread records inside, or none if an exception leaves the block."""
    threads = repo.workspace.threads
    outer: Batch | None = getattr(threads, "batch", None)
    if outer is not None:
        yield outer
        return
    opened = Batch(Draft(repo, repo.operation("batch", author=notes.author)), notes)
    threads.batch = opened
    try:
        yield opened
    finally:
        threads.batch = None
    if opened.draft.changes:
        opened.commit = opened.draft.publish(opened.notes)


def record(repo: Repo, kind: str, fill: Callable[[Draft], None], notes: Notes) -> Commit:
    """Commit what `fill` adds to a draft; inside a batch it joins the batch. Nothing added: the tip is returned.

    Raises:
        ContentError: nothing was added, and there is no tip.
    """
    opened: Batch | None = getattr(repo.workspace.threads, "batch", None)
    if opened is not None:
        return opened.take(fill, notes)
    draft = Draft(repo, repo.operation(kind, author=notes.author))
    fill(draft)
    if draft.changes:
        return draft.publish(notes)
    if draft.commit is None:
        raise ContentError("nothing to record")
    return draft.commit
