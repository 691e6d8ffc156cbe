"""The commands of SENN, end to end on digits."""

from pathlib import Path

import pytest

from roarbench.run_benchmark import main

FAST = ["--epochs", "1", "--workers", "0"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("senn")
    assert main(["senn", "train", "--out", str(out), *FAST, "--num-trainings", "2"]) == 0
    return out / "digits" / "convolutional" / "default"


@pytest.mark.whole
def test_trainings_are_evaluated(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["senn", "evaluate", str(trained)]) == 0
    assert "n = 2 trainings" in " ".join(capsys.readouterr().out.split())
    assert (trained / "measures.tex").exists()


@pytest.mark.whole
def test_explanations_are_drawn(trained: Path) -> None:
    assert main(["senn", "explain", str(trained / "0")]) == 0
    drawn = {path.stem for path in (trained / "0").glob("*.svg")}
    assert drawn == {"explanations", "prototypes-activation", "prototypes-contrast", "neighbours", "traversals"}


@pytest.mark.whole
def test_identity_concepts_of_images_are_explained_by_the_largest(tmp_path: Path) -> None:
    settings = ["--concepts", "identity", "--relevances", "dense", "--no-bounded"]
    assert main(["senn", "train", "--out", str(tmp_path), *FAST, *settings, "--num-trainings", "1"]) == 0
    folder = tmp_path / "digits" / "identity" / "default" / "0"
    assert main(["senn", "explain", str(folder)]) == 0
    assert {path.stem for path in folder.glob("*.svg")} == {"explanations"}


@pytest.mark.whole
def test_a_sweep_compares_forms_of_the_loss(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lambdas = ["--lambdas", "0.001", "1", "--num-trainings", "1"]
    assert main(["senn", "sweep", "--out", str(tmp_path), *FAST, *lambdas, "--dataset", "digits"]) == 0
    assert "\n0.001 " in capsys.readouterr().out
    assert (tmp_path / "sweeps" / "digits" / "default" / "sweep.svg").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["train", "--dropout", "2"], "dropout must lie"),
        (["train", "--dataset", "compass"], "unknown dataset"),
        (["train", "--dataset", "roar_toy"], "need images"),
        (["explain", "nowhere"], "holds no finished training"),
        (["evaluate", "nowhere"], "holds no finished training"),
        (["train", "--identifier", "a/b"], "identifier must be"),
    ],
)
def test_bad_input_is_one_line(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    out = ["--out", str(tmp_path)] if words[0] != "evaluate" else []
    assert main(["senn", *words, *out]) == 2
    told = capsys.readouterr().err
    assert message in told
    assert len(told.splitlines()) == 1
