"""The tables of curves: explainers by removal fractions; Fidelity, FIR and FII; DiffROAR."""

import math
from collections.abc import Iterator
from dataclasses import replace

import pandas as pd

from roarbench.benchmark.matrix.notation import parse
from roarbench.benchmark.results.adaptive import Rule
from roarbench.benchmark.results.statistics import Summary
from roarbench.reports.rows.load import curves
from roarbench.reports.rows.settings import ROAD_FILL, foremost, reads_masks, settings, slug, title
from roarbench.reports.rows.style import BETTER, ORDERS, label, percent, points
from roarbench.reports.statistics.groups import Better
from roarbench.reports.statistics.indices import INDICES, with_indices
from roarbench.reports.tables.evidence import best_first, with_groups
from roarbench.reports.tables.lines import Columns, Lines
from roarbench.reports.tables.masks import with_masks
from roarbench.reports.tables.operating import at_own_shares, forms, own_rows
from roarbench.reports.tables.table import Table, by_fraction, by_seed, table

RETRAINED = {
    "morf": "ROAR: removed most relevant first (lower is better)",
    "lerf": "KAR: removed least relevant first (higher is better)",
}
ROAD = {
    "morf": "ROAD (Rong et al. 2022): removed most relevant first (lower is better)",
    "lerf": "ROAD (Rong et al. 2022): removed least relevant first (higher is better)",
}
FIXED = {
    "morf": "Deletion without retraining: removed most relevant first (lower is better)",
    "lerf": "Insertion without retraining: removed least relevant first (higher is better)",
}
SHARED_TERMS = {
    "evaluator": "Shared evaluator (EVAL-X: Jethani et al. 2021), trained behind random masks: removed {ends}",
    "foreign": "Retrained behind the masks of other images: removed {ends}",
}
ENDS = {"morf": "most relevant first (lower is better)", "lerf": "least relevant first (higher is better)"}
MASKS = (
    "Masks alone: accuracy of networks that see only which pixels were removed, the most relevant share t. Masks "
    "of the other order are the complements, and carry the same information"
)
DIFF_ROAR = (
    "DiffROAR (Shah et al. 2021): KAR minus ROAR at the same removal fraction t, in points, paired by seed (higher "
    "is better)"
)
KINDS = {
    "evaluator": {"morf": "evaluator_removed", "lerf": "evaluator_kept"},
    "foreign": {"morf": "foreign_roar", "lerf": "foreign_kar"},
}
CHANCE = "Chance, the accuracy of always answering the most frequent class: {chance} %."
SHARED = {
    0.0: "Intact images (t = 0), the same for all: {accuracy} %.",
    1.0: "Everything removed (t = 1), the same for all: {accuracy} %.",
}
OWN_SHARE = (
    "h={name}: accuracy at the share that its own masks hide, if networks were retrained at that share. The table of "
    "its operating point gives that share; nothing is marked in this column."
)


def tables(frame: pd.DataFrame, rule: Rule | None = None) -> list[Table]:
    """ROAR, KAR and Fidelity tables of every setting in a run, and the rule by which it added seeds."""
    joined = curves(frame)
    return [table for part in settings(joined) for table in _of_setting(part, joined, frame, rule)]


def diff_roar(frame: pd.DataFrame) -> list[Table]:
    """KAR minus ROAR at equal removal fraction, of every setting with both orders (Shah et al. 2021, arXiv:2102.12781).

    Where nothing is retrained, the same difference of the original network.
    """
    joined = curves(frame)
    differences = [_differences(part, slug(part, joined)) for part in settings(joined[joined.probe == "image"])]
    return [table for table in differences if table]


def what(rows: pd.DataFrame, order: str) -> str:
    """What curves of one setting and order measure."""
    first = rows.iloc[0]
    if first.probe in SHARED_TERMS:
        return SHARED_TERMS[first.probe].format(ends=ENDS[order])
    if first.probe == "mask":
        return MASKS
    if first.retrain:
        return RETRAINED[order]
    return (ROAD if parse(str(first.fill))[0] == ROAD_FILL else FIXED)[order]


def _of_setting(part: pd.DataFrame, joined: pd.DataFrame, frame: pd.DataFrame, rule: Rule | None) -> Iterator[Table]:
    ending = slug(part, joined)
    masks = part.probe.iloc[0] == "mask"
    images_retrained = reads_masks(part)
    rule = rule if images_retrained or not joined.retrain.astype(bool).any() else None  # others follow these
    for order, of_order in part.groupby("order", sort=False):
        rows = of_order if masks else best_first(of_order, str(order))
        accuracies = _accuracies(rows, str(order), ending, rule)
        accuracies = with_masks(accuracies, rows, joined) if images_retrained else accuracies
        yield replace(accuracies.leading("n", "group", "mask"), printed=not masks and foremost(part, joined))
    lerf = part[(part.order == "lerf") & (part.removal_fraction > 0)]
    if len(lerf) and images_retrained:
        yield _fidelities(best_first(lerf, "lerf"), part, at_own_shares(part, frame), ending, rule)


