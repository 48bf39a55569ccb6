"""An agent's life: turns that each record a question, read the conversation and record an answer."""

from benchmarks.bench import Bench
from benchmarks.harness import Check, Figure, Row, cost_of, figure_of
from benchmarks.messages import messages
from benchmarks.systems.base import FLOOR, LANGGRAPH, TRACT, System


def turns(bench: Bench) -> Row:
    """Measure a whole run of turns, once."""
    count = bench.sizes.turns
    figures = {system: _run(bench, system, count) for system in (FLOOR, TRACT)}
    for system in bench.rivals:
        figures[system] = _run(bench, system, count if system.needs else min(count, bench.sizes.rivals // 10))
    checks = []
    if LANGGRAPH in figures:
        checks.append(Check("tract to LangGraph SqliteSaver", figures[TRACT].value / figures[LANGGRAPH].value, 0.01))
    return Row("turns", f"{count:,} turns of record and compile, each", list(figures.values()), checks)


def _run(bench: Bench, system: System, count: int) -> Figure:
    with bench.conversation(system, 0) as conversation:
        conversation.take_turn(*messages(0, 2))
        given = messages(2, 2 * count)

        def act() -> None:
            for place in range(0, 2 * count, 2):
                conversation.take_turn(given[place], given[place + 1])

        cost = cost_of(act)
    return figure_of(f"{system.name}, {count:,} turns", [cost], count, f"{cost.cpu:.1f} s in all")
