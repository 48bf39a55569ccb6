"""What one store has and another lacks: found by asking about ever older commits, and read in bounded batches.

Source: git's exchange of `want` and `have`, in windows of generations. Whoever has a commit has all of its history, so
what is below a common commit is never asked about.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from tract.exceptions import CommitNotFoundError, TransferError
from tract.history.admission import blobs_named, write_commit
from tract.history.graph import parents_first
from tract.model.commits import Commit
from tract.model.encoding import object_id
from tract.model.refs import SHARED, WORKSPACES
from tract.protocols import Store

_FIRST_WINDOW, _LAST_WINDOW = 16, 4096
_FIRST_PAGE, _LAST_PAGE = 1, 256
_PAGE_BYTES = 4_000_000
_ANY_GENERATION = 2**40
"""A floor that no commit is above: an ancestry then is the commits named."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A commit on its way, and its bytes."""

    commit: Commit
    payload: bytes


@dataclass(frozen=True, slots=True)
class Parcel:
    """Commits on their way, parents first, with the bytes of the messages that they name, by blob id.

    `held` has the bytes of messages that the receiving store was seen to have; the bytes of those in `purged` are gone.
    """

    arrivals: Sequence[Arrival]
    blobs: Mapping[str, bytes]
    held: Mapping[str, bytes] = field(default_factory=dict)
    purged: Collection[str] = ()


class Source(Protocol):
    """Another tract, in a store or in a file, that commits come from."""

    label: str

    def refs(self) -> Mapping[str, str]:
        """Return branches and tags, full name to commit id."""
        ...

    def head(self) -> str | None:
        """Return the full name of the branch to stand on, or None where nobody said."""
        ...

    def parcels(self, wants: Sequence[str], target: Store, /) -> Iterator[Parcel]:
        """Yield what a store lacks of the history of these commits, parents first; it is stored between the parcels."""
        ...


class StoreSource:
    """A tract in a store, as something that commits come from."""

    def __init__(self, store: Store, label: str) -> None:
        self.label = label
        self._store = store

    def refs(self) -> Mapping[str, str]:
        """Return branches and tags, full name to commit id; one statement each."""
        return {ref: target for prefix in SHARED for ref, target in self._store.refs(prefix).items()}

    def head(self) -> str | None:
        """Return the branch of the default workspace, or None if that was never written."""
        return self._store.find_ref(WORKSPACES + "default")

    def parcels(self, wants: Sequence[str], target: Store, /) -> Iterator[Parcel]:
        """Yield what a store lacks of the history of these commits, parents first."""
        return read_parcels(self._store, find_missing(self._store, wants, target), target)


def find_missing(source: Store, wants: Iterable[str], target: Store) -> list[str]:
    """Return the commits that a store lacks of the history of others, parents first.

    Two statements a window, which grows fourfold; what is read follows what is missing, not how long the history is.

    Raises:
        CommitNotFoundError: the source has not got a commit that is wanted.
    """
    wanted = list(dict.fromkeys(wants))
    lacking = set(wanted) - held_commits(target, wanted)
    missing = source.ancestry(sorted(lacking), _ANY_GENERATION) if lacking else {}
    for commit_id in sorted(lacking):
        if commit_id not in missing:
            raise CommitNotFoundError(f"no commit {commit_id} over there", commit_id=commit_id)
    seen = set(missing)
    frontier = dict(missing)
    window = _FIRST_WINDOW
    while frontier:
        floor = max(node.generation for node in frontier.values()) - window
        found = source.ancestry(sorted(frontier), floor)
        held = held_commits(target, found.keys() - seen)
        missing.update((node.id, node) for node in found.values() if node.id not in held and node.id not in seen)
        seen |= found.keys()
        frontier = {
            node.id: node for node in found.values() if node.id in missing and not seen.issuperset(node.parents)
        }
        window = min(4 * window, _LAST_WINDOW)
    return parents_first(wanted, missing)


def held_commits(store: Store, ids: Iterable[str]) -> set[str]:
    """Return which of these commits a store has; one statement."""
    return set(store.ancestry(list(ids), _ANY_GENERATION))


def read_parcels(source: Store, ids: Sequence[str], target: Store | None) -> Iterator[Parcel]:
    """Yield commits of a store, in the order given, with those messages that the target (None: nobody) lacks.

    Four statements a parcel; its size follows what the last one weighed.
    """
    start, page = 0, _FIRST_PAGE
    while start < len(ids):
        parcel = _read_parcel(source, ids[start : start + page], target)
        yield parcel
        start += page
        weight = sum(map(len, parcel.blobs.values())) + sum(len(arrival.payload) for arrival in parcel.arrivals)
        page = max(1, min(_LAST_PAGE, page * _PAGE_BYTES // max(weight, 1), 4 * page))


def _read_parcel(source: Store, ids: Sequence[str], target: Store | None) -> Parcel:
    found = source.commits(ids)
    arrivals = []
    for commit_id in ids:
        if commit_id not in found:
            raise CommitNotFoundError(f"no commit {commit_id} over there", commit_id=commit_id)
        commit = found[commit_id].commit
        arrivals.append(Arrival(commit, write_commit(commit)))
    named = list(dict.fromkeys(blob_id for arrival in arrivals for blob_id in blobs_named(arrival.commit)))
    held = target.blobs(named) if target is not None and named else {}
    lacking = [blob_id for blob_id in named if blob_id not in held]
    blobs = source.blobs(lacking) if lacking else {}
    if len(blobs) < len(lacking):
        missing = next(blob_id for blob_id in lacking if blob_id not in blobs)
        raise TransferError(f"message {missing} is missing over there", object_id=missing)
    # What stands for a purged message has other bytes than the id says; any other store's bytes were checked.
    purged = {blob_id for blob_id, payload in blobs.items() if object_id("blob", payload) != blob_id}
    whole = {blob_id: payload for blob_id, payload in blobs.items() if blob_id not in purged}
    return Parcel(arrivals, whole, held, purged)
