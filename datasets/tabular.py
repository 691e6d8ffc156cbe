"""Tables: the COMPAS risk scores, and the linear toy of the ROAR paper whose ground truth is known."""

from functools import partial
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float, Int

from roarbench.datasets.base import Card, Dataset, same_for_all
from roarbench.datasets.download import read_verified
from roarbench.datasets.split import Amounts, Examples, carve, partition, to_split

COMPAS_FILE = "propublica_data_for_fairml.csv"
COMPAS_SHA256 = "sha256:efc28b32b72462af9a07236bfe04b2a9ac07971fad35f87704b2b92bbfe6cf06"
COMPAS_CARD = Card(
    title="COMPAS risk scores",
    source="https://github.com/adebayoj/fairml (doc/example_notebooks), from ProPublica's compas-analysis",
    licence="MIT (fairml); ProPublica's own repository states none",
    reference="Alvarez-Melis and Jaakkola 2018, arXiv:1806.07538, s.5; Angwin et al. 2016, Machine Bias",
    checksums={COMPAS_FILE: COMPAS_SHA256},
)
COMPAS_TARGET = "score_factor"
COMPAS_CLASSES = ("low score", "high score")
MAX_PRIORS = 38

TOY_FEATURES, TOY_INFORMATIVE = 16, 4
TOY_CARD = Card(
    title="Linear toy of the ROAR paper",
    source="generated",
    licence="none needed",
    reference="Hooker et al. 2019, arXiv:1806.10758, s.3",
)


def compas(
    data_root: Path,
    *,
    test: float = 0.2,
    validation: float = 0.1,
    seed: int = 0,
    cleaned: bool = True,
    grouped: bool = False,
) -> Dataset:
    """COMPAS: 11 features of 6,172 defendants; the class is a high risk score, not recidivism. You provide the file.

    Read from `compas/propublica_data_for_fairml.csv`. Ten features are binary; the number of priors becomes sqrt(priors
    / 38), 38 being the largest. `validation` is the share of what the `test` share leaves. 99 % of the test rows of a
    random split have their exact feature vector in train as well. With `grouped` rows of one vector stay together in
    train, validation or test: use it for anything about generalisation. `cleaned` drops contradictory rows as in
    Alvarez-Melis and Jaakkola 2018 (arXiv:1806.07538): see `consistent`.

    Differs from the paper: random splits are stratified by class. The cleaning follows its published code (a 70 %
    majority, vectors that occur once dropped), not its text (80 %). As there, it sees the labels of test rows, too.
    """
    features, labels, names = _read_compas(data_root)
    vectors = _vectors(features)
    if cleaned:
        mask = consistent(vectors, labels)
        features, labels, vectors = features[mask], labels[mask], vectors[mask]
    examples = Examples(features, labels)
    groups = vectors if grouped else None
    rest, held = carve(labels, test, name="test", seed=seed, groups=groups)
    rest_groups = groups[rest] if groups is not None else None
    train, validating = carve(labels[rest], validation, name="validation", seed=seed, groups=rest_groups)
    return Dataset(
        train=to_split(examples, rest[train]),
        validation=to_split(examples, rest[validating]),
        test=to_split(examples, held),
        num_classes=2,
        card=COMPAS_CARD,
        feature_names=names,
        class_names=COMPAS_CLASSES,
    )


def roar_toy(
    data_root: Path,
    *,
    train: int = 10000,
    test: int = 10000,
    validation: float = 0.0,
    draw: int = 0,
) -> Dataset:
    """Linear toy data of the ROAR paper: 16 features, of which the first 4 carry the class; ground truth known.

    Hooker et al. 2019, arXiv:1806.10758, s.3: x = a z / 10 + d eta + eps / 10 and y = (z > 0), all variables standard
    normal. a and d in R^16 are drawn once, and only the first 4 entries of a are not zero. `draw` seeds a, d and the
    samples. The truth of every example is |a|.

    Differs from the paper: all inputs are mapped to [0, 1] by one constant, x / (2 max|x|) + 0.5 with the maximum over
    train and test. This makes no difference to a linear classifier with a bias. The paper does not give the number of
    samples.
    """
    for name, value, least in (("train", train, 1), ("test", test, 1), ("draw", draw, 0)):
        if value < least:
            raise ValueError(
                f"{name} must be {least} or more, got {value}; the paper's toy needs some thousand examples"
            )
    weights, train_stream, test_stream = np.random.default_rng(draw).spawn(3)
    a, d = weights.standard_normal((2, TOY_FEATURES))
    a[TOY_INFORMATIVE:] = 0
    x_train, y_train = _toy_samples(a, d, train, train_stream)
    x_test, y_test = _toy_samples(a, d, test, test_stream)
    scale = 2 * max(np.abs(x_train).max(), np.abs(x_test).max())
    splits = partition(
        Examples(x_train / scale + 0.5, y_train),
        Examples(x_test / scale + 0.5, y_test),
        Amounts(validation=validation, seed=draw),
        truth=partial(same_for_all, torch.from_numpy(np.abs(a))),
    )
    names = tuple(f"x{i + 1}" for i in range(TOY_FEATURES))
    return Dataset(*splits, num_classes=2, card=TOY_CARD, feature_names=names)


def consistent(vectors: Int[np.ndarray, "n"], labels: Int[np.ndarray, "n"]) -> Bool[np.ndarray, "n"]:
    """Rows that the published cleaning of COMPAS keeps.

    Rows are grouped by identical feature vector. A vector that occurs once is dropped. With m the mean label of a
    group, all its rows stay if |m - 0.5| < 0.2, else only those of the majority.
    """
    counts = np.bincount(vectors)
    mean = np.bincount(vectors, weights=labels) / counts
    undecided = np.abs(mean - 0.5) < 0.2
    majority = (mean > 0.5).astype(np.int64)
    return (counts[vectors] > 1) & (undecided[vectors] | (labels == majority[vectors]))


def _read_compas(data_root: Path) -> tuple[Float[np.ndarray, "n 11"], Int[np.ndarray, "n"], tuple[str, ...]]:
    path = data_root / "compas" / COMPAS_FILE
    if not path.exists():
        raise ValueError(
            f"data_root must hold {path}, found none; get {COMPAS_FILE} from {COMPAS_CARD.source} and put it there"
        )
    header, *rows = read_verified(path, COMPAS_SHA256).decode().split()
    columns = header.split(",")
    table = np.array([row.split(",") for row in rows], dtype=np.float64)
    priors, target = columns.index("Number_of_Priors"), columns.index(COMPAS_TARGET)
    table[:, priors] = np.sqrt(table[:, priors] / MAX_PRIORS)
    names = tuple(name for name in columns if name != COMPAS_TARGET)
    return np.delete(table, target, axis=1), table[:, target].astype(np.int64), names


def _vectors(features: Float[np.ndarray, "n d"]) -> Int[np.ndarray, "n"]:
    """Row numbers in which identical rows share one."""
    return np.unique(features, axis=0, return_inverse=True)[1].reshape(-1)


def _toy_samples(
    a: Float[np.ndarray, "d"], d: Float[np.ndarray, "d"], size: int, generator: np.random.Generator
) -> tuple[Float[np.ndarray, "n d"], Int[np.ndarray, "n"]]:
    z, eta = generator.standard_normal((2, size, 1))
    noise = generator.standard_normal((size, len(a)))
    return a * z / 10 + d * eta + noise / 10, (z[:, 0] > 0).astype(np.int64)
