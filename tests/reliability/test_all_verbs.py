"""All verbs in any order, drawn by hypothesis, against a plain list of messages."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from postgres_server import new_schema
from verb_machine import VerbMachine

KINDS = ("memory", "sqlite", "postgres")


@contextmanager
def new_file() -> Iterator[Path]:
    """Make a folder for a store, and yield where the store may be."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder) / "store.db"


@pytest.fixture(params=KINDS)
def machine(request: pytest.FixtureRequest) -> Callable[[], VerbMachine]:
    """Return what makes a machine on a new store, of each kind in turn."""
    if request.param == "memory":
        return VerbMachine
    if request.param == "sqlite":
        return lambda: VerbMachine(new_file())
    url: str = request.getfixturevalue("postgres_server_url")
    return lambda: VerbMachine(new_schema(url))


def play(machine: Callable[[], VerbMachine], *, runs: int, steps: int, derandomize: bool = True) -> None:
    """Let a machine run; a failure is shown as the shortest way to it."""
    health = list(HealthCheck)
    options = settings(
        max_examples=runs, stateful_step_count=steps, deadline=None, suppress_health_check=health,
        derandomize=derandomize, database=None, phases=[Phase.generate, Phase.shrink],
    )  # fmt: skip
    run_state_machine_as_test(machine, settings=options)  # type: ignore[arg-type]


def test_whatever_is_done_what_stands_is_what_the_list_says(
    machine: Callable[[], VerbMachine], request: pytest.FixtureRequest
) -> None:
    """Every compile is valid for each provider, no message is lost, doubled or changed, and only typed errors come."""
    runs = 3 if "postgres" in request.node.name else 30

    play(machine, runs=runs, steps=40)


@pytest.mark.long
def test_two_thousand_runs_of_two_hundred_steps(machine: Callable[[], VerbMachine]) -> None:
    """The same, for longer, and in another way each time."""
    play(machine, runs=2000, steps=200, derandomize=False)
