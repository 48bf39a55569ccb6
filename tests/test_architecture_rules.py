"""Every architecture rule finds what breaks it, and lets pass what it allows on purpose."""

import pytest

import architecture
from architecture import Module


def module(name: str, *lines: str, is_package: bool = False) -> Module:
    """Return a module that has these lines."""
    return Module(name, "\n".join(lines) + "\n", is_package)


def function(name: str, *, lines: int, docstring: str = "") -> str:
    """Return the source of a function of so many lines, and those of its docstring besides."""
    opening = [f"def {name}():", *([f'    """{docstring}"""'] if docstring else [])]
    return "\n".join([*opening, *["    pass"] * (lines - 1)])


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("tract.model.commits", "import tract.history.fold"),
        ("tract.history.merge", "from tract.storage import sqlite"),
        ("tract.history.merge", "from tract import storage"),
        ("tract.history.merge", "from ..storage import sqlite"),
        ("tract.history.merge", "import pydantic"),
        ("tract.storage.sqlite", "import tract.llm.protocols"),
        ("tract.formats.openai", "from sqlalchemy import text"),
        ("tract.operations.merge", "from tract.storage.sqlite import open_store"),
        ("tract.operations.merge", "import httpx as client"),
        ("tract.facade", "from tract.llm.client import OpenAIClient"),
        ("tract.facade", "from tract.llm import OpenAIResolver"),
        ("tract.protocols", "from tract.facade import Tract"),
        ("tract.protocols", "import tract"),
        ("tract.cli.main", "from tract.web import app"),
        ("tract.cli.main", "import sqlalchemy"),
        ("tract.model.refs", "if TYPE_CHECKING:\n    from tract.protocols import Store"),
        ("tract.model.refs", "module = importlib.import_module('tract.storage')"),
        ("tract.model.refs", "module = __import__('httpx')"),
        ("tract.helpers", "import json"),
    ],
)
def test_layers_reject(name: str, line: str) -> None:
    """An import that the layer table does not allow is a fault, in whatever form it is written."""
    assert len(architecture.layer_faults(module(name, line))) == 1


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("tract.model.commits", "from tract.model.messages import Message"),
        ("tract.model.commits", "from .messages import Message"),
        ("tract.model.commits", "from pydantic import BaseModel"),
        ("tract.history.merge", "import difflib\nfrom typing_extensions import override"),
        ("tract.storage.sqlite", "import sqlalchemy.engine"),
        ("tract.llm.client", "import httpx\nimport tenacity"),
        ("tract.facade", "from tract.llm import resolver"),
        ("tract.facade", "from tract.llm.protocols import LLMClient"),
        ("tract", "from tract.facade import Tract"),
        ("tract.cli.main", "import click\nimport tract\nfrom tract.llm import OpenAIClient"),
    ],
)
def test_layers_allow(name: str, line: str) -> None:
    """An import that the layer table allows is no fault."""
    assert architecture.layer_faults(module(name, line)) == []


def test_decisions_are_pure() -> None:
    """What decides may not import a clock, and other layers may."""
    line = "from time import time"

    assert len(architecture.purity_faults(module("tract.history.merge", line))) == 1
    assert architecture.purity_faults(module("tract.storage.sqlite", line)) == []


@pytest.mark.parametrize(
    ("name", "header", "line"),
    [
        ("tract.storage.sqlite", "def connect():", "import sqlalchemy"),
        ("tract.storage.sqlite", "def __getattr__(name):", "import sqlalchemy"),
        ("tract.tokens", "def load():", "import regex"),
        ("tract.llm.client", "def __getattr__(name):", "import httpx"),
        ("tract.llm", "def load():", "from tract.llm.client import OpenAIClient"),
        ("tract.llm", "def load():", "importlib.import_module(name)"),
        ("tract.cli.main", "def find_store():", "import click"),
        ("tract.model.refs", "class Ref:\n  def check(self):", "import re"),
    ],
)
def test_inner_imports_reject(name: str, header: str, line: str) -> None:
    """An import inside a function is a fault."""
    assert len(architecture.inner_import_faults(module(name, header, f"    {line}"))) == 1


