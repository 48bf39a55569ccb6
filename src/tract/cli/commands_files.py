"""The commands that start a store and carry conversations in and out: init, import, export and demo."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from tract.cli.app import Session, json_option
from tract.cli.completion import complete_branches, complete_revisions
from tract.cli.place import FOLDER, make_place
from tract.cli.render import import_lines
from tract.cli.shapes import import_shape
from tract.cli.texts import read_bytes
from tract.exceptions import ImportFormatError
from tract.facade import Tract
from tract.formats.conversations import FORMATS
from tract.formats.export import EXPORT_FORMATS
from tract.formats.json_text import parse_json_text
from tract.formats.runs import Run, find_model, find_runs, find_time
from tract.model.results import ImportReport
from tract.storage.opening import shown_place


@click.command()
@click.argument("directory", required=False, type=click.Path(path_type=Path))
@click.option("-b", "--branch", "branch_name", metavar="NAME", help="The first branch, rather than main.")
@click.pass_obj
def init(session: Session, *, directory: Path | None, branch_name: str | None) -> None:
    """Make a store.

    It is put into a .tract folder in DIRECTORY (this one), which git ignores, or where --db or TRACT_DB say.
    """
    if session.db is not None and directory is not None:
        raise click.UsageError("the store is named by --db or TRACT_DB already")
    if session.db is not None:
        place, is_new = session.db, "://" in session.db or not Path(session.db).exists()
    else:
        place, is_new = make_place(directory or Path())
    with session.open_at(place) as tract:
        if branch_name is not None:
            tract.switch(branch_name, create=branch_name not in tract.branches())
    shown = Path(place).parent if session.db is None else shown_place(place)
    session.print(f"{'made' if is_new else 'there was already'} a tract in {shown}")


def split_runs(data: bytes) -> list[dict[str, Any]]:
    """Return each conversation that a file holds as an object of its own, with what the file says of it."""
    return [_alone(run) for run in find_runs(parse_json_text(data))]


def _alone(run: Run) -> dict[str, Any]:
    time = next((found for found in map(find_time, run.holders) if found is not None), None)
    told = {
        "title": run.title,
        "created_at": time.isoformat() if time is not None else None,
        "model": next((found for found in map(find_model, run.holders) if found is not None), None),
        "system": run.system,
    }
    return {**{key: value for key, value in told.items() if value is not None}, "messages": run.messages}


@click.command("import")
@click.argument("source", metavar="FILE", type=click.Path())
@click.option(
    "--format", "format", type=click.Choice(FORMATS), help="The shape of the messages; else found by looking."
)
@click.option("--run", type=click.IntRange(min=1), metavar="N", help="Which conversation, if the file holds several.")
@click.option("--all", "take_all", is_flag=True, help="Every conversation, each on a branch of its own.")
@click.option("--branch", "branch_name", metavar="NAME", shell_complete=complete_branches, help="Go to a branch first.")
@click.option("--at", metavar="REVISION", shell_complete=complete_revisions, help="Where a new branch starts.")
@click.option("--branch-prefix", default="run-", metavar="TEXT", show_default=True, help="How --all names branches.")
@click.option("-m", "--message", metavar="TEXT", help="What to say about the commit.")
@json_option
@click.pass_obj
def import_command(
    session: Session,
    *,
    source: str,
    format: str | None,
    run: int | None,
    take_all: bool,
    branch_name: str | None,
    at: str | None,
    branch_prefix: str,
    message: str | None,
    as_json: bool,
) -> None:
    """Append what is new of a recorded conversation.

    FILE (`-`: standard input) holds messages as OpenAI or Anthropic take them: a JSON list, one message per line, or
    runs that hold such lists. A conversation imported again, or after it grew, adds only what is new. A branch that
    is not there is made, where the current one stands or --at a revision.
    """
    if take_all and (run is not None or branch_name is not None):
        raise click.UsageError("--all takes every run, each on its own branch: leave out --run and --branch")
    if at is not None and branch_name is None and not take_all:
        raise click.UsageError("--at says where a new branch starts: name it with --branch")
    data = read_bytes(source)
    runs = split_runs(data) if take_all or run is not None else []
    if run is not None and run > len(runs):
        raise ImportFormatError(f"there is no run {run}: {source} holds {len(runs)}")
    rows: list[tuple[str, ImportReport]] = []
    with session.open() as tract:
        start = tract.resolve_revision(at) if at is not None else tract.head_id
        if not take_all:
            if branch_name is not None:
                _stand_on(tract, branch_name, start)
            report = tract.import_messages(runs[run - 1] if run is not None else data, format=format, message=message)
            rows.append((tract.current_branch, report))
    for number, one in enumerate(runs if take_all else (), start=1):
        name = f"{branch_prefix}{number}"
        # Each in a workspace of its own: this one stays where it is, and no branch begins on another's conversation.
        with session.open(workspace=f"import/{name}") as tract:
            _stand_on(tract, name, start)
            rows.append((name, tract.import_messages(one, format=format, message=message)))
    _report(session, rows, as_json=as_json)


def _stand_on(tract: Tract, name: str, start: str | None) -> None:
    """Go to a branch; one that is not there is made where the caller says, None: with no history."""
    is_there = name in tract.branches()
    if not is_there and start is not None:
        tract.branch(name, start)
    tract.switch(name, create=not is_there and start is None)


def _report(session: Session, rows: Sequence[tuple[str, ImportReport]], *, as_json: bool) -> None:
    if as_json:
        session.out.print_json([import_shape(report, branch, _title(report)) for branch, report in rows])
        return
    for branch, report in rows:
        session.out.print_all(import_lines(report, branch, _title(report)))


def _title(report: ImportReport) -> str | None:
    origin: Any = report.commit.metadata.get("import") if report.commit is not None else None
    return origin.get("title") if isinstance(origin, dict) else None


@click.command()
@click.argument("revision", default="HEAD", shell_complete=complete_revisions)
@click.option(
    "--format", "format", type=click.Choice(EXPORT_FORMATS), default="openai", show_default=True, help="The shape."
)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write to a file rather than print.")
@click.pass_obj
def export(session: Session, *, revision: str, format: str, output: Path | None) -> None:
    """Print or write a conversation in the shape of a provider.

    It is what REVISION compiles to, without a budget unless one is configured.
    """
    with session.open_to_read() as tract:
        text = tract.export_messages(format, None if revision == "HEAD" else revision)
    if output is None:
        session.out.print_json_text(text)
    else:
        output.write_text(text, encoding="utf-8", newline="")


@click.command()
@click.option("--keep", is_flag=True, help=f"Leave the tour's {FOLDER} folder where it is, to play with.")
@click.pass_obj
def demo(session: Session, *, keep: bool) -> None:
    """Take a tour; it needs no key and no network.

    A conversation branches, conflicts and merges. The conflict is settled by a stand-in for a model, served on this
    machine; where TRACT_OPENAI_API_KEY is set, by the real one.
    """
    # The tour brings a web server along, which no other command needs.
    from tract.cli.demo import tour  # noqa: PLC0415

    tour(session.out, keep=keep)


COMMANDS: Sequence[click.Command] = (init, import_command, export, demo)
