"""The examples on the pages of docs/ that have no test of their own do what they say."""

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parent.parent / "docs"
EXAMPLES = [
    pytest.param(code, id=f"{page}-{number}")
    for page in ("undo", "finding")
    for number, code in enumerate(
        re.findall(r"```python\n(.*?)```", (DOCS / f"{page}.md").read_text("utf-8"), re.DOTALL)
    )
]


@pytest.mark.parametrize("code", EXAMPLES)
def test_an_example_runs(code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it asserts holds."""
    monkeypatch.chdir(tmp_path)

    exec(compile(code, "page", "exec"), {})
