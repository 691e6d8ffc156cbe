"""The script of `make speed` still runs, on few images."""

import time
from pathlib import Path

import pytest

from roarbench.datasets.digits import digits
from tests.speed.attribution import ensembles
from tests.speed.memory import growth
from tests.speed.retraining import cell
from tests.speed.timing import compare


def test_a_ratio_is_that_of_the_medians() -> None:
    found = compare(lambda: time.sleep(0.02), lambda: time.sleep(0.002), turns=3)
    assert found.plain > found.ours > 0


@pytest.mark.filterwarnings("ignore")
def test_both_sides_of_every_comparison_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.speed.timing.compare.__kwdefaults__", {"turns": 1})
    data = digits(Path("unused"))
    assert ensembles(data, "gradient", images=4, samples=2).ours > 0
    assert ensembles(data, "integrated_gradients", images=4, samples=2).ours > 0
    assert cell(data).plain > 0


@pytest.mark.slow
def test_memory_does_not_grow_with_samples() -> None:
    assert growth(256, 3, 256) < growth(4, 3, 256) + 64, "megabytes; peaks vary by 20, 252 more samples would be 200"
