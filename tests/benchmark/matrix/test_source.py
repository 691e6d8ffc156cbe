"""The identity of a user's own code: what a plug-in uses counts, and nothing else does."""

import importlib
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from roarbench.benchmark.matrix.contents import files
from roarbench.benchmark.matrix.plugins import build, plugin
from roarbench.benchmark.matrix.source import code, fingerprint
from roarbench.benchmark.matrix.spec import key

MINE = '''
"""My explainers."""
from dataclasses import dataclass
from helper import flip

SCALE = 2


@dataclass(frozen=True)
class Mine:
    """An explainer of mine."""
    power: float = 1.0

    def prepare(self, classifier, train):
        return lambda inputs, targets: flip(inputs) * SCALE
'''
HELPER = "SIGN = 1\n\n\ndef flip(inputs):\n    return inputs * SIGN\n\n\ndef unused():\n    return 3\n"


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Writes files into the current folder and returns the key of `mine:Mine` as a new process would see it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))

    def write(text: str = "mine:Mine", kind: str = "explainer", **sources: str) -> str:
        for name, source in sources.items():
            (tmp_path / f"{name}.py").write_text(source)
            sys.modules.pop(name, None)
        importlib.invalidate_caches()
        time.sleep(0.01)  # so that the time of change differs
        return key(plugin(text, kind))

    write_both = write(mine=MINE, helper=HELPER)
    assert write_both == write()
    yield write
    for name in ("mine", "helper", "base"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize(
    ("change", "to"),
    [
        ("SIGN = 1", "SIGN = -1"),
        ("inputs * SIGN", "inputs + SIGN"),
        ("def unused", "print('changed by importing')\n\n\ndef unused"),
    ],
)
def test_a_change_in_a_helper_changes_the_identity(own: Callable[..., str], change: str, to: str) -> None:
    assert own() != own(helper=HELPER.replace(change, to))


@pytest.mark.parametrize(
    ("change", "to"),
    [("SCALE = 2", "SCALE = 3"), ("flip(inputs) *", "flip(-inputs) *"), ("power: float = 1.0", "power: float = 2.0")],
)
def test_a_change_in_the_plug_in_or_a_constant_changes_the_identity(
    own: Callable[..., str], change: str, to: str
) -> None:
    assert own() != own(mine=MINE.replace(change, to))


@pytest.mark.parametrize(
    "mine",
    [
        MINE.replace('"""An explainer of mine."""', '"""Another text."""'),
        MINE.replace("SCALE = 2", "SCALE  =  2  # twice"),
        MINE + "\n\nclass Second:\n    pass\n\n\nOTHER = 5\n",
        MINE.replace('"""My explainers."""\n', ""),
    ],
)
def test_comments_docstrings_layout_and_other_classes_do_not_count(own: Callable[..., str], mine: str) -> None:
    assert own() == own(mine=mine)


def test_what_a_helper_has_besides_does_not_count(own: Callable[..., str]) -> None:
    assert own() == own(helper=HELPER.replace("return 3", "return 4") + "\n\ndef more():\n    pass\n")


def test_whole_modules_bases_and_imports_inside_functions_count(own: Callable[..., str]) -> None:
    inside = MINE.replace("from helper import flip\n", "from base import Base\n").replace(
        "class Mine:", "class Mine(Base):"
    )
    inside = inside.replace("return lambda", "import helper\n        flip = helper.flip\n        return lambda")
    base = "class Base:\n    factor = 1\n"
    first = own(mine=inside, base=base, helper=HELPER)
    assert first != own(base=base.replace("1", "2"))
    assert own() != own(helper=HELPER.replace("return 3", "return 4"))  # `import helper` uses all of it


def test_the_files_that_a_plug_in_is_made_of_are_named(own: Callable[..., str]) -> None:
    assert set(code("mine", "Mine")) == {"mine.py", "helper.py"}
    assert set(files(plugin("smoothgrad[base=mine:Mine]", "explainer"))) == {"mine.py", "helper.py"}
    assert files(plugin("smoothgrad", "explainer")) == {}


def test_the_content_of_a_file_that_a_parameter_names_counts_and_not_its_path(
    own: Callable[..., str], tmp_path: Path
) -> None:
    net = "def net(feature_shape, num_classes, *, weights: str = ''):\n    return weights\n"
    (tmp_path / "a.pt").write_bytes(b"one")
    first = own("nets:net[weights=a.pt]", "classifier", nets=net)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "a.pt").rename(tmp_path / "elsewhere" / "b.pt")
    moved = plugin("nets:net[weights=elsewhere/b.pt]", "classifier")
    assert key(moved) == first
    assert build(moved, "classifier")((1,), 2) == "elsewhere/b.pt"
    (tmp_path / "elsewhere" / "b.pt").write_bytes(b"two!")
    assert own("nets:net[weights=elsewhere/b.pt]", "classifier") != first


