"""Seconds of the parts of a run, each timed on a few examples; nothing is written, and no split is held as a whole."""

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
from torch.utils.flop_counter import FlopCounterMode

from roarbench.benchmark.attribution.passes import entering
from roarbench.benchmark.attribution.rankings import CHUNK
from roarbench.benchmark.execution.rehearsal import FEW, try_classifier
from roarbench.benchmark.execution.runner import most_replicas
from roarbench.benchmark.matrix.plugins import build
from roarbench.benchmark.matrix.recipe import Recipe
from roarbench.benchmark.matrix.spec import Original, PlugIn, Unit
from roarbench.benchmark.networks import training
from roarbench.benchmark.networks.classifiers import classifier
from roarbench.benchmark.networks.tiny import as_products
from roarbench.benchmark.randomness import generator, seeded
from roarbench.benchmark.removal import fills
from roarbench.benchmark.removal import ranks as removal
from roarbench.datasets.base import Dataset, Split
from roarbench.datasets.statistics import channel_mean
from roarbench.methods.base import Explainer, Skip

LIMIT, PATIENCE = 1.0, 60.0
"""Seconds that one timing may take about, and that an explainer may take in all."""

EXAMPLES, NUMBERS = 1024, 2**26
"""Examples of a sample at most, and numbers of all of them together: a quarter of a gigabyte."""


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

    def num_replicas(self, num_examples: int) -> int:
        """How many networks a run trains side by side on so many examples; see `runner.num_replicas`."""
        device = str(self.split.labels.device)
        if not training.side_by_side(self.network, self.split, self.recipe, device):
            return 1
        return most_replicas(num_examples * self.split.inputs[0].numel(), device)

    def training(self, replicas: int) -> float:
        """Seconds for one image in one epoch of one network, of so many trained side by side."""

        def work(images: int) -> None:
            few, recipe = self._first(images), replace(self.recipe, epochs=1)
            network = copy.deepcopy(self.network)
            if replicas == 1:
                training.train(network, few, recipe, pairing=("cost",))
            else:
                inputs = few.inputs.expand(replicas, *few.inputs.shape)
                training.train_stack(network, inputs, few.labels, recipe, pairing=("cost",))

        return self._seconds(work, least=min(self.recipe.batch_size, len(self.split))) / replicas

    def rate(self) -> float:
        """Floating-point operations a second of a training on this device; a backward pass counts as two forward."""
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            copy.deepcopy(self.network).eval()(self._first(1).inputs)
        return 3 * counter.get_total_flops() / self.training(1)

    def scoring(self) -> float:
        """Seconds for one image scored by a trained network."""
        return self._seconds(lambda images: training.score(self.network, self._first(images)))

    def reducing(self, unit: Unit, fill: PlugIn | None) -> float:
        """Seconds for one image of which half the units are replaced; 0 where the fill does not apply."""
        ranks, replace_by = self._ranks(len(self.split), unit), build(fill, "fill") if fill else fills.zero

        def work(images: int) -> None:
            inputs, kept = self.split.inputs[:images], removal.kept(ranks[:images], removal_fraction=0.5)
            mask = removal.spread(kept, tuple(inputs.shape[1:]))
            removal.remove(inputs, mask, replace_by, channel_mean(inputs), partial(torch.zeros_like, inputs))

        try:
            return self._seconds(work)
        except Skip:
            return 0.0

    def ranking(self, unit: Unit) -> float:
        """Seconds for one image whose attributions are ranked."""
        return self._seconds(lambda images: self._ranks(images, unit))

    def passing(self, source: Explainer) -> Pass:
        """One image explained, and the images that pass the classifier for it."""
        network, entered = copy.deepcopy(self.network).eval(), []  # type: ignore[var-annotated]
        inputs, targets = self.split.inputs[:CHUNK], network(self.split.inputs[:CHUNK]).argmax(1)
        try:
            with _limited(PATIENCE), as_products(network), entering(network, entered.append):
                preparing, attribute = self._timed(lambda: source.prepare(network, self.split))
                entered.clear()
                attribute(inputs[:1], targets[:1])
                passes = float(sum(entered))
                seconds = self._seconds(lambda images: attribute(inputs[:images], targets[:images]), len(inputs))
            return Pass(passes, seconds, preparing)
        except Skip as skip:
            return Pass(applies=False, note=f"does not apply: {skip}")
        except _TooLong:
            return Pass(None, 0.0, PATIENCE, note=f"at least: stopped after {PATIENCE:g} s")
        except (Exception, SystemExit) as error:  # it may be the user's; in a run this marks its own cells only
            return Pass(applies=False, note=f"fails: {error}".partition("\n")[0])

    def _seconds(self, work: Callable[[int], object], most: int | None = None, *, least: int = 1) -> float:
        """Seconds for one image of work on more and more images, while that is quick; the median of what fits in."""
        images, most = least, most or len(self.split)
        work(images)  # the first call of anything is slow
        seconds, _ = self._timed(lambda: work(images))
        while images < most and 4 * seconds < LIMIT:
            images = min(most, 4 * images)
            seconds, _ = self._timed(lambda: work(images))  # noqa: B023  (called at once)
        repeated = [seconds, *(self._timed(lambda: work(images))[0] for _ in range(min(4, int(LIMIT / seconds))))]
        return statistics.median(repeated) / images

    def _timed(self, work: Callable[[], Any]) -> tuple[float, Any]:
        device = self.split.inputs.device
        start = _clock(device)
        result = work()
        return _clock(device) - start, result

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
    split = data.train.at(torch.arange(min(len(data.train), EXAMPLES, max(2, fits))))
    split = replace(split, inputs=split.inputs.to(device), labels=split.labels.to(device))
    few = split.at(torch.arange(min(FEW, len(split))))
    try_classifier(specification.classifier, specification.recipe, data, few, specification.dataset)
    with seeded("cost"):
        network = classifier(specification.classifier, split.inputs, data.num_classes).to(device)
    return Sample(specification.recipe, split, network.eval())


def _clock(device: torch.device) -> float:
    """Seconds that the device worked: on a CPU of this process, whatever else runs there; a GPU is awaited."""
    if device.type == "cpu":
        return time.process_time()
    torch.cuda.synchronize(device)
    return time.perf_counter()


class _TooLong(BaseException):
    """The work did not come to its end in time."""


@contextmanager
def _limited(seconds: float) -> Iterator[None]:
    """Ends the block with `_TooLong` after so many seconds of the clock."""

    def end(_: int, __: FrameType | None) -> None:
        raise _TooLong

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
