"""A figure of your own from the rows of a run. Copy this file to the current folder, then:

python figure.py runs/first

To have it in every report: put `bars` into a file of `reports/pictures/`, and KIND into the list FIGURES in
`reports/kinds/figures.py`. It is then written beside the others and shown on the page and in the paper.
"""

import sys
from pathlib import Path

import matplotlib

from roarbench.reports.kinds.kind import Kind, OfDrawable
from roarbench.reports.pictures.drawing import PAGE, STYLE, Margins, Picture, headed, panels, write
from roarbench.reports.rows.load import curves, load
from roarbench.reports.rows.settings import images, title
from roarbench.reports.rows.style import ORDERS, label
from roarbench.reports.tables.evidence import means


def bars(frame):
    """A figure for each setting and order: the mean accuracy over 0 < t < 1 of every explainer."""
    for rows, order, ending in images(curves(frame)):
        values = {label(name): 100 * sum(by.values()) / len(by) for name, by in means(rows).items() if by}
        caption = f"{ORDERS[order]}: mean test accuracy over 0 < t < 1. {title(rows)}."
        alt = f"Bars of the mean accuracy of {len(values)} explainers."
        yield Picture(f"bars-{order}{ending}", caption, alt, drawn(values, f"{ORDERS[order]}\n{title(rows)}"))


@matplotlib.rc_context(STYLE)
def drawn(values, heading):
    margins = Margins().holding(values, "left")
    figure, [[axis]] = panels(1, 1, width=PAGE, height=0.2 * len(values), margins=margins)
    axis.barh([*values], [*values.values()], color="0.5")
    axis.set_xlabel("test accuracy in %")
    headed(figure, heading)
    return figure


# The name is the first word of the file names, before the hyphen; the sentence stands on the page.
KIND = Kind("bars", "Mean accuracy", "One bar for each explainer.", OfDrawable(bars))

if __name__ == "__main__":
    for path in write(bars(load(Path(sys.argv[1]))), Path()):
        print(path)
