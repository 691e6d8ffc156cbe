"""MCal where the right answers are known."""

import pytest
import torch
from torch import Tensor, nn

from roarbench.benchmark.measures.mcal import MCal, fit, fitted, masked_logits
from roarbench.methods.base import Skip
from tests.benchmark.measures.given import data, noise, normal, sample_of, two_classes

WEIGHT = torch.zeros(10).index_fill(0, torch.tensor(0), 1.0)
ROWS = data((10,), 200)


def kept_first(inputs: Tensor, targets: Tensor) -> Tensor:
    """Maps that name the first feature, which alone decides."""
    return WEIGHT.expand_as(inputs)


def identity(name: str, network: nn.Module, fit: object) -> None:
    """A head that corrects nothing."""
    with torch.no_grad():
        network.weight.copy_(torch.eye(2))  # type: ignore[operator]
        network.bias.zero_()  # type: ignore[operator, union-attr]


def test_predictions_change_as_the_deciding_feature_goes_and_stay_while_it_is_there() -> None:
    threshold = -0.4  # above the first feature's threshold of .4 lies its mean: predictions below change
    network = two_classes(WEIGHT, bias=threshold)
    below = float((ROWS.inputs[:, 0] <= 0.4).double().mean())
    right, wrong = (
        sample_of(network, lambda x, y, s=sign: s * kept_first(x, y), ROWS, keep=identity)  # type: ignore[misc]
        for sign in (1, -1)
    )
    assert MCal("morf").measure(right) == pytest.approx(below)
    assert MCal("lerf").measure(right) == 1
    assert MCal("morf").measure(wrong) == 0
    assert MCal("lerf").measure(wrong) == pytest.approx(1 - below)


def test_random_maps_lose_as_much_first_as_last() -> None:
    sample = sample_of(two_classes(normal(64)), noise, data((1, 8, 8), 300), keep=identity)
    morf, lerf = (MCal(order).measure(sample) for order in ("morf", "lerf"))
    assert morf is not None and lerf is not None
    assert morf + lerf == pytest.approx(1, abs=0.05)


def test_the_head_takes_a_bias_of_the_logits_away() -> None:
    labels = torch.arange(300) % 3
    biased = 2 * torch.eye(3)[labels] + torch.tensor([5.0, 0.0, 0.0])  # all are taken for the first class
    head = nn.Linear(3, 3)
    fit(head, biased, labels)
    assert (biased.argmax(1) == labels).double().mean() < 0.4
    assert torch.equal(head(biased).argmax(1), labels)


def test_the_head_is_fitted_on_masked_examples_and_predictions_for_intact_ones() -> None:
    def fitting(name: str, network: nn.Module, fit: object) -> None:
        fit(network)  # type: ignore[operator]

    sample = sample_of(two_classes(normal(64), bias=-1.0), noise, data((1, 8, 8), 300), keep=fitting)
    assert fitted(sample)(torch.zeros(1, 2)).shape == (1, 2)
    logits, labels = masked_logits(sample)
    assert len(logits) == len(labels) == 4 * 300
    assert torch.equal(labels[:300].sort().values, sample.network(sample.test.inputs).argmax(1).sort().values)


def test_a_head_that_has_nothing_to_correct_stays_near_the_identity() -> None:
    labels = torch.arange(400) % 3
    logits, head = 30 * torch.eye(3)[labels], nn.Linear(3, 3)
    fit(head, logits, labels)
    torch.testing.assert_close(head.weight.detach(), torch.eye(3), atol=1e-3, rtol=0)


def test_without_ranks_of_the_test_split_it_does_not_apply() -> None:
    sample = sample_of(two_classes(WEIGHT), kept_first, ROWS)
    object.__setattr__(sample, "ranks", None)
    with pytest.raises(Skip, match="ranks of the test split"):
        MCal().measure(sample)
