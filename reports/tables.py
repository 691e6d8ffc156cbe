"""The tables of a run: explainers by fractions, and Fidelity, FIR and FII, as CSV, Markdown and booktabs LaTeX."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from benchmark.adaptive import Rule
from benchmark.statistics import Summary, summarise
from hns.metrics import fidelity, fii, fir
from reports.load import SETTING, curves
from reports.seeds import notes, num_seeds
from reports.style import ORDERS, label, labels, percent, share

Format = Callable[[Summary, int], str]


@dataclass(frozen=True)
class Table:
    """A table in two forms.

    Attributes:
        name: file name without suffix.
        shown: formatted text, explainers by columns.
        numbers: mean, half_width and n behind it, explainers by (column, number).
        notes: lines below the table.
    """

    name: str
    caption: str
    shown: pd.DataFrame
    numbers: pd.DataFrame
    notes: tuple[str, ...] = ()

    def text(self) -> str:
        """Caption, table and notes for a terminal or a Markdown file."""
        shown = self.shown.rename(index=lambda name: name.replace("|", r"\|"))
        table = shown.to_markdown(disable_numparse=True, colalign=["left", *["right"] * shown.shape[1]])
        return "\n\n".join([f"**{self.caption}**", table, *self.notes])

    def latex(self) -> str:
        """A booktabs table."""
        escaped = (
            self.shown.rename_axis(None)
            .rename(index=_escape, columns=_escape)
            .map(lambda text: _escape(text).replace("±", r"$\pm$"))
        )
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


def tables(frame: pd.DataFrame, rule: Rule | None = None) -> list[Table]:
    """ROAR, KAR and Fidelity tables of every setting in a run, and the rule by which it added seeds."""
    joined = curves(frame)
    return [table for part in settings(joined) for table in _of_setting(part, slug(part, joined), rule)]


def settings(joined: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """The rows of each setting, in the order of the matrix."""
    for _, part in joined.groupby(SETTING, sort=False, dropna=False):
        yield part


def slug(part: pd.DataFrame, joined: pd.DataFrame) -> str:
    """Ending of file names that tells settings apart: only what differs within the run."""
    varying = [column for column in SETTING if joined[column].nunique(dropna=False) > 1]
    given = {column: part[column].iloc[0] for column in varying if pd.notna(part[column].iloc[0])}
    words = [f"{c}_{value}" if c in ("retrain", "magnitude") else str(value) for c, value in given.items()]
    return "".join(f"-{re.sub('[^a-z0-9]+', '_', word.lower()).strip('_')}" for word in words)


def title(part: pd.DataFrame) -> str:
    """The setting in words."""
    first = part.iloc[0]
    words = [f"{first.dataset}, {first.classifier}", "retrained" if first.retrain else "not retrained"]
    words += ["mask only"] if first.probe == "mask" else [f"fill {first.fill}"]
    return "; ".join(
        [*words, f"{first.unit}s by {'magnitude' if first.magnitude else 'signed value'}, {first.target} class"]
    )


def _of_setting(part: pd.DataFrame, ending: str, rule: Rule | None) -> Iterator[Table]:
    for order, rows in part.groupby("order", sort=False):
        yield _accuracies(rows, str(order), ending, rule)
    kept = part[(part.order == "lerf") & (part.removal_fraction > 0)]
    if len(kept) and kept.probe.iloc[0] == "image" and kept.retrain.iloc[0]:
        yield _fidelities(kept, part[part.removal_fraction == 0], ending, rule)


def _accuracies(rows: pd.DataFrame, order: str, ending: str, rule: Rule | None) -> Table:
    what = "ROAR: removed most relevant first (lower is better)" if order == "morf" else (
        "KAR: removed least relevant first (higher is better)"
    )  # fmt: skip
    caption = f"{what}. Test accuracy in % at removal fraction t. {title(rows)}."
    columns = {f"t={t:.10g}": group for t, group in _by_fraction(rows)}
    values = {name: {e: g.test_accuracy for e, g in group.groupby("explainer")} for name, group in columns.items()}
    return table(ORDERS[order].lower() + ending, caption, rows, values, percent, rule=rule)


def _fidelities(rows: pd.DataFrame, original: pd.DataFrame, ending: str, rule: Rule | None) -> Table:
    """F, FIR and FII of each cell against the original of its seed; I is the share really hidden, in whole units."""
    done = with_indices(rows[rows.status == "done"], original, accuracy="test_accuracy", hidden="share_removed")
    values = {
        f"{name} h={t:.10g}": {e: g[name].tolist() for e, g in done[done.removal_fraction == t].groupby("explainer")}
        for t, _ in _by_fraction(rows)
        for name in ("F", "FIR", "FII")
    }
    what = "Fidelity F, FIR = F/(F+I) and FII = F*I, least relevant hidden first; I is the share hidden at fraction h"
    return table("fidelity" + ending, f"{what}. {title(rows)}.", rows, values, share, rule=rule)


def with_indices(rows: pd.DataFrame, original: pd.DataFrame, *, accuracy: str, hidden: str) -> pd.DataFrame:
    """Rows whose seed has an original, with F, FIR and FII from the columns of accuracy and of the share hidden."""
    intact = original[original.test_accuracy > 0].drop_duplicates("seed").set_index("seed").test_accuracy
    rows = rows[rows.seed.isin(intact.index)]
    f = [fidelity(a, intact[seed]) for a, seed in zip(rows[accuracy], rows.seed, strict=True)]
    pairs = list(zip(f, rows[hidden], strict=True))
    return rows.assign(F=f, FIR=[fir(*pair) for pair in pairs], FII=[fii(*pair) for pair in pairs])


def table(
    name: str,
    caption: str,
    rows: pd.DataFrame,
    values: dict,
    form: Format,
    *,
    first: tuple[str, ...] = (),
    rule: Rule | None = None,
) -> Table:
    """A row for each explainer, and before them rows of other names.

    Args:
        rule: by which seeds were added; with one, or where explainers differ in them, their number is a column.
    """
    planned = dict.fromkeys(first, rows.seed.nunique()) | num_seeds(rows)
    explainers, numbers_of_seeds = list(planned), sorted(set(planned.values()))
    summaries = {c: {e: summarise(by.get(e, [])) for e in explainers} for c, by in values.items()}
    index = pd.Index([*first, *labels(explainers[len(first) :])], name="explainer")
    counted = {"n": [str(n) for n in planned.values()]} if rule or len(numbers_of_seeds) > 1 else {}
    formatted = {c: [form(s[e], n) for e, n in planned.items()] for c, s in summaries.items()}
    shown = pd.DataFrame(counted | formatted).set_index(index)
    numbers = {
        (c, number): [getattr(s[e], number) for e in explainers]
        for c, s in summaries.items() for number in ("mean", "half_width", "n")
    }  # fmt: skip
    over = "–".join(map(str, dict.fromkeys((numbers_of_seeds[0], numbers_of_seeds[-1]))))
    said = (f"Mean ± half-width of the 95 % t interval over n = {over} seeds.", *(notes(rows, rule) if rule else ()))
    return Table(name, caption, shown, pd.DataFrame(numbers).set_index(index), (*said, *_gaps(rows)))


def _by_fraction(rows: pd.DataFrame) -> list[tuple[float, pd.DataFrame]]:
    return [(t, rows[rows.removal_fraction == t]) for t in sorted(set(rows.removal_fraction))]


def _gaps(rows: pd.DataFrame) -> Iterator[str]:
    """A line for each explainer with cells that were not measured."""
    for (explainer, status), group in rows[rows.status != "done"].groupby(["explainer", "status"], sort=False):
        reason = next((reason for reason in group.reason if reason), "")
        yield f"{label(str(explainer))}: {len(group)} cells {status}" + (f" ({reason})" if reason else "") + "."


def _escape(text: str) -> str:
    special = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "–": "--"}
    return "".join(special.get(c, "\\" + c if c in "&%$#_{}" else c) for c in text)
