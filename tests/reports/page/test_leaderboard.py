"""The leaderboard of the page: charts of gains with their intervals, and explainers by measures."""

import math
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from roarbench.benchmark.matrix.plan import Matrix
from roarbench.benchmark.matrix.spec import Cell
from roarbench.benchmark.results.store import Outcome
from roarbench.reports.page.chart import series
from roarbench.reports.page.drilldown import drilldown
from roarbench.reports.page.forest import Forest, Line
from roarbench.reports.page.judged import judged_by_network
from roarbench.reports.page.leaderboard import Board, boards
from roarbench.reports.page.methods import methods
from roarbench.reports.rows.load import Run, curves, read
from tests.reports.page.conftest import EXPLAINERS
from tests.reports.page.test_page import BROKEN, MARKUP, STYLE, Checker, Stored, failing, luminance, measured, rendered

MEASURED = {"random": (0.2, 9.0), "gradient": (0.4, 8.0), "integrated_gradients": (0.3, 7.0), "sobel": (0.1, 6.0)}
"""Sensitivity, of which less is better, and truth that is found, of which more is."""


def boards_of(run: Run) -> list[Board]:
    return boards(run, judged_by_network(curves(run.frame)), series(run.frame))


def board_of(folder: Path) -> Board:
    (board,) = boards_of(read(folder))
    return board


def line(forest: Forest, label: str) -> Line:
    return next(line for line in forest.lines if line.series.label == label)


def shown(board: Board, heading: str) -> dict[str, tuple[str, str]]:
    """Label -> text and colour of a column."""
    at = [column.heading for column in board.columns].index(heading)
    return {row.series.label: (row.entries[at].text, row.entries[at].mark) for row in board.rows}


def by_themselves(cell: Cell) -> Outcome:
    """Curves, and what is measured of attributions."""
    outcome = measured(cell)
    if cell.probe != "attribution" or cell.ranking is None:
        return outcome
    sensitivity, passes = MEASURED[cell.ranking.explainer.name]
    return replace(outcome, metrics={"max_sensitivity": sensitivity, "gini": 0.5, "passes": passes})


def test_explainers_stand_in_the_order_of_their_gains(stored: Stored, wide: Matrix) -> None:
    roar, kar = board_of(stored(wide, measured)).forests
    assert (roar.name, kar.name) == ("ROAR, retrained, fill mean", "KAR, retrained, fill mean")
    assert [line.series.label for line in roar.lines] == ["IG", "Sobel", "GRAD"]
    assert [line.series.label for line in kar.lines] == ["GRAD", "Sobel", "IG"]
    assert [line.at for line in roar.lines] == sorted((line.at for line in roar.lines), reverse=True)


def test_intervals_exclude_zero_exactly_where_a_difference_is_significant(stored: Stored, wide: Matrix) -> None:
    roar = board_of(stored(wide, measured)).forests[0]
    assert roar.zero is not None
    assert line(roar, "IG").low > roar.zero and line(roar, "IG").significant
    assert line(roar, "GRAD").high < roar.zero and line(roar, "GRAD").significant
    sobel = line(roar, "Sobel")
    assert sobel.low < roar.zero < sobel.high and not sobel.significant
    assert all(0 <= end <= 100 for one in roar.lines for end in (one.low, one.at, one.high))
    assert "Gain over Random" in roar.notes[0] and "95 % intervals" in roar.notes[0]
    assert any("n = 4 seeds" in note for note in roar.notes)
    assert re.fullmatch(r"-?\d+\.\d ± \d+\.\d", sobel.text)


def test_the_axis_has_few_round_ticks_inside(stored: Stored, wide: Matrix) -> None:
    axis = board_of(stored(wide, measured)).forests[0].axis
    assert 2 <= len(axis) <= 7
    assert "0" in [text for _, text in axis]
    assert all(0 <= at <= 100 for at, _ in axis)


def test_masks_that_leak_have_a_flag_where_networks_are_retrained(stored: Stored, wide: Matrix) -> None:
    board = board_of(stored(replace(wide, unretrained_fills=("mean",)), measured))
    retrained, unretrained = board.forests[0], board.forests[-1]
    assert [line.series.label for line in retrained.lines if line.flagged] == ["IG"]
    assert not any(line.flagged for line in unretrained.lines)
    assert any(note.startswith("⚑") for note in retrained.notes)
    assert not any(note.startswith("⚑") for note in unretrained.notes)
    assert shown(board, "mask leak")["IG"][0].endswith("⚑")
    assert not shown(board, "mask leak")["GRAD"][0].endswith("⚑")


def test_letters_become_bars(stored: Stored, wide: Matrix) -> None:
    """Sobel does not differ from random, and all others do from each other."""
    roar = board_of(stored(wide, measured)).forests[0]
    assert roar.letters == ["a", "b", "c"]
    assert [(*line.bars.values(),) for line in roar.lines] == [("bar", "", ""), ("", "bar", ""), ("", "", "bar")]