def _accuracies(rows: pd.DataFrame, order: str, ending: str, rule: Rule | None) -> Table:
    caption = f"{what(rows, order)}. Test accuracy in % at removal fraction t. {title(rows)}."
    values = {f"t={t:.10g}": by_seed(group) for t, group in by_fraction(rows)}
    guessed = rows.chance.mean()
    chance = () if math.isnan(guessed) else (CHANCE.format(chance=percent(Summary(guessed, math.nan, 1), 1)),)
    if rows.probe.iloc[0] == "mask":
        name = "masks" + ending.removesuffix("-mask")
        return table(name, caption, Lines(rows, rule=rule), Columns(values, percent)).noted(*chance)
    columns = Columns(values, percent, _inside("t={}", rows, BETTER[order]))
    accuracies = table(_kind(rows, order) + ending, caption, Lines(rows, rule=rule), columns)
    ends = [name for name in ("t=0", "t=1") if name in values]
    return with_groups(accuracies.without(*ends).noted(*chance, *_ends(rows)), rows, order)


def _kind(rows: pd.DataFrame, order: str) -> str:
    """The kind of a table of accuracies: the first word of its file."""
    return KINDS.get(str(rows.probe.iloc[0]), {}).get(order, ORDERS[order].lower())


def _ends(rows: pd.DataFrame) -> Iterator[str]:
    """Accuracies that all explainers share, where nothing and where everything is removed."""
    for t, words in SHARED.items():
        accuracy = by_seed(rows[rows.removal_fraction == t]).summary(str(rows.explainer.iloc[0]))
        if accuracy.n:
            yield words.format(accuracy=percent(accuracy, accuracy.n))


def _fidelities(
    rows: pd.DataFrame, part: pd.DataFrame, seekers: dict[str, pd.DataFrame], ending: str, rule: Rule | None
) -> Table:
    """F, FIR and FII of each cell against the original of its seed; I is the share really hidden, in whole units.

    Args:
        seekers: explainers with masks of their own, from `operating.at_own_shares`; these have rows, and a column of
            all others at the share that they hide.
    """
    original = part[part.removal_fraction == 0]
    done = with_indices(rows[rows.status == "done"], original, accuracy="test_accuracy", hidden="share_removed")
    at = {f"{t:.10g}": done[done.removal_fraction == t] for t, _ in by_fraction(rows)}
    at |= {label(name): points for name, points in seekers.items()}
    values = {f"{name} h={h}": by_seed(group, name) for name in INDICES for h, group in at.items()}
    by_index = forms(part)
    written = {column: by_index[column.partition(" ")[0]] for column in values}
    better = {k: v for name in INDICES for k, v in _inside(f"{name} h={{}}", rows, "high").items()}
    what = (
        "Fidelity F, FIR = F/(F+I) and FII = F*I, least relevant hidden first; I is the hidden share of features "
        "at fraction h"
    )
    lines = Lines(rows, tuple(name for e in seekers for name in own_rows(e)), rule)
    fidelities = table("fidelity" + ending, f"{what}. {title(rows)}.", lines, Columns(values, written, better))
    of_own = fidelities.shown.index.isin([name for e in seekers for name in own_rows(e)])
    for column in values:
        at_own = column.partition("h=")[2] in map(label, seekers)
        elsewhere = (fidelities.numbers[(column, "n")] == 0) & (at_own | of_own)  # not measured there, hence no gap
        fidelities.shown[column] = fidelities.shown[column].mask(elsewhere, "–")
    full = [column for column in values if column.endswith(" h=1")]
    return fidelities.without(*full).noted(*(OWN_SHARE.format(name=label(e)) for e in seekers))


def _inside(name: str, rows: pd.DataFrame, better: Better) -> dict[str, Better]:
    """Which numbers are better, of the columns of removal fractions at which explainers differ."""
    return {name.format(f"{t:.10g}"): better for t, _ in by_fraction(rows) if 0 < t < 1}


def _differences(part: pd.DataFrame, ending: str) -> Table | None:
    between = part[(part.removal_fraction > 0) & (part.removal_fraction < 1)]
    wide = between.pivot(index=["explainer", "seed", "removal_fraction"], columns="order", values="test_accuracy")
    if not {"morf", "lerf"} <= {*wide.columns}:
        return None
    difference = (wide.lerf - wide.morf).dropna().reset_index(name="difference")
    values = {f"t={t:.10g}": by_seed(at, "difference") for t, at in by_fraction(difference)}
    caption = f"{DIFF_ROAR}. {title(part)}."
    better = _inside("t={}", difference, "high")
    return table("diffroar" + ending, caption, Lines(between), Columns(values, points, better)) if values else None
