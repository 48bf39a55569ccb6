"""Branches: what it costs to make one, to go to it and to look around, however many and however long they are."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from benchmarks.bench import Bench, checkpoint, size_bytes
from benchmarks.harness import Act, Check, Entrant, Figure, Row, cost_of, figure_of, race
from benchmarks.messages import messages
from benchmarks.systems.base import DELTA, LANGGRAPH, System
from tract import Tract

_TIMES = 20
Verb = Callable[[Tract, int], object]

VERBS: dict[str, Verb] = {
    "branch": lambda tract, number: tract.branch(f"new-{number}"),
    "switch": lambda tract, number: tract.switch(f"branch-{number % 2}"),
    "log(20)": lambda tract, _: tract.log(limit=20),
    "status": lambda tract, _: tract.status(),
}


def branching(bench: Bench) -> Row:
    """Measure the verbs of branches in a small store and in a large one."""
    sizes = bench.sizes
    few = max(sizes.branches // 1000, 2)
    places = ((sizes.short, few), (sizes.longest, sizes.branches))
    figures: dict[str, Figure] = {}
    with bench.copy(places[0][0]) as small, bench.copy(places[1][0]) as large:
        for conversation, (_, branches) in zip((small, large), places, strict=True):
            for number in range(branches):
                conversation.tract.branch(f"branch-{number}")
        entrants = [
            _entrant(conversation.tract, verb, f"{verb} at {length:,} commits and {branches:,} branches")
            for verb in VERBS
            for conversation, (length, branches) in zip((small, large), places, strict=True)
        ]
        figures = race(entrants, 2 * sizes.rounds)
    found = list(figures.values())
    checks = [
        Check(f"{verb}: large to small", found[2 * place + 1].value / found[2 * place].value, 1.5)
        for place, verb in enumerate(VERBS)
    ]
    return Row("branching", "branch, switch, log(20), status", found, checks)


def _entrant(tract: Tract, verb: str, name: str) -> Entrant:
    @contextmanager
    def prepare(number: int) -> Iterator[Act]:
        def act() -> None:
            for time in range(_TIMES):
                VERBS[verb](tract, number * _TIMES + time)

        yield act

    return Entrant(name, prepare, _TIMES)


def fork(bench: Bench) -> Row:
    """Measure beginning a branch in the middle of a long history."""
    sizes = bench.sizes
    middle = sizes.long // 2
    with bench.copy(sizes.long) as conversation:
        tract = conversation.tract
        place = tract.log(limit=middle)[-1].id

        @contextmanager
        def prepare(number: int) -> Iterator[Act]:
            def act() -> None:
                for time in range(_TIMES):
                    tract.branch(f"fork-{number}-{time}", at=place)

            yield act

        found = race([Entrant(f"tract, {sizes.long:,} messages", prepare, _TIMES)], sizes.rounds)
        name = f"tract, {sizes.long:,} messages"
    checks = [
        Check("a fork", found[name].value / 1000, 1, "ms"),
        Check("a fork's bytes", _bytes_of_fork(bench, place), 300, "bytes"),
    ]
    figures = list(found.values())
    figures += [_fork_of(bench, system) for system in bench.rivals if system.branches]
    return Row("fork", "fork in the middle of a history", figures, checks)


def _bytes_of_fork(bench: Bench, place: str) -> float:
    """Return by how many bytes a fork lets a store grow: the mean of a thousand, since a file grows by pages."""
    with bench.copy(bench.sizes.long) as conversation:
        path = conversation.path
        before = size_bytes(path)
        tract = conversation.tract
        count = max(bench.sizes.appends, 100)
        for number in range(count):
            tract.branch(f"fork-{number}", at=place)
        conversation.close()
        return (size_bytes(path) - before) / count


def _fork_of(bench: Bench, system: System) -> Figure:
    """Return what one fork costs a rival in CPU and, in the note, in bytes."""
    length = bench.sizes.rivals if system in (LANGGRAPH, DELTA) else min(bench.sizes.long, system.longest)
    if system.module == "git_repository":
        length = bench.sizes.rivals
    path = bench.new_path()
    conversation = system.open(path)
    for start in range(0, length, 1000):
        conversation.say_each(messages(start, min(1000, length - start)))
    if path.is_file():
        # Else what waits in the log before the fork, and is in the file behind it, would count against its growth.
        checkpoint(path)
    before = size_bytes(path)
    cost = cost_of(lambda: conversation.fork(length // 2))
    conversation.close()
    grown = size_bytes(path) - before
    return figure_of(f"{system.name}, {length:,} messages", [cost], note=f"{grown:,} bytes")
