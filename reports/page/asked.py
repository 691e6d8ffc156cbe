"""What was asked of a run, in words and numbers."""

import pandas as pd

from roarbench.benchmark.matrix.units import plural
from roarbench.reports.page.provenance import duration
from roarbench.reports.rows.load import REDUCED
from roarbench.reports.rows.seeds import one_explained
from roarbench.reports.rows.style import ORDERS, repeated, span

AIM = "Which explainer finds what a classifier needs?"
RANKED = (
    "Each explainer ranks the {units} of every example. "
    "The share t that it ranks {ends} is replaced (fill {fills}). Then {networks}. "
)
ENDS = {"morf": "first (ROAR: Remove And Retrain)", "lerf": "last (KAR: Keep And Retrain)"}
GOOD = {
    "morf": "Under ROAR a good explainer makes accuracy fall",
    "lerf": "under KAR it keeps accuracy high",
}
OF_ONE = " retrainings of one explained network"
CHANCE = ". It must beat a random order."
EVALUATOR = "A shared evaluator, trained behind random masks, judges all explainers alike. "
NETWORKS = {
    (): "a network that knows every share of hidden features is tested on the rest",
    (True,): "a network is trained from scratch on the rest, and tested",
    (False,): "the original network, not retrained, is tested on the rest",
    (False, True): "a network trained from scratch on the rest is tested, and so is the original one",
}
TUNED = "trained from scratch", "fine-tuned from the weights of the explained one"


def question(joined: pd.DataFrame) -> str:
    """The protocol of a run's curves, from `load.curves`, in a few sentences; nothing without curves."""
    rows = joined[joined.probe.isin(REDUCED)]
    if rows.empty:
        return ""
    own = rows[rows.probe != "evaluator"]
    orders = [order for order in ORDERS if order in set(rows.order)]
    ranked = RANKED.format(
        units=" or ".join(map(plural, dict.fromkeys(rows.unit))), ends=" or ".join(ENDS[o] for o in orders),
        fills=" or ".join(str(fill) for fill in dict.fromkeys(rows.fill.dropna())),
        networks=NETWORKS[tuple(sorted({bool(retrained) for retrained in own.retrain}))],
    )  # fmt: skip
    if rows.finetune.notna().any():
        ranked = ranked.replace(*TUNED)
    ranked += EVALUATOR * (len(own) < len(rows))
    good = ", ".join(GOOD[order] for order in orders)
    return ranked + good[0].upper() + good[1:] + CHANCE


def unfinished(frame: pd.DataFrame) -> str:
    """How much of a run is still to come; nothing where all is measured."""
    to_do = int((frame.status == "to do").sum())
    if not to_do:
        return ""
    return f"Unfinished: {to_do:,} of {repeated(len(frame), 'cell')} to come. Give the command again to finish the run."


def protocol(frame: pd.DataFrame, costs: pd.DataFrame) -> list[tuple[str, str]]:
    """The axes of a run with their values."""
    reduced = frame[frame.explainer.notna() & frame.probe.isin(REDUCED)]
    seeds = reduced.groupby("explainer").seed.nunique()
    removed = sorted(set(frame[frame.probe.isin(REDUCED)].removal_fraction))
    done = int((frame.status == "done").sum())
    took = f", {duration(float(costs.seconds.sum()))} of work" if len(costs) else ""
    return [
        (_many("data set", frame.dataset), _values(frame.dataset)),
        (_many("classifier", frame.classifier), _values(frame.classifier)),
        ("Explainers", str(frame.explainer.nunique())),
        ("Seeds", span(seeds) + OF_ONE * one_explained(reduced) if len(seeds) else "none"),
        ("Shares removed, t", ", ".join(f"{t:.10g}" for t in removed)),
        ("Cells", f"{done} of {len(frame)} measured{took}"),
    ]  # fmt: skip


def _many(name: str, column: pd.Series) -> str:
    return name.capitalize() + ("s" if column.nunique() != 1 else "")


def _values(column: pd.Series) -> str:
    return ", ".join(map(str, dict.fromkeys(column)))
