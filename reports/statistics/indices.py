"""Fidelity, FIR and FII of rows, against the original network of the same seed."""

import pandas as pd

from roarbench.hns.metrics import fidelity, fii, fir

INDICES = ("F", "FIR", "FII")


def with_indices(rows: pd.DataFrame, original: pd.DataFrame, *, accuracy: str, hidden: str) -> pd.DataFrame:
    """Rows whose seed has an original, with F, FIR and FII from the columns of accuracy and of the share hidden."""
    intact = _intact(original)
    rows = rows[rows.seed.isin(intact.index)]
    f = [fidelity(a, intact[seed]) for a, seed in zip(rows[accuracy], rows.seed, strict=True)]
    pairs = list(zip(f, rows[hidden], strict=True))
    return rows.assign(F=f, FIR=[fir(*pair) for pair in pairs], FII=[fii(*pair) for pair in pairs])


def highest(original: pd.DataFrame) -> float:
    """The largest F and FII that any seed could have: an accuracy of 1 over that of its original network."""
    return 1 / float(_intact(original).min())


def _intact(original: pd.DataFrame) -> pd.Series:
    """Seed -> accuracy of its original network, where that is not 0."""
    return original[original.test_accuracy > 0].drop_duplicates("seed").set_index("seed").test_accuracy
