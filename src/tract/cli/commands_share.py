"""The commands that move work between tracts: clone, fetch, pull, push, remote and bundle."""

import os
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from tract.cli.app import FAILED, Session, json_option
from tract.cli.completion import complete_branches, complete_revisions
from tract.cli.merge_render import merge_lines
from tract.cli.place import FILE, FOLDER, NoTractError, make_place
from tract.cli.render import count, short
from tract.cli.shapes import bundle_shape, fetch_shape, merge_shape, push_shape
from tract.cli.terminal import Line, Styled, one_line
from tract.exceptions import StorageError
from tract.facade import Tract
from tract.model.sharing import BundleReport, FetchResult, RefUpdate
from tract.operations.merge_session import Strategy
from tract.operations.sharing import Tags

Command = TypeVar("Command", bound=Callable[..., Any])


def _name_option(command: Command) -> Command:
    return click.option("--name", metavar="NAME", help="The tract's name over there.")(command)


@click.command()
@click.argument("url")
@click.argument("directory", required=False, type=click.Path(path_type=Path))
@_name_option
@click.pass_obj
def clone(session: Session, *, url: str, directory: Path | None, name: str | None) -> None:
    """Make a copy of a tract, with all its history.

    URL is a folder with a tract, a store's file, the URL of a database, or a bundle. The copy is put into a .tract
    folder in DIRECTORY (named after URL unless given), or where --db or TRACT_DB say, and knows URL as `origin`.
    """
    if session.db is not None and directory is not None:
        raise click.UsageError("the copy is named by --db or TRACT_DB already")
    source = _place_of(url, must_exist=True)
    place = session.db if session.db is not None else make_place(directory or Path(_stem(url)))[0]
    theirs = name if name is not None else session.tract
    with Tract.clone(
        source, place, name=theirs, as_name=session.tract, workspace=session.workspace, author=session.author
    ) as tract:
        branches, branch = tract.branches(), tract.current_branch
    shown = Path(place).parent if session.db is None else place
    session.print(f"cloned {count(len(branches), 'branch', 'branches')} into {shown}, on branch {branch}")


@click.command()
@click.argument("url", metavar="[REMOTE|URL]", required=False)
@click.argument("branch", required=False)
@click.option("--tags", "tags", flag_value="all", help="All tags, with their history.")
@click.option("--no-tags", "tags", flag_value="none", help="No tags.")
@click.option("-p", "--prune", is_flag=True, help="Forget the remote's branches that are gone there.")
@_name_option
@json_option
@click.pass_obj
def fetch(
    session: Session,
    *,
    url: str | None,
    branch: str | None,
    tags: Tags | None,
    prune: bool,
    name: str | None,
    as_json: bool,
) -> None:
    """Bring another tract's commits here.

    A remote's branches (of `origin`, unless one is named) are then seen as origin/main and so on; own branches stay.
    A URL may be a folder with a tract, a store's file, the URL of a database, or a bundle.
    """
    with session.open() as tract:
        result = tract.fetch(_place(url), branch, name=name, tags=tags or "reachable", prune=prune)
    if as_json:
        session.out.print_json(fetch_shape(result))
    else:
        session.out.print_all(_fetch_lines(result))


def _fetch_lines(result: FetchResult) -> Iterator[Line]:
    yield f"{count(result.commits, 'new commit')} from {one_line(result.source)}"
    yield from map(_update_line, result.updates)
    for tag in result.tags_kept:
        yield f"  tag {tag} stands elsewhere over there; yours stays"


def _update_line(update: RefUpdate) -> Line:
    name = re.sub(r"^(heads|remotes)/", "", update.ref).replace("tags/", "tag ", 1)
    if update.new is None:
        return ["  ", Styled(name, "branch"), " is gone"]
    moved: list[str | Styled] = [" new at ", short(update.new)]
    if update.old is not None:
        moved = [" ", short(update.old), " -> ", short(update.new), " (forced)" if update.forced else ""]
    return ["  ", Styled(name, "branch"), *moved]


