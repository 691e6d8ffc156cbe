"""Decoders: code of a layer -> image in (0, 1); one family for every shape of code, and the two published ones."""

import math
from collections.abc import Callable
from itertools import pairwise

from jaxtyping import Float
from torch import Tensor, nn

from roarbench.hns.seeker import keras_initialised
from roarbench.methods.cladec.settings import DecoderKind

Shape = tuple[int, ...]

WIDTH, GRID = 64, 8
"""Channels before the image, and the largest side of the maps that vectors are spread over."""


class Crop(nn.Module):
    """Cuts the middle out of images."""

    def __init__(self, height: int, width: int) -> None:
        super().__init__()
        self.height, self.width = height, width

    def forward(self, images: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c height width"]:
        top, left = (images.shape[2] - self.height) // 2, (images.shape[3] - self.width) // 2
        return images[:, :, top : top + self.height, left : left + self.width]


def build_decoder(kind: DecoderKind, code_shape: Shape, feature_shape: Shape) -> nn.Sequential:
    """A decoder for codes of one layer, initialised like those of Keras.

    Raises:
        ValueError: no images, or shapes that a published decoder is not for.
    """
    if len(feature_shape) != 3:
        raise ValueError(f"ClaDec decodes images (c, h, w), got features {feature_shape}; take a data set of images")
    return keras_initialised(DECODERS[kind](code_shape, feature_shape))


def generated(code_shape: Shape, feature_shape: Shape) -> nn.Sequential:
    """Transposed 4x4 convolutions with stride 2, ReLU between, a sigmoid at the end, as many as double maps to images.

    Vectors are spread by a linear layer over 7x7 maps for 28x28 images: from there on both decode alike. Maps that no
    doubling brings to the size are enlarged first, so that nothing of them is lost, and at most the surplus of whole
    doublings is cut off: every pixel is decoded. For 7x7x64 it is the published decoder of convolutions.
    Differs from the authors' code (JohnTailor/ClaDec): theirs spreads vectors over one pixel, which is doubled all the
    way; ours has no convolution before the first doubling of maps, unless a single doubling, or none, is left.
    """
    channels, *sides = feature_shape
    if math.prod(code_shape[1:]) == 1:
        size = math.prod(code_shape)
        doublings = max(2, *(math.ceil(math.log2(side / GRID)) for side in sides))
        grid, width = _grid(sides, doublings), WIDTH * 2 ** (doublings - 2)
        spread = nn.Linear(size, width * math.prod(grid))
        first: list[nn.Module] = [nn.Flatten(), spread, nn.ReLU(), nn.Unflatten(1, (width, *grid))]
    else:
        width, *code_sides = code_shape
        doublings = max(0, min(math.floor(math.log2(side / of)) for side, of in zip(sides, code_sides, strict=True)))
        grid = _grid(sides, doublings)
        first = [] if grid == tuple(code_sides) else [nn.Upsample(grid, mode="bilinear")]
    return nn.Sequential(*first, *_doubled(width, channels, doublings), Crop(*sides), nn.Sigmoid())


def published(code_shape: Shape, feature_shape: Shape) -> nn.Sequential:
    """That of tomtuamnuq/cladec-mnist for the layer: `published_dense` of vectors, `published_conv` of maps."""
    return (published_dense if len(code_shape) == 1 else published_conv)(code_shape, feature_shape)


def published_dense(code_shape: Shape, feature_shape: Shape) -> nn.Sequential:
    """The decoder of tomtuamnuq/cladec-mnist for its dense layer; 149,889 parameters from 128 values.

    Its last kernels do not overlap, and no kernel reaches row and column 27, which are one grey in all images.
    """
    _require(len(code_shape) == 1, "published_dense decodes vectors", code_shape, feature_shape)
    return nn.Sequential(
        nn.Unflatten(1, (code_shape[0], 1, 1)),
        nn.ConvTranspose2d(code_shape[0], 64, 4, 2), nn.ReLU(),
        nn.ConvTranspose2d(64, 32, 3, 2), nn.ReLU(),
        nn.ConvTranspose2d(32, feature_shape[0], 3, 3, output_padding=1), nn.Sigmoid(),
    )  # fmt: skip


def published_conv(code_shape: Shape, feature_shape: Shape) -> nn.Sequential:
    """The decoder of tomtuamnuq/cladec-mnist for its convolutional layer; 66,625 parameters from 7x7x64."""
    _require(code_shape[1:] == (7, 7), "published_conv decodes 7x7 maps", code_shape, feature_shape)
    return nn.Sequential(
        nn.ConvTranspose2d(code_shape[0], 64, 4, 2, 1), nn.ReLU(),
        nn.ConvTranspose2d(64, feature_shape[0], 4, 2, 1), nn.Sigmoid(),
    )  # fmt: skip


DECODERS: dict[DecoderKind, Callable[[Shape, Shape], nn.Sequential]] = {
    "generated": generated,
    "published": published,
    "published_dense": published_dense,
    "published_conv": published_conv,
}


def _grid(sides: list[int], doublings: int) -> tuple[int, ...]:
    return tuple(math.ceil(side / 2**doublings) for side in sides)


def _doubled(width: int, channels: int, doublings: int) -> list[nn.Module]:
    """Maps of some width to an image that is so many times doubled; channels halve down to `WIDTH`."""
    widths = [width, *(WIDTH * 2**i for i in reversed(range(doublings - 1))), channels]
    if doublings < 2:
        widths = [width, WIDTH, channels]
    layers: list[nn.Module] = []
    for i, (one, other) in enumerate(pairwise(widths)):
        doubling = len(widths) - 2 - i < doublings
        layers += [nn.ConvTranspose2d(one, other, 4, 2, 1) if doubling else nn.Conv2d(one, other, 3, padding=1)]
        layers += [nn.ReLU()]
    return layers[:-1]


def _require(fits: bool, statement: str, code_shape: Shape, feature_shape: Shape) -> None:
    if not fits or feature_shape[1:] != (28, 28):
        raise ValueError(f"{statement} to 28x28 images, got {code_shape} and {feature_shape}; take decoder generated")
