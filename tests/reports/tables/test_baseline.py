"""Against a baseline: differences, verdicts, sentences; the matrix of pairs; statements that never contradict."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from roarbench.benchmark.matrix.plan import Matrix
from roarbench.benchmark.matrix.spec import Cell
from roarbench.benchmark.results.hits import packed
from roarbench.benchmark.results.store import Outcome
from roarbench.reports.page.answer import answers
from roarbench.reports.page.judged import judged_by_network
from roarbench.reports.report import report
from roarbench.reports.rows.focus import Focus
from roarbench.reports.rows.load import Run, curves, read
from roarbench.reports.rows.names import resolved
from roarbench.reports.rows.seeds import covers
from roarbench.reports.rows.settings import images
from roarbench.reports.tables.baseline import against, baseline_tables
from roarbench.reports.tables.curves import tables
from roarbench.reports.tables.evidence import family
from roarbench.reports.tables.pairs import pair_tables
from roarbench.reports.tables.summary import summaries

pytestmark = pytest.mark.usefixtures("unillustrated")

Stored = Callable[..., Path]
EXPLAINERS = ("random", "sobel", "gradient", "integrated_gradients", "guided_backprop")
IMAGES = 200


def worlds(seed: int, *, hits: bool = False) -> Callable[[Cell], Outcome]:
    """Accuracies from a world of its own: explainers differ by up to 20 points, seeds by about 2."""
    quality = dict(zip(EXPLAINERS, np.random.default_rng(seed).uniform(0.4, 0.6, len(EXPLAINERS)), strict=True))

    def judge(cell: Cell) -> Outcome:
        name = cell.ranking.explainer.name if cell.ranking else "random"
        parts = [seed, cell.training.seed, [*EXPLAINERS].index(name), round(10 * cell.removal_fraction)]
        random = np.random.default_rng(parts)
        accuracy = float(np.clip(quality[name] + 0.02 * random.normal(), 0, 1))
        right = random.random(IMAGES) < accuracy
        metrics = {"test_accuracy": float(right.mean()) if hits else accuracy, "test_examples": float(IMAGES)}
        return Outcome("done", metrics | {"chance": 0.1}, hits=packed(right) if hits else None)

    return judge


@pytest.fixture
def many(matrix: Matrix) -> Matrix:
    return replace(matrix, explainers=EXPLAINERS, seeds=4, fractions=(0.0, 0.3, 0.7, 1.0))


def focused(folder: Path, focus: Focus) -> Run:
    run = read(folder)
    return replace(run, focus=resolved(focus, [str(e) for e in run.frame.explainer.dropna().unique()]))


def test_differences_are_those_of_the_family_better_first(stored: Stored, many: Matrix) -> None:
    run = focused(stored(many, worlds(0)), Focus(baseline="IG"))
    roar, kar = baseline_tables(run)
    assert (roar.name, kar.name) == ("baseline-roar", "baseline-kar")
    assert set(roar.shown.index) == {"Random", "Sobel", "GRAD", "GB"}
    assert roar.numbers["difference", "mean"].is_monotonic_decreasing
    ((rows, order, _), _) = images(curves(run.frame))
    compared = family(rows).difference("integrated_gradients", "gradient")  # less accuracy is better
    assert order == "morf" and roar.numbers.loc["GRAD", ("difference", "mean")] == compared.mean
    assert roar.numbers.loc["GRAD", ("p", "p")] == compared.p


def test_the_default_is_the_best_published_explainer(stored: Stored, many: Matrix) -> None:
    run = read(stored(many, worlds(0)))
    for rows, order, _ in images(curves(run.frame)):
        compared = against(rows, order, Focus())
        means = {e: m for e, m in family(rows).means.items() if e not in ("random", "sobel")}
        assert compared and compared.baseline == (min if order == "morf" else max)(means, key=means.__getitem__)


def test_a_wide_margin_makes_equivalents_and_a_narrow_one_none(stored: Stored, many: Matrix) -> None:
    folder = stored(many, worlds(1))
    verdicts = {
        margin: set(baseline_tables(focused(folder, Focus("GRAD", margin)))[0].shown.verdict) for margin in (0.1, 50)
    }
    assert "equivalent" not in verdicts[0.1] and "open" not in verdicts[50]
    assert verdicts[0.1] <= {"better", "worse", "open"} and verdicts[50] <= {"better", "worse", "equivalent"}


def test_what_stands_out_has_a_sentence_of_its_own(stored: Stored, many: Matrix, tmp_path: Path) -> None:
    folder = stored(many, worlds(0))
    report(folder, focus=Focus("IG", highlight=("gradient",), label=("gradient=Ours",)))
    text = (folder / "report" / "baseline-roar.md").read_text()
    assert "**Ours**" in text and "Ours" in text.partition("|\n\n")[2].splitlines()[0]
    assert r"\textbf{Ours}" in (folder / "report" / "baseline-roar.tex").read_text()
    assert "Ours" in (folder / "report" / "summary-roar.csv").read_text()
    report(folder)
    assert "Ours" not in (folder / "report" / "baseline-roar.md").read_text()


def test_too_few_seeds_are_said_to_be_too_few(stored: Stored, many: Matrix) -> None:
    run = focused(stored(replace(many, seeds=2), worlds(0)), Focus("IG", highlight=("gradient",)))
    roar = baseline_tables(run)[0]
    assert set(roar.shown.verdict) == {"untested"} and set(roar.shown.p) == {"–"}
    assert "a test takes at least 3 seeds" in roar.notes[0]


@pytest.mark.parametrize(
    ("focus", "words"),
    [
        (lambda: resolved(Focus("intgrated_gradients"), EXPLAINERS), "did you mean 'integrated_gradients'"),
        (lambda: resolved(Focus(highlight=("mine",)), EXPLAINERS), "highlight must be among the explainers"),
        (lambda: resolved(Focus(label=("mine=Ours",)), EXPLAINERS), "label must be among the explainers"),
        (lambda: resolved(Focus(label=("Ours",)), EXPLAINERS), "such as my_file:Mine=Ours"),
        (lambda: resolved(Focus(label=("sobel=" + 61 * "x",)), EXPLAINERS), "at most 60 characters"),
        (lambda: resolved(Focus(label=("sobel=Random",)), EXPLAINERS), "differ from those of other explainers"),
        (lambda: resolved(Focus(label=("sobel=A", "gradient=A")), EXPLAINERS), "differ from those of other explainers"),
        (lambda: resolved(Focus(baseline=""), EXPLAINERS), "baseline must be among the explainers"),
        (lambda: resolved(Focus(margin=0.0), EXPLAINERS), "margin must lie between 0 and 100"),
    ],
)
def test_wrong_words_have_one_clear_line(focus: Callable[[], Focus], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        focus()


def test_labels_may_follow_parameters_in_brackets() -> None:
    assert Focus(label=("a[b=1,c=d[e=2]]=Ours", "x = Our own ")).labels == {"a[b=1,c=d[e=2]]": "Ours", "x": "Our own"}


def test_a_label_names_its_explainer_in_other_options() -> None:
    focus = resolved(Focus("Ours", highlight=("Ours",), label=("gradient=Ours",)), EXPLAINERS)
    assert (focus.baseline, focus.highlight) == ("gradient", ("gradient",))


def test_a_baseline_without_a_curve_is_named_and_replaced(stored: Stored, many: Matrix) -> None:
    def failing(cell: Cell) -> Outcome:
        lost = cell.ranking is not None and cell.ranking.explainer.name == "gradient"
        return Outcome("failed", reason="x") if lost else worlds(0)(cell)

    run = focused(stored(many, failing), Focus("GRAD", highlight=("gradient",)))
    roar = baseline_tables(run)[0]
    assert "GRAD: no whole curve here." in roar.notes and "GRAD" not in roar.shown.index
    assert any("is the best published explainer" in note for note in roar.notes)


def test_hits_that_some_networks_lack_count_for_none(stored: Stored, many: Matrix) -> None:
    """An older run that was continued: all intervals of a data set cover the same."""

    def older(cell: Cell) -> Outcome:
        return worlds(0, hits=cell.removal_fraction != 0.3)(cell)

    folder = stored(many, older)
    for table in tables(read(folder).frame):
        assert "not the sampling of test images" in table.text()
    seeds_alone = tables(read(stored(many, lambda cell: replace(older(cell), hits=None), "none")).frame)
    assert tables(read(folder).frame)[0].numbers.equals(seeds_alone[0].numbers)


def test_captions_claim_test_images_only_where_intervals_cover_them(stored: Stored, many: Matrix) -> None:
    by_name = {table.name: table.text() for table in tables(read(stored(many, worlds(0, hits=True))).frame)}
    assert "and the sampling of test images" in by_name["roar"]
    assert "not the sampling of test images" in by_name["fidelity"]


def test_own_explainers_stand_out_by_default() -> None:
    assert resolved(Focus(), ["random", "my_file:Mine[power=2]", "smoothgrad"]).highlight == ("my_file:Mine[power=2]",)


def test_the_matrix_of_differences_is_antisymmetric(stored: Stored, many: Matrix) -> None:
    for table in pair_tables(read(stored(many, worlds(0))).frame):
        means = table.numbers.xs("mean", axis=1, level=1).to_numpy()
        assert means == pytest.approx(-means.T, nan_ok=True)
        assert (means[0][1:] >= 0).all()


@pytest.mark.parametrize("hits", [False, True])
def test_intervals_say_whether_they_cover_test_images(stored: Stored, many: Matrix, hits: bool) -> None:
    frame = curves(read(stored(many, worlds(0, hits=hits))).frame)
    assert ("and the sampling of test images" in covers(frame)) == hits
    roar = next(
        table for table in tables(read(stored(many, worlds(0, hits=hits), "more")).frame) if table.name == "roar"
    )
    assert covers(frame) in " ".join(roar.notes)


@pytest.mark.parametrize("seed", range(5))
def test_no_two_statements_contradict_each_other(stored: Stored, many: Matrix, seed: int) -> None:
    """Letters, gains, p, the matrix of pairs, the baseline and the answer, of a world of its own."""
    folder = stored(replace(many, seeds=3 + seed % 3), worlds(seed, hits=bool(seed % 2)))
    run = focused(folder, Focus("GRAD"))
    summary = next(table for table in summaries(run.frame) if table.name == "summary-roar")
    gain, half, p = (summary.numbers[c] for c in (("gain", "mean"), ("gain", "half_width"), ("p", "p")))
    letters = summary.numbers["group", "letters"]
    pairs = pair_tables(run.frame)[0].numbers.xs("p", axis=1, level=1)
    baseline = baseline_tables(run)[0]
    lead = answers(judged_by_network(curves(run.frame)))[0].verdicts[0]
    for name in summary.shown.index.drop("Random"):
        significant = p[name] <= 0.05
        assert significant == (abs(gain[name]) > half[name]) == (not {*letters[name]} & {*letters["Random"]})
        assert p[name] == pairs.loc[name, "Random"]
        assert (name in lead.better) == (significant and gain[name] > 0)
        assert (name in lead.worse) == (significant and gain[name] < 0)
    for name in baseline.shown.index:
        assert baseline.numbers.loc[name, ("p", "p")] == pairs.loc[name, "GRAD"]
        assert (baseline.shown.verdict[name] in ("better", "worse")) == (pairs.loc[name, "GRAD"] <= 0.05)
        assert (baseline.shown.verdict[name] in ("better", "worse")) == (not {*letters[name]} & {*letters["GRAD"]})
