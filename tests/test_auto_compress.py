"""Auto-compression: which exchanges are folded to fit a budget, which never, and when nothing is done."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tract import BudgetError, ContentError, SummaryError, Tract
from tract.exceptions import BatchError
from tract.protocols import SummaryRequest
from tract_support import answering, asking, ids, texts

LONG = "word " * 30


def short(request: SummaryRequest) -> str:
    """Summarise anything in one line."""
    return f"{len(request.messages)} messages"


def turns(t: Tract, count: int) -> list[str]:
    """Say so many messages of the same length, and return their ids."""
    return [str(t.user(f"turn {number} {LONG}").message_id) for number in range(count)]


def test_what_fits_is_left_alone(t: Tract) -> None:
    """A context within its budget makes no commit and asks nobody, without a model too; so does an empty branch."""
    assert t.auto_compress(10) is None
    turns(t, 3)
    head = t.head_id

    commit = t.auto_compress(t.status().token_count)

    assert commit is not None
    assert commit.id == t.head_id == head


def test_the_oldest_are_folded_to_half_of_the_budget(t: Tract) -> None:
    """The newest stay verbatim, so that the next turns have room."""
    t.system("Be terse.")
    said = turns(t, 20)
    budget = t.status().token_count - 1

    commit = t.auto_compress(budget, summarizer=short)

    assert commit is not None
    kept = ids(t)[2:]
    assert kept == said[-len(kept) :]
    assert texts(t)[:2] == ["Be terse.", f"{20 - len(kept)} messages"]
    assert budget // 4 < t.status().token_count <= budget // 2
    assert t.auto_compress(budget) == commit


def test_the_configured_budget_is_the_default(t: Tract) -> None:
    """A budget in the configuration serves compile and this."""
    turns(t, 10)
    t.configure(budget=200)

    t.auto_compress(summarizer=short)

    assert t.status().token_count <= 200
    assert t.compile().config == {"budget": 200}


def test_without_a_budget_it_is_an_error(t: Tract) -> None:
    """Neither given nor configured, and wrong figures."""
    turns(t, 1)

    with pytest.raises(ContentError, match="no budget"):
        t.auto_compress()
    for budget in (0, -1, True, "9"):
        with pytest.raises(ContentError, match="positive number"):
            t.auto_compress(budget)  # type: ignore[arg-type]
    with pytest.raises(ContentError, match="keep_last"):
        t.auto_compress(5, keep_last=-1)
    with t.batch(), pytest.raises(BatchError):
        t.auto_compress(5)


def test_pinned_system_skipped_and_open_stay(t: Tract) -> None:
    """Auto-compression folds nothing that compress would not."""
    t.system("Be terse.")
    said = turns(t, 9)
    t.pin(said[0])
    t.skip(said[1])
    t.append(asking("c1"))

    t.auto_compress(t.status().token_count - 1, summarizer=short, keep_last=0)

    assert ids(t)[1] == said[0]
    assert said[1] not in ids(t)
    t.append(answering("c1"))


def test_calls_stay_with_their_results(t: Tract) -> None:
    """The cut falls between exchanges."""
    for number in range(12):
        t.append([asking(f"c{number}"), answering(f"c{number}", LONG)])

    t.auto_compress(t.status().token_count - 1, summarizer=short)

    assert [message.role for message in t.compile().messages][:3] == ["user", "assistant", "tool"]


def test_the_newest_exchanges_stay_though_half_is_not_reached(t: Tract) -> None:
    """A large tail is kept whole where the budget allows."""
    said = turns(t, 6)
    budget = t.status().token_count - 1

    t.auto_compress(budget, summarizer=short, keep_last=4)

    assert ids(t)[1:] == said[2:]
    assert budget // 2 < t.status().token_count <= budget


def test_what_cannot_fit_is_an_error_with_figures(t: Tract) -> None:
    """Nobody is asked where even a summary of all that may be folded would not do."""
    said = turns(t, 6)
    t.pin(said[0])

    with pytest.raises(BudgetError) as caught:
        t.auto_compress(150, keep_last=4, target_tokens=20)

    needed = caught.value.needed
    assert caught.value.budget == 150
    assert needed is not None
    t.auto_compress(needed, keep_last=4, target_tokens=20, summarizer=short)
    assert t.status().token_count <= needed


def test_summaries_are_summarised_in_turn(t: Tract) -> None:
    """Over many turns the context stays within its budget, and every message can be brought back."""
    t.configure(budget=300)
    said: list[str] = []
    summaries: list[str] = []
    for _ in range(10):
        said += turns(t, 3)
        commit = t.auto_compress(summarizer=short)
        assert commit is not None
        summaries += [commit.message_id] if commit.message_id not in (None, said[-1]) else []
        assert t.status().token_count <= 300

    for summary in reversed(summaries):
        t.expand(summary)

    assert len(summaries) > 2
    assert list(t.compile(budget=10**6).message_ids) == said


def test_what_must_be_kept_counts_where_it_stands(t: Tract) -> None:
    """A fact that is not folded needs not be in the summary; one that is, must."""
    t.user(f"The account is 4711. {LONG}")
    turns(t, 8)
    budget = t.status().token_count - 1

    with pytest.raises(SummaryError) as caught:
        t.auto_compress(budget, summarizer=short, must_keep=["4711", "0815", re.compile("turn 7")])
    assert caught.value.missing == ("4711",)
    t.auto_compress(budget, summarizer=lambda request: "account 4711", must_keep=["4711", "0815"])

    assert texts(t)[0] == "account 4711"


def test_a_summary_over_the_target_is_refused(t: Tract) -> None:
    """So that what is folded fits for sure."""
    turns(t, 9)

    with pytest.raises(SummaryError, match="target is 20"):
        t.auto_compress(t.status().token_count - 1, summarizer=lambda request: LONG, target_tokens=20)


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.sampled_from(["say", "call", "pin", "skip", "system"]), st.integers(1, 60)), max_size=14),
    st.integers(20, 400),
    st.integers(0, 5),
)
def test_afterwards_the_context_fits(steps: list[tuple[str, int]], budget: int, keep_last: int) -> None:
    """Whatever was said: it fits, with the newest and all that must stay in it, or it is an error that says why."""
    with Tract.open() as t:
        doing: dict[str, Callable[[int], Any]] = {
            "say": lambda size: t.user("word " * size),
            "call": lambda size: t.append([asking("c"), answering("c", "word " * size)]),
            "pin": lambda size: t.pin(str(t.user("pinned " * size).message_id)),
            "skip": lambda size: t.skip(str(t.user("skipped " * size).message_id)),
            "system": lambda size: t.system("rule " * size),
        }
        for step, size in steps:
            doing[step](size)
        before = ids(t)
        must = [key for key, message in sent(t).items() if message["role"] == "system" or "pin" in str(message)]
        head = t.head_id
        try:
            t.auto_compress(budget, keep_last=keep_last, summarizer=lambda request: "sum")
        except BudgetError as error:
            assert (error.needed or 0) > budget == error.budget  # noqa: PT017  (either outcome is right)
            assert t.head_id == head
            return

        after = ids(t)
        kept = [message_id for message_id in before if message_id in after]
        assert t.compile().token_count <= budget
        assert kept == [message_id for message_id in after if message_id in before]
        assert len(after) - len(kept) == (1 if t.head_id != head else 0)
        assert after[-1:] == before[-1:] or not keep_last
        assert set(must) <= set(after)


def sent(t: Tract) -> dict[str, Any]:
    """Return the messages that are sent, by their ids."""
    compiled = t.compile()
    return dict(zip(compiled.message_ids, compiled.to_dicts(), strict=True))
