"""Hide-and-Seek as an explainer: the hider's probability of keeping a pixel ranks it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from roarbench.datasets.base import Split
from roarbench.hns import apart
from roarbench.hns.evaluation import accuracy
from roarbench.hns.guard import MAX_RESTARTS, collapsed, judged
from roarbench.hns.model import HideAndSeek as Network
from roarbench.hns.model import build
from roarbench.hns.pretraining import Budget, fit, painting
from roarbench.hns.schedule import Alpha
from roarbench.hns.settings import Estimator, Model, Seeker, Settings
from roarbench.hns.training import Training
from roarbench.methods.base import AttributionFunction, Explains, Skip


@dataclass(frozen=True)
class HideAndSeek:
    """Hide-and-Seek: probability that a trained hider keeps a pixel; it explains its own seeker, not the classifier.

    It only uses the accuracy of the classifier, to detect a collapsed training.

    Paper: Hide-and-Seek, arXiv:2005.00130; pixels by the hider's probability before the threshold.
    Differs from the paper: the hider is pretrained, alpha falls on a true plateau, training ends with a cooldown; see
    docs/hns.md. A collapsed training is repeated, at most twice; the notes count it.
    Cost: no forward pass of the classifier. A hider and a seeker are trained first; a map takes 1 pass of the
    hider.

    Attributes:
        model: size of hider and seeker; hns_small is for small images.
        batch_size: images in each step.
        learning_rate: of both networks, while they learn together.
        seeker: joint learns together with the hider, as published, and may come to read masks as a code of the class.
            apart learns before it, behind random masks, and is frozen.
        seeker_steps: steps in which a seeker apart learns, rounded up to whole epochs.
        estimator: how gradients pass the threshold.
        slope: slope of the threshold under sa after all steps, at least 1; it grows from 1 at an even rate. No other
            estimator has a slope.
        alpha: weight of the classification loss; without it alpha falls from 1.00 to 0.10, adaptively.
        patience: steps in the window in which a plateau is detected.
        steps: most steps of the joint training, rounded up to whole epochs. The learning rate falls to 0 over the last
            fifth of them, or over as many steps after alpha has reached its end.
        pretraining_steps: steps in which the hider learns to reproduce the image; rounded up to whole epochs, 0 leaves
            it out.
    """

    version: ClassVar[int] = 1
    explains: ClassVar[Explains] = "itself"
    trains: ClassVar[bool] = True
    hides: ClassVar[bool] = True
    later: ClassVar[tuple[str, ...]] = ("seeker", "seeker_steps")
    """Fields that the first version did not have: at their defaults they are no part of an identity."""

    model: Model = "hns_small"
    estimator: Estimator = "deterministic"
    slope: float = 5.0
    alpha: float | None = None
    patience: int = 40
    steps: int = 1200
    pretraining_steps: int = 300
    batch_size: int = 64
    learning_rate: float = 2e-3
    # The seed of a pass comes from what repr shows: without these, joint trainings draw what they always drew.
    seeker: Seeker = field(default="joint", repr=False)
    seeker_steps: int = field(default=1200, repr=False)

    def __post_init__(self) -> None:
        for name in ("steps", "seeker_steps"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if not 1 <= self.slope < math.inf:
            raise ValueError(f"slope must be at least 1, got {self.slope:g}")
        if self.pretraining_steps < 0:
            raise ValueError(f"pretraining_steps must not be negative, got {self.pretraining_steps}")
        self._settings(steps_per_epoch=1).check()

    def prepare(self, classifier: nn.Module, train: Split) -> AttributionFunction:
        """See `Explainer.prepare`.

        Raises:
            Skip: no images, or sides that the hider does not divide.
        """
        settings = self._settings(max(1, len(train) // self.batch_size))
        expected = accuracy(classifier, judged(train))
        with torch.no_grad():
            num_classes = classifier(train.at(torch.arange(1)).inputs).shape[1]
        seeker = self._apart(settings, train, num_classes) if settings.apart else None
        restarts, training = 0, self._trained(settings, train, num_classes, seeker)
        while (reason := collapsed(training, expected)) and restarts < MAX_RESTARTS:
            restarts, training = restarts + 1, self._trained(settings, train, num_classes, seeker)
        return Masks(training.network.eval(), {"restarts": float(restarts), "collapsed": float(reason is not None)})

    def _settings(self, steps_per_epoch: int) -> Settings:
        """Steps as epochs, rounded up: a training of few examples is as long as one of many."""
        epochs = -(-self.steps // steps_per_epoch)
        return Settings(
            model=self.model, estimator=self.estimator, alpha=self.alpha, patience=self.patience, epochs=epochs,
            batch_size=self.batch_size, learning_rate=self.learning_rate, cooldown=0.2,
            rate=self.slope ** (1 / epochs) - 1,
            pretraining_epochs=max(1, -(-self.pretraining_steps // steps_per_epoch)),
            seeker=self.seeker, seeker_epochs=-(-self.seeker_steps // steps_per_epoch),
        )  # fmt: skip

    @torch.enable_grad()
    def _apart(self, settings: Settings, train: Split, num_classes: int) -> nn.Module:
        """A seeker behind random masks, for all attempts."""
        seeker = _built(settings, train, num_classes).seeker
        fitting = apart.behind_masks(seeker, train, apart.budget(settings), settings.mask_channels)
        while not fitting.finished:
            fitting.epoch()
        return seeker

    @torch.enable_grad()
    def _trained(self, settings: Settings, train: Split, num_classes: int, seeker: nn.Module | None) -> Training:
        network = _built(settings, train, num_classes)
        if seeker is not None:
            network.seeker = seeker
            network.freeze_seeker()
        if self.pretraining_steps:
            budget = Budget(settings.pretraining_epochs, self.batch_size, self.learning_rate)
            for _ in fit(network.hider, train, budget, painting):
                pass
        training = Training(network, train, settings, Alpha(self.patience, constant=self.alpha))
        for _ in training.run():
            pass
        return training


def _built(settings: Settings, train: Split, num_classes: int) -> Network:
    """A fresh network, or the reason why there is none."""
    try:
        return build(settings, train.feature_shape, num_classes).to(train.labels.device)
    except ValueError as error:
        raise Skip(str(error)) from None


@dataclass(frozen=True)
class Masks:
    """The attribution function of a trained network.

    Attributes:
        notes: `restarts`, trainings that collapsed before this one; `collapsed`, 1 if this one did as well.
    """

    network: Network
    notes: Mapping[str, float]

    def __call__(self, inputs: Float[Tensor, "b c h w"], targets: Int[Tensor, "b"]) -> Float[Tensor, "b c h w"]:
        """-log(1 - p) of the probability p of keeping: ranks like p, and does not round to ties near 1."""
        with torch.no_grad():
            logits = self.network.hider(inputs)  # without the slope, which keeps the order and would round it to ties
        return F.softplus(logits).expand_as(inputs).clone()

    def hide(self, inputs: Float[Tensor, "b c h w"]) -> tuple[Bool[Tensor, "b m h w"], Float[Tensor, "b k"]]:
        """See `OwnMasks.hide`."""
        with torch.no_grad():
            output = self.network(inputs)
        return output.mask.bool(), output.class_logits
