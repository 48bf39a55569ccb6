"""Compress and expand: what a summary stands for, what it may not, and how it goes away again."""

import re
from typing import Any

import pytest

from tract import CompressError, ContentError, MessageNotFoundError, SummaryError, Tract
from tract.exceptions import BatchError
from tract.protocols import Summary, SummaryRequest
from tract_support import Another, answering, asking, ids, say, texts

LONG = "word " * 40


@pytest.fixture
def said(t: Tract) -> list[str]:
    """The ids of a conversation: system, user, a call with two results, assistant, user, assistant."""
    messages = [
        say("system", "Be terse."),
        say("user", f"Where is it? {LONG}"),
        asking("c1", "c2"),
        answering("c1", f"in the attic {LONG}"),
        answering("c2", f"in the cellar {LONG}"),
        say("assistant", "Order ORD-17 is in the cellar."),
        say("user", "And the key?"),
        say("assistant", "In the drawer."),
    ]
    return list(t.append(messages).message_ids)


def test_a_summary_stands_where_the_first_message_stood(t: Tract, said: list[str]) -> None:
    """A range folds whole exchanges, both ends included, and what is around it stays."""
    commit = t.compress(f"{said[1]}..{said[5]}", summary="It is in the cellar.")

    assert texts(t) == ["Be terse.", "It is in the cellar.", "And the key?", "In the drawer."]
    assert ids(t) == [said[0], commit.message_id, said[6], said[7]]
    assert t.compile().messages[1].role == "user"


@pytest.mark.parametrize("form", ["ids", "reversed", "results", "prefixes", "open range", "before", "generator"])
def test_the_same_messages_may_be_named_in_any_way(t: Tract, said: list[str], form: str) -> None:
    """Ids in any order, any member of an exchange, prefixes, ranges with an open end and `before` fold the same."""
    forms: dict[str, dict[str, Any]] = {
        "ids": {"messages": [said[1], said[2], said[5]]},
        "reversed": {"messages": [said[5], said[2], said[1]]},
        "results": {"messages": [said[1], said[4], said[3], said[5]]},
        "prefixes": {"messages": f"{said[1][:10]}..{said[5][:10]}"},
        "open range": {"messages": f"..{said[5]}"},
        "before": {"before": said[6]},
        "generator": {"messages": (message_id for message_id in (said[1], said[3], said[5]))},
    }

    t.compress(**forms[form], summary="short")

    assert texts(t) == ["Be terse.", "short", "And the key?", "In the drawer."]


def test_one_message_may_be_folded(t: Tract, said: list[str]) -> None:
    """A single id is no range."""
    t.compress(said[2], summary="looked")

    assert texts(t)[1:4] == [f"Where is it? {LONG}", "looked", "Order ORD-17 is in the cellar."]


def test_a_range_that_begins_at_a_result_takes_the_call_with_it(t: Tract, said: list[str]) -> None:
    """A call is never parted from its result, whichever member of the exchange ends a range."""
    t.compress(f"{said[4]}..{said[5]}", summary="short")

    assert [message.role for message in t.compile().messages] == ["system", "user", "user", "user", "assistant"]


def test_what_is_never_folded_is_left_out_and_told(t: Tract, said: list[str]) -> None:
    """Pinned, skipped, system and open exchanges, and what is to be kept, stay as they are."""
    t.pin(said[5])
    t.skip(said[6])
    last = t.assistant(tool_calls=asking("c3")["tool_calls"]).message_id

    commit = t.compress(f"{said[0]}..", summary="short", keep=[said[7]])

    assert texts(t) == ["Be terse.", "short", "Order ORD-17 is in the cellar.", "In the drawer.", ""]
    assert commit.metadata["compress"]["left_out"] == {
        said[0]: "system",
        said[5]: "pinned",
        said[6]: "skipped",
        said[7]: "kept",
        last: "open",
    }


def test_the_open_call_can_still_be_answered(t: Tract, said: list[str]) -> None:
    """What comes before an open call is folded, and its result finds it."""
    t.assistant(tool_calls=asking("c3")["tool_calls"])

    t.compress(f"..{said[7]}", summary="short")
    t.tool("done", tool_call_id="c3")

    assert texts(t) == ["Be terse.", "short", "", "done"]


