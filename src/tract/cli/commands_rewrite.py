"""The commands that record commits anew or take them back: rebase, cherry-pick and revert."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from tract.cli.app import FAILED, Session, json_option
from tract.cli.completion import complete_revisions
from tract.cli.logs import shown_warnings
from tract.cli.merge_render import replay_lines
from tract.cli.settling import Settling, settling_options
from tract.cli.shapes import replay_shape
from tract.exceptions import MergeError
from tract.facade import Tract
from tract.operations.replay_result import ReplayResult, named
from tract.operations.replay_session import ReplayVerb

Command = TypeVar("Command", bound=Callable[..., Any])


def _replay_options(command: Command) -> Command:
    """Give a command what goes on with one that waits, and who settles conflicts."""
    going_on = (
        click.option("--continue", "instead", flag_value="continue", help="Go on, with the answers there are."),
        click.option("--skip", "instead", flag_value="skip", help="Leave out the commit whose conflicts are open."),
        click.option("--abort", "instead", flag_value="abort", help="Give up; nothing is changed."),
    )
    command = json_option(settling_options(command))
    for option in reversed(going_on):
        command = option(command)
    return command


@click.command()
@click.argument("onto", required=False, shell_complete=complete_revisions)
@_replay_options
@click.pass_obj
def rebase(session: Session, /, *, onto: str | None, instead: str | None, as_json: bool, **settling: Any) -> int:
    """Record what the branch has of its own on top of ONTO.

    Messages keep their ids, so what is there already adds nothing; merges are flattened. Conflicts wait as those of a
    merge do: 'tract conflicts', 'tract resolve', then --continue.
    """
    revisions = [onto] if onto is not None else []
    return _run(session, "rebase", revisions, instead, as_json=as_json, settling=Settling(**settling))


@click.command("cherry-pick")
@click.argument("revisions", nargs=-1, shell_complete=complete_revisions)
@_replay_options
@click.pass_obj
def cherry_pick(
    session: Session, /, *, revisions: tuple[str, ...], instead: str | None, as_json: bool, **settling: Any
) -> int:
    """Record commits again on the branch.

    REVISIONS are commits, in the order given, or ranges `a..b`, oldest first. A merge brings what it changed in its
    first parent.
    """
    return _run(session, "cherry_pick", revisions, instead, as_json=as_json, settling=Settling(**settling))


@click.command()
@click.argument("revisions", nargs=-1, shell_complete=complete_revisions)
@_replay_options
@click.pass_obj
def revert(
    session: Session, /, *, revisions: tuple[str, ...], instead: str | None, as_json: bool, **settling: Any
) -> int:
    """Take commits back by new ones.

    What they added is skipped, all else becomes what it was. REVISIONS are commits, in the order given, or ranges
    `a..b`, newest first.
    """
    return _run(session, "revert", revisions, instead, as_json=as_json, settling=Settling(**settling))


def _run(
    session: Session,
    verb: ReplayVerb,
    revisions: Sequence[str],
    instead: str | None,
    *,
    as_json: bool,
    settling: Settling,
) -> int:
    if bool(revisions) == bool(instead):
        raise click.UsageError("give one of: what to replay, --continue, --skip, --abort")
    with session.open() as tract, shown_warnings(session.err):
        if instead is None:
            settling.prepare(tract)
            return _report(session, _begin(tract, verb, revisions, settling), as_json=as_json)
        waiting = _waiting(tract, verb)
        if instead == "abort":
            tract.abort_replay()
            session.print(f"the {named(verb)} on {waiting.target} is given up; nothing was changed")
            return 0
        result = tract.continue_replay(waiting) if instead == "continue" else tract.skip_replay(waiting)
        return _report(session, result, as_json=as_json)


def _begin(tract: Tract, verb: ReplayVerb, revisions: Sequence[str], settling: Settling) -> ReplayResult:
    strategy, allow, auto_commit = settling.strategy or "auto", settling.allow, settling.auto_commit
    if verb == "rebase":
        return tract.rebase(revisions[0], strategy=strategy, allow=allow, auto_commit=auto_commit)
    begin = tract.cherry_pick if verb == "cherry_pick" else tract.revert
    return begin(revisions, strategy=strategy, allow=allow, auto_commit=auto_commit)


def _waiting(tract: Tract, verb: ReplayVerb) -> ReplayResult:
    found = tract.replay_session()
    if found is None or found.verb != verb:
        other = f"; a {named(found.verb)} does" if found is not None else ""
        raise MergeError(f"no {named(verb)} waits on {tract.current_branch!r}{other}")
    return found


def _report(session: Session, result: ReplayResult, *, as_json: bool) -> int:
    if as_json:
        session.out.print_json(replay_shape(result))
    else:
        session.out.print_all(replay_lines(result))
    return FAILED if result.session_id is not None else 0


COMMANDS: Sequence[click.Command] = (rebase, cherry_pick, revert)
