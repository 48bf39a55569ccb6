"""The commands that move names: branch, switch, tag and reset."""

import pytest

from cli_support import Shell


def test_branch_lists_with_a_star_on_the_current_one(shell: Shell) -> None:
    """Without arguments, `branch` lists; the current branch has a star."""
    shell.says("user", "hello")
    shell.run("branch", "a-longer-name")

    tip = shell.head()[:8]
    assert shell.run("branch").lines == [f"  a-longer-name {tip}", f"* main          {tip}"]
    assert shell.run("branch", "--json").json == [
        {"name": "a-longer-name", "commit_id": shell.head(), "is_current": False},
        {"name": "main", "commit_id": shell.head(), "is_current": True},
    ]


def test_a_branch_starts_where_it_is_told(shell: Shell) -> None:
    """`branch NAME START` makes one at a revision, and stays on the current one."""
    shell.says("user", "one")
    shell.says("user", "two")

    shell.run("branch", "old", "HEAD^")

    assert shell.texts("old") == ["one"]
    assert shell.run("status", "--json").json["branch"] == "main"


def test_switch_makes_a_branch_and_goes_there(shell: Shell) -> None:
    """`switch -c NAME START` does both."""
    shell.says("user", "one")
    shell.says("user", "two")

    done = shell.run("switch", "-c", "old", "HEAD^")

    assert done.lines == [f"on branch old at {shell.head()[:8]}"]
    assert shell.texts() == ["one"]


def test_switch_goes_back_to_the_branch_before(shell: Shell) -> None:
    """`switch -` is where the workspace was before, as git's is."""
    shell.says("user", "one")
    shell.run("switch", "-c", "other")

    assert shell.run("switch", "-").lines == [f"on branch main at {shell.head()[:8]}"]
    assert shell.run("switch", "-").lines == [f"on branch other at {shell.head()[:8]}"]


def test_switch_before_the_first_commit(shell: Shell) -> None:
    """The first branch may have another name from the start."""
    assert shell.run("switch", "-c", "trunk").lines == ["on branch trunk, which has no commits yet"]


def test_a_merged_branch_is_deleted(shell: Shell) -> None:
    """-d deletes what is merged somewhere, and says where it was."""
    shell.says("user", "hello")
    shell.run("branch", "done")

    assert shell.run("branch", "-d", "done").lines == [f"branch done deleted; it was at {shell.head()[:8]}"]


def test_an_unmerged_branch_is_deleted_only_by_force(shell: Shell) -> None:
    """-d refuses what would be lost from view, -D does not."""
    shell.says("user", "hello")
    shell.run("switch", "-c", "wild")
    shell.says("user", "idea")
    shell.run("switch", "main")

    assert "merged nowhere" in shell.fails("branch", "-d", "wild")
    shell.run("branch", "-D", "wild")
    assert [row["name"] for row in shell.run("branch", "--json").json] == ["main"]


@pytest.mark.parametrize("arguments", [["trunk"], ["main", "trunk"]])
def test_a_branch_gets_another_name(shell: Shell, arguments: list[str]) -> None:
    """-m renames the current branch, or the one named."""
    shell.says("user", "hello")

    assert shell.run("branch", "-m", *arguments).lines == ["branch main is now trunk"]
    assert shell.run("status", "--json").json["branch"] == "trunk"


def test_tags_are_made_listed_and_deleted(shell: Shell) -> None:
    """`tag` names a commit, lists the names, and takes them away."""
    shell.says("user", "one")
    first = shell.head()
    shell.says("user", "two")

    shell.run("tag", "v1", "HEAD^")
    listed = shell.run("tag").lines, shell.run("tag", "--json").json
    shell.run("tag", "-d", "v1")

    assert listed == ([f"v1 {first[:8]}"], [{"name": "v1", "commit_id": first}])
    assert shell.run("tag").out == ""


def test_reset_moves_the_branch_and_the_reflog_brings_it_back(shell: Shell) -> None:
    """`reset` says where the branch was; `reset main@{1}` goes back."""
    shell.says("user", "one")
    first = shell.head()
    shell.says("user", "two")
    second = shell.head()

    done = shell.run("reset", "HEAD^")
    shell.run("reset", "main@{1}")

    assert done.lines == [f"main is now at {first[:8]}; it was at {second[:8]}"]
    assert shell.head() == second


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["branch", "main"], 1),
        (["branch", "a b"], 1),
        (["branch", "..", "HEAD"], 1),
        (["branch", "\x1b[31m"], 1),
        (["branch", "new", "nowhere"], 1),
        (["branch", "a", "b", "c"], 2),
        (["branch", "-d"], 2),
        (["branch", "-d", "main"], 1),
        (["branch", "-d", "nothing"], 1),
        (["branch", "-m"], 2),
        (["branch", "-m", "nothing", "new"], 1),
        (["branch", "--json", "new"], 2),
        (["switch", "nothing"], 1),
        (["switch", "-c", "main"], 1),
        (["switch", "main", "HEAD"], 2),
        (["switch"], 2),
        (["tag", "v1", "nowhere"], 1),
        (["tag", "-d", "nothing"], 1),
        (["tag", "-d"], 2),
        (["tag", "a", "b", "c"], 2),
        (["tag", "--json", "v1"], 2),
        (["reset", "nowhere"], 1),
        (["reset"], 2),
    ],
)
def test_bad_names_are_one_line_and_move_nothing(shell: Shell, arguments: list[str], code: int) -> None:
    """What cannot be made, found or moved is refused in one line, and every name stays where it was."""
    shell.says("user", "hello")
    before = shell.run("branch", "--json").json, shell.run("tag", "--json").json

    shell.fails(*arguments, code=code)

    assert (shell.run("branch", "--json").json, shell.run("tag", "--json").json) == before
