"""SmoothGrad, its kin and integrated gradients against Captum: the same noise, steps and rule."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial

import captum.attr
import torch
from jaxtyping import Float
from torch import Tensor

from roarbench.benchmark.randomness import seeded
from roarbench.datasets.base import Split
from roarbench.methods.ensembles import NoisyMoments, SmoothGrad
from roarbench.methods.gradient import IntegratedGradients
from tests.speed.peers.subject import Row, Site, Subject, subject
from tests.speed.timing import compare

KINDS = ("smoothgrad", "smoothgrad_sq", "vargrad")
SAMPLES, NOISE, STEPS = 15, 0.15, 25

BOUND = 1e-4
"""Most that maps may differ, as a share of their largest value."""

SUBJECTS = {
    "MNIST": ("mnist[train=2000,test=256,validation=0]", "cnn_small", (16, 64, 256)),
    "CIFAR-10": ("cifar10[train=1000,test=64,validation=0]", "cnn_small[width=16]", (16, 64)),
}

Maps = list[Float[Tensor, "b *feature"]]


def rows(site: Site) -> Iterator[Row]:
    """Each size beside Captum with all samples in one batch, which is its default, and with one at a time."""
    for name, (dataset, classifier, sizes) in SUBJECTS.items():
        on_cpu = replace(site, device="cpu")  # elsewhere Captum draws other noise
        with subject(site, dataset, classifier) as given, subject(on_cpu, dataset, classifier) as twin:
            for size in sizes:
                few, checked = (stretched(one.data.test.at(torch.arange(size))) for one in (given, twin))
                for (work, whole, *both), (_, _, *same) in zip(sides(given, few), sides(twin, checked), strict=True):
                    gap, way = apart(work, *same, checked, whole=whole), "all at once" if whole else "one at a time"
                    ratio = compare(*(partial(side, few) for side in both), turns=site.turns)
                    yield Row(f"{work}, {size} images of {name}", f"Captum, {way}", f"{gap:.0e}", ratio)


def stretched(split: Split) -> Split:
    """Images that reach from 0 to 1: Captum scales the noise of all by one number, ours by the range of each."""
    flat = split.inputs.flatten(1)
    low, high = (flat.aminmax(dim=1)[end].view(-1, 1, 1, 1) for end in (0, 1))
    return Split((split.inputs - low) / (high - low), split.labels)


Side = Callable[[Split], Maps]


def sides(given: Subject, few: Split) -> Iterator[tuple[str, bool, Side, Side]]:
    """What is computed, whether Captum puts all samples into one batch, and the two sides."""
    single = SmoothGrad(samples=SAMPLES, noise=NOISE).prepare(given.network, given.data.train)
    shared = NoisyMoments(samples=SAMPLES, noise=NOISE).prepare(given.network, given.data.train)
    integrated = IntegratedGradients(STEPS).prepare(given.network, given.data.train)
    for whole in (True, False):
        batch = None if whole else 1
        one, three = (partial(tunnelled, given, kinds=kinds, batch=batch) for kinds in (KINDS[:1], KINDS))
        yield "SmoothGrad", whole, one, lambda split: [drawn(single, split)]
        yield "SmoothGrad, its square and VarGrad", whole, three, lambda split: moments(drawn(shared, split))
        path = partial(along_the_path, given, batch=None if whole else len(few))
        yield "integrated gradients", whole, path, lambda split: [integrated(split.inputs, split.labels)]


def drawn(attribute: Callable[[Tensor, Tensor], Tensor], split: Split) -> Tensor:
    """Attributions from noise that is the same at every call."""
    with seeded("peers"):
        return attribute(split.inputs, split.labels)


def moments(passed: Float[Tensor, "b 2 *feature"]) -> Maps:
    """The three maps that come out of one pass."""
    mean, variance = passed.unbind(1)
    return [mean, variance + mean.square(), variance]


def tunnelled(given: Subject, split: Split, *, kinds: Sequence[str], batch: int | None) -> Maps:
    """Captum's maps, each by a call of its own and from the same noise."""
    tunnel = captum.attr.NoiseTunnel(captum.attr.Saliency(given.network))
    noisy = {"nt_samples": SAMPLES, "nt_samples_batch_size": batch, "stdevs": NOISE}
    maps = []
    for kind in kinds:
        with seeded("peers"):
            maps += [tunnel.attribute(split.inputs, target=split.labels, nt_type=kind, abs=False, **noisy)]
    return maps


def along_the_path(given: Subject, split: Split, *, batch: int | None) -> Maps:
    """Captum's integrated gradients by the rule of ours: the end of every step."""
    rule = {"n_steps": STEPS, "method": "riemann_right", "internal_batch_size": batch}
    return [captum.attr.IntegratedGradients(given.network).attribute(split.inputs, target=split.labels, **rule)]


def apart(work: str, theirs: Side, ours: Side, few: Split, *, whole: bool) -> float:
    """Largest difference between maps of the two sides, as a share of the largest value of a map.

    Where Captum draws the noise of all samples at once, that of an image is ours only if it is alone.

    Raises:
        AssertionError: it is beyond the bound.
    """
    alone = [few.at(torch.tensor([index])) for index in range(min(4, len(few)))]
    pairs = [pair for part in (alone if whole else [few]) for pair in zip(theirs(part), ours(part), strict=True)]
    gap = max(((one - other).abs().max() / other.abs().max()).item() for one, other in pairs)
    assert gap <= BOUND, f"{work}: maps are {gap:.1e} apart"
    return gap
