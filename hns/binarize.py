"""Thresholds: from a hider's logits to a binary mask, and the gradient estimators by which the hider learns anyway."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from roarbench.hns.settings import Estimator

CERTAIN = 1e-6
"""Weight of the plain mean in the baseline of REINFORCE: matters only where all other weights are smaller."""

Logits = Float[Tensor, "b m h w"]
Mask = Float[Tensor, "b m h w"]


def binarize(
    logits: Logits, estimator: Estimator, *, slope: Float[Tensor, ""], sample: bool, reference: bool = False
) -> Mask:
    """A mask of zeros and ones (1 = kept) whose gradient is that of the estimator.

    With h a logit, s = sigmoid(slope * h) and m the mask, dL/dh is
        deterministic (BDN)  dL/dm * s(1-s)         m = 1 where s > 0.5
        st1                  dL/dm                  m ~ Bernoulli(s)
        st2                  dL/dm * s(1-s)
        sa                   dL/dm * slope * s(1-s), the slope growing from epoch to epoch
        reinforce            0 here; `score_loss` adds its gradient

    Args:
        sample: draw m from Bernoulli(s); otherwise keep where s > 0.5. `deterministic` never draws.
        reference: sample as the published code does, see `_published`.

    Paper: Hide-and-Seek, arXiv:2005.00130; ST1, ST2 and slope annealing after Bengio et al. 2013, arXiv:1308.3432 and
    Chung et al. 2017, arXiv:1609.01704.
    Differs from the paper: nowhere; its code applies the sigmoid and its derivative twice, as `reference` does.
    """
    chance = torch.sigmoid(slope * logits)
    if reference and estimator != "deterministic":
        return _published(torch.sigmoid(logits), estimator, slope)
    mask = _uniform_like(chance) < chance if sample and estimator != "deterministic" else chance > 0.5
    if estimator == "reinforce":
        return mask.to(logits.dtype)
    surrogate = logits if estimator == "st1" else chance
    return _Through.apply(surrogate, mask.to(logits.dtype))


def score_loss(logits: Logits, mask: Mask, losses: Float[Tensor, "b"]) -> Float[Tensor, ""]:
    """A term whose gradient with respect to each logit is that of REINFORCE: (m - s)(J - J~) / b.

    J is the loss of the example, J~ = E[(m-s)^2 J] / E[(m-s)^2] the baseline of least variance, one for each pixel.

    Args:
        mask: drawn from Bernoulli(sigmoid(logits)).
        losses: loss of each example; detached here.

    Paper: Williams 1992, doi:10.1007/BF00992696; baseline as in arXiv:2005.00130.
    Differs from the paper: the published code sets J = J~ = 1 and never learns; an example is left out of its own J~.
    """
    rest = mask - torch.sigmoid(logits.detach())
    loss = losses.detach()[:, None, None, None]
    return (rest * (loss - _baseline(rest.square(), loss)) * logits).flatten(1).sum(1).mean()


def _baseline(weight: Mask, loss: Float[Tensor, "b 1 1 1"]) -> Mask:
    """Weighted mean loss of the other examples of the batch, so that the gradient stays unbiased.

    Where the others are all but certain of a pixel their weights vanish, and their plain mean takes over. In float64,
    as a sum less its own largest term leaves nothing but rounding in float32.
    """
    weight64, loss64 = weight.double(), loss.double()
    plain = (loss64.sum(0) - loss64) / max(len(loss64) - 1, 1)
    weighted = (weight64 * loss64).sum(0) - weight64 * loss64
    return ((weighted + CERTAIN * plain) / (weight64.sum(0) - weight64 + CERTAIN)).to(weight.dtype)


class _Through(torch.autograd.Function):
    """The value of a mask with the gradient of its surrogate."""

    @staticmethod
    def forward(ctx: Any, surrogate: Tensor, mask: Tensor) -> Tensor:
        return mask

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Any:
        return gradients[0], None


def _published(chance: Mask, estimator: Estimator, slope: Float[Tensor, ""]) -> Mask:
    """What the published code does: a second sigmoid, and a threshold uniform between the extremes of the batch.

    The masks of a batch depend on each other, and a constant batch is hidden entirely. Its REINFORCE never learns.
    """
    second = torch.sigmoid(slope * chance if estimator == "sa" else chance)
    low, high = second.detach().aminmax()
    mask = torch.ceil(second.detach() - (low + (high - low) * _uniform_like(chance)))
    factor = {"st1": torch.ones_like(chance), "st2": chance * (1 - chance), "sa": slope * chance * (1 - chance)}
    if estimator == "reinforce":
        return mask
    return _Through.apply(chance * factor[estimator].detach(), mask)


def _uniform_like(values: Tensor) -> Tensor:
    """Uniform numbers drawn on the CPU, so that every device hides the same pixels."""
    return torch.rand(values.shape).to(values.device)