def test_expanding_brings_the_messages_back(t: Tract, said: list[str]) -> None:
    """Expand after compress is the identity, and the summary can be folded no second time by its id."""
    before = t.compile().to_openai(), ids(t), t.status().token_count, t.status().message_count
    commit = t.compress(f"{said[1]}..{said[5]}", summary="short")

    expanded = t.expand(str(commit.message_id)[:12])

    assert (t.compile().to_openai(), ids(t), t.status().token_count, t.status().message_count) == before
    assert expanded.message == f"unfold {str(commit.message_id)[:8]}"
    with pytest.raises(CompressError, match="expanded already"):
        t.expand(str(commit.message_id))


def test_summaries_of_summaries_expand_level_by_level(t: Tract, said: list[str]) -> None:
    """The outer summary gives the inner one back, and that its messages; an inner one is not expanded alone."""
    plain = texts(t)
    inner = str(t.compress(f"{said[1]}..{said[5]}", summary="inner").message_id)
    folded_once = texts(t)
    outer = str(t.compress(f"{inner}..{said[6]}", summary="outer").message_id)

    with pytest.raises(CompressError, match=f"folded into summary {outer[:12]}"):
        t.expand(inner)
    t.expand(outer)
    assert texts(t) == folded_once
    t.expand(inner)
    assert texts(t) == plain


def test_folded_messages_stay_readable(t: Tract, said: list[str]) -> None:
    """The history of a folded message and of its summary can be read, and the commit before it compiles as it did."""
    commit = t.compress(f"{said[1]}..{said[5]}", summary="short")

    assert [version.action for version in t.history(said[5])] == ["added", "folded"]
    assert [version.action for version in t.history(str(commit.message_id))] == ["written"]
    assert t.history(said[3])[-1].message.text == f"in the attic {LONG}"
    assert texts(t, "HEAD^")[5] == "Order ORD-17 is in the cellar."


def test_provenance_is_on_the_commit(t: Tract, said: list[str]) -> None:
    """The commit says which messages, who wrote the summary and how, and what it saved."""

    def summarizer(request: SummaryRequest) -> Summary:
        return Summary("short", {"model": "m", "usage": {"total_tokens": 7}})

    before = t.status().token_count
    commit = t.compress(
        f"{said[1]}..{said[5]}", summarizer=summarizer, target_tokens=20, message="tidy", metadata={"ticket": 3}
    )

    told = commit.metadata["compress"]
    assert told["message_ids"] == said[1:6]
    assert told["tokens_before"] - told["tokens_after"] == before - t.status().token_count
    assert (told["written_by"], told["target_tokens"]) == ("summarizer", 20)
    assert commit.generation_config == {"model": "m", "usage": {"total_tokens": 7}}
    assert (commit.message, commit.author, commit.metadata["ticket"]) == ("tidy", "Ada", 3)


def test_facts_are_those_of_the_context(t: Tract, said: list[str]) -> None:
    """Message and token counts beside each commit are what compiling it counts."""
    t.configure(model="gpt-4o", tools=[{"type": "function", "function": {"name": "f"}}])
    commit = t.compress(f"{said[1]}..{said[5]}", summary="short")
    assert (t.status().message_count, t.status().token_count) == (4, t.compile().token_count)

    t.expand(str(commit.message_id))

    assert (t.status().message_count, t.status().token_count) == (8, t.compile().token_count)
    assert t.fsck().is_clean


def test_the_configuration_survives(t: Tract, said: list[str]) -> None:
    """Compressing everything leaves the settings as they are."""
    t.configure(model="gpt-4o", temperature=0, budget=9000)

    t.compress("..", summary="all")

    assert t.compile().config == {"model": "gpt-4o", "temperature": 0, "budget": 9000}
    assert t.status().budget == 9000


