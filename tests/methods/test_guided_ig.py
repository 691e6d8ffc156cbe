"""Guided integrated gradients: walked feature by feature, complete, and plain on straight lines and linear models."""

import math

import pytest
import torch
from torch import Tensor, nn

from roarbench.methods.gradient import Gradient, InputXGradient
from roarbench.methods.guided_ig import GuidedIg
from tests.methods.networks import Standardise, convolutional, linear, split, tabular

TARGETS = torch.tensor([0, 1, 2])
IMAGES, ROWS = split((1, 8, 8)), split((6,))


def walked(classifier: nn.Module, end: Tensor, target: int, explainer: GuidedIg) -> Tensor:
    """One row at a time, with lists of features: the authors' algorithm."""
    features = range(len(end))
    point, total = [0.0] * len(end), [0.0] * len(end)
    goal = end.double().tolist()
    for step in range(1, explainer.steps + 1):
        progress = step / explainer.steps
        at = torch.tensor(point, dtype=torch.float64).float()[None]
        steep = Gradient().prepare(classifier, ROWS)(at, torch.tensor([target]))[0].tolist()
        least, most = max(progress - explainer.max_distance, 0), min(progress + explainer.max_distance, 1)
        before, remaining = list(point), sum(goal) * (1 - progress)
        point = [max(x, g * least) for x, g in zip(point, goal, strict=True)]
        while sum(g - x for x, g in zip(point, goal, strict=True)) - remaining > 1e-9:
            free = sorted((abs(steep[i]), i) for i in features if point[i] != goal[i] * most)
            chosen = [i for _, i in free[: math.floor(explainer.fraction * (len(end) - 1)) + 1]]
            reach = sum(goal[i] * most - point[i] for i in chosen)
            share = min(1.0, (sum(goal) - sum(point) - remaining) / reach)
            for i in chosen:
                point[i] = goal[i] * most if share == 1 else point[i] + share * (goal[i] * most - point[i])
        total = [t + (x - b) * s for t, x, b, s in zip(total, point, before, steep, strict=True)]
    return torch.tensor(total)


@pytest.mark.parametrize("explainer", [GuidedIg(9), GuidedIg(5, 0.6), GuidedIg(8, 0.1), GuidedIg(6, 0.4, 0.2)])
def test_guided_ig_is_a_walk_feature_by_feature(explainer: GuidedIg) -> None:
    classifier, rows = tabular(), ROWS.inputs[:3]
    ours = explainer.prepare(classifier, ROWS)(rows, TARGETS)
    for example, target in enumerate(TARGETS.tolist()):
        expected = walked(classifier, rows[example], target, explainer)
        torch.testing.assert_close(ours[example], expected, rtol=1e-4, atol=1e-6)


def test_on_a_smooth_network_it_sums_to_the_difference_from_black() -> None:
    torch.manual_seed(0)
    layers = [nn.Conv2d(1, 4, 3), nn.Tanh(), nn.Flatten(), nn.Linear(144, 8), nn.Tanh(), nn.Linear(8, 3)]
    classifier, inputs = nn.Sequential(Standardise(), *layers).eval(), IMAGES.inputs[:3]
    ours = GuidedIg(steps=400).prepare(classifier, IMAGES)(inputs, TARGETS)
    with torch.no_grad():
        difference = (classifier(inputs) - classifier(torch.zeros_like(inputs))).gather(1, TARGETS[:, None])[:, 0]
    torch.testing.assert_close(ours.flatten(1).sum(1), difference, rtol=0.02, atol=0.002)


@pytest.mark.parametrize("fraction", [0.05, 0.25, 1.0])
def test_on_a_linear_model_every_path_gives_input_times_gradient(fraction: float) -> None:
    classifier, inputs = linear((1, 8, 8)), IMAGES.inputs[:3]
    ours = GuidedIg(7, fraction).prepare(classifier, IMAGES)(inputs, TARGETS)
    torch.testing.assert_close(ours, InputXGradient().prepare(classifier, IMAGES)(inputs, TARGETS))


def test_without_distance_the_path_is_the_straight_line() -> None:
    classifier, inputs = convolutional(1), IMAGES.inputs[:3]
    ours = GuidedIg(4, max_distance=0.0).prepare(classifier, IMAGES)(inputs, TARGETS)
    gradient = Gradient().prepare(classifier, IMAGES)
    left = torch.stack([gradient(inputs * step / 4, TARGETS) for step in range(4)]).mean(0)
    torch.testing.assert_close(ours, inputs * left, rtol=1e-4, atol=1e-6)


def test_black_images_and_black_pixels_score_zero() -> None:
    classifier, inputs = convolutional(1), IMAGES.inputs[:3].clone()
    inputs[0], inputs[1, :, 2:5] = 0.0, 0.0
    ours = GuidedIg(5).prepare(classifier, IMAGES)(inputs, TARGETS)
    assert ours.isfinite().all() and not ours[inputs == 0].any() and ours[2].all()


@pytest.mark.parametrize(
    ("field", "value"), [("steps", 0), ("fraction", 0.0), ("fraction", 1.5), ("max_distance", -0.1)]
)
def test_nonsense_is_refused(field: str, value: float) -> None:
    with pytest.raises(ValueError, match=rf"guided_ig\[{field}\] must .+ got {value:g}"):
        GuidedIg(**{field: value})  # type: ignore[arg-type]
