"""Merges in which a summary is out of date: what a model is told of it, and what of its answers may stand."""

import pytest

from llm_support import Recorder, answer
from tract import MergeError, Tract
from tract.llm import LLMResponseError, OpenAIResolver, Resolution
from tract.model.conflicts import ConflictInfo, ConflictMember
from tract_support import answering, asking, say, texts

SECRET = "The password of the attic is swordfish."


@pytest.fixture
def said(t: Tract) -> list[str]:
    """The ids of a conversation that main has summarised, and the branch `side` has not."""
    messages = [say("user", SECRET), asking("c1"), answering("c1", "It costs 5."), say("assistant", "Order 17 it is.")]
    found = list(t.append(messages).message_ids)
    t.branch("side")
    t.compress(f"{found[0]}..{found[3]}", summary="Order 17 for 5; the attic is locked.")
    t.switch("side")
    return found


def merged(t: Tract, text: str) -> tuple[str, tuple[ConflictInfo, ...]]:
    """Merge the side into main, a model giving one answer; return what it was told, and the conflicts."""
    client = Recorder(answer(text))
    t.switch("main")
    result = t.merge("side", resolver=OpenAIResolver(client), allow=["fold_vs_skip"], auto_commit=True)
    return client.calls[0]["messages"][1]["content"], result.conflicts


def test_a_model_is_told_every_edit_under_a_summary(t: Tract, said: list[str]) -> None:
    """Each message that changed is told as the summary had it and as it is now, and the text becomes the summary."""
    t.edit(said[2], "It costs 6.")
    t.edit(said[3], "Order 18 it is.")

    prompt, (conflict,) = merged(t, "Order 18 for 6; the attic is locked.")

    assert conflict.members == (
        ConflictMember(said[2], "It costs 5.", "It costs 6."),
        ConflictMember(said[3], "Order 17 it is.", "Order 18 it is."),
    )
    for text in ("It costs 5.", "It costs 6.", "Order 17 it is.", "Order 18 it is."):
        assert f"\n{text}\nEND DATA" in prompt
    assert prompt.endswith("so that it tells what is so now, and nothing else.")
    assert texts(t) == ["Order 18 for 6; the attic is locked."]


def test_a_model_is_told_what_a_summary_must_not_tell(t: Tract, said: list[str]) -> None:
    """A message that was left out is named as such, so that a redaction outlasts the summary."""
    t.skip(said[0])

    prompt, (conflict,) = merged(t, "Order 17 for 5.")

    assert conflict.members == (ConflictMember(said[0], SECRET, None, is_skipped=True),)
    assert f"so the summary must not tell it:\nBEGIN DATA {prompt.split('BEGIN DATA ')[1][:16]}\n{SECRET}" in prompt
    assert texts(t) == ["Order 17 for 5."]


def test_a_skipped_exchange_is_told_with_its_results(t: Tract, said: list[str]) -> None:
    """The result of a skipped call is left out too."""
    t.skip(said[1])

    _, (conflict,) = merged(t, "Order 17.")

    assert [(member.message_id, member.is_skipped) for member in conflict.members] == [(said[1], True), (said[2], True)]


def test_an_answer_that_repeats_what_was_left_out_is_refused(t: Tract, said: list[str]) -> None:
    """A model that tells the redacted words again settles nothing."""
    t.skip(said[0])

    with pytest.raises(LLMResponseError, match="what was left out"):
        merged(t, f"Order 17 for 5. {SECRET.upper()}")

    assert texts(t) == ["Order 17 for 5; the attic is locked."]


def test_only_conflicts_of_summaries_have_members(t: Tract, said: list[str]) -> None:
    """Other conflicts are told as before."""
    t.switch("main")
    late = str(t.user("Base.").message_id)
    t.branch("other")
    t.edit(late, "Ours.")
    t.switch("other")
    t.edit(late, "Theirs.")
    t.switch("main")
    seen: list[ConflictInfo] = []

    def resolver(issue: object) -> Resolution:
        assert isinstance(issue, ConflictInfo)
        seen.append(issue)
        return Resolution("skip")

    t.merge("other", resolver=resolver)

    assert [conflict.members for conflict in seen] == [()]
    with pytest.raises(MergeError):
        t.merge("other")
