"""Measures of attributions themselves, on a few test examples and without retraining; and of ranks beside the truth."""

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Bool, Float, Integer, Shaped
from torch import Tensor, nn

from roarbench.benchmark.attribution.fitting import Fitting
from roarbench.benchmark.attribution.passes import entering
from roarbench.benchmark.matrix.spec import Target
from roarbench.benchmark.randomness import generator, seeded
from roarbench.benchmark.results.shards import RankMap
from roarbench.datasets.base import Split
from roarbench.methods.adapting import shaped
from roarbench.methods.base import AttributionFunction, Explainer, reduced

IMAGES = 32
"""Test examples that are assessed, a fixed random choice. Part of the protocol, as are the other constants here."""

PERTURBATIONS, RADIUS = 10, 0.02
"""Perturbed copies of each example, uniform in the L-infinity ball of this radius around it (Captum's default)."""

REMOVALS, REMOVAL_DEVIATION = 100, 0.2
"""Gaussian perturbations of infidelity for each example, and their standard deviation; inputs lie in [0, 1]."""

Measures = dict[str, float | None]
"""Name of a measure -> mean over examples; None where no example counts."""


def assess(
    network: nn.Module,
    attribute: AttributionFunction,
    explainers: Sequence[Explainer],
    test: Split,
    *,
    target: Target,
    seed: tuple[object, ...],
) -> list[Measures]:
    """Infidelity, sensitivity, sparseness, passes and time of explainers that share one pass.

    All explainers of a data set see the same examples, perturbed copies and removals. Copies keep the class that is
    explained in the clean example, and are not clipped to [0, 1]. Random numbers are the same in every call of the
    explainer, so that its sensitivity is that to the input and never the noise of its own sampling; a random control
    does not react at all.

    Args:
        network: the trained classifier, in eval mode.
        attribute: what the source of the explainers prepared.
        explainers: views of that source, or the source itself alone.
        test: on the device of the network.
        target: class that is explained.
        seed: what the random numbers of the explainer derive from.

    Returns:
        For each explainer, means over the examples whose attributions are not all zero:
            infidelity: see `infidelities`; squared logits, 0 is best.
            max_sensitivity: largest |a(x) - a(x')| / |a(x)| over the copies x', Euclidean norms; 0 is steady
                (Yeh et al. 2019, arXiv:1901.09392, def. 1, divided by the norm as in Captum).
            lipschitz: largest |a(x) - a(x')| / |x - x'| / |a(x)|, in 1 per unit of input distance (Alvarez-Melis,
                Jaakkola 2018, arXiv:1806.08049, eq. 2, here over random copies and divided by |a(x)|, so that
                explainers of different scale compare).
            gini: see `gini`; in [0, 1], 1 is sparse.
        And zero_attributions, the share of the other examples; of the shared pass, passes, the images that go through
        the classifier, or a copy of it, for each image that is explained (not through networks of the explainer's own),
        and seconds_per_image, by the clock.

    Raises:
        ValueError: attributions that are not finite.
        Skip: an explainer does not apply.
    """
    sample = _Sample.of(network, test, target)
    counting = _Counting(attribute, network)
    passing = _Passing(Fitting(counting), explainers, sample.targets, seed)
    maps = passing(sample.inputs)
    passes = counting.images / len(sample.inputs)
    norms = maps.norm(dim=-1)
    ratios = torch.stack([(passing(copy) - maps).norm(dim=-1) / norms for copy in sample.copies])
    distances = (sample.copies - sample.inputs).double().flatten(2).norm(dim=-1)[:, None]
    found = {
        "infidelity": infidelities(network, sample.inputs, sample.targets, maps),
        "max_sensitivity": ratios.amax(0),
        "lipschitz": (ratios / distances).amax(0),
        "gini": gini(maps),
    }
    seconds = statistics.median(passing.seconds) / len(sample.inputs)
    shared: Measures = {"passes": passes, "seconds_per_image": seconds}
    return [
        {name: _mean(values[i], norms[i] > 0) for name, values in found.items()}
        | {"zero_attributions": float((norms[i] == 0).double().mean())}
        | shared
        for i in range(len(explainers))
    ]


