"""When the client of `tract.llm` tries again, and how long it waits before it does."""

import time
from collections.abc import Iterator

import httpx
import pytest

from llm_support import HELLO, OK, Script, answer, offline_client
from tract.llm import LLMClientError, LLMDeadlineError, LLMRateLimitError, LLMStatusError

NOW = 1_700_000_000.0  # Tue, 14 Nov 2023 22:13:20 GMT


@pytest.fixture
def far_from_greenwich(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put this machine in another time zone."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return the list that every wait goes to instead of taking its time."""
    waited: list[float] = []
    monkeypatch.setattr(time, "sleep", waited.append)
    return waited


def test_waits_double_up_to_a_limit_with_jitter(waits: list[float]) -> None:
    """Without a word from the server a wait is 1, 2, 4 ... 30 seconds and up to two more."""
    script = Script(httpx.Response(500))

    with offline_client(script, max_retries=7) as client, pytest.raises(LLMStatusError):
        client.chat(HELLO)

    least = [1, 2, 4, 8, 16, 30, 30]
    assert [low <= wait <= low + 2 for low, wait in zip(least, waits, strict=True)] == [True] * 7
    assert len({wait % 1 for wait in waits}) > 1


@pytest.mark.parametrize(
    ("headers", "asked"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": " 7.5 "}, 7.5),
        ({"retry-after": "60"}, 60.0),
        ({"retry-after-ms": "7500"}, 7.5),
        ({"retry-after-ms": "0", "retry-after": "7"}, 7.0),
        ({"retry-after-ms": "7500", "retry-after": "nonsense"}, 7.5),
        ({"retry-after": "Tue, 14 Nov 2023 22:13:30 GMT"}, 10.0),
        ({"retry-after": "Tuesday, 14-Nov-23 22:13:30 GMT"}, 10.0),
        ({"retry-after": "Tue, 14 Nov 2023 22:13:30 -0000"}, 10.0),
    ],
    ids=str,
)
@pytest.mark.usefixtures("far_from_greenwich")
def test_the_wait_is_what_the_server_asks_for(
    headers: dict[str, str], asked: float, waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seconds, milliseconds and dates are understood, and told when the tries are used up."""
    monkeypatch.setattr(time, "time", lambda: NOW)
    script = Script(httpx.Response(429, headers=headers))

    with offline_client(script, max_retries=1) as client, pytest.raises(LLMRateLimitError) as caught:
        client.chat(HELLO)

    assert waits == [asked]
    assert caught.value.retry_after == asked


def test_the_wait_is_never_shorter_than_the_backoff(waits: list[float]) -> None:
    """A server that asks for next to nothing is given the usual time."""
    script = Script(httpx.Response(503, headers={"retry-after": "0.01"}), OK)

    with offline_client(script) as client:
        client.chat(HELLO)

    assert 1 <= waits[0] <= 3


@pytest.mark.parametrize(
    "value",
    ["", "soon", "-5", "nan", "inf", "-inf", "1e3", "0x10", "1_0", "٣", "9" * 400, "Wed, 99 Foo 2023", "12 14 16"],
)
@pytest.mark.parametrize("name", ["retry-after", "retry-after-ms"])
def test_nonsense_falls_back_to_the_backoff(name: str, value: str, waits: list[float]) -> None:
    """What is no time to wait counts as nothing said."""
    response = httpx.Response(429, headers=[(name.encode(), value.encode())])

    with offline_client(Script(response), max_retries=1) as client, pytest.raises(LLMRateLimitError) as caught:
        client.chat(HELLO)

    assert caught.value.retry_after is None
    assert 1 <= waits[0] <= 3


def test_a_date_gone_by_falls_back_to_the_backoff(waits: list[float]) -> None:
    """A date in the past asks for nothing."""
    script = Script(httpx.Response(429, headers={"retry-after": "Fri, 31 Dec 1999 23:59:59 GMT"}))

    with offline_client(script, max_retries=1) as client, pytest.raises(LLMRateLimitError) as caught:
        client.chat(HELLO)

    assert caught.value.retry_after is None
    assert 1 <= waits[0] <= 3


@pytest.mark.parametrize(
    ("status", "headers", "deadline", "asked"),
    [
        (429, {"retry-after": "61"}, 600, 61.0),
        (429, {"retry-after-ms": "3600000"}, 600, 3600.0),
        (503, {"retry-after": "3600"}, 600, 3600.0),
        (429, {"retry-after": "30"}, 10, 30.0),
        (500, {}, 0.9, None),
    ],
)
def test_a_wait_that_is_too_long_is_not_begun(
    status: int, headers: dict[str, str], deadline: float, asked: float | None, waits: list[float]
) -> None:
    """More than a minute, or more than the deadline leaves, is told to the caller at once."""
    script = Script(httpx.Response(status, headers=headers))

    with offline_client(script) as client, pytest.raises(LLMClientError) as caught:
        client.chat(HELLO, deadline=deadline)

    assert (caught.value.status, caught.value.retry_after, caught.value.attempts) == (status, asked, 1)
    assert waits == []


def test_no_try_begins_after_the_deadline(waits: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    """A wait that took longer than it should have is followed by an error, which tells what went before."""
    clock = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(time, "sleep", lambda seconds: clock.append(clock.pop() + 100))
    script = Script(httpx.Response(503, text="down"))

    with offline_client(script) as client, pytest.raises(LLMDeadlineError, match=r"down") as caught:
        client.chat(HELLO, deadline=50)

    assert len(script.requests) == 1
    assert caught.value.attempts == 1


@pytest.mark.parametrize(
    ("status", "hint", "tries"),
    [
        (400, "true", 3),
        (409, "TRUE", 3),
        (500, "false", 1),
        (429, "false", 1),
        (500, "maybe", 3),
        (401, "true", 1),
    ],
)
def test_the_servers_hint_is_obeyed(status: int, hint: str, tries: int, waits: list[float]) -> None:
    """`x-should-retry` goes before the list of statuses, but for a key that is refused."""
    script = Script(httpx.Response(status, headers={"x-should-retry": hint}))

    with offline_client(script, max_retries=2) as client, pytest.raises(LLMClientError):
        client.chat(HELLO)

    assert len(script.requests) == tries
    assert len(waits) == tries - 1


@pytest.mark.parametrize(
    "error",
    [
        {"code": "insufficient_quota"},
        {"code": "billing_hard_limit_reached"},
        {"code": None, "type": "insufficient_quota"},
        {"code": "credit_balance_exhausted", "type": "insufficient_quota"},
        {"code": "BILLING_NOT_ACTIVE"},
    ],
    ids=str,
)
def test_a_spent_quota_is_told_at_once(error: dict[str, str | None], waits: list[float]) -> None:
    """No wait brings money: such a 429 is raised after one try, whatever wait it asks for."""
    script = Script(httpx.Response(429, json={"error": {"message": "Pay.", **error}}, headers={"retry-after": "1"}))

    with offline_client(script) as client, pytest.raises(LLMRateLimitError, match=r"Pay\.") as caught:
        client.chat(HELLO)

    assert (caught.value.attempts, caught.value.retry_after, caught.value.retryable) == (1, 1.0, False)
    assert waits == []


def test_each_retry_is_logged(waits: list[float], caplog: pytest.LogCaptureFixture) -> None:
    """A log record per retry tells the wait and the reason."""
    script = Script(httpx.Response(503, text="down"), httpx.ReadError("reset"), OK)

    with offline_client(script, base_url="http://localhost") as client:
        response = client.chat(HELLO)

    messages = [record.getMessage() for record in caplog.records if record.name == "tract.llm"]
    assert response == answer()
    assert len(messages) == len(waits) == 2
    assert messages[0].startswith("Retrying")
    assert "down" in messages[0]
    assert "reset" in messages[1]


def test_one_call_leaves_nothing_behind_for_the_next(waits: list[float]) -> None:
    """Tries are counted per call."""
    script = Script(httpx.Response(500), OK, httpx.Response(500), httpx.Response(500), OK)

    with offline_client(script, max_retries=2) as client:
        answers = [client.chat(HELLO), client.chat(HELLO)]

    assert answers == [answer(), answer()]
    assert [low <= wait <= low + 2 for low, wait in zip([1, 1, 2], waits, strict=True)] == [True] * 3
