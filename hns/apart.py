"""A seeker apart from any hider: it learns behind random masks, which are no code of the class."""

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor, nn

from roarbench.datasets.base import Split
from roarbench.hns.pretraining import Budget, Fitting, classifying
from roarbench.hns.random_masks import random_masks
from roarbench.hns.settings import Settings

COOLDOWN = 0.5
"""Last share of all epochs in which the learning rate falls to 0."""


class Behind(nn.Module):
    """A seeker of images that hide behind fresh random masks in training mode, and behind nothing in eval mode.

    Attributes:
        units: shape of a mask, `(m, h, w)`: of what the masks of the hider can hide one by one.
    """

    def __init__(self, seeker: nn.Module, units: Sequence[int]) -> None:
        super().__init__()
        self.seeker, self.units = seeker, tuple(units)

    def forward(self, inputs: Float[Tensor, "b c h w"]) -> Float[Tensor, "b k"]:
        """Images -> logits of the classes."""
        if not self.training:
            return self.seeker(inputs)
        return self.seeker(inputs * random_masks(len(inputs), self.units).to(inputs))


def behind_masks(seeker: nn.Module, train: Split, budget: Budget, mask_channels: int) -> Fitting:
    """The training of a seeker behind random masks: a share of U(0, 1) of each image is hidden, half of it in blobs.

    Paper: Jethani et al. 2021, arXiv:2103.01890 (EVAL-X); as the predictor of REAL-X it is trained before the hider.
    Differs from the paper: REAL-X trains both side by side, and its masks are not in blobs.
    """
    return Fitting(Behind(seeker, (mask_channels, *train.feature_shape[1:])), train, budget, classifying)


def budget(settings: Settings) -> Budget:
    """What a seeker apart has of epochs, batches and learning rate."""
    return Budget(settings.seeker_epochs, settings.batch_size, settings.learning_rate, COOLDOWN)
