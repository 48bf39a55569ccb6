"""The tour."""

import re
from pathlib import Path

import pytest

from cli_support import Shell
from tract.cli import demo
from tract.cli.stand_in import MODEL, serve
from tract.facade import Tract


def test_the_tour_settles_its_conflict_with_a_stand_in_and_says_so(empty: Shell) -> None:
    """Without a key the tour runs to its end, alone, and leaves nothing behind."""
    done = empty.run("demo")

    assert "a stand-in answers on this machine" in done.out
    assert re.search(r"\$ export TRACT_OPENAI_BASE_URL=http://127.0.0.1:\d+/v1\n\$ tract merge cheap --llm", done.out)
    assert f"Model:  {MODEL}" in done.out
    assert f"    {demo.SETTLED}" in done.lines
    assert "What next" in done.out
    assert "\x1b" not in done.out
    made = re.search(r"made a tract in (\S+)/\.tract", done.out)
    assert made is not None
    assert not Path(made[1]).exists()
    assert list(empty.folder.iterdir()) == []


def test_the_tour_can_be_kept(empty: Shell) -> None:
    """--keep leaves the store, whole, and says where."""
    empty.monkeypatch.setenv("TMPDIR", str(empty.folder))
    empty.monkeypatch.setattr("tempfile.tempdir", None)

    done = empty.run("demo", "--keep")

    (folder,) = empty.folder.iterdir()
    assert f"'tract -C {folder} log'" in done.lines[-1]
    assert empty.run("-C", str(folder), "fsck").lines == ["clean"]
    assert len(empty.run("-C", str(folder), "compile", "--openai").json) == 7


def test_with_a_key_the_real_endpoint_is_asked(empty: Shell) -> None:
    """TRACT_OPENAI_API_KEY set, the tour asks whom the environment names."""
    with serve("Three days by train, for 300 euros?") as url:
        empty.monkeypatch.setenv("TRACT_OPENAI_API_KEY", "secret-canary")
        empty.monkeypatch.setenv("TRACT_OPENAI_BASE_URL", url)
        done = empty.run("demo")

    assert "TRACT_OPENAI_API_KEY is set: the endpoint that your environment names is asked." in done.out
    assert "    Three days by train, for 300 euros?" in done.lines
    assert "secret-canary" not in done.out


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/v1", "not a url"])
def test_an_endpoint_that_fails_does_not_end_the_tour(empty: Shell, url: str) -> None:
    """If the real endpoint cannot be used, the tour says so and goes on with the stand-in."""
    empty.monkeypatch.setenv("TRACT_OPENAI_API_KEY", "secret-canary")
    empty.monkeypatch.setenv("TRACT_OPENAI_BASE_URL", url)
    empty.monkeypatch.setattr("time.sleep", lambda seconds: None)

    done = empty.run("demo")

    assert "It did not answer: " in done.out
    assert f"    {demo.SETTLED}" in done.lines


def test_the_python_lines_of_the_tour_are_true(empty: Shell) -> None:
    """What the tour shows as Python runs, and does what it says."""
    empty.monkeypatch.chdir(empty.folder)

    exec(demo.PYTHON, {})

    with Tract.open("trip.db") as tract:
        assert [message.content for message in tract.compile().messages] == [
            "You plan short trips.",
            "Three days in Lisbon by train, for little money?",
        ]
