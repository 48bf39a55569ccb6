"""A compile made from earlier ones is the compile made from nothing."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tract import CompressError, ContentError, Tract

CALL = {"id": "k", "type": "function", "function": {"name": "f", "arguments": "{}"}}
STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ["say", "say", "call", "edit", "skip", "pin", "unskip", "model", "fold", "unfold", "back", "merge"]
        ),
        st.integers(0, 30),
    ),
    min_size=1,
    max_size=14,
)


def do(t: Tract, step: str, number: int) -> None:
    """Do one thing to a tract."""
    entries = [message_id for commit in t.log() for message_id in commit.message_ids]
    message_id = entries[number % len(entries)]
    match step:
        case "say":
            t.append([{"role": "user", "content": f"said {number}"}, {"role": "assistant", "content": "yes"}])
        case "call":
            t.assistant(tool_calls=[CALL])
            t.tool(f"result {number}", tool_call_id="k")
        case "edit":
            t.edit(message_id, f"edited {number}")
        case "skip" | "unskip" | "pin":
            getattr(t, step)(message_id)
        case "fold":
            t.compress([message_id, entries[number // 2 % len(entries)]], summary=f"summary {number}")
        case "unfold":
            t.expand(message_id)
        case "model":
            t.configure(model=["gpt-4o", "gpt-4", None][number % 3])
        case "back":
            t.switch(["main", "side"][number % 2])
        case "merge":
            t.merge("side", strategy="theirs")


def seen(t: Tract) -> tuple[Any, ...]:
    """Return all that a compile says."""
    compiled = t.compile()
    return (
        compiled.to_openai(),
        list(compiled.message_ids),
        list(compiled.token_counts),
        compiled.token_count,
        compiled.tokens_exact,
        t.status().token_count,
        t.status().message_count,
    )


@settings(max_examples=60)
@given(STEPS)
def test_a_warm_compile_is_a_cold_one(steps: list[tuple[str, int]]) -> None:
    """Whatever was compiled before, and in whatever order, the messages and counts are those of a fresh object."""
    with TemporaryDirectory() as folder, Tract.open(Path(folder) / "work.db", durability="normal") as t:
        t.system("start")
        t.branch("side")
        for step, number in steps:
            try:
                do(t, step, number)
            except (CompressError, ContentError):
                continue
            warm = seen(t)
            with Tract.open(Path(folder) / "work.db") as cold:
                assert warm == seen(cold)
