"""Trainings that tests of sessions share, and whether two of them came to the same."""

from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from torch import Tensor

from roarbench.benchmark.randomness import seeded
from roarbench.benchmark.study import checkpoint
from roarbench.benchmark.study.site import Site
from roarbench.datasets.base import Dataset
from roarbench.hns.settings import Settings
from tests.hns.problems import digits, same

SETTINGS = Settings(epochs=3, patience=2, batch_size=16, initial_keep=0.55, stochastic=True, learning_rate=3e-3)
"""Three steps an epoch; alpha drops within epochs and at their ends."""

CONSTANT = replace(SETTINGS, alpha=0.6)
DATA = digits(48, 32, 48)
EASY = {"name": "test", "dataset": "digits", "seed": 0, "baseline": 0.05}
"""A baseline so low that no class counts as lost."""

HARD = EASY | {"baseline": 0.9}
WEIGHTS = ("best.safetensors", "last_weights.safetensors")


def site(folder: Path, data: Dataset = DATA) -> Site:
    return Site(data, partial(seeded, "session"), folder)


def unseeded(*parts: object) -> AbstractContextManager[None]:
    raise AssertionError(f"something random was begun: {parts}")


def outcome(folder: Path) -> tuple[dict[str, Any], str, str, dict[str, dict[str, Tensor]]]:
    """All that a training leaves behind, but for the time it took."""
    result = checkpoint.read_json(folder / "result.json")
    result.pop("seconds")
    files = [*WEIGHTS, *sorted(file.name for file in folder.glob("alpha_*"))]
    weights = {name: checkpoint.read(folder / name)[0] for name in files}
    return result, (folder / "epochs.csv").read_text(), (folder / "steps.csv").read_text(), weights


def alike(first: Path, second: Path) -> bool:
    a, b = outcome(first), outcome(second)
    return a[:3] == b[:3] and a[3].keys() == b[3].keys() and all(same(a[3][name], b[3][name]) for name in a[3])


KINDS = {
    name: (name, settings, identity)
    for name, settings, identity in [
        ("adaptive", SETTINGS, EASY),
        ("annealed", replace(SETTINGS, estimator="sa", start="hider", learning_rate=0.01), EASY),
        ("collapsing", SETTINGS, HARD),
        ("apart", replace(SETTINGS, seeker="apart", seeker_epochs=3, start="hider"), EASY),
        ("apart, constant alpha", replace(CONSTANT, seeker="apart", seeker_epochs=2, estimator="reinforce"), EASY),
    ]
}
