"""What of a user's own code and files counts for the identity of a plug-in: what it uses, not how it is written.

Comments, docstrings and layout do not count, nor does anything in the same file that the plug-in does not use. Of every
module that its import brings in counts what the module does by itself, such as registering.
"""

import ast
import hashlib
import importlib.util
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path

LARGE = 2**30
"""Bytes of a folder of images that are read whenever it is named."""

BLOCK = 2**20
"""Bytes of a file that are read at once."""

OURS = "roarbench"
"""Our own package, whose results have versions."""

RUN = "*run*"
"""Stands for what a module does when it is imported, beside the names in it."""

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def code(module: str, name: str) -> dict[str, str]:
    """Checksums of the code below the current folder that a name of a module uses, by file.

    Followed are all names of the same module and all imports that are written out, those inside functions too.
    """
    reached = _Reached()
    reached.imported(module, name)
    return {
        str(file.relative_to(Path.cwd())): _sha256("\n".join(sorted(parts)).encode())
        for file, parts in reached.parts.items()
    }


def fingerprint(path: Path, *, images: bool = False) -> str:
    """A checksum of what lies at a path: a file, or all files of a folder, their names included.

    Args:
        images: of a folder beyond a gigabyte names and sizes will do.
    """
    if path.is_dir() and images and sum(file.stat().st_size for _, file in _files(path)) > LARGE:
        return _of_images(path.resolve(), tuple(entry.stat().st_mtime_ns for entry in _folders(path)))
    if path.is_dir():
        return _sha256("\n".join(f"{name} {fingerprint(file)}" for name, file in _files(path)).encode())
    stat = path.stat()
    return _of_file(path.resolve(), stat.st_mtime_ns, stat.st_size)


def checksum(file: Path) -> str:
    """The SHA-256 of a file, in hexadecimal digits."""
    digest = hashlib.sha256()
    with file.open("rb") as handle:
        while block := handle.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


@lru_cache(maxsize=65536)
def _of_file(path: Path, _: int, __: int) -> str:
    return f"sha256:{checksum(path)}"


@lru_cache(maxsize=64)
def _of_images(path: Path, _: tuple[int, ...]) -> str:
    return _sha256("\n".join(sorted(f"{name} {file.stat().st_size}" for name, file in _files(path))).encode())


def _files(path: Path) -> list[tuple[str, Path]]:
    """All files below a folder, in the order of their names."""
    files = (Path(folder, name) for folder, _, names in os.walk(path, followlinks=True) for name in names)
    return sorted((file.relative_to(path).as_posix(), file) for file in files if file.exists())


def _folders(path: Path) -> list[Path]:
    """A folder and those two levels below it, whose times of change tell whether a file came or went."""
    return [path, *sorted(entry for depth in ("*", "*/*") for entry in path.glob(depth) if entry.is_dir())]


@dataclass
class _Reached:
    """Statements that were reached so far, as text without comments and docstrings, by file."""

    parts: dict[Path, set[str]] = field(default_factory=dict)
    seen: set[tuple[str, str]] = field(default_factory=set)

    def follow(self, module: str, name: str) -> None:
        """Takes what a name of a module uses; the whole module where the name is empty or defined nowhere in it."""
        source = _module(module)
        if source is None or (module, name) in self.seen:
            return
        self.seen.add((module, name))
        self._run(source)
        if name in source.imports:
            for target in source.imports[name]:
                self.imported(*target)
        elif name in source.definitions:
            self._take(source, source.definitions[name])
        else:
            self._take(source, [statement for statement in source.tree.body if not _docstring(statement)])

    def _run(self, source: "_Module") -> None:
        """Takes what a module, and every module that it imports, does by itself when it is imported."""
        if (source.name, RUN) in self.seen:
            return
        self.seen.add((source.name, RUN))
        self._take(source, source.always)
        for targets in source.imports.values():
            for module, name in targets:
                for imported in filter(None, (_module(module), _module(f"{module}.{name}") if name else None)):
                    self._run(imported)

    def _take(self, source: "_Module", statements: list[ast.stmt]) -> None:
        texts = self.parts.setdefault(source.file, set())
        for statement in statements:
            text = ast.unparse(_bare(statement))
            if text not in texts:
                texts.add(text)
                for reference in _names(statement):
                    if reference in source.definitions or reference in source.imports:
                        self.follow(source.name, reference)
                for module, name in _imports(statement, source.package):
                    self.imported(module, name)

    def imported(self, module: str, name: str) -> None:
        """Follows `from module import name`, or `import module` where the name is empty; packages on the way count."""
        parts = module.split(".")
        for end in range(1, len(parts)):
            self.follow(".".join(parts[:end]), "")
        if name and _module(f"{module}.{name}"):
            self.follow(f"{module}.{name}", "")
        else:
            self.follow(module, "" if name == "*" else name)


