"""The contract of `tract.llm`: the client, its protocols and the resolver, without a network and on loopback."""

import concurrent.futures
import dataclasses
import json
import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from llm_support import (
    DATA,
    HELLO,
    OK,
    ModelServer,
    Recorder,
    Reply,
    Script,
    an_issue,
    answer,
    model_server,
    offline_client,
    raw_server,
    recorded,
)
from tract.llm import (
    LLMAuthError,
    LLMClient,
    LLMClientError,
    LLMConfigError,
    LLMConnectionError,
    LLMRateLimitError,
    LLMRequestError,
    LLMResponseError,
    LLMStatusError,
    OpenAIClient,
    OpenAIResolver,
    Resolution,
    ResolverCallable,
)

needs_recordings = pytest.mark.skipif(not DATA.exists(), reason="the recorded exchanges are not here")


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return the list that every wait goes to instead of taking its time."""
    waited: list[float] = []
    monkeypatch.setattr(time, "sleep", waited.append)
    return waited


@pytest.fixture
def server() -> Iterator[ModelServer]:
    """Return a server on loopback."""
    with model_server() as running:
        yield running


# Asking


def test_chat_success() -> None:
    """A chat posts model and messages with the key as a bearer, and gives the answer back as it came."""
    script = Script(OK)

    with offline_client(script, base_url="http://test/v1") as client:
        response = client.chat(HELLO)

    (request,) = script.requests
    assert response == answer()
    assert (request.method, str(request.url)) == ("POST", "http://test/v1/chat/completions")
    assert request.headers["authorization"] == "Bearer test-key"
    assert request.headers["content-type"] == "application/json"
    assert json.loads(request.content) == {"model": "gpt-4o-mini", "messages": HELLO}


def test_chat_with_optional_params() -> None:
    """Parameters that are given are sent, zeros too; further keywords go along; the deadline stays here."""
    script = Script(OK)

    with offline_client(script) as client:
        client.chat(HELLO, model="m", temperature=0.0, max_tokens=0, deadline=5, top_p=0.5, stop=None)

    sent = json.loads(script.requests[0].content)
    assert sent == {
        "model": "m",
        "messages": HELLO,
        "temperature": 0.0,
        "max_tokens": 0,
        "top_p": 0.5,
        "stop": None,
    }


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("Hello.", "Hello."),
        ([{"type": "text", "text": "Hel"}, {"type": "thinking"}, {"type": "text", "text": "lo."}], "Hello."),
        (" \n", " \n"),
    ],
)
def test_chat_extracts_content(content: object, text: str) -> None:
    """The content is the first choice's text, parts joined, as it is."""
    with offline_client(Script(httpx.Response(200, json=answer(content)))) as client:
        response = client.chat(HELLO)

    assert client.extract_content(response) == text


@pytest.mark.parametrize(
    "response",
    [
        None,
        [],
        {},
        {"choices": None},
        {"choices": []},
        {"choices": [None]},
        {"choices": [{}]},
        {"choices": [{"message": {}}]},
        answer(None),
        answer(""),
        answer([]),
        answer(7),
        answer([{"type": "image_url", "image_url": {"url": "x"}}]),
        answer([{"type": "refusal", "refusal": "No."}]),
        {"choices": [{"message": {"content": None, "refusal": "I will not."}}]},
        {"choices": [{"message": {"content": "Well.", "refusal": "I will not."}}]},
        {"choices": [{"message": {"content": None, "tool_calls": [{"id": "1"}]}}]},
    ],
)
def test_no_content_is_an_error(response: Any) -> None:
    """Whatever has no text for a first choice, a refusal too, is an error of ours and never an empty string."""
    with pytest.raises(LLMResponseError):
        OpenAIClient.extract_content(response)


def test_a_refusal_is_told_in_the_models_words() -> None:
    """Who reads the error sees why the model would not."""
    refusal = {"choices": [{"message": {"content": None, "refusal": "I will not."}}]}

    with pytest.raises(LLMResponseError, match="I will not"):
        OpenAIClient.extract_content(refusal)


