"""The options that say who settles conflicts, which merge, rebase, cherry-pick and revert have in common."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, get_args

import click

from tract.cli.models import configure_model
from tract.facade import Tract
from tract.model.conflicts import Leave
from tract.operations.merge_session import Strategy

Command = TypeVar("Command", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Settling:
    """Who is to settle conflicts, as the command line says."""

    strategy: Strategy | None
    ask_model: bool
    model: str | None
    auto_commit: bool
    allow: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.ask_model and self.strategy is not None:
            raise click.UsageError(f"--llm and --{self.strategy} are two ways to settle conflicts: choose one")
        if (self.auto_commit or self.allow) and not self.ask_model:
            raise click.UsageError("--auto and --allow go with --llm")

    def prepare(self, tract: Tract) -> None:
        """Let the tract ask the model, if one is to be asked, until the command ends."""
        if self.ask_model:
            configure_model(tract, self.model)


def settling_options(command: Command) -> Command:
    """Give a command the options that say who settles conflicts."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


_OPTIONS = (
    click.option("--ours", "strategy", flag_value="ours", help="Settle conflicts, and nothing else, by our side."),
    click.option("--theirs", "strategy", flag_value="theirs", help="Settle them by their side."),
    click.option("--union", "strategy", flag_value="union", help="Settle them by both: our lines, then theirs."),
    click.option("--manual", "strategy", flag_value="manual", help="Ask no model."),
    click.option("--llm", "ask_model", is_flag=True, help="Let a model propose an answer to each conflict."),
    click.option("--model", envvar="TRACT_OPENAI_MODEL", metavar="NAME", help="Which model to ask."),
    click.option("--auto", "--yes", "auto_commit", is_flag=True, help="With --llm: commit what the model settles."),
    click.option(
        "--allow", multiple=True, type=click.Choice(get_args(Leave)), help="With --llm: what else it may settle."
    ),
)
