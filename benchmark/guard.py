"""What an explainer must leave as it was: the state of the process, the classifier, and what it is given."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from methods.adapting import as_tensor
from methods.base import AttributionFunction

Setting = tuple[Callable[[], Any], Callable[[Any], object]]

SETTINGS: dict[str, Setting] = {
    "the gradient mode": (torch.is_grad_enabled, torch.set_grad_enabled),
    "the default dtype": (torch.get_default_dtype, torch.set_default_dtype),
    "the number of threads": (torch.get_num_threads, torch.set_num_threads),
    "deterministic mode": (torch.are_deterministic_algorithms_enabled, torch.use_deterministic_algorithms),
    "the current folder": (Path.cwd, os.chdir),
}
"""Of the process: how each is read and set. Results of others must not depend on who worked before them."""

HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")


@contextmanager
def preserved() -> Iterator[None]:
    """Restores the settings of the process after the block, whatever happened in it."""
    before = {name: read() for name, (read, _) in SETTINGS.items()}
    try:
        yield
    finally:
        for name in _changed(before):
            SETTINGS[name][1](before[name])


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
        before, modes, hooks = {n: read() for n, (read, _) in SETTINGS.items()}, _modes(network), _hooks(network)
        yield
        changed = [f"{n} from {value} to {now}" for n, (value, now) in _changed(before).items()]
        changed += ["the training mode of the classifier"] * (_modes(network) != modes)
        changed += ["hooks of the classifier"] * (_hooks(network) != hooks)
    if changed:
        raise ValueError(f"{name} must leave everything as it was, but changed {', '.join(changed)}; restore it")


@contextmanager
def same_weights(name: str, network: nn.Module) -> Iterator[None]:
    """Raises ValueError where an explainer changed weights, buffers or what of them needs gradients."""
    before = _weights(network)
    yield
    after = _weights(network)
    changed = [part for part in before if after.get(part) != before[part]] + [p for p in after if p not in before]
    if changed:
        raise ValueError(
            f"{name} must leave the classifier as it was, but changed {changed[0]}; work on copy.deepcopy(classifier)"
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
        given = {"inputs": inputs.clone(), "targets": targets.clone()}
        with untouched(self.name, self.network):
            passed = self.attribute(given["inputs"], given["targets"])
        for argument, value in (("inputs", inputs), ("targets", targets)):
            if not torch.equal(given[argument], value):
                raise ValueError(f"{self.name} must not change its {argument}; work on a copy: {argument}.clone()")
        return as_tensor(passed, inputs.device, self.name)


def _changed(before: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    now = {name: SETTINGS[name][0]() for name in before}
    return {name: (value, now[name]) for name, value in before.items() if now[name] != value}


def _modes(network: nn.Module) -> list[bool]:
    return [module.training for module in network.modules()]


def _hooks(network: nn.Module) -> list[list[int]]:
    every = [[*hooks] for hooks in _hooks_of_every_module()]
    return every + [[key for hooks in HOOKS for key in getattr(module, hooks)] for module in network.modules()]


def _hooks_of_every_module() -> list[dict[int, Any]]:
    return [getattr(torch.nn.modules.module, f"_global{hooks}") for hooks in HOOKS]


def _weights(network: nn.Module) -> dict[str, tuple[object, ...]]:
    """A fingerprint of each parameter and buffer, by name; versions alone miss what is written through `data`."""
    named = (*network.named_parameters(), *network.named_buffers())
    return {name: (value.requires_grad, value._version, *_sums(value.detach())) for name, value in named}


def _sums(value: Tensor) -> tuple[float, float]:
    wide = value.double()
    return float(wide.sum()), float(wide.abs().sum())
