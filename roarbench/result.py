"""What was measured, as tables: of a call of `evaluate`, or of any folder of a run."""

import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from roarbench.benchmark.results.statistics import Summary, summarise
from roarbench.reports.report import report
from roarbench.reports.rows.focus import Focus
from roarbench.reports.rows.load import Run, curves, read
from roarbench.reports.rows.measures import heading, known, of_attributions
from roarbench.reports.rows.settings import delta, images, protocol, title
from roarbench.reports.rows.style import called, label
from roarbench.reports.tables.baseline import against
from roarbench.reports.tables.evidence import means, scores

LABELS = "labels.json"
"""File with the labels of explainers that were given in memory, and with what was asked for."""

PERCENTAGES = 10.0
"""A column that reaches so far holds percentages."""

MASKS = "Mask probe"
"""Accuracy of networks that see which pixels were removed, and nothing else."""

ASKED = {
    "evaluator": ("evaluator", None), "road": ("image", "noisy_linear"), "deletion": ("image", "mean"),
    "insertion": ("image", "mean"), "roar": ("image", None), "kar": ("image", None),
}  # fmt: skip


Column = tuple[str, tuple[dict[str, Summary], float, bool]]
"""Name -> explainer -> summary, what numbers are multiplied with to be shown, and whether the lowest is best."""


@dataclass(frozen=True)
class Difference:
    """One explainer against another, by one measure.

    Attributes:
        estimate: in points; positive where the first is better.
        low: lower end of the simultaneous 95 % interval, corrected for all pairs; NaN without a test.
        high: upper end.
        p: two-sided, corrected for all pairs.
        verdict: "better", "worse", "equivalent", "open", or "untested" with fewer than three seeds.
        sentence: all of it in words.
    """

    estimate: float
    low: float
    high: float
    p: float
    verdict: str
    sentence: str

    def __str__(self) -> str:
        return self.sentence


