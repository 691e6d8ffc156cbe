"""Random masks: shares from 0 to 1, scattered or in blobs."""

import pytest
import torch

from roarbench.hns.random_masks import hiding, random_masks


def changes(masks: torch.Tensor) -> float:
    """Share of neighbours beside each other of which one is kept and one hidden."""
    return float((masks[..., 1:] != masks[..., :-1]).double().mean())


@pytest.mark.parametrize("units", [(1, 28, 28), (3, 8, 12), (7,)])
def test_shares_are_uniform(units: tuple[int, ...]) -> None:
    masks = random_masks(4000, units, torch.Generator().manual_seed(0))
    shares = masks.flatten(1).double().mean(1)
    assert masks.shape == (4000, *units)
    assert abs(shares.mean() - 0.5) < 0.02
    assert abs(shares.std() - 12**-0.5) < 0.05


def test_blobs_hang_together() -> None:
    scattered = random_masks(400, (1, 28, 28), torch.Generator().manual_seed(0), blobs=0.0)
    blobs = random_masks(400, (1, 28, 28), torch.Generator().manual_seed(0), blobs=1.0)
    assert changes(blobs) < changes(scattered) / 3


def test_draws_depend_on_the_generator_alone() -> None:
    first, second = (random_masks(5, (1, 9, 9), torch.Generator().manual_seed(3)) for _ in range(2))
    assert first.equal(second)


def test_exactly_the_share_is_hidden() -> None:
    scores = torch.rand(3, 1, 10, 10, generator=torch.Generator().manual_seed(0))
    masks = hiding(scores, torch.tensor([0.0, 0.25, 1.0]))
    assert masks.flatten(1).sum(1).tolist() == [100, 75, 0]
    assert (scores[1][masks[1]].min() > scores[1][~masks[1]].max()).item()
