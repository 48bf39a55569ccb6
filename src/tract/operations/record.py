"""Recording changes: a draft against a branch's tip, checked as it grows, and published in one write.

Source: the optimistic loop of compare-and-set stores; the id of the operation is chosen before the first try, so a
lost race changes no message's id.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tract.exceptions import ConcurrentMoveError, ContentError, RefNotFoundError
from tract.history.append import find_hidden_call, plan_append
from tract.history.fitting import untouched
from tract.history.fold import apply_changes, check_context, open_calls
from tract.model.changes import Append, Change, Configure, Edit
from tract.model.commits import Commit, ContextFacts, OpenCall, added_messages, build_commit
from tract.model.context import Context
from tract.model.encoding import decode, encode
from tract.model.messages import Blob
from tract.model.refs import BRANCHES
from tract.operations.graph import descends
from tract.operations.load import keep_context, load_context
from tract.operations.rendering import encoding_of, find_changed, overhead_of, render, visible_tokens
from tract.operations.repo import Repo
from tract.operations.retry import pause
from tract.protocols import NewBlob, NewCommit, NewObject, Operation, RefMove, StoredCommit, TokenCount

Fill = Callable[["Draft"], None]
"""Adds what a verb does to a draft."""


@dataclass(frozen=True, slots=True)
class Notes:
    """What a caller says about a commit; the metadata is its own copy.

    Raises:
        ContentError: message or author is no text, or the metadata no mapping of JSON.
    """

    message: str | None = None
    author: str | None = None
    metadata: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.message, str | None) or not isinstance(self.author, str | None):
            raise ContentError("a commit's message and author are text")
        if not isinstance(self.metadata, Mapping | None):
            raise ContentError(f"a commit's metadata is a mapping, not {type(self.metadata).__name__}")
        if self.metadata is not None:
            object.__setattr__(self, "metadata", decode(encode(dict(self.metadata))))

    def joined(self, inner: "Notes") -> "Notes":
        """Return these notes with another's metadata beside, and its message where these have none."""
        metadata = {**(self.metadata or {}), **(inner.metadata or {})}
        return Notes(self.message if self.message is not None else inner.message, self.author, metadata)


def read_tip(repo: Repo, branch_ref: str | None = None) -> StoredCommit | None:
    """Return the commit that a branch (the workspace's own) stands at, or None while it is unborn. One statement.

    Raises:
        RefNotFoundError: the workspace's branch was there, and somebody deleted it.
    """
    standing = repo.workspace.standing
    own_ref = BRANCHES + standing.branch
    # Asked before the store is: another thread may let the branch be born in between.
    was_born = standing.born
    tip = repo.store.find_tip(branch_ref or own_ref)
    if branch_ref in (None, own_ref):
        if tip is not None:
            standing.born = True
        elif was_born:
            raise RefNotFoundError(f"branch {standing.branch!r} was deleted", name=standing.branch)
    return tip


def find_last_tip(repo: Repo) -> StoredCommit | None:
    """Return where the workspace's branch stood when it was last seen, or None. No statement."""
    standing = repo.workspace.standing
    tip = repo.store.last_tip(BRANCHES + standing.branch)
    if tip is not None:
        standing.born = True
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
        not rendering.inexact and overhead.exact,
        overhead.encoding,
        budget if isinstance(budget, int) else None,
        open_calls(context),
    )


def facts_after(repo: Repo, before: Context, known: ContextFacts, after: Context) -> ContextFacts:
    """Return the facts of a context from those of another, counting only the messages in which the two differ."""
    encoding, overhead = encoding_of(repo, after.config), overhead_of(repo, after.config)
    # Where an estimate goes away, all must be seen to tell whether it was the only one.
    if encoding != known.encoding or (overhead.exact and not known.tokens_exact):
        return facts_of(repo, after)
    changed = find_changed(before, after)
    gone = visible_tokens(repo, before, range(changed.start, changed.old_stop), encoding)
    come = visible_tokens(repo, after, range(changed.start, changed.new_stop), encoding)
    tokens = known.token_count - overhead_of(repo, before.config).tokens + overhead.tokens
    budget = after.config.get("budget")
    return ContextFacts(
        known.message_count - len(gone) + len(come),
        tokens - sum(count.tokens for count in gone) + sum(count.tokens for count in come),
        overhead.exact and all(count.exact for count in come),
        overhead.encoding,
        budget if isinstance(budget, int) else None,
        open_calls(after),
    )


