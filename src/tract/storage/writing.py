"""What `publish` writes: the rows made of its values, and the statements of its one transaction, in order."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from tract.exceptions import BusyError, ConcurrentMoveError, StorageError, TraceError
from tract.model.commits import named_blobs
from tract.protocols import NewBlob, NewCommit, NewObject, NewRecord, Operation, RefMove, Tombstone
from tract.storage import statements
from tract.storage.ids import is_object_id, target_text
from tract.storage.rows import Parameters, Row, blob_row, bytes_text, commit_row, count_row, grave_row, move_rows
from tract.storage.statements import Statements, Write

_TRIES = 5
"""How often a row is written anew that lost to another writer; the first time after that mostly settles it."""


class Transaction(Protocol):
    """The statements of one transaction; each returns what it read, or how many rows it changed."""

    def read(self, sql: str, parameters: Parameters) -> list[Row]:
        """Return the rows that a statement finds."""
        ...

    def write(self, statement: Write, rows: Sequence[Row]) -> int:
        """Return how many rows a statement changed, executed for each of several rows of values."""
        ...


class AlreadyDoneError(Exception):
    """The operation is logged: the transaction has nothing to do."""


class Plan(NamedTuple):
    """The rows that one operation writes, made before the transaction begins."""

    blobs: list[Row]
    more_counts: list[Row]
    commits: list[Row]
    parents: list[Row]
    log: list[Row]
    refs: list[Row]
    needed: set[bytes]
    """The messages that the commits name and that are not given along."""

    graves: list[Row]


def plan_objects(objects: Sequence[NewObject], encoding_row: Callable[[str], int]) -> Plan:
    """Return the rows of an operation's objects, each kind in the order given."""
    plan = Plan([], [], [], [], [], [], set(), [])
    for new in objects:
        if isinstance(new, Tombstone):
            row = grave_row(new)
            if new.is_new:
                plan.blobs.append(row)
            else:
                plan.graves.append((row[0], row[-1]))
        elif isinstance(new, NewCommit):
            plan.needed.update(map(bytes.fromhex, named_blobs(new.commit.changes)))
            plan.commits.append(commit_row(new, encoding_row(new.facts.encoding)))
            if len(new.commit.parents) > 1:
                _plan_parents(plan, new)
        else:
            _plan_blob(plan, new, encoding_row)
    plan.needed.difference_update([row[0] for row in plan.blobs])
    return plan


def plan_moves(
    plan: Plan, tract_row: Callable[[str | None], int], moves: Sequence[RefMove], operation: Operation
) -> None:
    """Add the rows of an operation's moves, by tract and in order of name.

    Raises:
        StorageError: the operation's id is no id.
    """
    if not is_object_id(operation.id):
        raise StorageError(f"an operation's id must be 64 hex digits, not {operation.id!r}")
    given = {row[0] for row in (*plan.blobs, *plan.commits)}
    placed = [(tract_row(move.tract), move) for move in moves]
    for n, (tract, move) in enumerate(sorted(placed, key=_by_tract_and_name)):
        logged, (*ref, wanted) = move_rows(tract, n, move, operation)
        plan.log.append(logged)
        plan.refs.append((*ref, None if wanted in given else wanted))


def write_plan(transaction: Transaction, sql: Statements, plan: Plan) -> None:
    """Insert the objects, then the operation, and move the refs last, so that they are held for the shortest time.

    Raises:
        AlreadyDoneError: the operation is logged.
        ConcurrentMoveError: a ref does not stand at its move's `old`.
        StorageError: a commit's parent or message, or an object that a ref is to name, is not stored.
    """
    if plan.needed:
        _require_blobs(transaction, sql, plan.needed)
    if plan.blobs:
        if sql.dialect.locks_rows:
            plan.blobs.sort()
        counts = plan.more_counts
        if transaction.write(statements.ADD_BLOB, plan.blobs) < len(plan.blobs):
            counts = counts + [(key, *count) for key, _, *count, _ in plan.blobs if count[0] is not None]
        if counts:
            transaction.write(statements.ADD_COUNT, counts)
    if plan.graves:
        transaction.write(statements.BURY, plan.graves)
        empty_index(transaction, sql)
    if plan.commits:
        try:
            _insert_commits(transaction, sql, plan)
        except StorageError:
            _refuse_what_moved(transaction, plan)
            raise
    if sql.dialect.logged_moves is not None:
        for logged, row in zip(plan.log, plan.refs, strict=True):
            _log_and_move(transaction, sql, logged, row)
        return
    if plan.log and transaction.write(sql.add_move, plan.log) == 0:
        raise AlreadyDoneError
    for row in plan.refs:
        _move(transaction, row)


def empty_index(transaction: Transaction, sql: Statements) -> None:
    """Take everything out of the index; the next search fills it anew."""
    index = sql.dialect.word_index
    if sql.dialect.lock_tables is not None:
        transaction.read("LOCK TABLE recorded IN SHARE ROW EXCLUSIVE MODE", {})
    can_be_had, is_there = transaction.read(index.state, {})[0]
    if can_be_had and is_there:
        transaction.read(index.empty, {})
    transaction.read("DELETE FROM recorded", {})
    transaction.read("DELETE FROM searched", {})


