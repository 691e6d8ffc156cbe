"""RISE re-derived with masks of its own, and what it gives on linear models."""

import pytest
import torch
import torch.nn.functional as F

from roarbench.methods.rise import Rise, masks
from tests.methods.networks import convolutional, linear, split

TARGETS = torch.tensor([0, 1, 2])
IMAGES, ROWS = split((2, 8, 8)), split((6,))


def test_rise_is_the_mean_of_masks_weighted_by_logits() -> None:
    classifier, inputs = convolutional(2), IMAGES.inputs[:3]
    torch.manual_seed(0)
    ours = Rise(samples=20, share=0.4).prepare(classifier, IMAGES)(inputs, TARGETS)
    torch.manual_seed(0)
    total = torch.zeros(3, 2, 8, 8)
    for mask in masks(20, 7, 0.4, (2, 8, 8)):
        for example, target in enumerate(TARGETS.tolist()):
            with torch.no_grad():
                logit = classifier(inputs[example : example + 1] * mask)[0, target]
            total[example] += logit * mask
    torch.testing.assert_close(ours, total / (20 * 0.4), rtol=1e-4, atol=1e-6)


def test_a_mask_is_a_shifted_piece_of_cells_that_are_enlarged() -> None:
    torch.manual_seed(0)
    (ours,) = masks(1, 3, 0.5, (1, 12, 12))
    torch.manual_seed(0)
    cells = (torch.rand(1, 1, 4, 4) < 0.5).float()
    top, left = int(torch.randint(4, ())), int(torch.randint(4, ()))
    large = F.interpolate(cells, scale_factor=4, mode="bilinear")[0, 0]
    assert torch.equal(ours, large[top : top + 12, left : left + 12])


@pytest.mark.parametrize("shape", [(3, 8, 8), (1, 28, 28), (1, 5, 9), (1, 2, 2), (6,)])
def test_masks_lie_in_the_unit_interval_and_show_their_share(shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    drawn = torch.stack(list(masks(400, 7, 0.3, shape)))
    assert drawn.shape[1:] == (shape if len(shape) == 1 else shape[1:])
    assert drawn.min() >= 0 and drawn.max() <= 1
    assert drawn.mean().item() == pytest.approx(0.3, abs=0.05)


def test_on_rows_a_linear_model_gives_its_effects_up_to_a_constant() -> None:
    """E[logit m_i] / p = constant + (1 - p) w_i x_i where features are hidden one by one."""
    classifier, rows = linear((6,)), ROWS.inputs[:3]
    torch.manual_seed(0)
    ours = Rise(samples=6000, share=0.5).prepare(classifier, ROWS)(rows, TARGETS)
    effects = classifier[2].weight.detach()[TARGETS] / 0.3 * rows * 0.5
    centred = (ours - ours.mean(1, keepdim=True), effects - effects.mean(1, keepdim=True))
    torch.testing.assert_close(*centred, rtol=0, atol=0.05)


@pytest.mark.parametrize(("field", "value"), [("samples", 0), ("cells", 1), ("share", 0.0), ("share", 1.0)])
def test_nonsense_is_refused(field: str, value: float) -> None:
    with pytest.raises(ValueError, match=rf"rise\[{field}\] must .+ got {value:g}"):
        Rise(**{field: value})  # type: ignore[arg-type]
