"""The commands that look: status, log, show, diff, history, compile and reflog."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import click

from tract.cli.app import Limited, Session, json_option, limit_option
from tract.cli.completion import complete_messages, complete_revisions
from tract.cli.graph import GraphRow, draw
from tract.cli.merge_render import Waiting, command_of, doing
from tract.cli.render import (
    Messages,
    blob_ids,
    change_lines,
    commit_head,
    commit_line,
    compiled_lines,
    count,
    decoration,
    diff_lines,
    gist,
    id_length,
    reflog_line,
    short,
    version_lines,
)
from tract.cli.shapes import (
    commit_shape,
    compiled_shape,
    diff_shape,
    reflog_shape,
    status_shape,
    version_shape,
)
from tract.cli.terminal import Line, Styled, pieces
from tract.facade import Tract
from tract.model.commits import Commit
from tract.model.messages import Message
from tract.operations.load import load_fields
from tract.operations.merge_result import MergeResult

_PAGE = 64


revision_argument = click.argument("revision", default="HEAD", shell_complete=complete_revisions)


@click.command()
@json_option
@click.pass_obj
def status(session: Session, *, as_json: bool) -> None:
    """Show where the branch stands and what its context costs."""
    with session.open_to_read() as tract:
        found = tract.status()
        merge = tract.merge_session() if found.merge_session is not None else None
        replay = tract.replay_session() if found.replay_session is not None else None
    if as_json:
        session.out.print_json(status_shape(found, merge, replay))
        return
    at = [" at ", short(found.head_id)] if found.head_id is not None else [", which has no commits yet"]
    session.print(["On branch ", Styled(found.branch, "branch"), *at])
    tokens = count(found.token_count, "token") + ("" if found.tokens_exact else " (estimated)")
    budget = f", of a budget of {found.budget}" if found.budget is not None else ""
    session.print(f"{count(found.message_count, 'message')}, {tokens}{budget}")
    for waiting in (merge, replay):
        if waiting is not None:
            session.out.print_all(_waiting_lines(waiting))


def _waiting_lines(waiting: Waiting) -> Iterator[Line]:
    left = len(waiting.open_conflicts)
    told = f"merging {waiting.source}" if isinstance(waiting, MergeResult) else doing(waiting)
    what = told[0].upper() + told[1:]
    yield (
        [f"{what}: ", Styled(f"{count(left, 'conflict')} open", "warning")]
        if left
        else f"{what}: every conflict is settled"
    )
    yield f"    'tract conflicts' shows them, '{command_of(waiting)} --continue' goes on, '--abort' gives up"


@click.command(cls=Limited)
@revision_argument
@click.option("--graph", "with_graph", is_flag=True, help="Draw the branches and merges beside it.")
@click.option("--oneline", is_flag=True, help="One line for each commit.")
@limit_option("commits")
@json_option
@click.pass_obj
def log(session: Session, *, revision: str, with_graph: bool, oneline: bool, limit: int | None, as_json: bool) -> None:
    """List commits, newest first.

    They are those that REVISION leads to; of `a..b`, those of b that a has not.
    """
    with session.open_to_read() as tract:
        commits = tract.log(revision, limit)
        names = names_by_commit(tract)
        if as_json:
            session.out.print_json([commit_shape(commit, names.get(commit.id, ())) for commit in commits])
            return
        printer = _LogPrinter(tract, names, oneline=oneline, length=id_length(commit.id for commit in commits))
        session.out.page(printer.with_graph(commits) if with_graph else printer.plain(commits))


class _LogPrinter:
    """Turns commits into lines, and reads what they said a page of commits at a time."""

    def __init__(self, tract: Tract, names: Mapping[str, Sequence[str]], *, oneline: bool, length: int) -> None:
        self._tract = tract
        self._names = names
        self._oneline = oneline
        self._length = length

    def plain(self, commits: Sequence[Commit]) -> Iterator[Line]:
        """Yield the lines of every commit."""
        for commit, messages in with_messages(self._tract, commits):
            yield from self._lines(commit, messages)

    def with_graph(self, commits: Sequence[Commit]) -> Iterator[Line]:
        """Yield the same lines, with the graph on their left."""
        rows = draw(commits)
        for (_, row), (commit, messages) in zip(rows, with_messages(self._tract, commits), strict=True):
            yield from beside(row, self._lines(commit, messages))

    def _lines(self, commit: Commit, messages: Messages) -> Iterator[Line]:
        refs = self._names.get(commit.id, ())
        decorated = decoration(refs, self._tract.current_branch)
        if self._oneline:
            said = [gist(messages[key], 60) for key in blob_ids(commit.changes) if key in messages]
            yield commit_line(commit, decorated, said[0] if len(said) == 1 else "", self._length)
            return
        yield from commit_head(commit, decorated, self._length)
        yield ""
        yield from change_lines(commit.changes, messages)
        yield ""


def beside(row: GraphRow, lines: Iterable[Line]) -> Iterator[Line]:
    """Yield a commit's lines with its part of the graph on their left."""
    yield from row.before
    width = max(len(row.star), len(row.further), *(len(after) for after in row.after), 0)
    left = iter((row.star, *row.after))
    for line in lines:
        yield [next(left, row.further).ljust(width), " ", *pieces(line)]
    yield from left


