"""Purging: a leaked secret leaves the store, and all that was built on its message stands."""

from pathlib import Path

import pytest

from tract import MessageNotFoundError, Resolution, Tract
from tract.exceptions import BatchError, CorruptionError
from tract_support import Another, answering, asking, call, ids, texts

SECRET = "sk-very-secret-0123456789"


@pytest.fixture
def leaked(t: Tract) -> str:
    """A conversation in which a message had a secret, in two versions, on two branches; its id."""
    t.system("You are terse.")
    message_id = t.user(f"My key is {SECRET}.").message_id or ""
    t.assistant("Noted.")
    t.branch("side")
    t.edit(message_id, f"My key is {SECRET}, keep it.")
    t.edit(message_id, "My key is hidden.")
    return message_id


def test_asking_overwrites_nothing(t: Tract, leaked: str) -> None:
    """The report says what would be concerned."""
    report = t.purge(leaked)

    assert (report.message_id, len(report.blob_ids), report.done) == (leaked, 3, False)
    assert SECRET in texts(t, "side")[1]
    assert t.fsck().purged == ()


def test_every_version_is_overwritten(t: Tract, leaked: str, another: Another) -> None:
    """On every branch and in the past; the message keeps its place and its id, and says that it was purged."""
    before = ids(t)

    report = t.purge(leaked[:12], confirmed=True)

    assert (report.done, len(report.blob_ids)) == (True, 3)
    for reader in (t, another()):
        for at in ("main", "side", "main~2"):
            assert texts(reader, at) == ["You are terse.", "[purged]", "Noted."]
    assert ids(t) == before
    checked = t.fsck()
    assert checked.is_clean
    assert checked.purged == report.blob_ids
    assert t.history(leaked)[0].message.text == "[purged]"


def test_the_text_is_in_no_file_of_the_store(path: Path) -> None:
    """Neither in the database nor in its log, not even while it is open."""
    with Tract.open(path) as t:
        message_id = t.user(f"My key is {SECRET}. " + "x" * 20_000).message_id or ""
        t.edit(message_id, f"My key is {SECRET}, short.")
        t.assistant("Noted.")
        assert any(SECRET.encode() in file.read_bytes() for file in path.parent.iterdir())

        t.purge(message_id, confirmed=True)

        assert [file.name for file in path.parent.iterdir() if SECRET.encode() in file.read_bytes()] == []
        assert texts(t) == ["[purged]", "Noted."]


def test_a_purged_message_with_calls_keeps_its_results(t: Tract) -> None:
    """Its calls keep their ids and nothing else, so its results still answer them, for every provider."""
    said = {**asking("c1"), "content": SECRET}
    said["tool_calls"] = [call("c1", "login", f'{{"key": "{SECRET}"}}')]
    message_id = t.append(said).message_id or ""
    t.tool("welcome", tool_call_id="c1")

    t.purge(message_id, confirmed=True)

    assert SECRET not in repr(t.compile().to_openai()) + repr(t.compile().to_anthropic())
    assert [message.role for message in t.compile().messages] == ["assistant", "tool"]
    t.user("go on")
    assert t.fsck().is_clean


def test_a_result_is_purged_alone(t: Tract) -> None:
    """The call that it answers stays."""
    t.append(asking("c1"))
    result = t.tool(SECRET, tool_call_id="c1").message_id or ""

    t.purge(result, confirmed=True)

    assert t.compile().to_openai()[1] == {"role": "tool", "content": "[purged]", "tool_call_id": "c1"}
    assert t.compile().to_openai()[0]["tool_calls"] == [call("c1")]


def test_the_same_words_said_again_stay_purged(t: Tract, leaked: str) -> None:
    """What is purged is the bytes, whoever says them, before or after."""
    t.user(f"My key is {SECRET}.")
    t.purge(leaked, confirmed=True)

    t.user(f"My key is {SECRET}.")

    assert texts(t)[-2:] == ["[purged]", "[purged]"]
    assert t.fsck().is_clean


def test_answers_that_repeat_it_are_forgotten(t: Tract, leaked: str, another: Another) -> None:
    """Remembered resolutions and merges that wait hold texts too, in any tract of the store."""
    t.switch("side")
    t.edit(leaked, "My key is gone.")
    other = t.spawn("other")
    t.switch("main")
    waiting = t.merge("side")
    waiting.resolve(waiting.conflicts[0].id, Resolution("resolved", content_text=f"My key is {SECRET}."))

    report = t.purge(leaked, confirmed=True)

    assert [name.split("/")[0] for name in report.forgotten] == ["default: merge", "default: rerere"]
    assert t.merge_session() is None
    assert t.fsck().is_clean
    assert another().merge("side").resolutions == {}
    other.close()


def test_commits_that_tell_it_themselves_are_named(t: Tract) -> None:
    """A commit's own message cannot be overwritten: its id covers it."""
    said = t.user(SECRET, message=f"the key {SECRET}")

    report = t.purge(said.message_id or "", confirmed=True)

    assert report.mentioned_in == (said.id,)


def test_purging_again_changes_nothing(t: Tract, leaked: str) -> None:
    """The report still names what is concerned."""
    first = t.purge(leaked, confirmed=True)

    again = t.purge(leaked, confirmed=True)

    assert again.blob_ids == first.blob_ids
    assert texts(t)[1] == "[purged]"


def test_a_purged_message_can_be_edited_and_merged(t: Tract, leaked: str) -> None:
    """It goes on as a message like any other."""
    t.purge(leaked, confirmed=True)
    t.switch("side")
    t.edit(leaked, "Ask me for the key.")
    t.switch("main")

    result = t.merge("side", strategy="theirs")

    assert result.committed
    assert texts(t)[1] == "Ask me for the key."


def test_an_unknown_message_is_refused(t: Tract, leaked: str) -> None:
    """By a prefix or a whole id."""
    for unknown in ("0" * 64, "0000", ""):
        with pytest.raises(MessageNotFoundError):
            t.purge(unknown, confirmed=True)

    assert t.fsck().purged == ()


def test_nothing_is_purged_inside_a_batch(t: Tract, leaked: str) -> None:
    """A batch's changes are not in the store yet."""
    with t.batch(), pytest.raises(BatchError):
        t.purge(leaked, confirmed=True)


def test_an_altered_tombstone_is_found(path: Path) -> None:
    """What stands for a purged message is checked as all else."""
    with Tract.open(path) as t:
        message_id = t.user(SECRET).message_id or ""
        t.purge(message_id, confirmed=True)
        store = t._repo.store
        store._database.transact(  # type: ignore[attr-defined]
            lambda transaction: transaction.read(
                "UPDATE blobs SET payload = CAST(payload || 'x' AS BLOB) WHERE kind = 2", {}
            )
        )

        report = t.fsck()

        assert [fault.where.split()[0] for fault in report.faults] == ["object"]
        with Tract.open(path) as fresh, pytest.raises(CorruptionError):
            fresh.compile()


def test_what_was_purged_can_be_pushed_to_who_has_the_beginning(t: Tract) -> None:
    """What is at hand of our own store is not looked for in the other one."""
    with Tract.open() as hub:
        asked = t.append([asking("a"), answering("a")])
        t.push(hub)
        t.edit(asked.message_ids[1], "found more")
        secret = str(t.user("the key is 4711").message_id)
        t.purge(secret, confirmed=True)
        t.compile()

        t.push(hub)

        assert hub.compile().to_openai() == t.compile().to_openai()
        assert hub.fsck().is_clean
