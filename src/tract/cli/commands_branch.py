"""The commands that move names: branch, switch, tag and reset."""

from collections.abc import Sequence

import click

from tract.cli.app import Session, json_option
from tract.cli.completion import complete_branches, complete_revisions, complete_tags
from tract.cli.render import id_length, short
from tract.cli.terminal import Styled


@click.command()
@click.argument("names", metavar="[NAME [START]]", nargs=-1, shell_complete=complete_branches)
@click.option("-d", "--delete", "action", flag_value="delete", help="Delete branches that are merged somewhere.")
@click.option("-D", "action", flag_value="force", help="Delete branches, merged or not.")
@click.option("-r", "--remotes", is_flag=True, help="List the remotes' branches, as they were last seen.")
@click.option("-m", "--move", "action", flag_value="move", help="Give a branch another name: -m [OLD] NEW.")
@json_option
@click.pass_obj
def branch(session: Session, *, names: Sequence[str], action: str | None, remotes: bool, as_json: bool) -> None:
    """List, make, rename or delete branches.

    NAME makes one at START, else where the current branch stands; the current branch stays.
    """
    if (as_json or remotes) and (names or action):
        raise click.UsageError("--json and -r go with the list alone")
    if action in ("delete", "force"):
        _delete(session, names, force=action == "force")
    elif action == "move":
        _rename(session, names)
    elif names:
        _create(session, names)
    else:
        _list(session, as_json=as_json, remotes=remotes)


def _list(session: Session, *, as_json: bool, remotes: bool) -> None:
    with session.open_to_read() as tract:
        branches = tract.remote_branches() if remotes else tract.branches()
        current = tract.current_branch
    if as_json:
        rows = [{"name": name, "commit_id": key, "is_current": name == current} for name, key in branches.items()]
        session.out.print_json(rows)
        return
    length = id_length(branches.values())
    width = max(map(len, branches), default=0)
    for name, commit_id in branches.items():
        shown = name.ljust(width)
        is_current = name == current
        mark, styled = ("* ", Styled(shown, "branch")) if is_current else ("  ", shown)
        session.print([mark, styled, " ", short(commit_id, length)])


def _create(session: Session, names: Sequence[str]) -> None:
    if len(names) > 2:
        raise click.UsageError("branch takes a name and where it is to start")
    with session.open() as tract:
        commit_id = tract.branch(*names)
    session.print(["branch ", Styled(names[0], "branch"), " made at ", short(commit_id)])


def _delete(session: Session, names: Sequence[str], *, force: bool) -> None:
    if not names:
        raise click.UsageError("say which branch to delete")
    with session.open() as tract:
        for name in names:
            commit_id = tract.branches().get(name)
            tract.delete_branch(name, force=force)
            session.print(["branch ", name, " deleted; it was at ", short(commit_id)])


def _rename(session: Session, names: Sequence[str]) -> None:
    if len(names) not in (1, 2):
        raise click.UsageError("-m takes the new name, or the old name and the new one")
    with session.open() as tract:
        old, new = names if len(names) == 2 else (tract.current_branch, names[0])
        tract.rename_branch(old, new)
    session.print(f"branch {old} is now {new}")


@click.command()
@click.argument("name", shell_complete=complete_branches)
@click.argument("start", required=False, shell_complete=complete_revisions)
@click.option("-c", "--create", is_flag=True, help="Make the branch first, at START (where the branch stands now).")
@click.pass_obj
def switch(session: Session, *, name: str, start: str | None, create: bool) -> None:
    """Go to a branch; `-` is the one before."""
    if start is not None and not create:
        raise click.UsageError("START goes with -c")
    with session.open() as tract:
        if start is not None:
            tract.branch(name, start)
        name = tract.switch(name, create=create and start is None)
        head_id = tract.head_id
    at = [" at ", short(head_id)] if head_id is not None else [", which has no commits yet"]
    session.print(["on branch ", Styled(name, "branch"), *at])


@click.command()
@click.argument("names", metavar="[NAME [REVISION]]", nargs=-1, shell_complete=complete_tags)
@click.option("-d", "--delete", is_flag=True, help="Delete tags.")
@json_option
@click.pass_obj
def tag(session: Session, *, names: Sequence[str], delete: bool, as_json: bool) -> None:
    """List, make or delete tags: names that stay where they are."""
    if as_json and (names or delete):
        raise click.UsageError("--json goes with the list alone")
    if delete and not names:
        raise click.UsageError("say which tag to delete")
    if len(names) > 2 and not delete:
        raise click.UsageError("tag takes a name and a revision")
    if not names:
        _list_tags(session, as_json=as_json)
        return
    with session.open() as tract:
        if not delete:
            session.print(["tag ", Styled(names[0], "tag"), " made at ", short(tract.tag(*names))])
            return
        for name in names:
            tract.delete_tag(name)
            session.print(f"tag {name} deleted")


def _list_tags(session: Session, *, as_json: bool) -> None:
    with session.open_to_read() as tract:
        tags = tract.tags()
    if as_json:
        session.out.print_json([{"name": name, "commit_id": commit_id} for name, commit_id in tags.items()])
        return
    length, width = id_length(tags.values()), max(map(len, tags), default=0)
    for name, commit_id in tags.items():
        session.print([Styled(name.ljust(width), "tag"), " ", short(commit_id, length)])


@click.command()
@click.argument("revision", shell_complete=complete_revisions)
@click.pass_obj
def reset(session: Session, *, revision: str) -> None:
    """Move the branch to a commit.

    What it leaves is found in the reflog: `tract reset main@{1}` goes back.
    """
    with session.open() as tract:
        before = tract.head_id
        commit = tract.reset(revision)
        branch_name = tract.current_branch
    left: list[str | Styled] = ["; it was at ", short(before)] if before is not None else []
    session.print([Styled(branch_name, "branch"), " is now at ", short(commit.id), *left])


COMMANDS: Sequence[click.Command] = (branch, switch, tag, reset)
