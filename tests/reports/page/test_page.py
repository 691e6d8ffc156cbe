"""The page without a browser: its words, its marks, its size; whole and broken stores."""

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest

from roarbench.benchmark.matrix.plan import Matrix
from roarbench.benchmark.matrix.presets import tomllib
from roarbench.benchmark.matrix.spec import Cell
from roarbench.benchmark.results.store import Outcome, Store
from roarbench.reports.page import figures
from roarbench.reports.page.figures import address
from roarbench.reports.page.methods import cited
from roarbench.reports.page.page import page
from roarbench.reports.page.provenance import toml
from roarbench.reports.page.tables import sections
from roarbench.reports.page.validity import checks
from roarbench.reports.pictures.drawing import Caption
from roarbench.reports.report import report
from roarbench.reports.rows.load import Run, curves, read
from roarbench.reports.tables.curves import tables
from roarbench.reports.tables.summary import summaries
from tests.reports.conftest import outcome

Stored = Callable[..., Path]

SLOPES = {"random": 0.5, "gradient": 0.3, "integrated_gradients": 0.7, "sobel": 0.5}
"""How fast accuracy falls under ROAR."""

STYLES = Path(figures.__file__).parent / "templates" / "styles"
STYLE = "\n".join(path.read_text() for path in sorted(STYLES.glob("*.css")))
VOID = {"meta", "link", "input", "br", "img", "path", "circle"}


def measured(cell: Cell) -> Outcome:
    """Accuracies that fall as fast as the explainer says, with a little noise of each seed."""
    name = cell.ranking.explainer.name if cell.ranking else "random"
    noise = 0.002 * math.sin(7 * cell.training.seed + 3 * len(name))
    metrics: dict[str, float | None] = {"chance": 0.1, "share_removed": cell.removal_fraction}
    if cell.probe == "mask":
        metrics["test_accuracy"] = (0.8 if name == "integrated_gradients" else 0.1) + noise
    else:
        metrics["test_accuracy"] = 0.9 - SLOPES[name] * cell.removal_fraction + noise
    return replace(outcome(cell), metrics=metrics)


def rendered(run: Run) -> str:
    return page(run, [*tables(run.frame), *summaries(run.frame)], tuple)


