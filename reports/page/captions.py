"""What a chart of gains says below: what its dots, intervals, bars and flags are, and what it does not show."""

from collections.abc import Iterator, Mapping, Sequence

from roarbench.benchmark.results.statistics import Summary
from roarbench.reports.page.judged import Judged
from roarbench.reports.rows.seeds import covers, repeats
from roarbench.reports.rows.style import FLAG, listed, span
from roarbench.reports.statistics.family import LEAST_SEEDS
from roarbench.reports.statistics.groups import MOST_LETTERS, Groups
from roarbench.reports.tables.masks import DOUBT

GAINS = "Gain over {random} in points of accuracy, mean over 0 < t < 1{intervals}."
INTERVALS = ", with simultaneous 95 % intervals"
EXCLUDING = "Where an interval excludes 0 the difference is significant, and its dot filled."
UNTESTED = "Without intervals{names}: a test takes at least {least} seeds that do not agree exactly."
MEANS = "{why}: dots are mean accuracies over 0 < t < 1, the best first, without intervals."
UNMEASURED, UNPAIRED = "{random} was not measured", "No explainer shares a seed with {random}"
MISSING = "Not drawn, for lack of whole curves{beside}: {names}."
GROUPED = "Bars at the right: explainers without a common bar differ significantly{coarse}."
COARSE = "; some that share one may differ, too"
MANY = "No groups are drawn: they need more than {most} letters, which are in the tables."
FLAGGED = "{flag} marks label leakage. {doubt}"


def captions(
    judged: Judged, gains: Mapping[str, Summary], shown: Sequence[str], grouped: Groups, letters: Sequence[str]
) -> list[str]:
    """All that is said.

    Args:
        gains: of the explainers that have one; empty where means are drawn instead.
        shown: explainers that are drawn.
        letters: those of the groups that are drawn.
    """
    return [*_what(judged, gains), *_missing(judged, shown), *_groups(judged, grouped, letters), *_flags(judged, shown)]


def _what(judged: Judged, gains: Mapping[str, Summary]) -> Iterator[str]:
    """What dots and intervals are, what these cover, and over how many seeds."""
    if not gains:
        why = UNPAIRED if judged.reference else UNMEASURED
        yield MEANS.format(why=why.format(random=judged.random))
        return
    yield GAINS.format(random=judged.random, intervals=INTERVALS if judged.tested else "")
    if judged.tested:
        yield EXCLUDING
    untested = [e for e in gains if e in judged.untested]
    if untested:
        whose = f" ({listed(judged.named(untested))})" if judged.tested else ""
        yield UNTESTED.format(least=LEAST_SEEDS, names=whose)
    if judged.tested:
        yield covers(judged.rows)
    yield f"{repeats(judged.rows, span(summary.n for summary in gains.values()))}."


def _missing(judged: Judged, shown: Sequence[str]) -> Iterator[str]:
    """Explainers that are not drawn."""
    missing = [e for e in judged.names if e not in shown and e != judged.reference]
    if missing:
        beside = f" beside {judged.random}" if judged.reference else ""
        yield MISSING.format(beside=beside, names=listed(judged.named(missing)))


def _groups(judged: Judged, grouped: Groups, letters: Sequence[str]) -> Iterator[str]:
    if letters:
        yield GROUPED.format(coarse=COARSE if grouped.coarse else "")
    elif grouped.letters and judged.tested:
        yield MANY.format(most=MOST_LETTERS)


def _flags(judged: Judged, shown: Sequence[str]) -> Iterator[str]:
    if judged.leaking(shown):
        yield FLAGGED.format(flag=FLAG, doubt=DOUBT[judged.order])
