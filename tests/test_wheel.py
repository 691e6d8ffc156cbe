"""The wheel: one import package, safe beside others that are called like our folders."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.imports import FOLDERS, PROJECT

pytestmark = pytest.mark.whole

STUB = "def load_dataset(name):\n    return name\n"
OWN = """
import torch
from datasets import load_dataset
from roarbench.datasets.base import Card, Dataset, Split

def toy(data_root, *, classes: int = 2):
    assert load_dataset("theirs") == "theirs"
    labels = torch.arange(60) % classes
    part = Split(torch.rand(60, 1, 8, 8, generator=torch.Generator().manual_seed(0)), labels)
    return Dataset(part, part, part, classes, Card("toy", "", "", ""))
"""
RUN = [
    "run", "--datasets", "own_file:toy", "--classifiers", "mlp[width=8,hidden_layers=1]", "--explainers", "random",
    "--seeds", "1", "--fractions", "0.5", "--orders", "morf", "--epochs", "1", "--evaluator", "false",
    "--mask-fractions", "--unretrained-fills", "--measures", "--workers", "1",
]  # fmt: skip


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `pip install` of the wheel unpacks, with another package that is called `datasets`."""
    built = tmp_path_factory.mktemp("built")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(built)],
        cwd=PROJECT, check=True, capture_output=True,
    )  # fmt: skip
    unpacked = tmp_path_factory.mktemp("site")
    zipfile.ZipFile(next(built.glob("*.whl"))).extractall(unpacked)
    (unpacked / "datasets").mkdir()
    (unpacked / "datasets" / "__init__.py").write_text(STUB)
    return unpacked


def called(folder: Path, site: Path, *words: str) -> str:
    """Output of a command in a folder, where the packages of the site come before all others."""
    done = subprocess.run(
        [sys.executable, *words], cwd=folder, env=os.environ | {"PYTHONPATH": str(site)}, text=True, capture_output=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_installs_one_package_that_says_it_is_typed(site: Path) -> None:
    installed = {path.name for path in site.iterdir() if not path.name.endswith(".dist-info")}
    assert installed == {"roarbench", "datasets"}
    assert {path.name for path in (site / "roarbench").iterdir()} >= {*FOLDERS, "py.typed", "run_benchmark.py"}


def test_it_runs_from_any_folder_beside_another_package_called_datasets(site: Path, tmp_path: Path) -> None:
    (tmp_path / "own_file.py").write_text(OWN)
    where = called(tmp_path, site, "-c", "import roarbench, datasets; print(roarbench.__file__, datasets.__file__)")
    assert where.split() == [str(site / "roarbench/__init__.py"), str(site / "datasets/__init__.py")]
    command = ["-m", "roarbench.run_benchmark"]
    assert "hide_and_seek" in called(tmp_path, site, *command, "list")
    assert "index.html" in called(tmp_path, site, *command, *RUN, "--out", "run")


def test_a_checkout_leaves_the_name_to_others_too(site: Path, tmp_path: Path) -> None:
    """Even where the folder of the checkout comes first on the path, as it does for a script that lies in it."""
    others, own = tmp_path / "others", tmp_path / "own"
    (others / "datasets").mkdir(parents=True)
    own.mkdir()
    (others / "datasets" / "__init__.py").write_text(STUB)
    (own / "own_file.py").write_text(OWN)
    assert "device-hours" in called(own, others, str(PROJECT / "run_benchmark.py"), *RUN, "--dry-run")
    alone = "import roarbench, importlib; importlib.import_module('datasets')"
    bare = [sys.executable, "-S", "-c", alone]  # without what is installed, of which theirs may be one
    failed = subprocess.run(bare, cwd=PROJECT, text=True, capture_output=True)
    assert "that of roarbench is roarbench.datasets" in failed.stderr
