"""The commands of families: spawn, collapse, children, parent and timeline."""

from cli_support import Shell, conflicted
from tract.cli.stand_in import serve


def test_a_child_is_worked_on_by_its_name(shell: Shell) -> None:
    """`--tract` names it; the parent stays as it was until the child is collapsed."""
    shell.says("user", "hello")
    shell.run("spawn", "web")

    shell.run("--tract", "web", "add", "user", "Search.")

    assert shell.run("--tract", "web", "compile", "--openai").json[-1]["content"] == "Search."
    assert shell.texts() == ["hello"]
    assert shell.run("children", "--json").json == [{"name": "web", "commit_id": shell.head()}]


def test_a_child_is_merged_whole(shell: Shell) -> None:
    """`collapse` alone brings back every message."""
    shell.says("user", "hello")
    shell.run("spawn", "web")
    shell.run("--tract", "web", "add", "user", "Search.")

    done = shell.run("collapse", "web", "--json")

    assert (done.json["kind"], done.json["source"]) == ("clean", "web")
    assert shell.texts() == ["hello", "Search."]
    assert shell.run("collapse", "web").lines == ["main has all of web already"]


def test_a_summary_may_come_from_standard_input(shell: Shell) -> None:
    """As a user's message, or as the result of a call."""
    shell.says("user", "Find out.")
    shell.run("spawn", "web")
    calls = '[{"id": "c1", "type": "function", "function": {"name": "ask", "arguments": "{}"}}]'
    shell.run("add", "assistant", "--tool-calls", calls)

    shell.run("collapse", "web", "--summary", "-", "--tool-call-id", "c1", stdin="4\n")

    assert [message["role"] for message in shell.run("compile", "--openai").json] == ["user", "assistant", "tool"]
    assert shell.texts()[-1] == "4"


def test_a_model_may_write_the_summary(shell: Shell) -> None:
    """--llm asks over HTTP, and the commit tells which model wrote."""
    shell.says("user", "Find out.")
    shell.run("spawn", "web")
    shell.run("--tract", "web", "add", "assistant", "Rossio, every 20 minutes.")

    with serve("Every 20 minutes.") as url:
        shell.monkeypatch.setenv("TRACT_OPENAI_API_KEY", "secret-canary")
        shell.monkeypatch.setenv("TRACT_OPENAI_BASE_URL", url)
        shell.monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        shell.run("collapse", "web", "--llm")

    assert shell.texts()[-1].endswith(":\n\nEvery 20 minutes.")
    assert "Model:  stand-in" in shell.run("show").lines


def test_a_child_may_start_with_a_part(shell: Shell) -> None:
    """`--pinned` or `--message`, not both."""
    first = shell.says("user", "one")
    second = shell.says("user", "two")
    shell.run("pin", first)

    shell.run("spawn", "pinned", "--pinned")
    shell.run("spawn", "chosen", "--message", second[:8])
    shell.run("spawn", "early", "--at", "HEAD~2")

    assert shell.run("--tract", "pinned", "compile", "--openai").json[0]["content"] == "one"
    assert [m["content"] for m in shell.run("--tract", "chosen", "compile", "--openai").json] == ["two"]
    assert [m["content"] for m in shell.run("--tract", "early", "compile", "--openai").json] == ["one"]
    assert shell.run("--tract", "chosen", "parent", "--json").json["root_id"] is not None
    assert "choose one" in shell.fails("spawn", "x", "--pinned", "--message", first, code=2)


def test_conflicts_of_a_child_wait(shell: Shell) -> None:
    """The command ends with 1, and `resolve` and `merge --continue` go on."""
    asked = conflicted(shell)
    shell.run("spawn", "web")
    shell.run("--tract", "web", "edit", asked, "Shall we go by bike?")
    shell.run("edit", asked, "Shall we walk?")

    shell.run("collapse", "web", code=1)
    shell.run("resolve", "--theirs")
    shell.run("merge", "--continue")

    assert shell.texts() == ["Shall we go by bike?"]


def test_wrong_uses_are_refused(shell: Shell) -> None:
    """Unknown children, options that mean nothing together, and names that are taken."""
    shell.says("user", "hello")
    shell.run("spawn", "web")

    assert "no child 'other'" in shell.fails("collapse", "other")
    assert "exists already" in shell.fails("spawn", "web")
    assert "goes with --summary" in shell.fails("collapse", "web", "--tool-call-id", "c1", code=2)
    assert "has none" in shell.fails("collapse", "web", "--summary", "x", "--ours", code=2)
    assert "words once" in shell.fails("collapse", "web", "--summary", "x", "--llm", code=2)
    assert "goes with --llm" in shell.fails("collapse", "web", "--model", "m", code=2)


def test_families_are_listed(shell: Shell) -> None:
    """Names stand in a column; a tract without a parent says so; the timeline tells of all."""
    shell.says("user", "hello")
    shell.run("spawn", "web")
    shell.run("spawn", "longer")

    tip = shell.head()[:8]
    assert shell.run("children").lines == [f"longer {tip}", f"web    {tip}"]
    assert shell.run("parent").lines == ["this tract was not spawned"]
    assert shell.run("parent", "--json").json is None
    assert shell.run("--tract", "web", "parent").lines == [f"spawned from tract default, branch main at {tip}"]
    rows = shell.run("timeline", "--json").json
    assert [(row["tract"], row["kind"]) for row in rows] == [
        ("longer", "spawn"),
        ("web", "spawn"),
        ("default", "append"),
    ]
    assert shell.run("timeline", "-n", "1").lines[0].endswith(f"longer {tip} main: spawn")
