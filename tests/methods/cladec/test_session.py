"""Trainings that go on after an interruption, folders that know what they hold, and what is measured."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch
from torch import nn

from roarbench.benchmark.matrix.plugins import plugin
from roarbench.benchmark.networks.classifiers import classifier
from roarbench.benchmark.randomness import seeded
from roarbench.benchmark.study import checkpoint
from roarbench.benchmark.study.site import Site
from roarbench.datasets.base import Split
from roarbench.datasets.stream import Stream
from roarbench.methods.cladec.commands import session
from roarbench.methods.cladec.evaluation import measure
from roarbench.methods.cladec.layers import codes
from roarbench.methods.cladec.model import decode, reconstructed
from roarbench.methods.cladec.settings import Settings
from roarbench.methods.cladec.training import Training, coded
from tests.hns.problems import digits

SETTINGS = Settings(epochs=3, batch_size=100, evaluation_epochs=1)
IDENTITY = {"name": "test", "dataset": "digits", "seed": 0, "classifier": "vgg_small", "recipe": {}}


def fresh() -> nn.Module:
    with seeded("network"):
        return classifier(plugin("vgg_small", "classifier"), digits().train, 10).eval()


def site(folder: Path) -> Site:
    return Site(digits(), partial(seeded, "test", 0), folder)


def subject(alpha: float | None = 0.5, layer: str = "conv", settings: Settings = SETTINGS) -> session.Subject:
    explained = session.explained(fresh(), layer, site(Path()))
    return session.Subject(explained, layer, alpha, settings)


@pytest.mark.parametrize(("alpha", "variational"), [(0.5, True), (0.0, False), (None, False)])
def test_an_interrupted_training_ends_with_the_same_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, alpha: float | None, variational: bool
) -> None:
    what = subject(alpha, settings=replace(SETTINGS, variational=variational))
    whole = session.train(what, site(tmp_path / "whole"), IDENTITY, dict)
    epoch, calls = Training.epoch, []

    def interrupted(training: Training) -> dict[str, float]:
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return epoch(training)

    monkeypatch.setattr(Training, "epoch", interrupted)
    with pytest.raises(KeyboardInterrupt):
        session.train(what, site(tmp_path / "cut"), IDENTITY, dict)
    resumed = session.train(what, site(tmp_path / "cut"), IDENTITY, dict)
    assert len(calls) == 4
    assert resumed["epochs"] == whole["epochs"]
    assert resumed["test"] == whole["test"]


def test_a_saved_and_loaded_model_gives_the_same_row(tmp_path: Path) -> None:
    what = subject()
    first = session.train(what, site(tmp_path), IDENTITY, lambda: {"commit": "abc"})
    assert session.train(what, site(tmp_path), IDENTITY, lambda: {"commit": "def"}) == first
    model = session.trained(what, site(tmp_path))
    again = measure(model, what.explained, digits().test, SETTINGS, alpha=0.5)
    assert vars(again) | {"evaluation_accuracy": []} == first["test"]
    assert first["num_parameters"] == sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize("change", [{"learning_rate": 1.0}, {"reduction": "mean"}])
def test_a_folder_holds_one_training(tmp_path: Path, change: dict) -> None:
    short = replace(SETTINGS, epochs=1)
    session.train(subject(settings=short), site(tmp_path), IDENTITY, dict)
    with pytest.raises(ValueError, match=f"holds a training with {next(iter(change))}"):
        session.train(subject(settings=replace(short, **change)), site(tmp_path), IDENTITY, dict)


def test_another_classifier_is_refused(tmp_path: Path) -> None:
    short = replace(SETTINGS, epochs=1)
    session.train(subject(settings=short), site(tmp_path), IDENTITY, dict)
    other = subject(settings=short)
    with torch.no_grad():
        other.explained.classifier.get_parameter("1.12.bias").add_(1)
    with pytest.raises(ValueError, match="sha256 of the classifier"):
        session.train(other, site(tmp_path), IDENTITY, dict)


def test_evaluators_are_added_one_by_one_and_never_measured_twice(tmp_path: Path) -> None:
    parts: list[str] = []

    def learn(train: Split, *, epochs: int | None, part: str) -> nn.Module:
        assert len(train) == len(digits().train)
        assert epochs == 1
        parts.append(part)
        return fresh()

    what = subject()
    session.train(what, site(tmp_path), IDENTITY, dict)
    first, second = ((lambda name=name: {"commit": name}) for name in ("first", "second"))
    assert len(session.evaluate(what, site(tmp_path), learn, 2, first)["test"]["evaluation_accuracy"]) == 2
    found = session.evaluate(what, site(tmp_path), learn, 3, second)
    assert session.evaluate(what, site(tmp_path), learn, 1, second) == found
    assert [told["provenance"]["commit"] for told in found["evaluators"]] == ["first", "first", "second"]
    assert parts == ["evaluator 0", "evaluator 1", "evaluator 2"]
    assert checkpoint.read_json(tmp_path / session.RESULT) == found


@pytest.mark.parametrize("alpha", [None, 0.25])
@pytest.mark.parametrize("target", ["true", "predicted"])
def test_measures_are_what_they_say(alpha: float | None, target: str) -> None:
    what = subject(alpha, settings=replace(SETTINGS, target=target))  # type: ignore[arg-type]
    data, network, model = digits(), what.explained.classifier, what.model()
    found = measure(model, what.explained, data.test, what.settings, alpha=alpha)
    with torch.no_grad():
        code = data.test.inputs if alpha is None else codes(network, what.explained.path, data.test.inputs)
        images = model.eval()(code)
        p, q = network(data.test.inputs).softmax(1).double(), network(images).softmax(1).double()
    labels = data.test.labels
    targets = labels if target == "true" else p.argmax(1)
    of = torch.arange(len(labels))
    assert found.reconstruction == pytest.approx(
        ((images - data.test.inputs) ** 2).flatten(1).sum(1).mean().item(), rel=1e-5
    )
    assert found.frozen_cross_entropy == pytest.approx(-q[of, labels].log().mean().item(), rel=1e-4)
    assert found.frozen_accuracy == pytest.approx((q.argmax(1) == labels).double().mean().item())
    assert found.agreement == pytest.approx((q.argmax(1) == p.argmax(1)).double().mean().item())
    assert found.divergence == pytest.approx((p * (p / q).log()).sum(1).mean().item(), abs=1e-5)
    if alpha is None:
        assert found.classification is None
        assert found.total == found.reconstruction
    else:
        assert found.classification == pytest.approx(-q[of, targets].log().mean().item(), rel=1e-4)
        assert found.total == pytest.approx(0.75 * found.reconstruction + 0.25 * found.classification)


def test_reconstructions_keep_labels_and_order() -> None:
    what, data = subject(), digits()
    model = what.model()
    split = reconstructed(model, what.explained, data.test)
    assert torch.equal(split.labels, data.test.labels)
    assert torch.allclose(split.inputs[5:7], decode(model, what.explained, data.test.inputs[5:7]).images, atol=1e-6)


def test_all_alphas_start_from_the_same_weights_and_see_the_same_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights: list[dict[str, torch.Tensor]] = []
    orders: list[list[int]] = []
    epoch, permutation = Training.epoch, torch.randperm

    def noted(training: Training) -> dict[str, float]:
        weights.append({name: value.clone() for name, value in training.model.state_dict().items()})
        return epoch(training)

    def drawn(number: int) -> torch.Tensor:
        found = permutation(number)
        orders.append(found.tolist())
        return found

    monkeypatch.setattr(Training, "epoch", noted)
    monkeypatch.setattr(torch, "randperm", drawn)
    short = replace(SETTINGS, epochs=2)
    for alpha in (0.0, 0.5):
        session.train(subject(alpha, settings=short), site(tmp_path / str(alpha)), IDENTITY, dict)
    one, later, other, _ = weights
    assert all(torch.equal(value, other[name]) for name, value in one.items())
    assert any(not torch.equal(value, later[name]) for name, value in one.items())
    assert orders[:2] == orders[2:]
    assert sorted(orders[0]) == sorted(orders[1]) and orders[0] != orders[1]


def test_streams_are_refused_before_they_are_read() -> None:
    data = digits()

    def read(index: torch.Tensor) -> torch.Tensor:
        raise AssertionError("read")

    stream = Stream(labels=data.train.labels, read=read, shape=data.train.feature_shape)
    with pytest.raises(ValueError, match="needs data in memory, got a stream"):
        session.explained(fresh(), "conv", replace(site(Path()), data=replace(data, train=stream)))
    with pytest.raises(ValueError, match="needs data in memory, got a stream"):
        coded(subject().explained, stream, "true")
