"""Which explainers of a panel need another seed: decided from their curves alone, round by round."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any, NamedTuple

from roarbench.benchmark.results.statistics import summarise

Panel = dict[str, dict[int, float]]
"""Explainer -> seed -> mean accuracy of its curve; NaN where a cell failed or was skipped, absent until it is measured.

A panel is what one table compares: explainers under one data set, classifier, fill, order, retraining and probe.
"""


class Point(NamedTuple):
    """One cell of a panel; its accuracy is a share, NaN if it failed or was skipped, None while it is to do."""

    explainer: str
    seed: int
    removal_fraction: float
    accuracy: float | None


@dataclass(frozen=True)
class Rule:
    """When a panel is settled.

    Attributes:
        target: half width of a 95 % interval, as a share of 1.
        first: seeds that every explainer has.
        most: seeds that an explainer gets at most.
    """

    target: float
    first: int
    most: int


@dataclass(frozen=True)
class Replication:
    """How far the seeds of a panel have come.

    Attributes:
        seeds: number of seeds that each explainer is to have: 0, 1, ... seeds - 1.
        unsettled: explainers that stopped at the most seeds without being settled; empty while cells are to do.
    """

    seeds: dict[str, int]
    unsettled: frozenset[str] = frozenset()


def rule(matrix: Mapping[str, Any]) -> Rule | None:
    """The rule of a matrix as it is stored; None where all explainers get the same seeds."""
    target = matrix.get("target_interval")
    return None if target is None else Rule(target / 100, matrix["seeds"], matrix["max_seeds"])


def panel(points: Iterable[Point]) -> Panel:
    """Curves of the explainers of a panel; what all curves share, removal fractions 0 and 1, does not count."""
    accuracies: dict[str, dict[int, dict[float, float | None]]] = {}
    for name, seed, fraction, accuracy in points:
        if 0 < fraction < 1:
            accuracies.setdefault(name, {}).setdefault(seed, {})[fraction] = accuracy
    whole = len({fraction for seeds in accuracies.values() for curve in seeds.values() for fraction in curve})
    return {
        name: {seed: mean for seed, curve in seeds.items() if (mean := _mean(curve, whole)) is not None}
        for name, seeds in accuracies.items()
    }


def replicate(curves: Panel, rule: Rule) -> Replication:
    """Repeats every decision from the first seeds on, up to the round that is not measured yet.

    Each round sees only the seeds that the rounds before it asked for, hence the same ones after an interruption, in
    any order of work, and beside whatever more a folder holds.
    """
    seeds = dict.fromkeys(curves, rule.first)
    while all(curves[name].keys() >= set(range(n)) for name, n in seeds.items()):
        wanting = unsettled({name: [curves[name][seed] for seed in range(n)] for name, n in seeds.items()}, rule.target)
        growing = [name for name in wanting if seeds[name] < rule.most]
        if not growing:
            return Replication(seeds, wanting)
        seeds |= {name: seeds[name] + 1 for name in growing}
    return Replication(seeds)


def unsettled(curves: Mapping[str, Sequence[float]], target: float) -> frozenset[str]:
    """Explainers that another seed would serve: those whose interval is wider than asked for.

    Width alone decides. A rule that stopped at a significant difference would find one between equal explainers in up
    to 13.7 % of runs at a nominal 5 %; this one finds it in 4.6 to 5.5 % (tests/benchmark/test_adaptive.py). Intervals
    of the means themselves cover a little less than their nominal 95 %: at least 90.6 % from three seeds on, 93 % from
    five on. More seeds do not help an explainer that fails or does not apply: it counts as settled.

    Args:
        curves: explainer -> a value for each of the seeds 0, 1, ...; at least two.
        target: half width of a 95 % interval, as a share of 1.
    """
    whole = {name: values for name, values in curves.items() if not any(map(math.isnan, values))}
    return frozenset(name for name, values in whole.items() if summarise(values).half_width > target)


def _mean(curve: dict[float, float | None], whole: int) -> float | None:
    """Mean accuracy of a curve with all its cells, otherwise None."""
    accuracies = [accuracy for accuracy in curve.values() if accuracy is not None]
    return fmean(accuracies) if len(accuracies) == whole else None
