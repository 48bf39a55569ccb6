"""The page about asking models tells the truth: its examples run."""

import re
from pathlib import Path

import pytest

from llm_support import model_server
from tract.llm.client import ANSWER_LIMIT_BYTES

PAGE = (Path(__file__).parents[1] / "docs" / "llm.md").read_text("utf-8")
EXAMPLES = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_every_example_runs(example: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each example runs as it stands, against a server on loopback."""
    monkeypatch.setenv("TRACT_OPENAI_API_KEY", "test-key")
    with model_server() as server:
        monkeypatch.setenv("TRACT_OPENAI_BASE_URL", server.url)

        exec(compile(example, "docs/llm.md", "exec"), {})

    assert bool(server.received) == ("OpenAIClient(" in example)


def test_the_page_states_the_limit() -> None:
    """The size of an answer that is refused is what the page says."""
    assert f"{ANSWER_LIMIT_BYTES // 2**20} MiB" in PAGE
