"""How a cost is measured: entrants do the same work in turn, and the medians over rounds are set against each other."""

import gc
import resource
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from statistics import median
from typing import NamedTuple

Act = Callable[[], object]


class Cost(NamedTuple):
    """Seconds of CPU, of this process and of children that ended, and of the clock on the wall."""

    cpu: float
    wall: float


@dataclass(frozen=True)
class Figure:
    """What one unit of work costs an entrant: medians over rounds, or one number of another unit."""

    entrant: str
    value: float
    unit: str = "us"
    wall: float | None = None
    note: str = ""


@dataclass(frozen=True)
class Check:
    """A claim held against what was measured: `value` is to be at most `limit`."""

    claim: str
    value: float
    limit: float
    unit: str = "x"

    @property
    def holds(self) -> bool:
        """Whether it holds."""
        return self.value <= self.limit


@dataclass(frozen=True)
class Row:
    """One line of the table: a piece of work, what it costs each entrant, and what was to come out."""

    key: str
    work: str
    figures: Sequence[Figure]
    checks: Sequence[Check]


@dataclass(frozen=True)
class Entrant:
    """Somebody who does the work: `prepare` makes ready, unmeasured, what one round then does; `units` of work."""

    name: str
    prepare: Callable[[int], AbstractContextManager[Act]]
    units: int = 1
    note: str = field(default="", kw_only=True)
    rounds: int | None = field(default=None, kw_only=True)


def cost_of(act: Act) -> Cost:
    """Return what doing something costs."""
    gc.collect()
    wall, cpu = time.perf_counter(), _cpu_seconds()
    act()
    return Cost(_cpu_seconds() - cpu, time.perf_counter() - wall)


def race(entrants: Sequence[Entrant], rounds: int) -> dict[str, Figure]:
    """Let entrants do the work in turn, round after round, and return the medians of each, by name."""
    costs: dict[str, list[Cost]] = {entrant.name: [] for entrant in entrants}
    for number in range(rounds):
        for entrant in entrants:
            if number < (entrant.rounds or rounds):
                with entrant.prepare(number) as act:
                    costs[entrant.name].append(cost_of(act))
    return {
        entrant.name: figure_of(entrant.name, costs[entrant.name], entrant.units, entrant.note) for entrant in entrants
    }


def figure_of(name: str, costs: Sequence[Cost], units: int = 1, note: str = "") -> Figure:
    """Return the medians of what rounds cost, for one unit, in microseconds."""
    cpu, wall = (median(column) * 1e6 / units for column in zip(*costs, strict=True))
    return Figure(name, cpu, "us", wall, note)


def ratio(figures: dict[str, Figure], one: str, other: str) -> float:
    """Return how many times another's CPU one needs."""
    return figures[one].value / max(figures[other].value, 1e-9)


def _cpu_seconds() -> float:
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + ended.ru_utime + ended.ru_stime
