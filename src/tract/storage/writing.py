"""What `publish` writes: the rows made of its values, and the statements of its one transaction, in order."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from tract.exceptions import ConcurrentMoveError, StorageError
from tract.protocols import NewBlob, NewCommit, NewObject, NewRecord, Operation, RefMove
from tract.storage import statements
from tract.storage.ids import is_object_id, target_text
from tract.storage.rows import Row, blob_row, commit_row, count_row, move_row
from tract.storage.statements import Statements

Parameters = Mapping[str, Any]


class Transaction(Protocol):
    """The statements of one transaction; each returns what it read, or how many rows it changed."""

    def read(self, sql: str, parameters: Parameters) -> list[Row]:
        """Return the rows that a statement finds."""
        ...

    def write(self, sql: str, parameters: Parameters) -> int:
        """Return how many rows a statement changed."""
        ...

    def write_many(self, sql: str, parameters: Sequence[Parameters]) -> int:
        """Return how many rows a statement changed, executed for each of several rows of parameters."""
        ...


class AlreadyDoneError(Exception):
    """The operation is logged: the transaction has nothing to do."""


class Plan(NamedTuple):
    """The rows that one operation inserts, made before the transaction begins."""

    blobs: list[dict[str, Any]]
    more_counts: list[dict[str, Any]]
    commits: list[dict[str, Any]]
    parents: list[dict[str, Any]]
    moves: list[dict[str, Any]]


def plan_rows(
    objects: Sequence[NewObject], moves: Sequence[RefMove], operation: Operation, encoding_row: Callable[[str], int]
) -> Plan:
    """Return the rows of an operation: objects in order of id, commits as given, moves in order of name."""
    if not is_object_id(operation.id):
        raise StorageError(f"an operation's id must be 64 hex digits, not {operation.id!r}")
    plan = Plan([], [], [], [], [])
    given = set()
    for new in objects:
        if isinstance(new, NewCommit):
            given.add(new.commit.id)
            plan.commits.append(commit_row(new, encoding_row(new.facts.encoding)))
            if len(new.commit.parents) > 1:
                _plan_parents(plan, new)
        else:
            given.add(new.id)
            _plan_blob(plan, new, encoding_row)
    if len(plan.blobs) > 1:
        plan.blobs.sort(key=_id_of)
    for n, move in enumerate(sorted(moves, key=lambda move: move.name)):
        plan.moves.append(move_row(move, n, operation, stored=move.new in given))
    return plan


def write_plan(transaction: Transaction, sql: Statements, plan: Plan, tract: int) -> None:
    """Insert the objects, then the operation, and move the refs last.

    Raises:
        AlreadyDoneError: the operation is logged.
        ConcurrentMoveError: a ref does not stand at its move's `old`.
        StorageError: a commit's parent, or an object that a ref is to name, is not stored.
    """
    if plan.blobs:
        inserted = transaction.write_many(statements.ADD_BLOB, plan.blobs)
        counts = plan.more_counts
        if inserted < len(plan.blobs):
            counts = counts + [row for row in plan.blobs if row["encoding"] is not None]
        if counts:
            transaction.write_many(statements.ADD_COUNT, counts)
    if plan.commits:
        _insert_commits(transaction, sql, plan)
    if plan.moves:
        for row in plan.moves:
            row["tract"] = tract
        if transaction.write_many(sql.add_move, plan.moves) == 0:
            raise AlreadyDoneError
        for row in plan.moves:
            _move(transaction, row)


def _plan_blob(plan: Plan, new: NewBlob | NewRecord, encoding_row: Callable[[str], int]) -> None:
    """Add a message's row with its first count, and rows of the others."""
    if isinstance(new, NewRecord) or not new.counts:
        plan.blobs.append(blob_row(new))
        return
    counts = [count_row(bytes.fromhex(new.id), encoding_row(name), name, count) for name, count in new.counts.items()]
    plan.blobs.append(blob_row(new) | counts[0])
    plan.more_counts.extend(counts[1:])


def _plan_parents(plan: Plan, new: NewCommit) -> None:
    for n, parent in enumerate(new.commit.parents[1:], 1):
        plan.parents.append({"id": bytes.fromhex(new.commit.id), "n": n, "parent": bytes.fromhex(parent)})


def _id_of(row: Mapping[str, Any]) -> bytes:
    found: bytes = row["id"]
    return found


def _insert_commits(transaction: Transaction, sql: Statements, plan: Plan) -> None:
    """Insert commits; one that is not inserted was there already, or lacks a parent."""
    inserted = transaction.write_many(sql.add_commit, plan.commits)
    if plan.parents:
        inserted += transaction.write_many(statements.ADD_PARENT, plan.parents)
    if inserted == len(plan.commits) + len(plan.parents):
        return
    wanted = {row["parent"]: row["id"] for row in (*plan.commits, *plan.parents) if row["parent"] is not None}
    found = {row[0] for row in transaction.read(sql.known, {"ids": b"".join(wanted)})}
    for parent, child in wanted.items():
        if parent not in found:
            raise StorageError(f"commit {child.hex()} has a parent that is not stored: {parent.hex()}")


def _move(transaction: Transaction, row: Mapping[str, Any]) -> None:
    """Move one ref, if it stands where it is expected, and what it is to name is stored."""
    old, new = row["old"], row["new"]
    if new is None:
        moved = old is not None and transaction.write(statements.DELETE_REF, row)
    else:
        moved = transaction.write(statements.ADD_REF if old is None else statements.MOVE_REF, row)
    if moved:
        return
    rows = transaction.read(statements.FIND_REF, row)
    found, expected = (
        None if target is None else target_text(target) for target in (rows[0][0] if rows else None, old)
    )
    name = row["ref"].decode("utf-8", "surrogatepass")
    if found != expected:
        raise ConcurrentMoveError(
            f"{name} stands at {found}, not at {expected}", ref=name, expected=expected, found=found
        )
    if new is not None:
        raise StorageError(f"{name} was to name an object that is not stored: {target_text(new)}")
