"""Moving work between tracts: fetch, pull, push and clone; objects first, refs last, by compare-and-set."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

from tract.exceptions import (
    ConcurrentMoveError,
    NonFastForwardError,
    RefExistsError,
    RefNameError,
    RefNotFoundError,
    RevisionError,
    StorageError,
    TransferError,
)
from tract.history.admission import is_id
from tract.model.encoding import shown
from tract.model.refs import BRANCHES, REMOTES, SHARED, TAGS, WORKSPACES, check_ref_name
from tract.model.sharing import FetchResult, PushResult, RefUpdate, Remote
from tract.operations import merging
from tract.operations.graph import descends
from tract.operations.merge_result import MergeResult
from tract.operations.merge_session import MergeOptions
from tract.operations.opening import FIRST_BRANCH
from tract.operations.receiving import Receiver, receive
from tract.operations.remotes import remote_record, tracking_prefix
from tract.operations.repo import Repo
from tract.operations.revisions import resolve_revision
from tract.operations.sending import Source, find_missing, held_commits, read_parcels
from tract.protocols import NewRecord, Operation, RefMove, ResolverCallable, Store

Tags = Literal["reachable", "all", "none"]
Sent = TypeVar("Sent")
_ATTEMPTS, _TRIES = 100, 4


@dataclass(frozen=True, slots=True)
class FetchOptions:
    """What a fetch takes: a branch alone or all, which tags, and whether to forget branches that are gone there."""

    branch: str | None = None
    tags: Tags = "reachable"
    prune: bool = False


@dataclass(frozen=True, slots=True)
class PullOptions:
    """What a pull takes (None: the branch named as the workspace's), and how it is merged."""

    branch: str | None
    merge: MergeOptions
    resolver: ResolverCallable | None


@dataclass(frozen=True, slots=True)
class PushOptions:
    """What a push sends: a branch (None: the workspace's), under which name, which tags, and whether by force."""

    branch: str | None = None
    to: str | None = None
    tags: Sequence[str] | Literal["all"] = ()
    force: bool = False


def fetch(repo: Repo, source: Source, remote: str | None, options: FetchOptions) -> FetchResult:
    """Bring another tract's branches here, as `remote/branch` if it is known as a remote, and its tags.

    Raises:
        RefNotFoundError: it has no branch of the name given.
        TransferError: what it sends cannot be taken.
    """
    repo.refuse_in_batch("fetch")
    refs = read_refs(source)
    heads = _chosen(source, refs, options.branch)
    tags = _under(TAGS, refs) if options.tags != "none" else {}
    wants = [*heads.values(), *(tags.values() if options.tags == "all" else ())]
    operation = repo.operation("fetch")
    kept: list[str] = []

    def plan() -> list[RefMove]:
        held = held_commits(repo.store, tags.values()) if tags else set()
        moves, kept[:] = _tag_moves(repo, {name: target for name, target in tags.items() if target in held})
        if remote is None:
            return moves
        gone = options.prune and options.branch is None
        return [*_tracking_moves(repo, remote, heads, prune=gone), *moves]

    def once() -> tuple[int, list[RefMove]]:
        receiver = receive(repo, source, wants)
        return receiver.count, _publish(repo.store, plan, operation, receiver.finished)

    count, moves = _sent_whole(once)
    updates = tuple(RefUpdate(move.name, move.old, move.new, _is_forced(repo, move)) for move in moves)
    return FetchResult(source.label, heads, updates, count, tuple(kept))


def pull(repo: Repo, source: Source, remote: str | None, *, pulling: PullOptions) -> MergeResult:
    """Fetch a branch (None: the one named as the workspace's) and merge it into the workspace's branch."""
    repo.refuse_in_batch("pull")
    options = pulling.merge
    name = pulling.branch if pulling.branch is not None else repo.workspace.branch
    commit_id = fetch(repo, source, remote, FetchOptions(branch=name)).branches[name]
    if options.message is None and remote is None:
        options = replace(options, message=f"merge {name} of {source.label} into {repo.workspace.branch}")
    return merging.merge(repo, _revision(repo, remote, name, commit_id), options, pulling.resolver)


def push(repo: Repo, target: Store, label: str, remote: str | None, *, options: PushOptions) -> PushResult:
    """Bring a branch and tags of this tract into another one.

    Raises:
        NonFastForwardError: a branch over there has what ours has not, and `force` is not given.
        RefExistsError: a tag stands elsewhere over there, and `force` is not given.
        RefNotFoundError: there is no such branch or tag here.
    """
    repo.refuse_in_batch("push")
    sent = _sent(repo, options)

    def plan() -> list[RefMove]:
        return [move for ref, ours in sent.items() for move in _push_move(repo, target, ref, ours, force=options.force)]

    plan()
    receiver = Receiver(repo, target, is_trusted=True)
    operation = repo.operation("push")

    def once() -> list[RefMove]:
        for parcel in read_parcels(repo.store, find_missing(repo.store, sent.values(), target), target):
            receiver.take(parcel)
        return _publish(target, plan, operation, receiver.finished)

    moves = _sent_whole(once)
    if remote is not None:
        heads = _under(BRANCHES, sent)
        _publish(repo.store, lambda: _tracking_moves(repo, remote, heads, prune=False), repo.operation("push"))
    updates = tuple(RefUpdate(move.name, move.old, move.new, _is_forced(repo, move)) for move in moves)
    return PushResult(label, updates, receiver.count)


def clone(repo: Repo, source: Source, remote: Remote | None) -> FetchResult:
    """Bring all branches and tags of another tract into this empty one, and stand where it stands.

    Raises:
        RefExistsError: there are branches here already.
    """
    standing = repo.store.refs(BRANCHES)
    if standing:
        name = next(iter(standing)).removeprefix(BRANCHES)
        raise RefExistsError(f"a clone begins empty, and there is branch {name!r} already", name=name)
    refs = read_refs(source)
    heads = _under(BRANCHES, refs)
    branch = _first_branch(source, heads)
    operation = repo.operation("clone")
    records: list[NewRecord] = []
    moves = [RefMove(ref, None, target) for ref, target in refs.items()]
    if remote is not None:
        records.append(remote_record(remote))
        moves.append(RefMove(REMOTES + remote.name, repo.store.find_ref(REMOTES + remote.name), records[0].id))
        moves += _tracking_moves(repo, remote.name, heads, prune=False)
    head = WORKSPACES + repo.workspace.name
    moves.append(RefMove(head, repo.store.find_ref(head), BRANCHES + branch))

    def once() -> int:
        receiver = receive(repo, source, list(refs.values()))
        repo.store.publish(records, [*moves, *receiver.finished()], operation)
        return receiver.count

    count = _sent_whole(once)
    repo.workspace.stand_on(branch, born=branch in heads)
    updates = tuple(RefUpdate(move.name, move.old, move.new) for move in moves if move.name.startswith(SHARED))
    return FetchResult(source.label, heads, updates, count)


def read_refs(source: Source) -> dict[str, str]:
    """Return another tract's branches and tags, full name to commit id.

    Raises:
        TransferError: one has a name or a target that no ref may have.
    """
    refs = dict(source.refs())
    for ref, target in refs.items():
        prefix = next((prefix for prefix in SHARED if ref.startswith(prefix)), None)
        try:
            if prefix is None or not is_id(target):
                raise RefNameError("it is no branch or tag", name=ref)
            check_ref_name(ref.removeprefix(prefix))
        except RefNameError as error:
            raise TransferError(f"{source.label} has a ref that cannot be taken: {shown(ref)}") from error
    return refs


def _under(prefix: str, refs: Mapping[str, str]) -> dict[str, str]:
    return {ref.removeprefix(prefix): target for ref, target in refs.items() if ref.startswith(prefix)}


def _chosen(source: Source, refs: Mapping[str, str], branch: str | None) -> dict[str, str]:
    heads = _under(BRANCHES, refs)
    if branch is None:
        return heads
    if branch not in heads:
        raise RefNotFoundError(f"{source.label} has no branch {shown(branch)}", name=branch)
    return {branch: heads[branch]}


def _first_branch(source: Source, heads: Mapping[str, str]) -> str:
    """Return the branch to stand on: the other side's, if it is there, else `main`, else the first."""
    told = (source.head() or "").removeprefix(BRANCHES)
    return next((name for name in (told, FIRST_BRANCH, *heads) if name in heads), FIRST_BRANCH)


def _tag_moves(repo: Repo, tags: Mapping[str, str]) -> tuple[list[RefMove], list[str]]:
    """Return what makes the tags that are not here, and the names of those that stand elsewhere here."""
    standing = repo.store.refs(TAGS) if tags else {}
    moves = [RefMove(TAGS + name, None, target) for name, target in tags.items() if TAGS + name not in standing]
    kept = [name for name, target in tags.items() if standing.get(TAGS + name, target) != target]
    return moves, kept


def _tracking_moves(repo: Repo, remote: str, heads: Mapping[str, str], *, prune: bool) -> list[RefMove]:
    prefix = tracking_prefix(remote)
    seen = repo.store.refs(prefix)
    moves = [
        RefMove(prefix + name, seen.get(prefix + name), target)
        for name, target in heads.items()
        if seen.get(prefix + name) != target
    ]
    gone = [ref for ref in seen if ref.removeprefix(prefix) not in heads] if prune else []
    return [*moves, *(RefMove(ref, seen[ref], None) for ref in gone)]


def _sent(repo: Repo, options: PushOptions) -> dict[str, str]:
    """Return what the refs over there are to name."""
    name = options.branch if options.branch is not None else repo.workspace.branch
    tip = repo.store.find_ref(BRANCHES + check_ref_name(name))
    if tip is None:
        raise RefNotFoundError(f"no branch {name!r}", name=name)
    sent = {BRANCHES + check_ref_name(options.to if options.to is not None else name): tip}
    tags = repo.store.refs(TAGS) if options.tags else {}
    for tag in _under(TAGS, tags) if options.tags == "all" else options.tags:
        if TAGS + check_ref_name(tag) not in tags:
            raise RefNotFoundError(f"no tag {tag!r}", name=tag)
        sent[TAGS + tag] = tags[TAGS + tag]
    return sent


def _push_move(repo: Repo, target: Store, ref: str, ours: str, *, force: bool) -> Iterable[RefMove]:
    """Return the move that lets a ref over there name our commit; none where it does."""
    theirs = target.find_ref(ref)
    if theirs == ours:
        return ()
    if theirs is not None and not force:
        if not ref.startswith(BRANCHES):
            raise RefExistsError(f"{ref} stands elsewhere over there: at {theirs}", name=ref.removeprefix(TAGS))
        if not _has(repo, ours, theirs):
            raise NonFastForwardError(
                f"{ref} stands at {theirs} over there, which is not in the history of {ours}",
                ref=ref,
                ours=ours,
                theirs=theirs,
            )
    return (RefMove(ref, theirs, ours),)


def _has(repo: Repo, newer: str, older: str) -> bool:
    """Tell whether the repo's store has a commit in the history of another."""
    stored = repo.store.commits([newer, older])
    return len({newer, older} - stored.keys()) == 0 and descends(repo, stored[newer], stored[older])


def _is_forced(repo: Repo, move: RefMove) -> bool:
    """Tell whether a move left commits behind."""
    return move.old is not None and move.new is not None and not _has(repo, move.new, move.old)


def _sent_whole(once: Callable[[], Sent]) -> Sent:
    """Return what a transfer gives, done again where garbage was collected beside it: no ref names its objects yet."""
    for _ in range(_TRIES - 1):
        try:
            return once()
        except StorageError as error:
            # Those below it tell of other things than an object that is not there.
            if type(error) is not StorageError:
                raise
    return once()


def _publish(
    store: Store,
    plan: Callable[[], list[RefMove]],
    operation: Operation,
    closing: Callable[[], Sequence[RefMove]] = tuple,
) -> list[RefMove]:
    """Make the moves that are planned, planning again while others move the same refs; return what was moved.

    `closing` gives moves that are done along, and are not told of.
    """
    for attempt in range(_ATTEMPTS):
        moves, last = plan(), closing()
        if not moves and not last:
            break
        try:
            store.publish([], [*moves, *last], operation)
            break
        except ConcurrentMoveError:
            if attempt == _ATTEMPTS - 1:
                raise
    return moves


def _revision(repo: Repo, remote: str | None, branch: str, commit_id: str) -> str:
    """Return how a fetched branch is named here: as the remote's, unless that means something else."""
    if remote is None:
        return commit_id
    name = f"{remote}/{branch}"
    try:
        return name if resolve_revision(repo, name) == commit_id else commit_id
    except RevisionError:
        return commit_id
