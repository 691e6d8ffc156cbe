"""Networks of torchvision, timm and transformers by name: fresh, or with weights of a file or of the library."""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from roarbench.benchmark.networks.brought import Resized, Trainer, fill, numbers, state_of
from roarbench.benchmark.networks.classifiers import Preprocessed, Standardize, require_images
from roarbench.benchmark.networks.packages import (
    State,
    hf_constants,
    hf_network,
    hf_state,
    is_file,
    renamed,
    timm_network,
    timm_state,
    torchvision_constants,
    torchvision_network,
    torchvision_state,
    written,
)


class Preprocessing(NamedTuple):
    """What comes before a network.

    Attributes:
        mean: subtracted from inputs in [0, 1], one number or three; empty for that of the training data.
        std: what they are divided by then; empty as for the mean.
        size: side in pixels that images are resized to; 0 leaves them as they are.
    """

    mean: str
    std: str
    size: int


class ThreeChannels(nn.Module):
    """Grey images as coloured ones; coloured ones stay as they are."""

    def forward(self, inputs: Tensor) -> Tensor:
        """`(b, 1, h, w)` or `(b, 3, h, w)` -> `(b, 3, h, w)`."""
        return inputs.expand(-1, 3, -1, -1)


class Logits(nn.Module):
    """Logits alone, where a network returns them among other things."""

    def forward(self, outputs: Any) -> Tensor:
        """A tensor as it is; of a named tuple or a dictionary its `logits`."""
        return outputs.logits if isinstance(outputs, tuple | Mapping) else outputs  # type: ignore[union-attr]


def torchvision(
    feature_shape: Sequence[int],
    num_classes: int,
    *,
    model: str,
    weights: Path | None = None,
    recipe: Trainer | None = None,
    mean: str = "",
    std: str = "",
    size: int = 0,
) -> nn.Module:
    """A classifier of torchvision, such as "resnet18"; residual networks take images from 32 pixels on.

    Args:
        model: name of a classifier in `torchvision.models`.
        weights: a file with a state dict, or a name of torchvision such as "DEFAULT" or "IMAGENET1K_V1"; without,
            the run trains a fresh network.
        recipe: "my_file:train", which trains fresh networks instead of the recipe of the run; see `trained`.
        mean: what is subtracted from inputs in [0, 1] first, one number or three. By default that of torchvision
            where there are weights, else that of the training data.
        std: what they are divided by then, with defaults as for the mean.
        size: side in pixels that images are resized to; 0 leaves them as they are.

    Raises:
        ValueError: a model or weights that torchvision does not have, or images that the network cannot take.
    """
    network = torchvision_network(model, num_classes)
    library = torchvision_constants(model, weights) if weights else None
    return _assembled("torchvision", network, feature_shape, _completed(Preprocessing(mean, std, size), library))


def timm(
    feature_shape: Sequence[int],
    num_classes: int,
    *,
    model: str,
    weights: Path | None = None,
    recipe: Trainer | None = None,
    mean: str = "",
    std: str = "",
    size: int = 0,
) -> nn.Module:
    """A classifier of timm, such as "vit_tiny_patch16_224"; needs the extra timm.

    Args:
        model: name of a model of timm.
        weights: a file with a state dict, or "pretrained"; without, the run trains a fresh network.
        recipe: "my_file:train", which trains fresh networks instead of the recipe of the run; see `trained`.
        mean: what is subtracted from inputs in [0, 1] first, one number or three. By default that of the model where
            there are weights, else that of the training data.
        std: what they are divided by then, with defaults as for the mean.
        size: side in pixels that images are resized to; 0 leaves them as they are.

    Raises:
        ValueError: timm is not installed or does not know the model, or images that the network cannot take.
    """
    network = timm_network(model, num_classes, pretrained=False)
    library = written(network.pretrained_cfg) if weights else None
    return _assembled("timm", network, feature_shape, _completed(Preprocessing(mean, std, size), library))