@pytest.mark.parametrize(
    ("name", "header", "line"),
    [
        ("tract.tokens", "def load():", "import tiktoken"),
        ("tract.llm", "def __getattr__(name):", "from tract.llm.client import OpenAIClient"),
        ("tract.cli.main", "def main():", "import click"),
        ("tract.cli.main", "@group.command('demo')\ndef demo():", "import http.server"),
        ("tract.model.refs", "if TYPE_CHECKING:", "import re"),
    ],
)
def test_inner_imports_allow(name: str, header: str, line: str) -> None:
    """The few late imports that are meant are no fault."""
    assert architecture.inner_import_faults(module(name, header, f"    {line}")) == []


def test_cycles_are_found() -> None:
    """Modules that lead back to themselves are one knot, typing imports counted, and who only imports them is not."""
    modules = [
        module("tract.model.a", "from tract.model import b"),
        module("tract.model.b", "if TYPE_CHECKING:", "    from tract.model.c import C"),
        module("tract.model.c", "import tract.model.a"),
        module("tract.model.d", "import tract.model.a"),
    ]

    assert architecture.cycle_faults(modules) == [
        "these import each other: tract.model.a, tract.model.b, tract.model.c",
    ]


def test_a_chain_is_no_cycle() -> None:
    """Modules that import in one direction are no knot."""
    modules = [
        module("tract.model.a", "from tract.model.b import B", "from tract.model.c import C"),
        module("tract.model.b", "from .c import C"),
        module("tract.model.c"),
    ]

    assert architecture.cycle_faults(modules) == []


def test_long_files_are_found() -> None:
    """The last line that fits is no fault, the next is."""
    assert architecture.size_faults(module("tract.tokens", *["pass"] * 400)) == []
    assert len(architecture.size_faults(module("tract.tokens", *["pass"] * 401))) == 1


def test_long_functions_are_found() -> None:
    """The last line that fits is no fault, the next is, in methods and nested functions too."""
    inner = "\n".join(f"    {line}" for line in function("inner", lines=61).splitlines())

    assert architecture.size_faults(module("tract.tokens", function("count", lines=60))) == []
    assert len(architecture.size_faults(module("tract.tokens", function("count", lines=61)))) == 1
    assert len(architecture.size_faults(module("tract.tokens", "class Counter:", inner))) == 1


def test_docstrings_cost_no_lines() -> None:
    """A function's length is counted without its docstring, however long that is."""
    source = function("count", lines=60, docstring="Count.\n\n    Much\n    more.\n    ")

    assert architecture.size_faults(module("tract.tokens", source)) == []


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("tract.tokens", "def count(a, b, c, d, e): ..."),
        ("tract.tokens", "def count(a, b, /, c, d, e=1): ..."),
        ("tract.tokens", "async def count(self, a, b, c, d): ..."),
        ("tract.tokens", "class Counter:\n    def count(self, a, b, c, d, e): ..."),
        ("tract.tokens", "class Counter:\n    @staticmethod\n    def count(a, b, c, d, e): ..."),
        ("tract.llm.client", "class OpenAIClient:\n    def chat(self, a, b, c, d, e): ..."),
        ("tract.llm.client", "class OpenAIClient:\n    def __init__(self, a, b, c, d, e, f): ..."),
    ],
)
def test_positional_parameters_reject(name: str, line: str) -> None:
    """A fifth positional parameter is a fault."""
    assert len(architecture.parameter_faults(module(name, line))) == 1


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("tract.tokens", "def count(a, b, c, d, *rest, e, f=1, **more): ..."),
        ("tract.tokens", "class Counter:\n    def count(self, a, b, c, d): ..."),
        ("tract.tokens", "class Counter:\n    @classmethod\n    def make(cls, a, b, c, d): ..."),
        ("tract.llm.client", "class OpenAIClient:\n    def __init__(self, a, b, c, d, e): ..."),
    ],
)
def test_positional_parameters_allow(name: str, line: str) -> None:
    """Four positional parameters, `self` not counted, are no fault, nor is any number by keyword."""
    assert architecture.parameter_faults(module(name, line)) == []


@pytest.mark.parametrize(
    "handler",
    [
        "except:\n    pass",
        "except Exception:\n    pass",
        "except BaseException as error:\n    log(error)",
        "except (ValueError, Exception):\n    pass",
        "except builtins.Exception:\n    pass",
        "except Exception:\n    if late: raise",
        "except Exception:\n    if early:\n        return\n    raise",
    ],
)
def test_broad_excepts_reject(handler: str) -> None:
    """A broad except that may go on is a fault."""
    lines = [f"    {line}" for line in ["try:", "    work()", *handler.splitlines()]]

    assert len(architecture.broad_except_faults(module("tract.cli.show", "def show():", *lines))) == 1


