"""Commands that share: clone, fetch, pull, push, remotes and bundles, between folders and files."""

import json
import re
from pathlib import Path

import pytest

from cli_support import Shell


@pytest.fixture
def far(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A folder `far` with a tract that has two branches and a tag."""
    folder = tmp_path / "far"
    folder.mkdir()
    opened = Shell(folder, monkeypatch)
    opened.run("init")
    opened.says("user", "hello")
    opened.run("tag", "v1")
    opened.run("switch", "-c", "side")
    opened.says("user", "aside")
    opened.run("switch", "main")
    return opened


@pytest.fixture
def near(far: Shell, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """A folder `near` with a clone of it."""
    Shell(far.folder.parent, monkeypatch).run("clone", "far", "near")
    return Shell(far.folder.parent / "near", monkeypatch)


def test_clone_push_and_pull(far: Shell, near: Shell) -> None:
    """The story of two folders: each brings the other what it has."""
    near.says("user", "said here")
    pushed = near.run("push")
    far.says("user", "said there")
    near.says("user", "more from here")

    refused = near.tries("push")
    pulled = near.run("pull")
    near.run("push", "origin")

    assert pushed.lines[0].startswith("1 commit sent to ")
    assert refused.code == 1
    assert "heads/main stands at" in refused.err
    assert "hint: 'tract pull'" in refused.err
    assert pulled.lines[0].startswith("merged origin/main into main at ")
    assert far.texts() == near.texts() == ["hello", "said here", "more from here", "said there"]


def test_a_clone_says_where_it_is(far: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is named after what it copies, or put where --db says."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    shell = Shell(folder, monkeypatch)

    done = shell.run("clone", str(far.folder))
    again = shell.run("--db", str(folder / "x.db"), "clone", str(far.folder / ".tract" / "tract.db"))

    assert done.out == f"cloned 2 branches into {folder / 'far' / '.tract'}, on branch main\n"
    assert again.out == f"cloned 2 branches into {folder / 'x.db'}, on branch main\n"
    assert "already" in shell.fails("clone", str(far.folder))
    assert "no tract" in shell.fails("clone", "nowhere", "new")
    assert not (folder / "new").exists()
    shell.run("--db", str(folder / "y.db"), "clone", str(far.folder), "z", code=2)
    shell.run("clone", "postgresql://host/db", code=2)


def test_fetch_shows_what_moved(far: Shell, near: Shell) -> None:
    """New, moved and pruned branches, and tags."""
    far.says("user", "newer")
    far.run("tag", "v2")
    far.run("branch", "fix", "main")
    far.run("branch", "-D", "side")

    fetched = near.run("fetch", "-p")
    nothing = near.run("fetch", "origin", "main", "--json").json

    assert fetched.lines[0].startswith("1 new commit from ")
    assert [re.sub("[0-9a-f]{8}", "ID", line) for line in fetched.lines[1:]] == [
        "  origin/fix new at ID",
        "  origin/main ID -> ID",
        "  origin/side is gone",
        "  tag v2 new at ID",
    ]
    assert (nothing["commits"], nothing["updates"], list(nothing["branches"])) == (0, [], ["main"])
    assert [line.split()[0] for line in near.run("branch", "-r").lines] == ["origin/fix", "origin/main"]
    assert near.run("log", "origin/main", "--json").json[0]["refs"] == ["tag: v2", "origin/fix", "origin/main"]


def test_a_pull_that_conflicts_waits(far: Shell, near: Shell) -> None:
    """It ends with 1, and goes on as any merge."""
    message_id = json.loads(far.run("compile", "--json").out)["messages"][0]["id"]
    far.run("edit", message_id, "hello there")
    near.run("edit", message_id, "hello here")

    waiting = near.run("pull", "--json", code=1).json
    near.run("resolve", "--text", "hello")
    near.run("merge", "--continue")

    assert [conflict["kind"] for conflict in waiting["conflicts"]] == ["both_edit"]
    assert near.texts() == ["hello"]
    near.says("user", "more")
    far.run("edit", message_id, "hi")
    assert near.run("pull", "--theirs", "-m", "as they say").code == 0
    assert near.texts() == ["hi", "more"]


def test_push_names_branches_and_tags(far: Shell, near: Shell) -> None:
    """`BRANCH:NAME` as in git; tags on request; force for what would be dropped."""
    near.run("tag", "one")
    pushed = near.run("push", "origin", "side:theirs/side", "--tag", "one", "--json").json
    near.run("reset", "v1")
    near.says("user", "instead")
    far.says("user", "there")

    forced = near.run("push", "-f", "--tags")

    assert [update["ref"] for update in pushed["updates"]] == ["heads/theirs/side", "tags/one"]
    assert forced.lines[1].endswith("(forced)")
    assert near.run("push").out.endswith("has it all already\n")
    assert far.texts() == ["hello", "instead"]


def test_remotes(near: Shell, far: Shell) -> None:
    """Added, listed and forgotten; what is neither a remote nor a path is an error."""
    near.run("remote", "add", "other", str(far.folder), "--name", "web")
    listed = near.run("remote", "list")
    shapes = near.run("remote", "list", "--json").json

    assert [line.split()[0] for line in listed.lines] == ["origin", "other"]
    assert listed.lines[1].endswith("(tract web)")
    assert [(shape["name"], shape["tract"]) for shape in shapes] == [("origin", "default"), ("other", "web")]
    near.run("remote", "rm", "other", "origin")
    assert near.run("remote", "list").out == near.run("branch", "-r").out == ""
    assert "no remote" in near.fails("fetch")
    assert "no remote 'orgin'" in near.fails("push", "orgin")
    assert "no tract" in near.fails("remote", "add", "x", str(far.folder / ".tract"))


def test_other_tracts_are_named(far: Shell, near: Shell) -> None:
    """`--name` says which tract over there."""
    near.run("push", "origin", "--name", "copy")

    near.run("fetch", "origin", "--name", "copy")

    assert near.run("--db", str(far.folder / ".tract" / "tract.db"), "--tract", "copy", "log", "--json").json
    assert "no tract 'nowhere'" in near.fails("fetch", "origin", "--name", "nowhere")


def test_bundles(far: Shell, near: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Written, looked into anywhere, cloned and pulled from; a damaged one is refused."""
    file = str(tmp_path / "work.bundle")
    far.run("bundle", "create", file, "--all")
    outside = Shell(tmp_path, monkeypatch)

    shown = outside.run("bundle", "verify", file)
    outside.run("clone", file)

    assert shown.lines[0] == f"{file} is whole: 2 commits and 2 messages"
    assert [line.split(" at ")[0] for line in shown.lines[1:]] == ["  main", "  side", "  tag v1"]
    assert Shell(tmp_path / "work", monkeypatch).texts() == ["hello"]
    far.says("user", "newer")
    created = far.run("bundle", "create", file, "--since", "v1", "--json").json
    assert (created["commits"], created["missing"], list(created["refs"])) == (1, [], ["heads/main"])
    assert "which is not here" in outside.run("bundle", "verify", file, code=1).lines[-1]
    near.run("pull", file)
    assert near.texts() == ["hello", "newer"]
    whole = (tmp_path / "work.bundle").read_bytes()
    (tmp_path / "work.bundle").write_bytes(whole[:-1])
    assert "damaged" in near.fails("bundle", "verify", file)
    assert "damaged" in near.fails("pull", file)
    far.run("bundle", "create", file, "main", "--all", code=2)
