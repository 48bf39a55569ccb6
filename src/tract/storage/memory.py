"""The store in memory: the specification of what every store does, as plainly as it can be said."""

import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Self

from tract.exceptions import ConcurrentMoveError, ReadOnlyError, StorageError
from tract.model.commits import Commit, named_blobs, recorded_messages
from tract.model.encoding import decode, encode, object_id
from tract.model.refs import INCOMING
from tract.model.steps import Steps
from tract.model.words import Word, searchable_text, words_of
from tract.protocols import (
    Fault,
    Garbage,
    GraphNode,
    LoggedMove,
    LoggedOperation,
    NewBlob,
    NewCommit,
    NewObject,
    NewRecord,
    Operation,
    Recorded,
    RefMove,
    StoredCommit,
    TokenCount,
    Tombstone,
)
from tract.storage.ids import is_object_id

_QUOTED_ID = re.compile(rb'"([0-9a-f]{64})"')


@dataclass
class _Refs:
    """What belongs to one tract alone."""

    targets: dict[str, str] = field(default_factory=dict)
    log: list[LoggedMove] = field(default_factory=list)


@dataclass
class _Memory:
    """What all tracts share, and the tracts themselves."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    payloads: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    commits: dict[str, StoredCommit] = field(default_factory=dict)
    counts: dict[tuple[str, str], TokenCount] = field(default_factory=dict)
    operations: set[str] = field(default_factory=set)
    tracts: dict[str, _Refs] = field(default_factory=dict)


class MemoryStore:
    """A store that lives as long as it is referred to; one lock serves every thread."""

    def __init__(self, tract: str = "default", *, read_only: bool = False, memory: _Memory | None = None) -> None:
        self.tract = tract
        self._read_only = read_only
        self._memory = memory if memory is not None else _Memory()
        self._closed = False
        with self._memory.lock:
            self._refs = self._memory.tracts.setdefault(tract, _Refs())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def sibling(self, tract: str) -> "MemoryStore":
        """Return the store of another tract over the same objects; the caller closes it."""
        with self._opened():
            pass
        return MemoryStore(tract, read_only=self._read_only, memory=self._memory)

    def publish(self, objects: Sequence[NewObject], moves: Sequence[RefMove], operation: Operation) -> None:
        """Insert objects, move refs by compare-and-set, log the operation: all of it, or nothing.

        Raises:
            ConcurrentMoveError: a ref does not stand at its move's `old`.
            ReadOnlyError: the store was opened read-only.
            StorageError: a commit's parent, or an object that a ref is to name, is neither stored nor given.
        """
        with self._opened() as memory:
            if self._read_only:
                raise ReadOnlyError("the store was opened read-only")
            if operation.id in memory.operations:
                return
            added = self._admitted(objects)
            ordered = sorted(moves, key=lambda move: (move.tract or self.tract, move.name))
            targets = self._moved(ordered, objects)
            memory.commits.update(added)
            for new in objects:
                self._keep(new)
            for tract, moved in targets.items():
                memory.tracts.setdefault(tract, _Refs()).targets = moved
            for move in ordered:
                log = memory.tracts[move.tract or self.tract].log
                log.append(LoggedMove(operation, move._replace(tract=None)))
            if moves:
                memory.operations.add(operation.id)

    def find_ref(self, name: str) -> str | None:
        """Return a ref's target, or None."""
        with self._opened():
            return self._refs.targets.get(name)

    def refs(self, prefix: str) -> dict[str, str]:
        """Return the refs whose names start so, name to target, in order of name."""
        with self._opened():
            found = self._refs.targets
            return {name: found[name] for name in sorted(found) if name.startswith(prefix)}

    def find_tip(self, ref: str) -> StoredCommit | None:
        """Return the commit that a ref names, or None."""
        with self._opened() as memory:
            return memory.commits.get(self._refs.targets.get(ref, ""))

    last_tip = find_tip

    def commits(self, ids: Sequence[str]) -> dict[str, StoredCommit]:
        """Return commits by id."""
        with self._opened() as memory:
            return {name: memory.commits[name] for name in ids if name in memory.commits}

    def commit_ids(self, prefix: str, limit: int) -> list[str]:
        """Return up to `limit` ids of commits that start so, in order."""
        with self._opened() as memory:
            return sorted(name for name in memory.commits if name.startswith(prefix))[:limit]

    def chain(self, commit_id: str, *, skip: int = 0, limit: int | None = None) -> list[Commit]:
        """Return the first-parent chain, newest first, without the newest `skip`."""
        found = []
        with self._opened() as memory:
            next_id: str | None = commit_id
            while next_id in memory.commits:
                commit = memory.commits[next_id].commit
                found.append(commit)
                next_id = commit.parents[0] if commit.parents else None
        return found[skip:][:limit]

    def steps(self, commit_id: str, *, skip: int = 0, limit: int | None = None) -> Steps:
        """Return the same chain, unread."""
        commits = self.chain(commit_id, skip=skip, limit=limit)
        ids, is_whole = [made.id for made in commits], bool(commits) and not commits[-1].parents
        return Steps(ids, is_whole, lambda count: (change for made in commits[:count][::-1] for change in made.changes))

    def ancestry(self, ids: Sequence[str], floor: int) -> dict[str, GraphNode]:
        """Return the commits named and all that is reached from them through commits above `floor`."""
        found: dict[str, GraphNode] = {}
        waiting = list(ids)
        with self._opened() as memory:
            while waiting:
                name = waiting.pop()
                stored = memory.commits.get(name)
                if stored is not None and name not in found:
                    found[name] = GraphNode(name, stored.commit.parents, stored.generation)
                    if stored.generation > floor:
                        waiting.extend(stored.commit.parents)
        return found

    def blobs(self, ids: Sequence[str]) -> dict[str, bytes]:
        """Return messages' bytes by blob id."""
        with self._opened() as memory:
            found = {name: memory.payloads.get(name, ("", b"")) for name in ids}
        return {
            name: payload if kind == "blob" else encode(decode(payload)["message"], sort_keys=False)
            for name, (kind, payload) in found.items()
            if kind in ("blob", "tombstone")
        }

    def find_record(self, record_id: str) -> bytes | None:
        """Return a record's bytes, or None."""
        with self._opened() as memory:
            kind, payload = memory.payloads.get(record_id, ("", b""))
        return payload if kind == "record" else None

    def token_counts(self, blob_ids: Sequence[str], encoding: str) -> dict[str, TokenCount]:
        """Return the counts that are kept, by blob id."""
        with self._opened() as memory:
            return {name: memory.counts[name, encoding] for name in blob_ids if (name, encoding) in memory.counts}

    def save_token_counts(self, encoding: str, counts: Mapping[str, TokenCount]) -> None:
        """Keep counts for later, of blobs that are stored."""
        with self._opened() as memory:
            for name, count in counts.items():
                if memory.payloads.get(name, ("", b""))[0] == "blob":
                    memory.counts.setdefault((name, encoding), count)

    def moves(self, ref: str | None = None, *, skip: int = 0, limit: int | None = None) -> list[LoggedMove]:
        """Return the log of one ref, or of all, newest first."""
        with self._opened():
            found = [logged for logged in reversed(self._refs.log) if ref is None or logged.move.name == ref]
        return found[skip:][:limit]

    def operations(self, *, before: str | None = None, limit: int | None = None) -> list[LoggedOperation]:
        """Return the log by operation, newest first, or what was logged before an operation."""
        found = self._logged_operations()[::-1]
        if before is not None:
            ids = [logged.operation.id for logged in found]
            found = found[ids.index(before) + 1 :] if before in ids else []
        return found[:limit]

    def find_operations(self, prefix: str, limit: int) -> list[LoggedOperation]:
        """Return up to `limit` of the log's operations whose ids start so, in order of id."""
        found = [logged for logged in self._logged_operations() if logged.operation.id.startswith(prefix)]
        return sorted(found)[:limit]

    def search(self, words: Sequence[Word], *, skip: int = 0, limit: int) -> list[Recorded]:
        """Return where this tract's commits recorded messages that have all these words, newest first."""
        found = []
        with self._opened() as memory:
            for commit_id in self._ever_named(memory):
                commit, generation, _ = memory.commits[commit_id]
                for n, (message_id, blob_id) in enumerate(recorded_messages(commit.changes)):
                    said = frozenset(
                        words_of(searchable_text(decode(memory.payloads.get(blob_id, ("blob", b"{}"))[1])))
                    )
                    if all(word.is_in(said) for word in words):
                        found.append(Recorded(commit_id, generation, n, message_id, blob_id))
        found.sort(key=lambda recorded: (-recorded.generation, recorded.commit_id, -recorded.n))
        return found[skip:][:limit]

    def has_operation(self, operation_id: str) -> bool:
        """Tell whether an operation was done."""
        with self._opened() as memory:
            return operation_id in memory.operations

    def tracts(self) -> list[str]:
        """Return the names of the tracts in this store, in order."""
        with self._opened() as memory:
            return sorted(memory.tracts)

    def containing(self, kind: Literal["commit", "record"], texts: Sequence[bytes]) -> dict[str, bytes]:
        """Return the commits or records, id to bytes, in which one of several byte strings occurs."""
        with self._opened() as memory:
            found = [(name, payload) for name, (found, payload) in memory.payloads.items() if found == kind]
        return {name: payload for name, payload in found if any(text in payload for text in texts)}

    def tombstones(self) -> dict[str, bytes]:
        """Return what stands for purged objects, by their ids."""
        with self._opened() as memory:
            return {name: stored[1] for name, stored in sorted(memory.payloads.items()) if stored[0] == "tombstone"}

    def forget(self) -> None:
        """Do nothing: what was replaced is not kept."""

    def drop_altered_counts(self) -> int:
        """Return 0: nobody alters a count in memory."""
        return 0

    def reindex(self, commits: Sequence[NewCommit]) -> int:
        """Put these facts beside all commits, and return how many were wrong; generations follow by construction."""
        with self._opened() as memory:
            wrong = [new for new in commits if memory.commits[new.commit.id].facts != new.facts]
            for new in wrong:
                memory.commits[new.commit.id] = memory.commits[new.commit.id]._replace(facts=new.facts)
        return len(wrong)

    def collect(self, before: datetime, *, dry_run: bool) -> Garbage:
        """Return what no ref of any tract reaches, nor any move since a time, and delete it unless `dry_run`."""
        with self._opened() as memory:
            kept = self._reached(before)
            gone = {name: stored for name, stored in memory.payloads.items() if name not in kept}
            if not dry_run:
                for name in gone:
                    del memory.payloads[name]
                    memory.commits.pop(name, None)
                memory.counts = {key: count for key, count in memory.counts.items() if key[0] not in gone}
        commits = [name for name, (kind, _) in gone.items() if kind == "commit"]
        return Garbage(
            tuple(commits[::-1]),
            tuple(name for name, (kind, _) in gone.items() if kind in ("blob", "tombstone")),
            tuple(name for name, (kind, _) in gone.items() if kind == "record"),
            sum(len(payload) for _, payload in gone.values()),
        )

    def check(self) -> Iterator[Fault]:
        """Re-hash every object; the rest is kept by construction."""
        with self._opened() as memory:
            payloads = list(memory.payloads.items())
        for name, (kind, payload) in payloads:
            if kind != "tombstone" and object_id(kind, payload) != name:
                yield Fault(f"{kind} {name}", "its bytes do not match its id")

    def close(self) -> None:
        """Refuse every other method from now on."""
        self._closed = True

    @contextmanager
    def _opened(self) -> Iterator[_Memory]:
        if self._closed:
            raise StorageError("the store is closed")
        with self._memory.lock:
            yield self._memory

    def _ever_named(self, memory: _Memory) -> set[str]:
        """Return the commits that this tract's refs ever led to."""
        found: set[str] = set()
        waiting = [logged.move.new for logged in self._refs.log if logged.move.new in memory.commits]
        while waiting:
            name = waiting.pop()
            if name is not None and name not in found:
                found.add(name)
                waiting.extend(memory.commits[name].commit.parents)
        return found

    def _logged_operations(self) -> list[LoggedOperation]:
        """Return the log by operation, oldest first."""
        found: dict[str, LoggedOperation] = {}
        with self._opened():
            for operation, move in self._refs.log:
                before = found.get(operation.id, LoggedOperation(operation, ()))
                found[operation.id] = LoggedOperation(operation, (*before.moves, move))
        return list(found.values())

    def _admitted(self, objects: Sequence[NewObject]) -> dict[str, StoredCommit]:
        """Return the new commits with their generations.

        Raises:
            StorageError: a parent or a message of one is neither stored nor given.
        """
        added: dict[str, StoredCommit] = {}
        known = self._memory.commits
        for new in objects:
            if isinstance(new, NewCommit) and new.commit.id not in known:
                parents = [known.get(name) or added.get(name) for name in new.commit.parents]
                if None in parents:
                    missing = new.commit.parents[parents.index(None)]
                    raise StorageError(f"commit {new.commit.id} has a parent that is not stored: {missing}")
                for blob_id in named_blobs(new.commit.changes):
                    if not self._has(blob_id, objects):
                        raise StorageError(f"a commit names a message that is not stored: {blob_id}")
                generation = 1 + max((parent.generation for parent in parents if parent is not None), default=0)
                added.setdefault(new.commit.id, StoredCommit(new.commit, generation, new.facts))
        return added

    def _reached(self, before: datetime) -> set[str]:
        """Return the ids of all objects that a ref, or a move since a time, leads to."""
        waiting: list[str] = []
        for refs in self._memory.tracts.values():
            waiting.extend(target for name, target in refs.targets.items() if not name.startswith(INCOMING))
            young = next((n for n, done in enumerate(refs.log) if done.operation.created_at >= before), len(refs.log))
            waiting.extend(key for _, move in refs.log[young:] for key in (move.old, move.new) if key is not None)
        found: set[str] = set()
        while waiting:
            name = waiting.pop()
            kind, payload = self._memory.payloads.get(name, ("", b""))
            if name in found or not kind:
                continue
            found.add(name)
            if kind != "blob":
                # What looks like an id in a commit or a record may be one.
                waiting.extend(text.decode() for text in _QUOTED_ID.findall(payload))
        return found

    def _moved(self, moves: Sequence[RefMove], objects: Sequence[NewObject]) -> dict[str, dict[str, str]]:
        """Return all refs of the tracts concerned as they stand after the moves."""
        named = {move.tract or self.tract for move in moves}
        found_in = {tract: dict(self._memory.tracts.get(tract, _Refs()).targets) for tract in named}
        for move in moves:
            targets = found_in[move.tract or self.tract]
            found = targets.get(move.name)
            if found != move.old:
                raise ConcurrentMoveError(
                    f"{move.name} stands at {found}, not at {move.old}", ref=move.name, expected=move.old, found=found
                )
            if move.new is None:
                targets.pop(move.name, None)
            elif is_object_id(move.new) and not self._has(move.new, objects):
                raise StorageError(f"{move.name} was to name an object that is not stored: {move.new}")
            else:
                targets[move.name] = move.new
        return found_in

    def _has(self, name: str, objects: Sequence[NewObject]) -> bool:
        return name in self._memory.payloads or any(name == _id_of(new) for new in objects)

    def _keep(self, new: NewObject) -> None:
        if isinstance(new, Tombstone):
            if new.is_new != (new.id in self._memory.payloads):
                self._memory.payloads[new.id] = ("tombstone", new.payload)
            return
        kind = "commit" if isinstance(new, NewCommit) else "record" if isinstance(new, NewRecord) else "blob"
        self._memory.payloads.setdefault(_id_of(new), (kind, new.payload))
        if isinstance(new, NewBlob):
            for encoding, count in new.counts.items():
                self._memory.counts.setdefault((new.id, encoding), count)


def _id_of(new: NewObject) -> str:
    return new.commit.id if isinstance(new, NewCommit) else new.id
