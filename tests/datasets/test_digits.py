"""The digits are those that scikit-learn loads, read without importing it."""

import numpy as np
from sklearn.datasets import load_digits

from roarbench.datasets.digits import load


def test_they_are_those_of_scikit_learn() -> None:
    digits, bunch = load(), load_digits()
    assert (digits.inputs[:, 0] * 16 == bunch.images).all() and (digits.labels == bunch.target).all()
    assert digits.inputs.dtype == np.float32 and digits.labels.dtype == np.int64
