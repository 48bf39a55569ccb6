"""A proxy before a PostgreSQL server: it notes what each round trip asks for, and may break connections at a COMMIT."""

import itertools
import os
import socket
import struct
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Literal

from sqlalchemy.engine import make_url

Fault = Literal["lost before", "lost after", "mute before", "mute after"]
"""What happens to a COMMIT: the connection is reset, or nothing is heard of it any more, before the server has it or
when it is done."""

Choose = Callable[[int], Fault | None]
"""Tells what happens to the nth COMMIT that all connections send together, counted from 0."""

_PORT = 5432
_CHUNK = 1 << 16


class Proxy:
    """What passed a proxy. `trips` has, for each time that a client waits for an answer, the statements it had sent."""

    def __init__(self, server: tuple[int, str | tuple[str, int]], choose: Choose) -> None:
        self.server = server
        self.choose = choose
        self.trips: list[tuple[str, ...]] = []
        self.faults: list[Fault] = []
        self._commits = itertools.count()

    def take_trips(self) -> list[tuple[str, ...]]:
        """Return the round trips since this was called last."""
        found, self.trips = self.trips, []
        return found

    def fault_at_commit(self) -> Fault | None:
        """Return what happens to the COMMIT that is sent now."""
        found = self.choose(next(self._commits))
        if found is not None:
            self.faults.append(found)
        return found


class _Link:
    """One client's connection through the proxy."""

    def __init__(self, proxy: Proxy, client: socket.socket) -> None:
        self.proxy = proxy
        self.client = client
        self.server = socket.socket(proxy.server[0])
        self.server.connect(proxy.server[1])
        self.fault: Fault | None = None
        self._names: dict[bytes, str] = {}
        self._statements: list[str] = []

    def run(self) -> None:
        """Pass everything on, both ways, until an end closes."""
        back = threading.Thread(target=self._guarded, args=(self._answer,), daemon=True)
        back.start()
        self._guarded(self._ask)
        back.join()
        self.client.close()
        self.server.close()

    def _guarded(self, pump: Callable[[], None]) -> None:
        with suppress(OSError):
            pump()
        if self.fault is None or not self.fault.startswith("mute"):
            for end in (self.client, self.server):
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def _ask(self) -> None:
        is_started = False
        buffer = b""
        while data := self.client.recv(_CHUNK):
            buffer += data
            whole, buffer, is_started = self._noted(buffer, is_started)
            if self.fault == "lost before":
                _reset(self.client)
                return
            if self.fault != "mute before":
                self.server.sendall(whole)
        # A client that is gone is told to the server also where the proxy is mute.
        self.server.shutdown(socket.SHUT_RDWR)

    def _answer(self) -> None:
        while data := self.server.recv(_CHUNK):
            if self.fault == "lost after":
                _reset(self.client)
                return
            if self.fault is None:
                self.client.sendall(data)

    def _noted(self, buffer: bytes, is_started: bool) -> tuple[bytes, bytes, bool]:
        """Return the whole messages of a buffer, what is left, and whether the session has started."""
        at = 0
        while len(buffer) - at >= 5:
            start = at if not is_started else at + 1
            size = int(struct.unpack_from("!I", buffer, start)[0])
            if len(buffer) < start + size:
                break
            if is_started:
                self._note(buffer[at : at + 1], buffer[start + 4 : start + size])
            is_started = True
            at = start + size
        return buffer[:at], buffer[at:], is_started

    def _note(self, kind: bytes, body: bytes) -> None:
        if kind == b"P":
            name, sql, _ = body.split(b"\0", 2)
            self._names[name] = sql.decode()
        elif kind == b"B":
            statement = self._names[body.split(b"\0", 2)[1]]
            self._statements.append(statement)
        elif kind == b"Q":
            self._statements.append(body.rstrip(b"\0").decode())
        if kind in b"SQ":
            self.proxy.trips.append(tuple(self._statements))
            if "COMMIT" in self._statements:
                self.fault = self.proxy.fault_at_commit()
            self._statements = []


@contextmanager
def proxied(url: str, choose: Choose = lambda _: None, *, by_tcp: bool = False) -> Iterator[tuple[str, Proxy]]:
    """Yield the URL of a proxy before a server, on a Unix socket or on loopback, and what passed it."""
    parsed = make_url(url)
    host, port = parsed.query.get("host") or parsed.host or "localhost", parsed.port or _PORT
    assert isinstance(host, str)
    is_local = host.startswith("/")
    address: str | tuple[str, int] = f"{host}/.s.PGSQL.{port}" if is_local else (host, port)
    proxy = Proxy((socket.AF_UNIX if is_local else socket.AF_INET, address), choose)
    with tempfile.TemporaryDirectory(prefix="tract-px-") as folder, _listener(folder, by_tcp) as listener:
        threading.Thread(target=_serve, args=(proxy, listener), daemon=True).start()
        where = ("127.0.0.1", listener.getsockname()[1]) if by_tcp else (None, None)
        query = {"host": folder} if not by_tcp else {}
        rest = parsed.difference_update_query(["host"]).set(host=where[0], port=where[1])
        plain = rest.update_query_dict({**query, "sslmode": "disable", "gssencmode": "disable"})
        yield plain.render_as_string(hide_password=False), proxy


@contextmanager
def _listener(folder: str, by_tcp: bool) -> Iterator[socket.socket]:
    listener = socket.socket(socket.AF_INET if by_tcp else socket.AF_UNIX)
    listener.bind(("127.0.0.1", 0) if by_tcp else os.path.join(folder, f".s.PGSQL.{_PORT}"))
    listener.listen(128)
    try:
        yield listener
    finally:
        # Closed alone, it would still be waited on.
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def _serve(proxy: Proxy, listener: socket.socket) -> None:
    with suppress(OSError):
        while True:
            client, _ = listener.accept()
            threading.Thread(target=_Link(proxy, client).run, daemon=True).start()


def _reset(client: socket.socket) -> None:
    """End a connection as a broken network does, without a word; by TCP that is RST."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
