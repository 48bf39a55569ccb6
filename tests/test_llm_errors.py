"""The errors of `tract.llm`: how they are made and copied, and what they repeat of a provider's words."""

import copy
import json
import pickle
from typing import Any

import httpx
import pytest

from llm_support import HELLO, Script, offline_client
from tract.exceptions import TraceError
from tract.llm import LLMClientError, LLMConfigError, LLMRateLimitError, LLMRequestError, LLMStatusError


@pytest.mark.parametrize(
    ("args", "options", "seconds"),
    [
        ((), {}, None),
        ((2.0,), {}, 2.0),
        ((2,), {}, 2.0),
        ((), {"retry_after": 2.0}, 2.0),
        (("text",), {"retry_after": 2.0}, 2.0),
        (("text",), {}, None),
    ],
)
def test_a_rate_limit_error_takes_text_or_seconds(
    args: tuple[Any, ...], options: dict[str, Any], seconds: float | None
) -> None:
    """A number alone is how long to wait; a text is the message."""
    error = LLMRateLimitError(*args, **options)

    assert error.retry_after == seconds
    assert str(error)
    assert (str(error) == "text") == (args == ("text",))


def every_error() -> list[LLMClientError]:
    """Return one error of each kind, as a client raises it."""
    statuses = [
        httpx.Response(status, json={"error": {"message": "m", "code": "c"}}) for status in (400, 401, 429, 503)
    ]
    garbage = httpx.Response(200, content=b"?")
    steps: list[httpx.Response | Exception] = [*statuses, garbage, httpx.ReadError("reset"), httpx.ReadTimeout("late")]
    errors: list[LLMClientError] = [LLMConfigError("no key"), LLMRequestError("no JSON")]
    for step in steps:
        with offline_client(Script(step), max_retries=0) as client, pytest.raises(LLMClientError) as caught:
            client.chat(HELLO)
        errors.append(caught.value)
    return errors


@pytest.mark.parametrize("again", [lambda error: pickle.loads(pickle.dumps(error)), copy.deepcopy, copy.copy])
def test_every_error_pickles_and_copies(again: Any) -> None:
    """A copy of an error has its type, its words and its facts."""
    facts = ("status", "code", "request_id", "retry_after", "attempts", "retryable", "args")
    for error in every_error():
        twin: Any = again(error)

        assert type(twin) is type(error)
        assert [getattr(twin, fact) for fact in facts] == [getattr(error, fact) for fact in facts]
        assert str(twin) == str(error)
        if isinstance(twin, LLMStatusError):
            assert twin.response.json() == {"error": {"message": "m", "code": "c"}}
            assert (twin.request.method, str(twin.request.url)) == ("POST", "http://test/chat/completions")


def test_every_error_is_a_trace_error_without_a_chain() -> None:
    """All errors stand under `LLMClientError`, and drag no other exception along."""
    for error in every_error():
        assert isinstance(error, LLMClientError)
        assert isinstance(error, TraceError)
        assert error.__cause__ is error.__context__ is None
        assert error.__suppress_context__ or error.attempts == 0


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"error": {"message": "a b"}}, "a b"),
        ({"error": "a b"}, "a b"),
        ({"code": "x", "error": "a b"}, "a b"),
        ({"error": "Bad Request", "message": "a b"}, "a b"),
        ({"object": "error", "message": "a b"}, "a b"),
        ({"message": {"detail": [{"loc": ["body"], "msg": "a b"}]}}, "a b"),
        ({"detail": "a b"}, "a b"),
        ({"detail": [{"msg": "a b"}, {"msg": "c"}]}, "a b; c"),
        ({"errors": [{"message": "a b"}]}, "a b"),
        ([{"error": {"message": "a b"}}], "a b"),
        ({"error": {"message": "failed", "metadata": {"raw": "a b"}}}, "failed: a b"),
        ({"base_resp": {"status_code": 1, "status_msg": "a b"}}, "a b"),
        ({"error": {"code": 7}}, '{"error":{"code":7}}'),
        ("a b", "a b"),
        ({"error": {"message": "a\nb"}}, "a\nb"),
        ({"error": {"message": "\x1b[31ma\ud800"}}, r"\x1b[31ma\ud800"),
    ],
)
def test_a_message_is_the_providers_own_words(body: object, words: str) -> None:
    """In whatever shape a provider says what is wrong, it is repeated; control sequences are spelled out."""
    text = json.dumps(body, separators=(",", ":"))

    with offline_client(Script(httpx.Response(422, text=text))) as client, pytest.raises(LLMStatusError) as caught:
        client.chat(HELLO)

    assert f": {words} (" in str(caught.value)


@pytest.mark.parametrize(
    "body", [b"upstream down", b"<h1>down</h1>", b"\xff down", b"[" * 9999 + b"down", b"{" * 9 + b"down"]
)
def test_a_body_in_no_known_shape_is_repeated_from_its_beginning(body: bytes) -> None:
    """Plain text, HTML and broken JSON are words too."""
    with offline_client(Script(httpx.Response(418, content=body))) as client, pytest.raises(LLMStatusError) as caught:
        client.chat(HELLO)

    assert body[:20].decode("utf-8", "replace") in str(caught.value)


@pytest.mark.parametrize(
    ("headers", "body", "code", "request_id"),
    [
        ({"x-request-id": "r"}, {"error": {"code": "c", "type": "t"}}, "c", "r"),
        ({"request-id": "r"}, {"error": {"code": None, "type": "t"}}, "t", "r"),
        ({"apim-request-id": "r"}, {"error": {"code": 400}}, "400", "r"),
        ({}, {"type": "error", "error": {"type": "t"}, "request_id": "r"}, "t", "r"),
        ({}, {"code": "c", "error": "text"}, "c", None),
        ({}, {"error": {"message": "m"}}, None, None),
    ],
)
def test_an_error_carries_code_and_request_id(
    headers: dict[str, str], body: object, code: str | None, request_id: str | None
) -> None:
    """What a provider's support asks for is on the error and in its message."""
    script = Script(httpx.Response(422, json=body, headers=headers))

    with offline_client(script) as client, pytest.raises(LLMStatusError) as caught:
        client.chat(HELLO)

    assert (caught.value.code, caught.value.request_id) == (code, request_id)
    assert all(
        f"{name} {value}" in str(caught.value)
        for name, value in {"code": code, "request id": request_id}.items()
        if value
    )


def test_a_status_error_keeps_copies_of_request_and_response() -> None:
    """The copies tell what was asked and answered: no credentials, no cookies, no prompt, 2 kB of the body."""
    headers = {"set-cookie": "session=1", "x-ratelimit-remaining": "0", "content-type": "text/plain"}
    script = Script(httpx.Response(400, content=b"x" * 9999, headers=headers))

    with offline_client(script) as client, pytest.raises(LLMStatusError) as caught:
        client.chat(HELLO)

    response = caught.value.response
    assert response.content == b"x" * 2000
    assert response.headers["x-ratelimit-remaining"] == "0"
    assert "set-cookie" not in response.headers
    assert response.request is caught.value.request
    assert "authorization" not in caught.value.request.headers
    assert caught.value.request.headers["content-type"] == "application/json"
