"""Sessions: a result from settings; collapses are noticed, folders are guarded."""

import json
from contextlib import AbstractContextManager
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from roarbench.benchmark.randomness import seeded
from roarbench.benchmark.study import checkpoint
from roarbench.benchmark.study.site import Site
from roarbench.hns.commands.alone import measure_baseline, measure_hider
from roarbench.hns.commands.session import load_parts, train
from roarbench.hns.evaluation import score
from roarbench.hns.guard import MAX_RESTARTS
from roarbench.hns.judge import judgement
from roarbench.hns.model import build
from roarbench.hns.pretraining import Budget, painting_error, pretrain_seeker
from roarbench.hns.probe import leak
from roarbench.hns.seeker import seeker_small
from roarbench.hns.settings import Settings
from tests.hns.problems import same
from tests.hns.sessions import CONSTANT, DATA, EASY, HARD, KINDS, SETTINGS, WEIGHTS, alike, site, unseeded


def test_a_training_gives_its_result(uninterrupted: dict[str, Path]) -> None:
    folder = uninterrupted["adaptive"]
    result = checkpoint.read_json(folder / "result.json")
    assert {name: result[name] for name in EASY} == EASY
    assert result["settings"]["estimator"] is None
    assert result["settings"]["epochs"] == 3
    assert (result["restarts"], result["collapses"], result["collapsed"]) == (0, [], None)
    assert result["last"]["epoch"] == 3
    assert result["last"]["step"] == 9
    assert result["num_parameters"] == sum(p.numel() for p in build(SETTINGS, (1, 8, 8), 10).parameters())
    assert set(result["leak"]) == {"mask_only", "random_mask_only", "random_masked", "masked"}
    assert 0 <= result["initial_hidden"] <= 1
    assert result["seconds"] > 0
    assert len((folder / "epochs.csv").read_text().splitlines()) == 1 + 3
    assert len((folder / "steps.csv").read_text().splitlines()) == 1 + 9


def test_the_best_weights_are_those_of_the_best_row(uninterrupted: dict[str, Path]) -> None:
    """The best row has the highest FII on validation; its weights score on test what the row says."""
    for name in ("adaptive", "annealed"):
        result = checkpoint.read_json(uninterrupted[name] / "result.json")
        lines = (uninterrupted[name] / "epochs.csv").read_text().splitlines()
        column = lines[0].split(",").index("validation_fii")
        assert result["best"]["validation_fii"] == max(float(line.split(",")[column]) for line in lines[1:])
        network = build(KINDS[name][1], (1, 8, 8), 10)
        for file, row in (("best", result["best"]), ("last_weights", result["last"])):
            checkpoint.fill(network, checkpoint.read(uninterrupted[name] / f"{file}.safetensors")[0], file)
            found = score(network, DATA.test)
            assert (found.accuracy, found.hidden) == (row["test_accuracy"], row["test_hidden"])
            assert found.accuracy / 0.05 == row["fidelity"]


def test_probes_look_at_the_masks_of_the_best_epoch(tmp_path: Path) -> None:
    """So high an alpha and a learning rate that masks are worse after every epoch, however the processor rounds."""
    settings = replace(SETTINGS, alpha=0.95, initial_keep=0.4, learning_rate=0.01)
    train(settings, site(tmp_path), EASY, dict)
    result, network = checkpoint.read_json(tmp_path / "result.json"), build(settings, (1, 8, 8), 10)
    leaks = {}
    for file in WEIGHTS:
        checkpoint.fill(network, checkpoint.read(tmp_path / file)[0], file)
        with seeded("session", "probe"):
            leaks[file] = asdict(leak(network, DATA))
    assert result["best"]["epoch"] < result["last"]["epoch"]
    assert result["leak"] == leaks["best.safetensors"] != leaks["last_weights.safetensors"]


def test_weights_are_kept_for_every_alpha_that_was_left(uninterrupted: dict[str, Path]) -> None:
    lines = [line.split(",") for line in (uninterrupted["adaptive"] / "steps.csv").read_text().splitlines()]
    alphas = [float(line[lines[0].index("alpha")]) for line in lines[1:]]
    left = {f"alpha_{alpha:.2f}.safetensors" for alpha in alphas if alpha != alphas[-1]}
    assert len(left) > 1
    kept = {file.name for file in uninterrupted["adaptive"].glob("alpha_*")}
    assert left <= kept <= left | {f"alpha_{alphas[-1]:.2f}.safetensors"}  # the last step may have been a drop too


@pytest.mark.parametrize(
    ("settings", "identity", "message"),
    [
        (replace(SETTINGS, epochs=4), EASY, "holds a training with epochs 3, not 4; give another --identifier"),
        (replace(SETTINGS, alpha=0.5), EASY, "holds a training with alpha None, not 0.5"),
        (SETTINGS, EASY | {"seed": 1}, "holds a training with seed 0, not 1"),
        (SETTINGS, EASY | {"baseline": 0.06}, "holds a training with baseline 0.05, not 0.06"),
    ],
)
@pytest.mark.parametrize("finished", [True, False])
def test_the_folder_of_another_training_is_refused(
    settings: Settings,
    identity: dict[str, Any],
    message: str,
    finished: bool,
    uninterrupted: dict[str, Path],
    tmp_path: Path,
) -> None:
    folder = uninterrupted["adaptive"]
    if not finished:
        (tmp_path / "settings.json").write_bytes((folder / "settings.json").read_bytes())
        folder = tmp_path
    with pytest.raises(ValueError, match=message):
        train(settings, Site(DATA, unseeded, folder), identity, dict)


