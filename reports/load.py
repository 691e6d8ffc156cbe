"""From the store to a tidy frame: one row a cell, in canonical order. Needs no torch."""

from pathlib import Path

import pandas as pd

from benchmark.store import Row, Store

SETTING = ["dataset", "classifier", "unit", "magnitude", "target", "fill", "retrain", "recursive", "probe"]
"""Columns that say under which conditions explainers are compared; every setting has tables of its own."""

METRICS = [
    "test_accuracy", "test_loss", "train_accuracy", "train_loss", "validation_accuracy", "validation_loss",
    "test_target_probability", "chance",
]  # fmt: skip
SHARES = ["share_removed", "nonzero_share_removed"]
OWN = ["own_accuracy", "own_share_hidden", "own_nonzero_share_hidden", "own_restarts", "own_collapsed"]
"""Of explainers with masks of their own: what these hide of the test split, and how well they classify the rest."""

ATTRIBUTION = [
    "infidelity", "max_sensitivity", "lipschitz", "gini", "zero_attributions", "truth_precision", "truth_auc", "passes",
]  # fmt: skip
"""Of rows whose probe is "attribution": what is measured of the attributions themselves."""

DEGRADED = "degraded"
"""Name of the explainer that makes another one worse by a known amount."""

CLOCKED = ["seconds_per_image"]
"""Seconds to explain an image; no result, for it differs from run to run."""

RESULT = ["status", *METRICS, *SHARES, *OWN, *ATTRIBUTION]
COLUMNS = [*SETTING, "explainer", "order", "removal_fraction", "seed", *RESULT, "reason", *CLOCKED]


def load(folder: Path) -> pd.DataFrame:
    """All planned cells of a run.

    Returns:
        Columns `COLUMNS`; accuracies as shares in [0, 1]; `explainer`, `order` and the rest of the ranking are empty
        where a cell serves several curves; `status` is "to do" where a cell was not measured yet.

    Raises:
        ValueError: the folder holds no run.
    """
    store = Store(folder)
    frame = pd.DataFrame([_record(row) for row in store.rows()], columns=COLUMNS)
    store.close()
    return frame.astype(dict.fromkeys([*METRICS, *SHARES, *OWN, *ATTRIBUTION, *CLOCKED, "removal_fraction"], float))


def costs(folder: Path) -> pd.DataFrame:
    """Seconds and provenance of every measured cell; apart from the results because they differ from run to run."""
    store = Store(folder)
    rows = [(row, row.outcome) for row in store.rows() if row.outcome]
    store.close()
    named = [{name: _record(row)[name] for name in COLUMNS[: COLUMNS.index("status")]} for row, _ in rows]
    return pd.DataFrame(
        [name | {"seconds": o.seconds} | o.provenance for name, (_, o) in zip(named, rows, strict=True)]
    )


def degrees(folder: Path) -> dict[str, tuple[str, float]]:
    """Explainers of a run that another was degraded to: as written -> that other one, and the noise."""
    store = Store(folder)
    rankings = [row.specification["ranking"] for row in store.rows() if row.specification["ranking"]]
    store.close()
    explainers = [ranking["explainer"] for ranking in rankings if ranking["explainer"]["name"] == DEGRADED]
    given = {explainer["text"]: dict(explainer["parameters"]) for explainer in explainers}
    return {text: (parameters["base"]["text"], float(parameters["noise"])) for text, parameters in given.items()}


def curves(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows of every curve: reduced cells, joined by the originals (0) and full removals (1) that they share."""
    reduced = frame[frame.explainer.notna() & (frame.probe != "attribution")]
    parts = [reduced]
    for fraction, shared_by in ((0.0, ["dataset", "classifier"]), (1.0, ["dataset", "classifier", "fill", "retrain"])):
        shared = frame[frame.explainer.isna() & (frame.removal_fraction == fraction)]
        shared = shared[[*shared_by, "seed", *RESULT, "reason", "removal_fraction"]]
        curve = reduced[[*SETTING, "explainer", "order", "seed"]].drop_duplicates()
        curve = curve[curve.probe == "image"]
        parts.append(curve.merge(shared, on=[*shared_by, "seed"]))
    return pd.concat(parts, ignore_index=True)[COLUMNS]


def _record(row: Row) -> dict[str, object]:
    cell, outcome = row.specification, row.outcome
    ranking = cell["ranking"] or {}
    return {
        "dataset": cell["training"]["dataset"]["text"],
        "classifier": cell["training"]["classifier"]["text"],
        "unit": ranking.get("unit"),
        "magnitude": ranking.get("magnitude"),
        "target": ranking.get("target"),
        "fill": cell["fill"]["text"] if cell["fill"] else None,
        "retrain": cell["retrain"],
        "recursive": cell.get("steps") is not None,
        "probe": cell["probe"],
        "explainer": ranking["explainer"]["text"] if ranking else None,
        "order": cell["order"] if ranking else None,
        "removal_fraction": cell["removal_fraction"],
        "seed": cell["training"]["seed"],
        "status": outcome.status if outcome else "to do",
        "reason": outcome.reason.partition("\n")[0] if outcome else "",
        **(outcome.metrics if outcome else {}),
        **({name: outcome.provenance.get(name) for name in CLOCKED} if outcome else {}),
    }
