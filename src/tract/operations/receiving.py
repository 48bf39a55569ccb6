"""Taking commits from elsewhere: each is checked as if nobody could be trusted, and stored parents first.

No branch is moved here. A ref of the transfer's own names what came last, so that no garbage is made of what it stands
on. What was stored before a transfer broke off is whole, and is found there by the next one, unless it was collected
as garbage meanwhile: then it is sent again.
"""

import secrets
from collections import ChainMap
from collections.abc import Collection, Sequence

from tract.exceptions import ContentError, MessageNotFoundError, StorageError, TransferError
from tract.history.admission import blobs_named, check_blobs, check_fit, find_appended, read_blob
from tract.history.fold import apply_changes, check_context
from tract.model.changes import Configure, Edit, NewMessage
from tract.model.commits import Commit, ContextFacts, added_messages
from tract.model.context import Context, Entry
from tract.model.encoding import decode, encode, object_id
from tract.model.messages import Blob
from tract.model.refs import INCOMING
from tract.operations.load import keep_context, load_context_at
from tract.operations.purging import stand_in, tombstone
from tract.operations.record import count_blob, empty_facts, facts_after
from tract.operations.rendering import encoding_of
from tract.operations.repo import Caches, Repo, Workspace
from tract.operations.sending import Parcel, Source, held_commits
from tract.operations.write import check_settings
from tract.protocols import NewBlob, NewCommit, NewObject, NewRecord, RefMove, Store

_NOWHERE = "transfer"


def receive(repo: Repo, source: Source, wants: Sequence[str]) -> "Receiver":
    """Store what the repo's store lacks of the history of these commits, and return who took it.

    Raises:
        TransferError: a commit or message is not what it must be; what came before it is stored, and no ref names it.
    """
    receiver = Receiver(repo, repo.store, is_trusted=False)
    for parcel in source.parcels(wants, repo.store):
        receiver.take(parcel)
    return receiver


