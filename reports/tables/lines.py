"""What a table is made of: its lines, which are explainers, and its columns, which are quantities by seed."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import pandas as pd

from roarbench.benchmark.results.adaptive import Rule
from roarbench.benchmark.results.statistics import INTERVAL, Summary
from roarbench.reports.rows.seeds import covers, notes, num_seeds, repeats
from roarbench.reports.rows.style import labels, span
from roarbench.reports.statistics.groups import Better
from roarbench.reports.statistics.scores import Scores

Format = Callable[[Summary, int], str]
"""(mean with its interval, seeds that were planned) -> text of a cell."""

Values = Mapping[str, Scores]
"""Column -> explainer -> seed -> number."""

Summaries = Mapping[str, Mapping[str, Summary]]
"""Column -> explainer -> mean with its interval."""

NOTHING = Summary(math.nan, math.nan, 0)
"""Of an explainer without a number."""


@dataclass(frozen=True, eq=False)
class Lines:
    """The lines of a table.

    Attributes:
        rows: of the explainers, each of which has a line.
        first: names of lines before those of the explainers.
        rule: by which seeds were added; with one, or where explainers differ in them, their number is a column.
    """

    rows: pd.DataFrame
    first: tuple[str, ...] = ()
    rule: Rule | None = None

    @cached_property
    def planned(self) -> dict[str, int]:
        """Name of each line -> number of seeds that were planned for it."""
        return dict.fromkeys(self.first, self.rows.seed.nunique()) | num_seeds(self.rows)

    @cached_property
    def index(self) -> pd.Index:
        """What stands before each line: labels of explainers."""
        return pd.Index([*self.first, *labels([*self.planned][len(self.first) :])], name="explainer")

    @property
    def most_seeds(self) -> int:
        """The largest number of seeds of a line."""
        return max(self.planned.values())

    @property
    def counts(self) -> dict[str, list[str]]:
        """The column of the numbers of seeds, where there is one."""
        differ = self.rule or len(set(self.planned.values())) > 1
        return {"n": [str(n) for n in self.planned.values()]} if differ else {}

    def notes(self, *, images: bool = False) -> tuple[str, ...]:
        """What the numbers are, over how many seeds, and what their intervals cover.

        Args:
            images: whether they are accuracies whose intervals cover test images where these are known.
        """
        interval = "95 % interval" if images else INTERVAL
        what = f"Mean ± half-width of the {interval} over" if self.most_seeds > 1 else "Values of"
        mean = f"{what} {repeats(self.rows, span(self.planned.values()))}."
        return f"{mean} {covers(self.rows, images=images)}", *(notes(self.rows, self.rule) if self.rule else ())


@dataclass(frozen=True)
class Columns:
    """The columns of a table.

    Attributes:
        form: how all are written, or each.
        better: which numbers are better, of the columns whose best is marked.
        known: columns whose means and intervals are known already, such as differences that were tested.
    """

    values: Values
    form: Format | Mapping[str, Format]
    better: Mapping[str, Better] = field(default_factory=dict)
    known: Summaries = field(default_factory=dict)

    @property
    def forms(self) -> Mapping[str, Format]:
        """How each column is written."""
        return dict.fromkeys([*self.values, *self.known], self.form) if callable(self.form) else self.form

    def summaries(self, planned: Mapping[str, int]) -> Summaries:
        """Mean and interval over seeds, for every line."""
        of_values = {c: {e: scores.summary(e) for e in planned} for c, scores in self.values.items()}
        both = of_values | {c: {e: by.get(e, NOTHING) for e in planned} for c, by in self.known.items()}
        return {c: both[c] for c in self.forms}

    def texts(self, summaries: Summaries, planned: Mapping[str, int]) -> dict[str, list[str]]:
        """The cells as they are shown."""
        forms = self.forms
        return {c: [forms[c](by[e], n) for e, n in planned.items()] for c, by in summaries.items()}
