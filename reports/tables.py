"""The tables of curves: explainers by removal fractions; Fidelity, FIR and FII; DiffROAR."""

from collections.abc import Iterator
from dataclasses import replace

import pandas as pd

from benchmark.adaptive import Rule
from benchmark.notation import parse
from hns.metrics import fidelity, fii, fir
from reports.evidence import with_groups, with_masks
from reports.load import curves
from reports.settings import settings, slug, title
from reports.style import ORDERS, percent, share
from reports.table import Table, by_fraction, table

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
MASKS = (
    "Masks alone: networks that see only which pixels were removed, the most relevant share t (what keeps as much is "
    "its complement and tells the same)"
)
DIFF_ROAR = (
    "DiffROAR (Shah et al. 2021): accuracy without the least relevant share t minus accuracy without the most relevant "
    "share t (higher is better, 0 tells nothing), paired by seed, in points"
)


def tables(frame: pd.DataFrame, rule: Rule | None = None) -> list[Table]:
    """ROAR, KAR and Fidelity tables of every setting in a run, and the rule by which it added seeds."""
    joined = curves(frame)
    return [table for part in settings(joined) for table in _of_setting(part, joined, rule)]


def diff_roar(frame: pd.DataFrame) -> list[Table]:
    """KAR minus ROAR at equal removal fraction, of every setting with both orders (Shah et al. 2021, arXiv:2102.12781).

    Where nothing is retrained, the same difference of the original network.
    """
    joined = curves(frame)
    made = [_differences(part, slug(part, joined)) for part in settings(joined[joined.probe == "image"])]
    return [table for table in made if table]


def with_indices(rows: pd.DataFrame, original: pd.DataFrame, *, accuracy: str, hidden: str) -> pd.DataFrame:
    """Rows whose seed has an original, with F, FIR and FII from the columns of accuracy and of the share hidden."""
    intact = original[original.test_accuracy > 0].drop_duplicates("seed").set_index("seed").test_accuracy
    rows = rows[rows.seed.isin(intact.index)]
    f = [fidelity(a, intact[seed]) for a, seed in zip(rows[accuracy], rows.seed, strict=True)]
    pairs = list(zip(f, rows[hidden], strict=True))
    return rows.assign(F=f, FIR=[fir(*pair) for pair in pairs], FII=[fii(*pair) for pair in pairs])


def what(rows: pd.DataFrame, order: str) -> str:
    """What curves of one setting and order measure."""
    first = rows.iloc[0]
    if first.probe == "mask":
        return MASKS
    if first.retrain:
        return RETRAINED[order]
    return (ROAD if parse(str(first.fill))[0] == "noisy_linear" else FIXED)[order]


def _of_setting(part: pd.DataFrame, joined: pd.DataFrame, rule: Rule | None) -> Iterator[Table]:
    ending = slug(part, joined)
    masks = part.probe.iloc[0] == "mask"
    images_retrained = not masks and bool(part.retrain.iloc[0])
    rule = rule if images_retrained or not joined.retrain.astype(bool).any() else None  # others follow these
    for order, rows in part.groupby("order", sort=False):
        made = _accuracies(rows, str(order), ending, rule)
        yield replace(with_masks(made, rows, joined), printed=True) if images_retrained else made
    kept = part[(part.order == "lerf") & (part.removal_fraction > 0)]
    if len(kept) and images_retrained:
        yield _fidelities(kept, part[part.removal_fraction == 0], ending, rule)


def _accuracies(rows: pd.DataFrame, order: str, ending: str, rule: Rule | None) -> Table:
    caption = f"{what(rows, order)}. Test accuracy in % at removal fraction t. {title(rows)}."
    columns = {f"t={t:.10g}": group for t, group in by_fraction(rows)}
    values = {name: {e: g.test_accuracy for e, g in group.groupby("explainer")} for name, group in columns.items()}
    masks = rows.probe.iloc[0] == "mask"
    kind = "masks" + ending.removesuffix("-mask") if masks else ORDERS[order].lower() + ending
    made = table(kind, caption, rows, values, percent, rule=rule)
    return made if masks else with_groups(made, rows, order)


def _fidelities(rows: pd.DataFrame, original: pd.DataFrame, ending: str, rule: Rule | None) -> Table:
    """F, FIR and FII of each cell against the original of its seed; I is the share really hidden, in whole units."""
    done = with_indices(rows[rows.status == "done"], original, accuracy="test_accuracy", hidden="share_removed")
    values = {
        f"{name} h={t:.10g}": {e: g[name].tolist() for e, g in done[done.removal_fraction == t].groupby("explainer")}
        for t, _ in by_fraction(rows)
        for name in ("F", "FIR", "FII")
    }
    what = "Fidelity F, FIR = F/(F+I) and FII = F*I, least relevant hidden first; I is the share hidden at fraction h"
    return table("fidelity" + ending, f"{what}. {title(rows)}.", rows, values, share, rule=rule)


def _differences(part: pd.DataFrame, ending: str) -> Table | None:
    between = part[(part.removal_fraction > 0) & (part.removal_fraction < 1)]
    wide = between.pivot(index=["explainer", "seed", "removal_fraction"], columns="order", values="test_accuracy")
    if not {"morf", "lerf"} <= {*wide.columns}:
        return None
    difference = (wide.lerf - wide.morf).dropna().reset_index(name="difference")
    values = {f"t={t:.10g}": {e: g.difference for e, g in at.groupby("explainer")} for t, at in by_fraction(difference)}
    caption = f"{DIFF_ROAR}. {title(part)}."
    return table("diffroar" + ending, caption, between, values, percent) if values else None
