"""What a table of curves may be read for: groups of explainers, and the difference that could be found."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence

import pandas as pd

from roarbench.benchmark.results.adaptive import panel
from roarbench.reports.rows.hits import by_image
from roarbench.reports.rows.seeds import points
from roarbench.reports.rows.style import at_least
from roarbench.reports.statistics.family import ADVISED, LEAST_SEEDS, Family, compare
from roarbench.reports.statistics.groups import MOST_LETTERS, Groups, groups
from roarbench.reports.statistics.scores import Scores, Seeds
from roarbench.reports.tables.table import Table

GROUPED = (
    "Group: explainers without a common letter differ significantly in their means over 0 < t < 1. The letter a "
    "marks the best. {others}"
)
SHARING = "Explainers with a common letter do not differ significantly, which does not make them equal."
COARSE = (
    f"Explainers with a common letter may differ, too: {MOST_LETTERS} letters do not suffice for all differences. Two "
    "have no common letter only if every pair that encloses them in the order of means differs."
)
UNGROUPED = f"No groups: a test between explainers takes at least {LEAST_SEEDS} seeds."
DETECTABLE = (
    "Detectable: with 80 % power, the test of all pairs finds a difference of {points} points between two "
    "explainers. {needed}"
)
ASKED = (0.01, 0.02, 0.05)
"""Differences of accuracy of which it is said how many seeds they take."""


def means(rows: pd.DataFrame, column: str = "test_accuracy") -> dict[str, Seeds]:
    """Explainer -> seed -> mean accuracy, or mean of another column, over 0 < t < 1, of whole curves only."""
    return {
        name: {seed: mean for seed, mean in seeds.items() if not math.isnan(mean)}
        for name, seeds in panel(points(rows, column)).items()
    }


def in_common(curves: Sequence[Mapping[str, Seeds]], least: int) -> tuple[list[str], list[int]]:
    """The explainers and seeds that every one of several ways of measuring has all curves of.

    Seeds count on which at least so many explainers are whole under every way. Explainers must be whole on all of
    them; of seeds that leave fewer explainers, as many are taken as keep most curves, and the more seeds of as many.

    Args:
        curves: for each way, explainer -> seed -> value.
        least: explainers that must be left.

    Returns:
        Two empty lists where there are too few.
    """
    names = [name for name in curves[0] if all(name in way for way in curves)] if curves else []
    whole = {name: set.intersection(*(set(way[name]) for way in curves)) for name in names}
    counts = Counter(seed for seeds in whole.values() for seed in seeds)
    seeds = sorted((seed for seed, count in counts.items() if count >= least), key=lambda s: (-counts[s], s))
    options: list[tuple[list[str], list[int]]] = []
    for n in range(1, len(seeds) + 1):
        common = [name for name in names if whole[name] >= set(seeds[:n])]
        options += [(common, sorted(seeds[:n]))] if len(common) >= least else []
    return max(options, key=lambda one: (len(one[0]) * len(one[1]), len(one[1])), default=([], []))


def family(rows: pd.DataFrame) -> Family:
    """The explainers of one setting and order, compared in their means over 0 < t < 1."""
    return compare(scores(rows))


def scores(rows: pd.DataFrame) -> Scores:
    """Means over 0 < t < 1 of one setting and order, of seeds and of test images."""
    return Scores(means(rows), by_image(rows[(rows.removal_fraction > 0) & (rows.removal_fraction < 1)]))


def best_first(rows: pd.DataFrame, order: str) -> pd.DataFrame:
    """The rows of one setting and order, those of the best explainer first, of explainers without a score last."""
    known, turn = family(rows).means, 1.0 if order == "morf" else -1.0
    places = {e: turn * known.get(e, turn * math.inf) for e in dict.fromkeys(rows.explainer)}
    return rows.iloc[rows.explainer.map(places).argsort(kind="stable")]


def with_groups(table: Table, rows: pd.DataFrame, order: str) -> Table:
    """A table of curves with the column `group`, and the difference that its seeds could show."""
    compared = family(rows)
    if len(compared.means) < 2:
        return table
    lettering = groups(compared, highest_first=order == "lerf")
    if not lettering.letters:
        return table.noted(UNGROUPED, *detectable(compared))
    letters = GROUPED.format(others=COARSE if lettering.coarse else SHARING)
    return with_letters(table, rows, lettering).noted(letters, *detectable(compared))


def detectable(compared: Family) -> list[str]:
    """The difference that is found with 80 % power, and the seeds that smaller ones would take; none without a test."""
    if compared.planning is None:
        return []
    found = min(compared.detectable, 1.0) if compared.model else 1.0
    seeds = [f"{in_points(size)}: {advised(compared, size)}" for size in ASKED if size < found]
    needed = f"Seeds needed for {'smaller ' if compared.model else ''}differences: {'; '.join(seeds)}." if seeds else ""
    return [DETECTABLE.format(points=at_least(found), needed=needed).strip() if compared.model else needed]


def in_points(size: float) -> str:
    """A difference of accuracies in words.

    >>> in_points(0.01), in_points(0.025)
    ('1 point', '2.5 points')
    """
    number = f"{100 * size:g}"
    return f"{number} point" if number == "1" else f"{number} points"


def advised(compared: Family, size: float) -> str:
    """In words, how many seeds find so large a difference with 80 % power."""
    seeds = compared.needed(size)
    return f"about {seeds}" if seeds else f"more than {ADVISED[-1]}"


def with_letters(table: Table, rows: pd.DataFrame, lettering: Groups) -> Table:
    """A table with the column `group`."""
    texts = [lettering.letters.get(name, "–") for name in dict.fromkeys(rows.explainer)]
    return table.extended("group", texts, {"letters": texts})
