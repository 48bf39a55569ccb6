"""The command of the benchmarks works, on work so small that its figures mean nothing."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from benchmarks.__main__ import WORK, main


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where one run wrote its files."""
    out = tmp_path_factory.mktemp("results")
    main(["--size", "tiny", "--no-peers", "--out", str(out)])
    return out


def test_every_row_is_measured(results: Path) -> None:
    """Each piece of work has figures, and claims made of them."""
    rows = json.loads((results / "table.json").read_text("utf-8"))["rows"]

    assert [row["key"] for row in rows] == list(WORK)
    assert all(row["figures"] for row in rows)
    assert all(sum(figure["value"] for figure in row["figures"]) > 0 for row in rows)


def test_the_table_has_a_line_for_each_claim_and_figure(results: Path) -> None:
    """What the data says, the table says."""
    rows = json.loads((results / "table.json").read_text("utf-8"))["rows"]
    lines = (results / "table.md").read_text("utf-8").splitlines()
    wanted = sum(len(row["figures"]) + len(row["checks"]) for row in rows)

    assert sum(line.startswith("| ") and not line.startswith("| work") for line in lines) == wanted


def test_the_plot_has_a_line_for_each_system(results: Path) -> None:
    """Two panels, each with a curve of tract, of the floor and of git."""
    drawn = ElementTree.fromstring((results / "cost.svg").read_text("utf-8"))

    assert len(drawn.findall(".//{*}polyline")) == 6
