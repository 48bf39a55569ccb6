"""Broken JSON and awkward strings through the commands: refused in one line, or taken as they are."""

import base64
import json

import pytest

from cli_support import DATA, Done, Shell

CASES = DATA / "json_test_suite" / "cases.jsonl"
STRINGS = DATA / "naughty_strings" / "blns.json"


def is_calm(done: Done) -> bool:
    """Tell whether a command did its work, or refused it in one line with at most a hint."""
    if done.code == 0:
        return done.err == ""
    lines = done.err.splitlines()
    said = lines[0].startswith("error: ") and all(line.startswith("hint: ") for line in lines[1:])
    return done.out == "" and said and len(lines) <= 2 and "fault in tract" not in done.err


@pytest.mark.skipif(not CASES.exists(), reason="the recorded data is not here")
def test_broken_json_is_imported_or_refused(shell: Shell) -> None:
    """Every case of the JSON test suite ends calmly, and what was there stays."""
    shell.says("user", "hello")
    cases = [json.loads(line) for line in CASES.read_text().splitlines()]

    for case in cases:
        assert is_calm(shell.tries("import", "-", stdin=base64.b64decode(case["b64"]))), case

    assert len(cases) > 300
    assert shell.texts() == ["hello"]
    assert shell.run("fsck").lines == ["clean"]


@pytest.mark.skipif(not STRINGS.exists(), reason="the recorded data is not here")
def test_awkward_strings_are_kept_as_they_are(shell: Shell) -> None:
    """Every string is a message that comes out as it went in, and can be shown."""
    strings = json.loads(STRINGS.read_text())
    messages = [{"role": "user", "content": text} for text in strings]

    shell.run("import", "-", stdin=json.dumps(messages))

    assert shell.run("compile", "--openai").json == messages
    for arguments in (["log"], ["show"], ["compile"], ["export"]):
        assert is_calm(shell.tries(*arguments))


@pytest.mark.skipif(not STRINGS.exists(), reason="the recorded data is not here")
def test_awkward_strings_name_nothing(shell: Shell) -> None:
    """No string as a revision, a name or a key upsets a command, or the store."""
    shell.says("user", "hello")
    strings = [text for text in json.loads(STRINGS.read_text()) if "\0" not in text]

    for number, text in enumerate(strings):
        command = (["show"], ["switch"], ["history"], ["config", "get"], ["branch", "new"])[number % 5]
        assert is_calm(shell.tries(*command, "--", text)), text
    for text in strings[::12]:
        assert is_calm(shell.tries("branch", "--", text)), text
        assert is_calm(shell.tries("config", "set", "--text", "--", text, text)), text

    assert shell.texts() == ["hello"]
    assert shell.run("fsck").lines == ["clean"]