@dataclass(frozen=True, eq=False)
class _Module:
    """A module of the user's.

    Attributes:
        definitions: name -> the statements at the top that define it.
        imports: name -> the modules it comes from, each with its name there, empty for the module itself.
        always: statements at the top that do something by themselves, such as registering.
    """

    name: str
    package: str
    file: Path
    tree: ast.Module
    definitions: dict[str, list[ast.stmt]]
    imports: dict[str, list[tuple[str, str]]]
    always: list[ast.stmt]


@cache
def _spec_file(module: str, folder: Path) -> Path | None:
    """The file of a module, where it is the user's: below the folder, and neither ours nor installed."""
    if module.partition(".")[0] in {OURS, *sys.stdlib_module_names}:
        return None
    try:
        spec = _spec(module)
    except (ImportError, ValueError, AttributeError):
        return None
    file = Path(spec.origin).resolve() if spec and spec.origin and spec.origin.endswith(".py") else None
    if file is None or not file.is_relative_to(folder):
        return None
    installed = {"site-packages", "dist-packages"} & set(file.relative_to(folder).parts)
    return None if installed else file


def _spec(module: str) -> ModuleSpec | None:
    """Where a module lies; found without importing the packages around it, which may take seconds."""
    package = module.rpartition(".")[0]
    if not package or package in sys.modules:
        return importlib.util.find_spec(module)
    above = _spec(package)
    places = above.submodule_search_locations if above else None
    return PathFinder.find_spec(module, places) if places else None


def _module(name: str) -> _Module | None:
    file = _spec_file(name, Path.cwd())
    return _parsed(name, file, file.stat().st_mtime_ns) if file else None


@lru_cache(maxsize=256)
def _parsed(name: str, file: Path, _: int) -> _Module:
    try:
        tree = ast.parse(file.read_bytes())
    except SyntaxError as error:
        raise ValueError(f"{file.name} is not valid Python: {error}") from None
    package = name if file.name == "__init__.py" else name.rpartition(".")[0]
    definitions: dict[str, list[ast.stmt]] = {}
    imports: dict[str, list[tuple[str, str]]] = {}
    always: list[ast.stmt] = []
    for statement in tree.body:
        if isinstance(statement, ast.Import | ast.ImportFrom):
            for bound, target in _bound(statement, package):
                imports.setdefault(bound, []).append(target)
            always += [statement] if any(alias.name == "*" for alias in statement.names) else []
        elif defined := _defined(statement):
            for one in defined:
                definitions.setdefault(one, []).append(statement)
        elif not _docstring(statement):
            always.append(statement)
    return _Module(name, package, file, tree, definitions, imports, always)


def _defined(statement: ast.stmt) -> list[str]:
    """Names that a statement does nothing but define."""
    if isinstance(statement, Definition):
        return [statement.name]
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    targets = [statement.target] if isinstance(statement, ast.AnnAssign) else targets
    names = [target.id for target in targets if isinstance(target, ast.Name)]
    return names if len(names) == len(targets) else []


def _bound(statement: ast.Import | ast.ImportFrom, package: str) -> list[tuple[str, tuple[str, str]]]:
    """Names that an import binds, each with its module and name there."""
    if isinstance(statement, ast.Import):
        return [(alias.asname or alias.name.partition(".")[0], (alias.name, "")) for alias in statement.names]
    module = _absolute(statement, package)
    return [(alias.asname or alias.name, (module, alias.name)) for alias in statement.names if alias.name != "*"]


def _imports(statement: ast.stmt, package: str) -> Iterator[tuple[str, str]]:
    """Imports anywhere in a statement."""
    for node in ast.walk(statement):
        if isinstance(node, ast.ImportFrom):
            yield from ((_absolute(node, package), alias.name) for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("import_module", "__import__")):
            yield from (
                (a.value, "") for a in node.args[:1] if isinstance(a, ast.Constant) and isinstance(a.value, str)
            )


def _absolute(statement: ast.ImportFrom, package: str) -> str:
    """The module of `from ... import`, relative ones too."""
    parents = package.split(".")[: len(package.split(".")) - statement.level + 1] if statement.level else []
    return ".".join([*(part for part in parents if part), *([statement.module] if statement.module else [])])


def _names(statement: ast.stmt) -> set[str]:
    return {node.id for node in ast.walk(statement) if isinstance(node, ast.Name)}


def _bare(statement: ast.stmt) -> ast.stmt:
    """The statement without the docstrings in it."""
    bare = ast.parse(ast.unparse(statement)).body[0]
    for node in ast.walk(bare):
        if isinstance(node, Definition) and _docstring(node.body[0]):
            node.body = node.body[1:] or [ast.Pass()]
    return bare


def _docstring(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


def _sha256(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def look_here() -> None:
    """Modules of the user's own lie in the current folder."""
    if "" not in sys.path and str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
