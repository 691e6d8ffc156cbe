"""Label leakage: whether networks that see masks alone predict the class, and which conclusions that puts in doubt."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from roarbench.benchmark.results.statistics import Summary, wilson
from roarbench.reports.rows.seeds import num_seeds
from roarbench.reports.rows.settings import reads_masks
from roarbench.reports.rows.style import FLAG, OPEN, percent
from roarbench.reports.tables.lines import NOTHING
from roarbench.reports.tables.table import Column, Table, by_seed

State = Literal["readable", "not readable", "open"]
MARGIN = 0.10
"""Share of intact accuracy minus chance, beyond which a mask is said to reveal the class."""

SIGNS: dict[State, str] = {"readable": f" {FLAG}", "open": f" {OPEN}", "not readable": ""}
SEVERITY: tuple[State, ...] = ("not readable", "open", "readable")
SEEN_BY_MASKS = ["dataset", "classifier", "unit", "magnitude", "target"]
OPPOSITE = {"morf": "lerf", "lerf": "morf"}

READ = (
    "Mask: accuracy of networks that see only which pixels were removed, at the t with the largest leak (of t = "
    "{fractions})."
)
AT_ONCE = "These masks follow the ranking of the original network, not the recursive rankings."
LIMIT = (
    "Limit: from {limit:.1f} % on, a mask reveals the class. That is chance ({chance:.1f} %) plus {margin:.0f} % of "
    "the distance from chance to the accuracy on intact images ({intact:.1f} %)."
)
UNKNOWN = f"{OPEN} open: chance or the accuracy on intact images is unknown."
FLAGGED = f"{FLAG} label leakage: the whole interval is above the limit."
DOUBT = {
    "morf": (
        "A readable mask can only raise accuracy. So it casts doubt on a flagged explainer being worse, never on "
        "its being better."
    ),
    "lerf": (
        "A readable mask can only raise accuracy. So it casts doubt on a flagged explainer being better, never "
        "on its being worse."
    ),
}
"""What a flag means, by what is removed first."""

OPENED = f"{OPEN} not settled: the interval contains the limit, or there is no interval."
CLEAR = "No mask reveals the class at these t: all intervals are below the limit."
BY_SEEDS = "These intervals are t intervals over seeds, because the number of test images is not stored."
BY_IMAGES = (
    "The decision uses an interval that contains both the one shown and the binomial one of {images:,} test images."
)


@dataclass(frozen=True)
class Scale:
    """The range of accuracies: of guessing the most frequent class, and of networks that see intact images."""

    chance: float
    intact: float

    @property
    def limit(self) -> float:
        """Accuracy from which on a mask reveals the class; NaN where either is unknown."""
        return self.chance + MARGIN * max(self.intact - self.chance, 0.0)


@dataclass(frozen=True)
class Leak:
    """What the masks of an explainer reveal at one removal fraction."""

    accuracy: Summary
    state: State


def leakage(mask: Summary, scale: Scale, num_test: int | None) -> State:
    """Whether masks reveal the class: shown to, shown not to, or neither.

    Args:
        mask: accuracy of networks that see masks alone, over seeds.
        num_test: test images of one network; None where that is not known.
    """
    low, high = bounds(mask, num_test)
    if low > scale.limit:
        return "readable"
    return "not readable" if high < scale.limit else "open"


def bounds(mask: Summary, num_test: int | None) -> tuple[float, float]:
    """Interval of an accuracy that holds both the t interval over seeds and the binomial one of the test images.

    One seed has the binomial interval alone; where neither is known all is possible.
    """
    intervals = [mask.within(0.0, 1.0)] if mask.n > 1 else []
    intervals += [wilson(mask.mean, num_test)] if num_test and mask.n else []
    return (min(low for low, _ in intervals), max(high for _, high in intervals)) if intervals else (0.0, 1.0)


def scale_of(rows: pd.DataFrame, joined: pd.DataFrame) -> Scale:
    """The scale of the data set and classifier of some rows.

    Args:
        joined: all curves of the run, from `load.curves`.
    """
    first = rows.iloc[0]
    cells = joined[joined.dataset == first.dataset]
    intact = cells[(cells.classifier == first.classifier) & (cells.removal_fraction == 0) & (cells.probe == "image")]
    return Scale(float(cells.chance.mean()), float(intact.drop_duplicates("seed").test_accuracy.mean()))


def leaks(rows: pd.DataFrame, joined: pd.DataFrame) -> dict[str, dict[float, Leak]]:
    """Explainer -> removal fraction -> what its masks reveal there, of the rows of one setting and order."""
    scale, masks = scale_of(rows, joined), masks_of(rows, joined)
    by_explainer: dict[str, dict[float, Leak]] = {}
    for name, group in masks.groupby("explainer", sort=False):
        for fraction in dict.fromkeys(group.removal_fraction):
            cells = group[group.removal_fraction == fraction]
            accuracy = by_seed(cells).summary(str(name))
            if accuracy.n:
                leak = Leak(accuracy, leakage(accuracy, scale, _num_test(cells)))
                by_explainer.setdefault(str(name), {})[fraction] = leak
    return by_explainer


def worst(by_fraction: Mapping[float, Leak]) -> Leak:
    """The leak of an explainer at its worst fraction: a leak at one is a leak."""
    return max(by_fraction.values(), key=lambda leak: (SEVERITY.index(leak.state), leak.accuracy.mean))


def worst_leaks(rows: pd.DataFrame, joined: pd.DataFrame) -> dict[str, Leak]:
    """Explainer -> what its masks reveal at the worst fraction, of the rows of one setting and order."""
    return {name: worst(by_fraction) for name, by_fraction in leaks(rows, joined).items()}


def with_masks(table: Table, rows: pd.DataFrame, joined: pd.DataFrame) -> Table:
    """A table of curves with the column `mask`: the accuracy that masks alone allow."""
    masks = masks_of(rows, joined)
    if masks.empty or not reads_masks(rows):
        return table
    read, planned = worst_leaks(rows, joined), num_seeds(masks)
    names = list(dict.fromkeys(rows.explainer))
    texts = [percent(read[e].accuracy, planned[e]) + SIGNS[read[e].state] if e in read else "–" for e in names]
    accuracies = {e: read[e].accuracy if e in read else NOTHING for e in names}
    behind: dict[str, list] = {k: [getattr(a, k) for a in accuracies.values()] for k in ("mean", "half_width", "n")}
    behind["leakage"] = [read[e].state if e in read else "" for e in names]
    written = Column(percent, tuple((accuracies[e], planned.get(e, 0)) for e in names))
    return table.extended("mask", texts, behind, written).noted(_note(rows, masks, joined, read))


def masks_of(rows: pd.DataFrame, joined: pd.DataFrame) -> pd.DataFrame:
    """The mask cells of one setting and order.

    What stays under one order at t goes under the other at 1 - t, and a mask carries as much as its complement.
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


def _num_test(cells: pd.DataFrame) -> int | None:
    """Test images of one network; runs of older versions did not store it."""
    counts = cells.test_examples.dropna()
    return int(counts.min()) if len(counts) else None


def _note(rows: pd.DataFrame, masks: pd.DataFrame, joined: pd.DataFrame, read: Mapping[str, Leak]) -> str:
    first, scale, states = rows.iloc[0], scale_of(rows, joined), {leak.state for leak in read.values()}
    fractions = ", ".join(f"{t:.10g}" for t in sorted(set(masks.removal_fraction)))
    said = [READ.format(fractions=fractions), *([AT_ONCE] if first.recursive else [])]
    if math.isnan(scale.limit):
        return " ".join([*said, UNKNOWN])
    percents = {"limit": 100 * scale.limit, "chance": 100 * scale.chance, "intact": 100 * scale.intact}
    said.append(LIMIT.format(margin=100 * MARGIN, **percents))
    said += [FLAGGED, DOUBT[first.order]] if "readable" in states else []
    said += [OPENED] if "open" in states else [CLEAR] if states == {"not readable"} else []
    images = _num_test(masks)
    return " ".join([*said, BY_IMAGES.format(images=images) if images else BY_SEEDS])
