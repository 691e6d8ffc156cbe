"""`run_benchmark.py hns ...`: what a user types, and what comes back."""

import json
import shutil
import sys
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest

from roarbench import run_benchmark
from roarbench.benchmark.matrix import presets
from roarbench.hns.commands import CONFIGS, STUDIES, tasks
from roarbench.hns.settings import Experiment, Study
from roarbench.reports.hns.results import published

BRIEF = ["--epochs", "1", "--pretraining-epochs", "1", "--cooldown", "0", "--patience", "3", "--workers", "0"]
JOINT = [*BRIEF, "--seeker", "joint"]


def hns(*words: object) -> int:
    return run_benchmark.main(["hns", *map(str, words)])


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of one brief training on digits, as the command prints it last."""
    with redirect_stdout(StringIO()) as shown:
        assert hns("train", "--out", tmp_path_factory.mktemp("trained"), *JOINT) == 0
    return Path(shown.getvalue().splitlines()[-1])


@pytest.fixture
def trained(printed: Path, tmp_path: Path) -> Path:
    """That folder, in a copy of all runs."""
    runs = printed.parents[4]
    return shutil.copytree(runs, tmp_path / "runs") / printed.relative_to(runs)


def test_a_training_leaves_what_the_page_promises(trained: Path) -> None:
    assert trained.relative_to(trained.parents[4]) == Path("digits/hns/deterministic/default/0")
    names = {path.name for path in trained.iterdir()}
    assert {"best.safetensors", "last_weights.safetensors", "last.safetensors", "alpha_1.00.safetensors"} <= names
    assert {"epochs.csv", "steps.csv", "settings.json"} <= names
    result = json.loads((trained / "result.json").read_text())
    assert (result["dataset"], result["seed"], result["settings"]["start"]) == ("digits", 0, "hider")
    assert result["provenance"]["torch"]


@pytest.mark.whole
def test_a_seeker_apart_is_trained_once_for_all_trainings_of_its_budget(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """So is the judge, whatever their seekers; the folder of a joint training stays what it is."""
    words = ["--out", tmp_path, *BRIEF, "--baseline", "0.9"]
    apart = [*words, "--seeker", "apart", "--seeker-epochs", "2"]
    for estimator in ("deterministic", "st1"):
        assert hns("train", *apart, "--estimator", estimator) == 0
        files = list(tmp_path.glob("digits/apart/*/0/apart.safetensors"))
        files += tmp_path.glob("digits/judge/*/0/judge.safetensors")
        times = [file.stat().st_mtime_ns for file in files]
        assert len(files) == 2
    shown = capsys.readouterr().out
    assert "judge" in shown and "gap" in shown
    assert (tmp_path / "digits/hns/apart/deterministic/default/0/result.json").exists()
    assert (tmp_path / "digits/hns/apart/stochastic/st1/default/0/result.json").exists()
    assert hns("train", *words, "--seeker", "joint") == 0
    assert (tmp_path / "digits/hns/deterministic/default/0/result.json").exists()
    assert times == [file.stat().st_mtime_ns for file in files]


def test_finished_trainings_of_an_earlier_version_wait_for_no_judge(trained: Path) -> None:
    out = trained.parents[4]
    shutil.rmtree(out / "digits" / "judge")
    assert hns("train", "--out", out, *JOINT) == 0
    assert not (out / "digits" / "judge").exists()


def test_the_same_command_does_nothing_again_and_other_settings_are_refused(
    trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (trained / "result.json").stat().st_mtime_ns
    out = trained.parents[4]
    assert hns("train", "--out", out, *JOINT) == 0
    assert (trained / "result.json").stat().st_mtime_ns == before
    capsys.readouterr()
    assert hns("train", "--out", out, *JOINT, "--patience", "4", "--seed", "0") == 2
    assert "holds a training with patience 3, not 4; give another --identifier" in capsys.readouterr().err


@pytest.mark.whole
def test_evaluate_scores_every_checkpoint_and_draws_it(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert hns("evaluate", trained) == 0
    shown = capsys.readouterr().out
    rows = (trained / "evaluation.csv").read_text().splitlines()
    judges = [float(row.split(",")[rows[0].split(",").index("judge")]) for row in rows[1:]]
    assert judges[-2] == json.loads((trained / "result.json").read_text())["judge"]
    assert [row.split(",")[0] for row in rows[:2]] == ["checkpoint", "1.00"]
    assert (trained / "alphas.png").exists()
    assert [row.split(",")[0] for row in rows[-2:]] == ["best", "last"]
    assert all((trained / f"images_{name}.png").exists() for name in ("1.00", "best", "last", "alphas"))
    assert "images_alphas.png" in shown


def test_pretrained_files_start_a_training(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = []
    for part in ("hider", "seeker"):
        assert hns(f"pretrain-{part}", "--out", tmp_path, *BRIEF) == 0
        files += [f"--{part}-weights", capsys.readouterr().out.split()[-1]]
    assert hns("train", "--out", tmp_path, *JOINT[:2], *JOINT[4:], *files, "--baseline", "0.9") == 0


@pytest.mark.whole
def test_a_study_has_a_row_for_each_condition(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.toml").write_text(
        'question = "Which?"\nconfig = "digits"\n'
        '[conditions."A"]\nsettings = { epochs = 1, cooldown = 0, pretraining_epochs = 1 }\n'
        '[conditions."C"]\nsettings = { epochs = 1, cooldown = 0, seeker = "apart", seeker_epochs = 1 }\n'
        '[conditions."B"]\npublished = "mnist/st1"\n'
        'settings = { epochs = 1, cooldown = 0, start = "full", estimator = "st1" }\n'
    )
    words = ["study", tmp_path / "mine.toml", "--num-trainings", "1", "--workers", "0", "--out", tmp_path / "out"]
    assert hns(*words) == 0
    shown = capsys.readouterr().out
    assert "Which?" in shown and "0.834 (SD 0.243)" in shown
    report = tmp_path / "out" / "studies" / "mine" / "default" / "report"
    assert {"summary.tex", "trainings.csv", "projection.svg", "leaks.svg"} <= {path.name for path in report.iterdir()}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--alpha", "1.5"], "alpha must lie in [0, 1], got 1.5"),
        (["--rate", "-1"], "rate must be at least 0"),
        (["--rate", "nan"], "rate must be at least 0"),
        (["--epochs", "0"], "epochs must be positive"),
        (["--hider-weights", "nowhere.safetensors"], "hider_weights: there is no file nowhere.safetensors"),
        (["--seeker-weights", "README.md"], "seeker_weights: README.md is not a file of weights"),
        (["--model", "hns_large"], "divisible by 32, got 8 x 8"),
        (["--mask-channels", "2"], "mask_channels must be 1"),
        (["--dataset", "roar_toy"], "Hide-and-Seek needs images"),
        (["--dataset", "minst"], "did you mean 'mnist'"),
        (["--dataset", "mnist", "--data-root", "/dev/null/nowhere"], "mnist"),
        (["--baseline", "98"], "did you mean 0.98?"),
        (["--stochastic", "--estimator", "deterministic"], "contradicts"),
        (["--rate", "0.7"], "rate 0.7 has no effect here: it needs the estimator sa"),
        (["--reference"], "reference True has no effect here: it needs a stochastic estimator"),
        (["--alpha", "0.5", "--patience", "30"], "patience 30 has no effect here: it needs an adaptive alpha"),
        (["--estimator", "st3"], "invalid choice 'st3'"),
        (["--seeker", "alone"], "invalid choice 'alone'"),
        (["--seeker", "apart", "--start", "both"], "start must be full or hider where the seeker is apart, got both"),
        (
            ["--seeker", "joint", "--seeker-epochs", "3"],
            "seeker_epochs 3 has no effect here: it needs a seeker that is trained apart",
        ),
        (["--seeker", "apart", "--estimator", "reinforce", "--reference"], "must have a joint seeker, got apart"),
        (["--config", "mnits"], "did you mean 'mnist'"),
        (["--num-trainings", "0"], "num_trainings"),
        (["--seed", "-1"], "seed must be at least 0, got -1"),
        (["--identifier", "../elsewhere"], "identifier must be the name of a folder, got '../elsewhere'"),
        (["--estimator", "st1", "--reference", "--test-masks", "sample"], "test_masks sample has no effect here"),
        (["--device", "gpu"], "device 'gpu' cannot be used here"),
    ],
)
def test_bad_input_is_one_clear_line_and_leaves_nothing(
    words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert hns("train", "--out", tmp_path / "out", "--workers", "0", *words) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("error: ") and said in error
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("words", "said"), [(["evaluate", "nowhere"], "holds no checkpoint of a training"), (["study", "nope"], "nope")]
)
def test_what_is_not_there_is_named(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert hns(*words) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("name", presets.names(CONFIGS))
def test_presets_are_sound(name: str) -> None:
    presets.read(Experiment, name, CONFIGS).settings.check()


@pytest.mark.parametrize("name", presets.names(STUDIES))
def test_studies_are_sound(name: str) -> None:
    study = presets.read(Study, name, STUDIES)
    settings = presets.read(Experiment, study.config, CONFIGS).settings
    for label, condition in study.conditions.items():
        presets.override(settings, condition.settings, label).check()
    published({label: condition.published for label, condition in study.conditions.items()})


def test_a_training_that_fails_does_not_take_its_neighbours_with_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = tasks.train

    def train(task: tasks.Task) -> tasks.Result:
        if task.seed == 0:
            raise ValueError("not this one")
        return whole(task)

    monkeypatch.setattr(tasks, "train", train)
    assert hns("train", "--out", tmp_path, *JOINT, "--num-trainings", "2", "--baseline", "0.9") == 1
    said = capsys.readouterr()
    assert "failed: " in said.err and "not this one" in said.err
    assert "Hide-and-Seek on digits." in said.out
    assert hns("train", "--out", tmp_path, *JOINT, "--baseline", "0.9") == 2


def test_a_missing_tensorboard_is_noticed_before_anything_is_trained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    assert hns("train", "--out", tmp_path / "out", "--tensorboard") == 2
    assert "tensorboard is not installed" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_other_settings_under_an_identifier_are_refused_before_anything_is_trained(
    trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Another budget has another baseline: it is not measured first, and the second seed is not begun."""
    out = trained.parents[4]
    before = sorted(out.rglob("*"))
    assert hns("train", "--out", out, *JOINT, "--epochs", "2", "--num-trainings", "2") == 2
    assert "holds a training with epochs 1, not 2; give another --identifier" in capsys.readouterr().err
    assert sorted(out.rglob("*")) == before


@pytest.mark.whole
def test_evaluate_keeps_experiments_apart(
    trained: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("roarbench.hns.commands.evaluate._pictures", lambda *_: [])  # another test looks at them
    out = trained.parents[4]
    assert hns("train", "--out", out, *JOINT, "--estimator", "st1", "--baseline", "0.9") == 0
    (out / "elsewhere").mkdir()
    (out / "elsewhere" / "settings.json").write_text("{}")
    capsys.readouterr()
    assert hns("evaluate", out) == 0
    shown = capsys.readouterr().out
    assert "digits/hns/deterministic/default" in shown and "digits/hns/stochastic/st1/default" in shown


@pytest.mark.whole
def test_trainings_that_all_fail_by_our_fault_end_with_their_traceback_and_status_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def train(task: tasks.Task) -> tasks.Result:
        raise RuntimeError("out of memory")

    monkeypatch.setattr(tasks, "train", train)
    assert hns("train", "--out", tmp_path, *BRIEF, "--baseline", "0.9") == 1
    said = capsys.readouterr().err
    assert "Traceback" in said and "failed: " in said and said.strip().endswith("out of memory")
