"""What a table of curves may be read for: groups of equals, differences that could be found, masks that can be read."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence

import pandas as pd

from benchmark.adaptive import panel
from benchmark.statistics import Summary, summarise
from reports.groups import LEAST_SEEDS, MOST_LETTERS, Groups, groups
from reports.seeds import num_seeds, points
from reports.statistics import Seeds, minimum_detectable, pairs
from reports.style import FLAG, percent
from reports.table import Column, Table

MASK_MARGIN = 0.10
"""Accuracy above chance, as a share, from which on the mask of an explainer is said to be readable."""

SEEN_BY_MASKS = ["dataset", "classifier", "unit", "magnitude", "target"]
OPPOSITE = {"morf": "lerf", "lerf": "morf"}
NOTHING = Summary(math.nan, math.nan, 0)

GROUPED = (
    "Group: explainers that share a letter are not told apart; a is the best (paired t tests of the means over "
    "0 < t < 1, Holm over all pairs, 5 %)."
)
COARSE = (
    f"There would be more than {MOST_LETTERS} letters: only pairs are told apart here that no wider pair encloses "
    "which is not."
)
UNGROUPED = f"No groups: telling explainers apart takes at least {LEAST_SEEDS} seeds."
DETECTABLE = (
    "Detectable with 80 % power: {points:.1f} points between two explainers (one paired t test at 5 %, n = {n})."
)
READ = (
    "Mask: the highest accuracy, over t = {fractions}, of networks that see only which pixels were removed; chance is "
    "{chance}. "
)
AT_ONCE = "These masks are of the ranking at once, not of the recursive ones. "
FLAGGED = (
    f"{FLAG} more than {100 * MASK_MARGIN:.0f} points above chance, and so with its interval: the mask alone tells the "
    "class, and the curve may show that instead of what was removed."
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
    found: list[tuple[list[str], list[int]]] = []
    for n in range(1, len(seeds) + 1):
        kept = [name for name in names if whole[name] >= set(seeds[:n])]
        found += [(kept, sorted(seeds[:n]))] if len(kept) >= least else []
    return max(found, key=lambda one: (len(one[0]) * len(one[1]), len(one[1])), default=([], []))


def grouped(rows: pd.DataFrame, order: str) -> Groups:
    """Letters of the explainers of one setting and order, "a" the best."""
    return groups(means(rows), highest_first=order == "lerf")


def with_groups(made: Table, rows: pd.DataFrame, order: str) -> Table:
    """A table of curves with the column `group`, and the difference that its seeds could show."""
    values = {name: seeds for name, seeds in means(rows).items() if seeds}
    if len(values) < 2:
        return made
    found = grouped(rows, order)
    if found.letters:
        made = with_letters(made, rows, found)
    n = min(map(len, values.values()))
    least = minimum_detectable(pairs(values).values(), n)
    told = () if math.isnan(least) else (DETECTABLE.format(points=100 * least, n=n),)
    return made.noted(GROUPED if found.letters else UNGROUPED, *([COARSE] if found.coarse else []), *told)


def with_letters(made: Table, rows: pd.DataFrame, found: Groups) -> Table:
    """A table with the column `group`."""
    texts = [found.letters.get(name, "–") for name in dict.fromkeys(rows.explainer)]
    return made.extended("group", texts, {"letters": texts})


def with_masks(made: Table, rows: pd.DataFrame, joined: pd.DataFrame) -> Table:
    """A table of curves with the column `mask`, if masks were measured: what they alone tell of the class.

    Args:
        joined: all curves of the run, from `load.curves`.
    """
    masks = masks_of(rows, joined)
    if masks.empty:
        return made
    chance = float(joined[joined.dataset == rows.dataset.iloc[0]].chance.mean())
    read = _most_telling(masks)
    planned = num_seeds(masks)
    names = list(dict.fromkeys(rows.explainer))
    flags = {name: readable(summary, chance) for name, summary in read.items()}
    texts = [percent(read[e], planned[e]) + f" {FLAG}" * flags[e] if e in read else "–" for e in names]
    behind = {k: [getattr(read.get(e, NOTHING), k) for e in names] for k in ("mean", "half_width", "n")}
    behind |= {"flag": [flags.get(e, False) for e in names]}
    fractions = ", ".join(f"{t:.10g}" for t in sorted(set(masks.removal_fraction)))
    shown = "unknown, hence no flags" if math.isnan(chance) else f"{100 * chance:.1f} %"
    note = (
        READ.format(fractions=fractions, chance=shown)
        + AT_ONCE * bool(rows.recursive.iloc[0])
        + FLAGGED * any(flags.values())
    )
    written = Column(percent, tuple((read.get(e, NOTHING), planned.get(e, 0)) for e in names))
    return made.extended("mask", texts, behind, written).noted(note.strip())


def readable(mask: Summary, chance: float) -> bool:
    """Whether a mask is told from chance, by more than the margin and by its interval if it has one."""
    above = mask.mean - chance
    return above > MASK_MARGIN and (math.isnan(mask.half_width) or above > mask.half_width)


def mask_accuracies(rows: pd.DataFrame, joined: pd.DataFrame) -> dict[str, Summary]:
    """Explainer -> the accuracy that its most telling mask gives, of the rows of one setting and order."""
    return _most_telling(masks_of(rows, joined))


def masks_of(rows: pd.DataFrame, joined: pd.DataFrame) -> pd.DataFrame:
    """The mask cells of one setting and order.

    What stays under one order at t is what goes under the other at 1 - t, and a mask tells as much as its complement.
    """
    first = rows.iloc[0]
    masks = joined[(joined.probe == "mask") & (joined.retrain.astype(bool)) & (joined.status == "done")]
    for column in SEEN_BY_MASKS:
        masks = masks[masks[column] == first[column]]
    turned = masks.assign(
        order=masks.order.map(OPPOSITE), removal_fraction=(1 - masks.removal_fraction).round(10)
    )  # fmt: skip
    both = pd.concat([masks, turned]).drop_duplicates(["explainer", "order", "removal_fraction", "seed"])
    return both[(both.order == first.order) & both.explainer.isin(rows.explainer)]


def _most_telling(masks: pd.DataFrame) -> dict[str, Summary]:
    """Of every explainer, at the fraction where the mean over seeds is highest."""
    found: dict[str, Summary] = {}
    for (explainer, _), values in masks.groupby(["explainer", "removal_fraction"], sort=False).test_accuracy:
        name, summary = str(explainer), summarise(values)
        if name not in found or summary.mean > found[name].mean:
            found[name] = summary
    return found
