"""Figures of Hide-and-Seek: what they draw, that they repeat themselves, and that odd studies do not break them."""

import json
import math
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable
from pathlib import Path
from xml.etree.ElementTree import Element

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from roarbench.reports.hns.images import alpha_grid, alphas, images
from roarbench.reports.hns.plots import STYLE, figures, looks, looks_of, plain, save, study_figures
from roarbench.reports.hns.report import report
from roarbench.reports.hns.results import POINTS, Study, padded, read, resampled
from tests.reports.hns.test_tables import MARKUP, place_of, result, store

NAMES = ("panels", "progress", "projection", "collapse", "leaks")
STEPS_PER_EPOCH = 4


def epochs(num_epochs: int, seed: int = 0) -> pd.DataFrame:
    """Accuracy e / 10 + seed / 100 and share hidden e / 20 at epoch e."""
    e = np.arange(1, num_epochs + 1)
    accuracy, hidden = e / 10 + seed / 100, e / 20
    return pd.DataFrame(
        {
            "epoch": e, "step": STEPS_PER_EPOCH * e, "alpha": 1 - e / 20, "train_total_loss": 1 / e,
            "train_hidden": hidden, "test_accuracy": accuracy, "fidelity": accuracy, "interpretability": hidden,
            "fir": accuracy / (accuracy + hidden), "fii": accuracy * hidden,
        }
    )  # fmt: skip


def steps(num_steps: int) -> pd.DataFrame:
    """Share hidden s / 100 at step s, a loss of 2 and alpha 1."""
    s = np.arange(1, num_steps + 1)
    return pd.DataFrame({"step": s, "alpha": 1.0, "mask_loss": 1 - s / 100, "total_loss": 2.0})


def study(folder: Path, lengths: Iterable[tuple[str, int, int]], *, with_steps: bool = True) -> Path:
    """A folder of trainings, given as (condition, seed, number of epochs)."""
    for name, seed, num_epochs in lengths:
        found = result(name, seed)
        place = place_of(store(folder, found), found)
        epochs(num_epochs, seed).to_csv(place / "epochs.csv", index=False)
        if with_steps:
            steps(STEPS_PER_EPOCH * num_epochs).to_csv(place / "steps.csv", index=False)
    return folder


def found(folder: Path, *names: str) -> Study:
    given = read(folder, dict.fromkeys(names, ""))
    assert given
    return given


def words(figure: Figure) -> str:
    """All words of a figure."""
    return " | ".join(text.get_text() for text in figure.findobj(Text) if isinstance(text, Text))


def texts(svg: Path) -> list[Element]:
    """The texts of a picture."""
    return [node for node in ElementTree.parse(svg).iter() if node.tag.endswith("}text")]


def shown(svg: Path) -> str:
    """All words of a picture."""
    return " ".join(" ".join("".join(node.itertext()) for node in texts(svg)).split())


def test_all_figures_appear_twice_and_are_the_same_bytes_every_time(tmp_path: Path) -> None:
    folder = study(tmp_path / "in", [("ST1", 0, 3), ("ST1", 1, 2), (MARKUP, 0, 3)])
    published = {MARKUP: "", "ST1": "mnist/st1", "not yet": "mnist/st2"}
    given = read(folder, published)
    assert given
    first, second = (study_figures(given, tmp_path / "out" / again) for again in ("a", "b"))
    assert [path.name for path in first] == [f"{name}.{suffix}" for name in NAMES for suffix in ("svg", "pdf", "png")]
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    assert all("ST1" in shown(svg) and r"$\alpha_1$ <b>&amp;</b>" in shown(svg) for svg in first[::3])


def test_trainings_that_ended_early_keep_their_last_epoch() -> None:
    rows = padded(epochs(3), 5)
    assert rows.epoch.tolist() == [1, 2, 3, 4, 5]
    assert rows.fidelity.tolist() == pytest.approx([0.1, 0.2, 0.3, 0.3, 0.3])


def test_padding_leaves_gaps_inside_a_training_open() -> None:
    rows = epochs(3)
    rows.loc[1:, "fir"] = math.nan  # nothing hidden, nothing right: FIR is undefined
    assert padded(rows, 4).fir.isna().tolist() == [False, True, True, True]


def test_every_training_is_padded_to_the_longest_of_the_study(tmp_path: Path) -> None:
    given = found(study(tmp_path, [("A", 0, 2), ("A", 1, 3), ("B", 0, 5)]))
    assert (given.epochs.groupby(["condition", "seed"]).epoch.max() == 5).all()
    means = given.epochs[given.epochs.condition == "A"].groupby("epoch").test_accuracy.mean()
    assert means.tolist() == pytest.approx([0.105, 0.205, 0.255, 0.255, 0.255])


