"""Table 2 of Hooker et al. 2019 beside a run: its order of the estimators against ours."""

from collections.abc import Iterator
from pathlib import Path
from statistics import fmean

import pandas as pd
from scipy.stats import spearmanr

from roarbench.reports.rows.load import curves
from roarbench.reports.rows.seeds import repeats
from roarbench.reports.rows.settings import settings, slug, title
from roarbench.reports.rows.style import ORDERS, label
from roarbench.reports.tables.evidence import in_common, means
from roarbench.reports.tables.table import Table

FILE = Path(__file__).parent / "roar_table2.csv"
SOURCE = "Hooker, Erhan, Kindermans, Kim 2019, arXiv:1806.10758, Table 2"
FRACTIONS = (0.1, 0.3, 0.5, 0.7, 0.9)
LEAST = 4
"""Explainers that a correlation needs."""


def published() -> pd.DataFrame:
    """Table 2 in tidy form.

    Returns:
        Columns dataset, explainer (display label), order, removal_fraction, accuracy (share in [0, 1]). "KAR t % kept"
        is order lerf at removal fraction 1 - t.
    """
    wide = pd.read_csv(FILE, comment="#")
    long = wide.melt(["dataset", "estimator"], var_name="column", value_name="percent")
    keeps, percent = long.column.str.startswith("keep"), long.column.str.extract(r"(\d+)$")[0].astype(float) / 100
    return pd.DataFrame(
        {
            "dataset": long.dataset,
            "explainer": long.estimator,
            "order": keeps.map({True: "lerf", False: "morf"}),
            "removal_fraction": percent.where(~keeps, 1 - percent).round(10),
            "accuracy": long.percent / 100,
        }
    )


def reference_tables(frame: pd.DataFrame) -> list[Table]:
    """For ROAR and KAR of every retrained setting: mean over t and place in the order, published and ours."""
    joined = curves(frame)
    retrained = joined[(joined.probe == "image") & joined.retrain.astype(bool) & ~joined.recursive.astype(bool)]
    return [table for part in settings(retrained) for table in _of_setting(part, slug(part, joined))]


def _of_setting(part: pd.DataFrame, ending: str) -> Iterator[Table]:
    for order, rows in part.groupby("order", sort=False):
        ours, num_seeds = _ours(rows)
        theirs = _means(published().query("order == @order"), sorted(set(rows.removal_fraction) & {*FRACTIONS}))
        common = theirs.join(ours, how="inner")
        if len(common) >= LEAST:
            yield _table(common, rows, num_seeds, str(order), ending)


def _ours(rows: pd.DataFrame) -> tuple[pd.Series, int]:
    """Label -> mean accuracy over the published fractions and seeds, and how many seeds; of explainers in print.

    Only curves that are whole over these fractions, on the same seeds for all explainers.
    """
    known = set(published().explainer)
    measured = means(rows[rows.removal_fraction.isin(FRACTIONS)])
    in_print = {label(name): seeds for name, seeds in measured.items() if label(name) in known}
    names, seeds = in_common([in_print], LEAST)
    accuracies = {name: fmean(in_print[name][seed] for seed in seeds) for name in names}
    return pd.Series(accuracies, dtype=float, name=str(rows.dataset.iloc[0])), len(seeds)


def _means(rows: pd.DataFrame, fractions: list[float]) -> pd.DataFrame:
    """Explainers by published data sets: mean accuracy over the fractions that a run has too."""
    part = rows[rows.removal_fraction.isin(fractions)]
    return part.pivot_table("accuracy", "explainer", "dataset", sort=False)


def _table(common: pd.DataFrame, rows: pd.DataFrame, num_seeds: int, order: str, ending: str) -> Table:
    """Means with places in brackets, best first; below them how the published orders agree with ours."""
    places = common.rank(ascending=order == "morf", method="min").astype(int)
    shown = pd.DataFrame(
        {c: [f"{100 * m:.1f} ({p})" for m, p in zip(common[c], places[c], strict=True)] for c in common},
        index=common.index.rename("explainer"),
    )
    ours = common.columns[-1]
    agreement = {c: float(spearmanr(common[c], common[ours]).statistic) for c in common.columns[:-1]}
    said = "; ".join(f"{name} {rho:+.2f}" for name, rho in agreement.items())
    caption = f"{ORDERS[order]} beside the published table: accuracy in %, mean over t, and place, best first"
    return Table(
        f"reference-{ORDERS[order].lower()}{ending}", f"{caption}. {title(rows)}.", shown,
        pd.concat({"mean": common, "place": places}, axis=1).rename_axis("explainer"),
        (f"Published: {SOURCE}; mean of 5 runs. Ours: {repeats(rows, num_seeds)}, whole curves only.",
         f"Spearman with our order over {len(common)} explainers: {said}."), printed=True,
        dataset=str(rows.dataset.iloc[0]),
    )  # fmt: skip
