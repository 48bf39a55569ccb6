"""The commands that shorten a context: compress and expand."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence

import click

from tract.cli.app import Session, json_option
from tract.cli.commands_record import report_commit
from tract.cli.completion import complete_messages
from tract.cli.logs import shown_warnings
from tract.cli.models import configure_model
from tract.cli.render import count
from tract.cli.texts import ask_editor, checked_argument, read_text
from tract.facade import Tract
from tract.model.commits import Commit

_KEEP_LAST = 4
_tokens = click.IntRange(min=1)


@click.command()
@click.argument("messages", metavar="[A..B | MESSAGE...]", nargs=-1, shell_complete=complete_messages)
@click.option("--before", metavar="MESSAGE", shell_complete=complete_messages, help="All that stands before a message.")
@click.option("--auto", "is_auto", is_flag=True, help="With --llm: the oldest, if the context exceeds the budget.")
@click.option("--budget", type=_tokens, metavar="N", help="With --auto: how many tokens, rather than the set budget.")
@click.option(
    "--keep-last", type=click.IntRange(min=0), metavar="N", help=f"With --auto: how many exchanges stay ({_KEEP_LAST})."
)
@click.option("--summary", metavar="TEXT", help="The summary ('-': what is on standard input).")
@click.option("--file", "-F", "path", metavar="PATH", help="The summary in a file ('-': on standard input).")
@click.option("--llm", "ask_model", is_flag=True, help="Let a model write the summary.")
@click.option("--model", envvar="TRACT_OPENAI_MODEL", metavar="NAME", help="Which model to ask.")
@click.option("--target-tokens", type=_tokens, metavar="N", help="How long the summary may be.")
@click.option("--must-keep", multiple=True, metavar="TEXT", help="What the summary must hold word for word.")
@click.option("--must-match", multiple=True, metavar="REGEX", help="What it must hold each match of.")
@click.option("--keep", multiple=True, metavar="MESSAGE", help="What is not folded, though the range holds it.")
@click.option("-m", "--message", metavar="TEXT", help="What to say about the commit.")
@json_option
@click.pass_obj
def compress(
    session: Session,
    *,
    messages: tuple[str, ...],
    before: str | None,
    is_auto: bool,
    budget: int | None,
    keep_last: int | None,
    summary: str | None,
    path: str | None,
    ask_model: bool,
    model: str | None,
    target_tokens: int | None,
    must_keep: tuple[str, ...],
    must_match: tuple[str, ...],
    keep: tuple[str, ...],
    message: str | None,
    as_json: bool,
) -> None:
    """Let one summary stand for messages, until it is expanded.

    A..B is a range of messages, both ends included; without A or B it is open. Pinned, skipped and system
    messages, and calls that wait for a result, are not folded. Without --summary, --file or --llm, a terminal opens an
    editor.
    """
    if [bool(messages), before is not None, is_auto].count(True) != 1:
        raise click.UsageError("give one of: messages, --before, --auto")
    if [summary is not None, path is not None, ask_model].count(True) > 1:
        raise click.UsageError("give the summary once: with --summary, --file or --llm")
    if is_auto and (not ask_model or keep):
        raise click.UsageError("--auto goes with --llm, and without --keep")
    if not is_auto and (budget is not None or keep_last is not None):
        raise click.UsageError("--budget and --keep-last go with --auto")
    kept: list[str | re.Pattern[str]] = [checked_argument(text) for text in must_keep]
    kept += [_pattern(text) for text in must_match]
    with session.open() as tract, shown_warnings(session.err):
        if ask_model:
            configure_model(tract, model)
        head = tract.head_id
        if is_auto:
            commit = tract.auto_compress(
                budget,
                keep_last=_KEEP_LAST if keep_last is None else keep_last,
                target_tokens=target_tokens,
                must_keep=kept,
                message=message,
            )
        else:
            commit = tract.compress(
                messages[0] if len(messages) == 1 else messages or None,
                before=before,
                summary=None if ask_model else read_text(summary, path, otherwise=ask_editor),
                target_tokens=target_tokens,
                keep=keep,
                must_keep=kept,
                message=message,
            )
        _report(session, tract, commit, head=head, as_json=as_json)


def _pattern(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as error:
        raise click.UsageError(f"--must-match {text!r}: {error}") from error


def _report(session: Session, tract: Tract, commit: Commit | None, *, head: str | None, as_json: bool) -> None:
    """Print what was folded, and what it saved; on an unborn branch there was nothing."""
    if commit is None:
        session.out.print_json(None) if as_json else session.print("nothing to change")
        return
    report_commit(session, tract, commit, before=head, as_json=as_json)
    if commit.id != head and not as_json:
        session.out.print_all(_savings(commit))


def _savings(commit: Commit) -> Iterator[str]:
    told = commit.metadata["compress"]
    folded = count(len(told["message_ids"]), "message")
    yield f"    {folded} of {count(told['tokens_before'], 'token')} became {count(told['tokens_after'], 'token')}"
    if told["left_out"]:
        reasons = Counter(told["left_out"].values())
        yield f"    left as they are: {', '.join(f'{number} {reason}' for reason, number in sorted(reasons.items()))}"


@click.command()
@click.argument("summary_id", metavar="SUMMARY", shell_complete=complete_messages)
@click.option("-m", "--message", metavar="TEXT", help="What to say about the commit.")
@json_option
@click.pass_obj
def expand(session: Session, *, summary_id: str, message: str | None, as_json: bool) -> None:
    """Show again the messages that a summary stands for."""
    with session.open() as tract:
        head = tract.head_id
        commit = tract.expand(summary_id, message=message)
        report_commit(session, tract, commit, before=head, as_json=as_json)


COMMANDS: Sequence[click.Command] = (compress, expand)
