"""Compiling: what a model is sent at a commit, what it costs, and what a budget leaves of it."""

import json
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tract import BudgetError, ContentError, Tract
from tract.exceptions import TraceError
from tract.history.compile import plan_budget
from tract.history.fold import apply_changes
from tract.model.changes import Append, NewMessage, SetMark
from tract.model.context import Context
from tract.model.encoding import result_message_id
from tract_support import Another, Json, answering, asking, ids, say, texts

Turn = tuple[str, int]
TURNS = st.lists(
    st.tuples(st.sampled_from(["user", "user", "assistant", "calls", "system", "developer"]), st.integers(1, 3)),
    max_size=8,
)


def messages_of(turns: list[Turn]) -> list[Json]:
    """Return the messages of turns: words, or calls with as many results."""
    found: list[Json] = []
    for place, (role, count) in enumerate(turns):
        if role == "calls":
            names = [f"c{place}-{number}" for number in range(count)]
            found += [asking(*names), *(answering(name, f"result {name}") for name in names)]
        else:
            found.append(say(role, f"{role} {place} " + "word " * count))
    return found


def talk(t: Tract) -> list[str]:
    """Record a conversation of four exchanges, and return its ids."""
    t.append([say("system", "sys"), say("user", "u1"), say("assistant", "a1"), say("user", "u2")])
    t.append([asking("c1", "c2"), answering("c1"), answering("c2"), say("assistant", "a2")])
    t.append([say("user", "u3"), say("assistant", "a3")])
    return ids(t)


def budget_for(t: Tract, kept: list[str]) -> int:
    """Return what exactly these messages cost."""
    compiled = t.compile()
    own = dict(zip(compiled.message_ids, compiled.token_counts, strict=True))
    return compiled.token_count - sum(own.values()) + sum(own[message_id] for message_id in kept)


def test_what_is_compiled_says_what_it_is(t: Tract) -> None:
    """Messages, ids and counts are parallel; the whole is their sum and 3; the commit and configuration are named."""
    talk(t)
    t.configure(model="gpt-4o", temperature=0)

    compiled = t.compile()

    assert len(compiled.messages) == len(compiled.message_ids) == len(compiled.token_counts) == 10
    assert compiled.token_count == sum(compiled.token_counts) + 3
    assert compiled.commit_id == t.head_id
    assert compiled.config == {"model": "gpt-4o", "temperature": 0}
    assert [message.role for message in compiled.messages][3:6] == ["user", "assistant", "tool"]


def test_nothing_compiles_to_nothing(t: Tract) -> None:
    """An unborn branch has no messages and costs the reply alone."""
    compiled = t.compile()

    assert (compiled.to_openai(), compiled.to_anthropic()["messages"], compiled.token_count) == ([], [], 3)
    assert compiled.tokens_exact
    assert t.status().token_count == 3


def test_counts_are_exact_for_text_alone(t: Tract) -> None:
    """Text is counted exactly, calls and unknown models as an estimate."""
    t.user("Hello")
    assert t.compile().tokens_exact
    assert list(t.compile().token_counts) == [5]

    t.configure(model="no-such-model")
    assert not t.compile().tokens_exact
    t.configure(model="gpt-4o")
    t.append([asking("c1"), answering("c1")])
    assert not t.compile().tokens_exact
    assert not t.status().tokens_exact


def test_the_model_picks_the_encoding(t: Tract) -> None:
    """Counts follow the configured model at the commit, and the status with them."""
    text = "古池や蛙飛び込む水の音 " * 5
    t.user(text)
    t.configure(model="gpt-4o")
    newer = t.compile().token_counts[0]
    t.configure(model="gpt-4")
    older = t.compile().token_counts[0]

    assert newer < older
    assert t.status().token_count == t.compile().token_count
    assert t.compile("HEAD~1").token_counts[0] == newer


def test_tools_cost(t: Tract) -> None:
    """Configured tool schemas are counted, as an estimate, and compiled into the configuration."""
    tools = [{"type": "function", "function": {"name": "look", "description": "Look it up.", "parameters": {}}}]
    t.user("x")
    bare = t.compile().token_count

    t.configure(tools=tools)

    assert t.compile().config["tools"] == tools
    assert t.compile().token_count > bare
    assert t.compile().token_count == t.status().token_count
    assert not t.compile().tokens_exact


