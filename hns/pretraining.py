"""What is trained alone: a seeker of intact images (the baseline), a hider that paints its image, a probe of masks."""

import copy
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm import tqdm

from roarbench.datasets.base import Dataset, Split
from roarbench.datasets.batches import batches
from roarbench.hns.evaluation import accuracy

Loss = Callable[[Float[Tensor, "b *output"], Split], Float[Tensor, ""]]


@dataclass(frozen=True)
class Budget:
    """How long a part is trained: epochs, batch size, learning rate, and last share of all epochs in which it falls."""

    epochs: int
    batch_size: int = 128
    learning_rate: float = 1e-3
    cooldown: float = 0.0


@dataclass(frozen=True)
class Pretrained:
    """The better of its epochs on the validation split.

    Attributes:
        score: of the kept epoch on the test split: accuracy of a seeker, binary cross-entropy of a hider.
        epochs: score of every epoch on (validation, test); NaN where there is no validation split.
    """

    score: float
    best_epoch: int
    epochs: list[tuple[float, float]]


class Aim(NamedTuple):
    """What a part is trained and selected for: a loss, and a score that is better up (sign 1) or down (-1)."""

    loss: Loss
    score: Callable[[nn.Module, Split], float]
    sign: int


def pretrain_seeker(seeker: nn.Module, data: Dataset, budget: Budget) -> Pretrained:
    """Trains a seeker on intact images and leaves it at its best epoch on the validation split (else its last)."""
    return _best(seeker, data, budget, Aim(classifying, accuracy, sign=1))


def pretrain_hider(hider: nn.Module, data: Dataset, budget: Budget) -> Pretrained:
    """Trains a hider to reproduce its image, grey where the mask has one channel; best epoch on validation.

    Paper: the pretraining of arXiv:2005.00130; mean binary cross-entropy of every pixel.
    Differs from the paper: a hider with one output channel learns the mean of the colours and is taken over whole; the
    published one learns all colours, and its last layer is silently dropped.
    """
    return _best(hider, data, budget, Aim(painting, painting_error, sign=-1))


@dataclass
class Fitting:
    """A part that is trained alone, with Adam. Randomness comes from the global generator: seed it, or restore it.

    Attributes:
        rows: number and mean loss of every epoch so far.
    """

    network: nn.Module
    split: Split
    budget: Budget
    loss: Loss
    rows: list[dict[str, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.network.to(memory_format=torch.channels_last)
        self.optimiser = torch.optim.Adam(self.network.parameters(), self.budget.learning_rate, eps=1e-7, fused=True)

    @property
    def finished(self) -> bool:
        """Whether its epochs are over."""
        return len(self.rows) >= self.budget.epochs

    def epoch(self) -> dict[str, float]:
        """Trains for an epoch and returns its row."""
        self.network.train()
        parts = batches(torch.randperm(len(self.split)), self.budget.batch_size)
        done = len(self.rows) * len(parts)
        losses = [self._step(index, done + place, len(parts)) for place, index in enumerate(parts)]
        self.rows.append({"epoch": float(len(self.rows) + 1), "total": torch.stack(losses).mean().item()})
        return self.rows[-1]

    def _step(self, index: Int[Tensor, "b"], step: int, num_batches: int) -> Float[Tensor, ""]:
        """The loss of one batch, before what is learned from it."""
        batch = self.split.at(index)
        inputs = batch.inputs.contiguous(memory_format=torch.channels_last)
        for group in self.optimiser.param_groups:
            group["lr"] = self.budget.learning_rate * self._heat(step, self.budget.epochs * num_batches)
        self.optimiser.zero_grad()
        loss = self.loss(self.network(inputs), batch)
        loss.backward()
        self.optimiser.step()
        return loss.detach()

    def _heat(self, step: int, total: int) -> float:
        """Factor of the learning rate: 1, then falling along a line to 0."""
        return min(1.0, (total - step) / max(self.budget.cooldown * total, 1))


def fit(network: nn.Module, split: Split, budget: Budget, loss: Loss) -> Iterator[int]:
    """Trains with Adam and yields after every epoch; draws batches from the global generator."""
    fitting = Fitting(network, split, budget, loss)
    for epoch in range(budget.epochs):
        fitting.epoch()
        yield epoch


def classifying(output: Float[Tensor, "b k"], batch: Split) -> Float[Tensor, ""]:
    """Cross-entropy between a seeker's logits and the labels."""
    return F.cross_entropy(output, batch.labels)


def painting_error(hider: nn.Module, split: Split) -> float:
    """Mean binary cross-entropy between a hider's output and the image, in nats for each pixel."""
    hider.eval()
    with torch.no_grad():
        sums = [painting(hider(chunk.inputs), chunk).item() * len(chunk) for chunk in split.chunks()]
    return sum(sums) / len(split)


def painting(output: Float[Tensor, "b m h w"], batch: Split) -> Float[Tensor, ""]:
    """Binary cross-entropy between a hider's logits and the image, grey where the hider has one output."""
    target = batch.inputs if output.shape[1] > 1 else batch.inputs.mean(1, keepdim=True)
    return F.binary_cross_entropy_with_logits(output, target)


def _best(network: nn.Module, data: Dataset, budget: Budget, aim: Aim) -> Pretrained:
    epochs: list[tuple[float, float]] = []
    best: dict[str, Tensor] = {}
    best_epoch = 0
    for epoch in tqdm(fit(network, data.train, budget, aim.loss), total=budget.epochs, unit="epoch", leave=False):
        validation = aim.score(network, data.validation) if len(data.validation) else math.nan
        epochs.append((validation, aim.score(network, data.test)))
        # Without validation both are NaN: each epoch is kept in its turn.
        if not aim.sign * validation <= aim.sign * epochs[best_epoch][0] or not best:
            best_epoch, best = epoch, copy.deepcopy(network.state_dict())
    network.load_state_dict(best)
    network.eval()
    return Pretrained(epochs[best_epoch][1], best_epoch + 1, epochs)