def test_chat_extracts_usage() -> None:
    """Usage is the provider's own object, or None."""
    assert OpenAIClient.extract_usage(answer()) == {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    assert [OpenAIClient.extract_usage(odd) for odd in ({}, {"usage": None}, {"usage": 3}, None)] == [None] * 4


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" \n",
        b"<html>busy</html>",
        b'{"choices": [',
        b"[1]",
        b'"text"',
        b"null",
        b"{}",
        b'{"choices": null}',
        b'{"choices": {}}',
        b'{"choices": []}',
        b'{"error": {"message": "overloaded"}}',
        b'{"error": {"message": "overloaded"}, "choices": [{"message": {"content": "x"}}]}',
        b'data: {"choices": []}\n\ndata: [DONE]\n\n',
        b'{"choices": [{"message": {"content": "\xff"}}]}',
        b"[" * 100_000,
        b'{"choices": ' + b"1" * 5_000 + b"}",
    ],
    ids=range(17),
)
def test_a_success_without_an_answer_is_an_error(body: bytes) -> None:
    """A 200 whose body is no chat completion is said to be so, once, with the status."""
    script = Script(httpx.Response(200, content=body, headers={"x-request-id": "r1"}))

    with offline_client(script) as client, pytest.raises(LLMResponseError, match=r"(?s)HTTP 200.*r1") as caught:
        client.chat(HELLO)

    assert (caught.value.status, caught.value.request_id, caught.value.attempts) == (200, "r1", 1)
    assert len(script.requests) == 1


def test_an_error_inside_a_success_is_told_in_the_providers_words() -> None:
    """An `error` object in a 200 reads as the provider wrote it."""
    body = {"error": {"message": "Provider returned error", "code": 502, "metadata": {"raw": "overloaded"}}}

    with offline_client(Script(httpx.Response(200, json=body))) as client, pytest.raises(LLMResponseError) as caught:
        client.chat(HELLO)

    assert "Provider returned error: overloaded" in str(caught.value)
    assert caught.value.code == "502"


@pytest.mark.parametrize("content", ["\ud800", {1, 2}, float("nan")])
def test_what_is_no_json_is_never_sent(content: object) -> None:
    """A lone surrogate, an object or NaN is refused before anything is sent, and the next call works."""
    script = Script(OK)

    with offline_client(script) as client:
        with pytest.raises(LLMRequestError):
            client.chat([{"role": "user", "content": content}])
        client.chat(HELLO)

    assert len(script.requests) == 1


# Trying again


def test_retry_on_429(waits: list[float]) -> None:
    """A rate limit is waited out."""
    script = Script(httpx.Response(429), httpx.Response(429), OK)

    with offline_client(script) as client:
        response = client.chat(HELLO)

    assert response == answer()
    assert (len(script.requests), len(waits)) == (3, 2)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_retry_on_500(status: int, waits: list[float]) -> None:
    """A server that fails is asked again."""
    script = Script(httpx.Response(status), OK)

    with offline_client(script) as client:
        response = client.chat(HELLO)

    assert response == answer()
    assert (len(script.requests), len(waits)) == (2, 1)


@pytest.mark.parametrize(
    "failure",
    [
        httpx.ConnectError("refused"),
        httpx.ConnectTimeout("late"),
        httpx.ReadError("reset"),
        httpx.ReadTimeout("late"),
        httpx.WriteError("reset"),
        httpx.PoolTimeout("late"),
        httpx.RemoteProtocolError("Server disconnected without sending a response."),
    ],
    ids=lambda failure: type(failure).__name__,
)
def test_retry_on_connection_errors(failure: Exception, waits: list[float]) -> None:
    """A connection that fails in any way is tried anew."""
    script = Script(failure, OK)

    with offline_client(script) as client:
        response = client.chat(HELLO)

    assert response == answer()
    assert len(waits) == 1


@pytest.mark.parametrize("status", [401, 403])
def test_no_retry_on_401(status: int, waits: list[float]) -> None:
    """A refused key is said at once."""
    script = Script(httpx.Response(status, json={"error": {"message": "Bad key.", "code": "invalid_api_key"}}))

    with offline_client(script) as client, pytest.raises(LLMAuthError, match=r"Bad key\.") as caught:
        client.chat(HELLO)

    assert (caught.value.status, caught.value.code, caught.value.attempts) == (status, "invalid_api_key", 1)
    assert (len(script.requests), waits) == (1, [])


