"""Seconds of the parts of a run, timed on a few examples; nothing is written, and no split is held as a whole."""

import copy
import math
import signal
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from types import FrameType
from typing import Any

import torch
from torch import nn

from roarbench.benchmark.attribution.passes import entering
from roarbench.benchmark.attribution.rankings import CHUNK
from roarbench.benchmark.execution.rehearsal import FEW, try_classifier
from roarbench.benchmark.execution.runner import most_replicas
from roarbench.benchmark.matrix.plugins import build
from roarbench.benchmark.matrix.recipe import Recipe
from roarbench.benchmark.matrix.spec import Original, PlugIn, Unit
from roarbench.benchmark.networks import training
from roarbench.benchmark.networks.classifiers import Standardize, classifier
from roarbench.benchmark.networks.tiny import as_products
from roarbench.benchmark.randomness import generator, seeded
from roarbench.benchmark.removal import fills
from roarbench.benchmark.removal import ranks as removal
from roarbench.datasets.base import Dataset, Split
from roarbench.methods.base import Explainer, Skip

LIMIT, STEP_LIMIT, PATIENCE = 1.0, 8.0, 30.0
"""Seconds that one timing may take, that a step of training may take, and that preparing an explainer may take."""

EXAMPLES, NUMBERS = 1024, 2**26
"""Examples of a sample at most, and numbers of all of them together: a quarter of a gigabyte."""

PASS_IN_SCORES = 4
"""An image forward and backward takes no longer than so many forward; only chooses how many images are timed."""


@dataclass(frozen=True)
class Rate:
    """How long one image takes.

    Attributes:
        seconds: of one image.
        images: how many were timed together.
    """

    seconds: float
    images: int


@dataclass(frozen=True)
class Pass:
    """What one source of attributions takes; None where that could not be found out.

    Attributes:
        passes: images that go through the classifier for each image that is explained.
        seconds: of one image, the passes and all else.
        preparing: seconds of `prepare`.
        applies: whether cells of it would be measured; False where it does not fit or fails.
        note: why something is missing.
    """

    passes: float | None = None
    seconds: float | None = None
    preparing: float = 0.0
    applies: bool = True
    note: str = ""


