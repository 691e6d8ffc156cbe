"""Explainers that the seeds at hand do not tell apart share a letter."""

import math
from collections.abc import Iterable, Mapping
from string import ascii_lowercase, ascii_uppercase

from reports.statistics import LEVEL, Seeds, holm, pairs, t_test

LEAST_SEEDS = 3
LETTERS = ascii_lowercase + ascii_uppercase

Pair = tuple[str, str]


def groups(values: Mapping[str, Seeds], *, highest_first: bool = False) -> dict[str, str]:
    """Compact letters: two explainers share one unless a paired t test, Holm's p over all pairs, separates them.

    Piepho 2004, J. Comput. Graph. Stat. 13: insert and absorb. Differs: letters are given in the order of means.

    Args:
        values: explainer -> seed -> mean of its curve; NaN does not count.
        highest_first: "a" holds the highest mean instead of the lowest.

    Returns:
        Explainer -> its letters; without explainers of fewer than three seeds, and empty where fewer than two are left.
    """
    finite = {name: {s: v for s, v in seeds.items() if not math.isnan(v)} for name, seeds in values.items()}
    known = {name: seeds for name, seeds in finite.items() if len(seeds) >= LEAST_SEEDS}
    if len(known) < 2:
        return {}
    means = {name: math.fsum(seeds.values()) / len(seeds) for name, seeds in known.items()}
    ordered = sorted(known, key=lambda name: -means[name] if highest_first else means[name])
    found = cliques(ordered, separated(known))
    return {name: "".join(_letter(i) for i, clique in enumerate(found) if name in clique) for name in known}


def separated(values: Mapping[str, Seeds]) -> list[Pair]:
    """The pairs that differ at 5 % in the family of all pairs."""
    differences = pairs(values)
    adjusted = holm([t_test(paired) for paired in differences.values()])
    return [pair for pair, p in zip(differences, adjusted, strict=True) if p <= LEVEL]


def cliques(names: list[str], apart: Iterable[Pair]) -> list[frozenset[str]]:
    """The maximal sets of names without a pair that is apart, in the order of their first names.

    >>> [sorted(clique) for clique in cliques(["x", "y", "z"], [("x", "z")])]
    [['x', 'y'], ['y', 'z']]
    """
    found = [frozenset(names)]
    for pair in apart:
        whole = [clique for clique in found if clique.issuperset(pair)]
        kept = [clique for clique in found if not clique.issuperset(pair)]
        parts = dict.fromkeys(clique - {name} for clique in whole for name in pair)
        found = kept + [part for part in parts if not any(part <= one for one in kept) and not _absorbed(part, parts)]
    place = {name: i for i, name in enumerate(names)}
    return sorted(found, key=lambda clique: sorted(place[name] for name in clique))


def _absorbed(part: frozenset[str], parts: Iterable[frozenset[str]]) -> bool:
    return any(part < other for other in parts)


def _letter(place: int) -> str:
    return LETTERS[place] if place < len(LETTERS) else f"({place + 1})"
