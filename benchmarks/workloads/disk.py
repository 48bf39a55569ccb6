"""Bytes on disk for each message, in three scripts."""

from benchmarks.bench import FLOOR_AND_TRACT, Bench, size_bytes
from benchmarks.harness import Check, Figure, Row
from benchmarks.messages import Script, messages
from benchmarks.systems.base import FLOOR, TRACT, System


def disk(bench: Bench) -> Row:
    """Measure how large a store grows."""
    figures = []
    checks = []
    scripts: tuple[tuple[Script, float], ...] = (("latin", 1.3), ("cyrillic", 1.5), ("chinese", 1.5))
    for script, limit in scripts:
        found = {system: _bytes_each(bench, system, bench.sizes.long, script) for system in FLOOR_AND_TRACT}
        figures += [Figure(f"{system.name}, {script}", value, "bytes") for system, value in found.items()]
        checks.append(Check(f"{script}: tract to bare sqlite3", found[TRACT] / found[FLOOR], limit))
    for system in bench.rivals:
        length = min(bench.sizes.rivals, system.longest)
        value = _bytes_each(bench, system, length, "latin")
        figures.append(Figure(f"{system.name}, latin, {length:,} messages", value, "bytes"))
    return Row("disk", "bytes on disk for each message", figures, checks)


def _bytes_each(bench: Bench, system: System, length: int, script: Script) -> float:
    path = bench.new_path()
    conversation = system.open(path)
    conversation.say_each(messages(0, length, script))
    conversation.close()
    return size_bytes(path) / length
