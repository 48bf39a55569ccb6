"""The operation log: what was done, and the verbs that take it back or do it again."""

from collections.abc import Iterator, Sequence
from itertools import islice

from tract.exceptions import (
    CommitNotFoundError,
    ConcurrentMoveError,
    ContentError,
    OperationNotFoundError,
    StorageError,
)
from tract.history.oplog import Direction, Turn, parse_kind, plan_turn, redoable, revert_kind, undoable
from tract.history.revisions import is_prefix
from tract.model.encoding import shown
from tract.model.oplog import MovedRef, OperationEntry
from tract.model.refs import BRANCHES, SHARED, WORKSPACES
from tract.operations.opening import FIRST_BRANCH
from tract.operations.repo import Repo
from tract.operations.revisions import check_limit
from tract.protocols import LoggedOperation, RefMove, Store

_FIRST_PAGE, _LONGEST_PAGE = 4, 256
_SHOWN_CANDIDATES = 20


class _StoredLog:
    """The log of one store; each page read is four times as long as the one before."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def before(self, operation_id: str | None) -> Iterator[LoggedOperation]:
        """Yield what was logged before an operation (None: everything), newest first."""
        limit = _FIRST_PAGE
        while page := self._store.operations(before=operation_id, limit=limit):
            yield from page
            if len(page) < limit:
                return
            operation_id, limit = page[-1].operation.id, min(4 * limit, _LONGEST_PAGE)

    def get(self, operation_id: str) -> LoggedOperation:
        """Return an operation.

        Raises:
            OperationNotFoundError: the log does not have it.
        """
        found = self._store.find_operations(operation_id, 1)
        if not found:
            raise OperationNotFoundError(f"no operation {operation_id} in the log", operation_id=operation_id)
        return found[0]


def operations(repo: Repo, limit: int | None) -> list[OperationEntry]:
    """Return the log by operation, newest first. One statement, which reads what it returns."""
    check_limit(limit)
    return [_entry(logged) for logged in repo.store.operations(limit=limit)]


def undo(repo: Repo, n: int) -> list[OperationEntry]:
    """Take the newest operations that stand back in one operation, and return them, newest first."""
    return _turn(repo, "undo", n)


def redo(repo: Repo, n: int) -> list[OperationEntry]:
    """Do again what was undone since anything else was done, in one operation; return it, oldest first."""
    return _turn(repo, "redo", n)


def revert_operation(repo: Repo, operation_id: str) -> OperationEntry:
    """Take one operation back, whatever came after it, if its refs still stand where it left them; return it."""
    repo.refuse_in_batch("undo")
    logged = _find(repo, operation_id)
    moves = plan_turn("undo", [logged])
    if not moves:
        raise OperationNotFoundError("that operation moved nothing that could go back", operation_id=operation_id)
    _publish(repo, revert_kind(logged.operation.id), moves, [logged])
    return _entry(logged)


def _turn(repo: Repo, direction: Direction, n: int) -> list[OperationEntry]:
    repo.refuse_in_batch(direction)
    if type(n) is not int or n < 1:
        raise ContentError(f"{direction} takes a number of operations, not {shown(n)}")
    log = _StoredLog(repo.store)
    found = list(islice(undoable(log) if direction == "undo" else redoable(log), n))
    if len(found) < n:
        raise OperationNotFoundError(f"{n} to {direction} were wanted, and the log has {len(found) or 'none'}")
    turn = Turn(direction, n, found[-1].operation.id)
    _publish(repo, turn.kind, plan_turn(direction, found), found)
    return [_entry(logged) for logged in found]


def _publish(repo: Repo, kind: str, moves: Sequence[RefMove], operations: Sequence[LoggedOperation]) -> None:
    """Move refs as planned, and stand where the workspace then does.

    Raises:
        ConcurrentMoveError: a ref no longer stands where the operations left it; nothing was changed.
        CommitNotFoundError: what a branch or tag would go to was collected as garbage.
    """
    try:
        repo.store.publish([], moves, repo.operation(kind))
    except ConcurrentMoveError as error:
        names = ", ".join(f"{parse_kind(logged.operation.kind)[0]} {logged.operation.id[:8]}" for logged in operations)
        raise ConcurrentMoveError(
            f"{error.ref} moved since {names}", ref=error.ref, expected=error.expected, found=error.found
        ) from error
    except StorageError as error:
        lost = _find_lost(repo, moves)
        if lost is None:
            raise
        raise CommitNotFoundError(f"commit {lost[:12]} is no longer there: it was collected", commit_id=lost) from error
    _follow(repo, {move.name: move for move in moves})


def _find_lost(repo: Repo, moves: Sequence[RefMove]) -> str | None:
    """Return a commit to which a branch or tag was to go, and which is not there; None if all are."""
    wanted = {move.new for move in moves if move.new is not None and move.name.startswith(SHARED)}
    return min(wanted - repo.store.commits(sorted(wanted)).keys(), default=None)


def _follow(repo: Repo, moves: dict[str, RefMove]) -> None:
    """Stand where the workspace's HEAD was moved to, and note whether the branch is there."""
    workspace = repo.workspace
    own_ref, head_name = repo.branch_ref, WORKSPACES + workspace.name
    first = BRANCHES + FIRST_BRANCH
    head = moves.get(head_name)
    if head is not None and (head.old or first) == own_ref:
        ref = head.new or first
        workspace.stand_on(ref.removeprefix(BRANCHES), born=repo.store.find_ref(ref) is not None)
        return
    own = moves.get(own_ref)
    if own is None:
        return
    # A branch that went away is unborn again where the workspace stands on it; elsewhere it was deleted.
    workspace.born = own.new is not None or (repo.store.find_ref(head_name) or first) != own_ref


def _find(repo: Repo, operation_id: object) -> LoggedOperation:
    """Return the operation that an id, or the beginning of one, names."""
    if not isinstance(operation_id, str) or not is_prefix(operation_id):
        raise OperationNotFoundError(f"{shown(operation_id)} is no id of an operation")
    found = repo.store.find_operations(operation_id, _SHOWN_CANDIDATES)
    if len(found) > 1:
        raise OperationNotFoundError(
            f"several operations begin with {operation_id}",
            operation_id=operation_id,
            candidates=tuple(logged.operation.id for logged in found),
        )
    if not found:
        raise OperationNotFoundError(f"no operation {operation_id} in the log", operation_id=operation_id)
    return found[0]


def _entry(logged: LoggedOperation) -> OperationEntry:
    operation = logged.operation
    kind, subject_id = parse_kind(operation.kind)
    moves = tuple(MovedRef(move.name, move.old, move.new) for move in logged.moves)
    return OperationEntry(operation.id, kind, operation.author, operation.created_at, moves, subject_id)