@pytest.mark.parametrize("status", [400, 404, 405, 408, 409, 413, 422, 418, 499, 501, 505])
def test_no_retry_on_400(status: int, waits: list[float]) -> None:
    """A request that is wrong stays wrong: one try, and an error that is httpx's and ours."""
    script = Script(httpx.Response(status, json={"error": {"message": "No such model."}}))

    with offline_client(script) as client, pytest.raises(LLMStatusError, match="No such model") as caught:
        client.chat(HELLO)

    assert isinstance(caught.value, httpx.HTTPStatusError)
    assert isinstance(caught.value, LLMClientError)
    assert caught.value.response.status_code == caught.value.status == status
    assert (len(script.requests), waits) == (1, [])


@pytest.mark.parametrize(
    ("step", "kind"),
    [
        (httpx.Response(429, headers={"retry-after": "1"}), LLMRateLimitError),
        (httpx.Response(503, headers={"retry-after": "1"}), LLMStatusError),
        (httpx.ConnectError("refused"), LLMConnectionError),
    ],
    ids=["429", "503", "connection"],
)
@pytest.mark.parametrize("max_retries", [0, 2])
def test_max_retries_exhausted(
    step: httpx.Response | Exception, kind: type[LLMClientError], max_retries: int, waits: list[float]
) -> None:
    """After the first try and `max_retries` more the last failure is raised."""
    script = Script(step)

    with offline_client(script, max_retries=max_retries) as client, pytest.raises(kind) as caught:
        client.chat(HELLO)

    assert len(script.requests) == caught.value.attempts == max_retries + 1
    assert len(waits) == max_retries
    assert caught.value.retry_after == (1.0 if isinstance(step, httpx.Response) else None)


# Setting up


def test_env_var_config(monkeypatch: pytest.MonkeyPatch) -> None:
    """Key and base URL come from the environment unless they are given."""
    monkeypatch.setenv("TRACT_OPENAI_API_KEY", "env-key")
    monkeypatch.setenv("TRACT_OPENAI_BASE_URL", "http://env/v1/")
    script = Script(OK)

    with offline_client(script, api_key=None, base_url=None) as client:
        client.chat(HELLO)
    with offline_client(script, api_key="given", base_url="http://given") as client:
        client.chat(HELLO)

    seen = [(str(request.url), request.headers["authorization"]) for request in script.requests]
    assert seen == [
        ("http://env/v1/chat/completions", "Bearer env-key"),
        ("http://given/chat/completions", "Bearer given"),
    ]