@torch.no_grad()
def infidelities(
    network: nn.Module, inputs: Float[Tensor, "n *feature"], targets: Integer[Tensor, "n"], maps: Float[Tensor, "e n d"]
) -> Float[Tensor, "e n"]:
    """How far maps are from telling what perturbations I do to the target's logit f.

    Paper: Yeh et al. 2019, arXiv:1901.09392, def. 1: E[(beta * I . a(x) - (f(x) - f(x - I)))^2], beta the best factor
    for the example, so that the size of a map does not matter (the authors' code; `normalize` of Captum).
    Differs from the paper: I is Gaussian noise of deviation 0.2, the same for all explainers, and perturbed inputs are
    not clipped. Maps are taken as they come: those with the input as a factor are not divided by it, and those of
    magnitudes pay for the sign.

    Args:
        inputs: in [0, 1].
        maps: attributions of each of e explainers, flattened; float64.

    Returns:
        Squared logits; as large for maps of zeros as for no explanation at all.
    """
    draw = generator("assessment", "removals")
    logits = _logits(network, inputs, targets)
    sums = torch.zeros(3, *maps.shape[:2], dtype=maps.dtype, device=maps.device)
    for _ in range(REMOVALS):
        removed = REMOVAL_DEVIATION * torch.randn(inputs.shape, generator=draw).to(inputs.device)
        predicted = (maps * removed.flatten(1)).sum(-1)
        lost = (logits - _logits(network, inputs - removed, targets)).expand_as(predicted)
        sums += torch.stack([predicted.square(), predicted * lost, lost.square()])
    explained = torch.where(sums[0] > 0, sums[1].square() / sums[0], 0.0)
    return (sums[2] - explained).clamp(min=0) / REMOVALS


