"""One cell of a matrix, against retraining as it is usually written."""

from functools import partial

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset

from roarbench.benchmark.matrix.plugins import plugin
from roarbench.benchmark.matrix.recipe import Recipe
from roarbench.benchmark.networks.classifiers import classifier
from roarbench.benchmark.networks.precision import settled
from roarbench.benchmark.networks.training import train
from roarbench.benchmark.randomness import seeded
from roarbench.benchmark.removal.fills import mean
from roarbench.benchmark.removal.ranks import kept, remove
from roarbench.datasets.base import Dataset, Split
from roarbench.datasets.statistics import channel_mean
from tests.speed.timing import Ratio, compare

EPOCHS, BATCH, FRACTION = 2, 128, 0.5


def cell(data: Dataset) -> Ratio:
    """One cell of a matrix against the plain loop: masks made item by item from attributions, a DataLoader, fp32."""
    recipe = settled(Recipe(epochs=EPOCHS, batch_size=BATCH, learning_rate=1e-3), str(data.train.labels.device))
    attributions = torch.rand(data.train.inputs.shape).to(data.train.inputs)
    ranks = attributions.flatten(1).argsort(1, descending=True).argsort(1).view_as(attributions)

    def ours() -> None:
        middle = channel_mean(data.train.inputs)
        reduced = remove(
            data.train.inputs,
            kept(ranks, removal_fraction=FRACTION),
            mean,
            middle,
            partial(torch.zeros_like, data.train.inputs),
        )
        train(fresh(data.train), Split(reduced, data.train.labels), recipe, pairing=("speed",))

    return compare(partial(plain_loop, data.train, attributions, recipe), ours)


def plain_loop(split: Split, attributions: Tensor, recipe: Recipe) -> None:
    """Retraining as it is usually written."""
    network, device = fresh(split), split.inputs.device
    optimiser = torch.optim.Adam(network.parameters(), recipe.learning_rate)
    loader = DataLoader(Masked(split, attributions), recipe.batch_size, shuffle=True)
    for _ in range(recipe.epochs):
        for inputs, labels in loader:
            optimiser.zero_grad()
            F.cross_entropy(network(inputs.to(device)), labels.to(device)).backward()
            optimiser.step()


class Masked(TorchDataset):
    """Images whose most relevant pixels are replaced by the mean, one at a time."""

    def __init__(self, split: Split, attributions: Tensor) -> None:
        self.images, self.labels = split.inputs.cpu().numpy(), split.labels.cpu().numpy()
        self.attributions, self.mean = attributions.cpu().numpy(), float(split.inputs.mean())

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        image = self.images[index].copy()
        removed = np.argsort(-self.attributions[index].ravel())[: round(FRACTION * image.size)]
        image.ravel()[removed] = self.mean
        return torch.from_numpy(image), int(self.labels[index])


def fresh(split: Split) -> nn.Module:
    """The same untrained network each time."""
    with seeded("speed"):
        return classifier(plugin("cnn_small", "classifier"), split.inputs, 10).to(split.inputs.device)
