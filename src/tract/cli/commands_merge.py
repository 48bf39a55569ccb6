"""The commands that merge: merge, and conflicts and resolve, also for replays; what waits goes on in any process."""

from collections.abc import Sequence
from typing import get_args

import click

from tract.cli.app import FAILED, Session, json_option
from tract.cli.completion import complete_branches, complete_conflicts
from tract.cli.logs import shown_warnings
from tract.cli.merge_render import (
    Waiting,
    conflict_draft,
    conflict_lines,
    has_markers,
    merge_lines,
    next_steps,
    one_conflict,
)
from tract.cli.render import count, id_length, short
from tract.cli.settling import Settling, settling_options
from tract.cli.shapes import commit_shape, conflict_shape, merge_shape, replay_shape
from tract.cli.texts import ask_editor, read_text
from tract.exceptions import MergeError
from tract.facade import Tract
from tract.model.conflicts import ConflictInfo
from tract.operations.merge_result import MergeResult
from tract.operations.merge_session import Review, Strategy
from tract.protocols import Resolution


@click.command()
@click.argument("source", required=False, shell_complete=complete_branches)
@click.option("--continue", "going_on", is_flag=True, help="Commit the merge that waits, with the answers it has.")
@click.option("--abort", "giving_up", is_flag=True, help="Give up the merge that waits.")
@settling_options
@click.option("--review", type=click.Choice(get_args(Review)), help="When to ask about replies to an edited message.")
@click.option("--no-ff", is_flag=True, help="Make a merge commit, though the branch had nothing of its own.")
@click.option("--allow-unrelated", is_flag=True, help="Merge though there is no common history.")
@click.option("--delete-branch", is_flag=True, help="Delete the source when it is merged.")
@click.option("-m", "--message", metavar="TEXT", help="What to say about the merge commit.")
@json_option
@click.pass_obj
def merge(
    session: Session,
    *,
    source: str | None,
    going_on: bool,
    giving_up: bool,
    strategy: Strategy | None,
    ask_model: bool,
    model: str | None,
    auto_commit: bool,
    allow: tuple[str, ...],
    review: Review | None,
    no_ff: bool,
    allow_unrelated: bool,
    delete_branch: bool,
    message: str | None,
    as_json: bool,
) -> int:
    """Merge a branch, tag or commit into the current branch.

    Conflicts are kept in the store: look at them with 'tract conflicts', settle them with 'tract resolve', from any
    process, and go on with 'tract merge --continue'. While the merge waits, this command ends with 1.

    --llm asks the model that TRACT_OPENAI_API_KEY, TRACT_OPENAI_BASE_URL and TRACT_OPENAI_MODEL name, and keeps its
    answers for you to accept (--continue) or change (resolve); --auto commits them at once.
    """
    if [source is not None, going_on, giving_up].count(True) != 1:
        raise click.UsageError("give one of: what to merge, --continue, --abort")
    settling = Settling(strategy, ask_model, model, auto_commit, allow)
    with session.open() as tract, shown_warnings(session.err):
        if giving_up:
            return _abort(session, tract)
        if going_on:
            return _continue(session, tract, as_json=as_json)
        settling.prepare(tract)
        assert source is not None, "checked above"
        result = tract.merge(
            source,
            strategy=strategy or "auto",
            allow=allow,
            allow_unrelated=allow_unrelated,
            no_ff=no_ff,
            auto_commit=auto_commit,
            review=review,
            message=message,
            delete_branch=delete_branch,
        )
        return _report(session, result, as_json=as_json)


def _report(session: Session, result: MergeResult, *, as_json: bool) -> int:
    if as_json:
        session.out.print_json(merge_shape(result))
    else:
        session.out.print_all(merge_lines(result))
    return FAILED if result.session_id is not None else 0


def _abort(session: Session, tract: Tract) -> int:
    waiting = _waiting_merge(tract)
    tract.abort_merge()
    session.print(f"the merge of {waiting.source} into {waiting.target} is given up; nothing was changed")
    return 0


def _continue(session: Session, tract: Tract, *, as_json: bool) -> int:
    waiting = _waiting_merge(tract)
    commit = tract.commit_merge()
    if as_json:
        session.out.print_json({"target": waiting.target, "source": waiting.source, "commit": commit_shape(commit)})
    else:
        session.print([f"merged {waiting.source} into {waiting.target} at ", short(commit.id)])
    return 0


def _waiting_merge(tract: Tract) -> MergeResult:
    found = tract.merge_session()
    if found is None:
        raise MergeError(f"no merge waits on {tract.current_branch!r}")
    return found


