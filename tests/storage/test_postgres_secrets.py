"""A password in a URL of PostgreSQL is shown nowhere: in no message, repr, log or traceback."""

import logging
import socket
import traceback

import pytest
from sqlalchemy.engine import make_url

from cli_support import Shell
from tract import StorageError, Tract
from tract.storage.postgres_place import postgres_place

CANARY = "s3cret-canary"


def closed_port() -> int:
    """Return a port of loopback at which nobody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def causes(error: BaseException) -> list[BaseException]:
    """Return an error and what a traceback shows as its causes."""
    found = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return [error] if found is None else [error, *causes(found)]


BAD_URLS = [
    "postgresql://ada:{secret}@127.0.0.1:{port}/db",
    "postgresql://127.0.0.1:{port}/db?user=ada&password={secret}",
    "postgresql://ada:{secret}@127.0.0.1:{port}/db?schema=Bad-Name",
    "postgresql://ada:{secret}@127.0.0.1:{port}/db?pool_size=none",
    "postgresql://ada:{secret}@127.0.0.1:{port}/db?no_such_option=1",
    "postgresql://ada:{secret}@127.0.0.1:{port}/db?connect_timeout=x",
    "postgresql://ada:x@{secret}@127.0.0.1:{port}/db",
    "postgresql://ada:{secret}@127.0.0.1:port/db",
    "postgresql+asyncpg://ada:{secret}@127.0.0.1:{port}/db",
    "mysql://ada:{secret}@127.0.0.1:{port}/db",
]


@pytest.mark.parametrize("template", BAD_URLS)
def test_no_failure_to_open_shows_the_password(template: str, caplog: pytest.LogCaptureFixture) -> None:
    """Neither the error, its causes, their frames with what they hold, nor a log of everything."""
    url = template.format(secret=CANARY, port=closed_port())
    caplog.set_level(logging.DEBUG)

    with pytest.raises(StorageError) as caught:
        Tract.open(url)

    shown = [f"{error!r} {error}" for error in causes(caught.value)]
    # The frames of the facade, and of this test, hold the URL that they were given.
    for error in causes(caught.value)[1:]:
        shown += traceback.TracebackException.from_exception(error, capture_locals=True).format(chain=False)
    assert CANARY not in "\n".join(shown)
    assert CANARY not in caplog.text


def test_no_value_shows_the_password() -> None:
    """The place that a URL names neither has it in its repr nor in the label that messages use."""
    for url in (f"postgresql://ada:{CANARY}@host/db", f"postgresql://host/db?user=ada&password={CANARY}"):
        place = postgres_place(make_url(url), read_only=False, durability="full")

        assert CANARY not in repr(place) + str(place) + place.label


@pytest.mark.parametrize("command", [["init"], ["log"], ["add", "user", "hello"]])
def test_no_command_shows_the_password(empty: Shell, command: list[str]) -> None:
    """A server that cannot be reached is one line, and so is a URL that cannot be used."""
    for template in BAD_URLS:
        error = empty.fails("--db", template.format(secret=CANARY, port=closed_port()), *command)

        assert CANARY not in error


def test_init_names_the_store_without_the_password(empty: Shell, postgres_url: str) -> None:
    """What `init` made is shown as host, database and schema."""
    url = make_url(postgres_url).update_query_dict({"password": CANARY})

    done = empty.run("--db", url.render_as_string(hide_password=False), "init")

    assert CANARY not in done.out + done.err
    assert str(url.query["schema"]) in done.out
