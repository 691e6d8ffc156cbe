"""Training a classifier from scratch, and measuring it. The same few lines serve originals and retrained networks."""

import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import cycle
from typing import Any, TypeVar

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm import tqdm

from roarbench.benchmark.matrix.recipe import Recipe
from roarbench.benchmark.networks import graphs
from roarbench.benchmark.networks.augmentation import augmented, augmented_alike
from roarbench.benchmark.networks.grouped import Grouped, launch_bound
from roarbench.benchmark.networks.precision import exact_volumes, products
from roarbench.benchmark.networks.stack import Stack, shape_of_one, stackable
from roarbench.benchmark.networks.team import Team
from roarbench.benchmark.randomness import generator
from roarbench.datasets.base import Split
from roarbench.datasets.batches import batches
from roarbench.datasets.stream import Stream

Batch = TypeVar("Batch")
Device = torch.device | str

JOINED = 2**26
"""Logits that are scored together: a quarter of a gigabyte."""

PATIENCE = 5.0
"""Seconds that a training may take without a progress bar."""


@dataclass(frozen=True, eq=False)
class Score:
    """Accuracy in [0, 1], mean cross-entropy in nats, and which examples were classified right, on the CPU.

    Attributes:
        probability: mean probability of the classes that were asked for; None where none were.
    """

    accuracy: float
    loss: float
    hits: Bool[Tensor, "n"]
    probability: float | None = None


def train(
    network: nn.Module, split: Split, recipe: Recipe, *, pairing: tuple[object, ...], team: Team | None = None
) -> None:
    """Trains `network` in place and leaves it in eval mode.

    Args:
        network: freshly initialised, on the device of the split.
        split: in memory or a stream, whose batches are the same; features are removed before augmentation.
        pairing: what batch order and augmentation are drawn from; equal pairings see the same batches.
        team: processes that train it together: each takes its share of every batch of the recipe.

    Raises:
        ValueError: "least_squares" for a network that is not one linear layer, or too few examples to train on.
    """
    if not len(split):
        raise ValueError("there are no training examples; lower validation or raise train in the data set")
    if recipe.optimiser == "least_squares":
        _least_squares(network, split)
    elif team:
        _train_together(network, split, recipe, pairing, team)
    elif stacks(network, split, recipe):
        stack = Stack(network, 1)
        feed = split.batches(_indices(len(split), recipe, pairing, device=_place(split)))
        loss = _loss_of_stack(stack, recipe, generator("augmentation", *pairing))
        _fit(
            stack, feed, lambda batch: loss(batch.inputs[None], batch.labels), recipe, _num_batches(len(split), recipe)
        )
        stack.copy_to(network, 0)
    elif _recorded(network, split, recipe):
        channels_last(network)
        loss_of = _loss(network, recipe, generator("augmentation", *pairing))
        inputs, labels = split.inputs, split.labels
        _descend(network, len(split), lambda at: loss_of(Split(inputs[at], labels[at])), recipe, pairing, recorded=True)
    else:
        channels_last(network)
        feed = split.batches(_indices(len(split), recipe, pairing, device=_place(split)))
        loss_of = _loss(network, recipe, generator("augmentation", *pairing))
        _fit(network, feed, loss_of, recipe, _num_batches(len(split), recipe))
    network.eval()


def channels_last(network: nn.Module) -> None:
    """Lays out kernels of images channels last, by which convolutions are faster; torch refuses kernels of volumes."""
    if not any(parameter.ndim == 5 for parameter in network.parameters()):
        network.to(memory_format=torch.channels_last)


def _train_together(network: nn.Module, split: Split, recipe: Recipe, pairing: tuple[object, ...], team: Team) -> None:
    """The batches of one process, each process its share: gradients, not batch norm, are those of whole batches."""
    if min(len(split), recipe.batch_size) < team.least:
        batch_counts = f"batches of {recipe.batch_size} from {len(split)} examples"
        raise ValueError(
            f"{team.size} processes need two examples of each batch apiece, got {batch_counts}; start fewer"
        )
    channels_last(network)
    loss_of = _loss(team.joined(network), recipe, generator("augmentation", *pairing, team.rank))
    indices = _indices(len(split), recipe, pairing, least=team.least)
    sizes = [len(batch) for batch in batches(torch.arange(len(split)), recipe.batch_size, least=team.least)]
    feed = zip(split.batches(map(team.share, indices)), cycle(sizes), strict=False)
    bar = team.rank == 0
    _fit(network, feed, lambda part: loss_of(part[0]) * team.weight(part[1]), recipe, len(sizes), bar=bar)


def stacks(network: nn.Module, split: Split, recipe: Recipe) -> bool:
    """Whether networks like this one are trained as a `Stack`, one or many, so that their number changes no number."""
    gradual = recipe.optimiser != "least_squares" and recipe.augmentation == "none"
    return gradual and stackable(network, split.feature_shape)


