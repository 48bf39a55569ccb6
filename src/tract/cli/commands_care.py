"""The commands that care for a store and a shell: fsck, gc, purge and completion."""

import sys
from collections.abc import Iterator, Sequence

import click
from click.shell_completion import get_completion_class

from tract.cli.app import FAILED, Session, json_option
from tract.cli.completion import complete_messages
from tract.cli.render import count, short
from tract.cli.shapes import fault_shape, garbage_shape, purge_shape
from tract.cli.terminal import Line, Styled, one_line
from tract.model.results import PurgeReport

_SHELLS = ("bash", "zsh", "fish")


@click.command()
@click.option("--repair", is_flag=True, help="First rebuild what is only an index.")
@json_option
@click.pass_obj
def fsck(session: Session, *, repair: bool, as_json: bool) -> int:
    """Check the store.

    Every object, row and context is read; it ends with 1 if anything is wrong.
    """
    with session.open() if repair else session.open_to_read() as tract:
        report = tract.fsck(repair=repair)
    if as_json:
        faults = [fault_shape(fault) for fault in report.faults]
        told = {"is_clean": report.is_clean, "faults": faults, "purged": list(report.purged)}
        session.out.print_json({**told, "repaired": report.repaired})
        return 0 if report.is_clean else FAILED
    if repair:
        session.print(f"{count(report.repaired, 'row')} rebuilt")
    if report.is_clean:
        session.print("clean" + (f"; {count(len(report.purged), 'object')} purged" if report.purged else ""))
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
@click.argument("message_id", metavar="MESSAGE", shell_complete=complete_messages)
@click.option("--dry-run", "-n", is_flag=True, help="Say what would be overwritten, and overwrite nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@click.pass_obj
def purge(session: Session, *, message_id: str, dry_run: bool, yes: bool, as_json: bool) -> int:
    """Overwrite all that a message ever said.

    That is for a leaked secret. The message keeps its place and its ids, and says [purged], on every branch and in the
    past; so do others of the same words. It cannot be taken back, and asks first.
    """
    if not (dry_run or yes) and (sys.stdin is None or not sys.stdin.isatty()):
        raise click.UsageError("there is nobody to ask: say --yes, or --dry-run")
    with session.open() as tract:
        report = tract.purge(message_id, confirmed=yes and not dry_run)
        if not (dry_run or yes):
            session.err.print_all(_purge_lines(report))
            click.confirm("Overwrite it for good?", abort=True, err=True)
            report = tract.purge(report.message_id, confirmed=True)
    if as_json:
        session.out.print_json(purge_shape(report))
    else:
        session.out.print_all(_purge_lines(report))
    return 0


def _purge_lines(report: PurgeReport) -> Iterator[Line]:
    done = "purged" if report.done else "would be purged"
    yield [f"{count(len(report.blob_ids), 'version')} of message ", short(report.message_id), f" {done}"]
    for name in report.forgotten:
        yield f"{'forgotten' if report.done else 'would be forgotten'}: {one_line(name)}"
    for commit_id in report.mentioned_in:
        yield [Styled("warning: ", "warning"), "what commit ", short(commit_id), " says of itself has the text too"]


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


COMMANDS: Sequence[click.Command] = (fsck, gc, purge, completion)
