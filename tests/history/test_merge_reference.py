"""The merge against the executable reference of its design, where that is present."""

import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import event, given

from merge_support import Triple, law, triples, units
from tract.history.fold import result_ids
from tract.model.changes import MARKS
from tract.model.conflicts import Conflict
from tract.model.context import Context

MODEL = Path(os.environ.get("TRACT_MERGE_MODEL", Path(__file__).parents[3] / "shared" / "merge" / "merge_model.py"))
pytestmark = pytest.mark.skipif(not MODEL.is_file(), reason="the reference is not here")

KINDS = {
    "EDIT_EDIT": "both_edit",
    "SUMMARY_EDIT": "both_edit",
    "SYSTEM_EDIT": "both_edit",
    "EDIT_SKIP": "skip_vs_edit",
    "ANNOTATE": "mark",
    "COMPRESS_EDIT": "fold_vs_edit",
    "COMPRESS_SKIP": "fold_vs_skip",
    "COMPRESS_COMPRESS": "fold_overlap",
    "COMPRESS_OVERLAP": "fold_overlap",
    "TOOL_RESULT": "tool_result",
    "PENDING_TOOL": "unanswered_call",
    "CONFIG": "config",
}


@pytest.fixture(scope="module")
def model() -> ModuleType:
    """Return the reference as a module."""
    spec = importlib.util.spec_from_file_location("merge_model", MODEL)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def slots(context: Context) -> dict[str, str]:
    """Return the reference's name of each message: the unit's, or the unit's and the call's."""
    found = {}
    for unit in units(context):
        found[unit.message_id] = unit.message_id
        for call, result_id in zip(unit.calls, result_ids(unit), strict=True):
            found[result_id] = f"{unit.message_id}/{call}"
    return found


def state_of(model: ModuleType, context: Context) -> Any:
    """Return a context as the reference's state."""
    names, heads = slots(context), units(context)
    kinds = {unit.message_id: "summary" if unit.summary else "tool" if unit.calls else unit.role for unit in heads}
    return model.State(
        order=tuple(kinds),
        units={unit.message_id: model.Unit(unit.message_id, kinds[unit.message_id], unit.calls) for unit in heads},
        content={names[entry.message_id]: entry.blob_id for entry in context.entries},
        prio={unit.message_id: MARKS.index(unit.mark) - 1 for unit in heads},
        cover={unit.message_id: unit.folded_into for unit in heads},
        seen={
            summary: frozenset((names[message_id], blob_id) for message_id, blob_id in told.items())
            for summary, told in context.seen.items()
        },
        config=dict(context.config),
    )


def expected_conflicts(result: Any) -> set[tuple[str, str]]:
    """Return the reference's conflicts by our kinds, each with the one thing that it is about."""
    found = set()
    for conflict in result.conflicts:
        if conflict.kind in KINDS:
            key = conflict.key
            name = key if isinstance(key, str) else key[0]
            found.add((KINDS[conflict.kind], name))
    return found


def known_extras(model: ModuleType, triple: Triple, found: list[Conflict]) -> set[tuple[str, str]]:
    """Return conflicts that the reference does not have: a summary skipped inside another one."""
    ids = {entry.message_id for side in triple for entry in side.entries if entry.summary}
    return {
        (conflict.kind, conflict.key)
        for conflict in found
        if conflict.kind == "fold_vs_skip" and ids.issuperset(conflict.message_ids)
    }


@law
@given(triples())
def test_plans_agree_with_the_reference(model: ModuleType, triple: Triple) -> None:
    """The same order, contents, marks, summaries and configuration, and the same conflicts but one refinement."""
    expected = model.merge(*(state_of(model, side) for side in triple))

    plan = triple.plan(review="off")

    state = state_of(model, plan.context)
    event(f"{len(plan.conflicts)} conflicts")
    assert state.order == expected.state.order
    assert state.content == expected.state.content
    assert state.prio == expected.state.prio
    assert state.config == expected.state.config
    names = slots(plan.context)
    found = {
        (conflict.kind, conflict.key if conflict.kind in ("config",) else unit_or_slot(conflict, plan.context, names))
        for conflict in plan.conflicts
    }
    extras = {(kind, name) for kind, name in known_extras(model, triple, list(plan.conflicts))}
    assert found - extras == expected_conflicts(expected) - extras
    assert standing(state) == standing(expected.state)


def unit_or_slot(conflict: Conflict, context: Context, names: dict[str, str]) -> str:
    """Return what the reference calls the thing that a conflict is about."""
    if conflict.kind == "skip_vs_edit":
        entry = context.find(conflict.key)
        assert entry is not None
        return entry.unit
    return names[conflict.key]


def standing(state: Any) -> dict[str, str]:
    """Return what is folded into what, leaving out what is hidden twice: folded as skipped, or as an idle summary."""
    return {
        unit: summary
        for unit, summary in state.cover.items()
        if summary is not None
        and state.prio[unit] != -1
        and (state.units[unit].kind != "summary" or state.covered_by(unit))
    }
