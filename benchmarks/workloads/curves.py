"""Cost against the length of the history: what the plot draws."""

from dataclasses import dataclass
from statistics import median

from benchmarks.bench import Bench
from benchmarks.harness import cost_of
from benchmarks.messages import messages
from benchmarks.systems.base import AGENTS, FLOOR, GIT, TRACT, System

_LENGTHS = (10, 30, 100, 300, 1_000, 3_000, 10_000, 30_000, 100_000)
_TIMES = 5


@dataclass(frozen=True)
class Curve:
    """One system's points: the length of the history, and microseconds of CPU."""

    system: str
    points: list[tuple[int, float]]


def curves(bench: Bench) -> dict[str, list[Curve]]:
    """Return, for appending a message and for a turn of append and read, a curve for each system."""
    append: list[Curve] = []
    turn: list[Curve] = []
    for system in (FLOOR, TRACT, *bench.rivals):
        longest = bench.sizes.longest if system is TRACT else bench.sizes.long
        if system not in (FLOOR, TRACT, AGENTS):
            longest = min(longest, system.longest, bench.sizes.rivals if system is GIT else longest)
        appended, turned = _points(bench, system, [length for length in _LENGTHS if length <= longest])
        append.append(Curve(system.name, appended))
        turn.append(Curve(system.name, turned))
    return {"append a message": append, "append a message and read the conversation": turn}


Points = list[tuple[int, float]]


def _points(bench: Bench, system: System, lengths: list[int]) -> tuple[Points, Points]:
    appended: Points = []
    turned: Points = []
    with bench.conversation(system, 1) as conversation:
        place = 1
        conversation.read()
        for length in lengths:
            conversation.say_each(messages(place, length - place))
            place = length
            alone, read = [], []
            for _ in range(_TIMES):
                given = messages(place, 1)
                alone.append(cost_of(lambda said=given: conversation.say_each(said)).cpu * 1e6)  # type: ignore[misc]
                read.append(cost_of(conversation.read).cpu * 1e6)
                place += 1
            appended.append((length, median(alone)))
            turned.append((length, median(alone) + median(read)))
    return appended, turned
