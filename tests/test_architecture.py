"""The layers and budgets that ARCHITECTURE.md promises, held against every module of tract."""

from collections.abc import Callable
from pathlib import Path

import pytest

import architecture
from architecture import Module

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "tract"


def modules_in_source() -> list[Module]:
    """Read every module of tract."""
    modules = []
    for path in sorted(SOURCE.rglob("*.py")):
        parts = path.relative_to(SOURCE.parent).with_suffix("").parts
        is_package = parts[-1] == "__init__"
        name = ".".join(parts[:-1] if is_package else parts)
        modules.append(Module(name, path.read_text("utf-8"), is_package))
    return modules


MODULES = modules_in_source()
CHECKERS = [
    architecture.purity_faults,
    architecture.inner_import_faults,
    architecture.size_faults,
    architecture.parameter_faults,
    architecture.broad_except_faults,
    architecture.branch_faults,
    architecture.docstring_faults,
]


def test_there_is_something_to_check() -> None:
    """A rule that looks at no module would hold for ever."""
    assert {"tract", "tract.exceptions", "tract.protocols"} <= {module.name for module in MODULES}


def test_imports_follow_the_layer_table() -> None:
    """A module imports only what its row of the layer table allows, of tract and of third parties."""
    known = {module.name for module in MODULES}

    faults = [fault for module in MODULES for fault in architecture.layer_faults(module, known)]

    assert faults == []


def test_no_modules_import_each_other() -> None:
    """There is no import cycle, typing imports counted."""
    assert architecture.cycle_faults(MODULES) == []


@pytest.mark.parametrize("checker", CHECKERS, ids=lambda checker: checker.__name__)
def test_every_module_keeps_the_rule(checker: Callable[[Module], list[str]]) -> None:
    """No module breaks a rule that can be seen in one module alone."""
    assert [fault for module in MODULES for fault in checker(module)] == []


@pytest.mark.skipif(not (ROOT / "ARCHITECTURE.md").exists(), reason="no map in this tree")
def test_the_map_names_every_package() -> None:
    """ARCHITECTURE.md mentions each package and each module beside them."""
    names = {module.layer for module in MODULES} - {"tract", "__main__"}

    assert architecture.map_faults((ROOT / "ARCHITECTURE.md").read_text("utf-8"), names) == []