def test_data_are_identified_by_content_however_their_path_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    np.savez("grey.npz", x=np.zeros(3))
    relative, absolute = (plugin(f"arrays[path={path}]", "dataset") for path in ("grey.npz", tmp_path / "grey.npz"))
    assert key(relative) == key(absolute)
    np.savez("grey.npz", x=np.ones(4))
    assert key(plugin("arrays[path=grey.npz]", "dataset")) != key(relative)


def test_folders_are_identified_by_the_files_in_them(tmp_path: Path) -> None:
    for root in ("one", "two"):
        (tmp_path / root / "train" / "cat").mkdir(parents=True)
        (tmp_path / root / "train" / "cat" / "a.png").write_bytes(b"123")
    assert fingerprint(tmp_path / "one") == fingerprint(tmp_path / "two")
    before = fingerprint(tmp_path / "two")
    (tmp_path / "two" / "train" / "cat" / "b.png").write_bytes(b"4")
    assert fingerprint(tmp_path / "two") != before


def test_every_import_of_a_package_counts_and_so_does_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    package = tmp_path / "several"
    package.mkdir()
    (package / "__init__.py").write_text("SHARE = 1\n")
    for name in "ab":
        (package / f"{name}.py").write_text(f"def {name}(): return 1\n")
    (tmp_path / "uses_several.py").write_text(
        "import several.a\nimport several.b\n\n\ndef mine(): return several.a.a() + several.b.b()\n"
    )
    expected = {"uses_several.py", "several/__init__.py", "several/a.py", "several/b.py"}
    assert set(code("uses_several", "mine")) == expected


def test_what_a_module_does_when_it_is_imported_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "patching.py").write_text("import registry\n\nregistry.TABLE['x'] = 1\n\n\nclass Unused: pass\n")
    (tmp_path / "registry.py").write_text("TABLE = {}\n")
    (tmp_path / "by_name.py").write_text("def flip(): return 1\n")
    (tmp_path / "runs.py").write_text(
        "import importlib\nimport patching\n\n\ndef mine(): return importlib.import_module('by_name').flip()\n"
    )
    before = code("runs", "mine")
    assert set(before) == {"runs.py", "patching.py", "registry.py", "by_name.py"}
    time.sleep(0.01)
    (tmp_path / "patching.py").write_text("import registry\n\nregistry.TABLE['x'] = 1\n")
    assert code("runs", "mine") == before


def test_code_is_read_and_never_imported(own: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__init__.py").write_text("")
    (tmp_path / "package" / "part.py").write_text("from mine import Mine\n")
    importlib.invalidate_caches()
    for name in ("mine", "helper"):
        sys.modules.pop(name, None)
    assert {*code("package.part", "Mine")} == {"package/__init__.py", "package/part.py", "mine.py", "helper.py"}
    assert not {"mine", "helper", "package", "package.part"} & {*sys.modules}
