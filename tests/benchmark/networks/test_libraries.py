"""Networks of libraries: logits are those of the library, weights come from files, and errors are one line."""

import sys
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
import torchvision
from torch import nn

from roarbench.benchmark.matrix.plugins import plugin
from roarbench.benchmark.matrix.recipe import Recipe
from roarbench.benchmark.networks import libraries
from roarbench.benchmark.networks.brought import restoring, trainer
from roarbench.benchmark.networks.classifiers import classifier
from roarbench.benchmark.networks.contract import rehearse_training
from roarbench.benchmark.randomness import generator
from roarbench.datasets.base import Split

FEW = Split(torch.rand(2, 1, 32, 32, generator=generator("few")), torch.tensor([0, 2]))
IMAGENET_MEAN, IMAGENET_STD = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
SMALL = "squeezenet1_1"
VIT = "vit_tiny_patch16_224"


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a SqueezeNet with three classes."""
    path: Path = tmp_path_factory.mktemp("weights") / "net.pt"
    torch.save(torchvision.models.squeezenet1_1(num_classes=3).state_dict(), path)
    return path


def package(name: str) -> ModuleType:
    """A package of an extra."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip(name, reason=f"needs {name}, an extra of this project")


def restored(text: str, *, num_classes: int = 3, inputs: torch.Tensor = FEW.inputs) -> Any:
    identity = plugin(text, "classifier")
    network, restore = classifier(identity, inputs, num_classes), restoring(identity)
    assert restore is not None
    restore(network)
    return network.eval()


def test_a_fresh_network_is_trained_by_the_run_and_standardised_by_its_data() -> None:
    identity = plugin(f"torchvision[model={SMALL}]", "classifier")
    rehearse_training(identity, FEW, 3, Recipe(epochs=1, batch_size=2), batch_size=2)
    assert restoring(identity) is None
    network: Any = classifier(identity, FEW.inputs, 3)
    torch.testing.assert_close(network[0].mean.flatten(), FEW.inputs.mean()[None])


def test_logits_of_weights_from_a_file_are_those_of_the_library(weights: Path) -> None:
    network = torchvision.models.squeezenet1_1(num_classes=3).eval()
    network.load_state_dict(torch.load(weights, weights_only=True))
    coloured = FEW.inputs.expand(-1, 3, -1, -1)
    standard = (coloured - IMAGENET_MEAN.view(3, 1, 1)) / IMAGENET_STD.view(3, 1, 1)
    with torch.no_grad():
        ours = restored(f"torchvision[model={SMALL},weights={weights}]")(FEW.inputs)
        assert torch.equal(ours, network(standard))
        plain = restored(f"torchvision[model={SMALL},weights={weights},mean=0.5,std=0.25]")(coloured)
        torch.testing.assert_close(plain, network((coloured - 0.5) / 0.25))


def test_size_is_the_side_that_the_network_sees(weights: Path) -> None:
    seen: list[torch.Size] = []
    network = restored(f"torchvision[model={SMALL},weights={weights},size=48]")
    network[1].network.register_forward_pre_hook(lambda _, arguments: seen.append(arguments[0].shape))
    assert network(FEW.inputs).shape == (2, 3)
    assert seen == [(2, 3, 48, 48)]


def test_the_content_of_a_file_is_part_of_the_identity(weights: Path, tmp_path: Path) -> None:
    copied, other = tmp_path / "same.pt", tmp_path / "other.pt"
    copied.write_bytes(weights.read_bytes())
    torch.save(torchvision.models.squeezenet1_1(num_classes=3).state_dict(), other)
    one, same, another = (
        plugin(f"torchvision[model={SMALL},weights={path}]", "classifier").parameters
        for path in (weights, copied, other)
    )
    assert one == same != another


