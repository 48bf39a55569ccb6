"""The command as a process: exit codes, pipes, locales, terminals, pagers and editors."""

import json
import os
import pty
import select
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from cli_support import COMMAND, Shell

COLOUR = "\x1b[33mcommit "


def on_terminal(
    shell: Shell, *arguments: str, environment: Mapping[str, str] | None = None, typed: str = "", at: str = ""
) -> tuple[int, str]:
    """Run a command on a terminal of its own, type something once a text has appeared, and return what it showed."""
    ours, theirs = pty.openpty()
    given = {**os.environ, "TERM": "xterm", **(environment or {})}
    process = subprocess.Popen(
        [*COMMAND, *arguments], cwd=shell.folder, stdin=theirs, stdout=theirs, stderr=theirs, env=given,
        start_new_session=True, preexec_fn=_take_terminal,
    )  # fmt: skip
    os.close(theirs)
    shown = b""
    waiting = typed.encode()
    try:
        while select.select([ours], [], [], 60)[0]:
            try:
                read = os.read(ours, 65536)
            except OSError:
                # Linux says so when nobody holds the other end any more.
                break
            shown += read
            if waiting and at.encode() in shown:
                os.write(ours, waiting)
                waiting = b""
    finally:
        os.close(ours)
    return process.wait(60), shown.decode().replace("\r\n", "\n")


def _take_terminal() -> None:
    """Make standard input the terminal that controls this process, so that ctrl-C typed there reaches it.

    Whoever runs the tests in the background may have had it ignored, which children inherit.
    """
    import fcntl  # noqa: PLC0415
    import termios  # noqa: PLC0415

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def pager(shell: Shell) -> Path:
    """A program that notes what it is given, and under which settings."""
    script = shell.folder / "pager"
    script.write_text('#!/bin/sh\n(echo "LESS=$LESS"; cat) > noted\n')
    script.chmod(0o700)
    return script


@pytest.mark.parametrize(
    ("arguments", "code"), [(["status"], 0), (["show", "nothing"], 1), (["nonsense"], 2), ([], 2), (["log", "-h"], 0)]
)
def test_exit_codes(shell: Shell, arguments: list[str], code: int) -> None:
    """0 is done, 1 an error, 2 a wrong command line; without a command the help goes to standard error."""
    done = shell.process(*arguments)

    assert done.returncode == code
    assert (done.stdout == b"") == (code != 0)
    assert b"Traceback" not in done.stderr


def test_the_installed_command_and_the_module_are_the_same(shell: Shell) -> None:
    """`tract` and `python -m tract` both run."""
    script = Path(sys.executable).with_name("tract")
    outputs = [
        subprocess.run([*command, "--version"], capture_output=True, check=True).stdout
        for command in (COMMAND, (str(script),))
    ]

    assert outputs[0] == outputs[1]
    assert outputs[0].startswith(b"tract ")


def test_reading_commands_load_nothing_heavy(shell: Shell) -> None:
    """`log` and the like pay neither for a model's client, nor for a tokenizer, nor for the tour's web server."""
    shell.says("user", "hello")
    script = """if True:
        import sys
        from tract.cli import main
        main(["log"]), main(["status"]), main(["branch"])
        print(sorted(set(sys.modules) & {"httpx", "tenacity", "tiktoken", "psycopg", "rich", "http.server"}))
    """

    done = subprocess.run([sys.executable, "-c", script], cwd=shell.folder, capture_output=True, check=True)

    assert done.stdout.endswith(b"[]\n")


