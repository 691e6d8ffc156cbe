"""Measures of attributions themselves, on a few test examples and without retraining; and of ranks beside the truth."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from roarbench.benchmark.matrix.plugins import STANDARD, build, plugin
from roarbench.benchmark.matrix.spec import PlugIn, Target
from roarbench.benchmark.measures.base import Measure
from roarbench.benchmark.measures.sample import Examples, Pass, Sample
from roarbench.benchmark.randomness import seeded
from roarbench.benchmark.results.shards import RankMap
from roarbench.datasets.base import Split
from roarbench.methods.base import AttributionFunction, Explainer

Measured = dict[str, float | None]
"""Name of a measure, as written -> mean over examples; None where no example counts."""


def samples(
    network: nn.Module,
    attribute: AttributionFunction,
    explainers: Sequence[Explainer],
    test: Split,
    *,
    target: Target,
    seed: tuple[object, ...],
    ranks: Sequence[RankMap] = (),
) -> list[Sample]:
    """What measures are given of explainers that share one pass; all of a data set see the same examples.

    Args:
        network: the trained classifier, in eval mode.
        attribute: what the source of the explainers prepared.
        explainers: views of that source, or the source itself alone.
        test: on the device of the network.
        target: class that is explained.
        seed: what the random numbers of the explainer derive from.
        ranks: of each explainer on the whole test split.
    """
    shared = Pass(network, attribute, explainers, Examples.of(network, test, target), seed)
    return [Sample(shared, i, test, ranks[i] if ranks else None) for i in range(len(explainers))]


def assess(sample: Sample, measure: PlugIn | None = None) -> Measured:
    """The numbers of a sample.

    Args:
        measure: None for all measures of the group "standard", which are taken together.

    Returns:
        Means over the examples whose attributions are not all zero, by name; and `seconds_per_image`, by the clock, to
        explain one.

    Raises:
        ValueError: attributions that are not finite, or a measure that returns something else than numbers.
        Skip: an explainer or a measure does not apply.
    """
    measures = [plugin(name, "measure") for name in STANDARD] if measure is None else [measure]
    values = {one.text: _measured(build(one, "measure"), one.text, sample) for one in measures}
    return values | {"seconds_per_image": sample.shared.seconds_per_image}


def _measured(measure: Measure, name: str, sample: Sample) -> float | None:
    """The mean of a measure; its random numbers are the same for every explainer."""
    with seeded("measure", name):
        values = measure.measure(sample)
    if values is None or isinstance(values, int | float):
        return None if values is None or math.isnan(values) else _finite(float(values), name)
    numbers = torch.as_tensor(values) if isinstance(values, np.ndarray) else values
    if not isinstance(numbers, Tensor) or numbers.shape not in ((), sample.targets.shape):
        requirement = f"{len(sample.targets)} numbers, one for each example, or one number"
        form = f"shape {tuple(numbers.shape)}" if isinstance(numbers, Tensor) else type(values).__name__
        raise ValueError(f"measure {name} must return {requirement}, got {form}")
    if not numbers.ndim:
        return _finite(float(numbers), name)
    counted = (sample.maps.norm(dim=-1) > 0) & ~numbers.isnan()
    return _finite(float(numbers[counted].mean()), name) if counted.any() else None


def _finite(value: float, name: str) -> float:
    if not math.isfinite(value):
        raise ValueError(f"measure {name} must return finite numbers, or NaN for an example that does not count")
    return value


def known(metrics: Mapping[str, float | None]) -> Measured:
    """What of an assessment is a result: the clock is none, for it differs from run to run."""
    return {name: value for name, value in metrics.items() if name != "seconds_per_image"}
