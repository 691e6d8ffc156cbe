"""A plug-in of every kind, as someone would add it to the tables; see test_newcomers.py."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from jaxtyping import Bool, Float
from matplotlib.figure import Figure
from torch import Tensor, nn
from torch.utils.data import TensorDataset

from roarbench.benchmark.measures.sample import Sample
from roarbench.datasets.base import Card, Dataset, Split
from roarbench.datasets.split import Amounts, Examples, partition
from roarbench.methods.base import AttributionFunction, Explainer, Skip, View
from roarbench.methods.gradient import Gradient
from roarbench.reports.pictures.drawing import Picture
from roarbench.reports.rows.load import Run
from roarbench.reports.tables.table import Table


@dataclass(frozen=True)
class Jittered:
    """Gradients with a little noise, of images alone.

    Paper: none; the gradient plus normal numbers.
    Differs from the paper: nowhere.

    Attributes:
        noise: deviation of the numbers.
    """

    noise: float = 0.1

    def __post_init__(self) -> None:
        if self.noise <= 0:
            raise ValueError(f"noise must be positive, got {self.noise:g}")

    def prepare(self, classifier: nn.Module, train: Split) -> AttributionFunction:
        """See `Explainer.prepare`."""
        if len(train.feature_shape) != 3:
            raise Skip("jitter needs images")
        attribute = Gradient().prepare(classifier, train)

        def jittered(inputs: Tensor, targets: Tensor) -> Tensor:
            return attribute(inputs, targets) + self.noise * torch.randn_like(inputs)

        return jittered


@dataclass(frozen=True)
class Halved(View):
    """Another explainer by two.

    Paper: none; base(x) / 2.
    Differs from the paper: nowhere.

    Attributes:
        base: explainer that is halved.
    """

    base: Explainer = Gradient()

    @property
    def source(self) -> Explainer:
        """What is halved."""
        return self.base

    def reduce(self, passed: Tensor) -> Tensor:
        """By two."""
        return passed / 2


def stripes(data_root: Path, *, train: int = 90, test: int = 30, validation: float = 0.1, draw: int = 0) -> Dataset:
    """A bright column in noise: its place tells the class."""
    first, second = np.random.default_rng(draw).spawn(2)
    splits = partition(_stripes(train, first), _stripes(test, second), Amounts(validation=validation, seed=draw))
    card = Card(title="Stripes", source="generated", licence="none needed", reference="none")
    return Dataset(*splits, num_classes=3, card=card)


def striped(train: bool, *, count: int = 90) -> TensorDataset:
    """Stripes as a torch data set."""
    part = _stripes(count if train else 30, np.random.default_rng(int(train)))
    return TensorDataset(torch.from_numpy(part.inputs), torch.from_numpy(part.labels))


def _stripes(count: int, draw: np.random.Generator) -> Examples:
    images, labels = draw.random((count, 1, 6, 6), dtype=np.float32) / 2, np.arange(count) % 3
    images[np.arange(count), 0, :, labels] += 0.5
    return Examples(images, labels)


def narrow(feature_shape: tuple[int, ...], num_classes: int, *, width: int = 3) -> nn.Module:
    """One convolution and a mean."""
    if len(feature_shape) != 3:
        raise ValueError(f"narrow needs images (c, h, w), got {feature_shape}; use mlp")
    layers = [nn.Conv2d(feature_shape[0], width, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(*layers, nn.Linear(width, num_classes))


def half(
    inputs: Float[Tensor, "b *feature"],
    kept: Bool[Tensor, "b *mask"],
    train_mean: Tensor,
    normal: Callable[[], Tensor],
    *,
    share: float = 0.5,
) -> Tensor:
    """A part of the training mean."""
    return (share * train_mean).expand_as(inputs)


@dataclass(frozen=True)
class Peak:
    """Greatest magnitude by the sum of all.

    Paper: none; max |a| / sum |a|.
    Differs from the paper: nowhere.

    Misleads: a single pixel is no explanation.
    """

    label = "Peak"
    bounds = (0.0, 1.0)
    form = "probability"
    cost = "nothing"

    def measure(self, sample: Sample) -> Float[Tensor, "n"]:
        """In [0, 1]."""
        magnitudes = sample.maps.abs()
        return magnitudes.amax(1) / magnitudes.sum(1)


def counts(run: Run) -> Iterable[Table]:
    """One table: how many cells each explainer has."""
    numbers = run.frame.explainer.value_counts().to_frame("cells")
    yield Table("mine-counts", "My own table: cells by explainer.", numbers.astype(str), numbers)


def bars(frame: pd.DataFrame) -> Iterable[Picture]:
    """One figure: the mean accuracy of each explainer."""
    figure = Figure(figsize=(2, 2))
    means = frame.groupby("explainer").test_accuracy.mean()
    figure.subplots().bar(means.index, means)
    yield Picture("mine", "My own figure: mean accuracies, n = 3.", "Bars of mean accuracies.", figure)
