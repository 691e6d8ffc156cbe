"""Parameters of a plug-in of the tables, read from its source without importing it."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from roarbench.benchmark.matrix.described import definition, meanings, siblings
from roarbench.benchmark.matrix.plugins import TABLES


@dataclass(frozen=True)
class Parameter:
    """A parameter that is written in brackets behind the name of a plug-in.

    Attributes:
        type: as in the source.
        default: as in the source; empty where one must be given.
        text: its meaning.
    """

    name: str
    type: str
    default: str
    text: str


def parameters(kind: str, name: str) -> list[Parameter]:
    """All parameters of a plug-in, those that it inherits first."""
    node = definition(kind, name)
    if isinstance(node, ast.FunctionDef):
        return list(_of_function(node))
    classes = siblings(kind, name)
    by_name = {parameter.name: parameter for parent in _line(node, classes) for parameter in _of_class(parent)}
    return list(by_name.values())


def _line(node: ast.ClassDef, classes: dict[str, ast.ClassDef]) -> list[ast.ClassDef]:
    """A class behind those of its module that it inherits from."""
    parents = [classes[base.id] for base in node.bases if isinstance(base, ast.Name) and base.id in classes]
    return [*(one for parent in parents for one in _line(parent, classes)), node]


def _of_class(node: ast.ClassDef) -> Iterator[Parameter]:
    texts = meanings(ast.get_docstring(node) or "")
    for field in node.body:
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            if (hint := ast.unparse(field.annotation)).startswith("ClassVar"):
                continue
            name = field.target.id
            yield Parameter(name, hint, _default(field.value), texts.get(name, ""))


def _of_function(node: ast.FunctionDef) -> Iterator[Parameter]:
    texts = meanings(ast.get_docstring(node) or "")
    for argument, value in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True):
        hint = ast.unparse(argument.annotation) if argument.annotation else ""
        yield Parameter(argument.arg, hint, _default(value), texts.get(argument.arg, ""))


def _default(value: ast.expr | None) -> str:
    """A default as it is written in brackets; that of a dataclass field is its argument `default`."""
    if isinstance(value, ast.Call) and ast.unparse(value.func) == "field":
        value = next(keyword.value for keyword in value.keywords if keyword.arg == "default")
    if value is None:
        return ""
    return str(value.value) if isinstance(value, ast.Constant) else _called(ast.unparse(value))


def _called(source: str) -> str:
    """The name of a plug-in in place of the call that makes it.

    >>> _called("Gradient()")
    'gradient'
    """
    name = source.removesuffix("()")
    return next(
        (key for table in TABLES.values() for key, where in table.items() if where.endswith(f":{name}")), source
    )
