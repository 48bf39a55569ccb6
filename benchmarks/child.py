"""One task in a new process: what it costs, its imports apart, printed as JSON.

python -m benchmarks.child read SYSTEM PATH     open a conversation and read it
python -m benchmarks.child memory PATH          how much memory compiling a tract takes over having imported it
"""

import json
import sys
from pathlib import Path

from benchmarks.harness import cost_of
from benchmarks.systems.base import FLOOR, RIVALS, TRACT

SYSTEMS = {system.name: system for system in (FLOOR, TRACT, *RIVALS)}


def main() -> None:
    """Do the task that the arguments name."""
    task, *arguments = sys.argv[1:]
    found = read(*arguments) if task == "read" else memory(*arguments)
    print(json.dumps(found))


def read(name: str, path: str) -> dict[str, float]:
    """Return what opening a conversation and reading it costs in seconds."""
    system = SYSTEMS[name]
    system.load()
    counts: list[int] = []

    def act() -> None:
        conversation = system.open(Path(path))
        counts.append(conversation.read())

    cost = cost_of(act)
    return {"cpu": cost.cpu, "wall": cost.wall, "count": counts[0]}


def memory(path: str) -> dict[str, float]:
    """Return by how many bytes the process grew at its largest, and whether the tokenizer was loaded."""
    TRACT.load()
    before = peak_bytes()
    count = TRACT.open(Path(path)).read()
    return {"bytes": peak_bytes() - before, "count": count, "tokenizer": "tiktoken" in sys.modules}


def peak_bytes() -> int:
    """Return the most memory that this process had at once, as the system counts it."""
    lines = Path("/proc/self/status").read_text("utf-8").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


if __name__ == "__main__":
    main()
