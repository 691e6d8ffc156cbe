"""One table: explainers by columns, as CSV, Markdown and booktabs LaTeX."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from roarbench.benchmark.results.statistics import Summary
from roarbench.reports.rows.hits import by_image
from roarbench.reports.rows.style import Form, label, repeated
from roarbench.reports.statistics.family import LEAST_SEEDS, compare
from roarbench.reports.statistics.groups import Mark, marks
from roarbench.reports.statistics.scores import Scores
from roarbench.reports.tables.latex import floats
from roarbench.reports.tables.lines import Columns, Lines, Summaries

MARKDOWN: dict[Mark, str] = {"best": "**{}**", "group": "<u>{}</u>", "": "{}"}

MARKED = (
    "Bold: significantly better than every other explainer in its column. Underlined: the best explainer and all "
    "without a significant difference to it, if they are at most half of all. Each column tests all pairs at 5 %."
)
CORRECTED = (
    "p values and letters are corrected for all pairs of explainers in a table, bold and underlined for those in a "
    "column. This report has {tables} with tests, and nothing is corrected across them."
)
UNMARKED = "Nothing is bold or underlined: in no column does the best explainer differ significantly from half of all."


@dataclass(frozen=True)
class Column:
    """How the numbers of a column are written, and these, row by row: a summary, and the seeds that were planned."""

    form: Form
    cells: tuple[tuple[Summary, int], ...]

    def rounded(self, texts: pd.Series, decimals: int) -> list[str]:
        """The texts with their numbers written anew."""
        form = self.form.rounded(decimals)
        return [text.replace(self.form(*cell), form(*cell)) for text, cell in zip(texts, self.cells, strict=True)]


@dataclass(frozen=True)
class Table:
    """A table in two forms.

    Attributes:
        name: file name without suffix.
        shown: formatted text, explainers by columns.
        numbers: mean, half_width and n behind it, explainers by (column, number).
        notes: lines below the table.
        printed: whether it is printed by `report`, and not only written.
        dataset: as written; empty where a table is about several.
        marks: which of `shown` are bold ("best") or underlined ("group"), of the same shape; None where none can be.
        tested: whether it holds tests.
        written: columns whose decimals can be chosen.
        highlighted: names of the lines that stand out.
        tidy: one row for each number, which the file has in place of `numbers`.
    """

    name: str
    caption: str
    shown: pd.DataFrame
    numbers: pd.DataFrame
    notes: tuple[str, ...] = ()
    printed: bool = False
    dataset: str = ""
    marks: pd.DataFrame | None = None
    tested: bool = False
    written: Mapping[str, Column] = field(default_factory=dict)
    highlighted: frozenset[str] = frozenset()
    tidy: pd.DataFrame | None = None

    def text(self) -> str:
        """Caption, table and notes for a terminal or a Markdown file."""
        strong = {name: f"**{plain(name)}**" for name in map(str, self.shown.index) if name in self.highlighted}
        shown = self.shown.map(plain).rename(index=lambda name: strong.get(name, plain(name)), columns=plain)
        if self.marks is not None:
            marks = self.marks.to_numpy().ravel()
            texts = [MARKDOWN[mark].format(text) for mark, text in zip(marks, shown.to_numpy().ravel(), strict=True)]
            shown = pd.DataFrame(np.reshape(texts, shown.shape), shown.index, shown.columns)
        table = shown.to_markdown(disable_numparse=True, colalign=["left", *["right"] * shown.shape[1]])
        return "\n\n".join([f"**{plain(self.caption)}**", table, *map(plain, self.notes)])

    def latex(self) -> str:
        """A booktabs table, for documents with the packages `latex.PACKAGES`."""
        return self._latex

    @cached_property
    def _latex(self) -> str:
        return floats(self.name, self.caption, self.shown, self.marks, self.notes, self.highlighted)

    @property
    def csv(self) -> str:
        """What is behind it, as text: a row for each number where it has a tidy form."""
        return self.numbers.to_csv() if self.tidy is None else self.tidy.to_csv(index=False)

    @property
    def cut(self) -> bool:
        """Whether an interval is written with its ends, since mean ± half-width would leave its bounds."""
        return any(column.form.cut(summary) for column in self.written.values() for summary, _ in column.cells)

    def write(self, folder: Path) -> list[Path]:
        """Writes all three forms and returns their paths."""
        paths = [folder / f"{self.name}.{suffix}" for suffix in ("csv", "md", "tex")]
        paths[0].write_text(self.csv, encoding="utf-8")
        paths[1].write_text(self.text() + "\n", encoding="utf-8")
        paths[2].write_text(self.latex(), encoding="utf-8")
        return paths

    def extended(
        self, name: str, texts: list[str], numbers: Mapping[str, list], written: Column | None = None
    ) -> "Table":
        """With one column more, and what is behind it by the name of each number."""
        behind = pd.DataFrame({(name, number): values for number, values in numbers.items()})
        numbered = self.numbers.join(behind.set_index(self.numbers.index))
        return replace(
            self, shown=self.shown.assign(**{name: texts}), numbers=numbered,
            marks=None if self.marks is None else self.marks.assign(**{name: ""}),
            written={**self.written, name: written} if written else self.written,
        )  # fmt: skip

    def leading(self, *names: str) -> "Table":
        """With some columns first, of those that it has."""
        first = [name for name in names if name in self.shown]
        columns = [*first, *(name for name in self.shown if name not in first)]
        return replace(self, shown=self.shown[columns], marks=None if self.marks is None else self.marks[columns])

    def without(self, *names: str) -> "Table":
        """With some columns not shown; their numbers stay."""
        shown = self.shown.drop(columns=list(names))
        return replace(self, shown=shown, marks=None if self.marks is None else self.marks[shown.columns])

    def noted(self, *notes: str) -> "Table":
        """With more lines below."""
        return replace(self, notes=(*self.notes, *notes))

    def rounded(self, decimals: int) -> "Table":
        """With so many decimals of accuracies in percent, and one more of numbers around 1."""
        shown = {name: column for name, column in self.written.items() if name in self.shown}
        texts = {name: column.rounded(self.shown[name], decimals) for name, column in shown.items()}
        return replace(self, shown=self.shown.assign(**texts))


def table(name: str, caption: str, lines: Lines, columns: Columns) -> Table:
    """A line for each explainer, a column for each quantity, with notes about seeds, marks and gaps."""
    summaries = columns.summaries(lines.planned)
    texts = columns.texts(summaries, lines.planned)
    shown = pd.DataFrame(lines.counts | texts).set_index(lines.index)
    marked = {c: marks(compare(columns.values[c]), which) for c, which in columns.better.items()}
    tested = bool(marked) and lines.most_seeds >= LEAST_SEEDS
    over_seeds = lines.notes(images=any(scores.by_image for scores in columns.values.values()))
    said = [*over_seeds, *([MARKED if any(marked.values()) else UNMARKED] if tested else []), *_gaps(lines.rows)]
    return Table(
        name, caption, shown, _numbers(summaries).set_index(lines.index), tuple(said), dataset=_dataset(lines.rows),
        marks=pd.DataFrame({c: [marked.get(c, {}).get(e, "") for e in lines.planned] for c in shown}, lines.index),
        tested=tested, written=_written(columns, summaries, lines.planned),
    )  # fmt: skip


def _numbers(summaries: Summaries) -> pd.DataFrame:
    """What is behind the text, by (column, number)."""
    numbers = ("mean", "half_width", "n")
    return pd.DataFrame({(c, n): [getattr(s, n) for s in by.values()] for c, by in summaries.items() for n in numbers})


def _written(columns: Columns, summaries: Summaries, planned: Mapping[str, int]) -> dict[str, Column]:
    """The columns whose decimals can be chosen."""
    forms = {c: form for c, form in columns.forms.items() if isinstance(form, Form)}
    return {c: Column(form, tuple((summaries[c][e], n) for e, n in planned.items())) for c, form in forms.items()}


def corrected(tables: Iterable[Table]) -> list[str]:
    """The line that says how far the correction of tests reaches; none where nothing was tested."""
    tested = sum(table.tested for table in tables)
    return [CORRECTED.format(tables=repeated(tested, "table"))] if tested else []


def by_seed(rows: pd.DataFrame, column: str = "test_accuracy") -> Scores:
    """The numbers of rows of which each explainer has one a seed."""
    numbers: dict[str, dict[int, float]] = {}
    for name, seed, value in zip(*(rows[c].tolist() for c in ("explainer", "seed", column)), strict=True):
        numbers.setdefault(str(name), {})[seed] = value
    return Scores(dict(numbers), by_image(rows) if column == "test_accuracy" else {})


def curve_means(rows: pd.DataFrame, column: str = "test_accuracy") -> dict[str, dict[float, Summary]]:
    """Explainer -> removal fraction, ascending -> mean over seeds with its interval, of one setting and order."""
    summaries: dict[str, dict[float, Summary]] = {}
    for fraction, at in by_fraction(rows):
        scores = by_seed(at, column)
        for explainer in scores.by_seed:
            summaries.setdefault(explainer, {})[fraction] = scores.summary(explainer)
    return summaries


def by_fraction(rows: pd.DataFrame) -> list[tuple[float, pd.DataFrame]]:
    """The rows of every removal fraction, ascending."""
    return [(t, rows[rows.removal_fraction == t]) for t in sorted(set(rows.removal_fraction))]


def _gaps(rows: pd.DataFrame) -> Iterator[str]:
    """A line for explainers with as many cells that were not measured, for the same reason."""
    alike: dict[str, list[str]] = {}
    missing, by = rows[rows.status != "done"], ["explainer", "status", "measure"]
    for (explainer, status, _), group in missing.groupby(by, sort=False, dropna=False):
        reason = next((reason for reason in group.reason if reason), "")
        became = f"{repeated(len(group), 'cell')} {status}" + (f" ({reason})" if reason else "")
        alike.setdefault(became, []).append(label(str(explainer)))
    for became, names in alike.items():
        yield f"{', '.join(names)}: {became}."


def _dataset(rows: pd.DataFrame) -> str:
    return str(rows.dataset.iloc[0]) if rows.dataset.nunique() == 1 else ""


def plain(text: str) -> str:
    """Text that Markdown shows as it is."""
    return re.sub(r"\||<(?=[A-Za-z/!?])", r"\\\g<0>", " ".join(text.split()))
