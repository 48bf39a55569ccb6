"""The command of the benchmarks: run what is asked for, print the table, and write it down."""

import argparse
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.bench import FLOOR_AND_TRACT, SIZES, Bench
from benchmarks.harness import Row
from benchmarks.plot import draw
from benchmarks.report import as_json, markdown
from benchmarks.workloads.appending import append, batch, growth
from benchmarks.workloads.branching import branching, fork
from benchmarks.workloads.changing import change
from benchmarks.workloads.curves import curves
from benchmarks.workloads.disk import disk
from benchmarks.workloads.merging import merge
from benchmarks.workloads.reading import cold, warm
from benchmarks.workloads.starting import memory, starting
from benchmarks.workloads.turns import turns

WORK: dict[str, Callable[[Bench], Row]] = {
    work.__name__: work
    for work in (append, growth, batch, cold, warm, branching, fork, merge, change, disk, turns, memory, starting)
}
RESULTS = Path(__file__).parent / "results"


def main(given: Sequence[str] | None = None) -> int:
    """Run the benchmarks that the arguments name; 1 where a claim did not hold."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description="Measure tract, its floors and its rivals.")
    parser.add_argument("rows", nargs="*", help=f"which rows (all unless named): {', '.join(WORK)}")
    parser.add_argument("--size", choices=SIZES, default="full", help="how large the work is")
    parser.add_argument("--quick", action="store_const", const="quick", dest="size", help="the same as --size quick")
    parser.add_argument("--no-peers", action="store_true", help="leave out the rivals that are packages")
    parser.add_argument("--no-plot", action="store_true", help="draw no plot")
    parser.add_argument("--out", type=Path, help="where files go, unless only some rows are run: benchmarks/results")
    options = parser.parse_args(given)
    if unknown := set(options.rows) - WORK.keys():
        parser.error(f"no such row: {', '.join(sorted(unknown))}")
    with tempfile.TemporaryDirectory(prefix="tract-bench-") as folder:
        bench = Bench(SIZES[options.size], Path(folder), with_peers=not options.no_peers)
        warm_up(bench)
        rows = [run(bench, name) for name in WORK if not options.rows or name in options.rows]
        panels = {} if options.rows or options.no_plot else curves(bench)
    table = markdown(rows, size=options.size, with_peers=bench.with_peers)
    print(table)
    out = options.out or (None if options.rows else RESULTS / options.size)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        (out / "table.md").write_text(table, "utf-8")
        (out / "table.json").write_text(as_json(rows, size=options.size), "utf-8")
        if panels:
            (out / "cost.svg").write_text(draw(panels), "utf-8")
    return 0 if all(check.holds for row in rows for check in row.checks) else 1


def run(bench: Bench, name: str) -> Row:
    """Measure one row, and say so."""
    print(f"measuring {name} ...", file=sys.stderr, flush=True)
    return WORK[name](bench)


def warm_up(bench: Bench) -> None:
    """Let every system do something once, so that no first round pays for what is loaded late."""
    for system in (*bench.rivals, *FLOOR_AND_TRACT):
        with bench.conversation(system, 2) as conversation:
            conversation.read()


if __name__ == "__main__":
    sys.exit(main())
