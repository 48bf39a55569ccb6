"""Recording: one message at a time, at the beginning and behind a long history, and many at once."""

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from statistics import median

from benchmarks.bench import FLOOR_AND_TRACT, Bench
from benchmarks.harness import Act, Check, Entrant, Figure, Row, cost_of, race, ratio
from benchmarks.messages import Json, messages
from benchmarks.systems.base import FLOOR, GIT, TRACT, Conversation, System
from benchmarks.systems.floor import connect
from tract.tokens.vocabulary import load_encoder

_PIECES = 10


def append(bench: Bench) -> Row:
    """Measure appending one message."""
    entrants = [_saying(bench, system, bench.sizes.appends) for system in FLOOR_AND_TRACT]
    entrants += [_saying(bench, system, _count(bench, system), rounds=3) for system in bench.rivals]
    figures = race(entrants, bench.sizes.rounds)
    checks = [Check("tract to bare sqlite3", ratio(figures, "tract", FLOOR.name), 4)]
    for system in bench.rivals:
        limit = 1.0 if system.branches else 1.3
        checks.append(Check(f"tract to {system.name}", ratio(figures, "tract", system.name), limit))
    return Row("append", "append one message", list(figures.values()), checks)


def _count(bench: Bench, system: System) -> int:
    """Return how many messages a rival is given; git, which takes some 20 ms for each, fewer."""
    return min(bench.sizes.appends, bench.sizes.rivals) // (10 if system is GIT else 1)


def _saying(bench: Bench, system: System, count: int, *, rounds: int | None = None) -> Entrant:
    given = messages(1, count)
    work = bench.entrant(system, lambda conversation: lambda: conversation.say_each(given), units=count, base=1)
    return replace(work, rounds=rounds)


def growth(bench: Bench) -> Row:
    """Measure the first appends of a long history and the last, of tract and of the floor in turn."""
    count, longest = bench.sizes.appends, bench.sizes.longest
    paths = {system: bench.new_path() for system in FLOOR_AND_TRACT}
    conversations = {system: system.open(path) for system, path in paths.items()}
    for conversation in conversations.values():
        conversation.say_each(messages(0, 1))
    first = _take(conversations, 1, count)
    for start in range(1 + count, longest - count, count):
        given = messages(start, min(count, longest - count - start))
        for conversation in conversations.values():
            conversation.say_each(given)
    last = _take(conversations, longest - count, count)
    for conversation in conversations.values():
        conversation.close()
    bench.stores[longest] = paths[TRACT]
    figures = [
        Figure(f"{system.name}, the {name} {count:,} of {longest:,}", costs[system])
        for system in FLOOR_AND_TRACT
        for name, costs in (("first", first), ("last", last))
    ]
    grown = (last[TRACT] / first[TRACT]) / (last[FLOOR] / first[FLOOR])
    return Row(
        "growth",
        "append behind a long history",
        figures,
        [Check("tract's last over its first, to the floor's last over its first", grown, 1.2)],
    )


def _take(conversations: dict[System, Conversation], start: int, count: int) -> dict[System, float]:
    """Return what appends cost in microseconds of CPU: the median of pieces that are measured in turn."""
    costs: dict[System, list[float]] = {system: [] for system in conversations}
    piece = max(count // _PIECES, 1)
    for place in range(start, start + count, piece):
        given = messages(place, min(piece, start + count - place))
        for system, conversation in conversations.items():
            cost = cost_of(lambda said=given, to=conversation: to.say_each(said))  # type: ignore[misc]
            costs[system].append(cost.cpu * 1e6 / len(given))
    return {system: median(found) for system, found in costs.items()}


def batch(bench: Bench) -> Row:
    """Measure recording many messages at once."""
    given = messages(1, bench.sizes.appends)
    floor = "executemany, tiktoken, json.dumps and SHA-256"
    entrants = [Entrant(floor, _counting_floor(bench, given), len(given))]
    entrants.append(_saying_at_once(bench, TRACT, given))
    entrants += [replace(_saying_at_once(bench, system, given), rounds=3) for system in bench.rivals]
    figures = race(entrants, bench.sizes.rounds)
    checks = [Check("tract to its floor", ratio(figures, "tract", floor), 3)]
    return Row("batch", "append many messages in one batch, each", list(figures.values()), checks)


def _saying_at_once(bench: Bench, system: System, given: list[Json]) -> Entrant:
    return bench.entrant(system, lambda conversation: lambda: conversation.say_all(given), units=len(given), base=1)


def _counting_floor(bench: Bench, given: list[Json]) -> Callable[[int], AbstractContextManager[Act]]:
    count = load_encoder("o200k_base")

    @contextmanager
    def prepare(_: int) -> Iterator[Act]:
        connection = connect(bench.new_path())
        connection.execute("CREATE TABLE messages (id BLOB PRIMARY KEY, tokens INTEGER, payload BLOB)")

        def write() -> None:
            rows = []
            for message in given:
                payload = json.dumps(message).encode()
                rows.append((hashlib.sha256(payload).digest(), len(count(message["content"])), payload))
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany("INSERT INTO messages VALUES (?, ?, ?)", rows)
            connection.execute("COMMIT")

        yield write
        connection.close()

    return prepare
