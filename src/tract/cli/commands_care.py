"""The commands that care for a store and a shell: fsck, gc and completion."""

from collections.abc import Sequence

import click
from click.shell_completion import get_completion_class

from tract.cli.app import FAILED, Session, json_option
from tract.cli.render import count, short
from tract.cli.shapes import fault_shape, garbage_shape
from tract.cli.terminal import Styled

_SHELLS = ("bash", "zsh", "fish")


@click.command()
@json_option
@click.pass_obj
def fsck(session: Session, *, as_json: bool) -> int:
    """Check the store.

    Every object, row and context is read; it ends with 1 if anything is wrong.
    """
    with session.open_to_read() as tract:
        report = tract.fsck()
    if as_json:
        session.out.print_json({"is_clean": report.is_clean, "faults": [fault_shape(fault) for fault in report.faults]})
    elif report.is_clean:
        session.print("clean")
    else:
        for fault in report.faults:
            session.print([Styled(fault.where, "id"), ": ", fault.problem])
        session.print(Styled(f"{count(len(report.faults), 'fault')} found", "error"))
    return 0 if report.is_clean else FAILED


@click.command()
@click.option("--keep", default="14d", metavar="SPAN", help="Keep what operations younger than this reach: 14d, 36h.")
@click.option("--dry-run", "-n", is_flag=True, help="List what would be deleted, and delete nothing.")
@json_option
@click.pass_obj
def gc(session: Session, *, keep: str, dry_run: bool, as_json: bool) -> None:
    """Delete what nothing reaches any more.

    What a branch, a tag or another ref of any tract in the store reaches stays, and what operations younger than
    --keep reach (14 days unless given). Others may go on writing.
    """
    with session.open() as tract:
        found = tract.gc(keep, dry_run=dry_run)
    if as_json:
        session.out.print_json({**garbage_shape(found), "dry_run": dry_run})
        return
    kinds = {"commit": found.commits, "message": found.messages, "record": found.records}
    if dry_run:
        session.out.page([f"{kind} ", short(key)] for kind, ids in kinds.items() for key in ids)
    counts = ", ".join(count(len(ids), kind) for kind, ids in kinds.items())
    session.print(f"{'would delete' if dry_run else 'deleted'} {counts}: {count(found.size_bytes, 'byte')}")


@click.command()
@click.argument("shell", type=click.Choice(_SHELLS))
@click.pass_context
def completion(context: click.Context, *, shell: str) -> None:
    """Print the script that completes words in a shell.

    \b
    For bash, in ~/.bashrc:             eval "$(tract completion bash)"
    For zsh, in ~/.zshrc:               eval "$(tract completion zsh)"
    For fish, in ~/.config/fish/config.fish:
                                        tract completion fish | source
    """
    made = get_completion_class(shell)
    assert made is not None, "click knows these shells"
    click.echo(made(context.find_root().command, {}, "tract", "_TRACT_COMPLETE").source())


COMMANDS: Sequence[click.Command] = (fsck, gc, completion)
