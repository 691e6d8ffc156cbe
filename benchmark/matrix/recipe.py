"""How a classifier is trained, as data: part of the identity of every result."""

from dataclasses import dataclass
from typing import Literal, get_args

Optimiser = Literal["adam", "sgd", "least_squares"]
Schedule = Literal["constant", "one_cycle", "steps"]
Augmentation = Literal["none", "shift_flip", "resized_crop"]
Precision = Literal["auto", "fp32", "bf16"]

CHOICES: dict[str, tuple[str, ...]] = {
    "optimiser": get_args(Optimiser), "schedule": get_args(Schedule), "augmentation": get_args(Augmentation),
    "precision": get_args(Precision),
}  # fmt: skip
"""Fields that are one of a few words."""


@dataclass(frozen=True)
class Recipe:
    """How classifiers are trained: optimiser, schedule and budget.

    Attributes:
        optimiser: algorithm that fits the weights. "least_squares" solves a linear classifier in closed form and
            ignores all other options of training.
        epochs: number of epochs of each training.
        batch_size: number of examples in each step.
        learning_rate: learning rate, or its peak where the schedule changes it.
        schedule: course of the learning rate. "one_cycle" warms up for 30 % of the steps and anneals to zero. "steps"
            warms up over warmup_epochs, then multiplies by 0.1 at 1/3, 2/3 and 8/9 of the epochs (30, 60, 80 of 90).
        warmup_epochs: number of epochs in which the learning rate rises to its peak. "one_cycle" ignores it and has a
            warm-up of its own.
        momentum: Nesterov momentum of "sgd"; other optimisers ignore it.
        weight_decay: L2 penalty on weights, without biases and normalisation layers.
        label_smoothing: share of each label that is spread evenly over all classes, in [0, 1).
        augmentation: random changes of training images, applied after features were removed.
        precision: precision of products in training. "auto" takes bf16 where the processor has it, else fp32. Scores
            and attributions are always computed in float32.
        finetune: number of epochs for which retrained networks continue from the weights of the explained network.
            Without it they start from fresh weights, as in ROAR.
    """

    optimiser: Optimiser = "adam"
    epochs: int = 10
    batch_size: int = 128
    learning_rate: float = 5e-3
    schedule: Schedule = "one_cycle"
    warmup_epochs: float = 0.0
    momentum: float = 0.9
    weight_decay: float = 0.0
    label_smoothing: float = 0.0
    augmentation: Augmentation = "none"
    precision: Precision = "auto"
    finetune: int | None = None

    def check(self) -> None:
        """Raises ValueError where a value is out of its range."""
        for name, choices in CHOICES.items():
            if (value := getattr(self, name)) not in choices:
                raise ValueError(f"recipe.{name} must be one of {', '.join(choices)}, got {value!r}")
        for name in ("epochs", "batch_size", "learning_rate"):
            if getattr(self, name) <= 0:
                raise ValueError(f"recipe.{name} must be positive, got {getattr(self, name)}")
        for name in ("warmup_epochs", "momentum", "weight_decay", "label_smoothing"):
            if getattr(self, name) < 0:
                raise ValueError(f"recipe.{name} must not be negative, got {getattr(self, name)}")
        if self.finetune is not None and (self.finetune < 1 or self.optimiser == "least_squares"):
            remedy = "; least_squares has no epochs" if self.optimiser == "least_squares" else ""
            raise ValueError(f"recipe.finetune must be a number of epochs, at least 1, got {self.finetune}{remedy}")
        if not 0 <= self.label_smoothing < 1:
            raise ValueError(f"recipe.label_smoothing must lie in [0, 1), got {self.label_smoothing}")
