"""Broken JSON and awkward strings through every verb that takes them: kept, or refused with nothing changed."""

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tract import TraceError, Tract
from tract_support import json_cases, naughty_strings, needs_data, say, texts

pytestmark = needs_data


@pytest.fixture
def t(path: Path) -> Iterator[Tract]:
    """A tract in a SQLite file with one message."""
    with Tract.open(path, durability="normal") as opened:
        opened.user("hello")
        yield opened


def tried(t: Tract, act: Callable[..., Any], *given: Any) -> Any:
    """Return what a verb answers, or None where it was refused; then nothing has changed."""
    before = (t.head_id, t.branches(), t.tags())
    try:
        return act(*given)
    except TraceError:
        after = (t.head_id, t.branches(), t.tags())
    assert after == before
    return None


def check_whole(t: Tract, path: Path) -> None:
    """Check that the store is sound, here and for whoever opens it next, and takes the next message."""
    t.user("still here")
    assert t.fsck().is_clean
    with Tract.open(path, read_only=True) as again:
        assert again.compile().to_openai() == t.compile().to_openai()


def parsed(case: dict[str, Any]) -> Any:
    """Return the value of a JSON case as Python reads it, or its text where it reads none."""
    data = base64.b64decode(case["b64"])
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return data.decode("utf-8", "surrogateescape")


def test_json_cases_as_files(t: Tract, path: Path) -> None:
    """No case is a conversation, and each is refused or has nothing to add."""
    cases = json_cases()

    for case in cases:
        report = tried(t, t.import_messages, base64.b64decode(case["b64"]))
        assert report is None or report.added == 0

    assert len(cases) >= 318
    assert texts(t) == ["hello"]
    check_whole(t, path)


def test_json_cases_inside_messages_and_settings(t: Tract, path: Path) -> None:
    """A value is kept equal in a message, in metadata and under a key, or refused in all three."""
    kept = 0
    for case in json_cases():
        value = parsed(case)

        said = tried(t, t.append, {**say("user", "x"), "extra": value})
        noted = tried(t, lambda value=value: t.user("x", metadata={"key": value}))
        configured = tried(t, t.configure, {"key": value})

        assert (said is None) == (noted is None) == (configured is None), case["name"]
        if said is not None:
            kept += 1
            assert t.compile(said.id).to_openai()[-1]["extra"] == value
            assert noted.metadata == {"key": value}
            assert t.compile().config.get("key") == value

    assert kept > 200
    check_whole(t, path)


def test_json_cases_as_content(t: Tract, path: Path) -> None:
    """A value that is no content is refused by every verb that takes one."""
    for case in json_cases():
        for verb in (t.user, t.system, t.append):
            tried(t, verb, parsed(case))

    check_whole(t, path)


def test_strings_as_messages(t: Tract, path: Path) -> None:
    """Every string comes out as it went in: said, as a name, as a call's arguments, as an edit, as a commit's words."""
    strings = naughty_strings()

    with t.batch():
        ids = [t.user(text).message_id for text in strings]
    with t.batch():
        for message_id, text in zip(ids, reversed(strings), strict=True):
            t.edit(str(message_id), text)
    for text in strings[::10]:
        t.user("x", message=text, author=text, metadata={text: text})

    assert len(strings) == 515
    assert texts(t, f"HEAD~{1 + len(strings[::10])}")[1:] == strings
    assert texts(t, f"HEAD~{len(strings[::10])}")[1:] == strings[::-1]
    noted = [(commit.author, commit.metadata) for commit in t.log(limit=len(strings[::10]))]
    assert noted[::-1] == [(text, {text: text}) for text in strings[::10]]
    assert t.compile().token_count > len(strings)
    check_whole(t, path)


def test_strings_as_settings(t: Tract, path: Path) -> None:
    """Every string that is not empty is a key, and every string a value."""
    strings = naughty_strings()

    t.configure({text: text for text in strings if text})

    assert t.compile().config == {text: text for text in strings if text}
    assert tried(t, t.configure, {"": 1}) is None
    check_whole(t, path)


def test_strings_as_names(t: Tract, path: Path) -> None:
    """A string names a branch and a tag, or neither; the name of one is a revision, and can be gone to."""
    made = []
    for text in naughty_strings():
        branch = tried(t, t.branch, text)
        tag = tried(t, t.tag, text)

        assert branch == tag
        if branch is not None:
            made.append(text)
            assert t.resolve_revision(text) == t.head_id
            assert t.switch(text) == text
            assert t.switch("main") == "main"

    assert set(t.branches()) == {"main", *made}
    assert made
    check_whole(t, path)


def test_strings_as_revisions_and_ids(t: Tract, path: Path) -> None:
    """A string that names nothing is an error of every verb that looks something up, and writes nothing."""
    for text in naughty_strings():
        for verb in (
            t.compile,
            t.log,
            t.show,
            t.diff,
            t.resolve_revision,
            t.reset,
            t.merge,
            t.switch,
            t.delete_branch,
            t.delete_tag,
            t.reflog,
            t.history,
            t.pin,
            t.import_messages,
            t.export_messages,
        ):
            assert tried(t, verb, text) is None, (verb, text)

    assert t.merge_session() is None
    check_whole(t, path)