def test_steps_meet_on_one_grid_and_keep_their_last_values() -> None:
    grid = np.array([1.0, 4.0, 6.0, 8.0, 20.0])
    given = pd.DataFrame({"step": [1, 8], "alpha": [1.0, 0.5], "hidden": [0.1, 0.8], "total_loss": [2.0, 1.0]})
    rows = resampled(epochs(2), given, grid)
    assert rows.hidden.tolist() == pytest.approx([0.1, 0.4, 0.6, 0.8, 0.8])
    assert rows.alpha.iloc[-1] == 0.5
    assert math.isnan(rows.accuracy[0])  # nothing was scored before the first epoch had ended
    assert rows.accuracy[1:].tolist() == pytest.approx([0.1, 0.15, 0.2, 0.2])


def test_long_trainings_are_thinned_and_smoothed(tmp_path: Path) -> None:
    folder = study(tmp_path, [("A", 0, 3)])
    place = place_of(folder, result("A"))
    noisy = steps(100_000).assign(mask_loss=lambda rows: 0.3 + 0.2 * (-1.0) ** rows.step)
    noisy.to_csv(place / "steps.csv", index=False)
    epochs(3).assign(step=[1, 2, 100_000]).to_csv(place / "epochs.csv", index=False)
    rows = found(folder).steps
    assert len(rows) == POINTS
    assert rows.hidden[1:].tolist() == pytest.approx([0.7] * (POINTS - 1), abs=1e-9)


def test_conditions_come_in_the_order_of_the_study_and_others_after_them(tmp_path: Path) -> None:
    folder = study(tmp_path / "in", [("A", 0, 1), ("B", 0, 1), ("C", 0, 1)])
    published = {"C": "", "not yet": "", "A": ""}
    given = read(folder, published)
    assert given
    assert list(looks(given)) == ["C", "A", "B"]
    legend = words(figures(given)["panels"])
    assert legend.index("C (n = 1)") < legend.index("A (n = 1)") < legend.index("B (n = 1)")
    assert "not yet" not in legend


def test_conditions_look_the_same_before_and_after_others_are_finished() -> None:
    planned = ["A", "B", "C"]
    rows = pd.DataFrame({"condition": planned, "seed": 0})
    assert looks_of(rows[1:], planned) == {name: looks_of(rows, planned)[name] for name in "BC"}


def test_many_conditions_still_look_different() -> None:
    names = [f"condition {i}" for i in range(12)]
    looks = looks_of(pd.DataFrame({"condition": names, "seed": 0}), names)
    assert len({(look.colour, str(look.line), look.marker) for look in looks.values()}) == 12


def test_titles_and_legends_count_trainings(tmp_path: Path) -> None:
    drawn = figures(found(study(tmp_path, [("A", 0, 1), ("A", 1, 1), ("B", 0, 1)])))
    assert set(drawn) == set(NAMES)
    assert all("mnist, 1–2 trainings of each condition\n" in words(figure) for figure in drawn.values())
    assert "A (n = 2) | B (n = 1)" in words(drawn["collapse"])


def test_published_means_are_those_of_their_condition(tmp_path: Path) -> None:
    folder = study(tmp_path, [("A", 0, 1), ("B", 0, 1)])
    given, without = read(folder, {"A": "", "B": "mnist/st2", "not yet": "mnist/st1"}), found(folder)
    assert given
    assert given.published[["hidden", "fidelity"]].to_dict("index") == {"B": {"hidden": 0.9324, "fidelity": 0.9796}}
    assert "published mean" in words(figures(given)["projection"])
    assert "published mean" not in words(figures(without)["projection"])


def test_chance_is_drawn_where_results_hold_it(tmp_path: Path) -> None:
    folder = study(tmp_path, [("A", 0, 1)])
    assert found(folder).chance == 0.1
    older = result("A")
    del older["last"]["test_chance"]
    (place_of(folder, older) / "result.json").write_text(json.dumps(older))
    assert found(folder).chance is None


def test_judges_are_drawn_where_results_hold_them(tmp_path: Path) -> None:
    folder = study(tmp_path, [("A", 0, 1)])
    assert "judge" in words(figures(found(folder))["leaks"])
    older = result("A")
    del older["judge"]
    (place_of(folder, older) / "result.json").write_text(json.dumps(older))
    assert "judge" not in words(figures(found(folder))["leaks"])


