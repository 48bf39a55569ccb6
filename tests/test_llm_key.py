"""What the client of `tract.llm` keeps to itself: the key, in errors, logs and tracebacks, and where it goes."""

import logging
import pickle
import time
import traceback
from collections.abc import Iterator

import httpx
import pytest

from llm_support import HELLO, OK, ModelServer, Reply, Script, model_server, offline_client
from tract.llm import (
    LLMClientError,
    LLMConfigError,
    LLMStatusError,
    OpenAIClient,
)

KEY = "sk-canary/4f9a'c2\"e8\\77"


@pytest.fixture
def server() -> Iterator[ModelServer]:
    """Return a server on loopback."""
    with model_server() as running:
        yield running


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return the list that every wait goes to instead of taking its time."""
    waited: list[float] = []
    monkeypatch.setattr(time, "sleep", waited.append)
    return waited


ECHOES: dict[str, httpx.Response | Exception] = {
    "words": httpx.Response(400, json={"error": {"message": f"bad key {KEY}", "code": KEY, "type": KEY}}),
    "401": httpx.Response(401, json={"error": {"message": f"Incorrect API key provided: {KEY}."}}),
    "429": httpx.Response(429, json={"error": KEY}),
    "text": httpx.Response(500, text=f"Bearer {KEY} refused"),
    "headers": httpx.Response(404, headers={"x-request-id": KEY, "x-echo": f"Bearer {KEY}"}),
    "success": httpx.Response(200, json={"error": {"message": KEY}}),
    "no JSON": httpx.Response(200, text=f"<html>{KEY}"),
    "redirect": httpx.Response(307, headers={"location": f"http://elsewhere/?key={KEY}"}),
    "connection": httpx.ConnectError(f"cannot send {KEY}"),
    "protocol": httpx.RemoteProtocolError(f"illegal header line: {KEY!r}"),
}

ECHO = {"x-echo": f"Bearer {KEY}", "content-type": "application/json"}


def everything_shown(error: BaseException) -> str:
    """Return all that a report of an error may show: its words, facts, pickle, and traceback with local variables."""
    shown = [str(error), repr(error), repr(vars(error)), repr(pickle.dumps(error)), repr(error.args)]
    shown += traceback.TracebackException.from_exception(error, capture_locals=True).format()
    if isinstance(error, LLMStatusError):
        shown += [repr(error.request.headers.raw), repr(error.response.headers.raw), error.response.text]
    return "\n".join(shown)


def spellings(key: str) -> list[str]:
    """Return the key as it is, and as a repr and JSON write it."""
    return [key, repr(key)[1:-1], key.replace("\\", "\\\\").replace('"', '\\"')]


@pytest.mark.parametrize("name", ECHOES)
def test_no_error_shows_the_key(name: str, waits: list[float], caplog: pytest.LogCaptureFixture) -> None:
    """A server that repeats the key has it masked in errors, tracebacks and logs of every level."""
    caplog.set_level(logging.DEBUG)

    with offline_client(Script(ECHOES[name]), api_key=KEY) as client, pytest.raises(LLMClientError) as caught:
        client.chat(HELLO)

    shown = everything_shown(caught.value) + caplog.text
    assert [spelling for spelling in spellings(KEY) if spelling in shown] == []


def test_no_log_shows_the_key(
    server: ModelServer, waits: list[float], caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Through real connections too: httpcore logs headers at DEBUG, and a server may repeat the key there."""
    caplog.set_level(logging.DEBUG)
    server.replies.extend([Reply(headers=ECHO), Reply(401, b"{}", ECHO), Reply(500, KEY.encode(), ECHO), Reply()])

    with OpenAIClient(KEY, server.url) as client:
        client.chat(HELLO)
        with pytest.raises(LLMClientError) as caught:
            client.chat(HELLO)
        client.chat(HELLO)

    shown = everything_shown(caught.value) + caplog.text + "".join(capfd.readouterr())
    assert "receive_response_headers.complete" in shown
    assert [received.headers["authorization"] for received in server.received] == [f"Bearer {KEY}"] * 4
    assert [spelling for spelling in spellings(KEY) if spelling in shown] == []


def test_the_client_does_not_show_its_key() -> None:
    """Neither its repr nor its attributes' hold the key, nor can they be pickled out of it."""
    with OpenAIClient(KEY) as client:
        shown = repr(client) + repr(vars(client)) + repr(vars(client._client)) + repr(client._retrying.__dict__)

        assert [spelling for spelling in spellings(KEY) if spelling in shown] == []
        with pytest.raises(TypeError):
            pickle.dumps(vars(client)["_secret"])


@pytest.mark.parametrize(
    "key", [f"{KEY}\n", f"{KEY} x", f"\t{KEY}", f"{KEY}\0", f"{KEY}é", f"{KEY}\u200b", f"{KEY}\x7f"]
)
def test_a_key_that_no_header_can_carry_is_refused(key: str) -> None:
    """White space, control characters and non-ASCII are told by their place, and the key is not shown."""
    with pytest.raises(LLMConfigError, match="character") as caught:
        OpenAIClient(key, "http://localhost")

    frames = traceback.TracebackException.from_exception(caught.value, capture_locals=True).stack[1:]
    shown = str(caught.value) + "".join(repr(frame.locals) for frame in frames)
    assert "canary" not in shown


def test_a_key_that_is_no_text_is_refused() -> None:
    """Bytes are not decoded by guess."""
    with pytest.raises(LLMConfigError):
        OpenAIClient(KEY.encode())  # type: ignore[arg-type]


def test_a_short_key_is_no_secret_to_mask() -> None:
    """Local servers take any word for a key; an error that happens to hold that word stays readable."""
    script = Script(httpx.Response(400, text="none of the models fits"))

    with offline_client(script, api_key="none") as client, pytest.raises(LLMStatusError, match="none of the models"):
        client.chat(HELLO)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_post_is_never_redirected(status: int, server: ModelServer) -> None:
    """Neither the key nor the prompt follows a redirect, which is an error that is told at once."""
    with model_server() as elsewhere:
        server.replies.append(Reply(status, b"", {"location": f"{elsewhere.url}/chat/completions"}))
        with OpenAIClient(KEY, server.url) as client:
            client._client.follow_redirects = True
            with pytest.raises(LLMStatusError, match="redirect"):
                client.chat(HELLO)

        assert elsewhere.received == []
    assert len(server.received) == 1


@pytest.mark.parametrize(
    ("base", "warned"),
    [
        ("http://models.example/v1", ["models.example"]),
        ("http://10.0.0.1:8080", ["10.0.0.1"]),
        ("https://models.example/v1", []),
        ("http://localhost:1", []),
        ("http://127.0.0.9", []),
        ("http://[::1]:1", []),
        ("http://x.localhost", []),
    ],
)
def test_a_key_in_the_clear_is_warned_of_once(base: str, warned: list[str], caplog: pytest.LogCaptureFixture) -> None:
    """A client for http:// elsewhere than on this machine logs one warning that names the host, and works."""
    with offline_client(Script(OK), base_url=base) as client:
        client.chat(HELLO)
        client.chat(HELLO)

    records = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert [host for record, host in zip(records, warned, strict=True) if host in record.getMessage()] == warned
