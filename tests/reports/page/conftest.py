"""A matrix of four explainers for the laws of the page."""

import pytest

from roarbench.benchmark.matrix.plan import Matrix

EXPLAINERS = ("random", "gradient", "integrated_gradients", "sobel")


@pytest.fixture
def wide() -> Matrix:
    return Matrix(
        explainers=EXPLAINERS, seeds=4, fractions=(0.0, 0.3, 0.6, 1.0), evaluator=False, unretrained_fills=(),
        mask_fractions=(0.9,), measures=(),
    )  # fmt: skip