def test_a_single_training_and_missing_steps_render(tmp_path: Path) -> None:
    given = found(study(tmp_path, [("A", 0, 1)], with_steps=False))
    assert given.steps.hidden.iloc[-1] == pytest.approx(1 / 20)
    for figure in figures(given).values():
        figure.draw_without_rendering()
        assert "mnist, 1 training\n" in words(figure)


def test_nothing_is_written_before_a_training_is_finished(tmp_path: Path) -> None:
    (tmp_path / "in" / "A" / "0").mkdir(parents=True)
    assert read(tmp_path / "in", {"A": ""}) is None
    with pytest.raises(ValueError, match="no finished training"):
        report(tmp_path / "in", "?", {"A": ""})
    assert not (tmp_path / "in" / "report").exists()


def test_trainings_that_hide_nothing_and_know_nothing_render(tmp_path: Path) -> None:
    folder = study(tmp_path, [("A", 0, 2)])
    nothing = epochs(2).assign(fidelity=0.0, interpretability=0.0, fii=0.0, fir=math.nan)
    nothing.to_csv(place_of(folder, result("A")) / "epochs.csv", index=False)
    panels = figures(found(folder))["panels"]
    panels.draw_without_rendering()
    assert all(axis.get_ylim()[0] == 0 for axis in panels.axes)


def test_odd_names_stay_in_the_legend(tmp_path: Path) -> None:
    names = ["_hidden by matplotlib", "$", "a very long name of a condition " * 3]
    given = found(study(tmp_path, [(name, 0, 1) for name in names]), *names)
    with matplotlib.rc_context(STYLE):
        legend = shown(save(figures(given)["panels"], tmp_path / "panels.svg"))
    assert all(" ".join(f"{name} (n = 1)".split()) in legend for name in names)


def test_plain_text_keeps_its_dollars() -> None:
    assert plain("a $b$ c") == r"a \$b\$ c"


@pytest.mark.parametrize(("channels", "mask_channels"), [(1, 1), (3, 1), (3, 3), (2, 2)])
def test_images_take_grey_and_colour(tmp_path: Path, channels: int, mask_channels: int) -> None:
    inputs, masks = np.full((2, channels, 4, 4), 0.5), np.ones((2, mask_channels, 4, 4))
    path = images(inputs, masks, [1, 2], [1, 7], tmp_path / "images.svg")
    assert path.is_file()
    assert "1 / 1 2 / 7" in shown(path) and "masked image" in shown(path)
    assert path.read_bytes() == images(inputs, masks, [1, 2], [1, 7], tmp_path / "again.svg").read_bytes()


def test_only_misses_are_bold(tmp_path: Path) -> None:
    path = images(np.zeros((2, 1, 4, 4)), np.ones((2, 1, 4, 4)), [1, 2], [1, 7], tmp_path / "images.svg")
    styles = {node.text: node.attrib["style"] for node in texts(path)}
    assert "700" not in styles["1 / 1"] and "700" in styles["2 / 7"]


def test_images_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    inputs, masks = np.zeros((2, 3, 4, 4)), np.zeros((2, 1, 4, 4))
    with pytest.raises(ValueError, match="2 predictions and labels, got 1 and 2"):
        images(inputs, masks, [1], [1, 2], tmp_path / "x.png")
    for wrong in (masks[:1], masks[:, :, :3], np.zeros((2, 2, 4, 4)), masks[:, 0]):
        with pytest.raises(ValueError, match=r"\(b, 1 or c, h, w\)"):
            images(inputs, wrong, [1, 2], [1, 2], tmp_path / "x.png")


def test_rows_of_alphas_fall_and_tell_the_share_hidden(tmp_path: Path) -> None:
    masks = {0.1: np.zeros((2, 1, 4, 4)), 1.0: np.ones((2, 1, 4, 4))}
    masks[0.1][0, 0, 0, :] = 1  # 4 of 32 kept
    words_seen = shown(alpha_grid(np.ones((2, 3, 4, 4)), masks, tmp_path / "alphas.svg"))
    assert "alpha 1.00 0.0% hidden alpha 0.10 87.5% hidden" in words_seen


def test_alphas_are_drawn_for_each_condition(tmp_path: Path) -> None:
    rows = [
        {"condition": name, "seed": seed, "alpha": alpha, "accuracy": 0.9, "hidden": 1 - alpha, "fii": 0.5}
        for name in ("B", "A") for seed in range(2) for alpha in (1.0, 0.5, 0.1)[: 3 - seed]
    ]  # fmt: skip
    words_seen = shown(alphas(pd.DataFrame(rows), tmp_path / "alphas.svg"))
    assert "B (n = 2) A (n = 2)" in words_seen
    assert "FII" in words_seen and "share hidden" in words_seen
