"""Renders a study: its tables and figures, from the folders of its finished trainings alone."""

from collections.abc import Mapping
from pathlib import Path

from reports.hns.plots import study_figures
from reports.hns.results import by_folder, frame
from reports.hns.tables import summary, trainings


def report(folder: Path, question: str, rows: Mapping[str, str]) -> str:
    """Writes the report of a study, finished or not, into its folder.

    Args:
        rows: condition -> row of `published.csv`, or ""; its order is that of the tables, other conditions follow.

    Returns:
        The question, the summary and the paths of everything written.

    Raises:
        ValueError: no training is finished.
    """
    results = by_folder(folder)
    if not results:
        raise ValueError(f"{folder} holds no finished training")
    found = frame(results.values())
    order = list(dict.fromkeys([*rows, *found.condition]))
    found = found.iloc[sorted(range(len(found)), key=lambda i: (order.index(found.condition[i]), found.seed[i]))]
    out = folder / "report"
    out.mkdir(exist_ok=True)
    tables = [summary(found, rows), trainings(found)]
    paths = [path for table in tables for path in table.write(out)] + study_figures(folder, out, rows)
    return "\n\n".join([question, tables[0].text(), "\n".join(map(str, paths))])
