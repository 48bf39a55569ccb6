"""The pages in docs/ tell the truth: their Python examples run, and what they assert holds."""

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"
OWN_TESTS = {"compression.md", "llm.md"}
"""Pages whose examples need more than an empty folder, and have tests of their own."""

EXAMPLES = [
    pytest.param(path.name, code, id=f"{path.stem}-{number}")
    for path in sorted(DOCS.glob("*.md"))
    if path.name not in OWN_TESTS
    for number, code in enumerate(
        re.findall(r"^```python\n(.*?)^```", path.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    )
]


@pytest.mark.parametrize(("page", "code"), EXAMPLES)
def test_every_example_runs(page: str, code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each example runs as it stands, in an empty folder."""
    monkeypatch.chdir(tmp_path)

    exec(compile(code, page, "exec"), {})
