"""SENN and DiSENN as explainers."""

from dataclasses import replace

import pytest
import torch

from roarbench.methods.base import source_of
from roarbench.methods.self_explaining import SCORES, Disentangled, SelfExplaining, scores
from roarbench.methods.senn.model import Senn
from roarbench.methods.senn.settings import Settings
from tests.methods.networks import convolutional, split


def test_all_scores_share_one_training() -> None:
    names = ("jacobian", "magnitude", "gradient")
    assert len({source_of(SelfExplaining(score=name)) for name in names}) == 1  # type: ignore[arg-type]
    assert source_of(SelfExplaining()) != source_of(Disentangled())


def test_the_jacobian_map_is_the_gradient_without_the_residual() -> None:
    torch.manual_seed(0)
    network = Senn(Settings(concepts="convolutional", relevances="convolutional"), (1, 8, 8), 3).eval()
    inputs, classes = torch.rand(4, 1, 8, 8), torch.tensor([0, 1, 2, 0])
    found = dict(zip(SCORES, scores(network, inputs, classes), strict=True))
    x = inputs.clone().requires_grad_()
    explanation = network.explain(x)
    held = explanation.relevances[torch.arange(4), :, classes].detach()
    (expected,) = torch.autograd.grad((held * explanation.concepts).sum(), x)
    torch.testing.assert_close(found["jacobian"], expected)
    assert (found["magnitude"] >= 0).all()


def test_contributions_of_features_are_relevance_times_input() -> None:
    torch.manual_seed(0)
    network = Senn(Settings(relevances="convolutional"), (1, 8, 8), 3).eval()
    inputs, classes = torch.rand(4, 1, 8, 8), torch.zeros(4, dtype=torch.int64)
    found = dict(zip(SCORES, scores(network, inputs, classes), strict=True))
    torch.testing.assert_close(found["contribution"], found["relevance"] * inputs)
    torch.testing.assert_close(found["jacobian"], found["relevance"])
    bias = network.explain(inputs).relevances[:, -1, 0]
    torch.testing.assert_close(found["contribution"].flatten(1).sum(1) + bias, network(inputs)[:, 0])


def test_scores_of_features_need_features_as_concepts() -> None:
    with pytest.raises(ValueError, match="needs concepts=identity"):
        SelfExplaining(score="relevance")


def test_a_surrogate_learns_and_explains_what_the_classifier_says() -> None:
    classifier, train = convolutional(1), split((1, 8, 8))
    told = replace(train, labels=classifier(train.inputs).argmax(1))
    maps = {}
    for name, data, surrogate in (("its own", train, False), ("told", told, False), ("surrogate", train, True)):
        torch.manual_seed(0)
        attribute = SelfExplaining(steps=5, surrogate=surrogate).prepare(classifier, data)
        maps[name] = [attribute(train.inputs[:4], torch.full((4,), c)) for c in (0, 1)]
    assert torch.equal(*maps["its own"])  # it explains the class it predicts itself
    assert not torch.equal(*maps["surrogate"])
    both = torch.stack(maps["surrogate"])
    assert (both == maps["told"][0]).flatten(2).all(2).any(0).any()  # the same network, where it predicts the target
    assert not torch.equal(maps["its own"][0], maps["told"][0])