def with_messages(tract: Tract, commits: Sequence[Commit]) -> Iterator[tuple[Commit, Messages]]:
    """Yield commits with the messages that their lines show, by blob id. A statement for each page of commits."""
    for start in range(0, len(commits), _PAGE):
        page = commits[start : start + _PAGE]
        wanted = dict.fromkeys(key for commit in page for key in blob_ids(commit.changes))
        fields = load_fields(tract._repo, list(wanted))
        messages = {key: Message.from_fields(found) for key, found in fields.items()}
        for commit in page:
            yield commit, messages


def names_by_commit(tract: Tract) -> dict[str, list[str]]:
    """Return the branches, tags and remotes' branches by the commits they stand at, the current branch first."""
    names: dict[str, list[str]] = {}
    branches = tract.branches()
    for branch in sorted(branches, key=lambda name: (name != tract.current_branch, name)):
        names.setdefault(branches[branch], []).append(branch)
    for tag, commit_id in tract.tags().items():
        names.setdefault(commit_id, []).append(f"tag: {tag}")
    for branch, commit_id in tract.remote_branches().items():
        names.setdefault(commit_id, []).append(branch)
    return names


@click.command()
@revision_argument
@json_option
@click.pass_obj
def show(session: Session, *, revision: str, as_json: bool) -> None:
    """Show a commit, and what it changed."""
    with session.open_to_read() as tract:
        commit, diff = tract.show(revision)
        names = names_by_commit(tract).get(commit.id, [])
        branch = tract.current_branch
    if as_json:
        session.out.print_json({"commit": commit_shape(commit, names), "diff": diff_shape(diff)})
    else:
        session.out.page([*commit_head(commit, decoration(names, branch)), "", *diff_lines(diff)])


@click.command()
@click.argument("before", default="HEAD^", shell_complete=complete_revisions)
@click.argument("after", required=False, shell_complete=complete_revisions)
@json_option
@click.pass_obj
def diff(session: Session, *, before: str, after: str | None, as_json: bool) -> None:
    """Show what differs between two contexts.

    They are BEFORE (HEAD^) and AFTER (where the branch stands), or the ends of `a..b`.
    """
    with session.open_to_read() as tract:
        found = tract.diff(before, after)
    if as_json:
        session.out.print_json(diff_shape(found))
    else:
        session.out.page(diff_lines(found))


@click.command()
@click.argument("message_id", metavar="MESSAGE", shell_complete=complete_messages)
@click.option("--at", metavar="REVISION", shell_complete=complete_revisions, help="Look from there.")
@json_option
@click.pass_obj
def history(session: Session, *, message_id: str, at: str | None, as_json: bool) -> None:
    """Show every version of a message, oldest first."""
    with session.open_to_read() as tract:
        versions = tract.history(message_id, at)
    if as_json:
        session.out.print_json([version_shape(version) for version in versions])
    else:
        session.out.page(line for version in versions for line in version_lines(version))


@click.command("compile")
@revision_argument
@click.option("--openai", "as_openai", is_flag=True, help="Print the messages as OpenAI takes them.")
@click.option("--anthropic", "as_anthropic", is_flag=True, help="Print system and messages as Anthropic takes them.")
@click.option("--budget", type=click.IntRange(min=0), metavar="TOKENS", help="Keep within so many tokens.")
@json_option
@click.pass_obj
def compile_command(
    session: Session, *, revision: str, as_openai: bool, as_anthropic: bool, budget: int | None, as_json: bool
) -> None:
    """Show what a model is sent."""
    if as_openai + as_anthropic + as_json > 1:
        raise click.UsageError("--openai, --anthropic and --json are three shapes: choose one")
    with session.open_to_read() as tract:
        compiled = tract.compile(None if revision == "HEAD" else revision, budget)
    if as_openai:
        session.out.print_json(compiled.to_openai())
    elif as_anthropic:
        session.out.print_json(compiled.to_anthropic())
    elif as_json:
        session.out.print_json(compiled_shape(compiled))
    else:
        session.out.page(compiled_lines(compiled))


@click.command(cls=Limited)
@click.argument("name", required=False, shell_complete=complete_revisions)
@limit_option("moves")
@json_option
@click.pass_obj
def reflog(session: Session, *, name: str | None, limit: int | None, as_json: bool) -> None:
    """List where a branch or tag stood, newest first.

    Without NAME it is the current branch. `branch@{3}` names where it stood three moves ago.
    """
    with session.open_to_read() as tract:
        entries = tract.reflog(name, limit)
    if as_json:
        session.out.print_json([reflog_shape(entry) for entry in entries])
    else:
        session.out.page(reflog_line(entry) for entry in entries)


COMMANDS: Sequence[click.Command] = (status, log, show, diff, history, compile_command, reflog)