def test_ten_compressions_keep_a_pinned_message(t: Tract) -> None:
    """However often all is folded, what is pinned stands verbatim."""
    t.user("start")
    pinned = str(t.user("Never forget the milk.").message_id)
    t.pin(pinned)

    for number in range(10):
        t.user(f"turn {number}")
        t.assistant(f"reply {number}")
        t.compress("..", summary=f"summary {number}")

    assert texts(t) == ["summary 9", "Never forget the milk."]


def test_a_skipped_message_stays_skipped(t: Tract, said: list[str]) -> None:
    """Neither compressing around a skipped message nor expanding shows it, and it is not told to a summarizer."""
    t.skip(said[5])
    told: list[str] = []

    def summarizer(request: SummaryRequest) -> str:
        told.extend(request.texts)
        return "short"

    commit = t.compress(f"{said[1]}..{said[6]}", summarizer=summarizer)
    t.expand(str(commit.message_id))

    assert said[5] not in ids(t)
    assert not any("ORD-17" in text for text in told)
    t.unskip(said[5])
    assert said[5] in ids(t)


def test_a_summarizer_is_told_all_that_it_needs(t: Tract, said: list[str]) -> None:
    """It gets the messages as values and as texts, what they cost, and its bounds."""
    requests: list[SummaryRequest] = []

    def summarizer(request: SummaryRequest) -> str:
        requests.append(request)
        return "ORD-17 is in the cellar"

    t.compress(f"{said[1]}..{said[5]}", summarizer=summarizer, target_tokens=30, must_keep=["cellar"])

    (request,) = requests
    assert [message.role for message in request.messages] == ["user", "assistant", "tool", "tool", "assistant"]
    assert request.texts[1] == "calls look: {}\ncalls look: {}"
    assert request.source_tokens == sum(t.compile("HEAD^").token_counts[1:6])
    assert (request.target_tokens, request.limit_tokens, request.must_keep) == (30, 30, ("cellar",))
    assert request.count_tokens("ORD-17 is in the cellar") == t.compile().token_counts[1]


@pytest.mark.parametrize(
    ("must_keep", "summary", "missing"),
    [
        (["attic"], "in the cellar", ("attic",)),
        ([re.compile(r"ORD-\d+")], "the order is there", ("ORD-17",)),
        (re.compile(r"in the \w+"), "in the attic", ("in the cellar",)),
        ("cellar", "Cellar", ("cellar",)),
    ],
)
def test_a_summary_without_what_must_be_kept_is_refused(
    t: Tract, said: list[str], must_keep: Any, summary: str, missing: tuple[str, ...]
) -> None:
    """Each text, and all that a pattern matches in the source, must stand in the summary; else nothing is changed."""
    before = t.head_id

    with pytest.raises(SummaryError) as caught:
        t.compress(f"{said[1]}..{said[5]}", summary=summary, must_keep=must_keep)

    assert (caught.value.missing, caught.value.text) == (missing, summary)
    assert t.head_id == before


def test_a_summary_with_what_must_be_kept_stands(t: Tract, said: list[str]) -> None:
    """All matches of a pattern, each once, are recorded."""
    text = "ORD-17, not in the attic but in the cellar"

    commit = t.compress(f"{said[1]}..{said[5]}", summary=text, must_keep=[re.compile(r"ORD-\d+|in the \w+"), "17"])

    assert commit.metadata["compress"]["must_keep"] == ["in the attic", "in the cellar", "ORD-17", "17"]


@pytest.mark.parametrize("kept", ["ORD-99", re.compile("ORD-9+"), re.compile("x*")])
def test_what_must_be_kept_must_be_there(t: Tract, said: list[str], kept: Any) -> None:
    """A text or a pattern that the folded messages do not hold is a mistake, and no summarizer is asked."""
    with pytest.raises(CompressError, match="nowhere in what is to be folded"):
        t.compress(f"{said[1]}..{said[5]}", summarizer=_never, must_keep=[kept])


def _never(request: SummaryRequest) -> str:
    raise AssertionError("nobody is to be asked")


