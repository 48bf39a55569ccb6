"""How long and how much the client of `tract.llm` bears from a server."""

import contextlib
import socket
import sys
import threading
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from llm_support import HELLO, ModelServer, Reply, Script, answer, model_server, offline_client, raw_server
from tract.llm import (
    LLMClientError,
    LLMConnectionError,
    LLMDeadlineError,
    LLMResponseError,
    LLMStatusError,
    OpenAIClient,
)
from tract.llm._transport import Deadline, bind_to_deadlines, tls_context, until
from tract.llm.client import ANSWER_LIMIT_BYTES

BODY = httpx.Response(200, json=answer()).content


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


Talk = Callable[[socket.socket, threading.Event], object]


@contextlib.contextmanager
def client_of(talk: Talk, *, reads: bool = True, **options: Any) -> Iterator[OpenAIClient]:
    """Give a client of a server that says what a function says."""
    with raw_server(talk, reads=reads) as server, OpenAIClient("test-key", server.url, **options) as client:
        yield client


# Time


class Drip:
    """A server's part that sends data byte by byte, for about three seconds and less than any timeout apart."""

    def __init__(self, data: bytes, *, start: bytes = b"", end: bytes = b"") -> None:
        self._data, self._start, self._end = data, start, end
        self.finished = threading.Event()

    def __call__(self, connection: socket.socket, over: threading.Event) -> None:
        """Talk to one client."""
        connection.sendall(self._start)
        for byte in self._data:
            connection.sendall(bytes([byte]))
            if over.wait(0.01):
                return
        self.finished.set()
        connection.sendall(self._end)


HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n" % len(BODY)
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
STATUS_LINE = b"HTTP/1.1 200 "


def silence(connection: socket.socket, over: threading.Event) -> None:
    """Say nothing for a long time."""
    over.wait(3)


@pytest.mark.parametrize(
    "drip",
    [
        Drip(b"x" * 300, start=HEAD + b"x: ", end=b"\r\n\r\n" + BODY),
        Drip(b"x" * 300, start=STATUS_LINE, end=HEAD.removeprefix(STATUS_LINE) + b"\r\n" + BODY),
        Drip(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 11, end=HEAD + b"\r\n" + BODY),
        Drip(b" " * 300, start=HEAD.replace(b"%d" % len(BODY), b"%d" % (300 + len(BODY))) + b"\r\n", end=BODY),
        Drip(b"1\r\n \r\n" * 50, start=CHUNKED, end=b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY)),
    ],
    ids=["headers", "status line", "informational", "body", "chunks"],
)
def test_a_server_that_drips_is_left_at_the_deadline(drip: Drip, waits: list[float]) -> None:
    """No single read is ever late, and still the call ends, long before the server does."""
    with client_of(drip, deadline=0.1) as client, pytest.raises(LLMDeadlineError) as caught:
        client.chat(HELLO)

    assert (caught.value.attempts, waits) == (1, [])
    assert not drip.finished.is_set()


def test_a_silent_server_is_left_at_the_deadline(waits: list[float]) -> None:
    """A deadline that is shorter than the timeout goes before it."""
    with client_of(silence, deadline=0.1) as client, pytest.raises(LLMDeadlineError) as caught:
        client.chat(HELLO)

    assert (caught.value.attempts, waits) == (1, [])


def test_a_body_is_not_read_past_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Over a transport of another's making too, the deadline is looked at between the pieces of a body."""
    clock = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])

    def pieces() -> Iterator[bytes]:
        for byte in BODY:
            clock[0] += 1
            yield bytes([byte])

    def dawdle(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=pieces())

    with offline_client(dawdle) as client, pytest.raises(LLMDeadlineError):
        client.chat(HELLO, deadline=10)

    assert 10 <= clock[0] < 13


class Network:
    """A network that answers one request at once and keeps how long each operation was given."""

    def __init__(self) -> None:
        self.given: list[tuple[str, float]] = []
        self._answer = [HEAD + b"\r\n", BODY]

    def connect_tcp(self, host: str, port: int, *, timeout: float, **options: Any) -> "Network":
        """Connect."""
        self.given.append(("connect", timeout))
        return self

    def start_tls(self, context: object, server_hostname: str, timeout: float) -> "Network":
        """Shake hands."""
        self.given.append(("tls", timeout))
        return self

    def write(self, buffer: bytes, timeout: float) -> None:
        """Take what is sent."""
        self.given.append(("write", timeout))

    def read(self, max_bytes: int, timeout: float) -> bytes:
        """Give the next piece."""
        self.given.append(("read", timeout))
        return self._answer.pop(0)

    def get_extra_info(self, name: str) -> None:
        """Know nothing."""

    def close(self) -> None:
        """Do nothing."""


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Network:
    """Return a network whose every host has four addresses."""
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, port, **options: [()] * 4)
    return Network()


