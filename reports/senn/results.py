"""Finished trainings of SENN as a frame, and the published accuracies."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

PUBLISHED = Path(__file__).parent / "published.csv"
"""Of the reproduction by Elbaghdadi, Hussain, Hoenes and Bardarov (github.com/AmanDaVinci/SENN, MIT licence).

Best validation accuracies in its training logs, mean and standard deviation over seeds; its Figure 3 shows them as test
accuracies.
"""

MEASURES = (
    "accuracy", "relevance", "lipschitz_inputs", "lipschitz_concepts", "relative_inputs", "relative_concepts",
    "faithfulness", "residual_ratio", "cosine", "completeness",
)  # fmt: skip


def frame(results: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """One row a training: what it was, its measures on the test split, and its best validation accuracy."""
    return pd.DataFrame([_record(result) for result in results])


def published(finals: pd.DataFrame) -> pd.DataFrame:
    """The published accuracies on the data set, whatever its parameters, with the same concepts; empty without any."""
    table, ours = pd.read_csv(PUBLISHED), finals.iloc[0]
    return table[(table.dataset == ours.dataset.partition("[")[0]) & (table.concepts == ours.concepts)]


def _record(result: Mapping[str, Any]) -> dict[str, object]:
    settings = result["settings"]
    named = {name: settings[name] for name in ("concepts", "robustness", "robust_weight", "bias")}
    best = result["best"].get("validation_accuracy")
    identity = {name: result[name] for name in ("dataset", "name", "seed")}
    return identity | named | {name: result["test"][name] for name in MEASURES} | {"validation_accuracy": best}
