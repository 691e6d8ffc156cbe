"""`report`: tables, curves and the page of a run."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

from tyro.conf import OmitArgPrefixes, arg

from roarbench.benchmark.results.store import require
from roarbench.reports.rows.focus import Focus


@dataclass(frozen=True)
class Report:
    """Writes the report of a run, finished or not: tables, figures, page and paper. Prints the answer.

    Attributes:
        out: folder of the run; the report lies in its folder report.
        reference: sets Table 2 of Hooker et al. 2019 beside the run, and judges the claims of the paper.
        decimals: decimals of percentages, by default 1; F, FIR, FII and correlations get one more. With decimals,
            columns or explainers only tables are written, to the folder report-view.
        columns: show only these columns: removal fractions, names of columns, or words of these; tables that have none
            of them are shown whole.
        explainers: show only these explainers, as written or by their labels; tests still use all.
        print: prints these tables and writes nothing: names of files or their first words, such as roar or summary.
        watch: renders again whenever cells were measured, until none is left to do.
        every: seconds between two refreshes, with watch.
        compare: two folders: prints what moved from the first to the second, instead of a report.
        merge: folders of runs of one protocol, which become one run in out before it is reported.
        publish: folder of a static site with leaderboards, to which this run is added.
        open: opens the page in the browser.
    """

    focus: Annotated[OmitArgPrefixes[Focus], arg(name="comparison")] = Focus()
    out: Path = Path("runs/quick")
    reference: bool = False
    decimals: int | None = None
    columns: tuple[str, ...] = ()
    explainers: tuple[str, ...] = ()
    print: tuple[str, ...] = ()
    watch: bool = False
    every: float = 30.0
    compare: tuple[Path, Path] | None = None
    merge: tuple[Path, ...] = ()
    publish: Path | None = None
    open: bool = False

    def __call__(self) -> int:
        for folder in self.compare or self.merge or [self.out]:
            require(folder)
        from roarbench.reports.terminal.browser import opened
        from roarbench.reports.terminal.text import show

        show(self._published() if self.publish else self._text())
        if self.open:
            opened(self.out)
        return 0

    def _published(self) -> str:
        """The text of the report, made for the site, and the address of that."""
        from roarbench.reports.publish.site import check, publish
        from roarbench.reports.rows.load import read

        if self._partly() or self.publish is None:
            raise ValueError("publish needs the full report; leave out options that show a part of it")
        check(self.publish)
        text = self._text()
        return f"{text}\n{publish(read(self.out), self.publish).resolve().as_uri()}"

    def _partly(self) -> bool:
        """Whether something else than the full report is asked for."""
        parts = self.compare or self.watch or self.columns or self.explainers or self.print
        return bool(parts) or self.decimals is not None

    def _text(self) -> str:
        """What the command prints."""
        from roarbench.reports.again import Asked, remembered, unchanged

        focus = remembered(self.out) if self.focus == Focus() else self.focus
        anew = self.merge or self._partly()
        if not anew and (known := unchanged(Asked(self.out, self.reference, focus))):
            return known
        from roarbench.benchmark.results.merging import merge
        from roarbench.reports.report import report
        from roarbench.reports.tables.comparison import compare_runs
        from roarbench.reports.tables.view import View
        from roarbench.reports.terminal.tables import printed
        from roarbench.reports.watch import watch

        if self.compare:
            return printed(compare_runs(*self.compare))
        if self.merge:
            merge(self.merge, self.out)
        view = View(self.decimals, self.columns, self.explainers, self.print)
        render = partial(report, self.out, reference=self.reference, view=view, focus=focus)
        return watch(self.out, render, self.every) if self.watch else render()
