"""Fidelity, FIR and FII by hand, and their limits."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roarbench.hns.metrics import fidelity, fii, fir


def test_values_by_hand() -> None:
    assert fidelity(0.45, 0.9) == 0.5
    assert fir(0.9, 0.6) == pytest.approx(0.6)
    assert fii(0.9, 0.6) == pytest.approx(0.54)


def test_hiding_nothing_gives_fir_one_and_fii_zero() -> None:
    assert (fir(1.0, 0.0), fii(1.0, 0.0)) == (1.0, 0.0)


def test_fir_of_nothing_at_all_is_undefined() -> None:
    assert math.isnan(fir(0.0, 0.0))


def test_fidelity_needs_an_original_accuracy() -> None:
    with pytest.raises(ValueError, match="original_accuracy must be positive, got 0"):
        fidelity(0.5, 0.0)


@given(st.floats(0, 1.2), st.floats(0.01, 1))
def test_fir_lies_between_zero_and_one(f: float, i: float) -> None:
    assert 0 <= fir(f, i) <= 1
