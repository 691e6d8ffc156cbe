"""The script of `make speed` still runs, on few images."""

import time
from pathlib import Path

import pytest

from datasets.digits import digits
from tests.speed.__main__ import cell, ensembles
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
