"""With what the numbers of a run were made."""

import pandas as pd

MOST = 3
"""Commits beyond which they are only counted."""


def versions(costs: pd.DataFrame, dataset: str = "") -> str:
    """The commits and the version of torch behind some rows; empty where these were not recorded.

    Args:
        costs: from `load.read`.
        dataset: whose rows; all of them if empty.
    """
    rows = costs[costs.dataset == dataset] if dataset and len(costs) else costs
    commits, torch = recorded(rows, "commit"), recorded(rows, "torch")
    named = f"{len(commits)} commits, see costs.csv" if len(commits) > MOST else ", ".join(commits)
    said = [*([f"roarbench {named}"] if commits else []), *([f"torch {', '.join(torch)}"] if torch else [])]
    return f"Measured with {'; '.join(said)}." if said else ""


def recorded(rows: pd.DataFrame, column: str) -> list[str]:
    """The values of a column of costs, where it was recorded at all."""
    return sorted(map(str, rows[column].dropna().unique())) if column in rows else []
