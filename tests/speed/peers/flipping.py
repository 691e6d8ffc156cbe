"""Deletion and insertion curves: the probability of the predicted class as pixels turn black, or come back."""

from collections.abc import Iterator
from functools import partial

from roarbench.benchmark.matrix.spec import Unit
from tests.speed.peers import of_quantus
from tests.speed.peers.subject import Row, Site, Subject, subject
from tests.speed.timing import compare

BOUND = 1e-5
"""Most that mean probabilities may differ."""

PEERS = {"deletion": "Quantus, PixelFlipping", "insertion": "Quantus, PixelFlipping that puts back"}

SUBJECTS: dict[str, tuple[str, str, Unit, int]] = {
    "MNIST": ("mnist[train=2000,test=100,validation=0]", "cnn_small", "pixel", 16),
    "CIFAR-10, features": ("cifar10[train=1000,test=100,validation=0]", "cnn_small[width=16]", "feature", 24),
}
"""Quantus flips values, not pixels, and as many as divide the pixels: the units of colour images are features."""


def rows(site: Site) -> Iterator[Row]:
    """Curves of 100 images, on which the network is most of the work."""
    for name, (dataset, classifier, unit, steps) in SUBJECTS.items():
        with subject(site, dataset, classifier, unit=unit) as given:
            for curve in PEERS:
                found = gap(given, curve, steps)
                sides = partial(theirs, given, curve, steps), partial(ours, given, curve, steps)
                work = f"{curve}, {steps} steps, {len(given.data.test)} images of {name}"
                yield Row(work, PEERS[curve], f"{found:.0e}", compare(*sides, turns=site.turns))


def theirs(given: Subject, curve: str, steps: int) -> list[float]:
    """The mean curve by Quantus, without the point before the first step."""
    return getattr(of_quantus, curve)(given, steps)


def ours(given: Subject, curve: str, steps: int) -> list[float]:
    """The mean curve as a run measures it: with accuracy, loss and hits."""
    shares = [step / steps for step in range(1, steps + 1)]
    if curve == "deletion":
        return given.measured(given.cells("zero", shares), "test_target_probability")
    return given.measured(given.cells("zero", [1 - share for share in shares], "lerf"), "test_target_probability")


def gap(given: Subject, curve: str, steps: int) -> float:
    """Largest difference between the two mean curves.

    Raises:
        AssertionError: it is beyond the bound.
    """
    pairs = zip(theirs(given, curve, steps), ours(given, curve, steps), strict=True)
    found = max(abs(one - other) for one, other in pairs)
    assert found <= BOUND, f"{curve} curves are {found:.1e} apart"
    return found
