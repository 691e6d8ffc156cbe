"""Fidelity, FIR and FII of rows, against the original network of the same seed."""

import pandas as pd

from hns.metrics import fidelity, fii, fir

INDICES = ("F", "FIR", "FII")


def with_indices(rows: pd.DataFrame, original: pd.DataFrame, *, accuracy: str, hidden: str) -> pd.DataFrame:
    """Rows whose seed has an original, with F, FIR and FII from the columns of accuracy and of the share hidden."""
    intact = original[original.test_accuracy > 0].drop_duplicates("seed").set_index("seed").test_accuracy
    rows = rows[rows.seed.isin(intact.index)]
    f = [fidelity(a, intact[seed]) for a, seed in zip(rows[accuracy], rows.seed, strict=True)]
    pairs = list(zip(f, rows[hidden], strict=True))
    return rows.assign(F=f, FIR=[fir(*pair) for pair in pairs], FII=[fii(*pair) for pair in pairs])
