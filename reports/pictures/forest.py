"""The leaderboard as a picture: explainers by their gain over random, with intervals, groups and flags."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import matplotlib
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from roarbench.reports.pictures.curves import orders_of, seeds
from roarbench.reports.pictures.drawing import PAGE, STYLE, Margins, Picture, gridded, headed, panels
from roarbench.reports.pictures.looks import COLOURS
from roarbench.reports.rows.load import Run, curves, drawable
from roarbench.reports.rows.seeds import covers
from roarbench.reports.rows.settings import protocol, reads_masks, seen, slug, title
from roarbench.reports.rows.style import FLAG, family, label, labels, points
from roarbench.reports.statistics.family import Difference
from roarbench.reports.statistics.groups import Groups, groups
from roarbench.reports.tables import evidence
from roarbench.reports.tables.masks import worst_leaks
from roarbench.reports.tables.summary import gains, reference_of

MARGINS = Margins(left=1.3, right=0.45, top=0.62, bottom=0.42)
LINE = 0.165
"""Height of one explainer, in inches."""
BRACKET = 0.022
"""Room of a group's bracket beside the panel, as a share of its width."""
BRACKETS = 0.17
"""Room of all."""

CAPTION = (
    "{protocol}: gain over the random control in points of accuracy. It is the mean over 0 < t < 1, paired by seed, "
    "{n}. Where a simultaneous 95 % interval excludes 0, the difference to random is significant. Brackets join "
    "explainers without a significant difference{coarse}{flags}. {covers} {setting}."
)
COARSE = "; explainers that share one may differ, too"
FLAGS = f"; {FLAG} marks label leakage of masks"
ALT = "Gains over random, the best first. {first}."


def forests(run: Run) -> Iterator[Picture]:
    """A picture of every setting in which networks see images and random was measured."""
    joined = curves(drawable(run.frame))
    for part in seen(joined):
        ranked = {order: _ranked(part[part.order == order], order) for order in orders_of(part)}
        ranked = {order: of for order, of in ranked.items() if of}
        if ranked:
            yield _picture(part, ranked, joined, frozenset(run.focus.highlight))


def _ranked(rows: pd.DataFrame, order: str) -> dict[str, Difference]:
    """Explainer -> gain over random, the largest first, of those with one."""
    reference = reference_of(rows)
    by = gains(evidence.family(rows), rows, order, reference) if reference else {}
    return {e: by[e] for e in sorted(by, key=lambda e: -by[e].mean) if by[e].n}


def _picture(
    part: pd.DataFrame, ranked: Mapping[str, dict[str, Difference]], joined: pd.DataFrame, highlighted: frozenset[str]
) -> Picture:
    flagged = {e for e, leak in _leaks(part, joined).items() if leak == "readable"}
    tested = {order: evidence.family(part[part.order == order]) for order in ranked}
    grouped = {order: groups(of, highest_first=order == "lerf") for order, of in tested.items()}
    caption = CAPTION.format(
        protocol=" and ".join(protocol(part, order) for order in ranked), n=seeds(part), covers=covers(part),
        coarse=COARSE if any(of.coarse for of in grouped.values()) else "", flags=FLAGS if flagged else "",
        setting=title(part),
    )  # fmt: skip
    first = "; ".join(f"{protocol(part, order)}: {label(next(iter(of)))} leads" for order, of in ranked.items())
    figure = _figure(part, ranked, grouped, flagged, highlighted)
    return Picture(f"leaderboard{slug(part, joined)}", caption, ALT.format(first=first), figure)


def _leaks(part: pd.DataFrame, joined: pd.DataFrame) -> dict[str, str]:
    """Explainer -> whether its masks reveal the class, where networks are retrained."""
    return {e: leak.state for e, leak in worst_leaks(part, joined).items()} if reads_masks(part) else {}


@matplotlib.rc_context(STYLE)
def _figure(
    part: pd.DataFrame,
    ranked: Mapping[str, dict[str, Difference]],
    grouped: Mapping[str, Groups],
    flagged: set[str],
    highlighted: frozenset[str],
) -> Figure:
    names = [f"{name} {FLAG}" for name in labels(list(dict.fromkeys(part.explainer)))]
    margins = MARGINS.holding(names, "left")
    margins = replace(margins, across=margins.left + margins.right - 0.1)
    count = max(map(len, ranked.values()))
    figure, (axes,) = panels(1, len(ranked), width=PAGE, height=LINE * count + 0.1, margins=margins)
    for axis, (order, of) in zip(axes, ranked.items(), strict=True):
        _panel(axis, of, flagged, highlighted)
        _brackets(axis, list(of), grouped[order].letters)
        axis.set_title(f"{protocol(part, order)} (better →)", loc="left", pad=3, size=7)
        axis.set_ylim(count - 0.4, -0.6)
    headed(figure, title(part).replace("; ", "\n", 1))
    return figure


def _panel(axis: Axes, of: Mapping[str, Difference], flagged: set[str], highlighted: frozenset[str]) -> None:
    """A line for each explainer: a dot with its interval."""
    for i, (e, gain) in enumerate(of.items()):
        axis.plot(points.ends(gain.summary), [i, i], color=COLOURS[family(e)], linewidth=1.1, solid_capstyle="butt")
        axis.plot([100 * gain.mean], [i], "o", color=COLOURS[family(e)], markersize=3.2)
    axis.axvline(0, color="0.35", linewidth=0.8, linestyle="--", zorder=1)
    texts = [text + f" {FLAG}" * (e in flagged) for e, text in zip(of, labels(list(of)), strict=True)]
    axis.set_yticks(range(len(of)), texts)
    for tick, e in zip(axis.get_yticklabels(), of, strict=True):
        tick.set_fontweight("bold" if e in highlighted else "normal")
    axis.tick_params(axis="y", length=0)
    axis.set_xlabel("gain over random in points")
    gridded(axis)


def _brackets(axis: Axes, explainers: list[str], letters: Mapping[str, str]) -> None:
    """A vertical bar for each group of several, from its first to its last explainer; gaps are left open."""
    drawn = [letter for letter in sorted({*"".join(letters.values())}) if letter.isalpha()]
    for column, letter in enumerate(drawn):
        places = [i for i, e in enumerate(explainers) if letter in letters.get(e, "")]
        x = 1 + min(BRACKET, BRACKETS / len(drawn)) * (column + 0.7)
        transform = axis.get_yaxis_transform()
        for run in _runs(places):
            ends = [run[0] - 0.35, run[-1] + 0.35]
            axis.plot([x, x], ends, color="0.45", linewidth=1.2, transform=transform, clip_on=False)


def _runs(places: list[int]) -> Iterator[list[int]]:
    """Neighbouring places.

    >>> list(_runs([0, 1, 3]))
    [[0, 1], [3]]
    """
    start = 0
    for end in range(1, len(places) + 1):
        if end == len(places) or places[end] != places[end - 1] + 1:
            yield places[start:end]
            start = end
