"""Critical-difference diagrams (Demšar 2006), drawn by scikit-posthocs; the only file that imports it."""

from collections.abc import Iterator, Mapping
from operator import itemgetter

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from roarbench.reports.pictures.drawing import PAGE, STYLE, Picture, headed
from roarbench.reports.rows.load import curves
from roarbench.reports.rows.settings import protocol, title
from roarbench.reports.rows.style import ORDERS, labels
from roarbench.reports.statistics.ranks import friedman
from roarbench.reports.tables.across import available, cases

NAME = "critical_difference"
CAPTION = (
    "{protocol}: mean ranks over n = {n} data sets (1 = best). Bars join explainers whose mean ranks differ by less "
    "than the critical difference of {critical:.2f} (Nemenyi, 5 %)."
)
ALT = "Critical-difference diagram. Mean ranks: {ranks}."
DIFFERENT, ALIKE = 0.0, 1.0


def diagrams(frame: pd.DataFrame) -> Iterator[Picture]:
    """A diagram beside every table of ranks over data sets; none without scikit-posthocs."""
    if not available():
        return
    for rows, order, values, ending in cases(curves(frame)):
        test = friedman(values.to_numpy(), highest_first=order == "lerf")
        mean = dict(zip(labels([*map(str, values)]), test.ranks.mean(axis=0), strict=True))
        measure = protocol(rows, order)
        setting = f"{measure}; {title(rows, dataset=False)}"
        caption = CAPTION.format(protocol=measure, n=len(values), critical=test.critical_difference)
        alt = ALT.format(
            ranks=", ".join(f"{name} {rank:.1f}" for name, rank in sorted(mean.items(), key=itemgetter(1)))
        )
        figure = _draw(mean, test.critical_difference, setting)
        yield Picture(f"{NAME}-{ORDERS[order].lower()}{ending}", f"{caption} {setting}.", alt, figure)


@matplotlib.rc_context(STYLE)
def _draw(ranks: Mapping[str, float], critical: float, heading: str) -> Figure:
    """Draws mean ranks on a line; a bar joins explainers that are not further apart than the critical difference.

    Args:
        ranks: display label -> mean rank, 1 the best.
        critical: Nemenyi's critical difference of mean ranks.
    """
    from scikit_posthocs import critical_difference_diagram  # brings statsmodels, which takes seconds

    values = pd.Series(ranks)
    apart = np.abs(values.to_numpy()[:, None] - values.to_numpy()) > critical
    significance = pd.DataFrame(np.where(apart, DIFFERENT, ALIKE), values.index, values.index)
    height = 0.9 + 0.16 * len(values)
    figure = Figure(figsize=(PAGE, height))
    axis = figure.add_axes((0.22, 0.04, 0.56, 1 - 0.45 / height))
    critical_difference_diagram(values, significance, ax=axis, label_props={"size": 7})
    headed(figure, heading.replace("; ", "\n", 1))
    return figure
