"""Training a classifier from scratch, and measuring it. The same few lines serve originals and retrained networks."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from benchmark.augmentation import augmented
from benchmark.precision import products
from benchmark.randomness import generator
from benchmark.recipe import Recipe
from benchmark.stack import Stack, shape_of_one, stackable
from datasets.base import Split
from datasets.batches import batches


@dataclass(frozen=True)
class Score:
    """Accuracy in [0, 1] and mean cross-entropy in nats."""

    accuracy: float
    loss: float


def train(network: nn.Module, split: Split, recipe: Recipe, *, pairing: tuple[object, ...]) -> None:
    """Trains `network` in place and leaves it in eval mode.

    Args:
        network: freshly initialised, on the device of the split.
        pairing: what batch order and augmentation are drawn from; equal pairings see the same batches.

    Raises:
        ValueError: "least_squares" for a network that is not one linear layer, or no examples to train on.
    """
    if not len(split):
        raise ValueError("there are no training examples; lower validation or raise train in the data set")
    if recipe.optimiser == "least_squares":
        _least_squares(network, split)
    elif stacks(network, split, recipe):
        stack = train_stack(network, split.inputs[None], split.labels, recipe, pairing=pairing)
        stack.copy_to(network, 0)
    else:
        noise = generator("augmentation", *pairing)
        network.to(memory_format=torch.channels_last)  # convolutions are faster so

        def loss(batch: Int[Tensor, "b"]) -> Float[Tensor, ""]:
            seen = augmented(split.inputs[batch], recipe.augmentation, noise)
            logits = network(seen.contiguous(memory_format=torch.channels_last) if seen.ndim == 4 else seen)
            return F.cross_entropy(logits, split.labels[batch], label_smoothing=recipe.label_smoothing)

        _descend(network, len(split), loss, recipe, pairing)
    network.eval()


def stacks(network: nn.Module, split: Split, recipe: Recipe) -> bool:
    """Whether networks like this one are trained as a `Stack`, one or many, so that their number changes no number."""
    gradual = recipe.optimiser != "least_squares" and recipe.augmentation == "none"
    return gradual and stackable(network, tuple(split.inputs.shape[1:]))


def train_stack(
    network: nn.Module,
    inputs: Float[Tensor, "r n *feature"],
    labels: Int[Tensor, "n"],
    recipe: Recipe,
    *,
    pairing: tuple[object, ...],
) -> Stack:
    """Trains replicas of a fresh network, each on inputs of its own, with the same batches.

    Each comes out with the bits that it would have by itself.
    """
    stack = Stack(network, len(inputs))

    def loss(batch: Int[Tensor, "b"]) -> Float[Tensor, ""]:
        # Examples last: rows of a softmax in one block get bits that depend on the rows beside them.
        logits, expected = stack(inputs[:, batch]).transpose(1, 2).contiguous(), labels[batch].expand(len(inputs), -1)
        total = F.cross_entropy(logits, expected, label_smoothing=recipe.label_smoothing, reduction="sum")
        return total / len(batch)

    _descend(stack, len(labels), loss, recipe, pairing)
    return stack


def score(network: nn.Module, split: Split) -> Score:
    """Accuracy and loss of a network in eval mode; NaN on an empty split."""
    network.eval()
    with torch.no_grad():
        logits = [network(chunk.inputs) for chunk in split.chunks()]
    if not logits:
        return Score(math.nan, math.nan)
    joined = torch.cat(logits)
    hits = (joined.argmax(1) == split.labels).double().mean()
    return Score(hits.item(), F.cross_entropy(joined, split.labels).item())


def _descend(
    network: nn.Module,
    num_examples: int,
    loss: Callable[[Int[Tensor, "b"]], Float[Tensor, ""]],
    recipe: Recipe,
    pairing: tuple[object, ...],
) -> None:
    order = generator("batches", *pairing)
    device = next(network.parameters()).device
    optimiser = _optimiser(network, recipe)
    num_batches = len(batches(torch.arange(num_examples), recipe.batch_size))
    network.train()
    step = 0
    for _ in range(recipe.epochs):
        for batch in batches(torch.randperm(num_examples, generator=order).to(device), recipe.batch_size):
            for group in optimiser.param_groups:
                group["lr"] = recipe.learning_rate * _factor(step, recipe, num_batches)
            optimiser.zero_grad()
            with products(recipe.precision, device):
                total = loss(batch)
            total.backward()
            optimiser.step()
            step += 1


def _optimiser(network: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """Weight decay acts on matrices and kernels only; biases and normalisation layers are vectors."""
    decayed = [p for p in network.parameters() if len(shape_of_one(p)) > 1]
    free = [p for p in network.parameters() if len(shape_of_one(p)) <= 1]
    groups = [{"params": decayed, "weight_decay": recipe.weight_decay}, {"params": free, "weight_decay": 0.0}]
    if recipe.optimiser == "sgd":
        nesterov = recipe.momentum > 0
        return torch.optim.SGD(groups, recipe.learning_rate, momentum=recipe.momentum, nesterov=nesterov, fused=True)
    return torch.optim.Adam(groups, recipe.learning_rate, fused=True)


def _factor(step: int, recipe: Recipe, num_batches: int) -> float:
    """Multiplier of the learning rate at one step."""
    epoch = step / num_batches
    if recipe.schedule == "one_cycle":
        return _one_cycle(epoch / recipe.epochs)
    if epoch < recipe.warmup_epochs:
        return (step + 1) / (recipe.warmup_epochs * num_batches)
    if recipe.schedule == "steps":
        return 0.1 ** sum(epoch >= recipe.epochs * share for share in (1 / 3, 2 / 3, 8 / 9))
    return 1.0


def _one_cycle(progress: float, peak: float = 0.3) -> float:
    """From 1/25 to 1 and down to almost 0 along two half cosines (Smith & Topin, arXiv:1708.07120)."""
    if progress < peak:
        return 0.04 + 0.96 * (1 - math.cos(math.pi * progress / peak)) / 2
    return (1 + math.cos(math.pi * (progress - peak) / (1 - peak))) / 2


def _least_squares(network: nn.Module, split: Split) -> None:
    """Least squares on one-hot targets with an intercept; the minimum-norm solution where features are constant."""
    linear = [module for module in network.modules() if isinstance(module, nn.Linear)]
    if len(linear) != 1 or len(list(network.parameters())) != 2:
        raise ValueError("recipe.optimiser least_squares fits one linear layer only; use the classifier linear")
    with torch.no_grad():
        features = nn.Sequential(*list(network.children())[:-1])(split.inputs).flatten(1).double()
        targets = F.one_hot(split.labels, linear[0].out_features).double()
        centre, level = features.mean(0), targets.mean(0)
        weight = torch.linalg.pinv(features - centre) @ (targets - level)
        linear[0].weight.copy_(weight.T)
        linear[0].bias.copy_(level - centre @ weight)
