"""The command of workspaces: which there are, and which to forget."""

from collections.abc import Sequence

import click

from tract.cli.app import Session, json_option
from tract.cli.terminal import Styled


@click.group()
def workspace() -> None:
    """List the places that agents stand in, or forget one.

    A workspace is made where `--workspace NAME` is first given to `tract switch`.
    """


@workspace.command("list")
@json_option
@click.pass_obj
def list_workspaces(session: Session, *, as_json: bool) -> None:
    """List the workspaces, and the branch of each."""
    with session.open_to_read() as tract:
        found = tract.workspaces()
    if as_json:
        rows = [
            {"name": name, "branch": branch, "is_current": name == session.workspace} for name, branch in found.items()
        ]
        session.out.print_json(rows)
        return
    width = max(map(len, found))
    for name, branch in found.items():
        mark = "* " if name == session.workspace else "  "
        session.print([mark, name.ljust(width), " ", Styled(branch, "branch")])


@workspace.command("rm")
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@click.pass_obj
def remove(session: Session, *, names: Sequence[str]) -> None:
    """Forget workspaces; their branches stay."""
    with session.open() as tract:
        for name in names:
            tract.remove_workspace(name)
            session.print(["workspace ", name, " forgotten"])


COMMANDS: Sequence[click.Command] = (workspace,)
"""The commands of this family."""
