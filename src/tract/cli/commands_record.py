"""The commands that record: add, edit, skip, unskip, pin, unpin and config."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import click

from tract.cli.app import Session, json_option
from tract.cli.completion import complete_messages, complete_revisions
from tract.cli.render import change_lines, setting, short
from tract.cli.settings import read_config
from tract.cli.shapes import commit_shape
from tract.cli.terminal import Styled, one_line, pieces, preview
from tract.cli.texts import ask_editor, checked_argument, read_text, text_options
from tract.exceptions import ContentError
from tract.facade import Tract
from tract.model.commits import Commit

_ROLES = ("user", "assistant", "system", "tool", "developer")
_message_option = click.option("-m", "--message", metavar="TEXT", help="What to say about the commit.")


def report_commit(session: Session, tract: Tract, commit: Commit, *, before: str | None, as_json: bool) -> None:
    """Print what was recorded: the branch, the commit, and the messages that it concerns."""
    if as_json:
        session.out.print_json({**commit_shape(commit), "branch": tract.current_branch, "is_new": commit.id != before})
    elif commit.id == before:
        session.print("nothing to change")
    else:
        message = preview(commit.given_message) if commit.given_message else ""
        where: list[str | Styled] = ["[", Styled(tract.current_branch, "branch"), " ", short(commit.id), "] "]
        lines = [pieces(line) for line in change_lines(commit.changes, {}, indent="")]
        if len(lines) == 1:
            session.print([*where, message, ": " if message else "", *lines[0]])
        else:
            session.print([*where, message], *(["    ", *line] for line in lines))


@click.command()
@click.argument("role", type=click.Choice(_ROLES))
@text_options
@click.option("--tool-call-id", metavar="ID", help="The call that a tool message answers.")
@click.option("--tool-calls", "calls", metavar="JSON", help="The calls that an assistant message makes: a JSON list.")
@click.option("--name", metavar="NAME", help="The speaker's name.")
@_message_option
@json_option
@click.pass_obj
def add(
    session: Session,
    *,
    role: str,
    text: str | None,
    path: str | None,
    tool_call_id: str | None,
    calls: str | None,
    name: str | None,
    message: str | None,
    as_json: bool,
) -> None:
    """Append a message.

    ROLE is user, assistant, system, tool or developer. The message is TEXT, a file, or what comes
    on standard input (`-`); on a terminal an editor opens. The line break at the end of a file or of standard input
    is dropped.
    """
    if (role == "tool") != (tool_call_id is not None):
        raise click.UsageError("a tool message, and no other, is given --tool-call-id")
    fields: dict[str, Any] = {"role": role, "content": None}
    if calls is not None:
        fields["tool_calls"] = parse_json(calls, "--tool-calls")
    if calls is None or text is not None or path is not None:
        fields["content"] = read_text(text, path, otherwise=ask_editor, may_be_empty=role == "tool")
    given = {"tool_call_id": tool_call_id, "name": name}
    fields.update({key: checked_argument(value) for key, value in given.items() if value is not None})
    with session.open() as tract:
        before = tract.head_id
        commit = tract.append(fields, message=message)
        report_commit(session, tract, commit, before=before, as_json=as_json)


@click.command()
@click.argument("message_id", metavar="MESSAGE", shell_complete=complete_messages)
@text_options
@_message_option
@json_option
@click.pass_obj
def edit(
    session: Session,
    *,
    message_id: str,
    text: str | None,
    path: str | None,
    message: str | None,
    as_json: bool,
) -> None:
    """Give a message other words; its place and its id stay.

    MESSAGE is an id or its beginning. Without TEXT, a terminal opens an editor on what the message says now.
    """
    with session.open() as tract:
        said = read_text(text, path, otherwise=lambda: ask_editor(tract.history(message_id)[-1].message.text))
        before = tract.head_id
        commit = tract.edit(message_id, said, message=message)
        report_commit(session, tract, commit, before=before, as_json=as_json)


def _mark_command(name: str, verb: Callable[[Tract, str], Commit], summary: str) -> click.Command:
    """Return a command that marks messages, one commit in all."""

    @click.command(name, help=f"{summary}\n\nA mark on a tool call or its result is one for the whole exchange.")
    @click.argument("message_ids", metavar="MESSAGE...", nargs=-1, required=True, shell_complete=complete_messages)
    @_message_option
    @json_option
    @click.pass_obj
    def command(session: Session, *, message_ids: Sequence[str], message: str | None, as_json: bool) -> None:
        with session.open() as tract:
            before = tract.head_id
            with tract.batch(message) as batch:
                for message_id in message_ids:
                    verb(tract, message_id)
            commit = batch.commit or tract.show()[0]
            report_commit(session, tract, commit, before=before, as_json=as_json)

    return command


skip = _mark_command("skip", Tract.skip, "Hide messages from the model, on this branch.")
unskip = _mark_command("unskip", Tract.unskip, "Show skipped messages again.")
pin = _mark_command("pin", Tract.pin, "Keep messages, whatever the budget.")
unpin = _mark_command("unpin", Tract.unpin, "Take pins away.")


@click.group()
def config() -> None:
    """Read and set the configuration.

    It is part of the history, and goes along in branches and merges. `model` picks the encoding of token counts,
    `tools` are counted and go along, `budget` is what compile keeps to.
    """


@config.command("list")
@click.argument("revision", default="HEAD", shell_complete=complete_revisions)
@json_option
@click.pass_obj
def list_config(session: Session, *, revision: str, as_json: bool) -> None:
    """List what is set, at a revision."""
    with session.open_to_read() as tract:
        settings = read_config(tract, None if revision == "HEAD" else revision)
    if as_json:
        session.out.print_json(settings)
    else:
        session.out.print_all(f"{key} = {setting(value)}" for key, value in sorted(settings.items()))


@config.command("get")
@click.argument("key")
@json_option
@click.pass_obj
def get_config(session: Session, *, key: str, as_json: bool) -> None:
    """Print one value: text as it is, anything else as JSON."""
    with session.open_to_read() as tract:
        settings = read_config(tract, None)
    if key not in settings:
        raise ContentError(f"{key!r} is not set")
    value = settings[key]
    if as_json or not isinstance(value, str):
        session.out.print_json(value)
    else:
        session.out.print_all(value.split("\n"))


# A value may be a negative number.
@config.command("set", context_settings={"ignore_unknown_options": True})
@click.argument("key")
@click.argument("value")
@click.option("--text", "is_text", is_flag=True, help="Take VALUE as text, though it may be JSON.")
@json_option
@click.pass_obj
def set_config(session: Session, *, key: str, value: str, is_text: bool, as_json: bool) -> None:
    """Set a key; VALUE is JSON if it can be read so, else text."""
    _configure(session, {key: checked_argument(value) if is_text else _json_or_text(value)}, as_json=as_json)


@config.command("unset")
@click.argument("keys", metavar="KEY...", nargs=-1, required=True)
@json_option
@click.pass_obj
def unset_config(session: Session, *, keys: Sequence[str], as_json: bool) -> None:
    """Unset keys."""
    with session.open() as tract:
        settings = read_config(tract, None)
    for key in keys:
        if key not in settings:
            raise ContentError(f"{key!r} is not set")
    _configure(session, dict.fromkeys(keys), as_json=as_json)


def _configure(session: Session, settings: dict[str, Any], *, as_json: bool) -> None:
    with session.open() as tract:
        before = tract.head_id
        commit = tract.configure(settings)
        report_commit(session, tract, commit, before=before, as_json=as_json)


def parse_json(text: str, source: str) -> Any:
    """Return the JSON value in an argument.

    Raises:
        ContentError: it is none.
    """
    try:
        return json.loads(checked_argument(text))
    except (ValueError, RecursionError) as error:
        raise ContentError(f"{source} is not JSON: {one_line(str(error))}") from error


def _json_or_text(value: str) -> Any:
    checked_argument(value)
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


COMMANDS: Sequence[click.Command] = (add, edit, skip, unskip, pin, unpin, config)