def test_a_collapsed_training_is_repeated_twice_with_other_seeds_and_tells(uninterrupted: dict[str, Path]) -> None:
    """Nine steps do not reach 0.3 of a baseline of 0.9: three attempts lose the classes."""
    result = checkpoint.read_json(uninterrupted["collapsing"] / "result.json")
    assert result["restarts"] == MAX_RESTARTS == 2
    assert result["collapses"] == ["has lost the classes"] * 2
    assert result["collapsed"] == "has lost the classes"
    first = checkpoint.read_json(uninterrupted["adaptive"] / "result.json")
    assert result["last"]["train_loss"] != first["last"]["train_loss"]


def test_every_attempt_draws_from_seeds_of_its_own(tmp_path: Path) -> None:
    begun: list[tuple[object, ...]] = []

    def noted(*parts: object) -> AbstractContextManager[None]:
        begun.append(parts)
        return seeded("session", *parts)

    train(replace(SETTINGS, epochs=1), Site(DATA, noted, tmp_path), HARD, dict)
    assert sorted(begun, key=str) == sorted(
        [
            *((what, attempt) for what in ("weights", "training") for attempt in range(3)),
            *((what,) for what in ("probe", "judge", "judgement")),
        ],
        key=str,
    )


def test_a_hider_that_hides_everything_is_stopped_at_once(tmp_path: Path) -> None:
    """Alpha 0: only hiding counts. The third of 30 epochs is long enough to see it."""
    settings = Settings(epochs=30, batch_size=16, alpha=0.0, learning_rate=0.05)
    result = train(settings, site(tmp_path), HARD, dict)
    assert result["collapsed"] == "hides everything"
    assert result["collapses"] == ["hides everything"] * 2
    assert result["last"]["test_hidden"] == 1.0
    assert result["last"]["epoch"] < 10


def test_masks_that_hide_nothing_are_tried_again_once_alpha_has_fallen(tmp_path: Path) -> None:
    """Whoever sets alpha to 1 wants no mask, and a training too short for alpha to fall has not failed."""
    settings = Settings(epochs=8, batch_size=16, initial_keep=0.99, patience=2, learning_rate=1e-12)
    assert train(replace(settings, alpha=1.0), site(tmp_path / "constant"), EASY, dict)["collapsed"] is None
    assert train(replace(settings, epochs=3), site(tmp_path / "short"), EASY, dict)["collapsed"] is None
    assert train(settings, site(tmp_path / "adaptive"), EASY, dict)["restarts"] == 2


def test_nothing_of_a_collapsed_attempt_stays_in_the_folder(tmp_path: Path) -> None:
    """Under this seed an earlier attempt lowers alpha further than the last: its weights would pass for the last's."""
    settings = replace(SETTINGS, epochs=4, monitor="total", learning_rate=0.02)
    result = train(settings, Site(DATA, partial(seeded, "s", 1), tmp_path), HARD, dict)
    assert result["restarts"] == 2
    lines = [line.split(",") for line in (tmp_path / "steps.csv").read_text().splitlines()]
    reached = {f"alpha_{float(line[lines[0].index('alpha')]):.2f}.safetensors" for line in lines[1:]}
    assert {file.name for file in tmp_path.glob("alpha_*")} <= reached


def test_the_baseline_is_measured_once_and_kept(tmp_path: Path) -> None:
    first = measure_baseline(SETTINGS, site(tmp_path))
    seeker = seeker_small((1, 8, 8), 10)
    checkpoint.fill(seeker, checkpoint.read(tmp_path / "baseline.safetensors")[0], "baseline")
    with torch.no_grad():
        right = seeker(DATA.test.inputs).argmax(1) == DATA.test.labels
    assert right.double().mean().item() == first.score
    assert measure_baseline(SETTINGS, Site(DATA, unseeded, tmp_path)) == first


def test_the_baseline_has_the_budget_of_the_training(tmp_path: Path) -> None:
    settings = replace(SETTINGS, epochs=4, batch_size=24, learning_rate=7e-3, cooldown=0.5)
    found = measure_baseline(settings, site(tmp_path))
    with seeded("session", "baseline"):
        seeker = seeker_small((1, 8, 8), 10)
        expected = pretrain_seeker(seeker, DATA, Budget(4, 24, 7e-3, 0.5))
    assert found == expected
    assert same(dict(seeker.state_dict()), checkpoint.read(tmp_path / "baseline.safetensors")[0])