def side_by_side(network: nn.Module, split: Split, recipe: Recipe, device: str) -> bool:
    """Whether a run trains several networks like this one as a stack.

    Args:
        device: where they are trained, such as "cuda:1"; network and split may lie elsewhere.
    """
    if stacks(network, split, recipe):
        return True
    gradual = recipe.optimiser != "least_squares"
    return gradual and device.startswith("cuda") and launch_bound(network, split.feature_shape, recipe.batch_size)


def train_stack(
    network: nn.Module,
    inputs: Float[Tensor, "r n *feature"],
    labels: Int[Tensor, "n"],
    recipe: Recipe,
    *,
    pairing: tuple[object, ...],
) -> Stack | Grouped:
    """Trains replicas of a fresh network, each on inputs of its own, with the same batches.

    Each comes out with the bits that it would have by itself from a `Stack`, up to rounding from a `Grouped`.
    """
    tiny = recipe.augmentation == "none" and stackable(network, tuple(inputs.shape[2:]))
    stack = Stack(network, len(inputs)) if tiny else Grouped(network, len(inputs))
    loss = _loss_of_stack(stack, recipe, generator("augmentation", *pairing))
    recorded = recipe.augmentation == "none" and graphs.wanted(inputs.device)
    _descend(stack, len(labels), lambda at: loss(inputs[:, at], labels[at]), recipe, pairing, recorded=recorded)
    return stack


def score(network: nn.Module, split: Split, *, classes: Int[Tensor, "n"] | None = None) -> Score:
    """Accuracy and loss of a network in eval mode; NaN on an empty split.

    Args:
        classes: one for each example, whose mean probability is wanted too. With those that the network predicts for
            intact inputs it is what deletion and insertion curves are made of (RISE).
    """
    network.eval()
    parts: list[tuple[int, Score]] = []
    with torch.no_grad():
        for logits, labels in _answers(network, split):
            start = sum(n for n, _ in parts)
            asked = None if classes is None else classes[start : start + len(labels)]
            parts.append((len(labels), _score(logits, labels, asked)))
    if len(parts) == 1:
        return parts[0][1]
    if not parts:
        return Score(math.nan, math.nan, torch.zeros(0, dtype=torch.bool))
    accuracy, loss = (sum(n * getattr(part, name) for n, part in parts) / len(split) for name in ("accuracy", "loss"))
    probability = None if classes is None else sum(n * (part.probability or 0.0) for n, part in parts) / len(split)
    return Score(accuracy, loss, torch.cat([part.hits for _, part in parts]), probability)


def predicted(network: nn.Module, split: Split) -> Int[Tensor, "n"]:
    """The class that a network in eval mode predicts for each example."""
    with torch.no_grad():
        return torch.cat([logits.argmax(1) for logits, _ in _answers(network, split)])


def chance(split: Split) -> float:
    """Accuracy of always answering the most frequent class."""
    return split.labels.bincount().max().item() / len(split)


def _answers(network: nn.Module, split: Split) -> Iterator[tuple[Float[Tensor, "b k"], Int[Tensor, "b"]]]:
    """Logits and labels of all examples together, or of as many as are not too many numbers."""
    logits: list[Tensor] = []
    labels: list[Tensor] = []
    for chunk in split.chunks():
        logits.append(network(chunk.inputs))
        labels.append(chunk.labels)
        if sum(map(torch.numel, logits)) > JOINED:
            yield torch.cat(logits), torch.cat(labels)
            logits, labels = [], []
    if logits:
        yield torch.cat(logits), torch.cat(labels)


def _score(logits: Float[Tensor, "b k"], labels: Int[Tensor, "b"], classes: Int[Tensor, "b"] | None) -> Score:
    hits = logits.argmax(1) == labels
    accuracy, loss = hits.double().mean().item(), F.cross_entropy(logits, labels).item()
    if classes is None:
        return Score(accuracy, loss, hits.cpu())
    asked = logits.softmax(1).gather(1, classes[:, None])
    return Score(accuracy, loss, hits.cpu(), asked.double().mean().item())


def _loss(network: nn.Module, recipe: Recipe, noise: torch.Generator) -> Callable[[Split], Float[Tensor, ""]]:
    """The loss of a batch, augmented after features were removed from it."""

    def loss(batch: Split) -> Float[Tensor, ""]:
        views = augmented(batch.inputs, recipe.augmentation, noise)
        with exact_volumes(views):
            logits = network(views.contiguous(memory_format=torch.channels_last) if views.ndim == 4 else views)
        return F.cross_entropy(logits, batch.labels, label_smoothing=recipe.label_smoothing)

    return loss