def _waiting(tract: Tract) -> Waiting:
    found = _find_waiting(tract)
    if found is None:
        raise MergeError(f"no merge, rebase, cherry-pick or revert waits on {tract.current_branch!r}")
    return found


def _find_waiting(tract: Tract) -> Waiting | None:
    return tract.merge_session() or tract.replay_session()


@click.command()
@click.argument("conflict_id", metavar="[CONFLICT]", required=False, shell_complete=complete_conflicts)
@json_option
@click.pass_obj
def conflicts(session: Session, *, conflict_id: str | None, as_json: bool) -> None:
    """Show the conflicts of what waits: a merge, a rebase and the like."""
    with session.open_to_read() as tract:
        waiting = _find_waiting(tract) if conflict_id is None else _waiting(tract)
        chosen = _choose(waiting, conflict_id) if waiting is not None and conflict_id is not None else None
    if as_json:
        shown = [] if waiting is None else [chosen] if chosen is not None else waiting.conflicts
        resolutions = waiting.resolutions if waiting is not None else {}
        session.out.print_json([conflict_shape(conflict, resolutions) for conflict in shown])
    elif waiting is None:
        session.print("nothing waits")
    elif chosen is not None:
        length = id_length(conflict.id for conflict in waiting.conflicts)
        session.out.page(one_conflict(chosen, waiting.resolutions.get(chosen.id), length))
    else:
        session.out.page([*conflict_lines(waiting), *next_steps(waiting)])


@click.command()
@click.argument("conflict_id", metavar="[CONFLICT]", required=False, shell_complete=complete_conflicts)
@click.option("--ours", "choice", flag_value="ours", help="What our side says.")
@click.option("--theirs", "choice", flag_value="theirs", help="What their side says.")
@click.option("--choice", "choice", metavar="WORD", help="Another of the choices that 'tract conflicts' shows.")
@click.option("--text", metavar="TEXT", help="These words ('-': those on standard input).")
@click.option("--file", "-F", "path", metavar="PATH", help="The text in a file ('-': on standard input).")
@json_option
@click.pass_obj
def resolve(
    session: Session, *, conflict_id: str | None, choice: str | None, text: str | None, path: str | None, as_json: bool
) -> None:
    """Settle a conflict of what waits: a merge, a rebase and the like.

    CONFLICT is an id or its beginning, and may be left out while only one conflict is open. Without an answer, an
    editor opens on both sides.
    """
    if [choice, text, path].count(None) < 2:
        raise click.UsageError("give one answer: --ours, --theirs, --choice, --text or --file")
    with session.open() as tract:
        waiting = _waiting(tract)
        conflict = _choose(waiting, conflict_id)
        if choice is not None:
            if choice not in conflict.choices:
                raise MergeError(f"{choice!r} is no choice here: there are {', '.join(conflict.choices)}")
            waiting.resolve(conflict.id, choice)
        else:
            said = read_text(text, path, otherwise=lambda: _edited(conflict, waiting))
            waiting.resolve(conflict.id, Resolution("resolved", content_text=said))
    if as_json:
        session.out.print_json(merge_shape(waiting) if isinstance(waiting, MergeResult) else replay_shape(waiting))
        return
    left = len(waiting.open_conflicts)
    session.print(["settled ", short(conflict.id), f"; {count(left, 'conflict')} left open" if left else ""])
    if not left:
        session.out.print_all(next_steps(waiting))


def _choose(waiting: Waiting, conflict_id: str | None) -> ConflictInfo:
    """Return the conflict that is meant; without an id, the one that is open.

    Raises:
        MergeError: there is none such, or several.
    """
    if conflict_id is None:
        found = waiting.open_conflicts
        problem = f"{count(len(found), 'conflict')} open: say which one"
    else:
        found = tuple(conflict for conflict in waiting.conflicts if conflict.id.startswith(conflict_id))
        problem = f"{'several conflicts begin' if found else 'no conflict begins'} with {conflict_id!r}"
    if len(found) != 1:
        raise MergeError(problem)
    return found[0]


def _edited(conflict: ConflictInfo, waiting: Waiting) -> str:
    """Return what a person makes of a conflict in the editor, starting from its answer or from both sides."""
    if not conflict.takes_text:
        raise click.UsageError(f"this conflict is settled by a choice: {', '.join(conflict.choices)}")
    known = waiting.resolutions.get(conflict.id)
    draft = known.content_text if known is not None else None
    written = ask_editor(draft if draft is not None else conflict_draft(conflict))
    if has_markers(written):
        raise click.UsageError("conflict markers are left in the text; nothing was settled")
    return written


COMMANDS: Sequence[click.Command] = (merge, conflicts, resolve)