class Draft:
    """Changes on their way to be one commit: checked against the tip's context as they come, published at the end.

    Where `last` is given, a tip that may be old, nothing is read, and a lost race is left to the caller.
    """

    def __init__(self, repo: Repo, operation: Operation, *, last: StoredCommit | None = None) -> None:
        self.repo = repo
        self.operation = operation
        self.branch_ref = repo.branch_ref
        self._said = 0
        self._presumes = last is not None
        self._begin(read_tip(repo, self.branch_ref) if last is None else last)

    def begin_again(self) -> None:
        """Stand on the present tip with no changes yet; messages will get the ids that they had."""
        self._said = 0
        self._presumes = False
        self._begin(read_tip(self.repo, self.branch_ref))

    def _begin(self, tip: StoredCommit | None) -> None:
        """Stand on a tip with no changes yet."""
        self.tip = tip
        self.changes: list[Change] = []
        self.blobs: dict[str, Blob] = {}
        self.tip_facts = tip.facts if tip is not None else empty_facts(self.repo)
        self.open_calls: tuple[OpenCall, ...] = self.tip_facts.open_calls
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

    def facts(self) -> ContextFacts:
        """Return the facts of the context with the draft's changes in it."""
        if not self._plain:
            encoding = encoding_of(self.repo, self.context().config)
            for blob in self.blobs.values():
                count_blob(self.repo, blob, encoding)
            return facts_after(self.repo, load_context(self.repo, self.commit), self.tip_facts, self.context())
        before = self.tip_facts
        said = [self.blobs[message.blob_id] for message in added_messages(self.changes)]
        counts = [count_blob(self.repo, blob, before.encoding) for blob in said]
        return ContextFacts(
            before.message_count + len(counts),
            before.token_count + sum(count.tokens for count in counts),
            before.tokens_exact and all(count.exact for count in counts),
            before.encoding,
            before.budget,
            self.open_calls,
        )

    def savepoint(self) -> Callable[[], None]:
        """Return what takes the draft back to where it is now; ids that were given meanwhile are not given again."""
        kept = len(self.changes), dict(self.blobs), self._context, self.open_calls, self._plain

        def go_back() -> None:
            count, self.blobs, self._context, self.open_calls, self._plain = kept
            del self.changes[count:]

        return go_back

    def say(self, blobs: Sequence[Blob]) -> list[Change]:
        """Add messages at the end, and return the changes that do it; all of them, or none and an error."""
        changes, waiting = plan_append(
            blobs, self.operation.id, self.open_calls, position=self._said, find_call=self._find_hidden
        )
        context = None if self._context is None else apply_changes(self._context, changes)
        self._take(changes, blobs)
        self._context, self.open_calls, self._said = context, waiting, self._said + len(changes)
        return list(changes)

    def add(self, changes: Sequence[Change], blobs: Iterable[Blob] = ()) -> None:
        """Add changes of any kind; all of them, or none and an error."""
        context = apply_changes(self.context(), changes)
        if not all(isinstance(change, Edit | Configure) for change in changes):
            check_context(context)
        self._take(changes, blobs)
        self._plain = False
        self._context, self.open_calls = context, open_calls(context)

    def publish(self, notes: Notes, again: Fill | None = None) -> Commit:
        """Write the draft as one commit on the branch, replayed on a newer tip where that changes nothing it means.

        With `again` it is made anew on the newer tip, which is returned where nothing is left to write.
        """
        attempt = 0
        while True:
            try:
                return self._publish_once(notes)
            except ConcurrentMoveError as error:
                if self._presumes:
                    raise
                attempt += 1
                pause(attempt)
                newer = self._newer_tip(error)
                if again is None:
                    self._replay(newer, error)
                    continue
                self._begin(newer)
                again(self)
                if not self.changes:
                    return newer.commit

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
        facts = self.facts()
        objects = new_objects(self.repo, self.blobs.values(), facts.encoding)
        objects.append(NewCommit(commit, payload, facts))
        move = RefMove(self.branch_ref, self.tip.commit.id if self.tip is not None else None, commit.id)
        self.repo.store.publish(objects, [move], self.operation)
        self.repo.workspace.standing.born = True
        self._remember(commit)
        return commit

    def _remember(self, commit: Commit) -> None:
        before = self.repo.caches.contexts.get(commit.parents[0]) if commit.parents else Context()
        if self._context is None and before is not None:
            self._context = apply_changes(before, self.changes)
        if self._context is not None:
            keep_context(self.repo, commit.id, self._context, before)

    def _newer_tip(self, error: ConcurrentMoveError) -> StoredCommit:
        """Return where the branch stands now, if that descends from the draft's tip; else raise the error."""
        newer = read_tip(self.repo, self.branch_ref)
        if newer is None or (self.tip is not None and not descends(self.repo, newer, self.tip)):
            raise error
        return newer

    def _replay(self, newer: StoredCommit, error: ConcurrentMoveError) -> None:
        """Stand on the newer tip, if nothing that the draft names was touched on the way to it.

        What only says something reads no history for that, lest a long one keep a new writer from ever catching up.
        """
        if self._plain and not (self.tip_facts.open_calls or newer.facts.open_calls):
            self.tip, self.tip_facts, self._context = newer, newer.facts, None
            return
        before = load_context(self.repo, self.commit)
        distance = newer.generation - (self.tip.generation if self.tip is not None else 0)
        after = load_context(self.repo, newer.commit, page=distance)
        if not all(untouched(change, before, after) for change in self.changes):
            raise error
        said = [change.message for change in self.changes if isinstance(change, Append)]
        if newer.facts.open_calls and said and said[0].answers is None:
            raise ContentError("the branch moved, and now a tool call waits for its result") from error
        context = apply_changes(after, self.changes)
        if not self._plain:
            check_context(context)
        self.tip, self.tip_facts, self._context = newer, newer.facts, context
        self.open_calls = open_calls(context)


def count_blob(repo: Repo, blob: Blob, encoding: str) -> TokenCount:
    """Return what a new message costs, and keep it in the cache."""
    found = repo.caches.counts.get((blob.id, encoding))
    if found is None:
        found = repo.counter.count_message(blob.fields, encoding)
        repo.caches.counts.put((blob.id, encoding), found)
    return found


def hold_blobs(repo: Repo, blobs: Iterable[Blob], encoding: str) -> None:
    """Keep new messages and what they cost in the caches, so that a context with them can be rendered."""
    for blob in blobs:
        repo.caches.fields.put(blob.id, blob.fields, len(blob.payload))
        count_blob(repo, blob, encoding)


def new_objects(repo: Repo, blobs: Iterable[Blob], encoding: str) -> list[NewObject]:
    """Return blobs as what a store takes, with their counts, in order of id."""
    ordered = sorted({blob.id: blob for blob in blobs}.items())
    return [NewBlob(key, blob.payload, {encoding: count_blob(repo, blob, encoding)}) for key, blob in ordered]
