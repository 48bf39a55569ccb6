"""Pools of connections, one for each place: every tract that a process opens there shares it."""

import os
import threading
from typing import Any

from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import PoolProxiedConnection, QueuePool

from tract.exceptions import BusyError, StorageError
from tract.storage.postgres_place import PostgresPlace, connector

_WAIT_SECONDS = 30.0


class ConnectionPool:
    """Connections to one place, at most as many as it says; for the process that made it alone."""

    def __init__(self, place: PostgresPlace) -> None:
        self.place = place
        self.process_id = os.getpid()
        self.users = 0
        self.was_reached = False
        self.driver_error, connect = connector(place)
        self._pool = QueuePool(
            connect,
            pool_size=place.pool_size,
            max_overflow=0,
            timeout=_WAIT_SECONDS,
            use_lifo=True,
            reset_on_return=None,
        )

    def check_out(self) -> PoolProxiedConnection:
        """Return a connection, opened where none is idle; its `close` gives it back, `invalidate` away.

        Raises:
            BusyError: all are used, and stayed so.
            StorageError: the pool came through a fork.
        """
        if os.getpid() != self.process_id:
            raise StorageError(f"{self.place.label} was opened before a fork; the child must open it anew")
        try:
            found = self._pool.connect()
        except PoolTimeoutError as error:
            raise BusyError(f"all {self.place.pool_size} connections to {self.place.label} stayed in use") from error
        except self.driver_error as error:
            # Frames of the driver hold the password.
            raise error.with_traceback(None) from None
        self.was_reached = True
        return found

    def dispose(self) -> None:
        """Close the idle connections."""
        self._pool.dispose()


_POOLS: dict[tuple[int, PostgresPlace], ConnectionPool] = {}
"""By process too: a pool that came through a fork belongs to the parent, and stays here so that it is not collected."""
_CHANGING = threading.Lock()


def join_pool(place: PostgresPlace) -> ConnectionPool:
    """Return the pool of a place, to be left when it is no longer used.

    Raises:
        StorageError: the driver is not installed, or the URL has what it cannot use.
    """
    with _CHANGING:
        key = (os.getpid(), place)
        if key not in _POOLS:
            _POOLS[key] = ConnectionPool(place)
        _POOLS[key].users += 1
        return _POOLS[key]


def leave_pool(pool: ConnectionPool) -> None:
    """Say that a pool is not used any more; the last user closes it."""
    with _CHANGING:
        pool.users -= 1
        if pool.users or pool.process_id != os.getpid():
            return
        del _POOLS[pool.process_id, pool.place]
    pool.dispose()


def driver_of(connection: PoolProxiedConnection) -> Any:
    """Return the driver's own connection."""
    return connection.driver_connection
