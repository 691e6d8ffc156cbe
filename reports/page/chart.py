"""Curves as SVG: coordinates, ticks, the words of every point, and the few curves that are shown at first."""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import pandas as pd

from roarbench.benchmark.matrix.notation import parse
from roarbench.benchmark.results.statistics import Summary
from roarbench.reports.rows.settings import networks, seen
from roarbench.reports.rows.style import FAMILIES, ORDERS, OTHER_FAMILY, REFERENCE, family, innermost, labels, percent
from roarbench.reports.tables.curves import what
from roarbench.reports.tables.table import by_seed, curve_means

WIDTH, HEIGHT = 630, 380
LEFT, RIGHT, TOP, BOTTOM = 46, 160, 12, 40
"""Margins; labels of curves stand in the right one."""

MOST_CURVES = 6
"""Curves that are shown at first, unless more explainers stand out."""

STEPS = (0.02, 0.05, 0.1, 0.2)
MOST_TICKS = 7
NUM_COLOURS = 8
"""Colours --c0 to --c7 of the style sheet."""

DASHES = ("", "7 3", "2 2.5", "10 3 2 3", "4 2", "12 3 2 3 2 3", "1 4", "14 4")


Means = Mapping[str, Mapping[str, Mapping[float, Summary]]]
"""Order -> explainer -> removal fraction -> mean over seeds."""


@dataclass(frozen=True)
class Series:
    """An explainer as it is drawn everywhere on the page; `mine` where it stands out."""

    number: int
    explainer: str
    label: str
    family: str
    colour: str
    dash: str
    mine: bool = False


@dataclass(frozen=True)
class Point:
    """A mean on the canvas, and what it says."""

    x: float
    y: float
    said: str


@dataclass(frozen=True)
class Line:
    """One curve: paths of the mean and of the band, broken where nothing was measured."""

    series: Series
    mean: str
    band: str
    points: list[Point]


@dataclass(frozen=True)
class Chart:
    """The curves of one setting and order."""

    order: str
    title: str
    axis: list[tuple[float, str]]
    lines: list[Line]


@dataclass(frozen=True)
class Panel:
    """The charts of one setting, which stand side by side.

    Attributes:
        first: numbers of the curves that are shown at first.
        full: what is said of t = 1, where everything is removed and all curves meet; it would flatten the rest.
    """

    dataset: str
    way: str
    charts: list[Chart]
    full: str
    first: list[int]


@dataclass(frozen=True)
class _Scale:
    """Accuracies to heights."""

    low: float
    high: float

    def y(self, accuracy: float) -> float:
        return round(TOP + (self.high - accuracy) / (self.high - self.low) * (HEIGHT - TOP - BOTTOM), 1)

    def ticks(self) -> list[tuple[float, str]]:
        step = next((s for s in STEPS if (self.high - self.low) / s < MOST_TICKS), STEPS[-1])
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [(self.y(i * step), f"{100 * i * step:.0f}") for i in range(first, last + 1)]


def x(fraction: float) -> float:
    """Where a removal fraction stands."""
    return round(LEFT + fraction * (WIDTH - LEFT - RIGHT), 1)


def series(frame: pd.DataFrame, highlight: Collection[str] = ()) -> list[Series]:
    """The explainers of a run in their order: a colour for what they are based on, dashes for their family.

    Args:
        highlight: those that stand out, as written.
    """
    explainers = [str(name) for name in dict.fromkeys(frame.explainer.dropna())]
    families = [name for name in (*FAMILIES, OTHER_FAMILY) if name in {family(e) for e in explainers}]
    bases = [*dict.fromkeys(innermost(e) for e in explainers if parse(e)[0] != REFERENCE)]
    pairs: set[tuple[int, int]] = set()
    lines = []
    for number, (e, shown) in enumerate(zip(explainers, labels(explainers), strict=True)):
        if parse(e)[0] == REFERENCE:
            lines.append(Series(number, e, shown, family(e), "var(--random)", "1.5 3", e in highlight))
            continue
        colour, dash = _free(bases.index(innermost(e)), _dash(families, e), pairs)
        pairs.add((colour, dash))
        lines.append(Series(number, e, shown, family(e), f"var(--c{colour})", DASHES[dash], e in highlight))
    return lines


def panels(joined: pd.DataFrame, drawn: Sequence[Series], baseline: str | None = None) -> list[Panel]:
    """The charts of every setting in which networks see images.

    Args:
        joined: rows of `load.curves`.
        drawn: explainers of the run.
        baseline: explainer whose curve is shown at first wherever it stands, beside those that stand out.
    """
    by_name = {one.explainer: one for one in drawn}
    return [_panel(part, by_name, baseline) for part in seen(joined)]


