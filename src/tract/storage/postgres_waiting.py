"""Connections that wait for an answer only so long: where a network is mute, nothing else would end the wait."""

import time
from collections.abc import Generator
from typing import Any

_NOTHING_READY = 0
"""What psycopg sends to what waits, some ten times a second, while nothing comes."""


def impatient(driver: Any, seconds: float) -> Any:
    """Return psycopg's class of connections, made to close where one answer takes longer than that.

    Keepalives find out a host that is gone, but not a proxy or a firewall in between that keeps quiet.
    """

    def wait(self: Any, waiting: Generator[Any, Any, Any], *arguments: Any, **options: Any) -> Any:
        return driver.Connection.wait(self, limited(self, waiting), *arguments, **options)

    def limited(connection: Any, waiting: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
        deadline = time.monotonic() + seconds
        try:
            wanted = next(waiting)
            while True:
                found = yield wanted
                if found == _NOTHING_READY and time.monotonic() >= deadline:
                    connection.close()
                    raise driver.OperationalError(f"the server did not answer within {seconds:g} s")
                wanted = waiting.send(found)
        except StopIteration as done:
            return done.value

    return type("ImpatientConnection", (driver.Connection,), {"wait": wait})
