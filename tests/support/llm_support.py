"""What the tests of `tract.llm` share: answers, a client without a network, and servers on loopback."""

import contextlib
import http.server
import json
import os
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType, SimpleNamespace
from typing import Any, NamedTuple

import httpx

from tract.llm.client import OpenAIClient

DATA = Path(os.environ.get("TRACT_TEST_DATA", Path(__file__).parents[3] / "shared" / "data")) / "openai_http"

HELLO = [{"role": "user", "content": "Hello?"}]

Handler = Callable[[httpx.Request], httpx.Response]


def answer(text: object = "Hello.", **fields: Any) -> dict[str, Any]:
    """Return a chat completion that says a text."""
    message = {"role": "assistant", "content": text}
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return {"id": "c1", "model": "gpt-4o-mini-2024", "choices": [choice], "usage": usage, **fields}


OK = httpx.Response(200, json=answer())


def offline_client(handler: Handler, **options: Any) -> OpenAIClient:
    """Return a client whose requests a function answers."""
    client = OpenAIClient(**{"api_key": "test-key", "base_url": "http://test", **options})
    client._client.close()
    client._client = httpx.Client(transport=httpx.MockTransport(handler))
    return client


class Recorder:
    """A foreign client: it inherits nothing of ours, and keeps what it was asked."""

    def __init__(self, response: Any) -> None:
        self.response = response
        self.calls: list[dict[str, Any]] = []

    def chat(
        self,
        messages: list[dict[str, Any]],
        *,
        model: str | None = None,
        temperature: float | None = None,
        max_tokens: int | None = None,
    ) -> dict[str, Any]:
        """Give the one response."""
        asked = {"messages": messages, "model": model, "temperature": temperature, "max_tokens": max_tokens}
        self.calls.append(asked)
        return self.response  # type: ignore[no-any-return]

    def close(self) -> None:
        """Do nothing."""


def an_issue(**fields: Any) -> SimpleNamespace:
    """Return a conflict of two edits of one message."""
    ours = SimpleNamespace(id="a" * 64, message="edit: answer in verse")
    theirs = SimpleNamespace(id="b" * 64, message="edit: answer in prose")
    texts = {
        "content_a_text": "Answer in verse.",
        "content_b_text": "Answer in prose.",
        "ancestor_content_text": "Answer.",
    }
    shape = {"conflict_type": "both_edit", "commit_a": ours, "commit_b": theirs, "ancestor": None, **texts}
    return SimpleNamespace(**{**shape, "compiled_context": [{"role": "user", "content": "Which form?"}], **fields})


class Script:
    """Answers one request after the other with what it was given, the last again and again."""

    def __init__(self, *steps: httpx.Response | Exception) -> None:
        self._steps = deque(steps)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        self.requests.append(request)
        step = self._steps.popleft() if len(self._steps) > 1 else self._steps[0]
        if isinstance(step, Exception):
            raise step
        # One response object is good for one request.
        return httpx.Response(step.status_code, headers=step.headers, content=step.content)


class Received(NamedTuple):
    """A request as the server on loopback saw it."""

    path: str
    headers: dict[str, str]
    body: bytes
    port: int

    @property
    def payload(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class Reply(NamedTuple):
    """What the server on loopback sends."""

    status: int = 200
    body: bytes = json.dumps(answer()).encode()
    headers: Mapping[str, str] = MappingProxyType({"content-type": "application/json"})


class ModelServer(http.server.ThreadingHTTPServer):
    """An HTTP server on loopback that gives queued replies, then plain answers, and keeps what it received."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _ModelHandler)
        self.replies: deque[Reply] = deque()
        self.received: list[Received] = []

    @property
    def url(self) -> str:
        """The base URL."""
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients that hang up."""


class _ModelHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: ModelServer

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.received.append(Received(self.path, headers, body, self.client_address[1]))
        reply = self.server.replies.popleft() if self.server.replies else Reply()
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing on standard error."""


@contextlib.contextmanager
def model_server() -> Iterator[ModelServer]:
    """Serve on loopback while the block runs."""
    with ModelServer() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


class RawServer(NamedTuple):
    """A listening socket, and an event that is set when the test is over."""

    url: str
    over: threading.Event


@contextlib.contextmanager
def raw_server(talk: Callable[[socket.socket, threading.Event], object], *, reads: bool = True) -> Iterator[RawServer]:
    """Serve each connection with a function that may break every rule of HTTP, after its request unless not `reads`."""
    over = threading.Event()
    threads: list[threading.Thread] = []

    def serve(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            if reads:
                connection.recv(65536)
            talk(connection, over)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                threads.append(threading.Thread(target=serve, args=(listener.accept()[0],)))
                threads[-1].start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        acceptor = threading.Thread(target=accept)
        acceptor.start()
        try:
            yield RawServer(f"http://127.0.0.1:{listener.getsockname()[1]}", over)
        finally:
            over.set()
            listener.shutdown(socket.SHUT_RDWR)
            acceptor.join()
            for thread in threads:
                thread.join()


def recorded(*names: str) -> list[dict[str, Any]]:
    """Return the recorded exchanges of some files; their absence is for the caller to skip."""
    return [json.loads(line) for name in names for line in (DATA / name).read_text("utf-8").splitlines()]