def test_what_is_skipped_is_not_sent(t: Tract) -> None:
    """A skipped message, and its whole exchange, is hidden on this branch alone."""
    messages = talk(t)
    t.branch("side")

    t.skip(messages[5])

    assert ids(t) == messages[:4] + messages[7:]
    assert list(t.compile("side").message_ids) == messages
    assert t.status().message_count == 7


def test_a_compiled_commit_never_changes(t: Tract, another: Another) -> None:
    """Whatever is recorded afterwards, a commit compiles to what it compiled to, for any reader."""
    messages = talk(t)
    before = {commit.id: t.compile(commit.id) for commit in t.log()}
    tip = t.head_id

    t.edit(messages[1], "edited")
    t.skip(messages[4])
    t.configure(model="gpt-4", budget=10_000)
    t.user("more")
    t.reset("HEAD~2")
    t.append([asking("x"), answering("x")])

    for reader in (t, another()):
        assert {commit_id: reader.compile(commit_id) for commit_id in before} == before
    assert tip in before


def test_dicts_are_the_callers_own(t: Tract, another: Another) -> None:
    """Nothing that a caller does to what any reading verb handed out is seen by another reader."""
    parts = [{"type": "text", "text": "x"}]
    t.append({"role": "user", "content": parts, "deep": {"a": [1]}})
    t.configure(tools=[{"type": "function"}])
    t.edit(ids(t)[0], [*parts, *parts])
    expected = json.dumps([t.compile().to_openai(), t.compile().config])

    def spoil(value: Any) -> None:
        for inner in list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else ():
            spoil(inner)
        if isinstance(value, dict | list):
            value.clear()

    compiled = t.compile()
    diff = t.show()[1].edited[0]
    handed_out = [
        *compiled.to_openai(),
        *compiled.to_dicts(),
        compiled.to_anthropic(),
        compiled.config,
        compiled.messages[0].model_dump(),
        compiled.messages[0].content,
        *(version.message.content for version in t.history(ids(t)[0])),
        *(message.content for message in (diff.before, diff.after) if message is not None),
    ]
    for value in handed_out:
        spoil(value)

    for reader in (t, another()):
        assert json.dumps([reader.compile().to_openai(), reader.compile().config]) == expected


def test_an_exchange_is_compiled_whole_and_in_order(t: Tract) -> None:
    """Results stand right behind their call, in the order recorded, also those that came late."""
    t.append(asking("c1", "c2"))
    t.tool("second first", tool_call_id="c2")
    asked = str(ids(t)[0])
    t.skip(asked)
    t.user("go on")
    t.tool("first late", tool_call_id="c1")

    t.unskip(asked)

    assert texts(t) == ["", "second first", "first late", "go on"]


def test_an_open_call_may_end_a_context(t: Tract) -> None:
    """A call that waits for its result is sent as it is, at the very end alone."""
    t.user("x")
    t.append(asking("c1"))

    assert t.compile().to_openai()[-1] == asking("c1")


@settings(max_examples=25, deadline=None)
@given(batches=st.lists(TURNS, max_size=5), options=st.lists(st.booleans(), min_size=5, max_size=5))
def test_a_commit_is_a_prefix_of_a_child_that_appends(batches: list[list[Turn]], options: list[bool]) -> None:
    """The list sent at a commit is the beginning of its child's where the child only appends: caches live on this."""
    with Tract.open() as t:
        t.user("start")
        hidden = t.user("hidden").message_id
        t.skip(str(hidden))
        commits = [str(t.head_id)]
        for turns, read in zip(batches, options, strict=False):
            messages = messages_of(turns)
            if messages:
                commits.append(t.append(messages).id)
            if read:
                t.compile()

        sent = [t.compile(commit_id) for commit_id in commits]
        for older, newer in pairwise(sent):
            assert newer.to_openai()[: len(older)] == older.to_openai()
            assert list(newer.token_counts[: len(older)]) == list(older.token_counts)
            assert list(newer.message_ids[: len(older)]) == list(older.message_ids)
            assert newer.to_anthropic().get("system") == older.to_anthropic().get("system")


def test_under_a_budget_the_newest_stay(t: Tract) -> None:
    """System messages stay, and of the rest the newest that fit, cut before a user message."""
    messages = talk(t)
    system, last = messages[0], messages[8:]
    exchange = messages[3:]

    assert list(t.compile(budget=budget_for(t, messages)).message_ids) == messages
    assert list(t.compile(budget=budget_for(t, messages) - 1).message_ids) == [system, *exchange]
    assert list(t.compile(budget=budget_for(t, [system, *exchange])).message_ids) == [system, *exchange]
    assert list(t.compile(budget=budget_for(t, [system, *exchange]) - 1).message_ids) == [system, *last]
    assert list(t.compile(budget=budget_for(t, [system, *last]) - 1).message_ids) == [system]


