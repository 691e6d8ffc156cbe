"""Added seeds: the cells they bring, and runs that are interrupted, repeated and asked for something else."""

import random
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path

import pandas as pd
import pytest

from roarbench import run_benchmark
from roarbench.benchmark.matrix import plan
from roarbench.benchmark.matrix.plan import Matrix
from roarbench.benchmark.matrix.spec import Cell, key
from roarbench.benchmark.results import seeds
from roarbench.benchmark.results.store import Outcome, Row, Store
from roarbench.reports.status import status
from tests.conftest import outcomes, without_pictures

pytestmark = pytest.mark.usefixtures("unillustrated")
unreported = pytest.mark.usefixtures("unreported")

ADAPTIVE = [
    "run", "--classifiers", "mlp[width=16,hidden_layers=1]", "--explainers", "random", "gradient", "center",
    "--seeds", "2", "--fractions", "0.3", "0.9", "--epochs", "10", "--device", "cpu", "--workers", "0",
    "--evaluator", "false", "--mask-fractions", "--unretrained-fills", "--measures",
]  # fmt: skip
UNTIL = ["--target-interval", "4", "--max-seeds", "4"]
MATRIX = Matrix(
    explainers=("random", "gradient", "sobel", "center"),
    seeds=3,
    fractions=(0.3, 0.7, 1.0),
    fills=("mean",),
    target_interval=1.0,
    max_seeds=6,
    evaluator=False,
    unretrained_fills=(),
    mask_fractions=(),
    measures=(),
)
NOISE = {"random": 0.001, "gradient": 0.008, "sobel": 0.008, "center": 0.1}


def outcome(cell: Cell) -> Outcome:
    """Explainers that are separated, near to each other, and noisy; the same at every call."""
    if cell.ranking is None:
        return Outcome("done", {"test_accuracy": 0.9})
    name = cell.ranking.explainer.name
    mean = {"random": 0.2, "center": 0.9}.get(name, 0.5)
    return Outcome("done", {"test_accuracy": random.Random(key(cell)).gauss(mean, NOISE[name])})


def measured(cells: list[Cell], known: list[Row]) -> list[Row]:
    """What the folder holds once cells are measured."""
    held = {row.key: row for row in known}
    return list((held | {key(cell): Row(key(cell), asdict(cell), outcome(cell)) for cell in cells}).values())


def planned(matrix: Matrix, held: list[Row]) -> list[Cell]:
    return seeds.cells(matrix, held, seeds.wide(matrix, held))


def finished(matrix: Matrix, rows: list[Row] | None = None) -> list[Row]:
    """Rounds until nothing is asked for."""
    before: list[Row] = []
    after = rows or []
    while len(after) != len(before) or not after:
        before, after = after, measured(planned(matrix, after), after)
    return after


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    """What a folder holds in the end."""
    return finished(MATRIX)


def counts(rows: list[Row]) -> dict[tuple[str, str, str], int]:
    """Number of seeds by fill, order and explainer."""
    found: dict[tuple[str, str, str], set[int]] = {}
    for row in rows:
        part = row.specification
        if part["ranking"]:
            curve = part["fill"]["text"], part["order"], part["ranking"]["explainer"]["text"]
            found.setdefault(curve, set()).add(part["training"]["seed"])
    return {curve: len(held) for curve, held in found.items()}


def test_without_a_target_there_are_the_cells_of_the_matrix() -> None:
    fixed = replace(MATRIX, target_interval=None)
    assert planned(fixed, []) == plan.cells(fixed)
    assert seeds.wide(fixed, []) == plan.cells(fixed)


def test_seeds_are_added_where_they_are_needed(rows: list[Row]) -> None:
    found = counts(rows)
    assert {n for (_, _, name), n in found.items() if name == "random"} == {3}
    assert {n for (_, _, name), n in found.items() if name == "center"} == {6}
    assert all(n >= 3 for n in found.values()) and len(set(found.values())) > 2


def test_a_seed_brings_the_cells_that_its_curve_needs_in_canonical_order(rows: list[Row]) -> None:
    cells = planned(MATRIX, rows)
    assert cells == [cell for cell in seeds.wide(MATRIX, rows) if cell in set(cells)]
    for cell in (cell for cell in cells if cell.ranking):
        assert Cell(cell.training, None, None) in cells
        assert Cell(cell.training, None, cell.fill, "morf", 1.0, cell.retrain) in cells
        assert all(replace(cell, removal_fraction=fraction) in cells for fraction in (0.3, 0.7))


def test_what_is_measured_beside_curves_gets_their_seeds_and_asks_for_none() -> None:
    beside = replace(MATRIX, unretrained_fills=("zero",), mask_fractions=(0.5,), measures=("standard",))
    lean, full = (finished(matrix) for matrix in (MATRIX, beside))
    assert {row.key for row in lean} <= {row.key for row in full}
    own: dict[object, set[tuple[str, int]]] = {}
    for part in (row.specification for row in full if row.specification["ranking"]):
        curve = part["ranking"]["explainer"]["text"], part["training"]["seed"]
        own.setdefault((part["probe"], part["retrain"]), set()).add(curve)
    assert len({frozenset(curves) for curves in own.values()}) == 1


