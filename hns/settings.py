"""What a Hide-and-Seek training is, as data: the options of the command line and the fields of a preset. No torch."""

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Model = Literal["hns_small", "hns_large", "hns_resnet"]
Estimator = Literal["deterministic", "st1", "st2", "sa", "reinforce"]
TestMasks = Literal["threshold", "sample"]
Monitor = Literal["classification", "total"]
Stagnation = Literal["plateau", "published"]
Start = Literal["full", "hider", "seeker", "both"]
Seeker = Literal["joint", "apart"]


@dataclass(frozen=True)
class Settings:
    """Training of a hider and a seeker.

    Attributes:
        model: architecture: hns_small (image sides divisible by 4), hns_large or hns_resnet (divisible by 32).
        mask_channels: number of mask channels. 1 hides whole pixels; the number of image channels hides every value by
            itself.
        seeker: joint trains the seeker together with the hider, as published. apart first trains it alone, behind
            random masks, and freezes it. The hider then learns through it, so the seeker cannot learn to read the masks
            as a code.
        seeker_epochs: number of epochs of a seeker that is trained apart.
        start: parts that are pretrained: none (full), the hider, the seeker, or both.
        pretraining_epochs: number of epochs of each part that is pretrained here.
        hider_weights: file from pretrain-hider with which the hider starts.
        seeker_weights: file from pretrain-seeker with which the seeker starts. Under seeker apart it stays as it is.
        initial_keep: probability with which a hider without pretraining keeps a pixel at first, in (0, 1). A
            deterministic one needs at least 0.5, or it hides everything and never recovers. Published: 0.5.
        stochastic: true draws masks at random: short for `--estimator st1`, unless another estimator is given.
        estimator: estimator of gradients through the threshold.
        rate: growth of the slope in an epoch under sa, up to 1e6; 0.5 is 50 %.
        test_masks: masks of a stochastic hider at test time: a probability above 0.5, or drawn as in training.
            Published sampling always draws.
        reference: true samples as the published code does, with its second sigmoid and the extremes of the batch.
        alpha: weight of the classification loss, in [0, 1]. Without it alpha falls from 1.00 to 0.10, adaptively.
        monitor: loss whose stagnation lowers alpha.
        patience: number of batches over which the monitored loss must stagnate.
        stagnation: rule for lowering alpha: plateau where the loss neither falls nor rises, published where the loss
            moves.
        epochs: most epochs of the joint training.
        batch_size: number of images in each step.
        learning_rate: Adam's learning rate, before the cooldown.
        cooldown: share of the epochs at the end in which the learning rate falls to 0, in [0, 1].
    """

    model: Model = "hns_small"
    mask_channels: int = 1
    seeker: Seeker = "joint"
    seeker_epochs: int = 10
    start: Start = "full"
    pretraining_epochs: int = 1
    hider_weights: Path | None = None
    seeker_weights: Path | None = None
    initial_keep: float = 0.9
    stochastic: bool = False
    estimator: Estimator | None = None
    rate: float = 0.5
    test_masks: TestMasks = "threshold"
    reference: bool = False
    alpha: float | None = None
    monitor: Monitor = "classification"
    patience: int = 100
    stagnation: Stagnation = "plateau"
    epochs: int = 10
    batch_size: int = 128
    learning_rate: float = 1e-3
    cooldown: float = 0.2

    @property
    def threshold(self) -> Estimator:
        """The estimator in force."""
        return self.estimator or ("st1" if self.stochastic else "deterministic")

    def idle(self) -> dict[str, str]:
        """Fields that change nothing beside the others, and what they would need."""
        needs = {}
        if self.threshold != "sa":
            needs["rate"] = "the estimator sa"
        if self.threshold == "deterministic":
            needs |= dict.fromkeys(("reference", "test_masks"), "a stochastic estimator")
        elif self.reference:
            needs["test_masks"] = "no reference, which always draws"
        if self.alpha is not None:
            needs |= dict.fromkeys(("monitor", "patience", "stagnation"), "an adaptive alpha")
        if not self.pretrained:
            needs["pretraining_epochs"] = "a part that is pretrained here"
        if self.hider_weights:
            needs["initial_keep"] = "a hider without weights"
        if not self.apart:
            needs["seeker_epochs"] = "a seeker that is trained apart, without weights"
        return needs

    @property
    def apart(self) -> bool:
        """Whether a seeker is trained behind random masks."""
        return self.seeker == "apart" and self.seeker_weights is None

    @property
    def pretrained(self) -> list[str]:
        """The parts that are pretrained: those that `start` names and that no file of weights fills."""
        parts = {"full": [], "both": ["hider", "seeker"]}.get(self.start, [self.start])
        return [part for part in parts if getattr(self, f"{part}_weights") is None]

    def check(self) -> None:
        """Raises ValueError where a value is out of its range, or two contradict each other."""
        if self.alpha is not None and not 0 <= self.alpha <= 1:
            raise ValueError(f"alpha must lie in [0, 1], got {self.alpha:g}; leave it out for an adaptive alpha")
        if not 0 < self.initial_keep < 1:
            raise ValueError(f"initial_keep must lie in (0, 1), got {self.initial_keep:g}")
        if self.threshold == "deterministic" and self.initial_keep < 0.5:
            raise ValueError(f"initial_keep of a deterministic hider must be at least 0.5, got {self.initial_keep:g}")
        if not (self.rate >= 0 and math.isfinite(self.rate)):
            raise ValueError(f"rate must be at least 0, got {self.rate:g}; 0.5 lets the slope grow by 50 % in an epoch")
        if self.patience < 2:
            raise ValueError(f"patience must be at least 2 batches, got {self.patience}")
        for name in ("epochs", "batch_size", "learning_rate", "mask_channels", "pretraining_epochs", "seeker_epochs"):
            if not 0 < getattr(self, name) < math.inf:
                raise ValueError(f"{name} must be positive, got {getattr(self, name)}")
        if not 0 <= self.cooldown <= 1:
            raise ValueError(f"cooldown must lie in [0, 1], got {self.cooldown:g}; 0.2 is a fifth of the epochs")
        if self.stochastic and self.estimator == "deterministic":
            raise ValueError("estimator deterministic contradicts stochastic; leave one of them out")
        self._check_apart()
        for part in ("hider_weights", "seeker_weights"):
            path = getattr(self, part)
            if path is not None and not path.is_file():
                raise ValueError(f"{part}: there is no file {path}; see hns pretrain-{part.split('_')[0]}")

    def _check_apart(self) -> None:
        """Raises ValueError for what makes no sense of a seeker that is frozen."""
        if self.seeker == "apart" and self.start in ("seeker", "both"):
            raise ValueError(
                f"start must be full or hider where the seeker is apart, got {self.start}: that seeker learns behind "
                "random masks; --start hider, or --seeker-weights FILE for a seeker of your own"
            )
        if self.seeker == "apart" and self.threshold == "reinforce" and self.reference:
            raise ValueError(
                "estimator reinforce with reference must have a joint seeker, got apart: this hider never learns, and "
                "that seeker is frozen; leave reference out"
            )


@dataclass(frozen=True)
class Experiment:
    """Data and settings of a training.

    Attributes:
        dataset: data set, such as "mnist" or "mnist[train=10000]".
    """

    dataset: str = "digits"
    settings: Settings = Settings()


@dataclass(frozen=True)
class Condition:
    """One row of a study.

    Attributes:
        settings: fields that differ from the preset of the study.
        published: row of `published.csv` it is compared with, if there is one.
    """

    settings: dict[str, object] = field(default_factory=dict)
    published: str = ""


@dataclass(frozen=True)
class Study:
    """A research question: one preset, several conditions.

    Attributes:
        conditions: label in tables and figures -> condition.
    """

    question: str
    config: str
    conditions: dict[str, Condition]
