"""What an explainer must leave as it was: the state of the process, the classifier, and what it is given.

What every module of the process shares is put back (`SETTINGS`, hooks of all modules, forward methods of classes); the
network and the data of an explainer that fails are not used again.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from roarbench.methods.adapting import as_tensor
from roarbench.methods.base import AttributionFunction

Setting = tuple[Callable[[], Any], Callable[[Any], object]]

SETTINGS: dict[str, Setting] = {
    "the gradient mode": (torch.is_grad_enabled, torch.set_grad_enabled),
    "the default dtype": (torch.get_default_dtype, torch.set_default_dtype),
    "the number of threads": (torch.get_num_threads, torch.set_num_threads),
    "deterministic mode": (torch.are_deterministic_algorithms_enabled, torch.use_deterministic_algorithms),
    "the default device": (torch.get_default_device, torch.set_default_device),
    "inference mode": (torch.is_inference_mode_enabled, lambda value: _entered(value)),
    "the current folder": (Path.cwd, os.chdir),
}
"""Of the process: how each is read and set. Results of others must not depend on who worked before them."""

ENTERED: list[torch.inference_mode] = []
"""Inference modes that were set: each holds as long as it is kept."""

HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")


@contextmanager
def preserved() -> Iterator[None]:
    """Restores the settings of the process after the block, whatever happened in it."""
    before = {name: read() for name, (read, _) in SETTINGS.items()}
    shared, forwards = _shared_hooks(), _forwards()
    try:
        yield
    finally:
        for name in _changed(before):
            SETTINGS[name][1](before[name])
        for hooks, keys in zip(_global_hooks(), shared, strict=True):
            for key in [key for key in hooks if key not in keys]:
                del hooks[key]
        for kind in _patched(forwards):
            _give_back(kind, forwards[kind])


@contextmanager
def untouched(name: str, network: nn.Module) -> Iterator[None]:
    """Runs an explainer, which must leave the process and the classifier as they were; settings are restored.

    Args:
        name: of the explainer, as written.
        network: the classifier.

    Raises:
        ValueError: something was changed.
    """
    with preserved():
        before, forwards = {n: read() for n, (read, _) in SETTINGS.items()}, _forwards()
        modes, hooks, shared = _modes(network), _hooks(network), _shared_hooks()
        try:
            yield
        except OSError as error:  # its own, such as a full disk, which must not end the run
            raise ValueError(f"{name}: {type(error).__name__}: {error}") from error
        differences = [f"{n} from {value} to {now}" for n, (value, now) in _changed(before).items()]
        differences += [f"the forward method of {kind.__name__}" for kind in _patched(forwards)]
        differences += ["the training mode of the classifier"] * (_modes(network) != modes)
        differences += ["hooks or forward methods of the classifier"] * (_hooks(network) != hooks)
        differences += ["hooks of all modules"] * (_shared_hooks() != shared)
    if differences:
        raise ValueError(f"{name} must leave everything as it was, but changed {', '.join(differences)}; restore it")


@contextmanager
def same_weights(name: str, network: nn.Module) -> Iterator[None]:
    """Raises ValueError where an explainer changed weights, buffers or what of them needs gradients."""
    before = _weights(network)
    yield
    after = _weights(network)
    parts = [part for part in before if after.get(part) != before[part]] + [p for p in after if p not in before]
    if parts:
        raise ValueError(
            f"{name} must leave the classifier as it was, but changed {parts[0]}; work on copy.deepcopy(classifier)"
        )


@dataclass(frozen=True)
class Guarded:
    """An attribution function that gets copies of its inputs, and is watched at every call.

    Attributes:
        attribute: the function itself, which may have more, such as masks of its own.
    """

    attribute: AttributionFunction
    name: str
    network: nn.Module

    def __call__(self, inputs: Float[Tensor, "b *feature"], targets: Int[Tensor, "b"]) -> Tensor:
        """What the function makes of the inputs, as a tensor without a gradient.

        Raises:
            ValueError: the function changed the process, the classifier, its inputs or its targets, or returned no
                tensor of real numbers.
        """
        arguments = {"inputs": inputs.clone(), "targets": targets.clone()}
        with untouched(self.name, self.network):
            attributions = self.attribute(arguments["inputs"], arguments["targets"])
        for argument, value in (("inputs", inputs), ("targets", targets)):
            if not torch.equal(arguments[argument], value):
                raise ValueError(f"{self.name} must not change its {argument}; work on a copy: {argument}.clone()")
        return as_tensor(attributions, inputs.device, self.name)

    def at(self, split: str, index: Int[Tensor, "b"], device: torch.device) -> Tensor:
        """What a function that knows examples by their positions says of some, as a tensor on a device."""
        return as_tensor(self.attribute.at(split, index), device, self.name)  # type: ignore[attr-defined]

    def hide(self, inputs: Float[Tensor, "b *feature"]) -> tuple[Tensor, Tensor]:
        """Masks and logits of an explainer with masks of its own, which gets a copy of the inputs.

        Raises:
            ValueError: it changed the process or the classifier.
        """
        with untouched(self.name, self.network):
            return self.attribute.hide(inputs.clone())  # type: ignore[attr-defined]

    @property
    def notes(self) -> Mapping[str, float]:
        """What an explainer with masks of its own says of its training."""
        return self.attribute.notes  # type: ignore[attr-defined]


def _changed(before: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    now = {name: SETTINGS[name][0]() for name in before}
    return {name: (value, now[name]) for name, value in before.items() if now[name] != value}


def _modes(network: nn.Module) -> list[bool]:
    return [module.training for module in network.modules()]


def _hooks(network: nn.Module) -> list[list[object]]:
    """Keys of the hooks of each module, and its own forward method, where one hides that of its class."""
    return [
        [*(key for hooks in HOOKS for key in getattr(module, hooks)), vars(module).get("forward")]
        for module in network.modules()
    ]


def _global_hooks() -> list[dict[int, Any]]:
    return [getattr(torch.nn.modules.module, f"_global{hooks}") for hooks in HOOKS]


def _shared_hooks() -> list[list[int]]:
    return [[*hooks] for hooks in _global_hooks()]


def _forwards() -> dict[type[nn.Module], Any]:
    """Every class of modules that is known by now -> the forward method of its own, if any."""
    kinds, todo = {}, [nn.Module]
    while todo:
        kind = todo.pop()
        if kind not in kinds:
            kinds[kind] = vars(kind).get("forward")
            todo += kind.__subclasses__()
    return kinds


def _patched(before: dict[type[nn.Module], Any]) -> list[type[nn.Module]]:
    """Classes whose own forward method was another one; later classes do not count."""
    return [kind for kind, forward in before.items() if vars(kind).get("forward") is not forward]


def _give_back(kind: type[nn.Module], forward: Any) -> None:
    if forward is None:
        del kind.forward
    else:
        kind.forward = forward


def _entered(value: bool) -> None:
    ENTERED.append(torch.inference_mode(value))
    ENTERED[-1].__enter__()


def _weights(network: nn.Module) -> dict[str, tuple[object, ...]]:
    """A fingerprint of each parameter and buffer, by name; versions alone miss what is written through `data`."""
    tensors = (*network.named_parameters(), *network.named_buffers())
    return {name: (value.requires_grad, value._version, *_sums(value.detach())) for name, value in tensors}


def _sums(value: Tensor) -> tuple[float, ...]:
    wide = value.double().flatten()
    places = torch.arange(1, len(wide) + 1, device=wide.device, dtype=wide.dtype)  # so that order counts
    return float(wide.sum()), float(wide.abs().sum()), float(wide @ places)