def test_a_hider_trained_alone_fits_a_training(tmp_path: Path) -> None:
    """Measured once, kept as weights; a training starts from exactly those."""
    first = measure_hider(SETTINGS, site(tmp_path))
    assert first.score == pytest.approx(measure_hider(SETTINGS, Site(DATA, unseeded, tmp_path)).score)
    settings = replace(SETTINGS, hider_weights=tmp_path / "hider.safetensors")
    network = build(settings, (1, 8, 8), 10)
    load_parts(network, settings)
    assert painting_error(network.hider, DATA.test) == pytest.approx(first.score)


def test_pretraining_is_part_of_the_seed(tmp_path: Path) -> None:
    """Whatever was drawn before, the same settings and seeds give the same weights."""
    settings = replace(CONSTANT, start="both", epochs=1)
    for name in ("first", "second"):
        torch.rand(3)
        train(settings, site(tmp_path / name), EASY, dict)
    assert alike(tmp_path / "first", tmp_path / "second")


def test_every_result_has_a_judge_and_the_gap_to_it(uninterrupted: dict[str, Path]) -> None:
    """The gap is that of the best epoch, like the probes: the better of its seeker and of what is retrained on it."""
    for folder in uninterrupted.values():
        result = checkpoint.read_json(folder / "result.json")
        network, judge = (build(SETTINGS, (1, 8, 8), 10), seeker_small((1, 8, 8), 10))
        checkpoint.fill(judge, checkpoint.read(folder / "judge" / "judge.safetensors")[0], "judge")
        assert all(0 <= result[name] <= 1 for name in ("judge", "judge_foreign", "judge_random"))
        reader = max(result["best"]["test_accuracy"], result["leak"]["masked"])
        assert result["gap"] == reader - result["judge"]
        if result["settings"]["estimator"] is None:
            checkpoint.fill(network, checkpoint.read(folder / "best.safetensors")[0], "best")
            with seeded("session", "judgement"):
                assert asdict(judgement(judge, network, DATA.test)).items() <= result.items()


def test_a_seeker_apart_is_the_frozen_one_of_every_attempt(tmp_path: Path) -> None:
    """Three attempts; the weights in all files are those of the seeker that was trained before them."""
    settings = replace(SETTINGS, seeker="apart", seeker_epochs=2, start="hider")
    assert train(settings, site(tmp_path), HARD, dict)["restarts"] == 2
    expected = checkpoint.read(tmp_path / "apart" / "apart.safetensors")[0]
    for file in (*WEIGHTS, *(path.name for path in tmp_path.glob("alpha_*"))):
        weights = checkpoint.read(tmp_path / file)[0]
        seeker = {name.removeprefix("seeker."): value for name, value in weights.items() if name.startswith("seeker.")}
        assert same(seeker, expected)


def test_given_weights_of_a_seeker_apart_stay_as_they_are(tmp_path: Path) -> None:
    with seeded("given"):
        given = dict(seeker_small((1, 8, 8), 10).state_dict())
    checkpoint.write(tmp_path / "seeker", given)
    settings = replace(SETTINGS, seeker="apart", seeker_weights=tmp_path / "seeker")
    train(settings, site(tmp_path / "training"), EASY, dict)
    weights = checkpoint.read(tmp_path / "training" / "last_weights.safetensors")[0]
    assert all(torch.equal(weights[f"seeker.{name}"], value) for name, value in given.items())
    assert not (tmp_path / "training" / "apart").exists()


def test_trainings_share_the_seekers_they_are_given(uninterrupted: dict[str, Path], tmp_path: Path) -> None:
    shared = {part: tmp_path / part for part in ("apart", "judge")}
    _, settings, identity = KINDS["apart"]
    for name in ("first", "second"):
        train(settings, site(tmp_path / name), identity, dict, shared)
        assert alike(tmp_path / name, uninterrupted["apart"])
        assert not (tmp_path / name / "judge").exists()


def test_a_folder_of_an_earlier_version_holds_a_joint_training(uninterrupted: dict[str, Path], tmp_path: Path) -> None:
    """Its settings know nothing of seekers apart; those of today differ by that one word."""
    claimed = json.loads((uninterrupted["adaptive"] / "settings.json").read_text())
    assert claimed.pop("seeker") == "joint" and "seeker_epochs" not in claimed
    (tmp_path / "settings.json").write_text(json.dumps(claimed))
    train(SETTINGS, site(tmp_path), EASY, dict)
    assert alike(tmp_path, uninterrupted["adaptive"])
    with pytest.raises(ValueError, match="not apart; give another --identifier"):
        train(replace(SETTINGS, seeker="apart"), Site(DATA, unseeded, tmp_path), EASY, dict)


def test_a_folder_of_a_seeker_apart_is_no_joint_training(uninterrupted: dict[str, Path]) -> None:
    settings = replace(KINDS["apart"][1], seeker="joint")
    with pytest.raises(ValueError, match="holds a training with seeker apart, not joint"):
        train(settings, Site(DATA, unseeded, uninterrupted["apart"]), EASY, dict)


def test_results_are_plain_json(uninterrupted: dict[str, Path]) -> None:
    for folder in uninterrupted.values():
        json.loads((folder / "result.json").read_text(), parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
