"""Collapsing with a summarizer: it is told what the child said, and what it writes comes back as one message."""

from collections.abc import Iterator

import pytest

from llm_support import Recorder, answer
from tract import ContentError, SummaryError, Tract
from tract.llm import OpenAISummarizer
from tract.protocols import Summary, SummaryRequest
from tract_support import Another, answering, asking, texts


@pytest.fixture
def child(t: Tract) -> Iterator[Tract]:
    """A child that looked something up."""
    t.system("You plan trips.")
    t.user("Find a train.")
    with t.spawn("trains") as opened:
        opened.user("Look up the trains to Sintra.")
        opened.append([asking("c1"), answering("c1", "Rossio, every 20 minutes")])
        opened.assistant("Every 20 minutes from Rossio.")
        yield opened


def count(request: SummaryRequest) -> str:
    """Say how much was said."""
    return f"{len(request.messages)} messages"


def test_a_summarizer_tells_what_the_child_said(t: Tract, child: Tract) -> None:
    """It is told every message since the spawn, calls too, and none that the child inherited."""
    asked: list[SummaryRequest] = []

    def summarizer(request: SummaryRequest) -> Summary:
        asked.append(request)
        return Summary("To Sintra: every 20 minutes.", {"model": "m", "usage": {"total_tokens": 9}})

    result = t.collapse(child, summary=summarizer)

    assert texts(t) == ["You plan trips.", "Find a train.", "To Sintra: every 20 minutes."]
    (request,) = asked
    assert [message.role for message in request.messages] == ["user", "assistant", "tool", "assistant"]
    assert request.texts[0] == "Look up the trains to Sintra."
    assert result.committed
    assert result.commit is not None
    assert result.commit.generation_config == {"model": "m", "usage": {"total_tokens": 9}}
    told = result.commit.metadata["collapse"]
    assert (told["tract"], told["commit"], told["written_by"]) == ("trains", child.head_id, "summarizer")
    assert told["message_ids"] == list(child.compile().message_ids[2:])


def test_what_an_inherited_message_became_is_told(t: Tract, child: Tract) -> None:
    """An edit of the child's counts as said; what it skipped is not told."""
    child.edit(child.compile().message_ids[1], "Find a fast train.")
    child.skip(child.compile().message_ids[2])
    asked: list[SummaryRequest] = []

    def keeping(request: SummaryRequest) -> str:
        asked.append(request)
        return "found"

    t.collapse(child, summary=keeping)

    assert asked[0].texts[0] == "Find a fast train."
    assert "Look up the trains to Sintra." not in asked[0].texts


@pytest.mark.parametrize("inherit", ["pinned", "ids"])
def test_a_child_that_began_with_a_part_tells_the_rest(t: Tract, inherit: str) -> None:
    """What it inherited under its own first commit is not told."""
    first = t.user("At most 300 euros.").message_id
    assert first is not None
    t.pin(first)
    with t.spawn("hotels", inherit="pinned" if inherit == "pinned" else [first]) as child:
        child.assistant("Casa do Sol.")

        t.collapse(child, summary=count)

    assert texts(t)[-1] == "1 messages"


def test_a_summary_may_answer_a_call(t: Tract, child: Tract) -> None:
    """`tool_call_id` makes it a tool's result."""
    t.append(asking("c9"))

    t.collapse("trains", summary=count, tool_call_id="c9")

    last = t.compile().messages[-1]
    assert (last.role, last.tool_call_id, last.text) == ("tool", "c9", "4 messages")


def test_a_child_that_said_nothing_has_nothing_to_tell(t: Tract) -> None:
    """Nobody is asked, and nothing is changed."""
    t.user("hello")
    head = t.head_id
    with t.spawn("idle") as child, pytest.raises(ContentError, match="said nothing"):
        t.collapse(child, summary=lambda request: pytest.fail("asked"))

    assert t.head_id == head


@pytest.mark.parametrize("text", ["", " \n", "much too long " * 600])
def test_a_summary_that_cannot_stand_is_refused(t: Tract, child: Tract, text: str) -> None:
    """Empty, or longer than all that it tells: an error, and nothing is changed."""
    head = t.head_id

    with pytest.raises(SummaryError):
        t.collapse(child, summary=lambda request: text)

    assert t.head_id == head


def test_what_a_summarizer_raises_comes_out(t: Tract, child: Tract) -> None:
    """Nothing is changed, and the next call works."""
    head = t.head_id

    def fails(request: SummaryRequest) -> str:
        raise OSError("no network")

    with pytest.raises(OSError, match="no network"):
        t.collapse(child, summary=fails)

    assert t.head_id == head
    assert t.collapse(child, summary=count).committed


def test_a_summary_that_was_paid_for_is_not_lost(t: Tract, child: Tract) -> None:
    """Where the message could not be recorded, the next call for the same records it, and asks nobody."""
    with pytest.raises(ContentError):
        t.collapse(child, summary=count, tool_call_id="no such call")

    t.collapse(child, summary=lambda request: pytest.fail("asked again"))

    assert texts(t)[-1] == "4 messages"


def test_the_parent_may_go_on_while_the_summary_is_written(t: Tract, child: Tract, another: Another) -> None:
    """No lock is held, and what came meanwhile stands before it."""
    other = another()

    def slow(request: SummaryRequest) -> str:
        other.user("meanwhile")
        return "found"

    t.collapse(child, summary=slow)

    assert texts(t)[-2:] == ["meanwhile", "found"]


def test_a_model_writes_the_summary(t: Tract, child: Tract) -> None:
    """`OpenAISummarizer` asks, however short what was said; the commit tells which model wrote."""
    client = Recorder(answer("Every 20 minutes."))

    result = t.collapse(child, summary=OpenAISummarizer(client))

    assert texts(t)[-1].endswith(":\n\nEvery 20 minutes.")
    assert result.commit is not None
    assert result.commit.generation_config["model"] == "gpt-4o-mini-2024"
    assert "Rossio" in client.calls[0]["messages"][1]["content"]