class Checker(HTMLParser):
    """Tags that close what is open, ids, headings, pictures and addresses."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.headings: list[int] = []
        self.addresses: list[str] = []
        self.unnamed: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.words: list[str] = []
        self.feed(html)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.add(tag)
        self.attributes |= {*given}
        self.ids += [given["id"] or ""] if "id" in given else []
        self.addresses += [given[name] or "" for name in ("href", "src") if name in given]
        self.headings += [int(tag[1])] if re.fullmatch("h[1-6]", tag) else []
        self.unnamed += [tag] if tag == "img" and not given.get("alt") else []
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


BROKEN: dict[str, Callable[[Cell], Outcome | None]] = {
    "whole": measured,
    "nothing": lambda cell: None,
    "half": lambda cell: measured(cell) if cell.training.seed < 2 and cell.removal_fraction < 0.5 else None,
    "failed": lambda cell: failing(cell, "gradient"),
    "random failed": lambda cell: failing(cell, "random"),
    "all failed": lambda cell: replace(measured(cell), status="failed", metrics={}, reason="gone"),
    "nan": lambda cell: replace(measured(cell), metrics={"test_accuracy": math.nan}),
    "one seed": lambda cell: measured(cell) if cell.training.seed == 0 else None,
}


@pytest.mark.parametrize("name", BROKEN)
def test_whole_and_broken_stores_give_a_page_in_order(stored: Stored, wide: Matrix, name: str) -> None:
    found = Checker(rendered(read(stored(wide, BROKEN[name]))))
    assert len(found.ids) == len(set(found.ids))
    assert {address[1:] for address in found.addresses if address.startswith("#")} <= {*found.ids}
    assert found.headings[0] == 1
    assert all(after <= before + 1 for before, after in zip(found.headings, found.headings[1:], strict=False))
    assert not found.unnamed
    said = "".join(found.words).replace("from t = nan to nan", "")  # of tables without any measurement
    assert not re.search(r"\bnan\b", said)
    assert found.headings.count(1) == 1


def test_a_page_says_at_its_head_what_is_to_come(stored: Stored, wide: Matrix) -> None:
    half = rendered(read(stored(wide, lambda cell: None if cell.training.seed else measured(cell))))
    whole = rendered(read(stored(wide, measured)))
    assert "Unfinished: " in half and half.index("Unfinished: ") < half.index("</dl>")
    assert "Unfinished: " not in whole


def test_nothing_is_asked_of_a_network(stored: Stored, wide: Matrix) -> None:
    html = rendered(described(read(stored(wide, measured))))
    outside = [a for a in Checker(html).addresses if not a.startswith(("#", "data:"))]
    assert set(outside) == {"https://arxiv.org/abs/1703.01365"}
    assert "default-src 'none'" in html
    assert not re.search(r"@import|url\(|<script src|fetch\(|XMLHttpRequest", html)


def test_two_renderings_are_the_same(stored: Stored, wide: Matrix) -> None:
    folder = stored(wide, measured)
    report(folder)
    first = (folder / "report" / "index.html").read_bytes()
    report(folder)
    assert (folder / "report" / "index.html").read_bytes() == first


MARKUP = '<script>alert("x")</script>'


def test_markup_in_names_is_text(stored: Stored, wide: Matrix) -> None:
    failed = stored(wide, lambda cell: failing(cell, "gradient", reason=MARKUP))
    run = read(failed)
    strange = {"integrated_gradients": "mod:<b>x</b>", "sobel": "mod:'\"><img src=x onerror=alert(1)>"}
    frame = run.frame.assign(
        explainer=run.frame.explainer.replace(strange), dataset="<i>data</i>", classifier="</title><s>net</s>"
    )
    costs = run.costs.assign(commit=MARKUP)
    cards = {"mod:<b>x</b>": {"summary": MARKUP, "paper": f"arXiv:1703.01365 {MARKUP}", "parameters": {MARKUP: MARKUP}}}
    given = replace(run, frame=frame, costs=costs, cards=cards, matrix={"datasets": [MARKUP]})
    found = Checker(rendered(given))
    assert not {"i", "img", "s"} & found.tags
    text = "".join(found.words)
    for shown in ("<b>x</b>", "<i>data</i>", MARKUP, "</title><s>net</s>"):
        assert shown in text
    assert not {name for name in found.attributes if name.startswith("on")}


def test_pictures_stay_in_worlds_of_their_own(stored: Stored, wide: Matrix, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = stored(wide, measured)
    (folder / "report").mkdir()
    drawing = '<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><path id="p" d="M1 2"/>{}</svg>'
    names = ("plane-a", "gallery-b", "plane-large", "plane-missing")
    for name in names[:3]:
        (folder / "report" / f"{name}.svg").write_text(drawing.format("<g/>" * 500 * (name == "plane-large")))
    shown = [Caption(name, MARKUP, '"><b>') for name in names]
    monkeypatch.setattr(figures, "BUDGET", 1000)
    html = page(read(folder), [], lambda: shown)
    found = Checker(html)
    assert {"figure-plane-a", "figure-gallery-b", "gallery", "figures"} <= {*found.ids}
    assert "p" not in found.ids
    assert sum(a.startswith("data:image/svg+xml") for a in found.addresses) == 2
    assert "plane-large.svg" in found.addresses
    assert html.index('id="gallery"') < html.index('id="figure-gallery-b"') < html.index('id="figure-plane-a"')


def test_a_drawing_survives_its_address() -> None:
    inside = '<path d="M 0.123456 10"/><text>5 % &lt;b&gt; "0.123456"</text>'
    svg = f'<!-- # --><svg xmlns="http://www.w3.org/2000/svg">{inside}</svg>'
    (path, text) = ElementTree.fromstring(unquote(address(svg).partition(",")[2]))
    assert path.get("d") == "M 0.12 10"
    assert text.text == '5 % <b> "0.123456"'


def test_cells_are_sorted_by_the_numbers_behind_them(stored: Stored, wide: Matrix) -> None:
    run = read(stored(wide, measured))
    made = {table.name: table for table in [*tables(run.frame), *summaries(run.frame)]}
    (shown,) = (t for kind in sections([*made.values()]) for t in kind.tables if t.name == "summary-roar")
    at = [name for name, _ in shown.columns].index("gain")
    values = {name: entries[at].value for name, entries in shown.rows}
    assert values.pop("Random") == ""  # it is not compared with itself
    means = made["summary-roar"].numbers[("gain", "mean")].drop("Random")
    assert {name: float(value) for name, value in values.items()} == pytest.approx(means.to_dict())
    assert shown.latex == made["summary-roar"].latex()


def test_marks_of_tables_stand_out(stored: Stored, wide: Matrix) -> None:
    run = read(stored(wide, measured))
    table = tables(run.frame)[0]
    marks = table.shown.map(lambda text: "")
    marks.iloc[0, 0], marks.iloc[1, 0] = "best", "group"
    (kind,) = sections([replace(table, marks=marks)])
    assert [entries[0].mark for _, entries in kind.tables[0].rows] == ["best", "group", "", ""]


def test_what_is_wrong_is_checked(stored: Stored, wide: Matrix) -> None:
    run = read(stored(wide, lambda cell: failing(cell, "gradient", reason="out of memory")))
    found = {check.title: check for check in checks(run.frame, curves(run.frame), [], None)}
    assert found["Label leakage"].state == "warn"
    (chart,) = found["Label leakage"].charts
    assert [bar.name for bar in chart.bars if bar.state == "readable"] == ["IG"]
    assert found["Label leakage"].verdict == "warning"
    assert found["Cells"].cases == ["GRAD: 24 failed (out of memory)."]  # 16 of images, 8 of masks
    assert "GRAD 0 of 4" in found["Seeds"].cases[0]
    assert found["Maps of zeros"].verdict == "not checked"


def test_papers_become_addresses() -> None:
    assert cited("see doi:10.1371/journal.pone.0130140, eq. 58") == [
        ("see ", ""), ("doi:10.1371/journal.pone.0130140", "https://doi.org/10.1371/journal.pone.0130140"),
        (", eq. 58", ""),
    ]  # fmt: skip


def test_what_the_data_are_is_told_where_it_was_kept(stored: Stored, wide: Matrix) -> None:
    folder = stored(wide, measured)
    before = rendered(read(folder))
    store = Store(folder)
    store.describe(
        "dataset", {"digits": {"title": "Digits", "extent": "9 examples, 2 classes: a, b", "licence": "BSD"}}
    )
    store.close()
    words = "Digits: 9 examples, 2 classes: a, b. Licence: BSD."
    assert (before.count(words), rendered(read(folder)).count(words)) == (0, 1)


def test_the_matrix_can_be_read_as_toml() -> None:
    matrix = {"datasets": ['a"b', "c" * 90], "seeds": 3, "unit": None, "recursive": [False], "recipe": {"lr": 0.1}}
    assert tomllib.loads(toml(matrix)) == {name: value for name, value in matrix.items() if value is not None}


def pairs() -> Iterator[tuple[str, str, float]]:
    texts = ("ink", "soft", "accent", "warn", "good")
    lines = ("random", "edge", *(f"c{i}" for i in range(8)))
    yield from ((name, back, 4.5) for name in texts for back in ("paper", "card"))
    yield from ((name, "warn-card", 4.5) for name in ("ink", "warn"))
    yield from ((name, back, 3.0) for name in lines for back in ("paper", "card"))


@pytest.mark.parametrize(("front", "back", "least"), [*pairs()])
def test_contrast_suffices(front: str, back: str, least: float) -> None:
    """WCAG 2.1, 1.4.3 and 1.4.11, level AA."""
    named = dict(re.findall(r"--([\w-]+): light-dark\((#\w{6}, #\w{6})\)", STYLE))
    for one, other in zip(named[front].split(", "), named[back].split(", "), strict=True):
        light, dark = sorted((luminance(one), luminance(other)), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= least


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def failing(cell: Cell, explainer: str, reason: str = "gone") -> Outcome:
    if cell.ranking and cell.ranking.explainer.name == explainer:
        return replace(measured(cell), status="failed", metrics={}, reason=reason)
    return measured(cell)


def described(run: Run) -> Run:
    return replace(run, cards={"integrated_gradients": {"summary": "s", "paper": "arXiv:1703.01365, eq. 3"}})


@pytest.mark.parametrize(
    ("caption", "short"),
    [
        ("Gain over the random control at each t. Intervals are corrected.", "Gain over the random control at each t."),
        ("Differences between explainers. ROAR. digits; mean.", "Differences between explainers. ROAR."),
        ("Accuracy at the same t (0.1, 0.9; larger marks are larger t); dotted: chance.",
         "Accuracy at the same t (0.1, 0.9; larger marks are larger t)."),
        ("Do ways of measuring agree about explainers? digits.", "Do ways of measuring agree about explainers?"),
    ],
)  # fmt: skip
def test_short_captions_end_with_a_sentence(caption: str, short: str) -> None:
    assert figures.Figure("plane", caption, "", "", []).short == short