@dataclass(frozen=True, eq=False, repr=False)
class Result:
    """Results in a folder.

    Attributes:
        folder: of the run; a temporary one is gone with the result.
        labels: explainer as the run writes it -> its label.
        measures: those that were asked for; all without.
    """

    folder: Path
    labels: Mapping[str, str] = field(default_factory=dict)
    measures: tuple[str, ...] = ()

    @classmethod
    def of(cls, folder: Path) -> "Result":
        """The results in a folder, with the labels that were given when they were measured.

        Raises:
            ValueError: it holds no run.
        """
        read(folder)
        if not (folder / LABELS).exists():
            return cls(folder)
        kept = json.loads((folder / LABELS).read_text(encoding="utf-8"))
        return cls(folder, kept["labels"], tuple(kept["measures"]))

    def kept(self) -> "Result":
        """This result, with its labels in its folder."""
        text = json.dumps({"labels": dict(self.labels), "measures": self.measures}, indent=1)
        (self.folder / LABELS).write_text(text + "\n", encoding="utf-8")
        return self

    @cached_property
    def rows(self) -> pd.DataFrame:
        """A row for each cell: what was measured, its numbers, and its status. Accuracies lie in [0, 1]."""
        return self._run.frame

    @cached_property
    def curves(self) -> pd.DataFrame:
        """The rows of every curve, with the ends at 0 and 1 that all explainers share; `label` names explainers."""
        joined = curves(self.rows)
        return joined.assign(label=joined.explainer.map(self._label))

    @cached_property
    def table(self) -> pd.DataFrame:
        """A row for each explainer, by label, best first; columns (measure, "estimate" | "low" | "high").

        Curves are mean accuracies in % over the removal fractions, with 95 % intervals over seeds and test images.
        """
        columns = dict([*self._of_curves(), *self._of_deltas(), *self._of_masks(), *self._of_attributions()])
        table = pd.DataFrame({
            (name, end): {self._label(e): _end(summary, end, scale) for e, summary in summaries.items()}
            for name, (summaries, scale, _) in columns.items()
            for end in ("estimate", "low", "high")
        })  # fmt: skip
        table.index.name = "explainer"
        if not columns:
            return table
        table.columns.names = ["measure", ""]
        table = table.reindex([*table.index, *(label for label in self.failures if label not in table.index)])
        first, (_, _, lowest) = next(iter(columns.items()))
        return table.sort_values((first, "estimate"), ascending=lowest)

    @cached_property
    def failures(self) -> dict[str, str]:
        """Why explainers failed, or do not apply, by label: the first reason of each."""
        without = self.rows[self.rows.explainer.notna() & self.rows.status.isin(["failed", "skipped"])]
        reasons = without.groupby("explainer", sort=False).reason.first()
        return {self._label(e): str(reason).partition("\n")[0] for e, reason in reasons.items()}

    def difference(self, one: str, other: str, measure: str | None = None) -> Difference:
        """By how much one explainer is better than another, by labels.

        Args:
            measure: a column of `table` that is read from curves; by default the first.

        Raises:
            ValueError: a label or a measure that was not measured.
        """
        settings = {name: (rows, order) for name, rows, order in self._settings()}
        if not settings or (measure or next(iter(settings))) not in settings:
            raise ValueError(f"measure must be one of {', '.join(settings) or 'none measured'}, got {measure!r}")
        rows, order = settings[measure or next(iter(settings))]
        named = {self._label(e): e for e in dict.fromkeys(rows.explainer)}
        for name in (one, other):
            if name not in named:
                raise ValueError(f"explainer must be one of {', '.join(named)}, got {name!r}")
        compared = against(rows, order, Focus(baseline=named[other]))
        if compared is None or named[one] not in compared.differences:
            raise ValueError(f"explainers must be two with whole curves, got {one!r} and {other!r}")
        difference, verdict = compared.differences[named[one]], compared.verdict(named[one])
        mean, width = 100 * difference.mean, 100 * difference.half_width
        with called(self.labels):
            sentence = compared.sentence(named[one], rows)
        return Difference(mean, mean - width, mean + width, difference.p, verdict, sentence)

    def report(self, out: Path | str | None = None) -> Path:
        """Writes the report, with its page, tables and figures; returns its folder.

        Args:
            out: folder that it is copied to, which must not be there yet.

        Raises:
            ValueError: the folder is there already.
        """
        if out and Path(out).exists():
            raise ValueError(f"out must not be there yet, got {out}; choose another folder")
        report(self.folder, focus=Focus(label=tuple(f"{text}={name}" for text, name in self.labels.items())))
        if not out:
            return self.folder / "report"
        return Path(shutil.copytree(self.folder / "report", out))

    @property
    def text(self) -> pd.DataFrame:
        """The table as it is read: "44.8 ± 7.8"."""
        names = dict.fromkeys(self.table.columns.get_level_values(0))
        columns = {name: _written(self.table[[name]].droplevel(0, axis=1)) for name in names}
        return pd.DataFrame(columns, index=self.table.index)

    def _repr_html_(self) -> str:
        return self.text.to_html()

    def __repr__(self) -> str:
        return "\n".join([self.text.to_string(), *(f"{label}: {reason}" for label, reason in self.failures.items())])

    @cached_property
    def _run(self) -> Run:
        return read(self.folder)

    def _label(self, explainer: Any) -> Any:
        with called(self.labels):
            return label(explainer) if isinstance(explainer, str) else explainer

    def _settings(self) -> list[tuple[str, pd.DataFrame, str]]:
        """Name, rows and order of each of the curves that were asked for; names differ."""
        asked = [
            (protocol(rows, order), rows, order)
            for rows, order, _ in images(curves(self.rows))
            if not self.measures or any(_is_of(rows, order, name) for name in self.measures)
        ]
        names = [name for name, _, _ in asked]
        return [
            (name if names.count(name) == 1 else f"{name}: {title(rows)}", rows, order) for name, rows, order in asked
        ]

    def _of_curves(self) -> Iterator[Column]:
        for name, rows, order in self._settings():
            of = scores(rows)
            yield name, ({e: of.summary(e) for e in of.finite}, 100.0, order == "morf")

    def _of_deltas(self) -> Iterator[Column]:
        for rows, order, _ in images(curves(self.rows)):
            if rows.probe.iloc[0] == "evaluator" and "delta" in self.measures:
                seeds = means(rows, "delta")
                yield delta(rows, order), ({e: summarise(of.values()) for e, of in seeds.items() if of}, 100.0, False)

    def _of_masks(self) -> Iterator[Column]:
        frame = self.rows[(self.rows.probe == "mask") & self.rows.explainer.notna() & self.rows.test_accuracy.notna()]
        parts = frame.groupby(["dataset", "classifier"], sort=False)
        for (dataset, classifier), rows in parts:
            seeds = rows.groupby(["explainer", "seed"], sort=False).test_accuracy.mean()
            name = MASKS if parts.ngroups == 1 else f"{MASKS}: {dataset}, {classifier}"
            yield name, ({e: summarise(of) for e, of in seeds.groupby("explainer", sort=False)}, 100.0, True)

    def _of_attributions(self) -> Iterator[Column]:
        frame = self.rows[(self.rows.probe == "attribution") & self.rows.explainer.notna()]
        for name, card in of_attributions(known(self._run.measures)).items():
            if name in frame and frame[name].notna().any():
                by = frame[frame[name].notna()].groupby("explainer", sort=False)[name]
                scale = 100.0 if card["form"] == "percent" else 1.0
                yield heading(name, card), ({e: summarise(v) for e, v in by}, scale, card["better"] == "low")


def _is_of(rows: pd.DataFrame, order: str, measure: str) -> bool:
    """Whether a measure that can be asked for is read from the curves of a setting and order."""
    first = rows.iloc[0]
    if measure not in ASKED or first.probe != ASKED[measure][0]:
        return False
    if measure in ("roar", "kar"):
        return bool(first.retrain) and order == {"roar": "morf", "kar": "lerf"}[measure]
    wanted_order = {"deletion": "morf", "insertion": "lerf"}.get(measure, order)
    return not first.retrain and ASKED[measure][1] in (None, first.fill) and order == wanted_order


def _end(summary: Summary, end: str, scale: float) -> float:
    offset = {"estimate": 0.0, "low": -summary.half_width, "high": summary.half_width}[end]
    return scale * (summary.mean + offset)


def _written(column: pd.DataFrame) -> list[str]:
    """Estimates with half-widths, where these are known: one decimal of percentages, three of other numbers."""
    decimals = 1 if column.estimate.abs().max() >= PERCENTAGES else 3
    ends = column[["estimate", "low", "high"]].to_numpy(dtype=float)
    return [
        "–" if pd.isna(estimate) else f"{estimate:.{decimals}f}" + _half(high - low, decimals)
        for estimate, low, high in ends
    ]


def _half(width: float, decimals: int) -> str:
    return "" if pd.isna(width) else f" ± {width / 2:.{decimals}f}"
