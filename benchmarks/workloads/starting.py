"""What tract costs before it does anything: imports, a command in a new process, and memory."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from benchmarks.bench import Bench
from benchmarks.harness import Act, Check, Entrant, Figure, Row, race
from benchmarks.workloads.reading import run_child

_FLOOR = "import sqlalchemy.sql.expression, pydantic\nclass M(pydantic.BaseModel):\n    x: str | None = None\n"


def starting(bench: Bench) -> Row:
    """Measure `import tract`, and `tract log` on a short history, each in a new process."""
    with bench.copy(bench.sizes.short) as conversation:
        path = str(conversation.path)
        commands = {
            "python, nothing imported": ["-c", ""],
            "SQLAlchemy Core and one pydantic model": ["-c", _FLOOR],
            "import tract": ["-c", "import tract"],
            "tract log": ["-m", "tract", "--db", path, "log", "-n", "20"],
        }
        entrants = [Entrant(name, _runner(arguments)) for name, arguments in commands.items()]
        figures = race(entrants, bench.sizes.rounds)
    floor = figures["SQLAlchemy Core and one pydantic model"].value
    checks = [
        Check(f"{name}, over its floor", (figures[name].value - floor) / 1000, 80, "ms")
        for name in ("import tract", "tract log")
    ]
    return Row("starting", "start in a new process", list(figures.values()), checks)


def _runner(arguments: list[str]) -> Callable[[int], AbstractContextManager[Act]]:
    """Return what runs Python, where a first run has written the compiled modules."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, *arguments]

    def run() -> None:
        subprocess.run(command, env=environment, capture_output=True, check=True)

    @contextmanager
    def prepare(number: int) -> Iterator[Act]:
        if number == 0:
            run()
        yield run

    return prepare


def memory(bench: Bench) -> Row:
    """Measure the memory that compiling takes in a new process, of messages whose counts are kept."""
    length = bench.sizes.long
    found = run_child("memory", str(bench.store(length)))
    figures = [Figure(f"tract, {length:,} messages", found["bytes"] / 1e6, "MB")]
    checks = [
        Check("over the import", found["bytes"] / 1e6, 40, "MB"),
        Check("tokenizers loaded", float(found["tokenizer"]), 0, ""),
    ]
    return Row("memory", "memory to compile messages whose counts are kept", figures, checks)