def test_another_head_is_told_with_both_numbers(weights: Path) -> None:
    reason = r"^weights .*net.pt have 3 classes, the data have 7: train a head of 7 classes first and give the file"
    with pytest.raises(ValueError, match=reason) as told:
        restored(f"torchvision[model={SMALL},weights={weights}]", num_classes=7)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ("model=squeezenet1", r"'squeezenet1' is not in torchvision; did you mean 'squeezenet1_\d'\?"),
        (f"model={SMALL},weights=NEWEST", "must be a file that is there, or one of IMAGENET1K_V1, DEFAULT, got NEWEST"),
        (f"model={SMALL},weights=gone.pt", "weights must be a file, got gone.pt, which is not there"),
        (f"model={SMALL},std=-1", "std must be positive, got -1"),
        ("model=alexnet", r"cannot take images \(1, 32, 32\); give torchvision\[size=\.\.\.\]"),
    ],
)
def test_what_does_not_fit_is_one_line(parameters: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as told:
        restored(f"torchvision[{parameters}]")
    assert "\n" not in str(told.value)


def test_images_of_other_channels_and_rows_are_refused() -> None:
    identity = plugin(f"torchvision[model={SMALL}]", "classifier")
    with pytest.raises(ValueError, match="images of 1 or 3 channels, got 2"):
        classifier(identity, torch.rand(2, 2, 32, 32), 3)
    with pytest.raises(ValueError, match="torchvision needs images"):
        classifier(identity, torch.rand(2, 7), 3)


def test_without_a_network_the_file_and_its_place_are_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def offline(*_: object, **__: object) -> None:
        raise OSError("no network")

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr("torch.hub.download_url_to_file", offline)
    with pytest.raises(ValueError, match=rf"put https://\S*squeezenet1_1-\w+\.pth into {tmp_path}/checkpoints \(no"):
        restored(f"torchvision[model={SMALL},weights=DEFAULT]")


def test_weights_by_name_come_from_the_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    entry = torchvision.models.get_model_weights(SMALL)["DEFAULT"]
    network = torchvision.models.squeezenet1_1(num_classes=1000).eval()
    (tmp_path / "checkpoints").mkdir()
    torch.save(network.state_dict(), tmp_path / "checkpoints" / Path(entry.url).name)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    ours = restored(f"torchvision[model={SMALL},weights=DEFAULT]", num_classes=1000)
    standard = (FEW.inputs - IMAGENET_MEAN.view(3, 1, 1)) / IMAGENET_STD.view(3, 1, 1)
    with torch.no_grad():
        assert torch.equal(ours(FEW.inputs), network(standard))


@pytest.mark.parametrize(("name", "missing"), [("timm", "timm"), ("hf", "transformers")])
def test_an_extra_that_is_not_installed_is_named(name: str, missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(
        ValueError, match=rf"^classifier {name} needs the extra {name}: pip install roarbench\[{name}\]$"
    ):
        classifier(plugin(f"{name}[model=resnet18]", "classifier"), FEW.inputs, 3)


def test_logits_are_taken_out_of_what_networks_return() -> None:
    answers = torch.rand(2, 3)
    named = torchvision.models.GoogLeNetOutputs(answers, None, None)
    assert libraries.Logits()(named) is answers and libraries.Logits()(answers) is answers


def test_networks_of_timm_are_those_of_timm(tmp_path: Path) -> None:
    timm = package("timm")
    identity = plugin(f"timm[model={VIT},size=224]", "classifier")
    rehearse_training(identity, FEW, 3, Recipe(epochs=1, batch_size=2), batch_size=2)
    network = timm.create_model("resnet10t", num_classes=3).eval()
    torch.save(network.state_dict(), tmp_path / "net.pt")
    ours = restored(f"timm[model=resnet10t,weights={tmp_path / 'net.pt'}]")
    mean, std = (torch.tensor(network.pretrained_cfg[name]).view(3, 1, 1) for name in ("mean", "std"))
    with torch.no_grad():
        torch.testing.assert_close(ours(FEW.inputs), network((FEW.inputs - mean) / std))
    with pytest.raises(ValueError, match=r"cannot take images \(1, 32, 32\); give timm\[size=\.\.\.\]"):
        classifier(plugin(f"timm[model={VIT}]", "classifier"), FEW.inputs, 3)
    with pytest.raises(ValueError, match=r"'resnot18' is not in timm; did you mean 'resnet18'\?"):
        classifier(plugin("timm[model=resnot18]", "classifier"), FEW.inputs, 3)


@pytest.fixture
def folder(tmp_path: Path) -> tuple[Path, nn.Module]:
    """A small ViT of transformers with its weights and its preprocessing."""
    transformers = package("transformers")
    config = transformers.ViTConfig(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32, image_size=32, patch_size=8,
        num_labels=3,
    )  # fmt: skip
    network = transformers.ViTForImageClassification(config).eval()
    network.save_pretrained(tmp_path)
    (tmp_path / "preprocessor_config.json").write_text('{"image_mean": [0.5, 0.5, 0.5], "image_std": [0.25, 0.5, 1]}')
    return tmp_path, network


@pytest.mark.parametrize("given", ["pretrained", "model.safetensors"])
def test_networks_of_transformers_are_those_of_transformers(folder: tuple[Path, nn.Module], given: str) -> None:
    path, network = folder
    weights = given if given == "pretrained" else path / given
    ours = restored(f"hf[model={path},weights={weights}]")
    std = torch.tensor([0.25, 0.5, 1]).view(3, 1, 1)
    with torch.no_grad():
        torch.testing.assert_close(ours(FEW.inputs), network((FEW.inputs - 0.5) / std).logits)
    with pytest.raises(ValueError, match="have 3 classes, the data have 4"):
        restored(f"hf[model={path},weights={weights}]", num_classes=4)


def test_fresh_networks_of_transformers_keep_the_contract(folder: tuple[Path, nn.Module]) -> None:
    identity = plugin(f"hf[model={folder[0]}]", "classifier")
    rehearse_training(identity, FEW, 3, Recipe(epochs=1, batch_size=2), batch_size=2)
    assert restoring(identity) is None


def test_weights_of_another_network_are_not_drawn_anew(folder: tuple[Path, nn.Module], weights: Path) -> None:
    with pytest.raises(ValueError, match="do not fit the network"):
        restored(f"hf[model={folder[0]},weights={weights}]")


def test_a_training_of_ones_own_goes_with_networks_of_libraries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("library_training.py").write_text("def constant(network, split, seed):\n    network[1][-1].seed = seed\n")
    identity = plugin(f"torchvision[model={SMALL},recipe=library_training:constant]", "classifier")
    own = trainer(identity)
    assert own is not None
    network = classifier(identity, FEW.inputs, 3)
    own(network, FEW, 7)
    assert network[1][-1].seed == 7  # type: ignore[index]
    assert trainer(plugin(f"torchvision[model={SMALL}]", "classifier")) is None
