"""A table of your own from the rows of a run. Copy this file to the current folder, then:

python table.py runs/first

To have it in every report: put `lowest` into a file of `reports/tables/`, and KIND into the list TABLES in
`reports/kinds/tables.py`. The page, the paper and the files of a report read that list.
"""

import sys
from pathlib import Path

from roarbench.reports.kinds.kind import Kind, OfRows
from roarbench.reports.rows.load import curves, load
from roarbench.reports.rows.settings import images, title
from roarbench.reports.rows.style import ORDERS, percent
from roarbench.reports.tables.lines import Columns, Lines
from roarbench.reports.tables.table import by_seed, table


def lowest(frame):
    """A table for each setting and order: the lowest accuracy of every curve, seed by seed."""
    for rows, order, ending in images(curves(frame)):
        inner = rows[(rows.removal_fraction > 0) & (rows.removal_fraction < 1)]
        least = inner.groupby(["explainer", "seed"], sort=False).test_accuracy.min().reset_index()
        caption = f"{ORDERS[order]}: the lowest test accuracy between t = 0 and t = 1. {title(rows)}."
        columns = Columns({"lowest": by_seed(least)}, percent)
        yield table(f"lowest-{order}{ending}", caption, Lines(rows), columns)


# The name is the first word of the file names, before the hyphen; the sentence stands on the page.
KIND = Kind("lowest", "Lowest accuracy", "The lowest point of each curve.", OfRows(lowest))

if __name__ == "__main__":
    for made in lowest(load(Path(sys.argv[1]))):
        print(made.text(), end="\n\n")
