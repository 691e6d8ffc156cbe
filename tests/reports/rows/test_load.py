"""One explained network: whose cells count, and what intervals over its retrainings cover."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from roarbench.benchmark.matrix.plan import Matrix, cells
from roarbench.benchmark.matrix.spec import Cell
from roarbench.benchmark.results.store import Outcome, Store
from roarbench.reports.page.answer import answers
from roarbench.reports.page.asked import protocol
from roarbench.reports.page.judged import judged_by_network
from roarbench.reports.page.validity import checks
from roarbench.reports.pictures.curves import plots
from roarbench.reports.rows.load import curves, load, read
from roarbench.reports.rows.seeds import covers
from roarbench.reports.rows.settings import cross_fitted, settings, title
from roarbench.reports.tables.curves import tables
from roarbench.reports.tables.summary import summaries
from tests.reports.conftest import outcome

Stored = Callable[..., Path]
SHARED = "n = 3 retrainings of one explained network"


@pytest.fixture
def one_network(matrix: Matrix) -> Matrix:
    return replace(matrix, protocol="paper")


def named(folder: Path, name: str) -> str:
    return next(table for table in tables(load(folder)) if table.name == name).text()


def test_where_seeds_share_the_explained_network_everything_says_so(stored: Stored, one_network: Matrix) -> None:
    frame = load(stored(one_network, measured))
    made = {table.name: table.text() for table in [*tables(frame), *summaries(frame)]}
    assert set(frame.explained.dropna()) == {0.0}
    assert {"roar", "kar", "fidelity", "summary-roar"} <= set(made)
    for text in made.values():
        assert f"over {SHARED}. Intervals cover retraining alone" in text
    assert all(SHARED in picture.caption for picture in plots(frame))
    assert SHARED in answers(judged_by_network(curves(frame)))[0].verdicts[0].sentence
    assert dict(protocol(frame, read(stored(one_network, measured, "again")).costs))["Seeds"] == SHARED[4:]


def measured(cell: Cell) -> Outcome:
    """Noise of which each explainer has its own."""
    made = outcome(cell)
    shift = 0.003 * (cell.training.seed % 2) * bool(cell.ranking and cell.ranking.explainer.name == "gradient")
    return replace(made, metrics=made.metrics | {"test_accuracy": (made.metrics["test_accuracy"] or 0) + shift})


def test_titles_say_where_networks_trained_behind_cross_fitted_maps(stored: Stored, matrix: Matrix) -> None:
    mixed = replace(matrix, retrain=(True, False), mask_fractions=(0.5,), evaluator=True)
    frame, crossed = (load(stored(replace(mixed, attribution_folds=k), name=str(k))) for k in (1, 5))
    assert frame.folds.isna().all()
    assert set(crossed.folds.dropna()) == {5.0}
    assert [*frame] == [*crossed]
    for part in settings(curves(crossed)):
        said = "; cross-fitted maps (5 folds); " in title(part)
        assert said == bool(part.retrain.iloc[0])
        assert not cross_fitted(part.drop(columns="folds"))
    assert all("cross-fitted" not in title(part) for part in settings(curves(frame)))


def test_where_every_seed_explains_its_own_network_intervals_cover_training(stored: Stored, matrix: Matrix) -> None:
    text = named(stored(matrix), "roar")
    assert (
        "over n = 3 seeds. Intervals cover training randomness (seeds) for these test images, not the sampling" in text
    )


def test_data_drawn_anew_for_every_seed_are_covered_too(stored: Stored, matrix: Matrix) -> None:
    frame = load(stored(replace(matrix, datasets=("squares[draw=seed]",))))
    assert "the drawing of the data" in covers(curves(frame))


def strangers(cell: Cell) -> Cell:
    """As older versions planned them: an original network of each seed, all behind the masks of one."""
    if cell.ranking and not cell.retrain and cell.probe == "image":
        return replace(cell, ranking=replace(cell.ranking, training=replace(cell.ranking.training, seed=0)))
    return cell


def test_networks_that_were_not_explained_are_left_out(stored: Stored, matrix: Matrix, tmp_path: Path) -> None:
    planned = [strangers(cell) for cell in cells(replace(matrix, unretrained_fills=("mean",)))]
    store = Store(tmp_path / "old", create=True)
    store.plan({"seeds": 3}, planned)
    for cell in planned:
        store.record(cell, outcome(cell))
    store.close()
    run = read(tmp_path / "old")
    reduced = run.frame[run.frame.explainer.notna()]
    assert set(reduced[~reduced.retrain.astype(bool)].seed) == {0}
    assert set(reduced[reduced.retrain.astype(bool)].seed) == {0, 1, 2}
    assert run.num_strangers == 2 * 2 * 2  # explainers, orders, seeds
    assert len(run.frame) == len(run.protocols) == len(run.costs)
    found = checks(run.frame, curves(run.frame), [], None, run.num_strangers)
    assert any("8 cells of other networks" in case for check in found for case in check.cases)


def test_cells_are_hashed_once_for_all_seeds(stored: Stored, matrix: Matrix, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[int] = []
    monkeypatch.setattr("roarbench.reports.rows.load.digest", lambda cell: str(hashed.append(1)))
    counts = []
    for seeds in (2, 6):
        hashed.clear()
        read(stored(replace(matrix, seeds=seeds), name=f"seeds{seeds}"))
        counts.append(len(hashed))
    assert counts[0] == counts[1]
