"""Reading a conversation: in a process that just began, and in one that has read it before."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.bench import Bench, remove
from benchmarks.harness import Act, Check, Cost, Entrant, Figure, Row, figure_of, race
from benchmarks.messages import messages
from benchmarks.systems.base import ADVANCED, AGENTS, FLOOR, LOGS, TRACT, System

ROOT = Path(__file__).parents[2]
_WARM = 20


def cold(bench: Bench) -> Row:
    """Measure opening a store in a new process and reading the whole conversation."""
    sizes = bench.sizes
    peers = [system for system in bench.rivals if system in (AGENTS, ADVANCED, LOGS)]
    figures = {}
    for length, systems in ((sizes.long, [FLOOR, TRACT, *peers]), (sizes.longest, [FLOOR, TRACT])):
        paths = {system: _written(bench, system, length) for system in systems}
        costs: dict[System, list[Cost]] = {system: [] for system in systems}
        for _ in range(max(sizes.rounds // 2, 1) if length == sizes.longest else sizes.rounds):
            for system, path in paths.items():
                costs[system].append(_read(system, path, length))
        for system, path in paths.items():
            figures[system, length] = figure_of(f"{system.name}, {length:,} messages", costs[system])
            if system is not TRACT:
                remove(path)
    short, long = figures[TRACT, sizes.long].value, figures[TRACT, sizes.longest].value
    checks = [
        Check("tract to SELECT and json.loads", short / figures[FLOOR, sizes.long].value, 4),
        Check(f"tract's {sizes.longest:,} to its {sizes.long:,}", long / short, 11),
    ]
    return Row("cold", "open in a new process and read all messages", list(figures.values()), checks)


def run_child(*arguments: str) -> dict[str, Any]:
    """Return what a task in a new process prints."""
    command = [sys.executable, "-m", "benchmarks.child", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _written(bench: Bench, system: System, length: int) -> Path:
    if system is TRACT:
        return bench.store(length)
    path = bench.new_path()
    conversation = system.open(path)
    conversation.say_each(messages(0, length))
    conversation.close()
    return path


def _read(system: System, path: Path, length: int) -> Cost:
    found = run_child("read", system.name, str(path))
    if found["count"] != length:
        raise RuntimeError(f"{system.name} read {found['count']} messages of {length}")
    return Cost(found["cpu"], found["wall"])


def warm(bench: Bench) -> Row:
    """Measure appending a message and compiling, where the conversation was compiled before."""
    sizes = bench.sizes
    entrants = [
        _warm(bench, length, f"tract, {length:,} messages{suffix}", rendered=rendered)
        for length in (sizes.short, sizes.long)
        for rendered, suffix in ((False, ""), (True, ", to_openai()"))
    ]
    figures = race(entrants, sizes.rounds)
    short, _, long, rendered = figures.values()
    checks = [
        Check(f"with to_openai() at {sizes.long:,}", rendered.value / 1000, 1, "ms"),
        Check(f"without, {sizes.long:,} to {sizes.short:,}", long.value / short.value, 1.5),
    ]
    found = list(figures.values())
    for system in (FLOOR, *bench.rivals):
        length = min(sizes.long, system.longest, sizes.long if system in (FLOOR, AGENTS) else sizes.rivals)
        found.append(_read_again(bench, system, length))
    return Row("warm", "append a message and compile, warm", found, checks)


def _warm(bench: Bench, length: int, name: str, *, rendered: bool) -> Entrant:
    @contextmanager
    def prepare(number: int) -> Iterator[Act]:
        with bench.copy(length) as conversation:
            tract = conversation.tract
            given = messages(length + number * _WARM, _WARM + 1)
            tract.append(given[0])
            tract.compile().to_openai()

            def act() -> None:
                for message in given[1:]:
                    tract.append(message)
                    compiled = tract.compile()
                    if rendered:
                        compiled.to_openai()

            yield act

    return Entrant(name, prepare, _WARM)


def _read_again(bench: Bench, system: System, length: int) -> Figure:
    """Return what a turn of append and read costs a system, once."""

    @contextmanager
    def prepare(_: int) -> Iterator[Act]:
        with bench.conversation(system, length) as conversation:
            given = messages(length, 1)

            def act() -> None:
                conversation.say_each(given)
                conversation.read()

            yield act

    name = f"{system.name}, {length:,} messages"
    return race([Entrant(name, prepare)], max(bench.sizes.rounds // 3, 1))[name]