def test_a_bar_spans_those_who_share_a_letter(stored: Stored, wide: Matrix) -> None:
    """Accuracies of all but gradient differ by noise alone."""

    def alike(cell: Cell) -> Outcome:
        outcome = measured(cell)
        name = cell.ranking.explainer.name if cell.ranking else "random"
        noise = 0.01 * math.sin(5 * cell.training.seed + 2 * len(name))
        low = 0.5 * cell.removal_fraction * (name == "gradient")
        return replace(outcome, metrics=outcome.metrics | {"test_accuracy": 0.9 - low + noise})

    roar = board_of(stored(replace(wide, mask_fractions=()), alike)).forests[0]
    assert roar.lines[0].series.label == "GRAD" and roar.letters == ["a", "b"]
    assert [(*line.bars.values(),) for line in roar.lines] == [("bar", ""), ("", "bar"), ("", "bar")]


@pytest.mark.parametrize("seeds", [1, 2])
def test_few_seeds_have_dots_without_intervals(stored: Stored, wide: Matrix, seeds: int) -> None:
    roar = board_of(stored(replace(wide, seeds=seeds), measured)).forests[0]
    assert [line.series.label for line in roar.lines] == ["IG", "Sobel", "GRAD"]
    assert not any(line.interval or line.significant for line in roar.lines)
    assert not roar.letters
    assert any("at least 3 seeds" in note for note in roar.notes)
    assert not any("95 %" in note for note in roar.notes)


def test_without_random_means_are_drawn(stored: Stored, wide: Matrix) -> None:
    roar, kar = board_of(stored(replace(wide, explainers=EXPLAINERS[1:]), measured)).forests
    assert [line.series.label for line in roar.lines] == ["IG", "Sobel", "GRAD"]
    assert [line.series.label for line in kar.lines] == ["GRAD", "Sobel", "IG"]
    assert roar.zero is None and not any(line.interval for line in roar.lines)
    assert any("Random was not measured" in note for note in roar.notes)


def test_explainers_without_a_curve_are_named_and_come_last(stored: Stored, wide: Matrix) -> None:
    board = board_of(stored(wide, lambda cell: failing(cell, "gradient")))
    assert [line.series.label for line in board.forests[0].lines] == ["IG", "Sobel"]
    assert any(note.startswith("Not drawn") and "GRAD" in note for note in board.forests[0].notes)
    assert board.rows[-1].series.label == "GRAD"
    assert {entry.text for entry in board.rows[-1].entries if entry.mark or not entry.value} == {"–"}


def test_one_explainer_stands_beside_random(stored: Stored, wide: Matrix) -> None:
    board = board_of(stored(replace(wide, explainers=("random", "gradient")), measured))
    assert [line.series.label for line in board.forests[0].lines] == ["GRAD"]
    assert [row.series.label for row in board.rows] == ["Random", "GRAD"]  # second and first: a tie, as planned


@pytest.mark.parametrize("explainer", ["random", "gradient"])
def test_one_alone_is_ranked_first_and_without_colour(stored: Stored, wide: Matrix, explainer: str) -> None:
    board = board_of(stored(replace(wide, explainers=(explainer,)), measured))
    assert [entry.mark for row in board.rows for entry in row.entries if entry.mark] == []
    assert board.rows[0].entries[1].text == "1.0"


def test_nothing_measured_is_not_drawn(stored: Stored, wide: Matrix) -> None:
    run = read(stored(wide, BROKEN["nothing"]))
    assert boards_of(run) == []
    assert 'id="leaderboard"' not in rendered(run) and 'href="#leaderboard"' not in rendered(run)


def test_colours_follow_the_direction_of_each_column(stored: Stored, wide: Matrix) -> None:
    board = board_of(stored(replace(wide, measures=("max_sensitivity", "gini", "passes")), by_themselves))
    headings = [column.heading for column in board.columns]
    assert headings == ["mask leak", "rank", "ROAR", "KAR", "sensitivity", "passes"]
    roar, kar, sensitivity = (shown(board, heading) for heading in ("ROAR", "KAR", "sensitivity"))
    assert (roar["IG"][1], roar["GRAD"][1]) == ("heat-4", "heat-0")
    assert (kar["IG"][1], kar["GRAD"][1]) == ("heat-0", "heat-4")
    assert {name: mark for name, (_, mark) in sensitivity.items()} == {
        "Sobel": "heat-4", "Random": "heat-3", "IG": "heat-1", "GRAD": "heat-0",
    }  # fmt: skip
    assert {mark for _, mark in shown(board, "mask leak").values()} == {""}
    assert shown(board, "passes")["Sobel"] == ("6", "heat-4")


def test_ranks_are_means_over_the_ways_that_have_the_explainer(stored: Stored, wide: Matrix) -> None:
    """Integrated gradients is first under ROAR; under KAR it has no curve."""

    def half(cell: Cell) -> Outcome:
        name = cell.ranking.explainer.name if cell.ranking else ""
        fails = name == "integrated_gradients" and cell.order == "lerf" and cell.probe == "image"
        return replace(measured(cell), status="failed", metrics={}) if fails else measured(cell)

    board = board_of(stored(wide, half))
    rank = {label: text for label, (text, _) in shown(board, "rank").items()}
    assert rank["IG"] == "1.0" and board.rows[0].series.label == "IG"
    assert rank["GRAD"] == "2.5"  # fourth and first
    values = [float(row.entries[1].value) for row in board.rows]
    assert values == sorted(values)


