"""The 8x8 digits that come with scikit-learn: the embedded default, no download."""

from importlib.metadata import distribution
from pathlib import Path

import numpy as np

from roarbench.datasets.base import Card, Dataset
from roarbench.datasets.split import Examples, carve, to_split

FILE = "sklearn/datasets/data/digits.csv.gz"

CARD = Card(
    title="Digits 8x8",
    source="sklearn.datasets.load_digits, the test part of UCI optdigits",
    licence="CC BY 4.0 (UCI Machine Learning Repository)",
    reference="Alpaydin and Kaynak 1998, Optical Recognition of Handwritten Digits, doi:10.24432/C50P49",
)


def digits(data_root: Path, *, test: float = 0.25, validation: float = 0.1, seed: int = 0) -> Dataset:
    """1,797 handwritten digits of 8x8 pixels from scikit-learn, 10 classes; needs no files.

    There is no official test split here, so a stratified `test` share is drawn, seeded; `validation` is the share of
    what is left. Inputs `(n, 1, 8, 8)` take the 17 levels 0, 1/16, ..., 1.
    """
    examples = load()
    rest, held = carve(examples.labels, test, name="test", seed=seed)
    kept, validating = carve(examples.labels[rest], validation, name="validation", seed=seed)
    return Dataset(
        train=to_split(examples, rest[kept]),
        validation=to_split(examples, rest[validating]),
        test=to_split(examples, held),
        num_classes=10,
        card=CARD,
    )


def load() -> Examples:
    """All digits, inputs `(1797, 1, 8, 8)` in [0, 1].

    They are read from the file of scikit-learn, whose import would take a second in every process.
    """
    rows = np.loadtxt(str(distribution("scikit-learn").locate_file(FILE)), np.float32, delimiter=",")
    return Examples(rows[:, :-1].reshape(-1, 1, 8, 8) / 16, rows[:, -1].astype(np.int64))
