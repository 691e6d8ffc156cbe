"""Measures of attributions themselves, on a few test examples and without retraining; and of ranks beside the truth."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from roarbench.benchmark.attribution.guard import same_weights
from roarbench.benchmark.matrix.plugins import STANDARD, build, plugin
from roarbench.benchmark.matrix.spec import PlugIn, Target
from roarbench.benchmark.measures.base import Measure
from roarbench.benchmark.measures.sample import Background, Examples, Pass, Sample
from roarbench.benchmark.randomness import seeded
from roarbench.benchmark.results.shards import RankMap
from roarbench.datasets.base import Split
from roarbench.methods.base import AttributionFunction, Explainer, Skip

ROUNDING = 1e-9
"""A mean beyond its bounds by less is so by arithmetic alone."""

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
    background: Background | None = None,
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
        background: where the network comes from, for measures that tune networks or prepare explainers anew.
    """
    shared = Pass(network, attribute, explainers, Examples.of(network, test, target), seed, background=background)
    return [Sample(shared, i, test, ranks[i] if ranks else None) for i in range(len(explainers))]


def assess(sample: Sample, measure: PlugIn | None = None) -> Measured:
    """The numbers of a sample.

    Args:
        measure: None for all measures of the group "standard", which are taken together.

    Returns:
        Means over the examples whose attributions are not all zero, by name; and `seconds_per_image`, by the clock, to
        explain one.

    Raises:
        ValueError: attributions that are not finite, or a measure that returns something else than numbers, leaves its
            bounds, or changes the network or the test split.
        RuntimeError: anything else that goes wrong in a measure, by its name.
        Skip: an explainer or a measure does not apply.
    """
    measures = [plugin(name, "measure") for name in STANDARD] if measure is None else [measure]
    name, before = f"measure {measure.text if measure else 'standard'}", sample.test.stamp
    with same_weights(name, sample.network):
        values = {
            one.text: _measured(build(one, "measure"), one.text, sample, alone=measure is not None) for one in measures
        }
    if sample.test.stamp != before:
        raise ValueError(f"{name} must not change the test split; work on a copy: chunk.inputs.clone()")
    return values | {"seconds_per_image": sample.shared.seconds_per_image}


def _measured(measure: Measure, name: str, sample: Sample, *, alone: bool = True) -> float | None:
    """The mean of a measure; its random numbers are the same for every explainer.

    Args:
        alone: a measure that does not apply says so; in a group it has no value.
    """
    try:
        with seeded("measure", name):
            mean = _mean(measure.measure(sample), name, sample)
    except Skip:
        if alone:
            raise
        return None
    except (ValueError, OSError):
        raise
    except (Exception, SystemExit) as error:  # it may be the user's: what fails is named
        raise RuntimeError(f"measure {name}: {type(error).__name__}: {error}") from error
    return _within(mean, name, getattr(measure, "bounds", (None, None)))


def _mean(values: object, name: str, sample: Sample) -> float | None:
    """The mean over the examples that count; a single number as it is, None where it is not one."""
    if values is None:
        return None
    array = values.detach().cpu().numpy() if isinstance(values, Tensor) else np.asarray(values)
    if array.dtype.kind not in "biuf" or array.shape not in ((), tuple(sample.targets.shape)):
        wanted = f"{len(sample.targets)} numbers, one for each example, or one number"
        raise ValueError(f"measure {name} must return {wanted}, got {array.dtype} of shape {array.shape}")
    numbers = torch.from_numpy(array.astype(np.float64)).to(sample.targets.device)
    counted = ~numbers.isnan() & (sample.maps.norm(dim=-1) > 0) if numbers.ndim else ~numbers.isnan()
    return float(numbers[counted].mean()) if counted.any() else None


def _within(mean: float | None, name: str, bounds: tuple[float | None, float | None]) -> float | None:
    """The mean, once it is finite and between the bounds that the measure declares."""
    low, high = bounds
    if mean is not None and not math.isfinite(mean):
        raise ValueError(f"measure {name} must return finite numbers, or NaN for an example that does not count")
    if mean is not None and not ((low is None or mean >= low - ROUNDING) and (high is None or mean <= high + ROUNDING)):
        raise ValueError(f"measure {name} must lie within its bounds {low} and {high}, got {mean:g}; mend either")
    return mean


def known(metrics: Mapping[str, float | None]) -> Measured:
    """What of an assessment is a result: the clock is none, for it differs from run to run."""
    return {name: value for name, value in metrics.items() if name != "seconds_per_image"}
