"""What a leak does to a measure: the same explainers retrained, by the shared evaluator, and beside foreign masks."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import matplotlib
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from roarbench.benchmark.results.statistics import Summary
from roarbench.reports.pictures.curves import orders_of, seeds
from roarbench.reports.pictures.drawing import PAGE, STYLE, Margins, Picture, gridded, headed, panels
from roarbench.reports.pictures.forest import LINE
from roarbench.reports.pictures.looks import COLOURS
from roarbench.reports.rows.load import curves
from roarbench.reports.rows.settings import protocol, settings, slug, title
from roarbench.reports.rows.style import FLAG, ORDERS, family, labels, points
from roarbench.reports.statistics.scores import Scores
from roarbench.reports.tables import evidence
from roarbench.reports.tables.masks import worst_leaks
from roarbench.reports.tables.summary import gains, reference_of

ALIKE = ["dataset", "classifier", "unit", "magnitude", "target", "fill"]
MARGINS = Margins(left=1.3, right=0.2, top=0.62, bottom=0.42)
CAPTION = (
    "The same explainers under {measures}, sorted by the shared evaluator, {n}. Gains over random are in points of "
    "accuracy with simultaneous 95 % intervals, Delta in points with t intervals over seeds. Networks of the shared "
    "evaluator and of Delta cannot read masks. {flags}{setting}."
)
FLAGS = f"Under {{retrained}}, the masks of explainers with {FLAG} reveal the class.  "
ALT = "{retrained} beside the shared evaluator and Delta, {first} first."


@dataclass(frozen=True)
class Panel:
    """A number of each explainer, with its interval, in points."""

    heading: str
    axis: str
    values: Mapping[str, Summary]


def standing_plots(frame: pd.DataFrame) -> Iterator[Picture]:
    """A picture for each order and setting with a shared evaluator, retrained networks and random."""
    joined = curves(frame)
    for part in settings(joined[joined.probe == "evaluator"]):
        for order in orders_of(part):
            judged, retrained = part[part.order == order], _retrained(joined, part, order)
            if len(retrained) and reference_of(judged) and judged.delta.notna().any():
                yield _picture(judged, retrained, joined, order)


def _retrained(joined: pd.DataFrame, part: pd.DataFrame, order: str) -> pd.DataFrame:
    """The rows of networks retrained under the conditions of a shared evaluator."""
    rows = joined[(joined.probe == "image") & joined.retrain.astype(bool) & ~joined.recursive & (joined.order == order)]
    return rows[(rows[ALIKE] == part[ALIKE].iloc[0]).all(axis=1)]


def _picture(judged: pd.DataFrame, retrained: pd.DataFrame, joined: pd.DataFrame, order: str) -> Picture:
    shown = [_gains(retrained, order), _gains(judged, order), _deltas(judged, order)]
    leaks = {e for e, leak in worst_leaks(retrained, joined).items() if leak.state == "readable"}
    ranked = sorted(shown[1].values, key=lambda e: -shown[1].values[e].mean)
    caption = CAPTION.format(
        measures=", ".join(panel.heading.lower() for panel in shown[1:]) + f" and {shown[0].heading}",
        n=seeds(judged), flags=FLAGS.format(retrained=ORDERS[order]) if leaks else "", setting=title(judged),
    )  # fmt: skip
    name = f"standing-{ORDERS[order].lower()}{slug(judged, joined)}"
    alt = ALT.format(retrained=ORDERS[order], first=labels(ranked)[0] if ranked else "none")
    return Picture(name, caption, alt, _figure(judged, shown, ranked, leaks))


def _gains(rows: pd.DataFrame, order: str) -> Panel:
    reference = reference_of(rows)
    by = gains(evidence.family(rows), rows, order, reference) if reference else {}
    heading = "Shared evaluator" if rows.probe.iloc[0] == "evaluator" else protocol(rows, order)
    return Panel(heading, "gain over random in points", {e: gain.summary for e, gain in by.items() if gain.n})


def _deltas(rows: pd.DataFrame, order: str) -> Panel:
    scores = Scores({e: by for e, by in evidence.means(rows, "delta").items() if by})
    return Panel(
        "Delta", "own masks compared with those of other images", {e: scores.summary(e) for e in scores.finite}
    )


@matplotlib.rc_context(STYLE)
def _figure(part: pd.DataFrame, shown: list[Panel], ranked: list[str], leaks: set[str]) -> Figure:
    texts = dict(zip(ranked, labels(ranked), strict=True))
    margins = MARGINS.holding([f"{text} {FLAG}" for text in texts.values()], "left")
    margins = replace(margins, across=0.15)
    figure, (axes,) = panels(1, len(shown), width=PAGE, height=LINE * len(ranked) + 0.1, margins=margins)
    for axis, panel in zip(axes, shown, strict=True):
        _panel(axis, panel, ranked)
        axis.set_ylim(len(ranked) - 0.4, -0.6)
        axis.set_yticks(range(len(ranked)), [])
        axis.tick_params(axis="y", length=0)
    axes[0].set_yticks(range(len(ranked)), [texts[e] + f" {FLAG}" * (e in leaks) for e in ranked])
    headed(figure, title(part).replace("; ", "\n", 1))
    return figure


def _panel(axis: Axes, panel: Panel, ranked: list[str]) -> None:
    """A dot with its interval for each explainer that has the number."""
    for i, e in enumerate(ranked):
        if e in panel.values:
            colour, summary = COLOURS[family(e)], panel.values[e]
            axis.plot(points.ends(summary), [i, i], color=colour, linewidth=1.1, solid_capstyle="butt")
            axis.plot([100 * summary.mean], [i], "o", color=colour, markersize=3.2)
    axis.axvline(0, color="0.35", linewidth=0.8, linestyle="--", zorder=1)
    axis.set_title(panel.heading, loc="left", pad=3, size=7)
    axis.set_xlabel(panel.axis)
    gridded(axis)
