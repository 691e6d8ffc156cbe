"""Letters and marks: which explainers differ significantly, as one reads it in a table."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from itertools import combinations, islice
from string import ascii_lowercase
from typing import Literal

from roarbench.reports.statistics.family import LEAST_SEEDS, Family

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
        coarse: some that differ share a letter, too: where a wider pair in the order of means does not differ.
    """

    letters: dict[str, str] = field(default_factory=dict)
    coarse: bool = False


def groups(family: Family, *, highest_first: bool = False) -> Groups:
    """Compact letters: two explainers share one unless they differ significantly.

    Piepho 2004, J. Comput. Graph. Stat. 13: the letters are the maximal sets without a significant difference. Differs
    from the paper: with more than `MOST_LETTERS` of them, a pair counts as different only if every pair that encloses
    it is. That is the rule of range tests: it finds fewer differences and leaves sets of neighbours.

    Args:
        highest_first: "a" holds the highest mean instead of the lowest.

    Returns:
        Without letters for explainers that share fewer than three seeds with every other.
    """
    enough = [pair for pair, difference in family.differences.items() if difference.n >= LEAST_SEEDS]
    compared = {name for pair in enough for name in pair}
    turn = -1 if highest_first else 1
    ordered = sorted(compared, key=lambda name: (turn * family.means[name], name))
    apart = {frozenset(pair) for pair, difference in family.differences.items() if difference.significant}
    sets = cliques(ordered, apart)
    coarse = len(sets) > MOST_LETTERS
    if coarse:
        sets = cliques(ordered, nested(ordered, apart), most=len(ordered))
    letters = {name: "".join(_letter(i) for i, clique in enumerate(sets) if name in clique) for name in ordered}
    return Groups(letters, coarse)


def marks(family: Family, better: Better) -> dict[str, Mark]:
    """Of one column: the best explainer, or those without a significant difference to it.

    An explainer is "best" only if it differs significantly from every other with a number. Otherwise it and those it
    does not differ from are a "group", unless they are more than half of all: a mark says that others are worse.
    """
    if len(family.means) < 2:
        return {}
    best = (min if better == "low" else max)(family.means, key=family.means.__getitem__)
    alike = [name for name in family.means if not family.differ(best, name)]  # the best itself among them
    if 2 * len(alike) > max(2, len(family.means)):
        return {}
    return {name: "best" if alike == [best] else "group" for name in alike}


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
