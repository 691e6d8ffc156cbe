"""Renders a run's folder: tables, curves, all rows; from the store alone."""

from pathlib import Path

from reports.load import costs, load
from reports.operating import operating_tables
from reports.plots import plots
from reports.seeds import rule_of
from reports.tables import tables

RENDERED = ("rows", "costs", "roar", "kar", "fidelity", "operating", "curves")


def report(folder: Path) -> str:
    """Writes the report of a run, finished or not, into its folder.

    Returns:
        The ROAR and KAR tables and the paths of everything written.

    Raises:
        ValueError: the folder holds no run.
    """
    frame = load(folder)
    out = folder / "report"
    out.mkdir(exist_ok=True)
    for stale in (path for name in RENDERED for path in out.glob(f"{name}*")):
        stale.unlink()  # a matrix that grew may have tables of other names
    written = [out / "rows.csv", out / "costs.csv"]
    frame.to_csv(written[0], index=False)
    costs(folder).to_csv(written[1], index=False)
    found = [*tables(frame, rule_of(folder)), *operating_tables(frame)]
    for table in found:
        written += table.write(out)
    written += plots(frame, out)
    shown = [table.text() for table in found if not table.name.startswith("fidelity")]
    return "\n\n".join([*shown, "\n".join(map(str, written))])
