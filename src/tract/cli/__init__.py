"""The command line `tract`: a thin client of the Python surface."""

import os
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress

import click
from click.shell_completion import shell_complete

from tract.cli import (
    commands_branch,
    commands_care,
    commands_compress,
    commands_family,
    commands_files,
    commands_find,
    commands_look,
    commands_merge,
    commands_notes,
    commands_oplog,
    commands_record,
    commands_rewrite,
    commands_share,
    commands_workspace,
)
from tract.cli.app import FAILED, app
from tract.cli.hints import find_hint
from tract.cli.terminal import Styled, Terminal, one_line, prepare_streams
from tract.exceptions import TraceError

__all__ = ["main"]


INTERRUPTED = 130
BROKEN_PIPE = 141

_COMPLETE = "_TRACT_COMPLETE"

_FAMILIES = (
    commands_files,
    commands_record,
    commands_compress,
    commands_look,
    commands_find,
    commands_branch,
    commands_merge,
    commands_rewrite,
    commands_family,
    commands_share,
    commands_oplog,
    commands_workspace,
    commands_notes,
    commands_care,
)

for _family in _FAMILIES:
    for _command in _family.COMMANDS:
        app.add_command(_command)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line (None: this process's) and return its exit code: 0, 1, 2 (usage), 130 or 141."""
    prepare_streams()
    try:
        code = _run(sys.argv[1:] if arguments is None else list(arguments))
        if sys.stdout is not None:
            sys.stdout.flush()
    except click.exceptions.Exit as ended:
        code = ended.exit_code
    except (KeyboardInterrupt, click.Abort):
        code = INTERRUPTED
    except BrokenPipeError:
        code = BROKEN_PIPE
    except click.ClickException as error:
        _report(error.format_message(), _usage_hint(error))
        code = error.exit_code
    except Exception as error:  # noqa: BLE001  (the outermost border: a fault becomes one line and an exit code)
        if os.environ.get("TRACT_DEBUG"):
            Terminal.of(sys.stderr).print(*traceback.format_exc().splitlines())
        _report(_describe(error), find_hint(error) or _debug_hint(error))
        code = FAILED
    if code != 0:
        _let_go_of_streams()
    return code


def _run(arguments: Sequence[str]) -> int:
    instruction = os.environ.get(_COMPLETE)
    if instruction:
        return shell_complete(app, {}, "tract", _COMPLETE, instruction)
    with app.make_context("tract", list(arguments)) as context:
        code = app.invoke(context)
    return code if isinstance(code, int) else 0


def _describe(error: Exception) -> str:
    if isinstance(error, TraceError):
        return str(error) or type(error).__name__
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename is not None else error.strerror
    return f"this is a fault in tract: {type(error).__name__}: {error}"


def _debug_hint(error: Exception) -> str | None:
    return None if isinstance(error, TraceError | OSError) else "with TRACT_DEBUG=1 it says where"


def _usage_hint(error: click.ClickException) -> str | None:
    context = error.ctx if isinstance(error, click.UsageError) else None
    return f"see '{context.command_path} --help'" if context is not None else None


def _report(problem: str, hint: str | None) -> None:
    """Say in one line what is wrong, and in another what helps."""
    terminal = Terminal.of(sys.stderr)
    # Where nobody can be told, the exit code says it alone.
    with suppress(OSError):
        terminal.print((Styled("error:", "error"), " ", one_line(problem)))
        if hint is not None:
            terminal.print((Styled("hint:", "warning"), " ", one_line(hint)))


def _let_go_of_streams() -> None:
    """Flush what can be flushed; Python would try again at its end, and complain where nobody reads any more."""
    for stream in (sys.stdout, sys.stderr):
        if stream is None:
            continue
        try:
            stream.flush()
        except (OSError, ValueError):
            with suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
