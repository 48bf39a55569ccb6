"""The layer table and the budgets as data, and one pure checker for each rule of ARCHITECTURE.md."""

import ast
import re
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

FILE_LINES = 400
FUNCTION_LINES = 60
POSITIONAL_PARAMETERS = 4
CAPTION_CHARACTERS = 120

FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)


class Layer(NamedTuple):
    """What one top-level package or module may import, besides itself and the standard library."""

    layers: frozenset[str]
    third_parties: frozenset[str] = frozenset()


def words(text: str) -> frozenset[str]:
    """Return the words of a line."""
    return frozenset(text.split())


def row(layers: str = "", third_parties: str = "") -> Layer:
    """Return the row that two lists of words describe."""
    return Layer(words(layers), words(third_parties))


BELOW_CLIENTS = "exceptions model protocols history storage llm tokens formats operations facade tract"
CLIENTS = frozenset({"cli", "web", "mcp", "gateway", "integrations"})

LAYERS: Mapping[str, Layer] = {
    "exceptions": row(),
    "model": row("exceptions", "pydantic"),
    "protocols": row("exceptions model", "pydantic"),
    "history": row("exceptions model protocols"),
    "storage": row("exceptions model protocols", "sqlalchemy"),
    "llm": row("exceptions protocols", "httpx tenacity pydantic"),
    "tokens": row("exceptions protocols", "tiktoken"),
    "formats": row("exceptions model protocols"),
    "operations": row("exceptions model protocols history formats"),
    "facade": row("exceptions model protocols history storage llm tokens formats operations"),
    "tract": row("exceptions model protocols facade"),
    "cli": row(BELOW_CLIENTS, "click"),
    "web": row(BELOW_CLIENTS),
    "mcp": row(BELOW_CLIENTS),
    "gateway": row(BELOW_CLIENTS),
    "integrations": row(BELOW_CLIENTS),
    "__main__": row("cli"),
}
EVERYWHERE = frozenset({"typing_extensions"})
# The client inside `llm` needs httpx, so what wires the library together may only see these.
MODULES_OF_LLM_FOR_FACADE = frozenset({"tract.llm.resolver", "tract.llm.summarizer", "tract.llm.protocols"})
# Decisions know no clock, no chance, no disk and no network.
IMPURE = words("asyncio http os pathlib random secrets socket sqlite3 subprocess tempfile threading time urllib uuid")
FIVE_PARAMETERS_ASKED_FOR = frozenset({"tract.llm.client:OpenAIClient.__init__"})


@dataclass(frozen=True)
class Module:
    """The source of one module, and its dotted name."""

    name: str
    source: str
    is_package: bool = False

    @cached_property
    def tree(self) -> ast.Module:
        """The parsed source."""
        return ast.parse(self.source)

    @property
    def layer(self) -> str:
        """The name of the module's row in the layer table; the package itself is `tract`."""
        return layer_of(self.name)

    def fault(self, line: int, what: str) -> str:
        """Return one line that names the place and what is wrong there."""
        return f"{self.name}:{line}: {what}"


class Import(NamedTuple):
    """One imported module, and the names of the classes and functions around the import."""

    target: str
    line: int
    scope: tuple[ast.AST, ...]


class Function(NamedTuple):
    """One function or method, its name with its classes', and whether it takes `self` or `cls`."""

    node: ast.FunctionDef | ast.AsyncFunctionDef
    name: str
    is_bound: bool


def layer_of(name: str) -> str:
    """Return the row of the layer table that a dotted name belongs to."""
    parts = name.split(".")
    return parts[1] if len(parts) > 1 else parts[0]


def scoped(node: ast.AST, scope: tuple[ast.AST, ...] = ()) -> Iterator[tuple[ast.AST, tuple[ast.AST, ...]]]:
    """Yield every node below one, with the classes and functions around it, outermost first."""
    for child in ast.iter_child_nodes(node):
        yield child, scope
        inner = (*scope, child) if isinstance(child, (*FUNCTION, ast.ClassDef)) else scope
        yield from scoped(child, inner)


def functions_of(module: Module) -> Iterator[Function]:
    """Yield every function of a module, nested ones and methods too."""
    for node, scope in scoped(module.tree):
        if isinstance(node, FUNCTION):
            names = [each.name for each in (*scope, node) if isinstance(each, (*FUNCTION, ast.ClassDef))]
            is_method = bool(scope) and isinstance(scope[-1], ast.ClassDef)
            yield Function(node, ".".join(names), is_method and "staticmethod" not in decorators(node))