@pytest.mark.parametrize("key", [None, "", " "])
def test_missing_api_key_raises(key: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a key there is no client, and the error names where one may stand."""
    monkeypatch.delenv("TRACT_OPENAI_API_KEY", raising=False)

    with pytest.raises(LLMConfigError, match="TRACT_OPENAI_API_KEY"):
        OpenAIClient(key)


def test_context_manager() -> None:
    """Leaving the block closes; closing again does no harm; a closed client says that it is."""
    with offline_client(Script(OK)) as client:
        client.chat(HELLO)

    client.close()
    client.close()

    with pytest.raises(LLMRequestError, match="closed"):
        client.chat(HELLO)


# Protocols and names


def test_openai_client_conforms_to_protocol() -> None:
    """Our own client is an `LLMClient`, to a type checker and at run time."""
    with OpenAIClient("test-key") as client:
        seen: LLMClient = client

        assert isinstance(seen, LLMClient)


def test_custom_client_protocol() -> None:
    """Any object with `chat` and `close` is an `LLMClient`; one without is none."""
    assert isinstance(Recorder(answer()), LLMClient)
    assert not isinstance(SimpleNamespace(chat=print), LLMClient)


def test_resolver_callable_protocol() -> None:
    """A function, a lambda and our resolver are resolvers; a text is none."""

    def skip(issue: object) -> Resolution:
        return Resolution("skip", reasoning=str(issue))

    assert isinstance(skip, ResolverCallable)
    assert isinstance(lambda issue: Resolution("abort"), ResolverCallable)
    assert isinstance(OpenAIResolver(Recorder(answer())), ResolverCallable)
    assert not isinstance("skip", ResolverCallable)


def test_a_resolution_needs_its_action_alone() -> None:
    """Everything but the action is optional, in a fixed order."""
    resolution = Resolution("skip")

    assert dataclasses.asdict(resolution) == {
        "action": "skip",
        "content": None,
        "content_text": None,
        "reasoning": None,
        "generation_config": None,
    }


# The resolver


def test_resolver_returns_resolution() -> None:
    """The model's text is the resolution; it was asked once, with the resolver's parameters."""
    client = Recorder(answer("Answer in verse, then in prose."))

    resolution = OpenAIResolver(client, model="m", temperature=0.1, max_tokens=9)(an_issue())

    assert (resolution.action, resolution.content_text) == ("resolved", "Answer in verse, then in prose.")
    assert "model gpt-4o-mini-2024" in str(resolution.reasoning)
    (call,) = client.calls
    assert [message["role"] for message in call["messages"]] == ["system", "user"]
    assert (call["model"], call["temperature"], call["max_tokens"]) == ("m", 0.1, 9)


def test_resolver_custom_system_prompt() -> None:
    """A prompt that is given replaces the default one."""
    client = Recorder(answer("Both."))

    OpenAIResolver(client, system_prompt="Keep ours.")(an_issue())
    OpenAIResolver(client)(an_issue())

    given, default = (call["messages"][0]["content"] for call in client.calls)
    assert given == "Keep ours."
    assert default == OpenAIResolver._default_system_prompt()
    assert "one coherent resolution" in default
    assert "resolved text alone" in default


def test_resolver_formats_issue() -> None:
    """The prompt holds the kind of conflict, both texts, the ancestor's, and what surrounds them."""
    prompt = OpenAIResolver(Recorder(answer()))._format_issue(an_issue())

    for told in ("both_edit", "Answer in verse.", "Answer in prose.", "\nAnswer.\n", "[user] Which form?"):
        assert told in prompt


def test_resolver_records_generation_config() -> None:
    """What made the text is recorded: the model that served it, the temperature, the source, the usage if known."""
    served = OpenAIResolver(Recorder(answer("Both.")), model="asked")(an_issue())
    silent = OpenAIResolver(Recorder({"choices": answer("Both.")["choices"]}), model="asked", temperature=0.0)(
        an_issue()
    )

    assert served.generation_config == {
        "model": "gpt-4o-mini-2024",
        "temperature": 0.3,
        "source": "infrastructure:merge",
        "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
    }
    assert silent.generation_config == {"model": "asked", "temperature": 0.0, "source": "infrastructure:merge"}


# On loopback


def test_one_client_keeps_its_connection(server: ModelServer) -> None:
    """Calls in a row go through one connection, one that failed by status too."""
    server.replies.extend([Reply(), Reply(status=400, body=b'{"error": "no"}'), Reply(body=b"no JSON")])

    with OpenAIClient("test-key", server.url) as client:
        client.chat(HELLO)
        for kind in (LLMStatusError, LLMResponseError):
            with pytest.raises(kind):
                client.chat(HELLO)
        client.chat(HELLO)

    assert len({received.port for received in server.received}) == 1
    assert [received.payload["messages"] for received in server.received] == [HELLO] * 4


def test_a_dropped_connection_is_tried_anew(waits: list[float]) -> None:
    """A server that hangs up, before its answer or within it, is asked again."""
    body = json.dumps(answer()).encode()
    head = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body)
    sent = [b"", head + body[:20], head + body]

    with (
        raw_server(lambda connection, over: connection.sendall(sent.pop(0))) as server,
        OpenAIClient("test-key", server.url) as client,
    ):
        response = client.chat(HELLO)

    assert response == answer()
    assert len(waits) == 2


