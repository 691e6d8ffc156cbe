"""F-Fidelity against chances that are known by hand."""

import pytest
import torch
from torch import Tensor

from roarbench.benchmark.measures.f_fidelity import FFidelityMinus, FFidelityPlus
from roarbench.benchmark.measures.sample import Sample
from roarbench.datasets.base import Split
from tests.benchmark.measures.given import data, noise, normal, sample_of, two_classes

LABELS = torch.arange(40) % 2
ROWS = Split(data((4,), 40).inputs.index_copy(1, torch.tensor([0]), LABELS[:, None].float()), LABELS)
"""The first feature is the label, and its mean one half."""

NETWORK = two_classes(torch.tensor([1.0, 0, 0, 0]), bias=-0.6)
"""Predicts the second class where the first feature is above .6: without that feature, it never does."""


def pointing(feature: int) -> Sample:
    """Maps that name one feature of four."""
    return sample_of(NETWORK, lambda inputs, targets: torch.eye(4)[feature].expand_as(inputs), ROWS)


def classes(sample: Sample) -> Tensor:
    """Explained classes of all that is looked at."""
    return torch.cat([labels for _, _, labels in sample.ranked_examples(256)])


@pytest.mark.parametrize(("alpha", "chance"), [(0.5, 0.4), (0.2, 0.2)])
def test_the_deciding_feature_is_deleted_with_the_chance_of_the_formula(alpha: float, chance: float) -> None:
    sample = pointing(0)
    values = FFidelityPlus(share=0.25, alpha=alpha, draws=4000).values(sample)
    assert values[classes(sample) == 1].mean().item() == pytest.approx(chance, abs=0.02)
    assert values[classes(sample) == 0].abs().max() == 0
    assert FFidelityMinus(share=0.25, alpha=alpha).values(sample).abs().max() == 0


def test_outside_a_wrong_explanation_one_minus_the_share_counts() -> None:
    sample = pointing(3)
    assert FFidelityPlus(share=0.25).values(sample).abs().max() == 0
    values = FFidelityMinus(share=0.25, draws=4000).values(sample)
    assert values[classes(sample) == 1].mean().item() == pytest.approx(0.1 / 0.75, abs=0.02)


def test_a_wrong_prediction_that_deletion_mends_is_negative() -> None:
    wrong = Split(ROWS.inputs, 1 - ROWS.labels)
    sample = sample_of(NETWORK, lambda inputs, targets: torch.eye(4)[0].expand_as(inputs), wrong)
    values = FFidelityPlus(share=0.25, draws=4000).values(sample)
    assert values[classes(sample) == 0].mean().item() == pytest.approx(-0.4, abs=0.02)


def test_both_measures_agree_on_half_of_the_units_in_reverse() -> None:
    images, network = data((3, 4, 4)), two_classes(normal(48))

    def maps(inputs: Tensor, targets: Tensor) -> Tensor:
        return inputs

    plus = FFidelityPlus(share=0.5).values(sample_of(network, maps, images))
    minus = FFidelityMinus(share=0.5).values(sample_of(network, lambda x, y: -maps(x, y), images))
    torch.testing.assert_close(plus, minus)


def test_random_maps_lose_as_much_inside_as_outside() -> None:
    images, network = data((1, 8, 8), 200), two_classes(normal(64), bias=0.0)
    sample = sample_of(network, noise, images)
    difference = FFidelityPlus().values(sample).mean() - FFidelityMinus().values(sample).mean()
    assert abs(float(difference)) < 0.03


def test_the_mean_over_shares_is_taken_unless_one_is_given() -> None:
    sample = pointing(0)
    shares = [FFidelityPlus(share=share).values(sample) for share in (0.1, 0.3, 0.5, 0.7, 0.9)]
    torch.testing.assert_close(FFidelityPlus().values(sample), torch.stack(shares).mean(0))


def test_shares_outside_of_0_to_1_are_refused() -> None:
    with pytest.raises(ValueError, match=r"f_fidelity_plus\[share\] must lie between 0 and 1, got 25"):
        FFidelityPlus(share=25.0)
