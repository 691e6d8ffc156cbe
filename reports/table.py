"""One table: explainers by columns, as CSV, Markdown and booktabs LaTeX."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from benchmark.adaptive import Rule
from benchmark.statistics import Summary, summarise
from reports.seeds import notes, num_seeds
from reports.style import FLAG, label, labels

Format = Callable[[Summary, int], str]
Values = Mapping[str, Mapping]
"""Column -> explainer -> its numbers, one a seed."""

SPECIAL = {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "–": "--", "±": r"$\pm$",
    "<": "$<$", ">": "$>$", FLAG: r"\textbf{!}",
}  # fmt: skip


@dataclass(frozen=True)
class Table:
    """A table in two forms.

    Attributes:
        name: file name without suffix.
        shown: formatted text, explainers by columns.
        numbers: mean, half_width and n behind it, explainers by (column, number).
        notes: lines below the table.
        printed: whether it is printed by `report`, and not only written.
    """

    name: str
    caption: str
    shown: pd.DataFrame
    numbers: pd.DataFrame
    notes: tuple[str, ...] = ()
    printed: bool = False

    def text(self) -> str:
        """Caption, table and notes for a terminal or a Markdown file."""
        shown = self.shown.rename(index=lambda name: name.replace("|", r"\|"))
        table = shown.to_markdown(disable_numparse=True, colalign=["left", *["right"] * shown.shape[1]])
        return "\n\n".join([f"**{self.caption}**", table, *self.notes])

    def latex(self) -> str:
        """A booktabs table."""
        escaped = self.shown.rename_axis(None).rename(index=_escape, columns=_escape).map(_escape)
        styled = escaped.style.to_latex(
            hrules=True, caption=_escape(" ".join([self.caption, *self.notes])), label=f"tab:{self.name}",
            column_format="l" + "r" * self.shown.shape[1], position_float="centering",
        )  # fmt: skip
        return str(styled)

    def write(self, folder: Path) -> list[Path]:
        """Writes all three forms and returns their paths."""
        paths = [folder / f"{self.name}.{suffix}" for suffix in ("csv", "md", "tex")]
        self.numbers.to_csv(paths[0])
        paths[1].write_text(self.text() + "\n", encoding="utf-8")
        paths[2].write_text(self.latex(), encoding="utf-8")
        return paths

    def extended(self, name: str, texts: list[str], numbers: Mapping[str, list]) -> "Table":
        """With one column more, and what is behind it by the name of each number."""
        behind = pd.DataFrame({(name, number): values for number, values in numbers.items()})
        shown = self.shown.assign(**{name: texts})
        return replace(self, shown=shown, numbers=self.numbers.join(behind.set_index(self.numbers.index)))

    def noted(self, *notes: str) -> "Table":
        """With more lines below."""
        return replace(self, notes=(*self.notes, *notes))


def table(
    name: str,
    caption: str,
    rows: pd.DataFrame,
    values: Values,
    form: Format | Mapping[str, Format],
    *,
    first: tuple[str, ...] = (),
    rule: Rule | None = None,
) -> Table:
    """A row for each explainer, and before them rows of other names.

    Args:
        form: of all columns, or by column.
        rule: by which seeds were added; with one, or where explainers differ in them, their number is a column.
    """
    planned = dict.fromkeys(first, rows.seed.nunique()) | num_seeds(rows)
    explainers, numbers_of_seeds = list(planned), sorted(set(planned.values()))
    summaries = {c: {e: summarise(by.get(e, [])) for e in explainers} for c, by in values.items()}
    index = pd.Index([*first, *labels(explainers[len(first) :])], name="explainer")
    counted = {"n": [str(n) for n in planned.values()]} if rule or len(numbers_of_seeds) > 1 else {}
    forms = dict.fromkeys(values, form) if callable(form) else form
    formatted = {c: [forms[c](s[e], n) for e, n in planned.items()] for c, s in summaries.items()}
    shown = pd.DataFrame(counted | formatted).set_index(index)
    numbers = {
        (c, number): [getattr(s[e], number) for e in explainers]
        for c, s in summaries.items() for number in ("mean", "half_width", "n")
    }  # fmt: skip
    over = "–".join(map(str, dict.fromkeys((numbers_of_seeds[0], numbers_of_seeds[-1]))))
    said = (f"Mean ± half-width of the 95 % t interval over n = {over} seeds.", *(notes(rows, rule) if rule else ()))
    return Table(name, caption, shown, pd.DataFrame(numbers).set_index(index), (*said, *_gaps(rows)))


def by_fraction(rows: pd.DataFrame) -> list[tuple[float, pd.DataFrame]]:
    """The rows of every removal fraction, ascending."""
    return [(t, rows[rows.removal_fraction == t]) for t in sorted(set(rows.removal_fraction))]


def _gaps(rows: pd.DataFrame) -> Iterator[str]:
    """A line for explainers with as many cells that were not measured, for the same reason."""
    alike: dict[str, list[str]] = {}
    for (explainer, status), group in rows[rows.status != "done"].groupby(["explainer", "status"], sort=False):
        reason = next((reason for reason in group.reason if reason), "")
        became = f"{len(group)} cells {status}" + (f" ({reason})" if reason else "")
        alike.setdefault(became, []).append(label(str(explainer)))
    for became, names in alike.items():
        yield f"{', '.join(names)}: {became}."


def _escape(text: str) -> str:
    return "".join(SPECIAL.get(c, "\\" + c if c in "&%$#_{}" else c) for c in text)
