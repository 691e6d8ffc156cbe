"""The document of a run: it compiles, cites every method, shows any text as text, and is the same every time."""

import math
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import matplotlib
import pytest
from matplotlib.figure import Figure

from roarbench.benchmark.matrix.plan import Matrix
from roarbench.benchmark.matrix.plugins import plugin
from roarbench.benchmark.matrix.spec import Cell
from roarbench.benchmark.results.cards import card
from roarbench.benchmark.results.store import Outcome
from roarbench.reports.paper.bibliography import FILE, citations, identifiers
from roarbench.reports.paper.paper import paper
from roarbench.reports.report import report
from roarbench.reports.rows.focus import Focus
from roarbench.reports.rows.load import Run, read
from roarbench.reports.tables.curves import tables
from roarbench.reports.tables.latex import escape
from roarbench.reports.tables.main import main_tables
from roarbench.reports.tables.table import Table
from tests.reports.conftest import outcome
from tests.values import ABLE

Stored = Callable[..., Path]
LATEX = pytest.mark.skipif(not shutil.which("pdflatex"), reason="pdflatex is not installed")
MARKUP = r"100 % \input{/etc/passwd} a_b $x^2$ {#&~} <b>|</b> “é” Müller 日"


@dataclass
class Drawn:
    name: str
    caption: str


def compiled(folder: Path) -> str:
    """The log of the last pass over paper.tex."""
    for command in (["pdflatex", "-halt-on-error", "paper"], ["bibtex", "paper"], *[["pdflatex", "paper"]] * 2):
        options = ["-interaction=nonstopmode"] if command[0] == "pdflatex" else []
        done = subprocess.run(
            [command[0], *options, *command[1:]], cwd=folder, capture_output=True, text=True, errors="replace"
        )
        assert done.returncode == 0, done.stdout[-2000:]
    return (folder / "paper.log").read_text(errors="replace")


def clean(log: str) -> bool:
    return not re.search(r"Overfull|undefined|Missing character|multiply|^!", log, re.MULTILINE)


def carded(run: Run) -> Run:
    """With the cards that a run of today keeps."""
    names = run.frame.explainer.dropna().unique()
    return replace(run, cards={str(name): card(plugin(str(name), "explainer"), "explainer") for name in names})


def written(run: Run, out: Path, pictures: tuple[Drawn, ...] = ()) -> tuple[str, str]:
    """Both files with the appendix, beside the tables that they include."""
    out.mkdir(exist_ok=True)
    run = replace(run, focus=replace(run.focus, appendix=True))
    made = [*main_tables(run.frame), *tables(run.frame)]
    for table in made:
        table.write(out)
    shown = [str(name) for name in run.frame.explainer.dropna().unique()]
    paths = paper(run, made, pictures, out, shown)
    return paths[0].read_text(), paths[1].read_text()


@pytest.mark.parametrize("name", sorted(ABLE))
def test_every_explainer_is_cited_or_says_none(name: str) -> None:
    said = card(plugin(name, "explainer"), "explainer")["paper"]
    found = citations(str(said))
    assert found or str(said).startswith("none")
    assert not [key for key in found if key.startswith("described")], "an identifier is missing in methods.bib"


def test_entries_are_whole_and_named_once() -> None:
    entries = FILE.read_text().strip().split("\n\n")
    keys = [re.match(r"@\w+\{(\w+),\n", entry) for entry in entries]
    assert all(keys) and len({key[1] for key in keys if key}) == len(entries)
    for entry in entries:
        assert all(f"  {field} = {{" in entry for field in ("author", "title", "year")), entry
        assert entry.count("{") == entry.count("}")


def test_what_is_not_known_is_cited_by_its_own_words() -> None:
    (entry,) = citations("Me 2030, arXiv:3001.00001, 100 % {new}").values()
    assert "Me 2030, arXiv:3001.00001, 100 \\% \\textbraceleft{}new\\textbraceright{}" in entry
    assert citations("none; my own") == citations("") == {}
    assert identifiers("arXiv:1703.01365 (see doi:10.1/x.y).") == ["1703.01365", "10.1/x.y"]


def test_the_paper_includes_every_table_and_cites_every_method(stored: Stored, matrix: Matrix, tmp_path: Path) -> None:
    run = carded(read(stored(replace(matrix, explainers=("random", "integrated_gradients", "center")))))
    text, references = written(run, tmp_path / "out")
    assert re.findall(r"\\input\{(.+)\.tex\}", text) == ["main", "roar", "kar", "fidelity"]
    assert r"\cite{sundararajan2017axiomatic}" in text
    assert "Center & center & none &" in text
    cited = {key for keys in re.findall(r"\\cite\{(.+?)\}", text) for key in keys.split(",")}
    assert cited <= set(re.findall(r"@\w+\{(.+),", references))


