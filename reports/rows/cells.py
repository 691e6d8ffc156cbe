"""What a stored cell is, from its specification as plain data; needs no pandas."""

SETTING = ["dataset", "classifier", "unit", "magnitude", "target", "fill", "retrain", "recursive", "probe"]
"""Columns that say under which conditions explainers are compared; every setting has tables of its own."""

REDUCED = ("image", "evaluator", "foreign")
"""Probes whose networks see reduced images: their curves are compared, explainer by explainer."""

CURVES = (*REDUCED, "mask")
"""Probes whose cells are points of curves; the others stand alone."""


def strange(cell: dict) -> bool:
    """Whether a network that is not retrained is another than the one that was explained.

    Older folders of the protocol that explains one network hold such cells; they measure transfer, not explainers.
    """
    ranking = cell["ranking"]
    return bool(ranking) and not cell["retrain"] and ranking["training"]["seed"] != cell["training"]["seed"]


def coordinates(cell: dict) -> dict[str, object]:
    """What a cell is, by columns."""
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
        "measure": measured["text"] if (measured := cell.get("measure")) else None,
        "order": cell["order"] if ranking else None,
        "removal_fraction": cell["removal_fraction"],
        "seed": cell["training"]["seed"],
        "explained": ranking["training"]["seed"] if ranking else None,
        "folds": ranking.get("folds"),
        "finetune": cell["training"]["recipe"].get("finetune"),
    }
