"""The precision of trainings: decided once, part of the identity, and close to float32."""

from pathlib import Path

import pytest
import torch

from roarbench import run_benchmark
from roarbench.benchmark.matrix.plugins import build, plugin
from roarbench.benchmark.matrix.recipe import Augmentation, Recipe
from roarbench.benchmark.matrix.spec import key
from roarbench.benchmark.networks import precision
from roarbench.benchmark.networks.augmentation import augmented
from roarbench.benchmark.networks.classifiers import classifier
from roarbench.benchmark.networks.training import Score, score, train
from roarbench.benchmark.randomness import generator, seeded
from roarbench.benchmark.results.store import Store

pytestmark = pytest.mark.usefixtures("unreported")

DIGITS = build(plugin("digits", "dataset"), "dataset")(Path("data"))


def trained(network: str, **recipe: object) -> Score:
    with seeded("precision"):
        fresh = classifier(plugin(network, "classifier"), DIGITS.train.inputs, 10)
    train(fresh, DIGITS.train, Recipe(epochs=4, learning_rate=0.01, **recipe), pairing=("precision",))  # type: ignore[arg-type]
    assert all(weight.dtype == torch.float32 for weight in fresh.parameters())
    return score(fresh, DIGITS.test)


@pytest.mark.parametrize(
    ("network", "change"),
    [
        ("cnn_small[width=8]", {}),
        ("resnet8[width=4]", {}),
        ("cnn_small[width=8]", {"augmentation": "shift_flip", "optimiser": "sgd"}),
    ],
)
def test_bfloat16_trains_as_well_as_float32(network: str, change: dict) -> None:
    full, half = (trained(network, precision=name, **change) for name in ("fp32", "bf16"))
    assert half.loss != full.loss, "bfloat16 was not used"
    assert abs(half.accuracy - full.accuracy) < 0.05


def test_gradients_of_volumes_are_exact_on_a_processor() -> None:
    """With bfloat16, oneDNN leaves memory that nobody wrote in gradients of kernels of 3x3x3 over 2x2x2 places."""
    volumes = torch.rand(4, 3, 2, 2, 2)
    layer = torch.nn.Conv3d(3, 4, 3, padding=1)
    with precision.products("bf16", volumes.device), precision.exact_volumes(volumes):
        assert layer(volumes).dtype == torch.float32
    with precision.products("bf16", volumes.device), precision.exact_volumes(volumes[..., 0]):
        assert layer(volumes).dtype == torch.bfloat16


def test_auto_takes_bfloat16_only_where_the_processor_multiplies_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": True}, raising=False)
    assert precision.settled(Recipe(), "cpu").precision == "bf16"
    assert precision.settled(Recipe(precision="fp32"), "cpu").precision == "fp32"
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": False}, raising=False)
    assert precision.settled(Recipe(), "cpu").precision == "fp32"


def test_the_precision_is_part_of_the_identity() -> None:
    assert key(Recipe(precision="fp32")) != key(Recipe(precision="bf16"))


def test_a_run_stores_the_precision_that_it_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = [
        "run", "--classifiers", "mlp[width=16,hidden_layers=1]", "--explainers", "random", "--seeds", "1",
        "--fractions", "0.5", "--epochs", "1", "--device", "cpu", "--workers", "0", "--out", str(tmp_path / "run"),
    ]  # fmt: skip
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict, raising=False)
    assert run_benchmark.main(command) == 0
    rows = Store(tmp_path / "run").rows()
    assert {row.specification["training"]["recipe"]["precision"] for row in rows} == {"fp32"}
    assert run_benchmark.main([*command, "--precision", "bf16"]) == 2, "the folder holds results in float32"


@pytest.mark.parametrize("kind", ["shift_flip", "resized_crop"])
def test_augmentation_is_the_same_in_every_precision(kind: Augmentation) -> None:
    images, views = torch.rand(4, 1, 28, 28), []
    for precise in ("fp32", "bf16"):
        with precision.products(precise, torch.device("cpu")):  # type: ignore[arg-type]
            views.append(augmented(images, kind, generator("augmentation")))
    assert torch.equal(*views)


def test_a_driver_without_a_gpu_asks_for_the_precision(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("ray", reason="needs ray, an extra of this project")
    words = ["run", "--executor", "ray", "--gpus-per-task", "0.5", "--out", str(tmp_path / "run")]
    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    assert run_benchmark.main(words) == 2
    assert "precision must be fp32 or bf16" in capsys.readouterr().err
