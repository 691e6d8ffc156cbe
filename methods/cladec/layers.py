"""Layers of any classifier by name, what they put out (codes), and their encoders with fresh weights."""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from math import prod

import torch
from jaxtyping import Float
from torch import Tensor, nn

from roarbench.datasets.base import Split
from roarbench.hns.seeker import keras_initialised
from roarbench.methods.cladec.decoders import Shape

CHUNK = 128
"""Images that pass a network together where nothing is learned: activations of more would not fit in the cache."""


class _Reached(Exception):  # noqa: N818  (not an error: the rest of the network is not needed)
    """Carries the output of a layer out of a network."""

    def __init__(self, code: Tensor) -> None:
        super().__init__()
        self.code = code


@contextmanager
def frozen(classifier: nn.Module) -> Iterator[nn.Module]:
    """Within it a classifier is in eval mode and none of its weights gathers gradients; afterwards it is as before."""
    modes = {module: module.training for module in classifier.modules()}
    learning = [parameter for parameter in classifier.parameters() if parameter.requires_grad]
    classifier.eval()
    for parameter in learning:
        parameter.requires_grad_(False)
    try:
        yield classifier
    finally:
        for module, mode in modes.items():
            module.training = mode
        for parameter in learning:
            parameter.requires_grad_()


def layers(classifier: nn.Module, example: Float[Tensor, "1 *feature"]) -> dict[str, Shape]:
    """Layers that can be explained, in the order in which they work, with the shape of their codes.

    Containers (nn.Sequential) are their last layers, and left out; so is what does not put out vectors or maps.
    """
    shapes: dict[str, Shape] = {}

    def note(name: str, output: object) -> None:
        if isinstance(output, Tensor) and output.ndim in (2, 4):
            shapes.setdefault(name, tuple(output.shape[1:]))

    handles = [
        module.register_forward_hook(lambda _, __, output, name=name: note(name, output))
        for name, module in classifier.named_modules()
        if name and type(module) is not nn.Sequential
    ]
    try:
        with frozen(classifier), torch.no_grad():
            classifier(example)
    finally:
        for handle in handles:
            handle.remove()
    return shapes


def located(classifier: nn.Module, layer: str, example: Float[Tensor, "1 *feature"]) -> str:
    """The dotted name of the module that a name of a layer stands for.

    Besides dotted names there are conv, the output of the last convolutional block, pooled where it is, and dense, what
    the last linear layer sees.

    Raises:
        ValueError: there is none.
    """
    shapes = layers(classifier, example)
    if layer in shapes:
        return layer
    aliases = {"conv": _last_maps(classifier, shapes), "dense": _last_seen(classifier, shapes)}
    words = {word: path for word, path in aliases.items() if path}
    if layer not in words:
        raise ValueError(f"layer must be one of {', '.join([*words, *shapes])} in this classifier, got {layer!r}")
    return words[layer]


def reached(network: nn.Module, path: str, inputs: Float[Tensor, "b *feature"]) -> Float[Tensor, "b *code"]:
    """The output of one layer; what comes after it does not run."""

    def stop(_: nn.Module, __: object, output: Tensor) -> None:
        raise _Reached(output)

    handle = network.get_submodule(path).register_forward_hook(stop)
    try:
        network(inputs)
    except _Reached as signal:
        return signal.code
    finally:
        handle.remove()
    raise ValueError(f"layer {path} does not work on these inputs; take another one")


@torch.no_grad()
def codes(classifier: nn.Module, path: str, inputs: Float[Tensor, "b *feature"]) -> Float[Tensor, "b *code"]:
    """The output of a layer of the classifier in eval mode: dropout is off and batch norm keeps its statistics."""
    with frozen(classifier):
        return reached(classifier, path, inputs)


def codes_of(classifier: nn.Module, path: str, split: Split) -> Float[Tensor, "n *code"]:
    """The codes of all examples."""
    return torch.cat([codes(classifier, path, chunk.inputs) for chunk in split.chunks(CHUNK)])


class Encoder(nn.Module):
    """The layers of a classifier up to one of them, with fresh weights and without dropout; all of it learns.

    Weights start as those of Keras do, running statistics as new. What is no layer with weights, such as
    standardisation, stays as it is, and so do weights that the classifier itself never learned, beside which biases may
    be fresh; of a classifier that is frozen as a whole all learn.
    """

    def __init__(self, classifier: nn.Module, path: str, example: Float[Tensor, "1 *feature"]) -> None:
        super().__init__()
        self.path, self.network = path, deepcopy(classifier)
        if not any(parameter.requires_grad for parameter in classifier.parameters()):
            self.network.requires_grad_()
        names = _working(self.network, path, example)
        for name, module in [*self.network.named_modules()]:
            if not any(module.children()) and name not in names:
                self.network.set_submodule(name, nn.Identity())
        for module in self.network.modules():
            if isinstance(module, nn.modules.dropout._DropoutNd):
                module.p = 0.0
        _refresh(self.network.cpu())  # so that every device draws the same
        self.network.to(example.device)

    def forward(self, inputs: Float[Tensor, "b *feature"]) -> Float[Tensor, "b *code"]:
        """The code of the layer."""
        return reached(self.network, self.path, inputs)


def _last_maps(classifier: nn.Module, shapes: dict[str, Shape]) -> str | None:
    """The last maps before they are flattened or averaged to one pixel."""
    maps = [
        name for name, shape in shapes.items()
        if len(shape) == 3 and not isinstance(classifier.get_submodule(name), nn.AdaptiveAvgPool2d)
    ]  # fmt: skip
    convolutions = [name for name in maps if isinstance(classifier.get_submodule(name), nn.Conv2d)]
    return maps[-1] if convolutions else None


def _last_seen(classifier: nn.Module, shapes: dict[str, Shape]) -> str | None:
    """The last layer with as many values as the last linear one takes: a vector, or maps if no module flattens them."""
    names = [*shapes]
    linear = [i for i, name in enumerate(names) if isinstance(classifier.get_submodule(name), nn.Linear)]
    if not linear:
        return None
    width = classifier.get_submodule(names[linear[-1]]).in_features
    return next((name for name in reversed(names[: linear[-1]]) if prod(shapes[name]) == width), None)


def _working(network: nn.Module, path: str, example: Float[Tensor, "1 *feature"]) -> set[str]:
    """Names of the modules that work before a layer is reached, it included."""
    names: set[str] = set()
    handles = [
        module.register_forward_pre_hook(lambda _, __, name=name: names.add(name))
        for name, module in network.named_modules()
    ]
    codes(network, path, example)
    for handle in handles:
        handle.remove()
    return names


@torch.no_grad()
def _refresh(network: nn.Module) -> None:
    """Resets parameters and running statistics, and puts back what the classifier never learned.

    Raises:
        ValueError: a module cannot forget what it learned.
    """
    for name, module in network.named_modules():
        own = [*module.parameters(recurse=False), *module.buffers(recurse=False)]
        reset = getattr(module, "reset_parameters", None)
        if not callable(reset) and any(parameter.requires_grad for parameter in module.parameters(recurse=False)):
            raise ValueError(
                f"classifier: {name or 'it'} ({type(module).__name__}) keeps learned weights in its reference; "
                "give that module a method reset_parameters"
            )
        if own and callable(reset):
            fixed = [parameter for parameter in module.parameters(recurse=False) if not parameter.requires_grad]
            copies = [parameter.clone() for parameter in fixed]
            reset()
            if isinstance(module, nn.Conv2d | nn.Linear):
                keras_initialised(nn.Sequential(module))
            for parameter, value in zip(fixed, copies, strict=True):
                parameter.copy_(value)
