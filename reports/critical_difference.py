"""Critical-difference diagrams (Demšar 2006), drawn by scikit-posthocs; the only file that imports it."""

from collections.abc import Mapping
from importlib.util import find_spec

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from reports.drawing import PAGE, STYLE, headed

INSTALL = 'For critical-difference diagrams: pip install "roarbench[posthocs]".'
DIFFERENT, ALIKE = 0.0, 1.0


def available() -> bool:
    """Whether scikit-posthocs is installed."""
    return find_spec("scikit_posthocs") is not None


@matplotlib.rc_context(STYLE)
def draw(ranks: Mapping[str, float], critical: float, heading: str) -> Figure:
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
