"""How many seeds each explainer got, and what is to be said where seeds were added to some."""

from collections.abc import Iterator

import pandas as pd

from roarbench.benchmark.results.adaptive import Point, Rule, panel, replicate
from roarbench.reports.rows.hits import known, redrawn
from roarbench.reports.rows.style import labels

ADDED = (
    "Seeds were added, {first} to {most}, until the 95 % t interval over seeds had a half-width of at most "
    "{target:g} points. That is the interval of an explainer's mean over t. The coverage of such intervals is "
    "somewhat below 95 %. Tests of differences keep their level, because no seed was added because of a difference."
)


def one_explained(rows: pd.DataFrame) -> bool:
    """Whether all seeds share the network that was explained, so that only retraining differs between them."""
    return rows.seed.nunique() > 1 and rows.explained.nunique() == 1


def repeats(rows: pd.DataFrame, number: object) -> str:
    """Over what the numbers of some rows were averaged: "n = 3 seeds"."""
    what = ("retraining", " of one explained network") if one_explained(rows) else ("seed", "")
    return f"n = {number} {what[0]}{'' if str(number) == '1' else 's'}{what[1]}"


def covers(rows: pd.DataFrame, *, images: bool = True) -> str:
    """What the intervals of some rows cover, and what they leave out; of each data set where that differs.

    Args:
        images: whether they cover test images where hits of these are known.
    """
    by = {str(name): _covers(part, images=images) for name, part in rows.groupby("dataset", sort=False)}
    if len(set(by.values())) < 2:
        return next(iter(by.values()), "")
    return " ".join(f"{name}: {said}" for name, said in by.items())


def _covers(rows: pd.DataFrame, *, images: bool) -> str:
    sampling, covered = "the sampling of test images", images and known(rows)
    if rows.seed.nunique() < 2:
        return "A single value has no interval."
    if redrawn(rows):
        return "Intervals cover training randomness and the drawing of the data, which differ from seed to seed."
    if one_explained(rows) and covered:
        return f"Intervals cover retraining and {sampling}, not which network was explained."
    if one_explained(rows):
        return f"Intervals cover retraining alone, neither which network was explained nor {sampling}."
    if covered:
        return f"Intervals cover training randomness (seeds) and {sampling}."
    return f"Intervals cover training randomness (seeds) for these test images, not {sampling}."


def num_seeds(rows: pd.DataFrame) -> dict[str, int]:
    """Explainer -> number of seeds, of the rows of one table, in their order."""
    return {str(name): seeds.nunique() for name, seeds in rows.groupby("explainer", sort=False).seed}


def notes(rows: pd.DataFrame, rule: Rule) -> Iterator[str]:
    """How seeds were added to the explainers of a table, and which of them ran out of seeds."""
    yield ADDED.format(first=rule.first, most=rule.most, target=100 * rule.target)
    stopped = replicate(panel(points(rows)), rule).unsettled
    if stopped:
        names = labels(list(dict.fromkeys(rows.explainer)))
        named = [name for e, name in zip(dict.fromkeys(rows.explainer), names, strict=True) if e in stopped]
        yield f"Stopped at {rule.most} seeds without that: {', '.join(named)}."


def points(rows: pd.DataFrame, column: str = "test_accuracy") -> Iterator[Point]:
    """The cells of one setting and order, as the rule of seeds sees them."""
    columns = ("explainer", "seed", "removal_fraction", column, "status")
    for name, seed, fraction, accuracy, status in zip(*(rows[column].tolist() for column in columns), strict=True):
        yield Point(name, seed, fraction, None if status == "to do" else accuracy)
