"""The table of a run, in Markdown and in JSON."""

import json
import platform
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version

from benchmarks.harness import Check, Figure, Row
from benchmarks.systems.base import RIVALS

_PACKAGES = ("langgraph", "langgraph-checkpoint-sqlite", "openai-agents", "llm", "sqlalchemy", "pydantic", "tiktoken")


def markdown(rows: Sequence[Row], *, size: str, with_peers: bool) -> str:
    """Return the table, and below it every figure."""
    lines = [
        f"Size `{size}`; {facts()}",
        "",
        "| work | held against | measured | at most | |",
        "|---|---|---|---|---|",
        *[_check_line(row, check) for row in rows for check in row.checks],
        "",
        "| work | who | CPU | wall | to the first |",
        "|---|---|---|---|---|",
        *[_figure_line(row, figure) for row in rows for figure in row.figures],
        "",
    ]
    absent = [system.name for system in RIVALS if not with_peers and system.needs]
    absent += [system.name for system in RIVALS if with_peers and not system.is_here]
    if absent:
        lines += [f"Not measured: {', '.join(absent)}.", ""]
    return "\n".join(lines)


def as_json(rows: Sequence[Row], *, size: str) -> str:
    """Return the same as data."""
    found = [
        {
            "key": row.key,
            "work": row.work,
            "figures": [asdict(figure) for figure in row.figures],
            "checks": [{**asdict(check), "holds": check.holds} for check in row.checks],
        }
        for row in rows
    ]
    return json.dumps({"size": size, "facts": facts(), "rows": found}, indent=1, ensure_ascii=False) + "\n"


def facts() -> str:
    """Return in one line what it was measured with."""
    return f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {', '.join(_versions(_PACKAGES))}."


def shown(value: float, unit: str) -> str:
    """Return a value as a reader takes it in."""
    if unit == "us" and value >= 1e6:
        value, unit = value / 1e6, "s"
    elif unit == "us":
        value, unit = (value / 1000, "ms") if value >= 1000 else (value, "µs")
    digits = f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return f"{digits} {unit}".strip() if unit != "x" else f"{digits}x"


def _versions(packages: Iterable[str]) -> Iterable[str]:
    for package in packages:
        try:
            yield f"{package} {version(package)}"
        except PackageNotFoundError:
            continue


def _check_line(row: Row, check: Check) -> str:
    verdict = "holds" if check.holds else "**fails**"
    measured, limit = shown(check.value, check.unit), shown(check.limit, check.unit)
    return f"| {row.work} | {check.claim} | {measured} | {limit} | {verdict} |"


def _figure_line(row: Row, figure: Figure) -> str:
    note = f" ({figure.note})" if figure.note else ""
    wall = "" if figure.wall is None else shown(figure.wall, "us")
    times = f"{figure.value / row.figures[0].value:.3g}x" if row.figures[0].value else ""
    return f"| {row.work} | {figure.entrant}{note} | {shown(figure.value, figure.unit)} | {wall} | {times} |"