class Receiver:
    """Takes parcels into a store, one after the other; a parcel's commits are all stored, or none.

    `is_trusted` says that the parcels come from the repo's own store, where every history was checked when it came in:
    then a commit that only says messages is stored without reading the history below it. `count` counts the commits.
    """

    def __init__(self, repo: Repo, store: Store, *, is_trusted: bool) -> None:
        workspace = Workspace(_NOWHERE, _NOWHERE, born=False)
        # Contexts are the same everywhere; a message may be missing or purged in one store and not in the other.
        caches = repo.caches if store is repo.store else Caches(contexts=repo.caches.contexts)
        self._repo = Repo(store, repo.counter, repo.clock, repo.author, workspace, caches)
        self._is_trusted = is_trusted
        self._ref = INCOMING + secrets.token_hex(16)
        self.count = 0
        self.blobs: dict[str, Blob] = {}
        self._held: dict[str, Blob] = {}
        self._purged: set[str] = set()
        self._arrived: dict[str, Commit] = {}
        self._contexts: dict[str, Context] = {}
        self._facts: dict[str, ContextFacts] = {}

    def take(self, parcel: Parcel) -> None:
        """Check a parcel and store it.

        Raises:
            TransferError: something in it is not what it must be.
            StorageError: it builds on what is not stored (any more).
        """
        held = held_commits(self._repo.store, [arrival.commit.id for arrival in parcel.arrivals])
        arrivals = [arrival for arrival in parcel.arrivals if arrival.commit.id not in held]
        if not arrivals:
            return
        self._arrived = {arrival.commit.id: arrival.commit for arrival in arrivals}
        self._contexts, self._facts = {}, self._facts_below()
        self._read_blobs(parcel)
        threads = self._repo.workspace.threads
        # What is rendered on the way is not stored yet.
        threads.draft = self
        try:
            commits = [NewCommit(each.commit, each.payload, self._checked(each.commit)) for each in arrivals]
        finally:
            threads.draft = None
        record = _record_of(self._arrived.values())
        objects = [*self._new_blobs(commits), *commits, record]
        # Who collects garbage lets go of a transfer that stored nothing for long.
        move = RefMove(self._ref, self._repo.store.find_ref(self._ref) if self.count else None, record.id)
        self._repo.store.publish(objects, [move], self._repo.operation("receive"))
        self.count += len(arrivals)
        self._keep_contexts()

    def finished(self) -> list[RefMove]:
        """Return what lets go of the objects, for who lets refs name them."""
        record_id = self._repo.store.find_ref(self._ref) if self.count else None
        return [] if record_id is None else [RefMove(self._ref, record_id, None)]

    def _facts_below(self) -> dict[str, ContextFacts]:
        """Return the facts of the stored commits that the arrived ones build on."""
        parents = {parent for commit in self._arrived.values() for parent in commit.parents} - self._arrived.keys()
        stored = self._repo.store.commits(sorted(parents)) if parents else {}
        return {commit_id: found.facts for commit_id, found in stored.items()}

    def _read_blobs(self, parcel: Parcel) -> None:
        """Check the messages that came, and read from the store those that it has already."""
        named = {blob_id for arrival in parcel.arrivals for blob_id in blobs_named(arrival.commit)}
        self.blobs = {}
        for blob_id, payload in parcel.blobs.items():
            blob = read_blob(payload)
            if blob.id != blob_id:
                raise TransferError(f"the bytes of message {blob_id} do not match its id", object_id=blob_id)
            if blob_id not in named:
                raise TransferError(f"no commit beside it names message {blob_id}", object_id=blob_id)
            self.blobs[blob_id] = blob
        self._purged = set(parcel.purged) - self.blobs.keys()
        if not self._purged <= named:
            raise TransferError("no commit beside it names a message that is said to be purged")
        wanted = {blob_id for commit in self._arrived.values() for blob_id in blobs_named(commit)}
        unread = sorted(wanted - self.blobs.keys() - parcel.held.keys())
        held = {**parcel.held, **(self._repo.store.blobs(unread) if unread else {})}
        self._purged -= held.keys()
        self._held = {blob_id: Blob(blob_id, payload, decode(payload)) for blob_id, payload in held.items()}

    def _checked(self, commit: Commit) -> ContextFacts:
        """Return the facts of a commit that may be stored.

        Raises:
            TransferError: it may not.
            StorageError: a parent is not stored.
        """
        for parent in commit.parents:
            if parent not in self._facts:
                raise StorageError(f"commit {commit.id} comes without its parent {parent}")
        try:
            facts = self._admit(commit)
        except (ContentError, MessageNotFoundError) as error:
            raise TransferError(f"commit {commit.id} cannot be taken: {error}", object_id=commit.id) from error
        self._facts[commit.id] = facts
        return facts

    def _admit(self, commit: Commit) -> ContextFacts:
        changes = commit.changes
        known = ChainMap(self.blobs, self._held)
        if self._purged:
            self._stand_in(commit)
        check_blobs(changes, known)
        for change in changes:
            if isinstance(change, Configure):
                check_settings(change.settings)
        before = self._facts[commit.parents[0]] if commit.parents else empty_facts(self._repo)
        waiting = find_appended(changes, before.open_calls)
        if waiting is None or not self._is_trusted:
            below = self._context(commit.parents[0] if commit.parents else None)
            context = apply_changes(below, changes)
            check_fit(changes, context, known)
            if waiting is None:
                check_context(context)
            self._contexts[commit.id] = context
            if waiting is None:
                encoding = encoding_of(self._repo, context.config)
                for blob_id in blobs_named(commit):
                    count_blob(self._repo, known[blob_id], encoding)
                return facts_after(self._repo, below, before, context)
        counts = [
            count_blob(self._repo, known[message.blob_id], before.encoding) for message in added_messages(changes)
        ]
        return ContextFacts(
            before.message_count + len(counts),
            before.token_count + sum(count.tokens for count in counts),
            before.tokens_exact and all(count.exact for count in counts),
            before.encoding,
            before.budget,
            waiting,
        )

    def _stand_in(self, commit: Commit) -> None:
        """Let purged messages that a commit names be what the commits say of them, which is all that is known.

        What the sender has in their place is not looked at: nobody could tell whether it is true.
        """
        said: dict[str, NewMessage | Entry] = {message.blob_id: message for message in added_messages(commit.changes)}
        edits = [change for change in commit.changes if isinstance(change, Edit) and change.blob_id in self._purged]
        if edits:
            below = self._context(commit.parents[0] if commit.parents else None)
            context = apply_changes(below, commit.changes)
            said |= {edit.blob_id: entry for edit in edits if (entry := context.find(edit.message_id)) is not None}
        for blob_id in self._purged.intersection(said) - self.blobs.keys():
            fields = stand_in(said[blob_id].role, said[blob_id].calls, said[blob_id].call_id)
            self.blobs[blob_id] = Blob(blob_id, encode(fields, sort_keys=False), fields)

    def _context(self, commit_id: str | None) -> Context:
        """Return the context at a commit that is stored, or came in this parcel."""
        newer: list[Commit] = []
        while commit_id is not None and commit_id not in self._contexts and commit_id in self._arrived:
            newer.append(self._arrived[commit_id])
            commit_id = newer[-1].parents[0] if newer[-1].parents else None
        if commit_id is None:
            context = Context()
        else:
            context = self._contexts.get(commit_id) or load_context_at(self._repo, commit_id)
        return apply_changes(context, (change for commit in reversed(newer) for change in commit.changes))

    def _new_blobs(self, commits: Sequence[NewCommit]) -> list[NewObject]:
        """Return the messages that came with the commits that are stored, counted as the first of these counts."""
        by_encoding: dict[str, dict[str, Blob]] = {}
        placed: set[str] = set()
        for commit, _, facts in commits:
            for blob_id in blobs_named(commit):
                if blob_id in self.blobs and blob_id not in placed:
                    placed.add(blob_id)
                    by_encoding.setdefault(facts.encoding, {})[blob_id] = self.blobs[blob_id]
        objects: list[NewObject] = []
        for encoding, blobs in by_encoding.items():
            objects += [
                tombstone(self._repo, blob.id, blob.fields, is_new=True)
                if blob.id in self._purged
                else NewBlob(blob.id, blob.payload, {encoding: count_blob(self._repo, blob, encoding)})
                for blob in blobs.values()
            ]
        return objects

    def _keep_contexts(self) -> None:
        """Keep the contexts of what is stored now, for whoever reads or merges it next."""
        for commit_id, context in self._contexts.items():
            parents = self._arrived[commit_id].parents
            keep_context(self._repo, commit_id, context, self._contexts.get(parents[0]) if parents else None)


def _record_of(arrived: Collection[Commit]) -> NewRecord:
    """Return the record that names the commits of a parcel on which no other of it stands."""
    below = {parent for commit in arrived for parent in commit.parents}
    tips = [commit.id for commit in arrived if commit.id not in below]
    payload = encode({"kind": "incoming", "commits": tips}, sort_keys=False)
    return NewRecord(object_id("record", payload), payload)