def test_a_budget_cuts_before_a_pinned_user_message_too(t: Tract) -> None:
    """What stands behind a pinned user message stays with it where it fits."""
    messages = talk(t)
    t.pin(messages[3])

    kept = list(t.compile(budget=budget_for(t, [messages[0], *messages[3:]])).message_ids)

    assert kept == [messages[0], *messages[3:]]


def test_pinned_messages_stay_verbatim(t: Tract) -> None:
    """A pin holds a message and its whole exchange under any budget, in place."""
    messages = talk(t)
    t.pin(messages[6])
    t.pin(messages[2])
    must = [messages[0], messages[2], *messages[4:7]]

    compiled = t.compile(budget=budget_for(t, must))

    assert list(compiled.message_ids) == must
    assert compiled.token_count == budget_for(t, must)
    assert compiled.to_openai() == [
        message for message, kept in zip(t.compile().to_openai(), messages, strict=True) if kept in must
    ]


def test_a_budget_error_names_what_is_needed(t: Tract) -> None:
    """`needed` is exactly what must stay: that budget succeeds, one less does not."""
    messages = talk(t)
    t.pin(messages[4])
    t.configure(tools=[{"type": "function", "function": {"name": "look", "parameters": {}}}])

    with pytest.raises(BudgetError) as error:
        t.compile(budget=5)

    needed = error.value.needed
    assert needed is not None
    assert error.value.budget == 5
    assert str(needed) in str(error.value)
    assert "5" in str(error.value)
    assert t.compile(budget=needed).token_count == needed
    with pytest.raises(BudgetError) as error:
        t.compile(budget=needed - 1)
    assert error.value.needed == needed


def test_a_configured_budget_is_the_default(t: Tract) -> None:
    """`budget` in the configuration holds where compile is given none, and says so in the status."""
    messages = talk(t)
    t.configure(budget=budget_for(t, [messages[0], *messages[8:]]))

    assert list(t.compile().message_ids) == [messages[0], *messages[8:]]
    assert list(t.compile(budget=10_000).message_ids) == messages
    assert t.status().budget == t.compile().config["budget"]
    assert t.status().message_count == 10
    t.configure(budget=None)
    assert list(t.compile().message_ids) == messages
    assert t.status().budget is None


@pytest.mark.parametrize("budget", [-1, 1.5, "many", True, float("nan"), [5]])
def test_a_budget_is_a_number(t: Tract, budget: Any) -> None:
    """A budget that is none is an error."""
    t.user("x")

    with pytest.raises(ContentError, match="budget"):
        t.compile(budget=budget)


def test_a_budget_of_nothing_needs_something(t: Tract) -> None:
    """Zero is a budget that holds nothing, an enormous one holds everything."""
    t.user("x")

    with pytest.raises(BudgetError):
        t.compile(budget=0)
    assert texts(t) == [message.text for message in t.compile(budget=10**5000).messages]


class Shown:
    """A context of turns with marks, as the pure plan is given it, and what each message costs."""

    def __init__(self, turns: list[Turn], marks: list[str], costs: list[int]) -> None:
        changes: list[Any] = []
        for place, (role, count) in enumerate(turns):
            calls = tuple(f"c{number}" for number in range(count)) if role == "calls" else ()
            message_id = f"m{place}"
            changes.append(Append(NewMessage(message_id, "b", "assistant" if calls else role, calls)))
            for call_id in calls:
                result = NewMessage(result_message_id(message_id, call_id), "b", "tool", (), call_id, message_id)
                changes.append(Append(result))
            changes.append(SetMark(message_id, marks[place % len(marks)]))  # type: ignore[arg-type]
        self.context = apply_changes(Context(), changes)
        self.entries = self.context.visible()
        self.costs = [costs[place % len(costs)] for place in range(len(self.entries))]

    def kept(self, cut: int) -> list[int]:
        """Return the places of what stays if it is cut there."""
        return [
            place
            for place, entry in enumerate(self.entries)
            if place >= cut or entry.role in ("system", "developer") or self.context.head(entry).mark == "pinned"
        ]

    def cost(self, fixed: int, cut: int) -> int:
        """Return what that costs."""
        return fixed + sum(self.costs[place] for place in self.kept(cut))

    def slow_plan(self, fixed: int, budget: int) -> list[int]:
        """Return what fits, by trying every place to cut from the first on."""
        cuts = [place for place, entry in enumerate(self.entries) if entry.role == "user"]
        return next(self.kept(cut) for cut in (0, *cuts, len(self.entries)) if self.cost(fixed, cut) <= budget)


