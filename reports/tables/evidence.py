"""What a table of curves may be read for: groups of explainers, and the difference that could be found."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence

import pandas as pd

from roarbench.benchmark.results.adaptive import panel
from roarbench.benchmark.results.statistics import Summary
from roarbench.reports.rows.seeds import points
from roarbench.reports.rows.style import at_least
from roarbench.reports.statistics.groups import LEAST_SEEDS, MOST_LETTERS, Groups, groups
from roarbench.reports.statistics.tests import Seeds, minimum_detectable, pairs
from roarbench.reports.tables.table import Table

NOTHING = Summary(math.nan, math.nan, 0)

GROUPED = (
    "Group: explainers without a common letter differ significantly. {others} The best have an a. Paired t tests of "
    "the means over 0 < t < 1, Holm over all pairs, 5 %."
)
SHARING = "Between others there is no significant difference, which does not make them equal."
COARSE = (
    f"Others may differ, too: {MOST_LETTERS} letters do not suffice for all differences. Two have no common letter "
    "only if every pair that encloses them in the order of means differs."
)
UNGROUPED = f"No groups: a test between explainers takes at least {LEAST_SEEDS} seeds."
DETECTABLE = (
    "Detectable with 80 % power: {points} points between the two explainers of a single planned comparison (paired t "
    "test at 5 %, n = {n})."
)


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


def grouped(rows: pd.DataFrame, order: str) -> Groups:
    """Letters of the explainers of one setting and order, "a" the best."""
    return groups(means(rows), highest_first=order == "lerf")


def with_groups(table: Table, rows: pd.DataFrame, order: str) -> Table:
    """A table of curves with the column `group`, and the difference that its seeds could show."""
    values = {name: seeds for name, seeds in means(rows).items() if seeds}
    if len(values) < 2:
        return table
    lettering = grouped(rows, order)
    if lettering.letters:
        table = with_letters(table, rows, lettering)
    n = min(map(len, values.values()))
    least = minimum_detectable(pairs(values).values(), n)
    notes = () if math.isnan(least) else (DETECTABLE.format(points=at_least(least), n=n),)
    letters = GROUPED.format(others=COARSE if lettering.coarse else SHARING)
    return table.noted(letters if lettering.letters else UNGROUPED, *notes)


def with_letters(table: Table, rows: pd.DataFrame, lettering: Groups) -> Table:
    """A table with the column `group`."""
    texts = [lettering.letters.get(name, "–") for name in dict.fromkeys(rows.explainer)]
    return table.extended("group", texts, {"letters": texts})
