"""What verbs cost on PostgreSQL in round trips, counted by a proxy that reads what passes."""

from collections.abc import Callable, Iterator
from functools import partial

import pytest

from postgres_proxy import Proxy, proxied
from tract import Tract
from tract_support import answering, asking, say

APPEND = 8
Trips = list[tuple[str, ...]]


@pytest.fixture
def passed(postgres_url: str) -> Iterator[tuple[str, Proxy]]:
    """A proxy before a store with a few messages."""
    with Tract.open(postgres_url, durability="normal") as t:
        t.append([say("user", f"message {number}") for number in range(5)])
    with proxied(postgres_url) as found:
        yield found


def trips(proxy: Proxy, act: Callable[[], object]) -> Trips:
    """Return the round trips that something takes."""
    proxy.take_trips()
    act()
    return proxy.take_trips()


def test_an_append_takes_at_most_eight_round_trips(passed: tuple[str, Proxy]) -> None:
    """The first on a new connection, the ones at which its statements are prepared, and all after that."""
    url, proxy = passed
    with Tract.open(url, durability="normal") as t:
        seen = [trips(proxy, partial(t.user, text)) for text in ("said before", *"abcdefgh", "said before")]

    assert max(map(len, seen)) <= APPEND, seen


def test_a_branch_is_held_for_one_round_trip(passed: tuple[str, Proxy]) -> None:
    """Behind the statement that moves the ref, and so locks its row, nothing is sent but COMMIT, and that at once."""
    url, proxy = passed
    with Tract.open(url, durability="normal") as t:
        seen = [trips(proxy, lambda: t.user("more")) for _ in range(15)]

    for found in seen:
        moved = next(n for n, sent in enumerate(found) if any("UPDATE refs" in sql for sql in sent))
        assert found[moved + 1 :] == [("COMMIT",)]


@pytest.mark.parametrize("count", [2, 300])
def test_many_messages_take_as_many_round_trips_as_one(passed: tuple[str, Proxy], count: int) -> None:
    """Messages of one commit are sent in one go."""
    url, proxy = passed
    messages = [say("user", f"new {number}") for number in range(count)]
    with Tract.open(url, durability="normal") as t:
        seen = trips(proxy, lambda: t.append(messages))

    assert len(seen) <= APPEND, seen


def test_calls_results_edits_and_marks_stay_within_it(passed: tuple[str, Proxy]) -> None:
    """Whatever one commit is made of, by an object that has read the context."""
    url, proxy = passed
    with Tract.open(url, durability="normal") as t:
        first = t.compile().message_ids[0]
        verbs: list[Callable[[], object]] = [
            lambda: t.append(asking("c1", "c2")),
            lambda: t.append([answering("c2"), answering("c1")]),
            lambda: t.edit(first, "edited"),
            lambda: t.pin(first),
            lambda: t.configure(model="m"),
        ]
        seen = [trips(proxy, verb) for verb in verbs]

    assert max(map(len, seen)) <= APPEND, seen


def test_reading_takes_a_round_trip_for_each_question(passed: tuple[str, Proxy]) -> None:
    """A first compile asks for the tip, the chain, messages and counts; the next, like a status, only for the tip."""
    url, proxy = passed
    with Tract.open(url, durability="normal") as t:
        first, again, status = (trips(proxy, act) for act in (t.compile, t.compile, t.status))

    assert len(first) <= 4, first
    assert (len(again), len(status)) == (1, 2), (again, status)


def test_refs_and_merges_take_a_bounded_number(passed: tuple[str, Proxy]) -> None:
    """However long the history that the branches share."""
    url, proxy = passed
    counts = []
    for more in (1, 300):
        with Tract.open(url, durability="normal") as t:
            t.append([say("user", f"{more} {number}") for number in range(more)])
            name = f"side{more}"
            made = trips(proxy, partial(t.switch, name, create=True))
            t.user("theirs")
            t.switch("main")
            t.user("ours")
            merged = trips(proxy, partial(t.merge, name))
            counts.append((len(made), len(merged)))

    assert counts[0] == counts[1]
    assert counts[0][0] <= 10
    assert counts[0][1] <= 20


def test_opening_a_store_that_is_there_takes_few(passed: tuple[str, Proxy]) -> None:
    """The version, the tract, the encodings and the workspace."""
    url, proxy = passed

    def open_and_close() -> None:
        Tract.open(url, durability="normal").close()

    seen = trips(proxy, open_and_close)

    assert len(seen) <= 8, seen
