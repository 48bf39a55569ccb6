"""What the tests of the command line share: the command in this process, and as a process of its own."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tract.cli import main

DATA = Path(os.environ.get("TRACT_TEST_DATA", Path(__file__).parents[3] / "shared" / "data"))
COMMAND = (sys.executable, "-m", "tract")

# What the machine that runs the tests has set must not reach a command.
_OURS = ("TRACT_", "NO_COLOR", "PAGER", "LESS", "USER", "EDITOR", "VISUAL", "_TRACT")


@dataclass(frozen=True)
class Done:
    """What a command did: its exit code and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it printed, as JSON."""
        return json.loads(self.out)

    @property
    def lines(self) -> list[str]:
        """What it printed, by lines."""
        return self.out.splitlines()


class Shell:
    """Runs commands in a folder: in this process, which is fast, or in one of their own."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.monkeypatch = monkeypatch
        for name in list(os.environ):
            if name.startswith(_OURS):
                monkeypatch.delenv(name)

    def run(self, *arguments: str, stdin: str | bytes = b"", code: int = 0) -> Done:
        """Run a command here, and check its exit code."""
        done = self.tries(*arguments, stdin=stdin)
        assert done.code == code, done
        return done

    def tries(self, *arguments: str, stdin: str | bytes = b"") -> Done:
        """Run a command here."""
        data = stdin.encode() if isinstance(stdin, str) else stdin
        out, err = io.BytesIO(), io.BytesIO()
        with self.monkeypatch.context() as patch:
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data), encoding="utf-8"))
            patch.setattr(sys, "stdout", io.TextIOWrapper(out, encoding="utf-8"))
            patch.setattr(sys, "stderr", io.TextIOWrapper(err, encoding="utf-8", write_through=True))
            found = main(["-C", str(self.folder), *arguments])
            sys.stdout.flush()
            sys.stderr.flush()
            return Done(found, out.getvalue().decode(), err.getvalue().decode())

    def fails(self, *arguments: str, stdin: str | bytes = b"", code: int = 1) -> str:
        """Run a command that is to fail in one line, with nothing else said but a hint, and return that line."""
        done = self.run(*arguments, stdin=stdin, code=code)
        lines = done.err.splitlines()
        assert done.out == ""
        assert lines[0].startswith("error: "), lines
        assert len(lines) == 1 or (len(lines) == 2 and lines[1].startswith("hint: ")), lines
        assert "fault in tract" not in done.err
        return lines[0].removeprefix("error: ")

    def process(
        self, *arguments: str, stdin: bytes = b"", environment: Mapping[str, str] | None = None
    ) -> "subprocess.CompletedProcess[bytes]":
        """Run a command as a process of its own."""
        return subprocess.run(
            [*COMMAND, *arguments],
            cwd=self.folder,
            input=stdin,
            capture_output=True,
            env={**os.environ, **(environment or {})},
            timeout=60,
        )

    def says(self, role: str, text: str, *options: str) -> str:
        """Add a message and return its id."""
        message_ids: list[str] = self.run("add", role, "--json", *options, "--", text).json["message_ids"]
        return message_ids[0]

    def head(self, revision: str = "HEAD") -> str:
        """Return the id of a commit."""
        found: str = self.run("show", revision, "--json").json["commit"]["id"]
        return found

    def texts(self, *arguments: str) -> list[str]:
        """Return what the messages of the compiled context say."""
        return [message["content"] for message in self.run("compile", "--openai", *arguments).json]


def conflicted(shell: Shell) -> str:
    """Let `main` and `other` edit one message in two ways, stand on main, and return the message's id."""
    message_id = shell.says("user", "Shall we go by train?")
    shell.run("switch", "-c", "other")
    shell.run("edit", message_id, "Shall we go by bus?", "-m", "by bus")
    shell.run("switch", "main")
    shell.run("edit", message_id, "Shall we go by boat?", "-m", "by boat")
    return message_id