def test_broad_suppress_is_rejected() -> None:
    """Suppressing everything is a broad except by another name."""
    assert (
        len(architecture.broad_except_faults(module("tract.tokens", "with contextlib.suppress(Exception): ..."))) == 1
    )


@pytest.mark.parametrize(
    "handler",
    [
        "except ValueError:\n    pass",
        "except Exception:\n    undo()\n    raise",
        "except BaseException as error:\n    raise StorageError from error",
        "except Exception:\n    with lock:\n        raise",
        "except Exception as error:\n    if late:\n        raise\n    else:\n        raise MergeError from error",
    ],
)
def test_broad_excepts_allow(handler: str) -> None:
    """A narrow except, and a broad one that always raises, are no fault."""
    assert architecture.broad_except_faults(module("tract.storage.sqlite", "try:", "    work()", handler)) == []


def test_a_client_has_one_border() -> None:
    """A client's `main` may catch everything once; a second time, and any other layer's `main`, may not."""
    border = "    try:\n        run()\n    except Exception:\n        pass"

    assert architecture.broad_except_faults(module("tract.cli.main", "def main():", border)) == []
    assert len(architecture.broad_except_faults(module("tract.cli.main", "def main():", border, border))) == 1
    assert len(architecture.broad_except_faults(module("tract.tokens", "def main():", border))) == 1


@pytest.mark.parametrize(
    "line",
    [
        "if a: return b",
        "for a in b: c()",
        "while a: b()",
        "try: a()\n        finally: b()",
        "match a:\n            case 1: b()",
        "return a if b else c",
        "return a or b",
        "return {a for a in b}",
        "return lambda: a and b",
        "assert a",
    ],
)
def test_branches_in_the_facade_are_found(line: str) -> None:
    """The class `Tract` decides nothing, in whatever form."""
    source = f"class Tract:\n    def merge(self):\n        {line}"

    assert len(architecture.branch_faults(module("tract.facade", source))) == 1


def test_a_facade_that_only_calls_is_allowed() -> None:
    """One call is no branch, and classes of other layers may branch."""
    only_calls = ["class Reading(Verbs):", "    def log(self): return log(self._repo, limit=-1)"]
    branches = ["class Batch:", "    a = b or c"]

    assert architecture.branch_faults(module("tract.facade.reading", *only_calls)) == []
    assert architecture.branch_faults(module("tract.operations.batch", *branches)) == []
    assert len(architecture.branch_faults(module("tract.facade.reading", *branches))) == 1


@pytest.mark.parametrize(
    "source",
    [
        "value = 1",
        '"""No full stop"""',
        '"""Long' + " and longer" * 12 + '."""',
        '"""A caption that goes on\nin its second line."""',
        '"""Fine."""\ndef count(): ...',
        '"""Fine."""\ndef count():\n    """Count tokens"""',
        '"""Fine."""\nclass Counter: ...',
        '"""Fine."""\nclass Counter:\n    """Counts."""\n    def count(self): ...',
    ],
)
def test_docstrings_reject(source: str) -> None:
    """A public thing without an opening sentence is a fault, and so is a module without a caption of one line."""
    assert len(architecture.docstring_faults(module("tract.tokens", source))) == 1


@pytest.mark.parametrize(
    "source",
    [
        "def _count(): ...",
        "class _Counter:\n    def count(self): ...",
        "def count():\n    '''Count tokens.'''\n    def inner(): ...",
        "class Counter:\n    '''Counts. Much more.'''\n    def __init__(self): ...",
        "@overload\ndef count(): ...",
    ],
)
def test_docstrings_allow(source: str) -> None:
    """What is private, nested, special or an overload needs no docstring."""
    assert architecture.docstring_faults(module("tract.tokens", '"""Fine."""', source)) == []


def test_the_map_must_mention_each_package() -> None:
    """A name counts as mentioned where it stands as code or as a path, not as a mere word."""
    text = "`model/` holds values. See [history](src/tract/history/), `tract.tokens`, llm.py; storage is a word.\n"

    assert architecture.map_faults(text, {"model", "history", "tokens", "llm", "storage"}) == [
        "ARCHITECTURE.md does not mention `storage`"
    ]