def _panel(part: pd.DataFrame, drawn: dict[str, Series], baseline: str | None) -> Panel:
    first, shown = part.iloc[0], part[part.removal_fraction < 1]
    by = {order: curve_means(shown[shown.order == order]) for order in ORDERS if order in set(part.order)}
    scale = _scale([summary for of in by.values() for curve in of.values() for summary in curve.values() if summary.n])
    planned = {(str(order), str(e)): group.seed.nunique() for (order, e), group in part.groupby(["order", "explainer"])}
    charts = [
        Chart(order, what(part, order), scale.ticks(), [
            _line(drawn[e], by[order].get(e, {}), n, scale) for (o, e), n in planned.items() if o == order
        ])
        for order in by
    ]  # fmt: skip
    shown_first = _first([drawn[e] for e in dict.fromkeys(part.explainer)], _scores(by), baseline)
    way = f"{networks(part)}, fill {first.fill}"
    return Panel(f"{first.dataset}, {first.classifier}", way, charts, _full(part), shown_first)


def _scores(by: Means) -> dict[str, float]:
    """Explainer -> mean accuracy over 0 < t < 1 and orders, negative under ROAR: the larger, the better."""
    scores: dict[str, list[float]] = {}
    for order, of in by.items():
        for e, summaries in of.items():
            known = [summary.mean for t, summary in summaries.items() if summary.n and t > 0]
            if known:
                scores.setdefault(e, []).append(math.fsum(known) / len(known) * (-1 if order == "morf" else 1))
    return {e: math.fsum(of) / len(of) for e, of in scores.items()}


def _first(drawn: Sequence[Series], scores: Mapping[str, float], baseline: str | None) -> list[int]:
    """Random, what stands out and the baseline; then the best explainers, until there are enough."""
    there = [one for one in drawn if one.explainer in scores]
    control = [one for one in there if parse(one.explainer)[0] == REFERENCE][:1]
    always = control + [one for one in there if one not in control and (one.mine or one.explainer == baseline)]
    best = sorted((one for one in there if one not in always), key=lambda one: -scores[one.explainer])
    return [one.number for one in [*always, *best[: max(0, MOST_CURVES - len(always))]]]


def _full(part: pd.DataFrame) -> str:
    first = part[(part.explainer == part.explainer.iloc[0]) & (part.order == part.order.iloc[0])]
    summary = by_seed(first[first.removal_fraction == 1]).summary(str(part.explainer.iloc[0]))
    if not summary.n:
        return ""
    return f"Not drawn: t = 1, where everything is removed and all curves meet at {percent(summary, summary.n)} %."


def _line(drawn: Series, by: dict[float, Summary], planned: int, scale: _Scale) -> Line:
    ordered = sorted(by.items())
    runs = [[*run] for known, run in groupby(ordered, key=lambda one: one[1].n > 0) if known]
    mean = " ".join(_path([(x(t), scale.y(s.mean)) for t, s in run]) for run in runs)
    points = [Point(x(t), scale.y(s.mean), _said(drawn.label, t, s, planned)) for t, s in ordered if s.n]
    return Line(drawn, mean, " ".join(_bands(ordered, scale)), points)


def _bands(ordered: list[tuple[float, Summary]], scale: _Scale) -> Iterator[str]:
    for known, run in groupby(ordered, key=lambda one: not math.isnan(one[1].half_width)):
        inside = [*run]
        if known:
            ends = [(x(t), *map(scale.y, s.within(0.0, 1.0))) for t, s in inside]
            above, below = [(at, high) for at, _, high in ends], [(at, low) for at, low, _ in reversed(ends)]
            yield _path([*above, *below]) + "Z"


def _said(name: str, fraction: float, summary: Summary, planned: int) -> str:
    seeds = f"n = {summary.n}" + (f" of {planned}" if summary.n < planned else "")
    return f"{name} at t = {fraction:.10g}: {percent(summary, summary.n)} % ({seeds})"


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{a:g} {b:g}" for a, b in points)


def _scale(summaries: Sequence[Summary]) -> _Scale:
    """From a little below the lowest mean to a little above the highest, at whole ticks."""
    values = [summary.mean for summary in summaries] or [0.0, 1.0]
    return _Scale(max(0.0, math.floor(10 * min(values) - 0.3) / 10), min(1.0, math.ceil(10 * max(values) + 0.3) / 10))


def _dash(families: list[str], explainer: str) -> int:
    """Solid for the base methods, and for each other family one of its own."""
    others = [name for name in families if name != "Base"]
    return 0 if family(explainer) == "Base" else 1 + others.index(family(explainer)) % (len(DASHES) - 1)


def _free(colour: int, dash: int, others: set[tuple[int, int]]) -> tuple[int, int]:
    """The nearest pair of colour and dashes that no other explainer has; with too many explainers, one that has."""
    pairs = [
        ((colour + i) % NUM_COLOURS, (dash + j) % len(DASHES)) for j in range(len(DASHES)) for i in range(NUM_COLOURS)
    ]
    first = (colour % NUM_COLOURS, dash)
    return next((pair for pair in [first, *pairs] if pair not in others), first)
