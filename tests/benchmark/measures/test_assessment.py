"""Measures of attributions against Captum, SciPy and values by hand."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import captum.metrics
import pytest
import scipy.stats
import torch
from torch import Tensor, nn

from roarbench.benchmark.matrix.spec import Target
from roarbench.benchmark.measures.assessment import assess, samples
from roarbench.benchmark.measures.gini import gini
from roarbench.benchmark.measures.infidelity import Infidelity
from roarbench.benchmark.measures.sample import Examples, Sample
from roarbench.benchmark.measures.truth import auc, precision
from roarbench.benchmark.randomness import generator
from roarbench.benchmark.removal.ranks import rank
from roarbench.datasets.base import Split
from roarbench.methods.base import AttributionFunction, Explainer, Explains, source_of
from roarbench.methods.controls import Random
from roarbench.methods.ensembles import SmoothGrad, Squared, VarGrad
from roarbench.methods.filters import Blurred
from roarbench.methods.gradient import Gradient, IntegratedGradients
from tests.methods.networks import convolutional, linear, split, tabular

IMAGES = split((3, 8, 8), n=50)
SEED = ("attribution", 0)
MEASURES = {"infidelity", "max_sensitivity", "lipschitz", "gini", "zero_attributions", "passes", "seconds_per_image"}
TRUTH = {"truth_precision": None, "truth_auc": None}


@dataclass(frozen=True)
class Fixed:
    """Attributions by a function of the inputs."""

    version: ClassVar[int] = 1
    explains: ClassVar[Explains] = "nothing"

    function: Callable[[Tensor], Tensor]

    def prepare(self, classifier: nn.Module, train: Split) -> AttributionFunction:
        return lambda inputs, targets: self.function(inputs)


def sampled(*explainers: Explainer, network: nn.Module | None = None, test: Split = IMAGES) -> list[Sample]:
    network = network or convolutional(3)
    attribute = source_of(explainers[0]).prepare(network, test)
    return samples(network, attribute, explainers, test, target="predicted", seed=SEED)


def assessed(*explainers: Explainer, network: nn.Module | None = None, test: Split = IMAGES) -> list[dict]:
    return [assess(sample) for sample in sampled(*explainers, network=network, test=test)]


def by(attribute: AttributionFunction, network: nn.Module, target: Target = "label") -> dict:
    """What is measured of an attribution function."""
    return assess(samples(network, attribute, [Gradient()], IMAGES, target=target, seed=SEED)[0])


def test_the_gradient_of_a_linear_network_is_faithful_and_steady() -> None:
    found = assessed(Gradient(), network=linear((3, 8, 8)))[0]
    assert set(found) == MEASURES | set(TRUTH)
    assert found["infidelity"] == pytest.approx(0, abs=1e-9)
    assert found["max_sensitivity"] == pytest.approx(0, abs=1e-6)
    assert found["lipschitz"] == pytest.approx(0, abs=1e-6)
    assert found["zero_attributions"] == 0
    assert found["seconds_per_image"] > 0


def test_the_size_of_a_map_does_not_matter() -> None:
    one, many = (assessed(Fixed(lambda x, f=f: f * x.square()))[0] for f in (1.0, -250.0))  # type: ignore[misc]
    for name in MEASURES - {"seconds_per_image"}:
        assert one[name] == pytest.approx(many[name], rel=1e-5)


def test_the_map_x_is_as_steep_as_its_norm_and_sensitive_to_the_radius() -> None:
    rows = Split(torch.full((40, 6), 0.5), torch.arange(40) % 3)
    found = assessed(Fixed(lambda x: x), network=tabular(), test=rows)[0]
    norm = 0.5 * 6**0.5
    assert found["lipschitz"] == pytest.approx(1 / norm, rel=1e-4)
    assert 0.5 * 0.02 * 6**0.5 / norm < found["max_sensitivity"] < 0.02 * 6**0.5 / norm


def test_max_sensitivity_is_that_of_captum() -> None:
    network = convolutional(3)
    sample = Examples.of(network, IMAGES, "label")
    copies, attribute = iter(sample.copies), Gradient().prepare(network, IMAGES)

    def explain(inputs: Tensor | tuple[Tensor]) -> tuple[Tensor]:
        return (attribute(inputs[0] if isinstance(inputs, tuple) else inputs, sample.targets),)

    theirs = captum.metrics.sensitivity_max(
        explain,
        sample.inputs,
        perturb_func=lambda _: next(copies),
        n_perturb_samples=10,
        max_examples_per_batch=len(sample.inputs),
    )
    ours = by(attribute, network)
    assert ours["max_sensitivity"] == pytest.approx(float(theirs.mean()), rel=1e-4)


@pytest.mark.parametrize("explainer", [Gradient(), IntegratedGradients(3), Random(), Squared()])
def test_infidelity_is_the_normalised_one_of_captum(explainer: Explainer) -> None:
    network = convolutional(3)
    (sample,) = samples(network, explainer.prepare(network, IMAGES), [explainer], IMAGES, target="label", seed=SEED)
    maps, draw = sample.maps.float().view_as(sample.inputs), generator("assessment", "removals")

    def perturb(inputs: Tensor) -> tuple[Tensor, Tensor]:
        removed = 0.2 * torch.randn(inputs.shape, generator=draw)
        return removed, inputs - removed

    theirs = captum.metrics.infidelity(
        network, perturb, sample.inputs, maps, target=sample.targets, n_perturb_samples=100,
        max_examples_per_batch=len(sample.inputs), normalize=True,
    )  # fmt: skip
    torch.testing.assert_close(Infidelity().measure(sample), theirs.double(), rtol=1e-3, atol=1e-6)


def test_a_zero_map_is_as_unfaithful_as_none() -> None:
    network, rows = linear((6,)), split((6,))
    (sample,) = sampled(Fixed(torch.zeros_like), network=network, test=rows)
    weight = network[2].weight[sample.targets] / network[0].deviation  # type: ignore[union-attr, index]
    expected = 0.2**2 * weight.square().sum(1)
    torch.testing.assert_close(Infidelity().measure(sample).float(), expected.detach(), rtol=0.5, atol=0)


def test_examples_without_attributions_are_left_out_and_counted() -> None:
    bright = IMAGES.inputs[:, 0, 0, 0].median()

    def some(inputs: Tensor) -> Tensor:
        return torch.where(inputs[:, :1, :1, :1] > bright + 0.1, inputs, 0.0)

    found = assessed(Fixed(some))[0]
    sample = Examples.of(convolutional(3), IMAGES, "label")
    counted = some(sample.inputs).flatten(1).any(1)
    assert found["zero_attributions"] == pytest.approx(1 - float(counted.double().mean()))
    assert found["gini"] == pytest.approx(float(gini(sample.inputs[counted].flatten(1)).mean()), rel=1e-5)
    nothing = assessed(Fixed(torch.zeros_like))[0]
    assert nothing["zero_attributions"] == 1
    assert all(nothing[name] is None for name in ("infidelity", "max_sensitivity", "lipschitz", "gini"))


def test_an_explainer_has_gradients_whatever_measure_asks_first() -> None:
    def attribute(inputs: Tensor, targets: Tensor) -> Tensor:
        inputs = inputs.clone().requires_grad_()
        inputs.square().sum().backward()
        assert inputs.grad is not None
        return inputs.grad

    (sample,) = samples(convolutional(3), attribute, [Gradient()], IMAGES, target="label", seed=SEED)
    assert len(Infidelity().measure(sample)) == 32


def test_noise_of_an_explainer_is_no_sensitivity() -> None:
    assert assessed(Random())[0]["max_sensitivity"] == 0
    assert assessed(SmoothGrad(), network=linear((3, 8, 8)))[0]["max_sensitivity"] == pytest.approx(0, abs=1e-6)


def test_views_are_assessed_the_same_alone_and_together() -> None:
    views = SmoothGrad(samples=3), VarGrad(samples=3), Blurred(SmoothGrad(samples=3))
    together = assessed(*views)
    for view, expected in zip(views, together, strict=True):
        alone = assessed(view)[0]
        assert {**alone, "seconds_per_image": 0} == {**expected, "seconds_per_image": 0}


def test_copies_keep_the_class_of_the_clean_example_and_stay_within_the_radius() -> None:
    network, seen = convolutional(3), []

    def attribute(inputs: Tensor, targets: Tensor) -> Tensor:
        seen.append((inputs, targets))
        return inputs

    by(attribute, network, "predicted")
    assert len(seen) == 1 + 10
    assert all(torch.equal(targets, network(seen[0][0]).argmax(1)) for _, targets in seen)
    assert all(0.019 < float((inputs - seen[0][0]).abs().max()) <= 0.02 + 1e-6 for inputs, _ in seen[1:])
    assert len(seen[0][0]) == 32


@pytest.mark.parametrize(
    ("explainer", "passes"), [(Random(), 0), (Gradient(), 1), (IntegratedGradients(3), 3), (Squared(), 1)]
)
def test_passes_are_those_of_the_classifier(explainer: Explainer, passes: int) -> None:
    assert assessed(explainer)[0]["passes"] == passes


def test_views_share_their_passes() -> None:
    views = SmoothGrad(samples=3), VarGrad(samples=3), Blurred(SmoothGrad(samples=3))
    assert [found["passes"] for found in assessed(*views)] == [3, 3, 3]


def test_passes_do_not_depend_on_what_memory_holds() -> None:
    network = convolutional(3)

    def attribute(inputs: Tensor, targets: Tensor) -> Tensor:
        network(inputs)
        if len(inputs) > 10:
            raise torch.OutOfMemoryError
        return inputs

    assert by(attribute, network)["passes"] == 1
    assert not network._forward_hooks and not network._forward_pre_hooks


def test_attributions_that_are_not_finite_are_refused() -> None:
    with pytest.raises(ValueError, match="must be finite"):
        assessed(Fixed(lambda inputs: inputs / 0))


def test_gini_of_equal_values_is_0_and_of_a_single_one_nearly_1() -> None:
    one_hot = -7 * torch.eye(10)[3]
    assert float(gini(torch.full((10,), -2.0))) == pytest.approx(0, abs=1e-6)
    assert float(gini(one_hot)) == pytest.approx(0.9)
    assert float(gini(torch.tensor([1.0, 3.0]))) == pytest.approx(0.25)
    torch.testing.assert_close(gini(one_hot.repeat(3)), gini(one_hot))


def test_the_truth_is_found_by_the_truth_and_missed_by_its_inverse() -> None:
    relevant = torch.rand(20, 30, generator=generator("test")) < 0.2
    for sign, expected in ((1, 1.0), (-1, 0.0)):
        ranks = ranked(sign * relevant.float())
        assert truth(ranks, relevant) == (expected, expected)


def test_random_ranks_find_the_truth_by_chance() -> None:
    relevant = torch.zeros(4000, 20, dtype=torch.bool)
    relevant[:, :5] = True
    assert truth(ranked(torch.zeros(4000, 20)), relevant) == pytest.approx((0.25, 0.5), abs=0.01)


def test_the_auc_is_that_of_mann_whitney_and_precision_a_count() -> None:
    relevant = torch.rand(25, 1, 4, 5, generator=generator("test")) < 0.3
    ranks = ranked(torch.rand(25, 1, 4, 5, generator=generator("scores")))
    areas, shares = [], []
    for true, rank_map in zip(relevant.flatten(1), ranks.flatten(1), strict=True):
        k = int(true.sum())
        if 0 < k < 20:
            u = scipy.stats.mannwhitneyu(-rank_map[true], -rank_map[~true]).statistic
            areas.append(u / (k * (20 - k)))
            shares.append(sum(bool(true[i]) for i in rank_map.argsort()[:k]) / k)
    assert truth(ranks, relevant) == pytest.approx((sum(shares) / len(shares), sum(areas) / len(areas)))


def test_a_pixel_is_relevant_where_one_of_its_channels_is() -> None:
    relevance = torch.zeros(1, 3, 2, 2)
    relevance[0, 2, 1, 1] = 0.5
    ranks = torch.tensor([3, 2, 1, 0], dtype=torch.uint8).view(1, 1, 2, 2)
    assert truth(ranks, relevance) == (1.0, 1.0)


def test_examples_without_both_kinds_of_units_are_left_out() -> None:
    relevant = torch.tensor([[False, False], [True, True], [True, False]])
    ranks = torch.tensor([[0, 1], [0, 1], [1, 0]])
    assert truth(ranks, relevant) == (0.0, 0.0)
    assert truth(ranks[:2], relevant[:2]) == (None, None)


def truth(ranks: Tensor, relevant: Tensor) -> tuple[float | None, float | None]:
    """Precision and AUC."""
    return precision(ranks, relevant), auc(ranks, relevant)


def ranked(scores: Tensor) -> Tensor:
    return rank(scores, unit="pixel", magnitude=False, generator=generator("ties"))