def hf(
    feature_shape: Sequence[int],
    num_classes: int,
    *,
    model: Path,
    weights: Path | None = None,
    recipe: Trainer | None = None,
    mean: str = "",
    std: str = "",
    size: int = 0,
) -> nn.Module:
    """An image classifier of transformers, such as "google/vit-base-patch16-224"; needs the extra hf.

    Args:
        model: name of a model on the hub, or a folder with its config.json.
        weights: a file with a state dict, or "pretrained" for those of the model; without, the run trains a fresh
            network.
        recipe: "my_file:train", which trains fresh networks instead of the recipe of the run; see `trained`.
        mean: what is subtracted from inputs in [0, 1] first, one number or three. By default that of the model where
            there are weights, else that of the training data.
        std: what they are divided by then, with defaults as for the mean.
        size: side in pixels that images are resized to; 0 leaves them as they are.

    Raises:
        ValueError: transformers is not installed or cannot find the model, or images that the network cannot take.
    """
    network = hf_network(model, num_classes)
    library = hf_constants(model) if weights else None
    return _assembled("hf", network, feature_shape, _completed(Preprocessing(mean, std, size), library))


def _restoring(
    read: Callable[[str, str], State], rename: Callable[[Any, State], State] = lambda _, state: state
) -> Callable[..., None]:
    """What fills a network of a library with trained weights.

    Args:
        read: model and name of weights -> the weights.
        rename: the network and weights of a file -> these by the names that the network has.
    """

    def restore(network: nn.Module, *, model: str | Path, weights: Path, **_: object) -> None:
        state = state_of(weights) if is_file(weights) else read(str(model), str(weights))
        inner = network[1].network  # type: ignore[index]
        _require_head(inner.state_dict(), state, weights)
        fill(inner, rename(inner, state), weights)

    return restore


torchvision.restore = _restoring(torchvision_state)  # type: ignore[attr-defined]
timm.restore = _restoring(timm_state)  # type: ignore[attr-defined]
hf.restore = _restoring(hf_state, renamed)  # type: ignore[attr-defined]


def _require_head(own: State, state: State, weights: Path) -> None:
    """Raises ValueError where weights fit a network in all but the number of classes."""
    differing = [name for name in own if name in state and own[name].shape != state[name].shape]
    counts = {(len(state[n]), len(own[n])) for n in differing if own[n].shape[1:] == state[n].shape[1:]}
    alike = all(own[name].shape[1:] == state[name].shape[1:] for name in differing)
    if len(counts) == 1 and alike:
        (theirs, ours), *_ = counts
        remedy = f"train a head of {ours} classes first and give the file of that, or leave weights out"
        raise ValueError(f"weights {weights} have {theirs} classes, the data have {ours}: {remedy}")


def _assembled(name: str, network: nn.Module, feature_shape: Sequence[int], before: Preprocessing) -> nn.Module:
    """A network with what comes before and behind it; its part `network` is that of the library.

    Raises:
        ValueError: the images do not fit.
    """
    require_images(feature_shape, name)
    if feature_shape[0] not in (1, 3):
        raise ValueError(f"{name} needs images of 1 or 3 channels, got {feature_shape[0]}")
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    layers |= {"channels": ThreeChannels()} if feature_shape[0] == 1 else {}
    layers |= {"resized": Resized(before.size)} if before.size else {}
    layers |= {"network": network}
    layers |= {"logits": Logits()} if name == "hf" or hasattr(network, "aux_logits") else {}
    body = nn.Sequential(layers)
    _require_fit(name, body, feature_shape)
    if not (before.mean or before.std):
        return body
    mean, std = (numbers("mean", before.mean or "0", feature_shape), numbers("std", before.std or "1", feature_shape))
    return Preprocessed(Standardize.by(mean, std), body)


@torch.no_grad()
def _require_fit(name: str, body: nn.Module, feature_shape: Sequence[int]) -> None:
    """Raises ValueError where a network cannot take images of a shape."""
    try:
        body.eval()(torch.zeros(1, *feature_shape))
    except Exception as error:  # which one it is depends on the network
        reason = " ".join(str(error).split()) or type(error).__name__
        remedy = f"give {name}[size=...], the side in pixels that it was made for"
        raise ValueError(f"the network cannot take images {tuple(feature_shape)}; {remedy} ({reason})") from error
    body.train()


def _completed(given: Preprocessing, library: tuple[str, str] | None) -> Preprocessing:
    """Preprocessing with the constants of a library where none are given."""
    mean, std = library or ("", "")
    return given._replace(mean=given.mean or mean, std=given.std or std)
