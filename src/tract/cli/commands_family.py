"""The commands of families: spawn, collapse, children, parent and timeline."""

from collections.abc import Sequence

import click

from tract.cli.app import FAILED, Limited, Session, json_option, limit_option
from tract.cli.completion import complete_children, complete_messages, complete_revisions
from tract.cli.logs import shown_warnings
from tract.cli.merge_render import merge_lines
from tract.cli.models import model_summarizer
from tract.cli.render import date, id_length, short
from tract.cli.shapes import merge_shape, origin_shape, timeline_shape
from tract.cli.terminal import Line, Styled
from tract.cli.texts import read_text
from tract.model.results import TimelineEntry
from tract.operations.merge_session import Strategy


@click.command()
@click.argument("name")
@click.option("--at", default="HEAD", metavar="REVISION", shell_complete=complete_revisions, help="Where it starts.")
@click.option("--pinned", is_flag=True, help="It starts with what is pinned, and nothing else.")
@click.option(
    "--message",
    "message_ids",
    multiple=True,
    metavar="MESSAGE",
    shell_complete=complete_messages,
    help="It starts with this message, and nothing else; may be repeated.",
)
@click.pass_obj
def spawn(session: Session, *, name: str, at: str, pinned: bool, message_ids: Sequence[str]) -> None:
    """Make a tract in the same store that starts from here.

    It shares the history. Work in it with 'tract --tract NAME ...', and bring back what it found with 'tract collapse'.
    """
    if pinned and message_ids:
        raise click.UsageError("--pinned and --message are two ways to start with a part: choose one")
    with (
        session.open() as tract,
        tract.spawn(name, at=at, inherit=message_ids or ("pinned" if pinned else "all")) as child,
    ):
        session.print(["tract ", Styled(name, "branch"), " starts at ", short(child.head_id)])


@click.command()
@click.argument("name", shell_complete=complete_children)
@click.option("--summary", metavar="TEXT", help="Bring back these words ('-': those on standard input), and no more.")
@click.option("--file", "-F", "path", metavar="PATH", help="Bring back the words in a file ('-': on standard input).")
@click.option("--llm", "ask_model", is_flag=True, help="Let a model write them, from what the child said.")
@click.option("--model", metavar="NAME", help="Which model to ask.")
@click.option("--tool-call-id", metavar="ID", help="The words are the result of this call.")
@click.option("--ours", "strategy", flag_value="ours", help="Settle conflicts, and nothing else, by our side.")
@click.option("--theirs", "strategy", flag_value="theirs", help="Settle them by the child's side.")
@click.option("--union", "strategy", flag_value="union", help="Settle them by both: our lines, then the child's.")
@click.option("-m", "--message", metavar="TEXT", help="What to say about the commit.")
@json_option
@click.pass_obj
def collapse(
    session: Session,
    *,
    name: str,
    summary: str | None,
    path: str | None,
    ask_model: bool,
    model: str | None,
    tool_call_id: str | None,
    strategy: Strategy | None,
    message: str | None,
    as_json: bool,
) -> int:
    """Bring back what a child found.

    Its branch is merged whole, or with --summary or --llm comes as one message. Conflicts wait as those of 'tract
    merge' do. The child stays, and may be collapsed again.
    """
    has_text = summary is not None or path is not None or ask_model
    if ask_model and (summary is not None or path is not None):
        raise click.UsageError("give the words once: with --summary, --file or --llm")
    if model is not None and not ask_model:
        raise click.UsageError("--model goes with --llm")
    if has_text and strategy is not None:
        raise click.UsageError(f"--{strategy} settles conflicts, and a message has none")
    if tool_call_id is not None and not has_text:
        raise click.UsageError("--tool-call-id goes with --summary, --file or --llm")
    with session.open() as tract, shown_warnings(session.err):
        text = read_text(summary, path) if has_text and not ask_model else None
        result = tract.collapse(
            name,
            summary=model_summarizer(model) if ask_model else text,
            tool_call_id=tool_call_id,
            strategy=strategy or "auto",
            message=message,
        )
        if as_json:
            session.out.print_json(merge_shape(result))
        else:
            session.out.print_all(merge_lines(result))
    return FAILED if result.session_id is not None else 0


@click.command()
@json_option
@click.pass_obj
def children(session: Session, *, as_json: bool) -> None:
    """List the tracts that were spawned from this one.

    Each stands beside the commit that it began with.
    """
    with session.open_to_read() as tract:
        found = tract.children()
    if as_json:
        session.out.print_json([{"name": name, "commit_id": commit_id} for name, commit_id in found.items()])
        return
    width = max(map(len, found), default=0)
    for name, commit_id in found.items():
        session.print([Styled(name.ljust(width), "branch"), " ", short(commit_id, id_length(found.values()))])


@click.command()
@json_option
@click.pass_obj
def parent(session: Session, *, as_json: bool) -> None:
    """Show where this tract was spawned."""
    with session.open_to_read() as tract:
        origin = tract.parent()
    if as_json:
        session.out.print_json(origin_shape(origin) if origin is not None else None)
    elif origin is None:
        session.print("this tract was not spawned")
    else:
        part = " with a part of it" if origin.root_id is not None else ""
        named = (Styled(origin.tract, "branch"), Styled(origin.branch, "branch"))
        session.print(["spawned from tract ", named[0], ", branch ", named[1], " at ", short(origin.commit_id), part])


@click.command(cls=Limited)
@limit_option("moves")
@json_option
@click.pass_obj
def timeline(session: Session, *, limit: int | None, as_json: bool) -> None:
    """List what was done here and in all children, newest first.

    The moves are those of the branches of this tract, of the tracts that were spawned from it, and so on.
    """
    with session.open_to_read() as tract:
        entries = tract.timeline(limit)
    if as_json:
        session.out.print_json([timeline_shape(entry) for entry in entries])
        return
    length = id_length(entry.commit_id for entry in entries)
    width = max((len(entry.tract) for entry in entries), default=0)
    session.out.page(_timeline_line(entry, width, length) for entry in entries)


def _timeline_line(entry: TimelineEntry, width: int, length: int) -> Line:
    name = Styled(entry.tract.ljust(width), "branch")
    done = f" {entry.branch}: {entry.kind}"
    return [date(entry.created_at), "  ", name, " ", short(entry.commit_id, length), done]


COMMANDS: Sequence[click.Command] = (spawn, collapse, children, parent, timeline)