def test_headings_name_the_fill_where_several_were_used(stored: Stored, wide: Matrix) -> None:
    one = board_of(stored(replace(wide, unretrained_fills=("mean", "noisy_linear")), measured))
    assert [column.heading for column in one.columns][2:8] == [
        "ROAR", "KAR", "Deletion, accuracy", "Insertion, accuracy",
        "ROAD, most relevant first", "ROAD, least relevant first",
    ]  # fmt: skip
    two = board_of(stored(replace(wide, fills=("mean", "noisy_linear")), measured, name="two"))
    assert [column.heading for column in two.columns][2:4] == ["ROAR, fill mean", "KAR, fill mean"]
    assert len({forest.name for forest in two.forests}) == 4


def test_every_data_set_has_a_board(stored: Stored, wide: Matrix) -> None:
    run = read(stored(replace(wide, datasets=("digits", "mnist")), measured))
    assert [board.dataset for board in boards_of(run)] == ["digits", "mnist"]
    found = Checker(rendered(run))
    assert len(found.ids) == len(set(found.ids))


def test_the_section_follows_the_answer(stored: Stored, wide: Matrix) -> None:
    html = rendered(read(stored(wide, measured)))
    for place in ('id="{}"', 'href="#{}"'):
        places = [html.index(place.format(name)) for name in ("answer", "leaderboard", "ways", "curves")]
        assert places == sorted(places)


def test_markup_in_names_is_text_here_too(stored: Stored, wide: Matrix) -> None:
    run = read(stored(wide, measured))
    frame = run.frame.assign(explainer=run.frame.explainer.replace({"sobel": f"mod:{MARKUP}"}), dataset="<i>x</i>")
    html = rendered(replace(run, frame=frame))
    section = html[html.index('id="leaderboard"') : html.index('id="curves"')]
    assert "&lt;script&gt;alert" in section and "&lt;i&gt;x&lt;/i&gt;" in section
    assert "<script>" not in section and "<i>x" not in section


def mixed(front: str, back: str, part: float) -> str:
    """`color-mix(in srgb, front part, back)`."""
    pairs = [(int(front[i : i + 2], 16), int(back[i : i + 2], 16)) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(part * a + (1 - part) * b):02x}" for a, b in pairs)


@pytest.mark.parametrize("text", ["ink", "warn"])
def test_text_on_colours_has_contrast_in_both_themes(text: str) -> None:
    """WCAG 2.1, 1.4.3, level AA, on the strongest colour."""
    named: Callable[[str], list[str]] = lambda name: re.search(  # noqa: E731
        rf"--{name}: light-dark\((#\w{{6}}), (#\w{{6}})\)", STYLE
    ).groups()  # type: ignore[union-attr,return-value]
    parts = [float(part) / 100 for part in re.findall(r"heat-\d \{ --heat: (\d+)%", STYLE)]
    assert parts == sorted(parts) and len(parts) == 4
    for front, good, card in zip(named(text), named("good"), named("card"), strict=True):
        light, dark = sorted((luminance(front), luminance(mixed(good, card, parts[-1]))), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5


def test_neighbours_share_the_beginning_of_their_headings(stored: Stored, wide: Matrix) -> None:
    board = board_of(stored(replace(wide, unretrained_fills=("mean", "noisy_linear")), measured))
    heads = [(head.text, head.span, head.alone is not None) for head in board.heads]
    assert ("ROAR", 1, True) in heads and ("ROAD", 2, False) in heads
    assert sum(span for _, span, _ in heads) == len(board.columns)


def test_every_mean_can_be_traced_to_its_seeds(stored: Stored, wide: Matrix) -> None:
    run = read(stored(replace(wide, measures=("max_sensitivity", "passes")), by_themselves))
    board = boards_of(run)
    data = drilldown(board, methods(run.frame, run.cards, series(run.frame)))
    (shown,) = data["boards"]  # type: ignore[misc]
    columns = {column["heading"]: column for column in shown["columns"]}
    assert [*columns] == ["ROAR", "KAR", "sensitivity", "passes"]
    for heading, column in columns.items():
        place = column["place"] - 1
        assert board[0].columns[place].heading == heading
        for row in board[0].rows:
            text, seeds = column["rows"][row.series.label]
            assert text == row.entries[place].text and [seed for seed, _ in seeds] == [0, 1, 2, 3]
            assert float(row.entries[place].value) * (100 if heading in ("ROAR", "KAR") else 1) == pytest.approx(
                sum(value for _, value in seeds) / 4, abs=1e-3
            )
    assert data["explainers"]["IG"]["number"] == 2  # type: ignore[index]