def test_a_reader_who_leaves_early_is_no_fault(shell: Shell) -> None:
    """A broken pipe in the middle of much output ends with 141, and nothing is said."""
    shell.says("user", "long text\n" * 100_000)
    process = subprocess.Popen([*COMMAND, "compile"], cwd=shell.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None

    process.stdout.read(10)
    process.stdout.close()
    _, err = process.communicate(timeout=60)

    assert (process.returncode, err) == (141, b"")


def test_a_reader_who_never_came_is_no_fault(shell: Shell) -> None:
    """A pipe that is broken before the output is flushed ends with 141, and nothing is said."""
    reading, writing = os.pipe()
    os.close(reading)

    with os.fdopen(writing) as broken:
        done = subprocess.run([*COMMAND, "status"], cwd=shell.folder, stdout=broken, stderr=subprocess.PIPE, timeout=60)

    assert (done.returncode, done.stderr) == (141, b"")


def test_errors_that_nobody_can_read_change_no_exit_code(shell: Shell) -> None:
    """With standard error broken, the exit code still tells."""
    reading, writing = os.pipe()
    os.close(reading)

    with os.fdopen(writing) as broken:
        done = subprocess.run([*COMMAND, "show"], cwd=shell.folder, stdout=subprocess.PIPE, stderr=broken, timeout=60)

    assert (done.returncode, done.stdout) == (1, b"")


def test_a_process_without_standard_streams_still_works(shell: Shell) -> None:
    """Closed standard streams keep no command from recording."""
    line = f"{sys.executable} -m tract add user hello <&- >&- 2>&-"

    done = subprocess.run(["sh", "-c", line], cwd=shell.folder, timeout=60)

    assert done.returncode == 0
    assert shell.texts() == ["hello"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_is_one_line(shell: Shell) -> None:
    """Output that cannot be written is an error."""
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([*COMMAND, "status"], cwd=shell.folder, stdout=full, stderr=subprocess.PIPE, timeout=60)

    assert (done.returncode, done.stderr) == (1, b"error: No space left on device\n")


@pytest.mark.parametrize(
    "environment",
    [
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"PYTHONIOENCODING": "latin-1:strict"},
    ],
)
def test_any_locale_will_do(shell: Shell, environment: dict[str, str]) -> None:
    """A locale that cannot show a text shows its numbers; JSON stays JSON."""
    text = "é 漢 🙂 \x1b \ud800"
    shell.run("import", "-", stdin=json.dumps([{"role": "user", "content": text}]))

    shown = shell.process("compile", environment=environment)
    exported = shell.process("export", environment=environment)

    assert shown.returncode == exported.returncode == 0
    assert json.loads(exported.stdout) == [{"role": "user", "content": text}]


def test_an_interrupted_command_ends_with_130(shell: Shell) -> None:
    """Ctrl-C in the middle is silent."""
    code, shown = on_terminal(shell, "demo", typed="\x03", at="Enter goes on")

    assert code == 130
    assert "Traceback" not in shown
    assert "error" not in shown


def test_a_terminated_command_leaves_the_store_whole(shell: Shell) -> None:
    """A command killed while it waits for its input has recorded nothing."""
    process = subprocess.Popen(
        [*COMMAND, "add", "user"], cwd=shell.folder, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
    )

    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)

    assert shell.run("log").out == ""
    assert shell.run("fsck").lines == ["clean"]


def test_colour_is_for_terminals(shell: Shell) -> None:
    """Colour shows on a terminal, and neither in a pipe nor with NO_COLOR."""
    shell.says("user", "hello")
    plain = {"TRACT_PAGER": ""}

    assert COLOUR in on_terminal(shell, "log", environment=plain)[1]
    assert "\x1b" not in on_terminal(shell, "log", environment={**plain, "NO_COLOR": "1"})[1]
    assert b"\x1b" not in shell.process("log", environment={"TERM": "xterm"}).stdout


def test_errors_are_coloured_on_a_terminal(shell: Shell) -> None:
    """The word error stands out."""
    code, shown = on_terminal(shell, "show", "nothing")

    assert code == 1
    assert shown.startswith("\x1b[1;31merror:\x1b[m no branch, tag or commit 'nothing'\n")


