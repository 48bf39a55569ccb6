"""Merging two branches that share a long history."""

from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.bench import Bench
from benchmarks.harness import Act, Check, Entrant, Row, race
from benchmarks.messages import messages


def merge(bench: Bench) -> Row:
    """Measure merging new messages against as many, both tips compiled before, and the compile that follows."""
    sizes = bench.sizes
    lengths = (sizes.long, sizes.longest)
    entrants = [
        _entrant(bench, length, f"tract, on {length:,} shared{suffix}", rendered=rendered)
        for length in lengths
        for rendered, suffix in ((False, ""), (True, ", to_openai() too"))
    ]
    figures = race(entrants, sizes.rounds)
    short, _, long, _ = figures.values()
    checks = [
        Check(f"on {sizes.long:,} shared", short.value / 1000, 80, "ms"),
        Check(f"on {sizes.longest:,} shared to {sizes.long:,}", long.value / short.value, 3),
    ]
    work = f"merge {sizes.merged} against {sizes.merged} new messages and compile"
    return Row("merge", work, list(figures.values()), checks)


def _entrant(bench: Bench, length: int, name: str, *, rendered: bool) -> Entrant:
    merged = bench.sizes.merged

    @contextmanager
    def prepare(_: int) -> Iterator[Act]:
        with bench.copy(length) as conversation:
            tract = conversation.tract
            tract.branch("side")
            conversation.say_each(messages(length, merged))
            tract.compile().to_openai()
            tract.switch("side")
            conversation.say_each(messages(length + merged, merged))
            tract.compile().to_openai()
            tract.switch("main")

            def act() -> None:
                assert tract.merge("side").committed
                compiled = tract.compile()
                if rendered:
                    compiled.to_openai()

            yield act

    return Entrant(name, prepare, rounds=3 if length > 50_000 else None)
