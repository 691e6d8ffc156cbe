"""Training a SENN, epoch by epoch, with what each did to every part of the loss."""

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.optim import Adam

from roarbench.datasets.base import Split
from roarbench.hns.evaluation import accuracy
from roarbench.methods.senn.losses import Losses, concept_loss, losses
from roarbench.methods.senn.model import Senn
from roarbench.methods.senn.settings import Settings

PARTS = ("classification", "robustness", "concept", "total")
SCORED = 512
"""Validation examples on which the parts of the loss are measured; accuracy is measured on all."""

Row = dict[str, float]


class Training:
    """A training under way. Randomness comes from the global generator of torch: seed it, or restore it.

    Attributes:
        rows: epoch, parts of the training loss, accuracy and parts of the loss on validation, for every epoch so far.
    """

    def __init__(self, network: Senn, train: Split, validation: Split, settings: Settings) -> None:
        self.network, self.train, self.validation, self.settings = network, train, validation, settings
        self.optimiser = Adam(network.parameters(), settings.learning_rate)
        self.rows: list[Row] = []

    @property
    def finished(self) -> bool:
        """Whether all epochs are over."""
        return len(self.rows) >= self.settings.epochs

    @property
    def best(self) -> int:
        """The epoch, from 0 on, of the first highest validation accuracy; the last where there is no validation."""
        scores = [row["validation_accuracy"] for row in self.rows if "validation_accuracy" in row]
        return scores.index(max(scores)) if scores else len(self.rows) - 1

    def pretrain(self) -> None:
        """Trains the concepts alone, with an optimiser of their own."""
        if not self.settings.pretraining_epochs:
            return
        optimiser = Adam(self.network.concepts.parameters(), self.settings.learning_rate)
        self.network.train()
        for _ in range(self.settings.pretraining_epochs):
            for batch in _batches(self.train, self.settings.batch_size):
                explanation = self.network.explain(batch.inputs)
                beta = self.settings.pretraining_beta
                _step(optimiser, concept_loss(self.network, batch.inputs, explanation, self.settings, beta))

    def epoch(self) -> Row:
        """One epoch; returns its row."""
        self.network.train()
        sums = torch.zeros(len(PARTS))
        for batch in _batches(self.train, self.settings.batch_size):
            loss = losses(self.network, batch.inputs, batch.labels, self.settings)
            _step(self.optimiser, loss.total)
            sums += len(batch) * _parts(loss)
        row = {"epoch": float(len(self.rows) + 1)} | _named("train", sums / len(self.train))
        self.rows.append(row | self._validated())
        return self.rows[-1]

    def _validated(self) -> Row:
        split = self.validation
        if not len(split):
            return {}
        row = {"validation_accuracy": accuracy(self.network, split)}  # leaves the network in eval mode
        some = split.at(torch.arange(min(SCORED, len(split))))
        with torch.random.fork_rng(devices=[]):
            return row | _named("validation", _parts(losses(self.network, some.inputs, some.labels, self.settings)))


def _batches(split: Split, size: int) -> Iterator[Split]:
    """All examples in a new order; the last batch may be smaller."""
    return map(split.at, torch.randperm(len(split)).split(size))


def _step(optimiser: Adam, loss: Tensor) -> None:
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()


def _parts(loss: Losses) -> Tensor:
    return torch.stack([getattr(loss, name).detach().cpu() for name in PARTS])


def _named(split: str, values: Tensor) -> Row:
    return {f"{split}_{name}": value for name, value in zip(PARTS, values.tolist(), strict=True)}