@settings(max_examples=300, deadline=None)
@given(
    turns=TURNS,
    marks=st.lists(st.sampled_from(["normal", "pinned", "important", "skipped"]), min_size=1, max_size=8),
    costs=st.lists(st.integers(1, 9), min_size=1, max_size=8),
    fixed=st.integers(0, 5),
    cut=st.integers(0, 12),
    slack=st.integers(-1, 2),
)
def test_budgets_against_a_slow_plan(
    turns: list[Turn], marks: list[str], costs: list[int], *, fixed: int, cut: int, slack: int
) -> None:
    """What a budget leaves is the most that fits, whatever is pinned, and no exchange is cut in two."""
    shown = Shown(turns, marks, costs)
    budget = max(0, shown.cost(fixed, cut) + slack)

    def fast(budget: int) -> list[int]:
        return plan_budget(shown.context, shown.entries, shown.costs, fixed_tokens=fixed, budget=budget)

    needed = shown.cost(fixed, len(shown.entries))
    if budget < needed:
        with pytest.raises(BudgetError) as error:
            fast(budget)
        assert error.value.needed == needed
        budget = needed
    kept = fast(budget)

    assert kept == shown.slow_plan(fixed, budget)
    units = [shown.entries[place].unit for place in kept]
    assert all(units.count(unit) == sum(entry.unit == unit for entry in shown.entries) for unit in units)


@settings(max_examples=20, deadline=None)
@given(turns=TURNS, pins=st.sets(st.integers(0, 20)), share=st.floats(0, 1))
def test_compiled_budgets_are_kept(turns: list[Turn], pins: set[int], share: float) -> None:
    """What is compiled under a budget costs no more than it, is in order, and is valid."""
    with Tract.open() as t:
        t.append([say("user", "first"), *messages_of(turns)])
        messages = ids(t)
        for place in pins:
            t.pin(messages[place % len(messages)])
        budget = int(t.compile().token_count * share)
        try:
            compiled = t.compile(budget=budget)
        except BudgetError as error:
            budget = error.needed or 0
            compiled = t.compile(budget=budget)

        assert compiled.token_count <= budget
        places = [messages.index(message_id) for message_id in compiled.message_ids]
        assert places == sorted(places)
        sent = compiled.to_openai()
        called = [call["id"] for message in sent for call in message.get("tool_calls") or ()]
        assert [message["tool_call_id"] for message in sent if message["role"] == "tool"] == called


def test_the_status_counts_what_is_compiled(t: Tract, another: Another) -> None:
    """Whatever was done, the figures beside the tip are those of the compiled context, for a new reader too."""
    messages = talk(t)
    steps: list[Callable[[], object]] = [
        lambda: t.edit(messages[1], "much longer words than before"),
        lambda: t.skip(messages[4]),
        lambda: t.user("more"),
        lambda: t.unskip(messages[4]),
        lambda: t.configure(model="gpt-4"),
        lambda: t.assistant("and more"),
        lambda: t.configure(tools=[{"type": "function", "function": {"name": "f"}}], model=None),
        lambda: t.append([asking("z"), answering("z", "Zoë \ud800")]),
        lambda: t.reset("HEAD~3"),
        lambda: t.import_messages([say("user", "imported")]),
    ]

    for step in steps:
        step()
        status, compiled = t.status(), another().compile()
        assert (status.message_count, status.token_count) == (len(compiled), compiled.token_count)
        assert (status.tokens_exact, status.head_id) == (compiled.tokens_exact, compiled.commit_id)
        assert another().status() == status


@pytest.mark.parametrize(
    "text", ["<|endoftext|>", "<|im_start|>", "\ud800", "\x00", "a" * 5000, " " * 3000, "\u200b" * 50]
)
def test_any_text_is_counted(t: Tract, text: str) -> None:
    """Special tokens, surrogates and long runs are counted or a clear error, never a crash."""
    try:
        t.user(text)
    except TraceError:
        assert t.head_id is None
    else:
        assert t.compile().token_count > 3
