"""Bisect: the first commit after which a check fails, in few checks."""

from math import ceil, log2

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tract import ContentError, RevisionError, Tract
from tract.formats.compiled import CompiledContext
from tract_support import Clock


@settings(max_examples=50)
@given(st.integers(1, 40), st.data())
def test_it_finds_what_a_linear_scan_finds(length: int, data: st.DataObject) -> None:
    """With what could not be checked left among the candidates, and nothing else."""
    first_bad = data.draw(st.integers(0, length - 1))
    untold = data.draw(st.sets(st.sampled_from(range(length - 1)), max_size=5)) if length > 1 else set()
    checked: list[str] = []
    with Tract.open(clock=Clock()) as t:
        good = t.system("start").id
        ids = [t.user(f"turn {n}").id for n in range(length)]

        def check(context: CompiledContext) -> bool | None:
            place = ids.index(str(context.commit_id))
            checked.append(ids[place])
            return None if place in untold else place < first_bad

        found = t.bisect(good, "main", check)

    possible = [first_bad]
    while possible[0] - 1 in untold:
        possible.insert(0, possible[0] - 1)
    while possible[-1] in untold:
        possible.append(possible[-1] + 1)
    assert [commit.id for commit in found.candidates] == [ids[place] for place in possible]
    assert (found.commit.id if found.commit else None) == (ids[possible[0]] if len(possible) == 1 else None)
    assert [step.commit_id for step in found.steps] == checked
    assert len(checked) == len(set(checked)) <= ceil(log2(length)) + 1 + len(untold)


def test_the_check_gets_the_compiled_context(t: Tract) -> None:
    """As a model would be sent it; what it says of each commit is told."""
    good = t.system("Be terse.").id
    t.user("one")
    culprit = t.user("the word")
    t.user("three")

    found = t.bisect(good, "HEAD", lambda context: all("word" not in m.text for m in context.messages))

    assert found.commit == culprit
    assert {step.commit_id: step.verdict for step in found.steps}[culprit.id] == "bad"


def test_neither_end_is_checked(t: Tract) -> None:
    """Of two neighbours nothing is checked: the bad one is it."""
    good = t.user("one").id
    bad = t.user("two")

    def check(_: CompiledContext) -> bool:
        raise AssertionError("nothing to check")

    assert t.bisect(good, "HEAD", check).commit == bad


def test_ends_in_the_wrong_order_are_refused(t: Tract) -> None:
    """So are equal ones, and ones on different branches."""
    first = t.user("one").id
    t.branch("other")
    t.user("two")
    t.switch("other")
    t.user("else")

    for good, bad in (("main", first), ("main", "main"), ("main", "other"), ("other", "main")):
        with pytest.raises(RevisionError):
            t.bisect(good, bad, lambda _: True)


@pytest.mark.parametrize("answer", [1, "good", 0, []])
def test_a_check_says_true_false_or_none(t: Tract, answer: object) -> None:
    """Anything else is an error, not a guess."""
    good = t.user("one").id
    t.user("two")
    t.user("three")

    with pytest.raises(ContentError):
        t.bisect(good, "HEAD", lambda _: answer)  # type: ignore[arg-type, return-value]


def test_an_error_in_the_check_comes_out(t: Tract) -> None:
    """And the next call works."""
    good = t.user("one").id
    t.user("two")
    bad = t.user("three")

    def failing(_: CompiledContext) -> bool:
        raise KeyError("mine")

    with pytest.raises(KeyError):
        t.bisect(good, "HEAD", failing)
    assert t.bisect(good, "HEAD", lambda _: True).commit == bad
