"""Several processes on one store in PostgreSQL: racing for a branch, merging against it, and stopping half-way."""

import os
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

import pytest

from postgres_support import database_of, with_query
from postgres_writers import CONTEXT, assert_one_line, received, start, written_at_once
from tract import Tract
from tract_support import texts


def test_writers_of_one_branch_lose_nothing(postgres_url: str) -> None:
    """Eight processes append fifty messages each: all there, once, in one line, and a race is lost to a success."""
    said = written_at_once(postgres_url, 8, 50)

    assert [len(own) for own in said] == [50] * 8
    assert_one_line(postgres_url, [each for own in said for each in own])
    assert max(each.tries for own in said for each in own) <= 1 + 7 * 50


@pytest.mark.long
def test_sixteen_writers_of_one_branch_lose_nothing(postgres_url: str) -> None:
    """Sixteen processes append five hundred messages each."""
    said = written_at_once(postgres_url, 16, 500)
    tries = sorted(each.tries for own in said for each in own)
    print(f"\n8,000 appends: {sum(tries)} tries, median {tries[4000]}, 99.9 % {tries[7992]}, most {tries[-1]}")

    assert [len(own) for own in said] == [500] * 16
    assert_one_line(postgres_url, [each for own in said for each in own])
    assert tries[-1] <= 1 + 15 * 500


def merge_again_and_again(url: str, count: int, finished: Connection) -> None:
    """Say something on a branch and merge it into main, so many times."""
    with finished, Tract.open(url, workspace="merger", durability="normal") as t:
        t.switch("side", create=True)
        for n in range(count):
            t.user(f"side {n}")
            t.switch("main")
            result = t.merge("side")
            assert result.committed or result.kind == "up_to_date", result
            t.switch("side")


def test_merges_against_writers_lose_nothing(postgres_url: str) -> None:
    """One process merges a branch into main while three append to it: everything is there, once."""
    with Tract.open(postgres_url) as t:
        t.user("first")
    merger, ended = start(merge_again_and_again, postgres_url, 12)
    said = written_at_once(postgres_url, 3, 25)
    assert received(ended) == []
    merger.join()

    assert merger.exitcode == 0
    with Tract.open(postgres_url) as t:
        expected = ["first", *(f"side {n}" for n in range(12)), *(each.text for own in said for each in own)]
        assert sorted(texts(t)) == sorted(expected)
        assert t.fsck().faults == ()


def wait_inside(url: str, talk: Connection) -> None:
    """Append a message, and in the transaction of the next wait for a word, when it holds the branch."""
    with talk, Tract.open(url, workspace="stopped", durability="normal") as t:
        t.user("before")
        database = database_of(t)
        transact = database.transact

        def waiting(act: Callable[[Any], Any], *, wait: bool = True) -> Any:
            del database.transact

            def act_and_wait(transaction: object) -> object:
                found = act(transaction)
                if waits:
                    talk.send(waits.pop())
                    talk.recv()
                return found

            return transact(act_and_wait, wait=wait)

        waits = ["holds the branch"]
        database.transact = waiting  # type: ignore[method-assign]
        talk.send(t.user("stopped").message_id)


def test_a_client_stopped_in_its_transaction_holds_nobody_up(postgres_url: str) -> None:
    """The server ends its session after the three seconds that tract sets: others go on, and so does it, continued."""
    talk, end = CONTEXT.Pipe()
    process = CONTEXT.Process(target=wait_inside, args=(postgres_url, end))
    process.start()
    end.close()
    assert talk.recv() == "holds the branch"
    assert process.pid is not None
    os.kill(process.pid, signal.SIGSTOP)

    try:
        # Whoever waits longer than these five seconds is told so by the server.
        with Tract.open(with_query(postgres_url, options="-c lock_timeout=5s"), durability="normal") as t:
            t.user("goes on")
    finally:
        os.kill(process.pid, signal.SIGCONT)
        talk.send("go on")
    message_id = talk.recv()
    process.join()

    with Tract.open(postgres_url) as t:
        assert process.exitcode == 0
        assert texts(t) == ["before", "goes on", "stopped"]
        assert t.compile().message_ids[-1] == message_id
