"""One deadline over a whole exchange, and bodies read no further than a limit.

httpx bounds each single read and write; a server that sends one byte a second is never late. So every socket
operation of a client is made to end at the deadline in force, and a body is unpacked piece by piece.
"""

import contextlib
import os
import socket
import ssl
import time
import zlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

import httpx

# Longer waits overflow the socket module's clock on some systems.
_LONGEST_TIMEOUT = 1e6
# A TLS record; the deadline is looked at between pieces of what is sent.
_PIECE_BYTES = 16384
_GZIP_START = b"\x1f"


class Deadline:
    """A moment of the monotonic clock by which everything must be done."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._at = time.monotonic() + seconds

    def remaining(self) -> float:
        """Return the seconds that are left; negative once it has passed."""
        return self._at - time.monotonic()

    def bound(self, timeouts: httpx.Timeout) -> httpx.Timeout:
        """Return the timeouts, none of them longer than what is left."""
        most = max(0.0, min(self.remaining(), _LONGEST_TIMEOUT))
        limits = {name: most if seconds is None else min(seconds, most) for name, seconds in timeouts.as_dict().items()}
        return httpx.Timeout(**limits)


_tls_contexts: dict[tuple[str | None, str | None], ssl.SSLContext] = {}


def tls_context() -> ssl.SSLContext:
    """Return the context that all clients share: reading the certificates costs more than all else of a client."""
    where = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    if where not in _tls_contexts:
        _tls_contexts[where] = httpx.create_ssl_context()
    return _tls_contexts[where]


_in_force: ContextVar[Deadline | None] = ContextVar("tract_llm_deadline", default=None)


@contextlib.contextmanager
def until(deadline: Deadline) -> Iterator[None]:
    """Put a deadline in force for what this thread does on connections that `bind_to_deadlines` prepared."""
    token = _in_force.set(deadline)
    try:
        yield
    finally:
        _in_force.reset(token)


def bind_to_deadlines(client: httpx.Client) -> None:
    """Make all connections of a client, through proxies too, end at the deadline in force.

    httpx has no public way to give its connection pool a network backend, while the pool itself takes any object
    of the right shape: hence the reach inside.
    """
    for transport in (client._transport, *client._mounts.values()):
        if isinstance(transport, httpx.HTTPTransport):
            pool = transport._pool
            pool._network_backend = _BoundBackend(pool._network_backend)  # type: ignore[assignment]


def _left(timeout: float | None, late: type[httpx.TimeoutException], *, turns: int = 1) -> float | None:
    """Return how long each of so many operations in a row may take, or raise if none may begin any more."""
    deadline = _in_force.get()
    if deadline is None:
        return timeout
    remaining = deadline.remaining()
    if remaining <= 0:
        raise late("the deadline has passed")
    return min(remaining / turns, _LONGEST_TIMEOUT if timeout is None else timeout)


class _BoundStream:
    """A connection whose every operation ends at the deadline in force."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        data: bytes = self._stream.read(max_bytes, _left(timeout, httpx.ReadTimeout))
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), _PIECE_BYTES):
            self._stream.write(buffer[start : start + _PIECE_BYTES], _left(timeout, httpx.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> "_BoundStream":
        left = _left(timeout, httpx.ConnectTimeout)
        return _BoundStream(self._stream.start_tls(ssl_context, server_hostname, left))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _BoundBackend:
    """Opens connections that end at the deadline in force."""

    def __init__(self, backend: Any) -> None:
        self._backend = backend

    def connect_tcp(self, host: str, port: int, *, timeout: float | None = None, **options: Any) -> _BoundStream:
        # The addresses of a host are tried one after the other, each with the whole timeout.
        turns = _address_count(host, port)
        left = _left(timeout, httpx.ConnectTimeout, turns=turns)
        return _BoundStream(self._backend.connect_tcp(host, port, timeout=left, **options))


def _address_count(host: str, port: int) -> int:
    try:
        return len(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    except OSError:
        return 1


def read_into(body: bytearray, response: httpx.Response, deadline: Deadline, *, limit: int) -> bool:
    """Read a response's body, unpacked, up to a limit, and tell whether that was all of it.

    Raises:
        httpx.RequestError: the body breaks off, cannot be unpacked, or is not there when the deadline passes.
    """
    if response.is_stream_consumed:  # answered without a network, and unpacked already
        body += response.content[:limit]
        return len(response.content) <= limit
    unpack = _unpacker(response.headers.get("content-encoding", "identity"))
    for chunk in response.iter_raw():
        if deadline.remaining() <= 0:
            raise httpx.ReadTimeout("the deadline has passed")
        # One byte more than the limit shows that there is more, and no bomb unpacks further than that.
        body += unpack(chunk, limit + 1 - len(body))
        if len(body) > limit:
            del body[limit:]
            return False
    return True


def _unpacker(encoding: str) -> Callable[[bytes, int], bytes]:
    """Return a function that unpacks the next chunk into at most so many bytes."""
    match encoding.strip().lower():
        case "" | "identity":
            return _plain
        case "gzip" | "x-gzip":
            return _Gunzip()
        case _:
            raise httpx.DecodingError(f"its encoding is {encoding[:40]!r}, where only gzip was asked for")


def _plain(chunk: bytes, most: int) -> bytes:
    return chunk[:most]


class _Gunzip:
    """Unpacks gzip; what does not begin as such is plain, for some proxies unpack and leave the header as it was."""

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(zlib.MAX_WBITS | 16)
        self._unpack: Callable[[bytes, int], bytes] | None = None

    def __call__(self, chunk: bytes, most: int) -> bytes:
        if self._unpack is None and chunk:
            self._unpack = self._zlib.decompress if chunk.startswith(_GZIP_START) else _plain
        try:
            return self._unpack(chunk, most) if self._unpack else b""
        except zlib.error as error:
            raise httpx.DecodingError(f"it is no valid gzip ({error})") from error