def bound_client(network: Network, *, timeout: float | None) -> httpx.Client:
    """Return an HTTP client on a network, bound to deadlines."""
    client = httpx.Client(timeout=timeout, verify=tls_context(), trust_env=False)
    client._transport._pool._network_backend = network  # type: ignore[attr-defined]
    bind_to_deadlines(client)
    return client


@pytest.mark.parametrize("timeout", [None, 50])
def test_every_operation_is_given_what_is_left(network: Network, timeout: float | None) -> None:
    """Connecting, shaking hands, sending and reading share the deadline; addresses to be tried share their part."""
    with bound_client(network, timeout=timeout) as client, until(Deadline(10)):
        client.post("https://host/", content=b"x" * 40_000)

    operations = [operation for operation, _ in network.given]
    assert operations == ["connect", "tls", "write", "write", "write", "write", "read", "read"]
    assert 0 < network.given[0][1] <= 10 / 4
    assert all(0 < given <= 10 for _, given in network.given)


def test_nothing_begins_after_the_deadline(network: Network) -> None:
    """A deadline that has passed lets no operation begin."""
    with bound_client(network, timeout=50) as client, until(Deadline(-1)), pytest.raises(httpx.ConnectTimeout):
        client.post("http://host/")

    assert network.given == []


def test_without_a_deadline_the_timeouts_count(network: Network) -> None:
    """The binding changes nothing outside of a call."""
    with bound_client(network, timeout=50) as client:
        client.post("http://host/")

    assert {given for _, given in network.given} == {50}


def test_the_deadline_of_a_call_goes_before_the_clients() -> None:
    """`chat(deadline=)` bounds that call alone."""
    with client_of(silence) as client, pytest.raises(LLMDeadlineError):
        client.chat(HELLO, deadline=0.1)


def test_a_server_that_does_not_read_is_left_at_the_deadline() -> None:
    """A request that nobody takes, or too slowly, is given up."""
    finished = threading.Event()

    def read_slowly(connection: socket.socket, over: threading.Event) -> None:
        for _ in range(300):
            connection.recv(20_000)
            if over.wait(0.01):
                return
        finished.set()

    prompt = [{"role": "user", "content": "x" * 20_000_000}]

    with client_of(read_slowly, reads=False) as client, pytest.raises(LLMDeadlineError):
        client.chat(prompt, deadline=0.2)

    assert not finished.is_set()


def test_a_server_that_does_not_speak_tls_is_left_at_the_deadline() -> None:
    """A handshake that does not come to an end is given up."""
    with (
        raw_server(silence) as server,
        OpenAIClient("test-key", server.url.replace("http:", "https:")) as client,
        pytest.raises(LLMDeadlineError),
    ):
        client.chat(HELLO, deadline=0.1)


def test_a_server_that_does_not_accept_is_left_at_the_deadline() -> None:
    """A connection that is never made is given up."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        port = listener.getsockname()[1]

        # The queue of one is full, so that the next one knocking is not answered.
        with (
            socket.create_connection(("127.0.0.1", port)),
            OpenAIClient("test-key", f"http://127.0.0.1:{port}", timeout=3) as client,
            pytest.raises(LLMDeadlineError),
        ):
            client.chat(HELLO, deadline=0.1)


def test_a_status_is_told_though_its_body_drips() -> None:
    """What the status says is known before the words that go with it."""
    talk = Drip(b"x" * 300, start=b"HTTP/1.1 400 Bad Request\r\ncontent-length: 301\r\n\r\n", end=b"x")

    with client_of(talk, deadline=0.1) as client, pytest.raises(LLMStatusError, match="HTTP 400"):
        client.chat(HELLO)


def test_a_client_is_good_after_a_deadline(server: ModelServer) -> None:
    """Nothing of a call that ran out of time is left for the next one."""
    with raw_server(silence) as silent, OpenAIClient("test-key", server.url, timeout=5) as client:
        endpoint, client._endpoint = client._endpoint, httpx.URL(silent.url)
        with pytest.raises(LLMDeadlineError):
            client.chat(HELLO, deadline=0.05)
        client._endpoint = endpoint

        assert client.chat(HELLO) == answer()


# Size


def bomb(blocks: int) -> bytes:
    """Return a gzip whose every block unpacks to 1 MiB of spaces; it is cut off before its end."""
    packer = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    start = packer.compress(b" ") + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(b" " * 2**20) + packer.flush(zlib.Z_FULL_FLUSH)
    return start + block * blocks


def endless(connection: socket.socket, over: threading.Event) -> None:
    """Send an answer without an end."""
    connection.sendall(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
    while not over.is_set():
        connection.sendall(b"100000\r\n" + b" " * 2**20 + b"\r\n")


@pytest.mark.parametrize(("status", "kind"), [(200, LLMResponseError), (400, LLMStatusError)])
def test_a_bomb_is_refused_before_it_is_unpacked(status: int, kind: type[LLMClientError], server: ModelServer) -> None:
    """300 MiB packed into 0.3 MB cost no more than 64 MiB."""
    server.replies.append(Reply(status, bomb(300), {"content-encoding": "gzip"}))

    with OpenAIClient("test-key", server.url) as client:
        tracemalloc.start()
        with pytest.raises(kind):
            client.chat(HELLO)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()

    assert peak < 64 * 2**20


def test_an_answer_without_an_end_is_refused() -> None:
    """Reading stops at the limit."""
    with client_of(endless) as client, pytest.raises(LLMResponseError, match=f"{ANSWER_LIMIT_BYTES:,} bytes"):
        client.chat(HELLO)


@pytest.mark.parametrize("extra", [0, 1])
def test_the_limit_is_exact(extra: int) -> None:
    """An answer as large as the limit is read, a byte more is refused."""
    script = Script(httpx.Response(200, content=BODY + b" " * (ANSWER_LIMIT_BYTES + extra - len(BODY))))

    with offline_client(script) as client:
        if extra:
            with pytest.raises(LLMResponseError, match="larger than"):
                client.chat(HELLO)
        else:
            assert client.chat(HELLO) == answer()


@pytest.mark.parametrize(
    "start", [b"HTTP/1.1 200 OK\r\nx: ", b"HTTP/1.1 200 ", b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1;"]
)
def test_a_line_without_an_end_is_refused(start: bytes, waits: list[float]) -> None:
    """Headers, a status line or a chunk's head of any length are a broken connection."""

    def talk(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(start)
        while not over.is_set():
            connection.sendall(b"x" * 65536)

    with client_of(talk, max_retries=1) as client, pytest.raises(LLMConnectionError):
        client.chat(HELLO)

    assert len(waits) == 1


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", zlib.compress(BODY, wbits=zlib.MAX_WBITS | 16)),
        ("x-gzip", zlib.compress(BODY, wbits=zlib.MAX_WBITS | 16)),
        ("identity", BODY),
        ("gzip", BODY),
    ],
)
def test_a_packed_answer_is_unpacked(encoding: str, body: bytes, server: ModelServer) -> None:
    """Gzip is read, and so is what only claims to be gzip."""
    server.replies.append(Reply(200, body, {"content-encoding": encoding}))

    with OpenAIClient("test-key", server.url) as client:
        response = client.chat(HELLO)

    assert response == answer()
    assert server.received[0].headers["accept-encoding"] == "gzip"


