"""Explainers between which the seeds at hand show no significant difference share a letter."""

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations, islice
from string import ascii_lowercase
from typing import Literal

from roarbench.benchmark.results.statistics import summarise
from roarbench.reports.statistics.tests import LEVEL, Seeds, holm, pairs, t_test

LEAST_SEEDS = 3
MOST_LETTERS = 8
"""Most letters of a table; more of them nobody can read."""

Pair = frozenset[str]
Better = Literal["low", "high"]
Mark = Literal["best", "group", ""]


@dataclass(frozen=True)
class Groups:
    """Compact letters.

    Attributes:
        letters: explainer -> its letters, "a" those of the best; empty where seeds do not suffice.
        apart: pairs that differ significantly.
        coarse: some of those share a letter, too: where a wider pair in the order of means is not apart.
    """

    letters: dict[str, str] = field(default_factory=dict)
    apart: frozenset[Pair] = frozenset()
    coarse: bool = False

    def differ(self, one: str, other: str) -> bool:
        """Whether two explainers differ significantly."""
        return frozenset((one, other)) in self.apart


def groups(values: Mapping[str, Seeds], *, highest_first: bool = False) -> Groups:
    """Compact letters: two explainers share one unless a paired t test, Holm's p over all pairs, separates them.

    Piepho 2004, J. Comput. Graph. Stat. 13: the letters are the maximal sets without a separated pair. Differs: with
    more than `MOST_LETTERS` of them, a pair counts as separated only if every pair that encloses it is. That is the
    rule of range tests: it separates fewer pairs and leaves sets of neighbours.

    Args:
        values: explainer -> seed -> mean of its curve; NaN does not count.
        highest_first: "a" holds the highest mean instead of the lowest.

    Returns:
        Without letters for explainers of fewer than three seeds; with none where fewer than two are left.
    """
    finite = {name: {s: v for s, v in seeds.items() if not math.isnan(v)} for name, seeds in values.items()}
    known = {name: seeds for name, seeds in finite.items() if len(seeds) >= LEAST_SEEDS}
    if len(known) < 2:
        return Groups()
    means = {name: math.fsum(seeds.values()) / len(seeds) for name, seeds in known.items()}
    ordered = sorted(known, key=lambda name: -means[name] if highest_first else means[name])
    apart = separated(known)
    sets = cliques(ordered, apart)
    coarse = len(sets) > MOST_LETTERS
    if coarse:
        sets = cliques(ordered, nested(ordered, apart), most=len(ordered))
    letters = {name: "".join(_letter(i) for i, clique in enumerate(sets) if name in clique) for name in known}
    return Groups(letters, frozenset(apart), coarse)


def marks(values: Mapping[str, Seeds], better: Better) -> dict[str, Mark]:
    """Of one column: the best explainer, or those without a significant difference to it.

    An explainer is "best" only if a paired t test, Holm's p over all pairs, separates it from every other with a
    number. Otherwise it and those it is not separated from are a "group", unless these are all there are. Explainers
    of fewer than three seeds are separated from nobody.
    """
    means = {name: summarise(seeds.values()).mean for name, seeds in values.items()}
    known = {name: mean for name, mean in means.items() if not math.isnan(mean)}
    if len(known) < 2:
        return {}
    best = (min if better == "low" else max)(known, key=known.__getitem__)
    finite = {name: {s: v for s, v in values[name].items() if not math.isnan(v)} for name in known}
    apart = separated({name: seeds for name, seeds in finite.items() if len(seeds) >= LEAST_SEEDS})
    alike = [name for name in known if frozenset((best, name)) not in apart]  # the best itself among them
    return {} if len(alike) == len(known) else {name: "best" if alike == [best] else "group" for name in alike}


def separated(values: Mapping[str, Seeds]) -> set[Pair]:
    """The pairs that differ at 5 % in the family of all pairs."""
    differences = pairs(values)
    adjusted = holm([t_test(paired) for paired in differences.values()])
    return {frozenset(pair) for pair, p in zip(differences, adjusted, strict=True) if p <= LEVEL}


def nested(ordered: list[str], apart: Collection[Pair]) -> set[Pair]:
    """The pairs that are apart as are all pairs that enclose them in this order.

    >>> nested(["x", "y", "z"], {frozenset("xy")})
    set()
    """
    survivors: set[Pair] = set()
    last = len(ordered) - 1
    for width in range(last, 0, -1):
        for i in range(last - width + 1):
            j = i + width
            wider = [(i - 1, j)] * (i > 0) + [(i, j + 1)] * (j < last)
            pair = frozenset((ordered[i], ordered[j]))
            if pair in apart and all(frozenset((ordered[a], ordered[b])) in survivors for a, b in wider):
                survivors.add(pair)
    return survivors


def cliques(names: list[str], apart: Collection[Pair], most: int = MOST_LETTERS) -> list[frozenset[str]]:
    """The maximal sets of names without a pair that is apart, in the order of their first names; at most one too many.

    >>> [sorted(clique) for clique in cliques(["x", "y", "z"], {frozenset("xz")})]
    [['x', 'y'], ['y', 'z']]
    """
    near: dict[str, set[str]] = {name: set() for name in names}
    for one, other in combinations(names, 2):
        if frozenset((one, other)) not in apart:
            near[one].add(other)
            near[other].add(one)
    place = {name: i for i, name in enumerate(names)}
    sets = islice(_grown(frozenset(), set(names), set(), near), most + 1)
    return sorted(sets, key=lambda clique: sorted(place[name] for name in clique))


def _grown(clique: Pair, open_: set[str], closed: set[str], near: dict[str, set[str]]) -> Iterator[frozenset[str]]:
    """Bron and Kerbosch 1973, algorithm 457, with a pivot."""
    if not open_ and not closed:
        yield clique
        return
    pivot = max(sorted(open_ | closed), key=lambda name: len(near[name] & open_))
    for name in sorted(open_ - near[pivot]):
        yield from _grown(clique | {name}, open_ & near[name], closed & near[name], near)
        open_ = open_ - {name}
        closed = closed | {name}


def _letter(place: int) -> str:
    return ascii_lowercase[place] if place < len(ascii_lowercase) else f"({place + 1})"