def test_runs_without_cards_say_so(stored: Stored, matrix: Matrix, tmp_path: Path) -> None:
    run = replace(read(stored(matrix)), cards={})
    text, references = written(run, tmp_path / "out")
    assert "made before explainers kept their references" in text
    assert "hooker2019benchmark" in references


def test_pictures_without_a_file_are_left_out(stored: Stored, matrix: Matrix, tmp_path: Path) -> None:
    text, _ = written(read(stored(matrix)), tmp_path / "out", (Drawn("missing", "Nothing."),))
    assert "missing" not in text


@LATEX
def test_the_paper_compiles_whatever_things_are_called(stored: Stored, matrix: Matrix, tmp_path: Path) -> None:
    def judge(cell: Cell) -> Outcome:
        if cell.ranking and cell.ranking.explainer.name == "sobel":
            return Outcome("failed", reason=MARKUP)
        return outcome(cell)

    run = carded(read(stored(replace(matrix, explainers=("random", "gradient", "sobel")), judge)))
    names = {"gradient": f"mine:{MARKUP}"}
    frame = run.frame.assign(explainer=run.frame.explainer.replace(names), dataset=f"m[a=1] {MARKUP}")
    run = replace(run, frame=frame, cards=run.cards | {names["gradient"]: run.cards["gradient"] | {"paper": MARKUP}})
    out = tmp_path / "out"
    out.mkdir()
    with matplotlib.rc_context():
        Figure(figsize=(9, 30)).savefig(out / "drawn.pdf")
    text, _ = written(run, out, (Drawn("drawn", MARKUP),))
    assert r"\input{/etc" not in text
    assert r"\section[{m[a=1]" in text  # a bare bracket would end the short title
    assert clean(compiled(out))


@LATEX
@pytest.mark.parametrize(("columns", "rows"), [(40, 3), (3, 90), (30, 60)])
def test_no_table_leaves_the_page(columns: int, rows: int, stored: Stored, matrix: Matrix, tmp_path: Path) -> None:
    run = read(stored(matrix))
    first = next(iter(tables(run.frame)))
    shown = first.shown.loc[["Random"] * rows, ["t=0.5"] * columns].set_axis([f"t={i}" for i in range(columns)], axis=1)
    wide = Table("roar", "Wide.", shown.set_axis([f"e{i}" for i in range(rows)]), first.numbers, ("Note. " * 200,))
    out = tmp_path / "out"
    out.mkdir()
    wide.write(out)
    paper(replace(run, focus=Focus(appendix=True)), [wide], (), out, ["random"])
    log = compiled(out)
    assert clean(log) and "too large" not in log


def test_any_text_is_shown_as_text() -> None:
    assert escape("a_b & 100 % $x$ #1") == r"a\_b \& 100 \% \$x\$ \#1"
    assert escape(r"\input{x}") == r"\textbackslash{}input\textbraceleft{}x\textbraceright{}"
    assert escape("é 日 ±") == r"\'{e} \texttt{U+65E5} $\pm$"
    assert escape("[x]") == "{}[x]"
    assert escape("a\nb") == "a b"


def nan(cell: Cell) -> Outcome:
    made = outcome(cell)
    return replace(made, metrics=made.metrics | {"test_accuracy": math.nan}) if cell.ranking else made


def gradient_fails(cell: Cell) -> Outcome:
    if cell.ranking and cell.ranking.explainer.name == "gradient":
        return Outcome("failed", reason="x")
    return outcome(cell)


@pytest.mark.parametrize(
    ("judge", "seeds"),
    [
        (lambda cell: outcome(cell) if cell.removal_fraction < 0.5 or cell.training.seed == 0 else None, 3),
        (gradient_fails, 3), (outcome, 1), (nan, 3), (lambda cell: None, 3),
    ],
    ids=["half", "one explainer failed", "one seed", "NaN", "nothing"],
)  # fmt: skip
def test_broken_stores_give_a_paper_with_gaps(stored: Stored, matrix: Matrix, judge: Callable, seeds: int) -> None:
    folder = stored(replace(matrix, seeds=seeds), judge)
    report(folder)
    text = (folder / "report" / "paper.tex").read_text()
    assert r"\input{main.tex}" in text and "nan" not in text
    roar = (folder / "report" / "roar.md").read_text()
    assert "nan" not in roar
    if judge in (gradient_fails, nan):
        assert "– (0/3)" in roar
    if judge is gradient_fails:
        assert "GRAD: 3 cells failed (x)." in roar
        assert "are missing" in text


def test_captions_say_with_what_was_measured(stored: Stored, matrix: Matrix) -> None:
    folder = stored(matrix)
    report(folder)
    for suffix in ("md", "tex"):
        assert "Measured with roarbench abc." in (folder / "report" / f"roar.{suffix}").read_text()
