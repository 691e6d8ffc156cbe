"""What a classifier must be, checked before work starts: float32 logits of all classes, and weights drawn anew."""

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor, nn

from roarbench.benchmark.matrix.recipe import Recipe
from roarbench.benchmark.matrix.spec import PlugIn
from roarbench.benchmark.networks.airbench import Whitening
from roarbench.benchmark.networks.brought import restoring
from roarbench.benchmark.networks.classifiers import classifier
from roarbench.benchmark.networks.training import train
from roarbench.benchmark.randomness import seeded
from roarbench.datasets.base import Split

FEW_VALUES = 2
"""Weights of so many values are no draws: zeros, ones, the two of a Dirac kernel. Two networks may share them."""


def rehearse_training(identity: PlugIn, few: Split, num_classes: int, recipe: Recipe, *, batch_size: int) -> None:
    """Builds a classifier under two seeds, looks at what it answers, and trains it for one step.

    Trained weights that a classifier brings along are loaded first.

    Args:
        few: two examples, or one where there are no more.
        batch_size: examples of the step; as few as the smallest batch of a run has.

    Raises:
        ValueError: it breaks the contract.
        Exception: whatever goes wrong in a network that is the user's.
    """
    network, other = (_fresh(identity, few, num_classes, draw) for draw in range(2))
    if not any(True for _ in network.parameters()):
        raise ValueError("must have parameters to train, got none")
    _require_float32(network[1])
    _require_draws(network[1], other[1])
    if restore := restoring(identity):
        restore(network)  # weights that do not fit are found before work starts
    with torch.no_grad():
        require_logits(network.eval()(few.inputs), (len(few), num_classes))
    _require_open_end(network, few.inputs)
    batch = few.at(torch.arange(min(batch_size, len(few))))
    try:
        with torch.no_grad():
            require_logits(other.train()(batch.inputs), (len(batch), num_classes), when=" in training mode")
        train(network, batch, replace(recipe, epochs=1), pairing=("rehearsal",))
    except ValueError as error:
        if len(batch) > 1 or "more than 1 value" not in str(error):
            raise
        raise ValueError(f"batch norm cannot train on batches of one example: {error}; raise batch_size") from error


def require_logits(answers: object, shape: tuple[int, int], *, when: str = "") -> None:
    """Checks what a network returns for a batch.

    Args:
        shape: examples and classes.
        when: in which mode, for the message.

    Raises:
        ValueError: it is no float32 tensor of that shape, or holds probabilities.
    """
    requirement = f"must return logits {shape}"
    if not isinstance(answers, Tensor):
        raise ValueError(f"{requirement}, got {_described(answers, when)}")
    if tuple(answers.shape) != shape:
        problem = f"{shape} logits needed, got {tuple(answers.shape)}{when}"
        raise ValueError(f"{problem}; return one column for each of the {shape[1]} classes")
    if answers.dtype != torch.float32:
        raise ValueError(f"{requirement} of torch.float32, got {answers.dtype}{when}")
    if not answers.isfinite().all():
        raise ValueError(f"must return finite logits, got NaN or infinity{when} from an untrained network")
    if (answers >= 0).all() and (answers.sum(1) - 1).abs().max() < 1e-4:
        raise ValueError(f"must return logits, got probabilities{when}; leave the softmax out")


def _require_open_end(network: nn.Module, inputs: Tensor) -> None:
    """Raises ValueError where the last step of a network is a softmax or a sigmoid."""
    last = network(inputs).grad_fn
    if last is not None and last.name().startswith(("Softmax", "Sigmoid")):
        raise ValueError("must return logits, got probabilities; leave the softmax or sigmoid out")


def _fresh(identity: PlugIn, few: Split, num_classes: int, draw: int) -> nn.Sequential:
    with seeded("rehearsal", draw):
        return classifier(identity, few.inputs, num_classes).to(few.inputs.device)


def _described(answers: object, when: str) -> str:
    """What came instead of a tensor, and what to do."""
    kind = type(answers).__name__
    if answers is None:
        return f"None{when}; end forward with return"
    if isinstance(answers, Mapping):
        key = "logits" if "logits" in answers else next(iter(answers), "logits")
        return f"{kind} with the keys {', '.join(map(str, answers))}{when}; return out['{key}']"
    if isinstance(answers, tuple | list):
        return f"{kind} of {len(answers)}{when}; return the logits alone"
    return kind + when


def _require_float32(network: nn.Module) -> None:
    for name, weight in network.named_parameters():
        if weight.is_floating_point() and weight.dtype != torch.float32:
            raise ValueError(f"must have weights of torch.float32, got {weight.dtype} in {name}; end with .float()")


def _draws(module: nn.Module) -> bool:
    """Whether a layer draws its weights when it is built."""
    return hasattr(module, "reset_parameters") or hasattr(module, "_reset_parameters")


def _require_draws(network: nn.Module, other: nn.Module) -> None:
    """Checks that two seeds give two networks: what starts from trained weights is not retrained from scratch.

    Frozen weights count, too, but for those that are fitted to the images of every training. Parameters that are no
    weights of layers, such as a table of positions, may begin with the same values.
    """
    whitening_weights = {id(weight) for m in network.modules() if isinstance(m, Whitening) for weight in m.parameters()}
    random_weights = {id(weight) for m in network.modules() if _draws(m) for weight in m.parameters(recurse=False)}
    same = {
        name: weight
        for (name, weight), again in zip(network.named_parameters(), other.parameters(), strict=False)
        if id(weight) not in whitening_weights and torch.equal(weight, again) and len(weight.unique()) > FEW_VALUES
    }
    if any(id(weight) in random_weights for weight in same.values()) or (
        same and len(same) == len([*network.parameters()])
    ):
        first = next(iter(same))
        more = f" and {len(same) - 1} more" if len(same) > 1 else ""
        reason = f"the weights of {first}{more} are the same in two fresh networks"
        raise ValueError(f"retraining would not begin from scratch: {reason}; draw new weights at every call")