def _recorded(network: nn.Module, split: Split, recipe: Recipe) -> bool:
    """Whether the steps of a network are recorded: all that changes between them must be in tensors on the device."""
    steady = recipe.augmentation == "none" and not isinstance(split, Stream)
    device = next(network.parameters()).device
    return steady and graphs.wanted(device) and launch_bound(network, split.feature_shape, recipe.batch_size)


def _loss_of_stack(
    stack: Stack | Grouped, recipe: Recipe, noise: torch.Generator
) -> Callable[[Tensor, Tensor], Float[Tensor, ""]]:
    """The sum over replicas of the loss of a batch, given their inputs `(r, b, *feature)` and its labels."""

    def loss(inputs: Float[Tensor, "r b *feature"], labels: Int[Tensor, "b"]) -> Float[Tensor, ""]:
        # Examples last: rows of a softmax in one block get bits that depend on the rows beside them.
        logits = stack(augmented_alike(inputs, recipe.augmentation, noise)).transpose(1, 2).contiguous()
        expected = labels.expand(len(inputs), -1)
        total = F.cross_entropy(logits, expected, label_smoothing=recipe.label_smoothing, reduction="sum")
        return total / len(labels)

    return loss


def _indices(
    num_examples: int, recipe: Recipe, pairing: tuple[object, ...], *, device: Device = "cpu", least: int = 2
) -> Iterator[Int[Tensor, "b"]]:
    """Positions of the batches of all epochs, in a new order every epoch."""
    order = generator("batches", *pairing)
    for _ in range(recipe.epochs):
        epoch = torch.randperm(num_examples, generator=order).to(device)
        yield from batches(epoch, recipe.batch_size, least=least)


def _place(split: Split) -> Device:
    """Where positions are needed: beside examples in memory, so that no step waits for a copy; or with readers."""
    return "cpu" if isinstance(split, Stream) else split.labels.device


def _descend(
    network: nn.Module,
    num_examples: int,
    loss: Callable[[Int[Tensor, "b"]], Float[Tensor, ""]],
    recipe: Recipe,
    pairing: tuple[object, ...],
    *,
    recorded: bool = False,
) -> None:
    """Minimises a loss of positions of examples, on CUDA by recorded steps where it is told so."""
    device = next(network.parameters()).device
    indices = _indices(num_examples, recipe, pairing, device=device)
    with graphs.own_stream(device) if recorded else nullcontext():
        _fit(network, indices, loss, recipe, _num_batches(num_examples, recipe), recorded=recorded)


def _num_batches(num_examples: int, recipe: Recipe) -> int:
    """Batches in an epoch."""
    return len(batches(torch.arange(num_examples), recipe.batch_size))


def _fit(
    network: nn.Module,
    feed: Iterable[Batch],
    loss: Callable[[Batch], Float[Tensor, ""]],
    recipe: Recipe,
    num_batches: int,
    *,
    bar: bool = True,
    recorded: bool = False,
) -> None:
    """Takes a step for each batch of a feed, which has all epochs."""
    device = next(network.parameters()).device
    optimiser = _optimiser(network, recipe, torch.zeros((), device=device) if recorded else 0.0)
    network.train()

    def step(batch: Any) -> None:
        optimiser.zero_grad()
        with products(recipe.precision, device):
            total = loss(batch)
        total.backward()
        optimiser.step()

    take: Callable[[Any], None] = graphs.Replayed(step, graphs.cuda_graph) if recorded else step
    steps = num_batches * recipe.epochs
    progress_bar = tqdm(feed, total=steps, unit="step", leave=False, delay=PATIENCE, disable=not bar)
    for number, batch in enumerate(progress_bar):
        _set_rate(optimiser, recipe.learning_rate * _factor(number, recipe, num_batches))
        take(batch)


def _set_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    """The learning rate of the next step; recorded steps read it from a tensor."""
    for group in optimiser.param_groups:
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(rate)
        else:
            group["lr"] = rate


def _optimiser(network: nn.Module, recipe: Recipe, rate: float | Float[Tensor, ""]) -> torch.optim.Optimizer:
    """Weight decay acts on matrices and kernels only; biases and normalisation layers are vectors.

    Args:
        rate: where its learning rate is kept; a tensor where steps are recorded.
    """
    decayed = [p for p in network.parameters() if len(shape_of_one(p)) > 1]
    free = [p for p in network.parameters() if len(shape_of_one(p)) <= 1]
    groups = [{"params": decayed, "weight_decay": recipe.weight_decay}, {"params": free, "weight_decay": 0.0}]
    if recipe.optimiser == "sgd":
        nesterov = recipe.momentum > 0
        return torch.optim.SGD(groups, rate, momentum=recipe.momentum, nesterov=nesterov, fused=True)
    return torch.optim.Adam(groups, rate, fused=True, capturable=isinstance(rate, Tensor))


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