def decorators(node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    """Return a function's decorators as text, without their arguments."""
    return [ast.unparse(each.func if isinstance(each, ast.Call) else each) for each in node.decorator_list]


def imports_of(module: Module, known: Collection[str] = ()) -> Iterator[Import]:
    """Yield every import of a module, typing imports and calls of `import_module` too.

    `known` names the modules there are, to tell `from package import module` from `from module import name`.
    """
    modules = {*known, *(f"tract.{name}" for name in LAYERS), *MODULES_OF_LLM_FOR_FACADE}
    for node, scope in scoped(module.tree):
        if isinstance(node, ast.Import):
            targets = [each.name for each in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = absolute(module, node)
            members = [f"{base}.{each.name}" for each in node.names]
            targets = sorted({member if member in modules else base for member in members})
        elif isinstance(node, ast.Call) and re.search(r"\b(__import__|import_module)$", ast.unparse(node.func)):
            literal = node.args[0] if node.args else None
            targets = [str(literal.value) if isinstance(literal, ast.Constant) else "a module named at run time"]
        else:
            continue
        yield from (Import(target, node.lineno, scope) for target in targets)


def absolute(module: Module, node: ast.ImportFrom) -> str:
    """Return the dotted name that a `from` import starts at."""
    if node.level == 0:
        return node.module or ""
    parts = module.name.split(".")
    parts = parts[: len(parts) - node.level + module.is_package]
    return ".".join([*parts, node.module] if node.module else parts)


def layer_faults(module: Module, known: Collection[str] = ()) -> list[str]:
    """Return the imports that the layer table forbids."""
    layer = LAYERS.get(module.layer)
    if layer is None:
        return [module.fault(1, f"`{module.layer}` has no row in the layer table")]
    faults = []
    for target, line, _ in imports_of(module, known):
        top = target.split(".")[0]
        if top == "tract":
            allowed = layer_of(target) == module.layer or layer_of(target) in layer.layers
            if module.layer == "facade" and layer_of(target) == "llm":
                allowed = target in MODULES_OF_LLM_FOR_FACADE
        else:
            allowed = top in sys.stdlib_module_names or top in layer.third_parties or top in EVERYWHERE
        if not allowed:
            faults.append(module.fault(line, f"`{module.layer}` may not import {target}"))
    return faults


def purity_faults(module: Module) -> list[str]:
    """Return the imports with which a decision could ask a clock, a disk or a network."""
    if module.layer != "history":
        return []
    return [
        module.fault(each.line, f"a decision may not import {each.target}")
        for each in imports_of(module)
        if each.target.split(".")[0] in IMPURE
    ]


def inner_import_faults(module: Module) -> list[str]:
    """Return the imports inside functions, outside the few places that load something late on purpose."""
    return [
        module.fault(each.line, f"{each.target} is imported inside a function")
        for each in imports_of(module)
        if any(isinstance(node, FUNCTION) for node in each.scope) and not may_import_late(module, each)
    ]


def may_import_late(module: Module, late: Import) -> bool:
    """Tell whether an import inside a function stands where one is allowed."""
    functions = [node for node in late.scope if isinstance(node, FUNCTION)]
    if module.name == "tract.llm":
        return functions[0].name == "__getattr__"
    if module.layer == "tokens":
        return late.target.split(".")[0] == "tiktoken"
    # A client's entry point is what a user calls: its `main`, and what its framework registers by a decorator.
    return module.layer in CLIENTS and (functions[0].name == "main" or bool(functions[0].decorator_list))


def cycle_faults(modules: Sequence[Module]) -> list[str]:
    """Return one line for each knot of modules that import each other, typing imports counted."""
    known = {module.name for module in modules}
    edges = {
        module.name: {each.target for each in imports_of(module, known)} & known - {module.name} for module in modules
    }
    reached = {name: reachable(name, edges) for name in edges}
    knots = {
        tuple(sorted(other for other in reached[name] if name in reached[other]))
        for name in edges
        if name in reached[name]
    }
    return [f"these import each other: {', '.join(knot)}" for knot in sorted(knots)]


def reachable(start: str, edges: Mapping[str, Collection[str]]) -> set[str]:
    """Return every module that one leads to by imports."""
    reached: set[str] = set()
    waiting = list(edges[start])
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting.extend(edges[name])
    return reached


def size_faults(module: Module) -> list[str]:
    """Return the file, if it is too long, and the functions that are, their docstrings not counted."""
    faults = []
    length = len(module.source.splitlines())
    if length > FILE_LINES:
        faults.append(module.fault(length, f"{length} lines, more than {FILE_LINES}"))
    for function in functions_of(module):
        length = code_lines(function.node)
        if length > FUNCTION_LINES:
            what = f"{function.name} has {length} lines, more than {FUNCTION_LINES}"
            faults.append(module.fault(function.node.lineno, what))
    return faults


def code_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return how many lines a function has, from `def` on, without its docstring."""
    first = node.body[0]
    docstring = (first.end_lineno or 0) - first.lineno + 1 if ast.get_docstring(node) is not None else 0
    return (node.end_lineno or 0) - node.lineno + 1 - docstring


def parameter_faults(module: Module) -> list[str]:
    """Return the functions that take too many positional parameters."""
    faults = []
    for node, name, is_bound in functions_of(module):
        count = len(node.args.posonlyargs) + len(node.args.args) - is_bound
        limit = POSITIONAL_PARAMETERS + (f"{module.name}:{name}" in FIVE_PARAMETERS_ASKED_FOR)
        if count > limit:
            faults.append(module.fault(node.lineno, f"{name} takes {count} positional parameters, more than {limit}"))
    return faults


def broad_except_faults(module: Module) -> list[str]:
    """Return the places that swallow any exception whatever; a client's `main` has one, its outermost border."""
    faults = []
    borders = 0
    for node, scope in scoped(module.tree):
        if not swallows_everything(node):
            continue
        is_border = module.layer in CLIENTS and any(
            isinstance(each, FUNCTION) and each.name == "main" for each in scope
        )
        borders += is_border
        if not is_border or borders > 1:
            faults.append(module.fault(getattr(node, "lineno", 0), "a broad except that does not raise again"))
    return faults


def swallows_everything(node: ast.AST) -> bool:
    """Tell whether a node is a broad `except` that may go on, or a broad `suppress`."""
    if isinstance(node, ast.ExceptHandler):
        return is_everything(node.type) and not always_raises(node.body)
    is_suppress = isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "suppress"
    return is_suppress and any(is_everything(each) for each in getattr(node, "args", ()))


def is_everything(node: ast.expr | None) -> bool:
    """Tell whether an `except` clause catches every exception."""
    if isinstance(node, ast.Tuple):
        return any(map(is_everything, node.elts))
    return node is None or ast.unparse(node).split(".")[-1] in {"Exception", "BaseException"}


def always_raises(body: Sequence[ast.stmt]) -> bool:
    """Tell whether a block ends by raising, whichever way it is left."""
    leaves = (ast.Return, ast.Break, ast.Continue)
    if any(isinstance(node, leaves) for statement in body for node in ast.walk(statement)):
        return False
    last = body[-1] if body else None
    if isinstance(last, ast.If):
        return always_raises(last.body) and always_raises(last.orelse)
    if isinstance(last, (ast.With, ast.AsyncWith)):
        return always_raises(last.body)
    return isinstance(last, ast.Raise)


def branch_faults(module: Module) -> list[str]:
    """Return the places where a class of the facade decides something."""
    branches = (
        *(ast.If, ast.IfExp, ast.BoolOp, ast.Match, ast.Assert, ast.comprehension),
        *(ast.For, ast.AsyncFor, ast.While, ast.Try, ast.TryStar),
    )
    if module.layer != "facade":
        return []
    classes = [node for node in ast.walk(module.tree) if isinstance(node, ast.ClassDef)]
    return [
        module.fault(getattr(node, "lineno", each.lineno), f"{each.name} decides something: {type(node).__name__}")
        for each in classes
        for node in ast.walk(each)
        if isinstance(node, branches)
    ]


def docstring_faults(module: Module) -> list[str]:
    """Return what is public and lacks a docstring that opens with a sentence."""
    caption = (ast.get_docstring(module.tree) or "").splitlines()
    faults = []
    if not caption or len(caption[0]) > CAPTION_CHARACTERS or not caption[0].endswith("."):
        faults.append(
            module.fault(1, f"the module's caption is not one sentence within {CAPTION_CHARACTERS} characters")
        )
    for node, scope in scoped(module.tree):
        if not isinstance(node, (*FUNCTION, ast.ClassDef)) or not is_public(node, scope):
            continue
        paragraph = (ast.get_docstring(node) or "").split("\n\n")[0]
        if not re.search(r"\.(\s|$)", paragraph):
            faults.append(module.fault(node.lineno, f"the docstring of {node.name} does not open with a sentence"))
    return faults


def is_public(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef, scope: Sequence[ast.AST]) -> bool:
    """Tell whether a function or class can be reached by public names; an overload counts with its implementation."""
    if any(isinstance(each, FUNCTION) for each in scope):
        return False
    names = [node.name, *(each.name for each in scope if isinstance(each, ast.ClassDef))]
    is_overload = not isinstance(node, ast.ClassDef) and bool({"overload", "typing.overload"} & set(decorators(node)))
    return not is_overload and not any(name.startswith("_") for name in names)


def map_faults(architecture: str, names: Collection[str]) -> list[str]:
    """Return the packages and top-level modules that the map does not mention as code."""
    mentioned = set(re.findall(r"[\w]+(?=/|\.py\b)", architecture))
    for code in re.findall(r"`([^`\n]+)`", architecture):
        mentioned.update(re.findall(r"\w+", code))
    return [f"ARCHITECTURE.md does not mention `{name}`" for name in sorted(set(names) - mentioned)]
