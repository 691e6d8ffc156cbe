"""The commands of ClaDec, end to end on digits."""

import json
import sys
from dataclasses import replace
from pathlib import Path
from shutil import copy, copytree, rmtree

import pytest

from roarbench.methods.cladec.commands import CONFIGS
from roarbench.methods.cladec.commands import tasks as command_tasks
from roarbench.methods.cladec.commands.tasks import PUBLISHED, Experiment, Resources, tasks
from roarbench.run_benchmark import main

FAST = ["--epochs", "1", "--recipe.epochs", "1", "--workers", "0", "--alphas", "0", "0.99"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("cladec")
    assert main(["cladec", "train", "--out", str(out), *FAST, "--num-trainings", "2"]) == 0
    return out


@pytest.mark.whole
def test_a_training_leaves_a_classifier_a_reference_and_a_decoder_for_every_alpha(trained: Path) -> None:
    for seed in ("0", "1"):
        results = [
            json.loads(path.read_text())
            for path in (trained / "digits" / "conv" / "default" / seed).rglob("result.json")
        ]
        assert {(result["kind"], result["alpha"]) for result in results} == {
            ("reference", None), ("cladec", 0), ("cladec", 0.99),
        }  # fmt: skip
    classifiers = list((trained / "digits" / "classifiers").rglob("result.json"))
    assert len(classifiers) == 2
    assert json.loads(classifiers[0].read_text())["kind"] == "classifier"


@pytest.mark.whole
def test_trainings_are_evaluated_with_their_classifiers(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for place in (Path("digits", "conv", "default"), Path("digits")):
        assert main(["cladec", "evaluate", str(trained / place)]) == 0
        assert "n = 2 trainings" in " ".join(capsys.readouterr().out.split())
    assert (trained / "digits" / "evaluation-default-vgg_small-sum.tex").exists()


@pytest.mark.whole
def test_classifiers_alone_are_not_drawn(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shared,) = (trained / "digits" / "classifiers").iterdir()
    for folder in (shared, shared / "0"):
        assert main(["cladec", "explain", str(folder)]) == 2
        said = capsys.readouterr().err
        assert "holds no finished training" in said and said.count("\n") == 1


@pytest.mark.whole
def test_reconstructions_are_drawn(trained: Path) -> None:
    home = trained / "digits" / "conv" / "default" / "0"
    assert main(["cladec", "explain", str(home)]) == 0
    assert {path.stem for path in home.glob("*.svg")} == {"alphas", "single", "worst"}


@pytest.mark.whole
def test_without_a_reference_the_lowest_alpha_is_judged(trained: Path, tmp_path: Path) -> None:
    moved = copytree(trained, tmp_path / "moved") / "digits" / "conv" / "default" / "0"
    rmtree(moved / "reference")
    assert main(["cladec", "explain", str(moved)]) == 0
    assert "cross-entropy of ClaDec 0, worst of a class" in (moved / "worst.svg").read_text()


def test_trainings_that_all_fail_by_our_fault_end_with_status_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(task: object) -> None:
        raise RuntimeError("out of memory")

    monkeypatch.setattr(command_tasks, "train_classifier", broken)
    assert main(["cladec", "train", "--out", str(tmp_path), *FAST]) == 1
    assert "out of memory" in capsys.readouterr().err


@pytest.mark.whole
def test_models_of_another_classifier_are_not_drawn(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    moved = copytree(trained, tmp_path / "moved")
    (shared,) = (moved / "digits" / "classifiers").iterdir()
    copy(shared / "1" / "weights.safetensors", shared / "0" / "weights.safetensors")
    assert main(["cladec", "explain", str(moved / "digits" / "conv" / "default" / "0")]) == 2
    assert "sha256 of the classifier" in capsys.readouterr().err


@pytest.mark.whole
def test_other_settings_under_one_name_are_refused_before_anything_is_trained(
    trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["cladec", "train", "--out", str(trained), *FAST[2:], "--epochs", "2", "--alphas", "0.5"]
    assert main(words) == 2
    assert "holds a training with epochs 1, not 2" in capsys.readouterr().err
    assert not (trained / "digits" / "conv" / "default" / "0" / "alpha-0.5").exists()


@pytest.mark.whole
def test_latent_spaces_are_drawn(tmp_path: Path) -> None:
    words = ["--layer", "dense", "--variational", "--out", str(tmp_path)]
    assert main(["cladec", "train", *FAST[:-1], *words]) == 0
    home = tmp_path / "digits" / "dense" / "default" / "0"
    assert main(["cladec", "explain", str(home)]) == 0
    drawn = {path.stem for path in home.glob("latent*.svg")}
    kinds = ("reference", "alpha-0")
    assert "RefVAE" in (home / "alphas.svg").read_text() and "ClaDec-VAE 0" in (home / "single.svg").read_text()
    assert drawn == {f"latent{grid}-{kind}" for kind in kinds for grid in ("", "-grid")}


@pytest.mark.whole
def test_a_sweep_compares_layers_and_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["cladec", "sweep", "--out", str(tmp_path), *FAST[:-1], "--layers", "conv", "1.10"]
    assert main(words) == 0
    first = capsys.readouterr().out
    homes = [str(tmp_path / "digits" / layer / "default" / "0") for layer in ("conv", "1.10")]
    assert first.splitlines()[-2:] == homes
    assert "digits, 1.10, reconstruction" in first
    assert (tmp_path / "sweeps" / "digits" / "default" / "alpha-default-vgg_small-sum.svg").exists()
    assert main(words) == 0
    assert capsys.readouterr().out == first
    assert main(["cladec", "evaluate", homes[1]]) == 0


def test_alphas_that_hardly_differ_have_folders_of_their_own(tmp_path: Path) -> None:
    alphas = (0.0, 0.5, 0.99, 1e-05, 0.9999999, 1.0)
    todo = tasks(replace(Experiment(), alphas=alphas), PUBLISHED, Resources(out=tmp_path), "default", [0], 0)
    assert [task.folder.name for task in todo] == [
        "reference", "alpha-0", "alpha-0.5", "alpha-0.99", "alpha-1e-05", "alpha-0.9999999", "alpha-1",
    ]  # fmt: skip


def test_a_missing_tensorboard_is_noticed_before_anything_is_trained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    assert main(["cladec", "train", "--out", str(tmp_path / "out"), "--tensorboard", *FAST]) == 2
    assert "tensorboard is not installed" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", [path.stem for path in CONFIGS.glob("*.toml")])
def test_presets_are_read(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["cladec", "train", "--config", name, "--help"])
    assert end.value.code == 0
    assert main(["cladec", "list"]) == 0
    assert name in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["train", "--alphas", "99"], "did you mean 0.99?"),
        (["train", "--layer", "my_conv"], "layer must be one of conv, dense, 0, 1.0"),
        (["sweep", "--decoder", "published_conv"], "take decoder generated"),
        (["train", "--dataset", "digit"], "unknown dataset"),
        (["train", "--classifier", "vgg"], "unknown classifier"),
        (["train", "--dataset", "roar_toy"], "needs images"),
        (["train", "--dataset", "roar_toy", "--classifier", "mlp", "--layer", "dense"], "ClaDec decodes images"),
        (["train", "--evaluators", "-1"], "evaluators must be at least 0"),
        (["train", "--identifier", "a/b"], "identifier must be"),
        (["train", "--config", "nowhere"], "neither a preset"),
        (["explain", "nowhere"], "holds no finished training"),
        (["evaluate", "nowhere"], "holds no finished training"),
    ],
)
def test_bad_input_is_one_line(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    out = ["--out", str(tmp_path)] if words[0] in ("train", "sweep") else []
    assert main(["cladec", *words, *out]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1
