"""Critical-difference diagrams (Demšar 2006), drawn by scikit-posthocs; the only file that imports it."""

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from reports.drawing import save

INSTALL = 'For critical-difference diagrams: pip install "roarbench[posthocs]".'
DIFFERENT, ALIKE = 0.0, 1.0


def available() -> bool:
    """Whether scikit-posthocs is installed."""
    return find_spec("scikit_posthocs") is not None


def draw(ranks: Mapping[str, float], critical: float, heading: str, path: Path) -> list[Path]:
    """Draws mean ranks on a line; a bar joins explainers that are not further apart than the critical difference.

    Args:
        ranks: display label -> mean rank, 1 the best.
        critical: Nemenyi's critical difference of mean ranks.
        path: without suffix.
    """
    from scikit_posthocs import critical_difference_diagram  # brings statsmodels, which takes seconds

    values = pd.Series(ranks)
    apart = np.abs(values.to_numpy()[:, None] - values.to_numpy()) > critical
    significance = pd.DataFrame(np.where(apart, DIFFERENT, ALIKE), values.index, values.index)
    figure = Figure(figsize=(9, 1.5 + 0.15 * len(values)), layout="constrained")
    critical_difference_diagram(values, significance, ax=figure.subplots())
    figure.suptitle(heading, fontsize=9)
    return save(figure, path)
