"""ClaDec as an explainer: what a layer kept of each pixel, by decoding its activations beside a reference."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple, get_args

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from roarbench.datasets.base import Split
from roarbench.methods.base import Explainer, Explains, Skip, View
from roarbench.methods.cladec.layers import codes, located
from roarbench.methods.cladec.model import Explained
from roarbench.methods.cladec.settings import Settings
from roarbench.methods.cladec.training import check_in_memory, fit_all
from roarbench.methods.rewriting import require_python

Score = Literal["difference", "similarity", "gap", "kept", "share", "pressure"]
SCORES: tuple[Score, ...] = get_args(Score)


class Reconstructed(NamedTuple):
    """Images and what became of them, all of one shape, in [0, 1].

    Attributes:
        reference: images by the autoencoder that learned reconstruction alone.
        decoded: from the layer.
        pressed: from the layer, at a higher alpha.
    """

    images: Float[Tensor, "b c h w"]
    reference: Float[Tensor, "b c h w"]
    decoded: Float[Tensor, "b c h w"]
    pressed: Float[Tensor, "b c h w"]


@dataclass(frozen=True)
class TrainedDecoders:
    """All scores of one layer, by three decoders trained on the training split; not in the table.

    Paper: Schneider, Vlachos 2021, arXiv:2005.13630, eq. 1.
    Differs from the paper: see `Decoding`.

    Attributes:
        See `Decoding`.
    """

    version: ClassVar[int] = 2
    explains: ClassVar[Explains] = "classifier"

    layer: str
    alpha: float
    high_alpha: float
    steps: int
    batch_size: int
    learning_rate: float

    def prepare(self, classifier: nn.Module, train: Split) -> Callable[[Tensor, Tensor], Tensor]:
        """Trains reference and decoders; the function gives all scores, stacked behind the examples."""
        explained = self._explained(classifier, train)
        settings, alphas = self.settings(len(train)), (None, self.alpha, self.high_alpha)
        models = fit_all(explained, train, settings, alphas=alphas)
        mean, spread = train.statistics.feature_mean, float(train.statistics.std.square().sum())

        @torch.no_grad()
        def attribute(inputs: Float[Tensor, "b c h w"], targets: Int[Tensor, "b"]) -> Float[Tensor, "b scores c h w"]:
            code = codes(classifier, explained.path, inputs)
            outputs = [model(source) for model, source in zip(models, (inputs, code, code), strict=True)]
            reconstruction = Reconstructed(inputs, *outputs)
            maps = scores(reconstruction, mean.to(inputs.device), spread)
            return torch.stack([score.expand_as(inputs) for score in maps.values()], 1)

        return attribute

    def settings(self, num_examples: int) -> Settings:
        """The training; its steps are rounded up to whole epochs."""
        steps_per_epoch = max(1, -(-num_examples // max(1, self.batch_size)))
        return Settings(
            target="predicted", epochs=-(-self.steps // steps_per_epoch), batch_size=self.batch_size,
            learning_rate=self.learning_rate,
        )  # fmt: skip

    def _explained(self, classifier: nn.Module, train: Split) -> Explained:
        """The layer; building its models is tried before all examples pass, and moves no draws of trainings."""
        if len(train.feature_shape) != 3:
            raise Skip("ClaDec decodes images; these are no images")
        require_python(classifier, "ClaDec")
        try:
            check_in_memory(train)
            example = train.at(torch.arange(1)).inputs
            explained = Explained(classifier, located(classifier, self.layer, example), example)
            with torch.random.fork_rng(devices=[]):  # models are built on the CPU
                explained.reference(self.settings(len(train)))
        except ValueError as error:
            raise Skip(str(error)) from None
        return explained


@dataclass(frozen=True)
class Decoding(View):
    """ClaDec: how well each pixel is decoded from a layer, compared with the image, its mean or a reference.

    One map for all classes. A pixel has the squared errors e of the decoder and r of the reference. d is its squared
    distance from the mean training image. All are summed over channels.

    Paper: Schneider, Vlachos 2021, arXiv:2005.13630, eq. 1; that what decoder and reference make of an image differs
    where the layer dropped something is theirs, the scores of pixels are not.
    Differs from the paper: the encoder is in eval mode, and errors are summed. The classification loss takes the
    predicted class, and decoder and reference have equal steps. Maps that go below 0 are raised until their lowest
    pixel is at 0, so that ranking by magnitude keeps their order. All channels of a pixel score alike.
    Cost: 2 forward passes of the classifier; decoders are trained first.

    Attributes:
        score: difference is |reference - decoded|, and similarity the same in reverse order. gap is r - e, and kept is
            d - e. share is d * exp(-max(0, e - r) / v) with v the variance of pixels. pressure is |decoded at
            high_alpha - decoded|, of decoders with different initial weights. Part of it is the difference between two
            trainings.
        layer: conv, the last maps before they are flattened or averaged; dense, what the last linear layer sees; or the
            dotted name of a module.
        alpha: weight of the classification loss in the decoder; the rest weighs reconstruction.
        high_alpha: the same, of the decoder that pressure compares.
        steps: steps of each of the three trainings, rounded up to whole epochs.
        batch_size: images in each step.
        learning_rate: of each training.
    """

    version: ClassVar[int] = 2
    explains: ClassVar[Explains] = "classifier"
    targeted: ClassVar[bool] = False
    trains: ClassVar[bool] = True

    score: Score = "difference"
    layer: str = "conv"
    alpha: float = 0.0
    high_alpha: float = 0.99
    steps: int = 500
    batch_size: int = 64
    learning_rate: float = 5e-3

    def __post_init__(self) -> None:
        for name in ("alpha", "high_alpha"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must lie in [0, 1], got {getattr(self, name):g}; 0.99 is 99 %")
        if self.score == "pressure" and self.high_alpha <= self.alpha:
            raise ValueError(f"pressure needs high_alpha above alpha, {self.alpha:g}, got {self.high_alpha:g}")
        if self.steps < 1:
            raise ValueError(f"steps must be at least 1, got {self.steps}")
        self._training.settings(1).check()

    @property
    def source(self) -> Explainer:
        """The trainings, which all scores share."""
        return self._training

    @property
    def _training(self) -> TrainedDecoders:
        return TrainedDecoders(self.layer, self.alpha, self.high_alpha, self.steps, self.batch_size, self.learning_rate)

    def reduce(self, passed: Float[Tensor, "b scores c h w"]) -> Float[Tensor, "b c h w"]:
        """The score that is asked for."""
        return raised(passed[:, SCORES.index(self.score)]).contiguous()


def scores(found: Reconstructed, mean: Float[Tensor, "c h w"], spread: float) -> dict[Score, Float[Tensor, "b 1 h w"]]:
    """All `SCORES` of every pixel, higher = more important; some go below 0.

    Args:
        mean: training image.
        spread: variance of pixels, summed over channels.
    """
    error, reference_error = (_squares(found.images - output) for output in (found.decoded, found.reference))
    deviation, difference = _squares(found.images - mean), _magnitudes(found.reference - found.decoded)
    return {
        "difference": difference,
        "similarity": -difference,
        "gap": reference_error - error,
        "kept": deviation - error,
        "share": deviation * torch.exp(-(error - reference_error).clamp_min(0) / spread),
        "pressure": _magnitudes(found.pressed - found.decoded),
    }


def raised(maps: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
    """Maps that go below 0 with their lowest pixel at 0; others as they are."""
    return maps - maps.amin((1, 2, 3), keepdim=True).clamp_max(0)


def _squares(images: Float[Tensor, "b c h w"]) -> Float[Tensor, "b 1 h w"]:
    return images.square().sum(1, keepdim=True)


def _magnitudes(images: Float[Tensor, "b c h w"]) -> Float[Tensor, "b 1 h w"]:
    return images.abs().sum(1, keepdim=True)
