"""The Fidelity-Interpretability plane: lines over the share hidden, iso-lines of FIR and FII, own masks as stars."""

from collections.abc import Iterator

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from roarbench.benchmark.results.statistics import INTERVAL, Summary, summarise
from roarbench.reports.pictures.curves import point, seeds
from roarbench.reports.pictures.drawing import STYLE, Margins, Picture
from roarbench.reports.pictures.frame import framed
from roarbench.reports.pictures.looks import Look, looks
from roarbench.reports.rows.load import curves
from roarbench.reports.rows.settings import settings, slug, title
from roarbench.reports.rows.style import label, probability, repeated, share
from roarbench.reports.tables.curves import with_indices
from roarbench.reports.tables.operating import operating_points
from roarbench.reports.tables.table import curve_means

FIRS = (0.5, 0.6, 0.7, 0.8)
FIIS = (0.2, 0.4, 0.6, 0.8)
MARGINS = Margins(left=0.45, right=1.4, top=0.5, across=0.4)
HEIGHT = 2.55

CAPTION = (
    "KAR in the Fidelity-Interpretability plane: fidelity F against the hidden share I, means over {n}. Dashed lines "
    "have equal FIR = F/(F+I), dotted lines equal FII = F*I.{own} The right panel magnifies the upper right corner. "
    "{setting}."
)
OWN = f" Stars, with {INTERVAL}s, are masks that explainers chose themselves."
ALT = "Lines of {explainers}: fidelity over the share hidden. {setting}."


def planes(frame: pd.DataFrame) -> Iterator[Picture]:
    """A picture of every setting in which networks are retrained on images without the least relevant features."""
    joined = curves(frame)
    for part in settings(joined[(joined.probe == "image") & joined.retrain.astype(bool)]):
        rows, original = part[part.order == "lerf"], part[part.removal_fraction == 0]
        done = with_indices(rows[rows.status == "done"], original, accuracy="test_accuracy", hidden="share_removed")
        if len(done):
            setting, remark = title(part), OWN if rows.own_accuracy.notna().any() else ""
            caption = CAPTION.format(n=seeds(rows), own=remark, setting=setting)
            alt = ALT.format(explainers=repeated(rows.explainer.nunique(), "explainer"), setting=setting)
            yield Picture(f"plane{slug(part, joined)}", caption, alt, _figure(rows, done, original))


def own_points(part: pd.DataFrame, original: pd.DataFrame) -> Iterator[tuple[Look, Summary, Summary]]:
    """I and F of masks that explainers chose themselves."""
    for name, points in operating_points(part).groupby("explainer", sort=False):
        rows = with_indices(points, original, accuracy="accuracy", hidden="I")
        if len(rows):
            look = Look(f"{label(str(name))}, own masks", (0.0, 0.0, 0.0), (), "*", joined=False)
            yield look, summarise(rows.I), summarise(rows.F)


@matplotlib.rc_context(STYLE)
def _figure(rows: pd.DataFrame, done: pd.DataFrame, original: pd.DataFrame) -> Figure:
    shown, stars = looks(rows), list(own_points(rows, original))
    hidden, fidelity = curve_means(done, "share_removed"), curve_means(done, "F")
    keyed = [*shown.values(), *(look for look, *_ in stars)]
    figure, axes = framed(rows, keyed, 2, MARGINS, HEIGHT, lines=True)
    top = max(1.05, 1.02 * float(done.F.max()))
    corner = min([0.8, *(0.98 * f.mean for _, _, f in stars)])
    for axis, limits in zip(axes, (((0.0, 1.02), (0.0, top)), ((0.45, 1.02), (corner, top))), strict=True):
        axis.set(xlim=limits[0], ylim=limits[1], xlabel="share hidden I")
        _levels(axis)
        for explainer, of in fidelity.items():
            x = [hidden[explainer][t].mean for t in of]
            axis.add_line(shown[explainer].line(x, [s.mean for s in of.values()], linewidth=0.9))
        for star in stars:
            point(axis, *star, (probability, share))
        axis.set(xlim=limits[0], ylim=limits[1])
    axes[0].set_ylabel("fidelity F")
    return figure


def fir_line(level: float, hidden: np.ndarray) -> np.ndarray:
    """F at which F/(F+I) has this value."""
    return level / (1 - level) * hidden


def fii_line(level: float, hidden: np.ndarray) -> np.ndarray:
    """F at which F*I has this value."""
    return level / hidden


def _levels(axis: Axes) -> None:
    """Lines of equal FIR and FII with their values where they leave the panel, behind everything else."""
    (left, right), (bottom, top) = axis.get_xlim(), axis.get_ylim()
    hidden = np.linspace(max(left, 1e-3), right, 200)
    for name, levels, line, along in (("FIR", FIRS, fir_line, 0.6), ("FII", FIIS, fii_line, 0.5)):
        for level in levels:
            value = line(level, hidden)
            inside = (value >= bottom) & (value <= top)
            if inside.any():
                axis.plot(
                    hidden[inside],
                    value[inside],
                    color="0.75",
                    linewidth=0.6,
                    linestyle="--" if name == "FIR" else ":",
                    zorder=0,
                )
                at = np.flatnonzero(inside)[int(along * inside.sum())]
                axis.text(hidden[at], value[at], f"{name} {level:g}", size=5.5, color="0.45", ha="center", va="center",
                          bbox={"facecolor": "white", "linewidth": 0, "pad": 0.3}, zorder=0, clip_on=True)  # fmt: skip
