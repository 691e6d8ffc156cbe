"""A small vision transformer in plain torch, whose attention is written out so that explainers can read it."""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from roarbench.benchmark.networks.classifiers import require_images

PATCHES = ((16, 2), (64, 4), (128, 8))
"""Shorter side below which images are cut into patches of a side; larger images take `LARGE`."""

LARGE = 16

SPREAD = 0.5
"""Standard deviation of fresh positions: eight epochs of digits end at 82 to 84 % with 0.02, 93 to 97 % with 0.5."""


def vit_tiny(
    feature_shape: Sequence[int], num_classes: int, *, patch: int = 0, width: int = 64, depth: int = 4, heads: int = 4
) -> nn.Module:
    """A small vision transformer with class token and learned positions (Dosovitskiy et al. 2020, arXiv:2010.11929).

    Differs from the paper: smaller, without dropout; hidden layers are twice as wide as tokens, not four times. Fresh
    positions have a standard deviation of 0.5, not 0.02, with which small images take more epochs.

    Args:
        patch: side of a patch in pixels; 0 takes 2 below 16 pixels, 4 below 64, 8 below 128, else 16.
        width: numbers in a token.
        depth: number of blocks.
        heads: attention heads of each block; they share the numbers of a token evenly.

    Raises:
        ValueError: features that are no images, patches that do not tile them, or heads that do not divide the width.
    """
    require_images(feature_shape, "vit_tiny")
    channels, *sides = feature_shape
    side = patch or _patch(min(sides))
    _check(sides, side=side, width=width, depth=depth, heads=heads)
    tokens = Tokens(channels, math.prod(length // side for length in sides), side=side, width=width)
    blocks = [Block(width, heads) for _ in range(depth)]
    network = nn.Sequential(tokens, *blocks, nn.LayerNorm(width), ClassToken(), nn.Linear(width, num_classes))
    for module in network.modules():
        if isinstance(module, nn.Linear):
            nn.init.xavier_uniform_(module.weight)
            nn.init.zeros_(module.bias)
    return network


class Tokens(nn.Module):
    """An image as tokens: a class token, then its patches row by row, each with a learned position added."""

    def __init__(self, channels: int, count: int, *, side: int, width: int) -> None:
        super().__init__()
        self.patches = nn.Conv2d(channels, width, side, stride=side)
        self.class_token = nn.Parameter(torch.empty(1, 1, width))
        self.positions = nn.Parameter(torch.empty(1, 1 + count, width))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draws class token and positions; the patches are a layer of their own."""
        nn.init.normal_(self.class_token, std=SPREAD)
        nn.init.normal_(self.positions, std=SPREAD)

    def forward(self, images: Float[Tensor, "b c h w"]) -> Float[Tensor, "b n d"]:
        patches = self.patches(images).flatten(2).transpose(1, 2)
        return torch.cat([self.class_token.expand(len(images), -1, -1), patches], 1) + self.positions


class Attention(nn.Module):
    """Multi-head self-attention; names of its parts are those of timm.

    Vaswani et al. 2017, arXiv:1706.03762, eq. 1: softmax(q k' / sqrt(d)) v for each head.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.num_heads, self.scale = heads, (width // heads) ** -0.5
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.weights = nn.Softmax(-1)

    def forward(self, tokens: Float[Tensor, "b n d"]) -> Float[Tensor, "b n d"]:
        """A hook on `weights` reads the attention `(b, heads, n, n)`; rows sum to 1."""
        query, key, value = self.qkv(tokens).unflatten(2, (3, self.num_heads, -1)).permute(2, 0, 3, 1, 4)
        weights = self.weights(self.scale * query @ key.transpose(2, 3))
        return self.proj((weights @ value).transpose(1, 2).flatten(2))


class Block(nn.Module):
    """Attention and two linear layers with a GELU, each behind a norm and beside a skip connection."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm1, self.attention = nn.LayerNorm(width), Attention(width, heads)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def forward(self, tokens: Float[Tensor, "b n d"]) -> Float[Tensor, "b n d"]:
        tokens = tokens + self.attention(self.norm1(tokens))
        return tokens + self.mlp(self.norm2(tokens))


class ClassToken(nn.Module):
    """The first token of each image."""

    def forward(self, tokens: Float[Tensor, "b n d"]) -> Float[Tensor, "b d"]:
        return tokens[:, 0]


def _patch(side: int) -> int:
    """The side of a patch for images of a side."""
    return next((patch for limit, patch in PATCHES if side < limit), LARGE)


def _check(sides: Sequence[int], *, side: int, width: int, depth: int, heads: int) -> None:
    """Raises ValueError where parameters do not fit the images or each other."""
    for name, value in {"patch": side, "width": width, "depth": depth, "heads": heads}.items():
        if value < 1:
            raise ValueError(f"vit_tiny[{name}] must be positive, got {value}")
    if any(length % side for length in sides):
        raise ValueError(f"vit_tiny[patch] must divide the sides of the images, {sides}, got {side}")
    if width % heads:
        raise ValueError(f"vit_tiny[heads] must divide the width, {width}, got {heads}")