def test_a_model_may_not_write_more_than_it_replaces(t: Tract, said: list[str]) -> None:
    """A summary as large as its source is refused, with the figures; a person may write one."""
    with pytest.raises(SummaryError, match="what it replaces has") as caught:
        t.compress(said[6], summarizer=lambda request: "And the key? Really?")

    assert (caught.value.token_count or 0) > (caught.value.limit or 0) > 0
    t.compress(said[6], summary="And the key? Really?")
    assert "And the key? Really?" in texts(t)


def test_a_target_holds_for_everybody(t: Tract, said: list[str]) -> None:
    """A figure that the caller names holds for a text too."""
    with pytest.raises(SummaryError, match="its target is 5"):
        t.compress(f"{said[1]}..{said[5]}", summary="a text of more than five tokens", target_tokens=5)


@pytest.mark.parametrize("text", ["", " \n"])
def test_an_empty_summary_is_refused(t: Tract, said: list[str], text: str) -> None:
    """White space tells nothing, whoever wrote it."""
    with pytest.raises(SummaryError, match="empty"):
        t.compress(said[1], summary=text)
    with pytest.raises(SummaryError, match="empty"):
        t.compress(said[1], summarizer=lambda request: text)


@pytest.mark.parametrize("answer", [None, 7, Summary("x", 3)])  # type: ignore[arg-type]
def test_a_summarizer_must_answer_a_summary(t: Tract, said: list[str], answer: Any) -> None:
    """Anything else is an error that changes nothing."""
    with pytest.raises(SummaryError):
        t.compress(said[1], summarizer=lambda request: answer)

    assert len(t.log()) == 1


def test_what_a_summarizer_raises_comes_out(t: Tract, said: list[str]) -> None:
    """The error is the summarizer's own, the branch is untouched, and the next call works."""

    def broken(request: SummaryRequest) -> str:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        t.compress(said[1], summarizer=broken)

    assert len(t.log()) == 1
    t.compress(said[1], summary="ok")


def test_nobody_to_write_is_an_error(t: Tract, said: list[str]) -> None:
    """Without a text, a summarizer and a model nothing can be written."""
    with pytest.raises(CompressError, match="nobody is there"):
        t.compress(said[1])


def test_wrong_names_are_errors(t: Tract, said: list[str]) -> None:
    """Unknown ids, ranges backwards, and saying nothing or two things each have their own words."""
    with pytest.raises(MessageNotFoundError):
        t.compress(["f" * 64], summary="x")
    with pytest.raises(MessageNotFoundError):
        t.compress(f"{said[1]}..{'f' * 64}", summary="x")
    with pytest.raises(MessageNotFoundError):
        t.compress(said[1], summary="x", keep=["f" * 64])
    with pytest.raises(CompressError, match="backwards"):
        t.compress(f"{said[5]}..{said[1]}", summary="x")
    with pytest.raises(CompressError, match="say what"):
        t.compress(summary="x")
    with pytest.raises(CompressError, match="say what"):
        t.compress(said[1], before=said[5], summary="x")
    with pytest.raises(CompressError, match="ids or a range"):
        t.compress(7, summary="x")  # type: ignore[arg-type]
    assert len(t.log()) == 1


def test_ids_of_two_branches_are_an_error(t: Tract, said: list[str]) -> None:
    """A message that only another branch has is unknown here."""
    t.switch("side", create=True)
    elsewhere = str(t.user("elsewhere").message_id)
    t.switch("main")

    with pytest.raises(MessageNotFoundError):
        t.compress([said[1], elsewhere], summary="x")


@pytest.mark.parametrize("place", [0, 5])
def test_nothing_to_fold_is_an_error(t: Tract, said: list[str], place: int) -> None:
    """Where all that is named may not be folded, the error says why."""
    t.pin(said[5])

    with pytest.raises(CompressError, match="1 system" if place == 0 else "1 pinned") as caught:
        t.compress([said[place]], summary="x")

    assert list(caught.value.left_out) == [said[place]]


def test_an_empty_branch_has_nothing_to_fold(t: Tract) -> None:
    """An unborn branch is no special case."""
    with pytest.raises(CompressError, match="nothing is there"):
        t.compress("..", summary="x")
    with pytest.raises(CompressError, match="nothing is there"):
        t.compress([], summary="x")


