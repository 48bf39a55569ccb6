"""The command of notes: what is said about a commit afterwards."""

from collections.abc import Iterator, Sequence

import click

from tract.cli.app import Session, json_option
from tract.cli.completion import complete_revisions
from tract.cli.render import count, date, short
from tract.cli.terminal import Line, Styled
from tract.cli.texts import read_text
from tract.model.notes import Note

_revision = click.argument("revision", default="HEAD", shell_complete=complete_revisions)


@click.group()
def notes() -> None:
    """Show, add or remove notes on a commit.

    The commit stays as it is, and so does what a model is sent.
    """


@notes.command("list")
@_revision
@json_option
@click.pass_obj
def list_notes(session: Session, *, revision: str, as_json: bool) -> None:
    """Show the notes on a commit, oldest first."""
    with session.open_to_read() as tract:
        found = tract.notes(revision)
    if as_json:
        session.out.print_json(_shapes(found))
    else:
        session.out.page(line for note in found for line in _lines(note))


@notes.command("add")
@click.argument("revision", shell_complete=complete_revisions)
@click.argument("text", required=False)
@click.option("--file", "-F", "path", metavar="PATH", help="Take the text from a file ('-': standard input).")
@json_option
@click.pass_obj
def add(session: Session, *, revision: str, text: str | None, path: str | None, as_json: bool) -> None:
    """Add a note to a commit."""
    said = read_text(text, path)
    with session.open() as tract:
        commit_id = tract.resolve_revision(revision)
        note = tract.note(commit_id, said)
    if as_json:
        session.out.print_json(_shapes([note]))
    else:
        session.print(["noted on ", short(commit_id)])


@notes.command("rm")
@click.argument("revision", shell_complete=complete_revisions)
@json_option
@click.pass_obj
def remove(session: Session, *, revision: str, as_json: bool) -> None:
    """Take all notes from a commit."""
    with session.open() as tract:
        found = tract.remove_notes(revision)
    if as_json:
        session.out.print_json(_shapes(found))
    else:
        session.print(f"removed {count(len(found), 'note')}")


def _lines(note: Note) -> Iterator[Line]:
    yield Styled(f"{date(note.created_at)}{f'  {note.author}' if note.author else ''}", "title")
    for line in note.text.split("\n"):
        yield f"    {line}"


def _shapes(found: Sequence[Note]) -> list[dict[str, str]]:
    return [{"text": note.text, "author": note.author, "created_at": note.created_at.isoformat()} for note in found]


COMMANDS: Sequence[click.Command] = (notes,)
"""The commands of this family."""