def gini(maps: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch"]:
    """Gini index of the magnitudes: 0 where all are equal, 1 - 1/d where a single one is not zero.

    Paper: Hurley, Rickard 2009, arXiv:0811.4706; 1 - 2 * sum over k of c_k / |c|_1 * (d - k + 1/2) / d, with c_k the
    k-th smallest magnitude.
    Differs from the paper: nowhere. Maps that repeat themselves over channels have the index of one channel.

    >>> gini(torch.tensor([[1.0, 1.0], [0.0, -3.0]])).tolist()
    [0.0, 0.5]
    """
    size = maps.shape[-1]
    ordered = maps.abs().sort(dim=-1).values
    weights = (torch.arange(size, 0, -1, device=maps.device) - 0.5) / size
    return 1 - 2 * (ordered * weights).sum(-1) / ordered.sum(-1)


def ground_truth(ranks: Integer[Tensor, "n *unit"], relevant: Shaped[Tensor, "n *feature"]) -> Measures:
    """How well ranks find the units that are truly relevant.

    Args:
        ranks: 0 for the most important unit of an example; `(n, 1, h, w)` or `(n, *feature)`.
        relevant: true, or above 0, where a feature is relevant; a pixel is where one of its channels is.

    Returns:
        truth_precision: share of the k most important units that are relevant, k being as many as really are.
        truth_auc: probability that a relevant unit ranks before an irrelevant one, 0.5 by chance.
        Means over the examples that have units of both kinds.
    """
    positions, true = ranks.flatten(1).long(), _relevant_units(relevant, ranks).flatten(1)
    size, k = true.shape[1], true.sum(1)
    hits = (true & (positions < k[:, None])).sum(1)
    # Irrelevant units before a relevant one are its rank less the relevant units before it.
    misordered = (positions * true).sum(1) - k * (k - 1) // 2
    counted = (k > 0) & (k < size)
    return {
        "truth_precision": _mean(hits.double() / k, counted),
        "truth_auc": _mean(1 - misordered.double() / (k * (size - k)), counted),
    }


def truth_found(ranks: RankMap, test: Split) -> Measures:
    """`ground_truth` of a stored rank map on the whole test split; nothing where the data do not know their truth."""
    if test.truth is None or not len(test):
        return {}
    relevant = torch.cat([test.truth(chunk.inputs) > 0 for chunk in test.chunks()]).cpu()
    return ground_truth(torch.from_numpy(ranks[np.arange(len(test))].astype("int64")), relevant)


@dataclass(frozen=True, eq=False)
class _Sample:
    """Test examples that are assessed, the classes explained, and perturbed copies."""

    inputs: Float[Tensor, "n *feature"]
    targets: Integer[Tensor, "n"]
    copies: Float[Tensor, "p n *feature"]

    @classmethod
    @torch.no_grad()
    def of(cls, network: nn.Module, test: Split, target: Target) -> "_Sample":
        """Drawn on the CPU, the same for every explainer, network and device."""
        part = test.at(torch.randperm(len(test), generator=generator("assessment", "examples", len(test)))[:IMAGES])
        targets = part.labels if target == "label" else network(part.inputs).argmax(1)
        shape = PERTURBATIONS, *part.inputs.shape
        noise = 2 * torch.rand(shape, generator=generator("assessment", "perturbations")) - 1
        return cls(part.inputs, targets, part.inputs + RADIUS * noise.to(part.inputs.device))


@dataclass
class _Counting:
    """An attribution function that counts the images that enter a network; not those of a call that fails."""

    attribute: AttributionFunction
    network: nn.Module
    images: int = 0

    def __call__(self, inputs: Float[Tensor, "n *feature"], targets: Integer[Tensor, "n"]) -> Tensor:
        seen: list[int] = []
        with entering(self.network, seen.append):
            passed = self.attribute(inputs, targets)
        self.images += sum(seen)
        return passed


@dataclass
class _Passing:
    """Attributions of a batch by all explainers, every time with the same random numbers.

    Attributes:
        seconds: of each pass.
    """

    fitting: Fitting
    explainers: Sequence[Explainer]
    targets: Integer[Tensor, "n"]
    seed: tuple[object, ...]
    seconds: list[float] = field(default_factory=list)

    def __call__(self, inputs: Float[Tensor, "n *feature"]) -> Float[Tensor, "e n d"]:
        """Attributions of each explainer, flattened, in float64."""
        started = _clock(inputs.device)
        with seeded(*self.seed, "assessment"):
            passed = torch.cat([passed for _, passed in self.fitting(inputs, self.targets)])
        self.seconds.append(_clock(inputs.device) - started)
        maps = torch.stack(
            [shaped(reduced(e, passed), inputs, type(e).__name__).double().flatten(1) for e in self.explainers]
        )
        if not maps.isfinite().all():
            raise ValueError("attributions must be finite, got NaN or infinity for an input that was perturbed or not")
        return maps


def _logits(
    network: nn.Module, inputs: Float[Tensor, "n *feature"], targets: Integer[Tensor, "n"]
) -> Float[Tensor, "n"]:
    """The target's logit, in float64."""
    return network(inputs).gather(1, targets[:, None])[:, 0].double()


def _relevant_units(relevant: Shaped[Tensor, "n *feature"], ranks: Integer[Tensor, "n *unit"]) -> Bool[Tensor, "n *u"]:
    """Whether each ranked unit is relevant."""
    true = (relevant > 0).to(ranks.device)
    return true.any(1, keepdim=True) if ranks.ndim == 4 and ranks.shape[1] == 1 else true


def _mean(values: Float[Tensor, "n"], counted: Bool[Tensor, "n"]) -> float | None:
    """Mean over the examples that count; None without any."""
    return float(values[counted].mean()) if counted.any() else None


def _clock(device: torch.device) -> float:
    """Seconds by the clock; a GPU is awaited."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()