@dataclass(frozen=True)
class Sample:
    """A few training examples on the device, and a network for them that was never trained."""

    recipe: Recipe
    split: Split
    network: nn.Module
    num_classes: int

    @property
    def device(self) -> torch.device:
        return self.split.inputs.device

    def num_replicas(self, num_examples: int) -> int:
        """How many networks a run trains side by side on so many examples; see `runner.num_replicas`."""
        if not training.stacks(self.network, self.split, self.recipe):
            return 1
        return most_replicas(num_examples * self.split.inputs[0].numel())

    def training(self, replicas: int, epochs_of: int) -> Rate:
        """One image in one epoch of one network, of so many trained side by side.

        Args:
            epochs_of: training examples of an epoch; no more images are timed than a training sees.
        """

        def work(images: int) -> int:
            few = self._first(min(images, len(self.split)))
            recipe = replace(self.recipe, epochs=max(1, images // len(few)))
            network = copy.deepcopy(self.network)
            if replicas == 1:
                training.train(network, few, recipe, pairing=("cost",))
            else:
                inputs = few.inputs.expand(replicas, *few.inputs.shape)
                training.train_stack(network, inputs, few.labels, recipe, pairing=("cost",))
            return len(few) * recipe.epochs * replicas

        solved = self.recipe.optimiser == "least_squares"  # no epochs; its time grows with the examples
        most = min(epochs_of, len(self.split)) if solved else epochs_of * self.recipe.epochs
        return _rate(work, most, self.device, step=self.recipe.batch_size)

    def scoring(self) -> Rate:
        """One image scored by a trained network."""
        return _rate(lambda images: training.score(self.network, self._first(images)), len(self.split), self.device)

    def reducing(self, unit: Unit, fill: PlugIn | None) -> Rate:
        """One image of which half the units are replaced; none for a probe of masks, or a fill that does not apply."""
        ranks = self._ranks(len(self.split), unit)
        replace_by = build(fill, "fill") if fill else fills.zero

        def work(images: int) -> None:
            inputs, mask = self.split.inputs[:images], removal.kept(ranks[:images], removal_fraction=0.5)
            removal.remove(inputs, mask, replace_by, removal.training_mean(inputs), partial(torch.zeros_like, inputs))

        try:
            return _rate(work, len(self.split), self.device)
        except Skip:
            return Rate(0.0, 0)

    def ranking(self, unit: Unit) -> Rate:
        """One image whose attributions are ranked."""
        return _rate(lambda images: self._ranks(images, unit), min(len(self.split), CHUNK), self.device)

    def passing(self, source: Explainer, scoring: Rate) -> Pass:
        """One image explained; only a part of its passes where these take long, all of them counted on a stand-in."""
        affordable = max(1, int(LIMIT / (PASS_IN_SCORES * scoring.seconds)))
        chunk = next(self.split.chunks(min(CHUNK, affordable)))
        network = copy.deepcopy(self.network).eval()
        targets = network(chunk.inputs).argmax(1)
        try:
            with _limited(PATIENCE), as_products(network), _metered(network, self.device) as meter:
                preparing, attribute = _timed(lambda: source.prepare(network, self.split), self.device)
                meter.run(lambda: attribute(chunk.inputs, targets), LIMIT)
                if not meter.cut and meter.seconds < LIMIT / 4:  # the first call of anything is slow
                    meter.run(lambda: attribute(chunk.inputs, targets), math.inf)
            if not meter.cut:
                return Pass(meter.images / len(targets), meter.seconds / len(targets), preparing)
        except Skip as skip:
            return Pass(applies=False, note=f"does not apply: {skip}")
        except _TooLong:
            return Pass(None, 0.0, PATIENCE, note="at least: preparing was stopped")
        except (Exception, SystemExit) as error:  # it may be the user's; in a run this marks its own cells only
            return Pass(applies=False, note=f"fails: {error}".partition("\n")[0])
        try:
            passes = self.num_passes(source)
        except (Exception, SystemExit) as error:  # it needs a layer that only the real classifier has
            return Pass(note=f"not measured: its passes cannot be counted ({error})".partition("\n")[0])
        return Pass(passes, passes * meter.seconds / meter.images, preparing)

    def num_passes(self, source: Explainer) -> float:
        """Images that pass the classifier for each that is explained, counted on a classifier that costs nothing."""
        few = self._first(2)
        network = _stand_in(few, self.num_classes).to(self.device).eval()
        with _metered(network, self.device) as meter:
            attribute = source.prepare(network, few)
            meter.run(lambda: attribute(few.inputs, few.labels), math.inf)
        return meter.images / len(few)

    def _first(self, images: int) -> Split:
        return replace(self.split, inputs=self.split.inputs[:images], labels=self.split.labels[:images])

    def _ranks(self, images: int, unit: Unit) -> torch.Tensor:
        ties = generator("cost")
        return removal.rank(self.split.inputs[:images], unit=unit, magnitude=True, generator=ties)


def sample(data: Dataset, specification: Original, device: str) -> Sample:
    """A few examples of a data set, and a fresh network of a specification.

    Raises:
        ValueError: the classifier cannot be trained on these data.
    """
    fits = NUMBERS // math.prod(data.feature_shape)
    index = torch.arange(min(len(data.train), EXAMPLES, max(2, fits)))
    split = data.train.at(index)
    split = replace(split, inputs=split.inputs.to(device), labels=split.labels.to(device))
    few = split.at(torch.arange(min(FEW, len(split))))
    try_classifier(specification.classifier, specification.recipe, data, few, specification.dataset)
    with seeded("cost"):
        network = classifier(specification.classifier, split.inputs, data.num_classes).to(device)
    return Sample(specification.recipe, split, network.eval(), data.num_classes)


def _rate(work: Callable[[int], object], most: int, device: torch.device, *, step: int = 0) -> Rate:
    """Times work on more and more images, while that is quick, up to `most`; the median of what fits into the limit.

    Args:
        work: does its part on so many images, and may return how many it really took.
        step: images of one step; with fewer, what a step costs by itself would weigh too much.
    """
    images = min(2, most)
    work(images)  # the first call of anything is slow
    seconds, took = _timed(lambda: work(images), device)
    while images < most and 4 * seconds < (STEP_LIMIT if images < step else LIMIT):
        images = min(most, 4 * images)
        seconds, took = _timed(lambda: work(images), device)  # noqa: B023  (called at once)
    repeated = [seconds, *(_timed(lambda: work(images), device)[0] for _ in range(min(4, int(LIMIT / seconds))))]
    counted = took if isinstance(took, int) else images
    return Rate(statistics.median(repeated) / counted, images)


def _timed(work: Callable[[], Any], device: torch.device) -> tuple[float, Any]:
    started = _clock(device)
    result = work()
    return _clock(device) - started, result


def _clock(device: torch.device) -> float:
    """Seconds that the device worked: on a CPU of this process, whatever else runs there; a GPU is awaited."""
    if device.type == "cpu":
        return time.process_time()
    torch.cuda.synchronize(device)
    return time.perf_counter()


@dataclass
class _Meter:
    """Counts the images that pass a network, and stops work before the first pass beyond a limit.

    Attributes:
        images: that entered it.
        seconds: that they took, and all between them.
        cut: whether the work was stopped.
    """

    device: torch.device
    images: int = 0
    seconds: float = 0.0
    cut: bool = False
    limit: float = math.inf
    started: float = 0.0

    def run(self, work: Callable[[], object], limit: float) -> None:
        """Does the work, at most as many seconds as the limit and one pass."""
        self.images, self.limit, self.started = 0, limit, _clock(self.device)
        try:
            work()
        except _Enough:
            self.cut = True
        self.seconds = _clock(self.device) - self.started

    def enter(self, images: int) -> None:
        """Notes images that begin a pass, or stops the work there."""
        if self.images and _clock(self.device) - self.started > self.limit:
            raise _Enough
        self.images += images


class _Enough(BaseException):
    """Enough passes were timed."""


class _TooLong(BaseException):
    """The work did not come to its end in time."""


@contextmanager
def _metered(network: nn.Module, device: torch.device) -> Iterator[_Meter]:
    """Meters a network and its copies."""
    meter = _Meter(device)
    with entering(network, meter.enter):
        yield meter


@contextmanager
def _limited(seconds: float) -> Iterator[None]:
    """Ends the block with `_TooLong` after so many seconds of this process, or twice as many of the clock."""

    def end(_: int, __: FrameType | None) -> None:
        raise _TooLong

    timers = ((signal.SIGPROF, signal.ITIMER_PROF, seconds), (signal.SIGALRM, signal.ITIMER_REAL, 2 * seconds))
    before = [signal.signal(name, end) for name, _, _ in timers]
    try:
        for _, timer, least in timers:
            signal.setitimer(timer, least)
        yield
    finally:
        for (name, timer, _), handler in zip(timers, before, strict=True):
            signal.setitimer(timer, 0)
            signal.signal(name, handler)


def _stand_in(split: Split, num_classes: int) -> nn.Module:
    """A classifier of almost no cost for examples of this shape; of two convolutions, as Grad-CAM needs one inside."""
    width = split.inputs.shape[1]
    if split.inputs.ndim == 4:
        convolutions = [nn.Conv2d(width, 2, 1), nn.ReLU(), nn.Conv2d(2, 2, 1), nn.ReLU()]
        layers = [*convolutions, nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    else:
        layers = [nn.Linear(width, 2), nn.ReLU()]
    return nn.Sequential(Standardize(split), *layers, nn.Linear(2, num_classes))
