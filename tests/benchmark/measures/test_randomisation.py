"""MPRT and the random logit: explainers that ignore network or class score 1, others less."""

from itertools import pairwise

import pytest
import torch
from torch import nn

from roarbench.benchmark.measures.assessment import samples
from roarbench.benchmark.measures.mprt import Mprt, cascade
from roarbench.benchmark.measures.random_logit import RandomLogit
from roarbench.benchmark.measures.sample import Background, Sample
from roarbench.benchmark.measures.units import similarity
from roarbench.methods.base import Explainer, Skip, source_of
from roarbench.methods.controls import Random, Sobel
from roarbench.methods.ensembles import SmoothGrad, Squared, VarGrad
from roarbench.methods.filters import Blurred
from roarbench.methods.gradient import Gradient
from roarbench.methods.hide_and_seek import HideAndSeek
from tests.methods.networks import convolutional, linear, split

IMAGES = split((3, 8, 8), n=50)


def sampled(*explainers: Explainer, network: nn.Module | None = None) -> list[Sample]:
    network = network or convolutional(3)
    attribute = source_of(explainers[0]).prepare(network, IMAGES)
    given = {"target": "predicted", "seed": ("test",), "background": Background(IMAGES)}
    return samples(network, attribute, explainers, IMAGES, **given)  # type: ignore[arg-type]


@pytest.mark.parametrize("measure", [Mprt(), RandomLogit()])
@pytest.mark.parametrize("control", [Random(), Sobel()])
def test_controls_score_1(measure: Mprt | RandomLogit, control: Explainer) -> None:
    torch.testing.assert_close(measure.measure(sampled(control)[0]), torch.ones(32).double())


@pytest.mark.parametrize("measure", [Mprt(), Mprt(magnitude=False), RandomLogit(magnitude=False)])
def test_gradients_depend_on_network_and_class(measure: Mprt | RandomLogit) -> None:
    assert measure.measure(sampled(Gradient())[0]).mean() < 0.6


def test_opposite_logits_have_magnitudes_alike_and_signs_opposed() -> None:
    network = linear((3, 8, 8))
    with torch.no_grad():
        network[2].weight = nn.Parameter(torch.cat([network[2].weight[:1], -network[2].weight[:1]]))
        network[2].bias = nn.Parameter(torch.zeros(2))
    (sample,) = sampled(Gradient(), network=network)
    torch.testing.assert_close(RandomLogit().measure(sample), torch.ones(32).double())
    torch.testing.assert_close(RandomLogit(magnitude=False).measure(sample), -torch.ones(32).double())


def test_shuffled_weights_of_a_linear_network_give_the_correlation_of_its_weights() -> None:
    network = linear((3, 8, 8))
    (sample,) = sampled(Gradient(), network=network)
    (_, shuffled), *others = cascade(network, 10)
    assert not others
    before, after = (part[2].weight.detach()[sample.targets] for part in (network, shuffled))  # type: ignore[index]
    expected = similarity(before, after, magnitude=True)
    torch.testing.assert_close(Mprt().measure(sample), expected, atol=1e-4, rtol=0)


def test_layers_are_shuffled_from_the_top_and_keep_their_entries() -> None:
    network = convolutional(3)
    before = {name: value.clone() for name, value in network.named_parameters()}
    changed = []
    for _, shuffled in cascade(network, 10):
        now = dict(shuffled.named_parameters())
        changed.append({name.partition(".")[0] for name in before if not torch.equal(before[name], now[name])})
        assert all(torch.equal(before[name].flatten().sort().values, now[name].flatten().sort().values) for name in now)
    assert changed[0] == {"10"} and changed[1] == {"10", "6"} and changed[-1] >= {"10", "6", "2"}
    assert all(one <= other for one, other in pairwise(changed))
    assert all(torch.equal(before[name], value) for name, value in network.named_parameters())


def test_few_depths_still_reach_the_whole_network() -> None:
    depths = [done for done, _ in cascade(convolutional(3), 2)]
    assert depths == [2, 4]


def test_views_share_the_passes_of_other_networks_and_score_as_alone() -> None:
    views = SmoothGrad(samples=3), VarGrad(samples=3), Blurred(SmoothGrad(samples=3))
    for measure in (Mprt(depths=2), RandomLogit()):
        together = sampled(*views)
        values = [measure.measure(sample) for sample in together]
        assert len(together[0].shared.known) == (2 if isinstance(measure, Mprt) else 1)
        for view, expected in zip(views, values, strict=True):
            torch.testing.assert_close(measure.measure(sampled(view)[0]), expected)


@pytest.mark.parametrize("explainer", [HideAndSeek(), Blurred(HideAndSeek())])
def test_explainers_that_train_are_skipped_with_the_reason(explainer: Explainer) -> None:
    (sample,) = sampled(Squared())
    sample.shared.explainers = [explainer]
    with pytest.raises(Skip, match="trains networks of its own"):
        Mprt().measure(sample)


def test_without_the_training_split_nothing_is_prepared_anew() -> None:
    (sample,) = sampled(Gradient())
    sample.shared.background = None
    with pytest.raises(Skip, match="training split is needed"):
        Mprt().measure(sample)


def test_a_single_class_has_no_other() -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(192, 1))
    with pytest.raises(Skip, match="another class"):
        RandomLogit().measure(sampled(Gradient(), network=network)[0])
