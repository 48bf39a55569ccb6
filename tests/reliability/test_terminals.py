"""Every command prints a tract that holds escapes wherever text can be: none reaches the terminal, in any way to it."""

import io
import json
import shlex
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from cli_support import Shell
from escape_support import ESCAPES, HARMFUL
from tract import Tract
from tract.cli.app import FAMILIES
from tract.cli.terminal import _CODES
from tract_support import Clock

ALL = "\n".join(ESCAPES)
NAMED = "\x85\u202e\x9b31m\u2066"
"""What even a name may hold."""
TYPED = "\n".join(escape for escape in ESCAPES if not set(escape) & {"\x00", "\ud800"})
"""What a command line can hold."""
OURS = [f"\x1b[{code}m" for code in (*_CODES.values(), "")]

# In this order: the later find what the earlier left. M stands for a message, S for a summary, O for an operation.
COMMANDS: Sequence[Sequence[str]] = (
    *(["init"], ["status"], ["status", "--json"], ["log"], ["log", "--graph"], ["log", "--oneline"], ["show", "v1"]),
    *(["show"], ["show", "main"], ["diff", "v1", "main"], ["diff", "other", "main"], ["history", "M"], ["compile"]),
    *(["compile", "--anthropic"], ["compile", "--openai"], ["reflog"], ["notes", "list", "main"], ["notes", "list"]),
    *(["notes", "add", "HEAD", "-m", TYPED], ["notes", "rm", "HEAD"], ["search", "title"], ["grep", "title"]),
    *(["blame", "M"],),
    *(["log", "--json"], ["show", "--json"], ["diff", "v1", "main", "--json"], ["search", "title", "--json"]),
    *(["bisect", "run", "v1", "main", "--", "false"], ["bisect", "run", "v1", "main", "--", "true"], ["branch"]),
    *(["tag"], ["workspace", "list"], ["children"], ["parent"], ["timeline"], ["remote", "list"], ["op", "log"]),
    *(["export"], ["export", "--format", "openai-jsonl"], ["config", "list"], ["config", "get", NAMED]),
    *(["config", "set", TYPED, TYPED], ["add", "user", "--", TYPED], ["edit", "M", TYPED + "!", "-m", TYPED]),
    *(["skip", "M"], ["unskip", "M"], ["pin", "M"], ["unpin", "M"], ["import", "run.json"], ["expand", "S"]),
    *(["compress", "M", "--summary", TYPED, "-m", TYPED], ["undo"], ["redo"], ["op", "revert", "O"]),
    *(["branch", f"new{NAMED}"], ["tag", f"new{NAMED}"], ["switch", f"new{NAMED}"], ["switch", "main"]),
    *(["spawn", f"kid{NAMED}"], ["collapse", f"kid{NAMED}", "--summary", TYPED], ["children"]),
    *(["workspace", "rm", NAMED], ["timeline"]),
    *(["merge", "other"], ["status"], ["conflicts"], ["conflicts", "--json"], ["resolve", "--ours"], ["conflicts"]),
    *(["resolve", "--text", TYPED], ["merge", "--continue"], ["merge", "--abort"]),
    *(["cherry-pick", "other", "--theirs"],),
    *(["revert", "HEAD", "--ours"], ["rebase", "other", "--ours"], ["remote", "add", f"far{NAMED}", "far.db"]),
    *(["bundle", "create", "b.bundle"], ["bundle", "verify", "b.bundle"], ["clone", "b.bundle", "copy"]),
    *(["push", "far.db"],),
    *(["fetch", f"far{NAMED}"], ["pull", f"far{NAMED}"], ["pull", f"away{NAMED}"], ["remote", "list"], ["reset", "v1"]),
    *(["fsck"], ["gc", "--keep", "0s"], ["purge", "M", "--dry-run"], ["purge", "M", "--yes"], ["fsck"], ["log"]),
    *(["completion", "bash"], ["demo", "--help"]),
)  # fmt: skip


class Screen(io.TextIOWrapper):
    """A stream that says that somebody looks at it."""

    def isatty(self) -> bool:
        """Say so."""
        return True


