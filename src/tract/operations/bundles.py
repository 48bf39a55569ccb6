"""Bundles: branches with their history in one file, written from a store, and read as a source of commits."""

from collections.abc import Iterator, Mapping, Sequence
from os import PathLike

from tract.exceptions import BundleError, PrerequisitesError, RefNotFoundError
from tract.formats.bundle import Bundle, BundleHeader, Piece, write_bundle
from tract.history.admission import blobs_named, is_id, read_blob, read_commit
from tract.history.graph import ahead, parents_first
from tract.model.encoding import object_id
from tract.model.refs import BRANCHES, TAGS, check_ref_name
from tract.model.sharing import BundleReport
from tract.operations.graph import GraphReader
from tract.operations.repo import Repo
from tract.operations.revisions import resolve_commit
from tract.operations.sending import Arrival, Parcel, held_commits, read_parcels
from tract.protocols import GraphNode, Store, StoredCommit


class BundleSource:
    """A bundle, as something that commits come from: always all that it holds, whatever is wanted of it."""

    def __init__(self, bundle: Bundle) -> None:
        self.label = bundle.path
        self._bundle = bundle

    def refs(self) -> Mapping[str, str]:
        """Return branches and tags, full name to commit id."""
        return self._bundle.header.refs

    def head(self) -> str | None:
        """Return the branch to stand on."""
        return self._bundle.header.head

    def parcels(self, _wants: Sequence[str], target: Store, /) -> Iterator[Parcel]:
        """Yield all commits of the bundle, once everything that can be told without a context was checked.

        Raises:
            PrerequisitesError: the store lacks commits that the bundle builds on.
            TransferError: what the bundle holds is malformed, or not all there.
        """
        missing = missing_prerequisites(self._bundle, target)
        if missing:
            raise PrerequisitesError(
                f"{self.label} builds on {len(missing)} commits that are not here, such as {missing[0]}",
                commit_ids=missing,
            )
        check_bundle(self._bundle)
        for piece in self._bundle.pieces():
            yield _parcel(piece)


def missing_prerequisites(bundle: Bundle, store: Store) -> tuple[str, ...]:
    """Return the commits that a bundle builds on and a store lacks, in the bundle's order."""
    wanted = bundle.header.prerequisites
    held = held_commits(store, wanted) if wanted else set()
    return tuple(commit_id for commit_id in wanted if commit_id not in held)


def check_bundle(bundle: Bundle) -> None:
    """Check what a bundle holds, as far as that needs neither store nor context; reads all of it.

    Raises:
        TransferError: an object is malformed, or names one that neither comes before it nor is a prerequisite.
    """
    commits, blobs = set(bundle.header.prerequisites), set[str]()
    for piece in bundle.pieces():
        blobs.update(read_blob(payload).id for payload in piece.messages)
        blobs.update(key.hex() for key in piece.purged)
        for payload in piece.commits:
            commit = read_commit(payload)
            for parent in commit.parents:
                if parent not in commits:
                    raise BundleError(f"commit {commit.id} comes without its parent {parent}", object_id=commit.id)
            for blob_id in blobs_named(commit):
                if blob_id not in blobs:
                    raise BundleError(f"commit {commit.id} comes without its message {blob_id}", object_id=commit.id)
            commits.add(commit.id)
    for ref, commit_id in bundle.header.refs.items():
        if not is_id(commit_id) or commit_id not in commits:
            raise BundleError(f"{ref} names a commit that does not come with it: {commit_id}")


def create_bundle(
    repo: Repo, path: "str | PathLike[str]", branches: Sequence[str], since: Sequence[str]
) -> BundleReport:
    """Write branches (none: the workspace's) to a file, without the history of the revisions in `since`.

    Tags of commits that go along go along.

    Raises:
        BundleError: there is nothing to write, or the file cannot be written.
    """
    names = [check_ref_name(name) for name in branches] or [repo.workspace.branch]
    tips = {BRANCHES + name: _tip(repo, name) for name in names}
    behind = [resolve_commit(repo, revision) for revision in since]
    nodes = _between(repo, list(tips.values()), behind)
    if not nodes:
        raise BundleError("there is nothing to put into a bundle")
    refs = {ref: tip.commit.id for ref, tip in tips.items()}
    prerequisites = {parent for node in nodes.values() for parent in node.parents if parent not in nodes}
    prerequisites.update(commit_id for commit_id in refs.values() if commit_id not in nodes)
    refs.update((tag, target) for tag, target in repo.store.refs(TAGS).items() if target in nodes)
    head = repo.branch_ref if repo.branch_ref in tips else next(iter(tips))
    ids = parents_first([tip.commit.id for tip in tips.values()], nodes)
    write_bundle(path, BundleHeader(refs, head, sorted(prerequisites)), _pieces(repo, ids))
    return verify_bundle(repo, path)


def verify_bundle(repo: Repo, path: "str | PathLike[str]") -> BundleReport:
    """Return what a bundle holds, and what it builds on that is missing here; reads all of it, and writes nothing.

    Raises:
        TransferError: it is damaged, or what it holds is malformed.
    """
    with Bundle(path) as bundle:
        check_bundle(bundle)
        header = bundle.header
        missing = missing_prerequisites(bundle, repo.store)
        return BundleReport(
            bundle.path,
            dict(header.refs),
            tuple(header.prerequisites),
            bundle.commits,
            bundle.messages,
            bundle.size_bytes,
            missing,
        )


def revisions_of(since: str | Sequence[str] | None) -> Sequence[str]:
    """Return revisions that were given as one, as several, or not at all."""
    return () if since is None else (since,) if isinstance(since, str) else since


def _tip(repo: Repo, name: str) -> StoredCommit:
    tip = repo.store.find_tip(BRANCHES + name)
    if tip is None:
        raise RefNotFoundError(f"no branch {name!r}", name=name)
    return tip


def _between(repo: Repo, tips: Sequence[StoredCommit], behind: Sequence[StoredCommit]) -> dict[str, GraphNode]:
    """Return the commits in the history of tips that are not in that of others."""
    lookup = GraphReader(repo.store, [*tips, *behind])
    wanted, left_out = ([stored.commit.id for stored in stands] for stands in (tips, behind))
    return {node.id: node for node in ahead(wanted, left_out, lookup)}


def _pieces(repo: Repo, ids: Sequence[str]) -> Iterator[Piece]:
    """Yield commits of the store, each message with the first that names it."""
    written: set[bytes] = set()
    for parcel in read_parcels(repo.store, ids, None):
        fresh = [payload for blob_id, payload in parcel.blobs.items() if bytes.fromhex(blob_id) not in written]
        purged = [key for key in map(bytes.fromhex, sorted(parcel.purged)) if key not in written]
        written.update(map(bytes.fromhex, parcel.blobs), purged)
        yield Piece([arrival.payload for arrival in parcel.arrivals], fresh, purged)


def _parcel(piece: Piece) -> Parcel:
    arrivals = [Arrival(read_commit(payload), payload) for payload in piece.commits]
    blobs = {object_id("blob", payload): payload for payload in piece.messages}
    return Parcel(arrivals, blobs, purged={key.hex() for key in piece.purged})
