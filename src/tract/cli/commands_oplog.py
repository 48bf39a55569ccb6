"""The commands of the operation log: undo, redo and op."""

from collections.abc import Iterator, Sequence
from functools import partial

import click

from tract.cli.app import Limited, Session, json_option, limit_option
from tract.cli.render import count, date, short
from tract.cli.shapes import operation_shape
from tract.cli.terminal import Line, Styled
from tract.model.oplog import MovedRef, OperationEntry
from tract.model.refs import BRANCHES

_SHOWN_MOVES = 8
_number = partial(click.argument, "number", metavar="[N]", type=click.IntRange(min=1), default=1)


@click.command()
@_number()
@json_option
@click.pass_obj
def undo(session: Session, *, number: int, as_json: bool) -> None:
    """Take back what was done last, or the last N operations.

    Refs go back to where they stood; nothing is deleted, and `tract redo` goes forward again. Undone twice, one goes
    further back. It is the tract that is undone, whoever did it.
    """
    with session.open() as tract:
        done = tract.undo(number)
    _tell(session, "undid", done, as_json=as_json)


@click.command()
@_number()
@json_option
@click.pass_obj
def redo(session: Session, *, number: int, as_json: bool) -> None:
    """Do again what was undone last, or the last N operations undone."""
    with session.open() as tract:
        done = tract.redo(number)
    _tell(session, "did again", done, as_json=as_json)


def _tell(session: Session, verb: str, entries: Sequence[OperationEntry], *, as_json: bool) -> None:
    if as_json:
        session.out.print_json([operation_shape(entry) for entry in entries])
        return
    for entry in entries:
        session.print([f"{verb} ", *_head(entry)])


@click.group()
def op() -> None:
    """Look at what was done, and take one operation back."""


@op.command("log", cls=Limited)
@limit_option("operations")
@json_option
@click.pass_obj
def op_log(session: Session, *, limit: int | None, as_json: bool) -> None:
    """List what was done in this tract, by anybody, newest first."""
    with session.open_to_read() as tract:
        entries = tract.operations(limit)
    if as_json:
        session.out.print_json([operation_shape(entry) for entry in entries])
    else:
        session.out.page(line for entry in entries for line in _lines(entry))


@op.command("revert")
@click.argument("operation_id", metavar="OPERATION")
@json_option
@click.pass_obj
def op_revert(session: Session, *, operation_id: str, as_json: bool) -> None:
    """Take one operation back, whatever was done after it.

    That is refused where something else moved the same branch or tag since.
    """
    with session.open() as tract:
        entry = tract.revert_operation(operation_id)
    _tell(session, "reverted", [entry], as_json=as_json)


def _lines(entry: OperationEntry) -> Iterator[Line]:
    yield _head(entry)
    for move in entry.moves[:_SHOWN_MOVES]:
        yield ["    ", Styled(_name(move), "branch"), " ", *_target(move.old), " -> ", *_target(move.new)]
    if len(entry.moves) > _SHOWN_MOVES:
        yield f"    ... and {count(len(entry.moves) - _SHOWN_MOVES, 'more ref')}"


def _head(entry: OperationEntry) -> Sequence[str | Styled]:
    subject: list[str | Styled] = [" ", short(entry.subject_id)] if entry.subject_id is not None else []
    author = f"  {entry.author}" if entry.author else ""
    return [short(entry.id), " ", Styled(entry.kind, "title"), *subject, f"  {date(entry.created_at)}{author}"]


def _name(move: MovedRef) -> str:
    return move.ref.removeprefix(BRANCHES)


def _target(target: str | None) -> Sequence[str | Styled]:
    if target is not None and target.startswith(BRANCHES):
        return [Styled(target.removeprefix(BRANCHES), "branch")]
    return [short(target)]


COMMANDS: Sequence[click.Command] = (undo, redo, op)
"""The commands of this family."""