def test_a_slow_answer_meets_the_timeout() -> None:
    """A server that is silent for longer than the timeout is a connection error that says so."""
    with (
        raw_server(lambda connection, over: over.wait()) as server,
        OpenAIClient("test-key", server.url, timeout=0.05, max_retries=0) as client,
        pytest.raises(LLMConnectionError, match="ReadTimeout"),
    ):
        client.chat(HELLO)


def test_a_server_that_is_not_there_is_a_connection_error(waits: list[float]) -> None:
    """A refused connection is tried again, then named."""
    with raw_server(lambda connection, over: None) as server:
        gone = server.url

    with OpenAIClient("test-key", gone, max_retries=1) as client, pytest.raises(LLMConnectionError, match="Connect"):
        client.chat(HELLO)

    assert len(waits) == 1


def test_sixteen_threads_share_one_client(server: ModelServer) -> None:
    """Each thread gets the answer to its own question."""
    together = threading.Barrier(16)

    def ask(number: int) -> str:
        together.wait()
        for _ in range(5):
            client.chat([{"role": "user", "content": str(number)}])
        return OpenAIClient.extract_content(client.chat([{"role": "user", "content": str(number)}]))

    with OpenAIClient("test-key", server.url) as client, concurrent.futures.ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(ask, range(16)))

    asked = sorted(int(received.payload["messages"][0]["content"]) for received in server.received)
    assert answers == ["Hello."] * 16
    assert asked == sorted(list(range(16)) * 6)
    assert len({received.port for received in server.received}) <= 16


@needs_recordings
def test_every_recorded_answer_is_parsed(server: ModelServer) -> None:
    """Each recorded JSON answer comes back equal, with its text and usage, or the error that it has no text.

    Streams and empty bodies among the recordings are no answers of the kind asked for: they are said to be so.
    """
    records = recorded("chat_ok_openai_azure.dev.jsonl", "chat_ok_other_providers.1.dev.jsonl")
    parsed = classified = 0

    with OpenAIClient("test-key", server.url) as client:
        for record in records:
            server.replies.append(replayed(record))
            if not record["response_body"].lstrip().startswith("{"):
                with pytest.raises(LLMResponseError, match=r"empty|streaming is not supported"):
                    client.chat(HELLO)
                classified += 1
                continue
            response = client.chat(HELLO)
            message = response["choices"][0]["message"]

            assert response == json.loads(record["response_body"])
            assert client.extract_usage(response) == response.get("usage")
            if message.get("content") and not message.get("refusal"):
                assert client.extract_content(response) == message["content"]
            else:
                with pytest.raises(LLMResponseError):
                    client.extract_content(response)
            parsed += 1

    assert parsed + classified == len(records)
    assert parsed > 100


@needs_recordings
def test_every_recorded_error_is_classified(server: ModelServer, waits: list[float]) -> None:
    """Each recorded error is of the class its status asks for, in the provider's words, with its request id."""
    kinds = {401: LLMAuthError, 403: LLMAuthError, 429: LLMRateLimitError}

    with OpenAIClient("test-key", server.url, max_retries=1) as client:
        for record in recorded("errors.dev.jsonl"):
            server.replies.extend([replayed(record)] * 2)
            with pytest.raises(LLMClientError) as caught:
                client.chat(HELLO)
            server.replies.clear()

            error = caught.value
            retried = record["status"] in (429, 500, 502, 503, 504)
            assert type(error) is kinds.get(record["status"], LLMStatusError)
            assert (error.status, error.attempts) == (record["status"], 2 if retried else 1)
            assert provider_words(record["response_body"]) in str(error)
            for name in ("x-request-id", "request-id", "apim-request-id"):
                assert record["response_headers"].get(name) in (None, error.request_id)


def replayed(record: dict[str, Any]) -> Reply:
    """Return a recorded response; its headers may still say gzip, as some proxies' do, where the body is plain."""
    framing = ("content-length", "transfer-encoding", "connection")
    headers = {name: value for name, value in record["response_headers"].items() if name not in framing}
    return Reply(record["status"], record["response_body"].encode(), headers)


def provider_words(body: str) -> str:
    """Return the message of a recorded error, found by looking at the shapes one after the other."""
    value = json.loads(body) if body else {}
    error = value.get("error", value)
    return str(error if isinstance(error, str) else error.get("message", ""))
