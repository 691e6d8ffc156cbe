"""ROAR as its public re-implementations write it: a data set that masks image by image, a loader, a loop."""

from collections.abc import Callable, Iterable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset

from roarbench.benchmark.matrix.recipe import Recipe

Examples = tuple[np.ndarray, np.ndarray]
"""Images `(n, c, h, w)` and labels `(n,)`."""


class Masked(TorchDataset):
    """Images whose most relevant pixels are replaced by the mean of their channel, one at a time."""

    def __init__(self, examples: Examples, saliency: np.ndarray, fraction: float, mean: np.ndarray) -> None:
        """Takes maps `(n, h, w)` and means `(c, 1)`."""
        self.images, self.labels = examples
        self.saliency, self.fraction, self.mean = saliency, fraction, mean

    def __len__(self) -> int:
        return len(self.labels)

    def removed(self, index: int) -> np.ndarray:
        """Positions of the pixels of an image that go."""
        saliency = self.saliency[index].ravel()
        return np.argsort(-saliency)[: round(self.fraction * saliency.size)]

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        image = self.images[index].copy()
        image.reshape(len(image), -1)[:, self.removed(index)] = self.mean
        return torch.from_numpy(image), int(self.labels[index])


def cell(
    train: TorchDataset, test: TorchDataset, network: nn.Module, recipe: Recipe, orders: Iterable[Tensor]
) -> float:
    """Accuracy of a fresh network after its training.

    Args:
        orders: positions of the examples, one order for each epoch.
    """
    device = next(network.parameters()).device
    optimiser = torch.optim.Adam(network.parameters(), recipe.learning_rate)
    for order in orders:
        for inputs, labels in DataLoader(train, recipe.batch_size, sampler=order.tolist()):
            optimiser.zero_grad()
            F.cross_entropy(network(inputs.to(device)), labels.to(device)).backward()
            optimiser.step()
    return accuracy(network, test, recipe.batch_size)


def accuracy(network: nn.Module, test: TorchDataset, batch_size: int) -> float:
    """Share of the images that a network classifies right."""
    device, right, number = next(network.parameters()).device, 0, 0
    network.eval()
    with torch.no_grad():
        for inputs, labels in DataLoader(test, batch_size):
            right += int((network(inputs.to(device)).argmax(1) == labels.to(device)).sum())
            number += len(labels)
    return right / number


Table = dict[tuple[str, float], float]
"""(explainer, removal fraction) -> accuracy."""


def table(
    splits: dict[str, Examples],
    maps: dict[str, dict[str, np.ndarray]],
    fractions: Iterable[float],
    fresh: Callable[[], nn.Module],
    orders: Callable[[], Iterable[Tensor]],
    recipe: Recipe,
) -> Table:
    """A network for each explainer and removal fraction, one after the other.

    Args:
        maps: explainer -> split -> maps `(n, h, w)`.
        orders: the same orders of the training examples at every call.
    """
    mean = splits["train"][0].mean((0, 2, 3))[:, None]
    return {
        (name, fraction): cell(
            Masked(splits["train"], of["train"], fraction, mean),
            Masked(splits["test"], of["test"], fraction, mean),
            fresh(),
            recipe,
            orders(),
        )
        for name, of in maps.items()
        for fraction in fractions
    }