def write_hostile(folder: Path) -> None:
    """Make a tract that holds escapes wherever text can be."""
    with Tract.open(folder / "store.db", author=ALL, clock=Clock(), durability="normal") as t:
        told: dict[str, Any] = {"message": ALL, "metadata": {ALL: ALL, "model": ALL, "usage": {ALL: [ALL]}}}
        call = {"id": ALL, "type": "function", "function": {"name": ALL, "arguments": ALL}}
        said = str(t.user(ALL, name=ALL, **told).message_id)
        t.tag("v1")
        t.append({"role": "user", "content": [{"type": ALL}, {"type": "text", "text": ALL}], ALL: ALL}, **told)
        t.append([{"role": "assistant", "content": ALL, "tool_calls": [call]}], **told)
        t.append([{"role": "tool", "tool_call_id": ALL, "content": ALL, "name": ALL}], **told)
        t.configure({ALL: ALL, NAMED: {ALL: ALL}}, **told)
        t.branch("other")
        t.branch(f"side{NAMED}")
        t.tag(f"tag{NAMED}")
        t.edit(said, ALL + "\nmain", **told)
        t.add_remote(f"away{NAMED}", f"/nowhere/{NAMED}")
        with t.spawn(f"child{NAMED}") as child:
            child.user(ALL, **told)
        t.collapse(f"child{NAMED}", summary=ALL)
        t.switch("other")
        t.edit(said, ALL + "\nother", **told)
        t.configure({NAMED: [ALL]})
        t.switch("main")
        t.configure({NAMED: ALL})
        t.compress([str(t.user(ALL + "?", **told).message_id)], summary=ALL, **told)
        t.note("main", ALL)
    (folder / "run.json").write_text(json.dumps({"title": ALL, "messages": [{"role": "user", "content": ALL + "new"}]}))


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the hostile tract, to be copied."""
    folder = tmp_path_factory.mktemp("hostile")
    write_hostile(folder)
    return folder


@pytest.fixture
def hostile(written: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A hostile tract of the test's own."""
    shutil.copytree(written, tmp_path / "copy")
    shell = Shell(tmp_path / "copy", monkeypatch)
    monkeypatch.setenv("TRACT_DB", str(tmp_path / "copy" / "store.db"))
    monkeypatch.setenv("EDITOR", "true")
    return shell


def filled(arguments: Sequence[str], shell: Shell) -> list[str]:
    """Return a command line with the ids that stand for a message, a summary and an operation."""
    if not {"M", "S", "O"} & set(arguments):
        return list(arguments)
    with Tract.open(shell.folder / "store.db", read_only=True) as t:
        ids = t.compile().message_ids
        known = {"M": ids[0], "S": ids[-1], "O": t.operations(limit=1)[0].id}
    return [known.get(word, word) for word in arguments]


def shown(text: str) -> str:
    """Return what is printed without the colours that are ours."""
    for code in OURS:
        text = text.replace(code, "")
    return text


def test_every_command_is_tried() -> None:
    """The table has each command of the help."""
    assert {arguments[0] for arguments in COMMANDS} == {name for names in FAMILIES.values() for name in names}


@pytest.mark.parametrize("way", ["plain", "coloured", "paged"])
def test_no_command_lets_an_escape_through(hostile: Shell, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    """Neither on standard output nor on standard error, in a pipe, on a terminal with colour, and into a pager."""
    pages = hostile.folder / "pages"
    if way != "plain":
        monkeypatch.setattr(io, "TextIOWrapper", Screen)
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setenv("TRACT_PAGER", f"tee -a {shlex.quote(str(pages))} >/dev/null" if way == "paged" else "")

    silent = set()
    for arguments in COMMANDS:
        done = hostile.tries("--author", TYPED, *filled(arguments, hostile))
        printed = shown(done.out + done.err)
        assert HARMFUL.findall(printed) == [], arguments
        assert "fault in tract" not in printed, done
        silent |= set() if printed else {*arguments}

    if way != "paged":
        assert silent == set()
    else:
        text = pages.read_text()
        assert HARMFUL.findall(shown(text)) == []
        assert text.count("commit") > 10
        assert "\x1b[33m" in text


WRONG: Sequence[Sequence[str]] = (
    *([name, "X"] for names in FAMILIES.values() for name in names if name not in ("init", "demo", "add", "purge")),
    *(["--db", "X/X", "status"], ["--workspace", "X", "status"], ["--tract", "X", "status"], ["-C", "X", "status"]),
    *(["X"], ["status", "--X"], ["config", "set", "X", "1"], ["notes", "add", "X", "-m", "x"], ["notes", "X"]),
    *(["op", "revert", "X"], ["remote", "add", "X", "X"], ["bundle", "verify", "X"], ["add", "X", "x"]),
    *(["branch", "a", "X"], ["tag", "a", "X"], ["purge", "X", "--yes"], ["import", "--format", "X", "run.json"]),
    *(["log", "-n", "X"], ["gc", "--keep", "X"], ["compress", "X", "--summary", "x"], ["export", "--format", "X"]),
)


@pytest.mark.parametrize("arguments", WRONG, ids=["-".join(arguments) for arguments in WRONG])
def test_no_error_lets_an_escape_through(hostile: Shell, arguments: Sequence[str]) -> None:
    """What was typed and is repeated, in an error or anywhere else, is harmless; each escape by itself."""
    for escape in ESCAPES[::4] if len(arguments) > 2 else ESCAPES[::2]:
        if set(escape) & {"\x00", "\ud800"}:
            continue
        done = hostile.tries(*(word.replace("X", escape) for word in arguments))
        assert HARMFUL.findall(done.out + done.err) == [], (arguments, escape)
        assert "fault in tract" not in done.err
