"""Lost acknowledgements: connections that break or fall silent around COMMIT lose nothing and double nothing."""

import random

import pytest

from postgres_proxy import Fault, Proxy, proxied
from postgres_support import with_query
from postgres_writers import assert_one_line, written_at_once

FAULTS: tuple[Fault, ...] = ("lost before", "lost after", "mute before", "mute after")
EAGER = "-c idle_in_transaction_session_timeout=500ms"


def write_through_faults(url: str, writers: int, count: int, share: float) -> Proxy:
    """Let processes append through a proxy that breaks a share of all commits, and check what is left."""
    chance = random.Random(11)

    def choose(_: int) -> Fault | None:
        return chance.choice(FAULTS) if chance.random() < share else None

    # A mute server is given up after a second, and the session that a mute client leaves is ended after half of one.
    with proxied(url, choose, by_tcp=True) as (through, proxy):
        patient = with_query(through, answer_seconds="1", options=EAGER, connect_timeout="10")
        said = [each for own in written_at_once(patient, writers, count) for each in own]
    assert len(said) == writers * count
    assert_one_line(url, said)
    return proxy


def test_broken_commits_lose_and_double_nothing(postgres_url: str) -> None:
    """Three hundred commits of four processes, every twelfth reset or silenced before or behind its COMMIT."""
    proxy = write_through_faults(postgres_url, 4, 75, 1 / 12)

    assert set(proxy.faults) == set(FAULTS)


@pytest.mark.long
def test_ten_thousand_broken_commits_lose_and_double_nothing(postgres_url: str) -> None:
    """Ten thousand commits of eight processes."""
    proxy = write_through_faults(postgres_url, 8, 1250, 1 / 12)

    print(f"\n10,000 commits, {len(proxy.faults)} of them broken: 0 lost, 0 doubled")
    assert set(proxy.faults) == set(FAULTS)
