"""One way of measuring, judged: every explainer against random, between explainers, and what its masks reveal."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from roarbench.reports.rows.load import REDUCED
from roarbench.reports.rows.settings import networks, protocol, reads_masks, seen
from roarbench.reports.rows.style import labels
from roarbench.reports.statistics.family import Difference, Family
from roarbench.reports.tables.evidence import family
from roarbench.reports.tables.masks import Leak, Scale, State, leaks, scale_of, worst
from roarbench.reports.tables.summary import gains, reference_of


@dataclass(frozen=True)
class Judged:
    """The explainers of one setting and order; none of its lists holds random.

    Attributes:
        reference: random as written; empty where it was not measured.
        names: explainer -> label.
        family: the tests of all pairs, of which the gains are some.
        leaks: explainer -> its worst leak over removal fractions; empty where networks cannot have read masks.
        mask_fractions: removal fractions at which masks were read.
    """

    rows: pd.DataFrame
    order: str
    reference: str
    names: dict[str, str]
    gains: dict[str, Difference]
    family: Family
    leaks: dict[str, Leak]
    scale: Scale
    mask_fractions: list[float]

    @property
    def random(self) -> str:
        """Label of random."""
        return self.names.get(self.reference, "Random")

    @property
    def tested(self) -> list[str]:
        """Those with a p, by gain, the largest first."""
        return sorted(
            (e for e, gain in self.gains.items() if not math.isnan(gain.p)), key=lambda e: -self.gains[e].mean
        )

    @property
    def better(self) -> list[str]:
        """Significantly better than random."""
        return [e for e in self.tested if self.gains[e].significant and self.gains[e].mean > 0]

    @property
    def worse(self) -> list[str]:
        """Significantly worse than random."""
        return [e for e in self.tested if self.gains[e].significant and self.gains[e].mean < 0]

    @property
    def undecided(self) -> list[str]:
        """Without a significant difference to random, which does not make them equal to it."""
        return [e for e in self.tested if e not in (*self.better, *self.worse)]

    @property
    def untested(self) -> list[str]:
        """Without a whole curve beside random, or with a single one."""
        return [e for e in self.gains if e not in self.tested]

    @property
    def doubtful(self) -> list[str]:
        """Those whose place a readable mask can feign: it can only raise accuracy, which is bad under ROAR alone."""
        feigned = self.worse if self.order == "morf" else self.better
        return self.leaking([*feigned, *self.undecided])

    def named(self, explainers: Iterable[str]) -> list[str]:
        """Labels."""
        return [self.names[e] for e in explainers]

    def of_state(self, state: State) -> list[str]:
        """Explainers whose masks are readable, not readable or open."""
        return [e for e, leak in self.leaks.items() if leak.state == state]

    def leaking(self, explainers: Iterable[str]) -> list[str]:
        """Those among some whose masks are readable."""
        return [e for e in explainers if e in self.leaks and self.leaks[e].state == "readable"]


def ways(joined: pd.DataFrame) -> list[tuple[pd.DataFrame, str]]:
    """Rows and order of each way in which networks see images; those lead that masks cannot fool."""
    parts = seen(joined)
    measured = [(rows, str(order)) for part in parts for order, rows in part.groupby("order", sort=False)]
    return sorted(measured, key=lambda one: (_original(one[0]), bool(one[0].recursive.iloc[0])))


def _original(rows: pd.DataFrame) -> bool:
    """Whether the original networks themselves were measured."""
    return rows.probe.iloc[0] == "image" and not rows.retrain.iloc[0]


def way(rows: pd.DataFrame, order: str) -> str:
    """How the rows of one setting and order were measured, in few words."""
    return f"{protocol(rows, order)}, {condition(rows)}"


def condition(rows: pd.DataFrame) -> str:
    """What all explainers of a setting have in common beside data set and classifier."""
    said = [networks(rows)] if rows.probe.iloc[0] == "image" else []
    return ", ".join([*said, f"fill {rows.fill.iloc[0]}"])


def judged_by_network(joined: pd.DataFrame) -> list[list[Judged]]:
    """All ways of measuring, of each data set and classifier of which curves were planned.

    Args:
        joined: all curves of a run, from `load.curves`.
    """
    parts = joined[joined.probe.isin(REDUCED)].groupby(["dataset", "classifier"], sort=False)
    return [[judge(rows, order, joined) for rows, order in ways(part)] for _, part in parts]


def judge(rows: pd.DataFrame, order: str, joined: pd.DataFrame) -> Judged:
    """Judges the rows of one setting and order.

    Args:
        joined: all curves of a run, from `load.curves`.
    """
    explainers = [str(name) for name in dict.fromkeys(rows.explainer)]
    reference = reference_of(rows) or ""
    tested = family(rows)
    read = leaks(rows, joined) if reads_masks(rows) else {}
    return Judged(
        rows, order, reference, dict(zip(explainers, labels(explainers), strict=True)),
        gains(tested, rows, order, reference) if reference else {}, tested,
        {e: worst(by_fraction) for e, by_fraction in read.items()}, scale_of(rows, joined),
        sorted({t for by_fraction in read.values() for t in by_fraction}),
    )  # fmt: skip
