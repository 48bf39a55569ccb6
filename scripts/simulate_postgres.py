"""What one PostgreSQL carries: many tracts, several processes, each appending; prints commits a second and bytes.

Run as `.venv/bin/python scripts/simulate_postgres.py [TRACTS] [PROCESSES] [COMMITS]`; it starts the server that the
tests use, with syncing switched on, or uses the one that TRACT_TEST_POSTGRES names.
"""

import multiprocessing
import os
import platform
import random
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

import postgres_server as server_support
from postgres_support import ask
from tract import Tract

CHARACTERS = 400


def write(url: str, first: int, tracts: int, count: int) -> None:
    """Append messages of 400 characters, in turn to each of a range of tracts."""
    words = random.Random(first)
    opened = [Tract.open(url, name=f"tract{first + n}") for n in range(tracts)]
    for n in range(count):
        text = " ".join(f"{words.getrandbits(24):x}" for _ in range(CHARACTERS // 7))
        opened[n % tracts].user(text)
    for t in opened:
        t.close()


def simulate(url: str, tracts: int, processes: int, commits: int) -> None:
    """Run the writers and print what came of it."""
    Tract.open(url).close()
    size = f"SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relnamespace = '{_schema(url)}'::regnamespace"
    kinds = " AND relkind = 'r'"
    before = ask(url, size + kinds)[0][0]
    context = multiprocessing.get_context("spawn")
    share = tracts // processes
    begun = time.perf_counter()
    workers = [
        context.Process(target=write, args=(url, n * share, share, commits // processes)) for n in range(processes)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    seconds = time.perf_counter() - begun
    written = sum(count for (count,) in ask(url, "SELECT count(*) FROM commits"))
    bytes_each = float(ask(url, size + kinds)[0][0] - before) / written
    rate = written / seconds
    print(f"{platform.machine()}, {os.cpu_count()} cores: {share * processes} tracts, {processes} processes")
    print(f"{written} commits in {seconds:.1f} s: {rate:.0f} a second, {bytes_each:.0f} bytes each")
    print(f"a day at that rate: {rate * 86400 / 1e6:.1f} million commits, {rate * 86400 * bytes_each / 1e9:.0f} GB")


def _schema(url: str) -> str:
    return url.split("schema=")[1].split("&")[0]


if __name__ == "__main__":
    numbers = [int(text) for text in sys.argv[1:]] + [100, 4, 4000][len(sys.argv) - 1 :]
    server_support._SETTINGS["fsync"] = "on"
    server_support._SETTINGS["full_page_writes"] = "on"
    with server_support.postgres_server() as server, server_support.new_schema(server) as place:
        simulate(place, *numbers)
