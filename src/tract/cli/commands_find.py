"""The commands that look for something: blame, bisect and search."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from copy import copy
from typing import Any

import click

from tract.cli.app import FAILED, Session, json_option, limit_option
from tract.cli.completion import complete_branches, complete_messages, complete_revisions
from tract.cli.render import date, id_length, short
from tract.cli.shapes import commit_shape, message_shape
from tract.cli.terminal import Line, Styled, preview
from tract.formats.compiled import CompiledContext
from tract.model.finding import BisectResult, Blame, BlameOrigin, SearchHit
from tract.model.messages import ROLES

_SKIP = 125
_STANDARD_ERROR = 2


@click.command()
@click.argument("message_id", metavar="MESSAGE", shell_complete=complete_messages)
@click.option("--at", metavar="REVISION", shell_complete=complete_revisions, help="Look from there.")
@json_option
@click.pass_obj
def blame(session: Session, *, message_id: str, at: str | None, as_json: bool) -> None:
    """Show which commit put each line of a message there."""
    with session.open_to_read() as tract:
        found = tract.blame(message_id, at)
    if as_json:
        lines = [{"number": line.number, "text": line.text, **_shape(line.origin)} for line in found.lines]
        session.out.print_json({"message_id": found.message_id, **_shape(found.origin), "lines": lines})
    else:
        session.out.page(_blame_lines(found))


def _shape(origin: BlameOrigin) -> dict[str, str | None]:
    commit = origin.commit
    return {
        "commit_id": commit.id,
        "kind": origin.kind,
        "author": commit.author,
        "model": origin.model,
        "created_at": commit.created_at.isoformat(),
    }


def _blame_lines(found: Blame) -> Iterator[Line]:
    length = id_length([found.origin.commit.id, *(line.origin.commit.id for line in found.lines)])
    yield ["message ", short(found.message_id), " by ", short(found.origin.commit.id, length), f"  {_by(found.origin)}"]
    width = len(str(len(found.lines)))
    beside = [_by(line.origin) for line in found.lines]
    widest = max(map(len, beside), default=0)
    for line, by in zip(found.lines, beside, strict=True):
        yield [short(line.origin.commit.id, length), f"  {by.ljust(widest)}  {line.number:{width}}  ", line.text]


def _by(origin: BlameOrigin) -> str:
    words = [origin.kind, origin.commit.author, origin.model, date(origin.commit.created_at)]
    return "  ".join(word for word in words if word)


@click.group()
def bisect() -> None:
    """Find the commit that broke something."""


@bisect.command("run", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.option("--good", required=True, metavar="REVISION", shell_complete=complete_revisions, help="It held there.")
@click.option("--bad", default="HEAD", metavar="REVISION", shell_complete=complete_revisions, help="It fails there.")
@json_option
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
@click.pass_obj
def run(session: Session, *, good: str, bad: str, command: Sequence[str], as_json: bool) -> None:
    """Find the first commit after which COMMAND fails.

    COMMAND gets what a model is sent on standard input, as OpenAI's JSON, and the commit's id in TRACT_COMMIT. It ends
    with 0 where that is good, with 125 where it cannot tell, and with anything else where it is bad. What it prints
    goes to standard error.
    """
    tell = (lambda _line: None) if as_json else session.err.print
    with session.open_to_read() as tract:
        found = tract.bisect(good, bad, _checked_by(command, tell))
    if as_json:
        session.out.print_json(
            {
                "commit": commit_shape(found.commit) if found.commit is not None else None,
                "candidates": [commit.id for commit in found.candidates],
                "steps": [{"commit_id": step.commit_id, "verdict": step.verdict} for step in found.steps],
            }
        )
    else:
        session.print(*_result_lines(found))


def _checked_by(command: Sequence[str], tell: Callable[[Line], None]) -> Callable[[CompiledContext], bool | None]:
    def check(compiled: CompiledContext) -> bool | None:
        environment = {**os.environ, "TRACT_COMMIT": compiled.commit_id or ""}
        given = json.dumps(compiled.to_openai()).encode()
        done = subprocess.run(list(command), input=given, env=environment, stdout=_STANDARD_ERROR, check=False)
        word = "good" if done.returncode == 0 else "skipped" if done.returncode == _SKIP else "bad"
        tell([short(compiled.commit_id), f" is {word}"])
        return {"good": True, "bad": False, "skipped": None}[word]

    return check


def _result_lines(found: BisectResult) -> Iterator[Line]:
    if found.commit is not None:
        yield [short(found.commit.id), " is the first bad commit: ", preview(found.commit.message)]
        return
    yield Styled("commits could not be checked; the first bad one is among these:", "warning")
    for commit in found.candidates:
        yield ["    ", short(commit.id), " ", preview(commit.message)]


@click.command()
@click.argument("query", nargs=-1, required=True)
@click.option("--branch", metavar="NAME", shell_complete=complete_branches, help="In its history only.")
@click.option("--role", type=click.Choice(ROLES), help="What was said by it only.")
@click.option("--current", is_flag=True, help="What a model is sent now only, on the branch given or the current one.")
@limit_option("messages")
@json_option
@click.pass_obj
def search(
    session: Session,
    *,
    query: Sequence[str],
    branch: str | None,
    role: str | None,
    current: bool,
    limit: int | None,
    as_json: bool,
) -> None:
    """Search everything that was ever said, newest first.

    Words must all occur, "words in quotes" in a row, and word* stands for every word that begins so. It ends with 1
    if nothing is found.
    """
    with session.open_to_read() as tract:
        found = tract.search(" ".join(query), branch=branch, role=role, current=current, limit=limit)
    if as_json:
        session.out.print_json([_hit_shape(hit) for hit in found])
    else:
        session.out.page(line for hit in found for line in _hit_lines(hit))
    if not found:
        raise click.exceptions.Exit(FAILED)


grep = copy(search)
grep.name, grep.help = "grep", "Search everything that was ever said, as search does."


def _hit_shape(hit: SearchHit) -> dict[str, Any]:
    return {
        "message_id": hit.message_id,
        "commit_id": hit.commit.id,
        "author": hit.commit.author,
        "created_at": hit.commit.created_at.isoformat(),
        "excerpt": hit.excerpt,
        "message": message_shape(hit.message),
    }


def _hit_lines(hit: SearchHit) -> Iterator[Line]:
    author = f"  {hit.commit.author}" if hit.commit.author else ""
    who: list[str | Styled] = [Styled(hit.message.role, "role"), " ", short(hit.message_id)]
    yield [short(hit.commit.id), " ", *who, f"  {date(hit.commit.created_at)}{author}"]
    yield f"    {hit.excerpt}"


COMMANDS: Sequence[click.Command] = (search, grep, blame, bisect)
"""The commands of this family."""