@pytest.mark.parametrize("encoding", ["br", "zstd", "deflate", "gzip, gzip"])
def test_an_encoding_nobody_asked_for_is_refused(encoding: str, server: ModelServer) -> None:
    """What cannot be unpacked bit by bit is no answer."""
    server.replies.append(Reply(200, b"?", {"content-encoding": encoding}))

    with OpenAIClient("test-key", server.url) as client, pytest.raises(LLMResponseError, match="encoding"):
        client.chat(HELLO)


def test_broken_gzip_is_no_answer(server: ModelServer) -> None:
    """Damage is told, and not taken for a connection that is worth another try."""
    server.replies.append(Reply(200, b"\x1f\x8b\x08\x00 broken", {"content-encoding": "gzip"}))

    with OpenAIClient("test-key", server.url) as client, pytest.raises(LLMResponseError, match="gzip"):
        client.chat(HELLO)


def test_a_wrong_length_is_a_broken_connection(waits: list[float]) -> None:
    """A body shorter than announced is not taken for whole, though it parses."""
    head = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % (len(BODY) + 1)

    def talk(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(head + BODY)

    with client_of(talk, max_retries=1) as client, pytest.raises(LLMConnectionError):
        client.chat(HELLO)

    assert len(waits) == 1


def test_closing_ends_a_call_of_another_thread(waits: list[float]) -> None:
    """A call whose client is closed under it is an error of ours, and is not tried again."""
    reading = threading.Event()

    def talk(connection: socket.socket, over: threading.Event) -> None:
        reading.set()
        over.wait(0.05)

    def close_when_reading() -> None:
        reading.wait()
        client.close()

    with raw_server(talk) as server, OpenAIClient("test-key", server.url) as client:
        closer = threading.Thread(target=close_when_reading)
        closer.start()
        with pytest.raises(LLMClientError, match="closed"):
            client.chat(HELLO)
        closer.join()

    assert waits == []


def calls_made(act: Callable[[], object]) -> int:
    """Return how many functions something calls, which is its work without the machine's moods."""
    count = 0

    def note(frame: object, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(note)
    try:
        act()
    finally:
        sys.setprofile(None)
    return count


def test_a_call_costs_little_more_than_httpx_alone(server: ModelServer) -> None:
    """On a connection that is open, retrying, the deadline and the limits add less than a third to bare httpx."""
    payload = {"model": "gpt-4o-mini", "messages": HELLO}
    with OpenAIClient("test-key", server.url) as client, httpx.Client() as bare:

        def post() -> Any:
            response = bare.post(f"{server.url}/chat/completions", json=payload, headers={"authorization": "Bearer k"})
            return response.raise_for_status().json()

        def ask() -> Any:
            return client.chat(HELLO)

        assert ask() == post()

        assert calls_made(ask) <= 1.3 * calls_made(post)
