"""The page about compression tells the truth: its examples run."""

import re
from pathlib import Path

import pytest

from llm_support import model_server

PAGE = (Path(__file__).parents[1] / "docs" / "compression.md").read_text("utf-8")
EXAMPLES = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_every_example_runs(example: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each example runs as it stands, against a server on loopback where it asks one."""
    monkeypatch.setenv("TRACT_OPENAI_API_KEY", "test-key")
    with model_server() as server:
        monkeypatch.setenv("TRACT_OPENAI_BASE_URL", server.url)

        exec(compile(example, "docs/compression.md", "exec"), {})

    assert len(server.received) == (2 if "OpenAIClient(" in example else 0)
