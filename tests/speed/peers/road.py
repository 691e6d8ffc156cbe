"""ROAD (Rong et al. 2022, arXiv:2202.00449): the trained network on images whose pixels are imputed by neighbours."""

from collections.abc import Iterator
from functools import partial

import torch

from tests.speed.peers import of_grad_cam, of_quantus
from tests.speed.peers.subject import Row, Site, Subject, subject
from tests.speed.timing import compare

FRACTIONS = tuple(eighth / 8 for eighth in range(1, 8))
"""Whole numbers of the pixels of images of 8x8, 28x28 and 32x32, which nobody rounds."""

BOUND = 1e-4
"""Most that imputed values may differ, of images in [0, 1]: what `impute` promises."""

SUBJECTS = {
    "MNIST": ("mnist[train=2000,test=100,validation=0]", "cnn_small"),
    "CIFAR-10": ("cifar10[train=1000,test=100,validation=0]", "cnn_small[width=16]"),
}


def rows(site: Site) -> Iterator[Row]:
    """Seven removal fractions of 100 images, noise drawn, network included."""
    for name, (dataset, classifier) in SUBJECTS.items():
        with subject(site, dataset, classifier) as given:
            work = f"ROAD, 7 fractions, {len(given.data.test)} images of {name}"
            if given.data.feature_shape[0] == 1:
                gap, theirs = gap_to_quantus(given), partial(of_quantus.road, given, FRACTIONS)
                yield Row(work, "Quantus", f"{gap:.0e}", compare(theirs, partial(ours, given), turns=site.turns))
            gap, theirs = gap_to_grad_cam(given), partial(of_grad_cam.road, given, FRACTIONS)
            yield Row(work, "pytorch-grad-cam", f"{gap:.0e}", compare(theirs, partial(ours, given), turns=site.turns))


def ours(given: Subject) -> list[float]:
    """Accuracy at each removal fraction, as a run measures it: with losses, probabilities and hits."""
    return given.measured(given.cells("noisy_linear", FRACTIONS), "test_accuracy")


def gap_to_quantus(given: Subject) -> float:
    """Largest difference between imputed values, without noise.

    Raises:
        AssertionError: it is beyond the bound, or an accuracy differs.
    """
    cells, images = given.cells("noisy_linear[noise=0]", FRACTIONS), of_quantus.imputed(given, FRACTIONS)
    gap = max(_apart(given.images(cell), image) for cell, image in zip(cells, images, strict=True))
    assert gap <= BOUND, f"imputed images are {gap:.1e} apart"
    assert given.measured(cells, "test_accuracy") == of_quantus.road(given, FRACTIONS, noise=0.0)
    return gap


def gap_to_grad_cam(given: Subject) -> float:
    """Largest difference between imputed values, without noise.

    Raises:
        AssertionError: it is beyond the bound, or mean probabilities are further apart than 1e-3.
    """
    cells, gap = given.cells("noisy_linear[noise=0]", FRACTIONS), 0.0
    probabilities = given.measured(cells, "test_target_probability")
    for cell, probability in zip(cells, probabilities, strict=True):
        theirs, images = of_grad_cam.imputed(given, cell.removal_fraction)
        gap = max(gap, _apart(given.images(cell), images))
        assert abs(theirs - probability) <= 1e-3, f"probabilities are {theirs} and {probability}"
    assert gap <= BOUND, f"imputed images are {gap:.1e} apart"
    return gap


def _apart(one: torch.Tensor, other: torch.Tensor) -> float:
    return (one.cpu() - other).abs().max().item()
