"""What a terminal says of a finished report: the answer, one table of each network that was explained, and the page."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import RenderableType
from rich.table import Table as Grid
from rich.text import Text

from roarbench.reports.page.answer import Answer, answers
from roarbench.reports.page.judged import Judged, judged_by_network
from roarbench.reports.rows.load import Run, curves
from roarbench.reports.rows.seeds import num_seeds, repeats
from roarbench.reports.rows.style import FLAG, OPEN, p_value, percent, points, repeated
from roarbench.reports.statistics.groups import groups
from roarbench.reports.tables.evidence import best_first, scores
from roarbench.reports.tables.masks import SIGNS, Leak
from roarbench.reports.tables.table import Table
from roarbench.reports.terminal.tables import as_text, grid
from roarbench.reports.terminal.text import WIDTH, rendered

MOST_NETWORKS = 4
"""Pairs of data set and classifier that have a table; the page has all."""

SIDES = {"morf": "lower is better", "lerf": "higher is better"}
HEADINGS = ["accuracy, %", "gain", "p", "group"]
LEGEND = "Accuracy: mean over 0 < t < 1, {side}, {seeds}."
TESTED = (
    "Gain: points better than {random}, interval and p corrected for all pairs. Without a common letter two explainers "
    "differ significantly."
)
LEAKS = f"Mask: accuracy from masks alone, in %. {FLAG} label leakage under ROAR and KAR; {OPEN} not settled."
CAUTION = "Caution: "


def closing(run: Run, tables: Sequence[Table], page: Path) -> str:
    """The answer of a report as text for `show`.

    Args:
        tables: of the report, for a run without curves.
        page: the HTML page, whose address is the last line.
    """
    judged = judged_by_network(curves(run.frame))
    said = [part for ways, answer in _answered(run, judged) for part in (*_block(ways, answer, run), "")]
    if not judged:
        said = [Text.from_ansi(as_text(next((t for t in tables if t.printed), tables[0]), WIDTH))] if tables else []
    more = len(judged) - MOST_NETWORKS
    others = [f"{repeated(more, 'network')} more: see the page.", ""] if more > 0 else []
    return f"{rendered([*said, *others])}\n{page.resolve().as_uri()}"


def _answered(run: Run, judged: list[list[Judged]]) -> list[tuple[list[Judged], Answer]]:
    return list(zip(judged, answers(judged, run.focus), strict=True))[:MOST_NETWORKS]


def _block(ways: list[Judged], answer: Answer, run: Run) -> Iterator[RenderableType]:
    """What is said of one data set and classifier; the first way of measuring leads."""
    leading, verdict = ways[0], answer.verdicts[0]
    yield Text(f"{answer.dataset}, {answer.classifier}. {verdict.way}", style="dim")
    yield Text(f"{verdict.headline}.", style="bold")
    yield Text("\n".join([verdict.sentence, *verdict.against]))
    yield ""
    yield _table(_Board.of(ways), [run.focus.baseline or "", *run.focus.highlight])
    yield ""
    legend = [LEGEND.format(side=SIDES[leading.order], seeds=_seeds(leading))]
    legend += [TESTED.format(random=leading.random)] if leading.tested else []
    yield Text(" ".join(legend), style="dim")
    if any(way.leaks for way in ways):
        yield Text(LEAKS, style="dim")
    for caution in verdict.cautions:
        yield Text(CAUTION, style="yellow").append(caution, style="default")


@dataclass(frozen=True)
class _Board:
    """The leading way of measuring, its seeds and letters, and the worst leak of each explainer under any way."""

    leading: Judged
    planned: dict[str, int]
    letters: dict[str, str]
    leaks: dict[str, Leak]

    @classmethod
    def of(cls, ways: list[Judged]) -> "_Board":
        leading = ways[0]
        letters = groups(leading.family, highest_first=leading.order == "lerf").letters
        return cls(leading, num_seeds(leading.rows), letters, next((way.leaks for way in ways if way.leaks), {}))

    def line(self, explainer: str) -> list[str]:
        """The cells of an explainer, its name first."""
        accuracy, gain = scores(self.leading.rows).summary(explainer), self.leading.gains.get(explainer)
        cells = [
            self.leading.names[explainer], percent(accuracy, self.planned[explainer]),
            points(gain.summary, gain.n) if gain and gain.n else "–", p_value(gain.p) if gain else "–",
            self.letters.get(explainer, "–"),
        ]  # fmt: skip
        return cells + ([_leak(self.leaks.get(explainer))] if self.leaks else [])


def _table(board: _Board, marked: Sequence[str]) -> Grid:
    """Explainers by their score, the best first; those that a reader named in bold."""
    filled = grid([*HEADINGS, *(["mask"] if board.leaks else [])], first="explainer")
    for explainer in dict.fromkeys(best_first(board.leading.rows, board.leading.order).explainer):
        filled.add_row(*board.line(explainer), style="bold" if explainer in marked else "")
    return filled


def _leak(leak: Leak | None) -> str:
    return f"{100 * leak.accuracy.mean:.1f}{SIGNS[leak.state] or '  '}" if leak else "–"


def _seeds(judged: Judged) -> str:
    known = scores(judged.rows)
    return repeats(judged.rows, max((known.summary(e).n for e in judged.names), default=0))
