"""The losses of a SENN: robustness of its relevances, in the right form and as published, and of its concepts."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from roarbench.methods.senn.concepts import divergence, reconstruction, sample
from roarbench.methods.senn.model import Explanation, Senn, mixed
from roarbench.methods.senn.settings import Robustness, Settings


@dataclass(frozen=True)
class Losses:
    """The parts of the loss of a batch, unweighted, and their weighted sum."""

    classification: Float[Tensor, ""]
    robustness: Float[Tensor, ""]
    concept: Float[Tensor, ""]
    total: Float[Tensor, ""]


def losses(network: Senn, inputs: Float[Tensor, "b *feature"], labels: Int[Tensor, "b"], settings: Settings) -> Losses:
    """L_y + lambda L_theta + concept_weight L_h (Alvarez-Melis and Jaakkola 2018, eq. 4 and 5)."""
    held = hold(network, inputs)
    explanation = held.found
    classification = F.cross_entropy(explanation.logits, labels)
    zero = classification.new_zeros(())
    robust = ROBUSTNESS[settings.robustness](network, held) if settings.robust_weight else zero
    concept = concept_loss(network, inputs, explanation, settings) if network.concepts.learned else zero
    total = classification + settings.robust_weight * robust + settings.concept_weight * concept
    return Losses(classification, robust, concept, total)


def concept_loss(
    network: Senn,
    inputs: Float[Tensor, "b *feature"],
    found: Explanation,
    settings: Settings,
    beta: float | None = None,
) -> Float[Tensor, ""]:
    """How badly the concepts reconstruct the inputs, plus sparsity of numbers, or the KL divergence of a VAE.

    Differs from the published code: sparsity is a mean over examples there a sum, which grows with the batch.
    """
    error = reconstruction(inputs, network.concepts.decode(sample(found.code)))  # type: ignore[operator]
    if found.code.log_variance is not None:
        return error + (settings.beta if beta is None else beta) * divergence(found.code)
    return error + settings.sparsity * found.concepts.abs().sum(1).mean()


class Held(NamedTuple):
    """The explanation of a batch whose concepts are held fixed: only its relevances know of the inputs.

    Attributes:
        inputs: those that the relevances know.
    """

    found: Explanation
    inputs: Float[Tensor, "b *feature"]


def hold(network: Senn, inputs: Float[Tensor, "b *feature"]) -> Held:
    """Explains a batch so that gradients of the logits by the inputs leave the concepts out."""
    code = network.concepts.encode(inputs.detach())  # type: ignore[operator]
    leaf = inputs.detach().requires_grad_()
    relevances = network.relevances(leaf)
    return Held(Explanation(code, relevances, mixed(code.concepts, relevances)), leaf)


def residuals(held: Held) -> Float[Tensor, "c b *feature"]:
    """r_c = grad f_c - sum_i theta_ic grad h_i, of the logits, for every class; differentiable.

    For sums it is sum_i h_i grad theta_ic, hence the gradient of f_c where concepts are held fixed.
    """
    return torch.stack([_slope(held, one) for one in torch.eye(held.found.logits.shape[1]).to(held.inputs)])


def residual_loss(network: Senn, held: Held) -> Float[Tensor, ""]:
    """Squared norm of the residual, mean over classes and examples: 0 where relevances are constant.

    Differs from the paper: the squared norm, for each class, so that lambda depends neither on batch nor on classes.
    """
    return residuals(held).flatten(2).square().sum(2).mean()


def probe_loss(network: Senn, held: Held) -> Float[Tensor, ""]:
    """An unbiased estimate of `residual_loss` at the cost of one class: classes are mixed with random signs."""
    logits = held.found.logits
    signs = torch.randint(2, logits.shape).to(logits) * 2 - 1  # drawn on the CPU: alike on every device
    return _slope(held, signs).flatten(1).square().sum(1).mean() / network.num_classes


def reproduction_loss(network: Senn, held: Held) -> Float[Tensor, ""]:
    """What the published code minimises: the norm of grad log p - theta^T J h over the whole batch at once.

    Where features are the concepts it takes one gradient, of the sum of log p over classes, for all of them, which
    only relevances of 0 make small: accuracy collapses as lambda grows. A SENN of its own form has no bias.
    """
    inputs = held.inputs
    explanation = network.explain(inputs)
    log_p = explanation.logits.log_softmax(1)
    if not network.concepts.learned:
        (slope,) = torch.autograd.grad(log_p.sum(), inputs, create_graph=True)
        flat = slope.flatten(1)
        return (flat[..., None] - explanation.relevances[:, : flat.shape[1]]).norm()
    of_classes = _jacobian(log_p, inputs)
    of_concepts = _jacobian(explanation.concepts, inputs)
    return (of_classes - torch.einsum("bkf,bkc->bcf", of_concepts, explanation.relevances)).norm()


RobustnessLoss = Callable[[Senn, Held], Tensor]
ROBUSTNESS: dict[Robustness, RobustnessLoss] = {
    "residual": residual_loss,
    "probe": probe_loss,
    "reproduction": reproduction_loss,
}


def _slope(held: Held, weights: Float[Tensor, "*b c"]) -> Float[Tensor, "b *feature"]:
    """Gradient by the inputs of a weighted sum of logits whose concepts are held fixed."""
    (slope,) = torch.autograd.grad((weights * held.found.logits).sum(), held.inputs, create_graph=True)
    return slope


def _jacobian(outputs: Float[Tensor, "b k"], inputs: Float[Tensor, "b *feature"]) -> Float[Tensor, "b k f"]:
    """Gradients of every output with respect to the inputs; differentiable."""
    rows = [torch.autograd.grad(column.sum(), inputs, create_graph=True)[0] for column in outputs.unbind(1)]
    return torch.stack([row.flatten(1) for row in rows], 1)
