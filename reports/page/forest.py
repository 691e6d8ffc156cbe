"""Gains over random with their intervals as a chart: places in percent of its width, and groups as bars."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from roarbench.benchmark.results.statistics import Summary
from roarbench.reports.page.captions import captions
from roarbench.reports.page.chart import Series
from roarbench.reports.page.judged import Judged
from roarbench.reports.rows.style import Form, percent, points
from roarbench.reports.statistics.groups import MOST_LETTERS, Groups, groups

MARGIN = 0.04
"""Share of the width that is left free on either side."""
MOST_STEPS = 6
ROUND = (1, 2, 5, 10)
"""Steps of the axis, times a power of ten."""

GAIN, MEAN = "gain over {random}, in points; right is better", "mean accuracy, in %; {better} is better"
SIDES = {"morf": "left", "lerf": "right"}
BAR, THROUGH = "bar", "through"


@dataclass(frozen=True)
class Line:
    """One explainer.

    Attributes:
        low, at, high: ends of the interval and place of the dot; all the same without an interval.
        text: its number with the half-width of the interval.
        flagged: whether its masks reveal the class.
        bars: letter of the chart -> "bar" if it has that, "through" if only explainers above and below do.
    """

    series: Series
    low: float
    at: float
    high: float
    text: str
    significant: bool
    flagged: bool
    bars: dict[str, str]

    @property
    def interval(self) -> bool:
        """Whether there is an interval to draw."""
        return self.low < self.high

    @property
    def letters(self) -> str:
        """Its groups in words."""
        return ", ".join(letter for letter, drawn in self.bars.items() if drawn == BAR)


@dataclass(frozen=True)
class Forest:
    """The explainers of one way of measuring, the best first.

    Attributes:
        axis: places of ticks and their numbers.
        unit: what the axis shows.
        zero: where random stands; None where explainers are not compared with it.
        letters: one for each column of bars.
    """

    name: str
    axis: list[tuple[float, str]]
    unit: str
    zero: float | None
    random: str
    letters: list[str]
    lines: list[Line]
    notes: list[str]


@dataclass(frozen=True)
class _Scale:
    """Numbers, as they are written, to places in percent of the width."""

    form: Form
    low: float
    high: float

    def at(self, value: float) -> float:
        return round(100 * (value - self.low) / (self.high - self.low), 2)

    def ticks(self) -> list[tuple[float, str]]:
        least = (self.high - self.low) / MOST_STEPS
        power = 10 ** math.floor(math.log10(least))
        step = next(power * times for times in ROUND if power * times >= least * (1 - 1e-9))
        first, last = math.ceil(self.low / step), math.floor(self.high / step)
        return [(self.at(i * step), f"{i * step:.6g}") for i in range(first, last + 1)]


def forest(judged: Judged, drawn: Mapping[str, Series], name: str) -> Forest | None:
    """The chart of one way of measuring; None where no explainer beside random is measured.

    Args:
        drawn: explainer -> how it is drawn.
        name: what the way is called.
    """
    gains = _gains(judged)
    shown = gains or _means(judged)
    if not {*shown} - {judged.reference}:
        return None
    scale = _scale(points if gains else percent, shown.values(), [0.0] * bool(gains))
    grouped = groups(judged.family, highest_first=judged.order == "lerf") if gains else Groups()
    letters = _letters(grouped, shown)
    bars = _bars(grouped, [*shown], letters)
    unit = GAIN.format(random=judged.random) if gains else MEAN.format(better=SIDES[judged.order])
    return Forest(
        name, scale.ticks(), unit, scale.at(0.0) if gains else None, judged.random, letters,
        [_line(judged, drawn[e], summary, scale, bars[e]) for e, summary in shown.items()],
        captions(judged, gains, [*shown], grouped, letters),
    )  # fmt: skip


def _line(judged: Judged, drawn: Series, summary: Summary, scale: _Scale, bars: dict[str, str]) -> Line:
    explainer, (low, high) = drawn.explainer, map(scale.at, scale.form.ends(summary))
    significant = explainer in judged.gains and judged.gains[explainer].significant
    at, text = scale.at(scale.form.scale * summary.mean), scale.form(summary, summary.n)
    return Line(drawn, low, at, high, text, significant, bool(judged.leaking([explainer])), bars)


def _gains(judged: Judged) -> dict[str, Summary]:
    """Explainer -> gain over random, the largest first; empty without random."""
    known = {e: gain.summary for e, gain in judged.gains.items() if gain.n}
    return dict(sorted(known.items(), key=lambda one: -one[1].mean))


def _means(judged: Judged) -> dict[str, Summary]:
    """Explainer -> mean accuracy without an interval, the best first."""
    turn = 1 if judged.order == "morf" else -1
    known = {e: Summary(mean, math.nan, 1) for e, mean in judged.family.means.items()}
    return dict(sorted(known.items(), key=lambda one: turn * one[1].mean))


def _scale(form: Form, shown: Iterable[Summary], more: Sequence[float]) -> _Scale:
    """From a little below the lowest end of an interval, or one number more, to a little above the highest."""
    values = [*(end for summary in shown for end in form.ends(summary)), *more]
    free = MARGIN * (max(values) - min(values)) or 0.5
    return _Scale(form, min(values) - free, max(values) + free)


def _letters(grouped: Groups, shown: Mapping[str, Summary]) -> list[str]:
    """The letters of those shown, in order; none where they are too many."""
    letters = sorted({letter for e in shown for letter in grouped.letters.get(e, "")})
    return letters if len(letters) <= MOST_LETTERS else []


def _bars(grouped: Groups, explainers: Sequence[str], letters: Sequence[str]) -> dict[str, dict[str, str]]:
    """Explainer -> letter -> what is drawn beside it in the column of the letter."""
    bars: dict[str, dict[str, str]] = {e: {} for e in explainers}
    for letter in letters:
        members = [e for e in explainers if letter in grouped.letters.get(e, "")]
        inside = explainers[explainers.index(members[0]) : explainers.index(members[-1])]
        for e in explainers:
            bars[e][letter] = BAR if e in members else THROUGH if e in inside else ""
    return bars
