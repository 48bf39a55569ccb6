"""Compression as properties: whatever was said and folded, expanding gives it back, and nothing is lost."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tract import CompressError, ContentError, Tract
from tract.model.changes import change_to_json
from tract_support import answering, asking, say

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["say", "say", "call", "open", "edit", "skip", "pin", "system", "compress", "expand"]),
        st.integers(0, 40),
        st.integers(0, 40),
    ),
    min_size=3,
    max_size=16,
)


class Story:
    """A tract, and what a test needs to know of what was done to it."""

    def __init__(self, t: Tract) -> None:
        self.t = t
        self.known: list[str] = list(t.append([say("system", "s"), say("user", "hello")]).message_ids)
        self.summaries: list[str] = []
        self.calls = 0

    def do(self, step: str, number: int, other: int) -> None:
        """Do one thing; what does not fit is an error that changes nothing."""
        message_id = self.known[number % len(self.known)]
        match step:
            case "say":
                self.add([say("user", f"said {number}"), say("assistant", f"reply {number}")])
            case "call" | "open":
                self.calls += 1
                key = f"c{self.calls}"
                self.add([asking(key), answering(key)] if step == "call" else [asking(key)])
            case "system":
                self.add([say("system", f"rule {number}")])
            case "edit":
                self.t.edit(message_id, f"edited {number}")
            case "skip":
                self.t.skip(message_id)
            case "pin":
                self.t.pin(message_id)
            case "compress":
                end = self.known[other % len(self.known)]
                self.summaries.append(str(self.t.compress(f"{message_id}..{end}", summary=f"sum {number}").message_id))
                self.known.append(self.summaries[-1])
            case "expand" if self.summaries:
                self.t.expand(self.summaries[number % len(self.summaries)])

    def add(self, messages: list[dict[str, Any]]) -> None:
        """Say messages."""
        self.known += self.t.append(messages).message_ids


def tell(t: Tract, steps: list[tuple[str, int, int]]) -> Story:
    """Do steps, leaving out those that do not fit."""
    story = Story(t)
    for step in steps:
        try:
            story.do(*step)
        except (CompressError, ContentError):
            continue
    return story


def seen(t: Tract) -> tuple[Any, ...]:
    """Return all that a compile and a status say."""
    compiled = t.compile()
    status = t.status()
    return (
        compiled.to_openai(),
        list(compiled.message_ids),
        compiled.token_count,
        compiled.config,
        (status.message_count, status.token_count, status.tokens_exact),
    )


@settings(max_examples=60)
@given(STEPS, st.integers(0, 40), st.integers(0, 40))
def test_expand_after_compress_is_the_identity(steps: list[tuple[str, int, int]], first: int, last: int) -> None:
    """Whatever came before, a compression that is expanded leaves the context as it was."""
    with Tract.open() as t:
        story = tell(t, steps)
        before = seen(t)
        ends = (story.known[number % len(story.known)] for number in (first, last))
        try:
            commit = t.compress("..".join(ends), summary="the summary")
        except CompressError:
            assert seen(t) == before
            return
        assert seen(t) != before

        t.expand(str(commit.message_id))

        assert seen(t) == before


@settings(max_examples=60)
@given(STEPS, st.integers(0, 40), st.integers(0, 40))
def test_only_what_was_named_goes(steps: list[tuple[str, int, int]], first: int, last: int) -> None:
    """All that is not folded stays, in order and verbatim; what is left out stays too; the summary is in its place."""
    with Tract.open() as t:
        story = tell(t, steps)
        before = t.compile()
        try:
            commit = t.compress(
                "..".join(story.known[number % len(story.known)] for number in (first, last)), summary="the summary"
            )
        except CompressError:
            return
        after = t.compile()

        told = commit.metadata["compress"]
        folded = set(told["message_ids"])
        expected: list[Any] = []
        for message_id, message in zip(before.message_ids, before.messages, strict=True):
            if message_id not in folded:
                expected.append(message)
            elif message_id == told["message_ids"][0]:
                expected.append({"role": "user", "content": "the summary"})
        assert [message.model_dump() for message in after.messages] == [
            each if isinstance(each, dict) else each.model_dump() for each in expected
        ]
        assert folded <= set(before.message_ids)
        assert not folded & set(told["left_out"])


@settings(max_examples=60)
@given(STEPS)
def test_a_call_is_never_without_its_result(steps: list[tuple[str, int, int]]) -> None:
    """Any mix of steps compiles to what providers take, and what is kept beside it is right."""
    with Tract.open() as t:
        tell(t, steps)
        messages = t.compile().to_openai()

        waiting: list[str] = []
        for message in messages:
            if message["role"] == "tool":
                waiting.remove(message["tool_call_id"])
            else:
                assert not waiting
                waiting = [call["id"] for call in message.get("tool_calls") or ()]
        assert t.fsck().is_clean
        assert t.status().token_count == t.compile().token_count


@settings(max_examples=40)
@given(STEPS)
def test_pins_skips_and_instructions_survive_any_compression(steps: list[tuple[str, int, int]]) -> None:
    """What is pinned or a system message is sent as before, what is skipped is not sent, also ten compressions on."""
    with Tract.open() as t:
        tell(t, steps)
        marked = {
            change["id"]: change["mark"]
            for commit in reversed(t.log())
            for change in _changes(commit)
            if change["do"] == "mark"
        }
        before = {key: message.model_dump() for key, message in _sent(t).items()}
        for number in range(10):
            try:
                t.compress("..", summary=f"round {number}")
            except CompressError:
                break

        after = {key: message.model_dump() for key, message in _sent(t).items()}
        staying = {key for key, message in before.items() if marked.get(key) == "pinned" or message["role"] == "system"}
        assert {key: before[key] for key in staying} == {key: after[key] for key in staying}
        assert not [key for key in after if marked.get(key) == "skipped"]


def _changes(commit: Any) -> list[dict[str, Any]]:
    return [change_to_json(change) for change in commit.changes]


def _sent(t: Tract) -> dict[str, Any]:
    compiled = t.compile()
    return dict(zip(compiled.message_ids, compiled.messages, strict=True))
