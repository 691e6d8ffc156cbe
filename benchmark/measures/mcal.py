"""MCal: removal without retraining, after a linear head has taken the bias of missing pixels from the logits."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, Int, Integer
from torch import Tensor, nn
from torch.nn import functional as F

from roarbench.benchmark.measures.sample import Sample
from roarbench.benchmark.randomness import generator
from roarbench.benchmark.removal.ranks import kept, spread
from roarbench.datasets.base import Split
from roarbench.hns.random_masks import random_masks
from roarbench.methods.base import Skip

SHARES = (0.1, 0.3, 0.5, 0.7, 0.9)
"""Shares of the units that are removed; the measure is the mean over them."""

EXAMPLES, MASKS = 2048, 4
"""Training examples that the head is fitted on at most, and random masks of each."""

RIDGE, STEPS = 1e-3, 100
"""Penalty on what differs from the identity, and steps of the solver."""


@dataclass(frozen=True)
class MCal:
    """Dependence of predictions on the units ranked first, corrected for the effect of missing units (MCal).

    Paper: Sridhar, Xue, Wong 2026, arXiv:2603.04831. The network is frozen. A linear head on its logits is fitted on
    masked training inputs, with the predictions for the intact inputs as labels; it corrects missingness bias.
    Differs from the paper: the paper corrects explainers; here the head corrects what explainers are measured by. Masks
    of the fit are random, scattered or in blobs, of a random share. The number is the mean over all test examples and
    five shares. With `removes=morf` it is the share of predictions that change as the units ranked first go. With
    `removes=lerf` it is the share that stay as those ranked last go. Both are better high.

    Misleads: a linear head takes away a bias of the output, and nothing that happens inside the network. Predictions,
    not labels, are compared: a network that is often wrong counts like another.

    Attributes:
        removes: morf removes the units ranked first, lerf those ranked last.
    """

    label = "MCal"
    better = "high"
    bounds = (0.0, 1.0)
    form = "percent"
    needs = ("network",)
    cost = "5 passes of the test split; a linear head for each network, shared by all explainers"

    removes: Literal["morf", "lerf"] = "morf"

    @torch.no_grad()
    def measure(self, sample: Sample) -> float | None:
        """In [0, 1].

        Raises:
            Skip: ranks of the test split are not stored.
        """
        if sample.ranks is None:
            raise Skip("mcal needs the ranks of the test split")
        head = fitted(sample)
        stay = [self._staying(sample, head, *chunk) for chunk in _chunks(sample)]
        if not stay:
            return None
        share = float(sum(stay) / len(SHARES) / len(sample.test))
        return 1 - share if self.removes == "morf" else share

    def _staying(self, sample: Sample, head: nn.Module, part: Split, ranks: Integer[Tensor, "b *unit"]) -> int:
        """How many predictions stay, over all shares."""
        intact, total = sample.network(part.inputs).argmax(1), 0
        for share in SHARES:
            masks = spread(kept(ranks, removal_fraction=share, order=self.removes), part.feature_shape)
            logits = head(sample.network(torch.where(masks, part.inputs, sample.mean)))
            total += int((logits.argmax(1) == intact).sum())
        return total


def fitted(sample: Sample) -> nn.Module:
    """The head that corrects the logits of the network of a sample behind masks."""
    num_classes = sample.network(sample.inputs[:1]).shape[1]
    head = nn.Linear(num_classes, num_classes).to(sample.inputs.device)
    return sample.tuned(sample.by_unit("mcal"), head, lambda head: fit(head, *masked_logits(sample)))


@torch.no_grad()
def masked_logits(sample: Sample) -> tuple[Float[Tensor, "m k"], Int[Tensor, "m"]]:
    """Logits of training examples behind random masks, and what the network predicts without."""
    train = sample.background.train
    chosen = torch.randperm(len(train), generator=generator("mcal", len(train)))[:EXAMPLES]
    logits, labels = [], []
    for part in train.take(chosen).chunks():
        labels += [sample.network(part.inputs).argmax(1)] * MASKS
        for _ in range(MASKS):
            masks = spread(random_masks(len(part), sample.units), part.feature_shape).to(part.inputs.device)
            logits.append(sample.network(torch.where(masks, part.inputs, sample.mean)))
    return torch.cat(logits), torch.cat(labels)


def fit(head: nn.Module, logits: Float[Tensor, "m k"], labels: Int[Tensor, "m"]) -> None:
    """Fits a linear head by cross-entropy, from the identity, which a small penalty holds it to."""
    weight, bias = head.get_parameter("weight"), head.get_parameter("bias")
    identity = torch.eye(len(weight)).to(weight)
    with torch.no_grad():
        weight.copy_(identity)
        bias.zero_()
    solver = torch.optim.LBFGS([weight, bias], max_iter=STEPS, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        solver.zero_grad()
        loss = F.cross_entropy(head(logits), labels)
        loss = loss + RIDGE * ((weight - identity).square().sum() + bias.square().sum())
        loss.backward()
        return loss

    solver.step(closure)


def _chunks(sample: Sample) -> Iterator[tuple[Split, Integer[Tensor, "b *unit"]]]:
    """The examples of the test split in order, and their ranks."""
    position = 0
    assert sample.ranks is not None
    for part in sample.test.chunks():
        rows = sample.ranks[np.arange(position, position + len(part))].astype("int64")
        position += len(part)
        yield part, torch.from_numpy(rows).to(part.labels.device)