@click.command()
@click.argument("url", metavar="[REMOTE|URL]", required=False)
@click.argument("branch", required=False)
@click.option("--ours", "strategy", flag_value="ours", help="Settle conflicts, and nothing else, by our side.")
@click.option("--theirs", "strategy", flag_value="theirs", help="Settle them by their side.")
@click.option("--union", "strategy", flag_value="union", help="Settle them by both: our lines, then theirs.")
@click.option("--no-ff", is_flag=True, help="Make a merge commit, though the branch had nothing of its own.")
@click.option("--allow-unrelated", is_flag=True, help="Merge though there is no common history.")
@click.option("-m", "--message", metavar="TEXT", help="What to say about the merge commit.")
@_name_option
@json_option
@click.pass_obj
def pull(
    session: Session,
    *,
    url: str | None,
    branch: str | None,
    strategy: Strategy | None,
    no_ff: bool,
    allow_unrelated: bool,
    message: str | None,
    name: str | None,
    as_json: bool,
) -> int:
    """Fetch a branch and merge it into the current one.

    BRANCH is the one named as the current branch, unless given. Conflicts wait in the store, as after 'tract merge';
    to let a model settle them, use 'tract fetch' and 'tract merge origin/main --llm'.
    """
    with session.open() as tract:
        result = tract.pull(
            _place(url),
            branch,
            name=name,
            strategy=strategy or "auto",
            no_ff=no_ff,
            allow_unrelated=allow_unrelated,
            message=message,
        )
        if as_json:
            session.out.print_json(merge_shape(result))
        else:
            session.out.print_all(merge_lines(result))
    return FAILED if result.session_id is not None else 0


@click.command()
@click.argument("url", metavar="[REMOTE|URL]", required=False)
@click.argument("branch", metavar="[BRANCH[:NAME]]", required=False, shell_complete=complete_branches)
@click.option("-f", "--force", is_flag=True, help="Though the branch over there has commits that ours has not.")
@click.option("--tag", "tags", multiple=True, metavar="NAME", help="A tag to go along; may be repeated.")
@click.option("--tags", "all_tags", is_flag=True, help="All tags.")
@_name_option
@json_option
@click.pass_obj
def push(
    session: Session,
    *,
    url: str | None,
    branch: str | None,
    force: bool,
    tags: Sequence[str],
    all_tags: bool,
    name: str | None,
    as_json: bool,
) -> None:
    """Bring a branch of this tract to another one.

    BRANCH is the current one unless given; BRANCH:NAME gives it another name over there. Without --force it is refused
    where that would drop commits. A store that is not there is made.
    """
    ours, _, theirs = (branch or "").partition(":")
    with session.open() as tract:
        result = tract.push(
            _place(url), ours or None, name=name, to=theirs or None, tags="all" if all_tags else tags, force=force
        )
    if as_json:
        session.out.print_json(push_shape(result))
        return
    if not result.updates:
        session.print(f"{one_line(result.target)} has it all already")
        return
    session.print(f"{count(result.commits, 'commit')} sent to {one_line(result.target)}")
    session.out.print_all(map(_update_line, result.updates))


@click.group()
def remote() -> None:
    """Add, list or forget names of other tracts."""


@remote.command("add")
@click.argument("name")
@click.argument("url")
@click.option("--name", "tract_name", metavar="NAME", help="The tract's name over there.")
@click.pass_obj
def add_remote(session: Session, *, name: str, url: str, tract_name: str | None) -> None:
    """Give another tract a name; nothing is fetched yet.

    It is kept in the store and never travels. A password in URL is left out: give it in PGPASSWORD or ~/.pgpass.
    """
    with session.open() as tract:
        found = tract.add_remote(name, _place_of(url), tract=tract_name)
    session.print(f"remote {found.name} is {one_line(found.url)}")