@pytest.mark.parametrize("seed", range(3))
def test_wherever_it_stops_a_run_goes_on_to_the_same_cells(seed: int, rows: list[Row]) -> None:
    draw = random.Random(seed)
    part: list[Row] = []
    for _ in range(6):
        cells = planned(MATRIX, part)
        part = measured(draw.sample(cells, draw.randint(len(cells) // 2, len(cells))), part)
        draw.shuffle(part)
    assert planned(MATRIX, finished(MATRIX, part)) == planned(MATRIX, rows)


@pytest.mark.parametrize(
    "change",
    [
        {"target_interval": None},
        {"target_interval": 0.5},
        {"target_interval": 5.0},
        {"max_seeds": 4},
        {"seeds": 5},
        {"seeds": 2, "target_interval": None},
        {"explainers": ("squared", *MATRIX.explainers)},
        {"fractions": (0.3, 0.5, 0.7, 1.0)},
    ],
)
def test_a_folder_never_loses_a_seed(change: dict, rows: list[Row]) -> None:
    for held in (rows, rows[: 2 * len(rows) // 3]):
        asked = {key(cell) for cell in planned(replace(MATRIX, **change), held)}
        assert {row.key for row in held} <= asked


def test_a_seed_that_was_begun_is_finished(rows: list[Row]) -> None:
    one = next(row for row in rows if row.specification["training"]["seed"] == 4 and row.specification["ranking"])
    fixed = replace(MATRIX, target_interval=None)
    found = [cell for cell in planned(fixed, [one]) if cell.training.seed >= 3]
    assert [(cell.removal_fraction, cell.training.seed) for cell in found] == [(t, 4) for t in (0.0, 1.0, 0.3, 0.7)]


def test_the_paper_explains_one_network_with_all_seeds() -> None:
    cells = planned(paper := replace(MATRIX, protocol="paper"), finished(paper))
    assert max(cell.training.seed for cell in cells) == 5
    assert {cell.ranking.training.seed for cell in cells if cell.ranking} == {0}


def run(*arguments: str, out: Path) -> int:
    return run_benchmark.main([*ADAPTIVE, "--out", str(out), *arguments])


def rows_of(out: Path) -> pd.DataFrame:
    return pd.read_csv(out / "report" / "rows.csv")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An adaptive run without interruption."""
    out = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        without_pictures(patch)
        assert run(*UNTIL, out=out) == 0
    return out


@pytest.mark.whole
def test_a_run_adds_seeds_and_its_report_counts_them(whole: Path) -> None:
    frame = rows_of(whole)
    counts = frame.groupby(["order", "explainer"]).seed.nunique()
    assert counts.min() == 2 < counts.max() <= 4
    assert set(frame.status) == {"done"}
    for order, name in (("morf", "roar"), ("lerf", "kar")):
        text = (whole / "report" / f"{name}.md").read_text()
        lines = [line.split("|")[1:3] for line in text.splitlines() if line.startswith("| ")]
        shown = {name.strip(): number.strip() for name, number in lines}
        names = {"random": "Random", "gradient": "GRAD", "center": "Center"}
        assert shown == {"explainer": "n"} | {text: str(counts[order, name]) for name, text in names.items()}
        assert "below 95 %" in text
    assert "seeds: random " in status(whole)


@unreported
@pytest.mark.whole
def test_a_finished_run_is_left_alone(whole: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = outcomes(whole)
    assert run(*UNTIL, out=whole) == 0
    assert "nothing to do" in capsys.readouterr().err
    assert outcomes(whole) == before


@pytest.mark.parametrize("stop", [7, 30])
@pytest.mark.whole
def test_an_interrupted_run_goes_on_to_the_same_rows(
    stop: int, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped among the 26 cells of the matrix, and while seeds are added; the report shows nothing of it."""
    with monkeypatch.context() as patch:
        patch.setattr(Store, "record_all", _until(stop))
        assert run(*UNTIL, out=tmp_path) == 130
    assert 0 < Store(tmp_path).counts()["done"] <= stop
    assert run(*UNTIL, out=tmp_path) == 0
    assert outcomes(tmp_path) == outcomes(whole)
    assert (tmp_path / "report" / "roar.md").read_text() == (whole / "report" / "roar.md").read_text()


def _until(stop: int) -> Callable[[Store, Mapping[Cell, Outcome]], None]:
    """A store that is interrupted before it holds more than some rows."""
    record, recorded = Store.record_all, []

    def interrupted(store: Store, outcomes: Mapping[Cell, Outcome]) -> None:
        if len(recorded) + len(outcomes) > stop:
            raise KeyboardInterrupt
        recorded.extend(outcomes)
        record(store, outcomes)

    return interrupted


@pytest.mark.whole
def test_the_same_folder_may_be_asked_for_something_else(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(whole, tmp_path, dirs_exist_ok=True)
    before, kept = rows_of(tmp_path), outcomes(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr("roarbench.reports.report.report", lambda folder, focus: "")
        assert run("--seeds", "2", out=tmp_path) == 0  # no target: everything stays as it is
    assert outcomes(tmp_path) == kept
    assert run("--target-interval", "0.1", "--max-seeds", "4", out=tmp_path) == 0
    assert rows_of(tmp_path).groupby(["order", "explainer"]).seed.nunique().max() == 4
    assert "Stopped at 4 seeds without that: " in (tmp_path / "report" / "kar.md").read_text()
    assert len(before.merge(rows_of(tmp_path))) == len(before) < len(rows_of(tmp_path))


@unreported
@pytest.mark.whole
def test_the_paper_protocol_adds_seeds(tmp_path: Path) -> None:
    assert run(*UNTIL, "--protocol", "paper", "--target-interval", "0.1", "--max-seeds", "3", out=tmp_path) == 0
    assert max(row.specification["training"]["seed"] for row in Store(tmp_path).rows() if row.outcome) == 2


def test_a_dry_run_says_that_more_may_follow(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*UNTIL, "--dry-run", out=tmp_path) == 0
    shown = capsys.readouterr().out
    assert "26 cells" in shown
    assert "more may follow: up to 4 seeds" in shown
