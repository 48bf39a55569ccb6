"""The command `tract` itself: its options, what they set up for a command, and the help by families."""

import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from tract.cli.place import find_place
from tract.cli.terminal import Line, Terminal
from tract.exceptions import ReadOnlyError
from tract.facade import Tract

FAILED = 1
USAGE = 2

FAMILIES: Mapping[str, Sequence[str]] = {
    "Start, and take along": ("init", "import", "export", "demo"),
    "Record": ("add", "edit", "skip", "unskip", "pin", "unpin", "config"),
    "Shorten": ("compress", "expand"),
    "Look": ("status", "log", "show", "diff", "history", "compile", "reflog", "notes"),
    "Find": ("search", "grep", "blame", "bisect"),
    "Branch": ("branch", "switch", "tag", "reset", "workspace"),
    "Merge": ("merge", "conflicts", "resolve"),
    "Rewrite": ("rebase", "cherry-pick", "revert"),
    "Family": ("spawn", "collapse", "children", "parent", "timeline"),
    "Share": ("clone", "fetch", "pull", "push", "remote", "bundle"),
    "Take back": ("undo", "redo", "op"),
    "Care": ("fsck", "gc", "purge", "completion"),
}

Command = TypeVar("Command", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Session:
    """What a command is given: which store it works on, and where it prints."""

    db: str | None
    tract: str
    workspace: str
    author: str
    out: Terminal
    err: Terminal

    def open(self, *, workspace: str | None = None) -> Tract:
        """Open the tract that the command works on, in its own workspace unless another is named; the caller closes it.

        Raises:
            NoTractError: there is none.
        """
        return self.open_at(find_place(self.db), workspace=workspace)

    def open_to_read(self) -> Tract:
        """Open the tract that the command works on, where it cannot be written too; the caller closes it.

        Raises:
            NoTractError: there is none.
        """
        place = find_place(self.db)
        try:
            return self.open_at(place)
        except ReadOnlyError:
            return Tract.open(place, name=self.tract, workspace=self.workspace, read_only=True)

    def open_at(self, place: str, *, workspace: str | None = None) -> Tract:
        """Open the tract at a path or URL, made if it is not there; the caller closes it."""
        return Tract.open(place, name=self.tract, workspace=workspace or self.workspace, author=self.author)

    def print(self, *lines: Line) -> None:
        """Print lines."""
        self.out.print(*lines)


class _Families(click.Group):
    """A group whose help lists its commands by what one does with them."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for family, names in FAMILIES.items():
            commands = [(name, self.get_command(ctx, name)) for name in names]
            rows = [(name, command.get_short_help_str(80)) for name, command in commands if command is not None]
            with formatter.section(family):
                formatter.write_dl(rows)


@click.group(cls=_Families, context_settings={"help_option_names": ["-h", "--help"]}, invoke_without_command=True)
@click.option("-C", "directories", metavar="DIR", multiple=True, help="Work as if started in DIR; may be repeated.")
@click.option(
    "--db",
    envvar="TRACT_DB",
    metavar="PATH_OR_URL",
    help="The store to work on, rather than the nearest .tract folder.",
)
@click.option("--tract", default="default", metavar="NAME", help="Which of the tracts in the store.")
@click.option(
    "--workspace", envvar="TRACT_WORKSPACE", default="default", metavar="NAME", help="Whose current branch counts."
)
@click.option("--author", envvar=["TRACT_AUTHOR", "USER"], default="", metavar="NAME", help="Who records.")
@click.option("--no-pager", is_flag=True, help="Print straight to the terminal.")
@click.version_option(package_name="tract-context", prog_name="tract", message="%(prog)s %(version)s")
@click.pass_context
def app(
    context: click.Context,
    *,
    directories: tuple[str, ...],
    db: str | None,
    tract: str,
    workspace: str,
    author: str,
    no_pager: bool,
) -> None:
    """Version control for the context of a language model.

    Messages are recorded as commits, branches hold alternatives, and merges bring them together again.

    \b
    In the environment:
      TRACT_DB         the store to work on (--db)
      TRACT_WORKSPACE  whose current branch counts (--workspace)
      TRACT_AUTHOR     who records (--author), else USER
      TRACT_PAGER      what log, show and diff are read in, else PAGER, else less
      NO_COLOR         print no colour
      TRACT_OPENAI_API_KEY, TRACT_OPENAI_BASE_URL, TRACT_OPENAI_MODEL
                       whom `merge --llm`, `compress --llm` and `collapse --llm` ask
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help(), err=True)
        context.exit(USAGE)
    enter(context, directories)
    out = Terminal.of(sys.stdout, paging=not no_pager)
    context.obj = Session(db, tract, workspace, author, out, Terminal.of(sys.stderr))


def enter(context: click.Context, directories: Sequence[str]) -> None:
    """Go into directories, one after the other, until the context ends."""
    if not directories:
        return
    before = Path.cwd()
    context.call_on_close(lambda: os.chdir(before))
    for directory in directories:
        try:
            os.chdir(directory)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise click.UsageError(f"cannot go to {directory!r}: {reason}") from error


class Limited(click.Command):
    """A command that takes `-5` for `-n 5`, as git's does."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse, with the short form written out; what stands behind `--` is no option."""
        options = args[: args.index("--")] if "--" in args else args
        short = [f"-n{word[1:]}" if re.fullmatch(r"-[0-9]+", word) else word for word in options]
        return super().parse_args(ctx, short + args[len(options) :])


def limit_option(what: str) -> Callable[[Command], Command]:
    """Return what gives a command of the class `Limited` the option `-n`."""
    kind = click.IntRange(min=0, max=sys.maxsize)
    return click.option("-n", "--max-count", "limit", type=kind, metavar="N", help=f"At most so many {what}.")


def json_option(command: Command) -> Command:
    """Give a command the option `--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead.")(command)