def test_what_is_folded_cannot_be_folded_again(t: Tract, said: list[str]) -> None:
    """A message under a summary is reached by the summary's id alone, and the error names it."""
    summary = str(t.compress(f"{said[1]}..{said[5]}", summary="short").message_id)

    for wanted in (said[2], [said[3]], f"{said[2]}..", f"..{said[4]}"):
        with pytest.raises(CompressError, match=summary[:12]):
            t.compress(wanted, summary="x")


def test_what_is_no_summary_cannot_be_expanded(t: Tract, said: list[str]) -> None:
    """Plain messages, unknown ids and skipped summaries are refused."""
    with pytest.raises(CompressError, match="no summary"):
        t.expand(said[1])
    with pytest.raises(MessageNotFoundError):
        t.expand("f" * 64)
    summary = str(t.compress(said[1], summary="short").message_id)
    t.skip(summary)
    with pytest.raises(CompressError, match="skipped"):
        t.expand(summary)


@pytest.mark.parametrize(
    "options",
    [
        {"summary": 7},
        {"summary": "x", "summarizer": _never},
        {"summary": "x", "target_tokens": 0},
        {"summary": "x", "target_tokens": True},
        {"summary": "x", "must_keep": [""]},
        {"summary": "x", "must_keep": [re.compile(b"x")]},
        {"summary": "x", "must_keep": 7},
        {"summary": "x", "metadata": {"x": float("nan")}},
    ],
)
def test_wrong_options_are_errors(t: Tract, said: list[str], options: Any) -> None:
    """Each is a ContentError, and nothing is changed."""
    with pytest.raises(ContentError):
        t.compress(said[1], **options)

    assert len(t.log()) == 1


def test_a_batch_allows_no_compression(t: Tract, said: list[str]) -> None:
    """A model is asked between transactions, and a batch is one; expanding needs no model."""
    summary = str(t.compress(said[1], summary="short").message_id)

    with t.batch(), pytest.raises(BatchError):
        t.compress(said[2], summary="x")
    with t.batch():
        t.expand(summary)
        t.user("more")

    assert said[1] in ids(t)


def test_a_summary_can_be_edited_and_pinned(t: Tract, said: list[str]) -> None:
    """A summary is a message like any other, and is expanded all the same."""
    summary = str(t.compress(f"{said[1]}..{said[5]}", summary="short").message_id)
    t.edit(summary, "shorter")
    t.pin(summary)

    assert texts(t)[1] == "shorter"
    t.expand(summary)
    assert ids(t) == said


def test_compressing_after_a_merge_summarises_both_sides(t: Tract, another: Another) -> None:
    """What came from the other branch is told too."""
    t.user("base")
    t.branch("side")
    ours = str(t.user("ours").message_id)
    t.switch("side")
    theirs = str(t.user("theirs").message_id)
    t.switch("main")
    t.merge("side")
    told: list[str] = []

    def summarizer(request: SummaryRequest) -> str:
        told.extend(request.texts)
        return "both"

    t.compress(f"{ours}..{theirs}", summarizer=summarizer)

    assert told == ["ours", "theirs"]
    assert texts(t) == ["base", "both"]
    assert t.merge("side").kind == "up_to_date"


def test_a_summary_travels_in_a_merge(t: Tract, said: list[str]) -> None:
    """A branch that compressed merges with one that went on, and expands there."""
    t.branch("side")
    t.switch("side")
    summary = str(t.compress(f"{said[1]}..{said[5]}", summary="short").message_id)
    t.switch("main")
    t.user("went on")

    t.merge("side")

    assert texts(t) == ["Be terse.", "short", "And the key?", "In the drawer.", "went on"]
    t.expand(summary)
    assert ids(t)[:8] == said


@pytest.mark.parametrize("summarizer", [5, "text", b"", []], ids=repr)
def test_what_cannot_be_asked_is_refused(t: Tract, said: list[str], summarizer: Any) -> None:
    """A summarizer is something to call."""
    with pytest.raises(ContentError, match="cannot be called"):
        t.compress(said[1], summarizer=summarizer)
