"""What a SENN is worth besides its accuracy: are its relevances stable, faithful, and its gradients explained."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from roarbench.datasets.base import Dataset, Split
from roarbench.hns.evaluation import accuracy
from roarbench.methods.senn.losses import hold, residuals
from roarbench.methods.senn.model import Explanation, Senn

EXAMPLES, DRAWS, RADIUS = 200, 50, 0.05
"""Test examples whose neighbourhoods are searched, points drawn in each, and their distance from it, as a share
of that between opposite corners of the inputs."""

NEAR, ROWS = 1.5, 1500
"""Rows of a table within this distance are neighbours (a step of one binary feature is 1), of so many at most."""
TINY = 1e-12


@dataclass(frozen=True)
class Report:
    """Measures of one network on the test split; all relative ones are free of the scale of the relevances.

    Attributes:
        accuracy: accuracy of the network, in [0, 1].
        relevance: mean norm of the relevances of the predicted class.
        lipschitz_inputs: largest change of these relevances by the distance of the inputs, mean over examples.
        lipschitz_concepts: largest change of these relevances by the distance of the concepts, mean over examples.
        relative_inputs, relative_concepts: these two by the mean norm of the relevances; a network whose relevances are
            all near zero wins without it.
        faithfulness: correlation of contributions and of the drop of the predicted probability without each concept.
        residual_ratio: norm of the part of the gradient that relevances do not explain, by that of the gradient.
        cosine: cosine of the map theta^T J h and the plain gradient.
        completeness: largest difference of logits and summed contributions; 0 but for rounding.
    """

    accuracy: float
    relevance: float
    lipschitz_inputs: float
    lipschitz_concepts: float
    relative_inputs: float
    relative_concepts: float
    faithfulness: float
    residual_ratio: float
    cosine: float
    completeness: float


def measure(network: Senn, data: Dataset) -> Report:
    """All measures; points in neighbourhoods come from the global generator of torch."""
    right = accuracy(network, data.test)
    few = data.test.at(torch.arange(min(EXAMPLES, len(data.test)))).inputs
    table = few.ndim == 2
    pairs = neighbours(data.test) if table else around(few)
    by_inputs, by_concepts = lipschitz(network, *pairs)
    with torch.no_grad():
        explanation, logits = network.explain(few), network(few)
    norms = relevances_of(network, few, explanation.logits.argmax(1)).norm(dim=1).mean().item()
    ratio, cosine = explained(network, few)
    return Report(
        right, norms, by_inputs, by_concepts, by_inputs / max(norms, TINY), by_concepts / max(norms, TINY),
        faithfulness(network, few, reference(network, data.train)), ratio, cosine,
        (logits - explanation.contributions.sum(1)).abs().max().item(),
    )  # fmt: skip


def relevances_of(
    network: Senn, inputs: Float[Tensor, "b *feature"], classes: Int[Tensor, "b"]
) -> Float[Tensor, "b k"]:
    """Relevances of one class at each point."""
    with torch.no_grad():
        return network.explain(inputs).relevances[torch.arange(len(inputs)), :, classes]


def around(inputs: Float[Tensor, "b *feature"]) -> tuple[Tensor, Tensor, Tensor]:
    """Points at one distance in random directions, clipped to [0, 1]: anchors, points, and whose points they are."""
    owner = torch.arange(len(inputs)).repeat_interleave(DRAWS)
    anchors = inputs[owner]
    steps = torch.randn_like(anchors)
    length = RADIUS * anchors[0].numel() ** 0.5
    steps *= length / steps.flatten(1).norm(dim=1).view(-1, *[1] * (steps.ndim - 1))
    return anchors, (anchors + steps).clamp(0, 1), owner


def neighbours(split: Split) -> tuple[Tensor, Tensor, Tensor]:
    """Pairs of distinct rows of a table that are near each other, among its first rows."""
    rows = torch.unique(split.inputs[:ROWS], dim=0)
    distance = torch.cdist(rows, rows, compute_mode="donot_use_mm_for_euclid_dist")
    near: Bool[Tensor, "n n"] = (distance <= NEAR).fill_diagonal_(False)
    one, other = near.nonzero().unbind(1)
    return rows[one], rows[other], one


def lipschitz(network: Senn, anchors: Tensor, points: Tensor, owner: Tensor) -> tuple[float, float]:
    """Largest change of relevances by the distance of inputs, and of concepts, mean over examples.

    Alvarez-Melis and Jaakkola 2018, s.4. Differs from the paper: over the given points instead of an optimiser's, and
    of one class, that of the anchor, at both: relevances of two classes differ however stable each is. NaN without any.
    """
    if not len(anchors):
        return math.nan, math.nan
    with torch.no_grad():
        classes = network(anchors).argmax(1)
    change = (relevances_of(network, anchors, classes) - relevances_of(network, points, classes)).norm(dim=1)
    with torch.no_grad():
        concepts = [network.concepts.encode(part).concepts for part in (anchors, points)]  # type: ignore[operator]
    constants = []
    for distance in ((anchors - points).flatten(1).norm(dim=1), (concepts[0] - concepts[1]).norm(dim=1)):
        ratio = torch.where(distance > TINY, change / distance.clamp_min(TINY), torch.zeros_like(change))
        largest = torch.zeros(int(owner.max()) + 1).scatter_reduce(0, owner.cpu(), ratio.cpu(), "amax")
        constants.append(largest[owner.unique().cpu()].mean().item())
    return constants[0], constants[1]


def reference(network: Senn, train: Split) -> Float[Tensor, "k"]:
    """What a concept is without information: the training median of a feature, 0 for a learned one."""
    if network.concepts.learned:
        return torch.zeros(int(network.concepts.num_concepts))  # type: ignore[arg-type]
    return network.concepts.encode(train.inputs.median(0).values[None]).concepts[0]  # type: ignore[operator]


def faithfulness(network: Senn, inputs: Float[Tensor, "b *feature"], neutral: Float[Tensor, "k"]) -> float:
    """Pearson correlation over concepts, mean over examples where both sides vary.

    Contributions are those of the predicted class against the neutral value. Where features are the concepts they go
    from the input, and relevances change with it; learned ones go from the sum alone.
    """
    with torch.no_grad():
        explanation = network.explain(inputs)
        classes, rows = explanation.logits.argmax(1), torch.arange(len(inputs))
        shift = explanation.concepts - neutral.to(inputs)
        claimed = shift * explanation.relevances[rows, :, classes]
        both = torch.stack([claimed, drops(network, explanation, inputs, neutral)])
    stacked = both - both.mean(2, keepdim=True)
    scale = stacked.norm(dim=2).prod(0)
    correlation = (stacked[0] * stacked[1]).sum(1) / scale.clamp_min(TINY)
    return correlation[scale > TINY].mean().item()


def drops(
    network: Senn, found: Explanation, inputs: Float[Tensor, "b *feature"], neutral: Float[Tensor, "k"]
) -> Float[Tensor, "b k"]:
    """Fall of the probability of the predicted class when each concept alone becomes neutral; see `faithfulness`."""
    before = found.logits.softmax(1).amax(1)
    classes = found.logits.argmax(1)[:, None]
    without = (_without(network, found, inputs, i, value) for i, value in enumerate(neutral.tolist()))
    return torch.stack([before - logits.softmax(1).gather(1, classes)[:, 0] for logits in without], 1)


def explained(network: Senn, inputs: Float[Tensor, "b *feature"]) -> tuple[float, float]:
    """Norm of the residual by that of the gradient, of the predicted class; and the cosine of theta^T J h with it."""
    inputs = inputs.detach().requires_grad_()
    logits = network(inputs)
    classes = logits.argmax(1)
    (gradient,) = torch.autograd.grad(logits.gather(1, classes[:, None]).sum(), inputs)
    residual = residuals(hold(network, inputs))[classes, torch.arange(len(inputs))].detach()
    full, rest = gradient.flatten(1), residual.flatten(1)
    ratio = rest.norm(dim=1) / full.norm(dim=1).clamp_min(TINY)
    return ratio.mean().item(), torch.cosine_similarity(full - rest, full).mean().item()


def _without(network: Senn, explanation: Explanation, inputs: Tensor, i: int, value: float) -> Float[Tensor, "b c"]:
    """Logits when one concept has another value."""
    if network.concepts.learned:
        return explanation.logits - explanation.contributions[:, i] + value * explanation.relevances[:, i]
    if i == inputs.flatten(1).shape[1]:
        return explanation.logits  # the bias cannot go
    flat = inputs.flatten(1).clone()
    flat[:, i] = value
    return network(flat.view_as(inputs))
