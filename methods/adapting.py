"""Attributions as users return them, brought to the form that everything else relies on."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from roarbench.datasets.base import Split
from roarbench.methods.base import AttributionFunction, Explainer

LINEAR = {1: "linear", 2: "bilinear", 3: "trilinear"}
"""How `F.interpolate` calls linear interpolation along one, two or three axes."""


def as_tensor(attributions: object, device: torch.device, name: str) -> Tensor:
    """Real numbers as a tensor: a tensor as it is, a numpy array as one on the device.

    Args:
        name: of the explainer, as written.

    Raises:
        ValueError: anything else, with what to return instead.
    """
    if isinstance(attributions, np.ndarray) and attributions.dtype != object:
        attributions = torch.from_numpy(attributions.copy())  # it may be read-only
    if not isinstance(attributions, Tensor):
        raise ValueError(f"{name} must return a tensor or a numpy array, got {type(attributions).__name__}")
    if attributions.is_complex():
        raise ValueError(f"{name} must return real numbers, got {attributions.dtype}; return .real or .abs()")
    if attributions.layout != torch.strided:
        raise ValueError(f"{name} must return a dense tensor, got {attributions.layout}; return .to_dense()")
    if attributions.is_meta:
        raise ValueError(f"{name} must return values, got a meta tensor, which has none")
    return attributions.detach().to(device)


def shaped(
    attributions: Tensor, inputs: Float[Tensor, "b *feature"], name: str, unit: str = "pixel"
) -> Float[Tensor, "b *feature"]:
    """Attributions of the shape of the inputs, as float32.

    Unless features are units, one number a pixel will do, `(b, h, w)` or `(b, 1, h, w)`: all its channels get it.

    Raises:
        ValueError: another shape.
    """
    input_shape, shape = tuple(inputs.shape), tuple(attributions.shape)
    if unit != "feature" and _by_place(shape, input_shape):
        return attributions.view(input_shape[0], 1, *input_shape[2:]).float().expand_as(inputs)
    if shape != input_shape:
        raise ValueError(
            f"{name} must return attributions of shape {input_shape}, got {shape}{_remedy(shape, input_shape, unit)}"
        )
    return attributions.float()


@dataclass(frozen=True, repr=False)
class Adapted:
    """An explainer of the user's own as the base of another one, which relies on the shape of the inputs.

    It compares, and is written, like the explainer itself.
    """

    explainer: Explainer
    name: str

    def prepare(self, classifier: nn.Module, train: Split) -> AttributionFunction:
        """See `Explainer.prepare`."""
        attribute = self.explainer.prepare(classifier, train)
        return lambda x, t: shaped(as_tensor(attribute(x, t), x.device, self.name), x, self.name)

    def __repr__(self) -> str:
        return repr(self.explainer)

    def __getattr__(self, name: str) -> Any:
        if name == "explainer":  # asked for before there is one, by copy or pickle
            raise AttributeError(name)
        return getattr(self.explainer, name)


def _by_place(shape: tuple[int, ...], input_shape: tuple[int, ...]) -> bool:
    """Whether attributions have one number for all channels of a place."""
    examples, *places = input_shape[0], *input_shape[2:]
    return len(input_shape) > 2 and shape in ((examples, *places), (examples, 1, *places))


def _remedy(shape: tuple[int, ...], input_shape: tuple[int, ...], unit: str) -> str:
    if len(input_shape) == 4 and shape == (input_shape[0], *input_shape[2:], input_shape[1]):
        return "; put channels on axis 1: permute(0, 3, 1, 2)"
    if _by_place(shape, input_shape):
        return f"; one number a pixel ranks pixels, not single features: use unit pixel, not {unit}"
    if shape and shape[0] == input_shape[0] and np.prod(shape) == np.prod(input_shape):
        return "; reshape them: view_as(inputs)"
    return ""