@remote.command("list")
@json_option
@click.pass_obj
def list_remotes(session: Session, *, as_json: bool) -> None:
    """List the remotes."""
    with session.open_to_read() as tract:
        found = tract.remotes().values()
    if as_json:
        session.out.print_json([{"name": each.name, "url": each.url, "tract": each.tract} for each in found])
        return
    width = max((len(each.name) for each in found), default=0)
    for each in found:
        named = "" if each.tract == "default" else f" (tract {each.tract})"
        session.print([Styled(each.name.ljust(width), "branch"), f" {one_line(each.url)}{named}"])


@remote.command("rm")
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@click.pass_obj
def remove_remote(session: Session, *, names: Sequence[str]) -> None:
    """Forget remotes, and where their branches were seen."""
    with session.open() as tract:
        for name in names:
            tract.remove_remote(name)
            session.print(["remote ", name, " forgotten"])


@click.group()
def bundle() -> None:
    """Write branches to a file for others, or look into one."""


@bundle.command("create")
@click.argument("file", type=click.Path())
@click.argument("branches", metavar="[BRANCH...]", nargs=-1, shell_complete=complete_branches)
@click.option(
    "--since", multiple=True, metavar="REVISION", shell_complete=complete_revisions, help="Leave out its history."
)
@click.option("--all", "take_all", is_flag=True, help="Every branch.")
@json_option
@click.pass_obj
def create_bundle(
    session: Session, *, file: str, branches: Sequence[str], since: Sequence[str], take_all: bool, as_json: bool
) -> None:
    """Write branches (the current one) with their history and tags to FILE.

    With --since, who reads it must have that history already.
    """
    if take_all and branches:
        raise click.UsageError("--all takes every branch: name none")
    with session.open_to_read() as tract:
        report = tract.bundle(file, *(tract.branches() if take_all else branches), since=since)
    _show_bundle(session, report, as_json=as_json)


@bundle.command("verify")
@click.argument("file", type=click.Path())
@json_option
@click.pass_obj
def verify_bundle(session: Session, *, file: str, as_json: bool) -> int:
    """Check that FILE is whole, and show what it holds.

    It ends with 1 where this tract lacks what the bundle builds on.
    """
    try:
        opened = session.open_to_read()
    except NoTractError:
        opened = Tract.open()
    with opened as tract:
        report = tract.verify_bundle(file)
    _show_bundle(session, report, as_json=as_json)
    return FAILED if report.missing else 0


def _show_bundle(session: Session, report: BundleReport, *, as_json: bool) -> None:
    if as_json:
        session.out.print_json(bundle_shape(report))
        return
    held = f"{count(report.commits, 'commit')} and {count(report.messages, 'message')}"
    session.print(f"{one_line(report.path)} is whole: {held}")
    for ref, commit_id in report.refs.items():
        name = one_line(ref.removeprefix("heads/").replace("tags/", "tag ", 1))
        session.print(["  ", Styled(name, "branch"), " at ", short(commit_id)])
    for commit_id in report.prerequisites:
        problem = Styled(", which is not here", "warning") if commit_id in report.missing else ""
        session.print(["  builds on ", short(commit_id), problem])


def _place(url: str | None) -> str | None:
    """Return what a command line names: a remote as it is, a folder as the store in it."""
    return _place_of(url) if url is not None and os.path.isdir(url) else url


def _place_of(url: str, *, must_exist: bool = False) -> str:
    """Return the store in a folder that has a tract, and what is no folder as it is.

    Raises:
        NoTractError: there is none.
    """
    if "://" in url:
        return url
    found = os.path.join(url, FOLDER, FILE) if os.path.isdir(url) else url
    if (must_exist or found != url) and not os.path.exists(found):
        raise NoTractError(f"there is no tract in {url}")
    return found


def _stem(url: str) -> str:
    """Return the name of the folder for a copy of what a URL or path names."""
    if "://" in url:
        raise click.UsageError("say which folder to put the copy into")
    path = Path(os.path.abspath(url))
    if path.parent.name == FOLDER:
        path = path.parent.parent
    if not path.stem:
        raise StorageError(f"no folder can be named after {url}")
    return path.stem


COMMANDS: Sequence[click.Command] = (clone, fetch, pull, push, remote, bundle)
"""The commands of this family."""
