"""Training hider and seeker together: one Adam, one loss, an alpha that moves."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from roarbench.datasets.base import Split
from roarbench.hns.binarize import score_loss
from roarbench.hns.model import HideAndSeek, Seen
from roarbench.hns.schedule import Alpha
from roarbench.hns.settings import Settings

STEP = ("alpha", "classification_loss", "mask_loss", "total_loss", "nonzero_hidden", "accuracy")
"""Columns of the journal: a row for every step."""


class Event(NamedTuple):
    """Something has come to an end: the stay at a value of alpha, an epoch, or both.

    Attributes:
        alpha: alpha of the last step.
    """

    alpha: float
    alpha_dropped: bool
    epoch_ended: bool


@dataclass
class Training:
    """A training under way. Randomness comes from the global generator of torch: seed it, or restore it.

    Attributes:
        journal: a row of `STEP` for every step so far.
        order: the examples of the running epoch in the order of its batches.
        cooling_from: step from which the learning rate falls, once that is known.
    """

    network: HideAndSeek
    split: Split
    settings: Settings
    alpha: Alpha
    journal: list[list[float]] = field(default_factory=list)
    order: Int[Tensor, "n"] | None = None
    cooling_from: int | None = None

    def __post_init__(self) -> None:
        self.network.to(memory_format=torch.channels_last)
        self.optimiser = torch.optim.Adam(self.network.parameters(), self.settings.learning_rate, eps=1e-7, fused=True)
        if self._last_start <= 0:
            self.cooling_from = 0

    @property
    def step(self) -> int:
        """Steps done."""
        return len(self.journal)

    @property
    def steps_per_epoch(self) -> int:
        """Full batches in an epoch, or the one batch there is; what is left over waits for another epoch."""
        return max(1, len(self.split) // self.settings.batch_size)

    @property
    def epoch(self) -> int:
        """Whole epochs done."""
        return self.step // self.steps_per_epoch

    @property
    def finished(self) -> bool:
        """Whether the epochs are over, or alpha has come to its end and the learning rate has fallen to 0."""
        return self.step >= self.settings.epochs * self.steps_per_epoch or self._heat() == 0

    def run(self) -> Iterator[Event]:
        """Trains to the end; yields where alpha was lowered or an epoch, the last perhaps early, has ended."""
        while not self.finished:
            alpha = self.alpha.value
            drop = self._advance()
            ended = self.finished or self.step % self.steps_per_epoch == 0
            if drop or ended:
                yield Event(alpha, drop, ended)

    def rows(self) -> list[dict[str, float]]:
        """The journal by column, with the number of each step."""
        return [
            {"step": float(step), **dict(zip(STEP, row, strict=True))} for step, row in enumerate(self.journal, start=1)
        ]

    def _advance(self) -> bool:
        """One step; says whether alpha was lowered after it."""
        self.network.train()
        for group in self.optimiser.param_groups:
            group["lr"] = self.settings.learning_rate * self._heat()
        batch = self.split.at(self._next())
        inputs = batch.inputs.contiguous(memory_format=torch.channels_last)
        output = self.network(inputs)
        losses = F.cross_entropy(output.class_logits, batch.labels, reduction="none")
        classification, mask = losses.mean(), output.mask.mean()
        alpha = self.alpha.value
        total = alpha * classification + (1 - alpha) * mask
        loss = self._reinforced(output, losses) if self.network.reinforced else total
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        self.network.steepen((1 + self.settings.rate) ** (1 / self.steps_per_epoch))
        right = (output.class_logits.argmax(1) == batch.labels).float().mean()
        row = torch.stack([classification, mask, total, _nonzero_hidden(inputs, output.mask), right]).tolist()
        self.journal.append([alpha, *row])
        drop = self.alpha.observe(row[0] if self.settings.monitor == "classification" else row[2])
        if self.cooling_from is None and (self.alpha.finished or self.step >= self._last_start):
            self.cooling_from = self.step
        return drop

    @property
    def _cooling_steps(self) -> int:
        return round(self.settings.cooldown * self.settings.epochs * self.steps_per_epoch)

    @property
    def _last_start(self) -> int:
        """Step at which cooling starts at the latest."""
        return self.settings.epochs * self.steps_per_epoch - self._cooling_steps

    def _heat(self) -> float:
        """Factor of the learning rate: 1, then falling along a line to 0."""
        if self.cooling_from is None:
            return 1.0
        steps = self.step - self.cooling_from
        return max(0.0, 1 - steps / self._cooling_steps) if self._cooling_steps else 0.0

    def _next(self) -> Int[Tensor, "b"]:
        """Examples of the next batch; a new epoch draws a new order."""
        place = self.step % self.steps_per_epoch
        if place == 0 or self.order is None:
            self.order = torch.randperm(len(self.split))
        return self.order[place * self.settings.batch_size :][: self.settings.batch_size]

    def _reinforced(self, output: Seen, losses: Float[Tensor, "b"]) -> Float[Tensor, ""]:
        """The loss under REINFORCE: the mask term is the expected share kept, whose gradient is exact."""
        alpha = self.alpha.value
        keep = torch.sigmoid(output.hider_logits).mean()
        return alpha * (losses.mean() + score_loss(output.hider_logits, output.mask, losses)) + (1 - alpha) * keep


def _nonzero_hidden(inputs: Float[Tensor, "b c h w"], mask: Float[Tensor, "b m h w"]) -> Float[Tensor, ""]:
    """Share of values other than 0 that are hidden."""
    nonzero = inputs != 0
    return ((1 - mask.detach()) * nonzero).sum() / nonzero.sum().clamp_min(1)
