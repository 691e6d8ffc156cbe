"""Networks that were trained elsewhere: a function builds them, a file holds their weights."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, Protocol, runtime_checkable

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

from roarbench.benchmark.matrix.plugins import build as built
from roarbench.benchmark.matrix.spec import PlugIn
from roarbench.benchmark.networks.classifiers import Preprocessed, Standardize
from roarbench.datasets.base import Split

NESTED = ("state_dict", "model_state_dict", "model")
"""Where checkpoints keep the weights among other things."""

PREFIXES = ("module.", "_orig_mod.")
"""What wrappers of torch put before the names of all weights."""

CODE = "Unsupported global"
"""What torch says of files that hold more than weights."""

SHOWN = 3
"""Names of weights that an error shows."""

Restore = Callable[[nn.Module], None]
"""Fills a fresh network with trained weights."""


@runtime_checkable
class Classifier(Protocol):
    """A classifier by name: builds a fresh network."""

    def __call__(self, feature_shape: Sequence[int], num_classes: int) -> nn.Module:
        """See `classifiers`."""
        ...


@runtime_checkable
class Trainer(Protocol):
    """A training of the user's own, by dotted path."""

    def __call__(self, network: nn.Module, split: Split, seed: int) -> object:
        """Trains a fresh network in place.

        Args:
            network: inputs in [0, 1] -> logits, on the device of the split; preprocessing is its first layer.
            split: what it is trained on; features are removed already.
        """
        ...


class Resized(nn.Module):
    """Images at the size that a network was made for."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def forward(self, inputs: Tensor) -> Tensor:
        """`(b, c, h, w)` -> `(b, c, size, size)`, bilinear."""
        return F.interpolate(inputs, (self.size, self.size), mode="bilinear", antialias=True)


def trained(
    feature_shape: Sequence[int],
    num_classes: int,
    *,
    build: Classifier,
    weights: Path,
    recipe: Trainer | None = None,
    mean: str = "0",
    std: str = "1",
    size: int = 0,
) -> nn.Module:
    """Your own trained network: it is explained with its weights, and retrained from fresh ones.

    Args:
        build: a classifier by name, such as "cnn_small" or "my_file:net"; builds a network with fresh weights.
        weights: its state dict, as .safetensors or as torch.save writes it; pickled code is never run.
        recipe: "my_file:train", a function of network, split and seed that retrains it; by default the recipe of the
            run does.
        mean: what is subtracted from inputs in [0, 1] first, one number or one for each channel: "0.49 0.48 0.45".
        std: what they are divided by then.
        size: side in pixels that images are resized to; 0 leaves them as they are.

    Raises:
        ValueError: a mean, std or size that does not fit the images, or a build that takes weights itself.
    """
    if hasattr(getattr(build, "func", build), "restore"):
        example = "torchvision[model=resnet18,weights=net.pt]"
        raise ValueError(f"build makes a network of a library, which takes weights itself; write {example}")
    layers = [Resized(size)] if size else []
    preprocessing = Standardize.by(numbers("mean", mean, feature_shape), numbers("std", std, feature_shape))
    return Preprocessed(preprocessing, nn.Sequential(*layers, build(feature_shape, num_classes)))


def restore_from_file(network: nn.Module, *, weights: Path, build: Any = None, **_: object) -> None:
    """Fills a network of `trained` with the weights of its file.

    Raises:
        ValueError: a file that is not there or holds no weights, or weights of another network.
    """
    fill(network[1][-1], state_of(weights), weights)  # type: ignore[index]


trained.restore = restore_from_file  # type: ignore[attr-defined]


def restoring(identity: PlugIn) -> Restore | None:
    """What fills a network of a classifier with trained weights; None where the classifier is trained by the run."""
    bound = built(identity, "classifier")
    restore = getattr(bound.func, "restore", None)
    if restore is None or bound.keywords.get("weights", "") is None:
        return None
    return lambda network: restore(network, **bound.keywords)


def trainer(identity: PlugIn) -> Trainer | None:
    """The training that a classifier brings along, if any."""
    recipe = dict(identity.parameters).get("recipe")
    return built(recipe, "trainer") if isinstance(recipe, PlugIn) else None


def state_of(path: Path) -> Mapping[str, Tensor]:
    """The weights in a file, by name.

    Raises:
        ValueError: it is not there, is damaged, or holds something else.
    """
    if not path.is_file():
        raise ValueError(f"weights must be a file, got {path}, which is not there")
    try:
        state = load_file(path) if path.suffix == ".safetensors" else torch.load(path, "cpu", weights_only=True)
    except (SafetensorError, UnpicklingError, RuntimeError, EOFError, OSError) as error:
        if CODE in str(error):
            remedy = "save network.state_dict() instead of the network"
            raise ValueError(f"weights {path} hold pickled code, which is never run; {remedy}") from None
        raise ValueError(f"weights {path} cannot be read: {type(error).__name__}, no file of weights") from error
    return _plain(state, path)


def fill(network: nn.Module, state: Mapping[str, Tensor], path: Path) -> None:
    """Fills a network with weights that have exactly its names and shapes.

    Raises:
        ValueError: they do not.
    """
    own = network.state_dict()
    problems = {
        "lack": [name for name in own if name not in state],
        "have unknown": [name for name in state if name not in own],
        "have another shape of": [n for n in own if n in state and own[n].shape != state[n].shape],
    }
    if lines := [f"{verb} {_few(names)}" for verb, names in problems.items() if names]:
        raise ValueError(f"weights {path} do not fit the network that build makes: they {'; they '.join(lines)}")
    network.load_state_dict(state)


def numbers(name: str, text: str, feature_shape: Sequence[int]) -> Tensor:
    """Constants of preprocessing: "0.49 0.48 0.45" -> `(3, 1, 1)`; for rows `(d,)`.

    Args:
        name: "mean" or "std", for the message.

    Raises:
        ValueError: words, a count that does not fit the channels, or a std that is not positive.
    """
    try:
        values = torch.tensor([float(word) for word in text.replace(",", " ").split()])
    except ValueError:
        raise ValueError(f"{name} must be numbers, one or one for each channel, got {text!r}") from None
    channels = feature_shape[0]
    if len(values) not in (1, channels) and channels != 1:
        raise ValueError(f"{name} must be one number or one for each of {channels} channels, got {len(values)}")
    if name == "std" and not (values > 0).all():
        raise ValueError(f"std must be positive, got {text}")
    return values.view(-1, *[1] * (len(feature_shape) - 1))


def _plain(state: object, path: Path) -> Mapping[str, Tensor]:
    """A checkpoint without what surrounds the weights."""
    nested = next((state[name] for name in NESTED if isinstance(state, Mapping) and name in state), state)
    if not (isinstance(nested, Mapping) and nested and all(isinstance(v, Tensor) for v in nested.values())):
        raise ValueError(f"weights {path} must hold a state dict, names and tensors, got {type(nested).__name__}")
    weights = {str(name): value for name, value in nested.items()}
    for prefix in PREFIXES:
        if all(name.startswith(prefix) for name in weights):
            weights = {name.removeprefix(prefix): value for name, value in weights.items()}
    return weights


def _few(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