@pytest.mark.parametrize(
    ("arguments", "variable"), [(["log"], "PAGER"), (["show"], "TRACT_PAGER"), (["diff", "HEAD", "HEAD^"], "PAGER")]
)
def test_long_output_is_paged_on_a_terminal(shell: Shell, pager: Path, arguments: list[str], variable: str) -> None:
    """log, show and diff go through the pager on a terminal, with git's settings for less."""
    shell.says("user", "hello")
    shell.says("user", "more")

    code, shown = on_terminal(shell, *arguments, environment={variable: str(pager)})

    noted = (shell.folder / "noted").read_text()
    assert (code, shown) == (0, "")
    assert noted.startswith("LESS=FRX\n")
    assert "hello" in noted or "more" in noted


def test_nothing_is_paged_elsewhere(shell: Shell, pager: Path) -> None:
    """No pager runs in a pipe, for JSON, or with --no-pager."""
    shell.says("user", "hello")
    with_pager = {"TRACT_PAGER": str(pager)}

    shell.process("log", environment=with_pager)
    on_terminal(shell, "log", "--json", environment=with_pager)
    on_terminal(shell, "--no-pager", "log", environment=with_pager)

    assert not (shell.folder / "noted").exists()


def test_a_pager_may_be_left_early(shell: Shell) -> None:
    """Who closes the pager after a line has seen enough."""
    shell.says("user", "long text\n" * 100_000)

    code, shown = on_terminal(shell, "compile", environment={"TRACT_PAGER": "head -n 1", "NO_COLOR": "1"})

    assert code == 0
    assert shown.count("\n") == 1


@pytest.mark.skipif(not Path("/usr/bin/less").exists(), reason="less is not installed here")
def test_less_shows_harmless_text_and_quits_by_itself(shell: Shell) -> None:
    """Without a pager set, less gets the output, shows it in colour, and ends where it fits the screen."""
    shell.run("import", "-", stdin=json.dumps([{"role": "user", "content": "\x1b]0;title\x07"}]))

    code, shown = on_terminal(shell, "log", environment={"LC_ALL": "C.UTF-8"})

    assert code == 0
    assert COLOUR in shown
    assert "␛]0;title␇" in shown


def test_the_editor_opens_on_what_a_message_says(shell: Shell) -> None:
    """`edit` on a terminal without a text starts the editor with the present words."""
    message_id = shell.says("user", "hello there")

    code, _ = on_terminal(shell, "edit", message_id, environment={"EDITOR": "sed -i s/hello/goodbye/"})

    assert code == 0
    assert shell.texts() == ["goodbye there"]


def test_an_editor_left_without_saving_changes_nothing(shell: Shell) -> None:
    """Nothing written, nothing recorded."""
    code, shown = on_terminal(shell, "add", "user", environment={"EDITOR": "true", "NO_COLOR": "1"})

    assert code == 2
    assert shown.startswith("error: nothing was written\n")


@pytest.mark.parametrize(
    ("editor", "text"), [("sed -i -e '/^[<|=>]/d' -e /train/d -e /bus/d", "Shall we go by boat?"), ("sed -i 1d", None)]
)
def test_a_conflict_opens_in_the_editor(shell: Shell, editor: str, text: str | None) -> None:
    """`resolve` shows both sides between markers, and refuses a text that still has them."""
    message_id = shell.says("user", "Shall we go by train?")
    for branch, words in (("other", "Shall we go by bus?"), ("main", "Shall we go by boat?")):
        shell.run("switch", *(["-c"] if branch == "other" else []), branch)
        shell.run("edit", message_id, words)
    shell.run("merge", "other", code=1)

    code, shown = on_terminal(shell, "resolve", environment={"EDITOR": editor})

    (conflict,) = shell.run("conflicts", "--json").json
    if text is None:
        assert (code, conflict["resolution"]) == (2, None)
        assert "markers are left" in shown
    else:
        assert (code, conflict["resolution"]["text"]) == (0, text)