def _require_blobs(transaction: Transaction, sql: Statements, needed: set[bytes]) -> None:
    found = {row[0] for row in transaction.read(sql.known_blobs, {"ids": b"".join(needed)})}
    for missing in needed - found:
        raise StorageError(f"a commit names a message that is not stored: {missing.hex()}")


def _plan_blob(plan: Plan, new: NewBlob | NewRecord, encoding_row: Callable[[str], int]) -> None:
    """Add a message's row with its first count, and rows of the others."""
    if isinstance(new, NewRecord) or not new.counts:
        plan.blobs.append(blob_row(new, None))
        return
    key = bytes.fromhex(new.id)
    first, *more = [count_row(key, encoding_row(name), name, count) for name, count in new.counts.items()]
    plan.blobs.append(blob_row(new, first))
    plan.more_counts.extend(more)


def _plan_parents(plan: Plan, new: NewCommit) -> None:
    key = bytes.fromhex(new.commit.id)
    plan.parents.extend([(key, n, bytes.fromhex(parent)) for n, parent in enumerate(new.commit.parents) if n])


def _by_tract_and_name(placed: tuple[int, RefMove]) -> tuple[int, str]:
    return placed[0], placed[1].name


def _insert_commits(transaction: Transaction, sql: Statements, plan: Plan) -> None:
    """Insert commits; one that is not inserted was there already, lost its place to another writer, or lacks a parent.

    Raises:
        StorageError: it lacks a parent.
        BusyError: others take each place that is tried.
    """
    missing = plan.commits
    for _ in range(_TRIES):
        if transaction.write(sql.add_commit, missing) == len(missing):
            break
        missing = _find_missing(transaction, sql, plan)
        if not missing:
            break
    else:
        raise BusyError(f"other writers took every place of commit {missing[0][0].hex()}")
    if plan.parents and transaction.write(statements.ADD_PARENT, plan.parents) < len(plan.parents):
        _find_missing(transaction, sql, plan)


def _find_missing(transaction: Transaction, sql: Statements, plan: Plan) -> list[Row]:
    """Return the commits that are not stored yet.

    Raises:
        StorageError: a parent is neither stored nor among them.
    """
    given = {row[0] for row in plan.commits}
    wanted = {row[1]: row[0] for row in plan.commits if row[1] is not None}
    wanted.update({parent: child for child, _, parent in plan.parents})
    found = {row[0] for row in transaction.read(sql.known, {"ids": b"".join(given | wanted.keys())})}
    for parent, child in wanted.items():
        if parent not in found and parent not in given:
            raise StorageError(f"commit {child.hex()} has a parent that is not stored: {parent.hex()}")
    return [row for row in plan.commits if row[0] not in found]


def _refuse_what_moved(transaction: Transaction, plan: Plan) -> None:
    """Raise ConcurrentMoveError where a ref moved; then it is no wonder that where it stood is no longer stored."""
    for row in plan.refs:
        refusal = _find_refusal(transaction, row)
        if isinstance(refusal, ConcurrentMoveError):
            raise refusal


def _move(transaction: Transaction, row: Row) -> None:
    """Move one ref, if it stands where it is expected, and what it is to name is stored."""
    _, _, old, new, _ = row
    statement = statements.DELETE_REF if new is None else statements.ADD_REF if old is None else statements.MOVE_REF
    if not transaction.write(statement, [row]):
        refusal = _find_refusal(transaction, row)
        if refusal is not None:
            raise refusal


def _log_and_move(transaction: Transaction, sql: Statements, logged: Row, row: Row) -> None:
    """Move one ref and log that, where others may move it meanwhile.

    Raises:
        AlreadyDoneError: the operation is logged.
    """
    _, operation, n, _, old, new, *_ = logged
    moves = sql.dialect.logged_moves
    assert moves is not None
    statement = moves.delete if new is None else moves.add if old is None else moves.move
    refusal: TraceError | None = None
    for _ in range(_TRIES):
        if transaction.write(statement, [(*logged, row[-1])]):
            return
        if transaction.read(statements.HAS_MOVE, {"operation": operation, "n": n}):
            raise AlreadyDoneError
        refusal = _find_refusal(transaction, row)
        if refusal is None:
            transaction.write(sql.add_move, [logged])
            return
        if isinstance(refusal, ConcurrentMoveError):
            break
    assert refusal is not None
    raise refusal


def _find_refusal(transaction: Transaction, row: Row) -> TraceError | None:
    """Return why a ref was not moved; None where an absent one was to go away, which it has."""
    tract, ref, old, new, _ = row
    rows = transaction.read(statements.FIND_REF, {"tract": tract, "ref": ref})
    found, expected = (
        None if target is None else target_text(target) for target in (rows[0][0] if rows else None, old)
    )
    name = bytes_text(ref)
    if found != expected:
        return ConcurrentMoveError(
            f"{name} stands at {found}, not at {expected}", ref=name, expected=expected, found=found
        )
    if new is None:
        return None
    return StorageError(f"{name} was to name an object that is not stored: {target_text(new)}")
