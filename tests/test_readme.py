"""The README's examples do what it says."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PYTHON = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
CONSOLE = [block for block in re.findall(r"```console\n(.*?)```", README, re.DOTALL) if "$ tract" in block]
PAGES = [
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    *(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")),
]


@pytest.mark.parametrize("code", PYTHON, ids=range(len(PYTHON)))
def test_python_examples_run(code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each Python example runs, and what it asserts holds."""
    monkeypatch.chdir(tmp_path)

    exec(compile(code, "README.md", "exec"), {})


def test_command_line_example_runs(tmp_path: Path) -> None:
    """The commands run one after the other; the last prints what to send to a model."""
    (block,) = CONSOLE
    outputs = []

    for line in block.splitlines():
        command = shlex.split(line.removeprefix("$ tract"))
        environment = {**os.environ, "HOME": str(tmp_path)}
        done = subprocess.run(
            [sys.executable, "-m", "tract", *command], cwd=tmp_path, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, (line, done.stderr)
        outputs.append(done.stdout)

    assert '"Thanks."' in outputs[-1]
    assert '"And if that fails?"' in outputs[-1]


def test_commands_of_the_project_are_there() -> None:
    """The two commands of the README are scripts that can be run."""
    for name in ("scripts/demo", "scripts/test"):
        assert f"$ {name}" in README
        assert os.access(ROOT / name, os.X_OK)


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    """Each link of a page to a file of the project leads to one."""
    text = (ROOT / page).read_text(encoding="utf-8")

    for target in re.findall(r"\]\(([^)#]+)", text):
        if "://" not in target:
            assert (ROOT / page).parent.joinpath(target).exists(), target


def test_ci_calls_exactly_the_readmes_test_command() -> None:
    """What CI runs is what the README tells a newcomer to run."""
    assert "scripts/test" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
