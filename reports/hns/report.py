"""Renders a study: its tables and figures, from the folders of its finished trainings alone."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from roarbench.reports.hns.plots import study_figures
from roarbench.reports.hns.results import read
from roarbench.reports.hns.tables import comparison, summary, trainings
from roarbench.reports.terminal.tables import printed


def report(folder: Path, question: str, rows: Mapping[str, str]) -> str:
    """Writes the report of a study, finished or not, into its folder.

    Args:
        rows: condition -> row of `published.csv`, or ""; its order is that of the tables, other conditions follow.

    Returns:
        Text for `terminal.text.show`: the question, the summary and the address of the folder.

    Raises:
        ValueError: no training is finished.
    """
    study = read(folder, rows)
    if study is None:
        raise ValueError(f"{folder} holds no finished training")
    place = study.finals.condition.map(study.order.index)
    study = replace(study, finals=study.finals.assign(place=place).sort_values(["place", "seed"]).drop(columns="place"))
    out = folder / "report"
    out.mkdir(exist_ok=True)
    tables = [summary(study.finals, rows), comparison(study), trainings(study.finals)]
    for table in tables:
        table.write(out)
    study_figures(study, out)
    return "\n\n".join([question, printed(tables[:1]), out.resolve().as_uri()])
