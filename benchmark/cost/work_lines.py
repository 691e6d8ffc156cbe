"""What a matrix would take, before it is run: passes, trainings and bytes counted, seconds measured on a sample."""

import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from torch import nn
from tqdm import tqdm

from roarbench.benchmark.cost.sample import Pass, Sample, sample
from roarbench.benchmark.execution import runner
from roarbench.benchmark.execution.rehearsal import loaded
from roarbench.benchmark.execution.runner import Workplace
from roarbench.benchmark.matrix import work
from roarbench.benchmark.matrix.copies import copies
from roarbench.benchmark.matrix.plugins import build
from roarbench.benchmark.matrix.spec import Cell, Original, PlugIn, Ranking, Unit
from roarbench.benchmark.matrix.work import Chain, Group
from roarbench.benchmark.measures.sample import IMAGES, PERTURBATIONS
from roarbench.benchmark.networks.precision import exact
from roarbench.benchmark.randomness import seeded
from roarbench.benchmark.results.artefacts import rank_dtype
from roarbench.benchmark.results.provenance import provenance
from roarbench.datasets.base import Dataset
from roarbench.datasets.download import offline
from roarbench.methods.base import Explainer, source_of

METRICS_BYTES, PAGE_BYTES = 400, 4096
"""Scores of a cell as they are stored, and a page of the database: a row is larger than half of one."""


@dataclass(frozen=True)
class Line:
    """Work of one kind.

    Attributes:
        count: how many times it is done.
        seconds: of one time on one device; None where that is not known.
        together: how many times are one piece of work, which one device does.
        note: what a reader must know of the number.
    """

    what: str
    count: int
    seconds: float | None
    together: int = 1
    note: str = ""

    @property
    def total(self) -> float:
        """Seconds of all, as far as they are known."""
        return self.count * (self.seconds or 0.0)


@dataclass(frozen=True)
class Cost:
    """What the cells of one data set, classifier and recipe take.

    Attributes:
        passes: images that pass the classifier for each image that is explained, by all explainers of one network.
        alone: the same if each explainer worked by itself.
        skipped: cells that would repeat others.
        ranks: bytes of the rank maps of each pass over the data.
        weights: bytes of the stored networks.
        trainings: originals, and networks retrained or scored on reduced inputs.
        rankings: passes over the data, dearest first.
    """

    title: str
    passes: float
    alone: float
    skipped: int
    ranks: tuple[int, ...]
    weights: int
    trainings: tuple[Line, ...]
    rankings: tuple[Line, ...]

    @property
    def lines(self) -> tuple[Line, ...]:
        """All of its work."""
        return self.trainings + self.rankings


@dataclass(frozen=True)
class Absent:
    """Cells whose data cannot be loaded: what they take cannot be told."""

    title: str
    reason: str


def costs(cells: list[Cell], place: Workplace) -> list[Cost | Absent]:
    """What cells take, by data set, classifier and recipe. Writes and downloads nothing; takes about a minute.

    Raises:
        ValueError: a classifier or recipe that does not fit the data.
    """
    exact()
    here = replace(place, load=lru_cache(maxsize=1)(_load))  # classifiers of one data set follow each other
    alike: dict[Original, list[Cell]] = {}
    for cell in cells:
        alike.setdefault(replace(cell.training, seed=0), []).append(cell)
    return [_cost(kind, part, here) for kind, part in alike.items()]


def rank_bytes(rankings: Iterable[Ranking], data: Dataset) -> int:
    """Bytes of the rank maps of all splits."""
    return sum(_rank_bytes(ranking, data.feature_shape) for ranking in rankings) * _num_examples(data)


def network_bytes(network: nn.Module) -> int:
    """Bytes of weights and buffers."""
    return sum(value.numel() * value.element_size() for value in network.state_dict().values())


def row_bytes(cells: list[Cell], device: str) -> int:
    """Bytes of the rows of cells, about: what identifies them, scores, and where they come from, in whole pages."""
    rest = len(json.dumps(provenance(device))) + METRICS_BYTES
    return sum(PAGE_BYTES * math.ceil((len(json.dumps(asdict(cell))) + rest) / PAGE_BYTES) for cell in cells)


def _load(dataset: PlugIn, seed: int, data_root: Path) -> Dataset:
    with offline():
        return loaded(dataset, data_root, seed)


def _cost(kind: Original, cells: list[Cell], place: Workplace) -> Cost | Absent:
    title = f"{kind.dataset.text}, {kind.classifier.text}"
    try:
        data = place.load(*runner.data_of(kind), place.data_root)
    except (ValueError, OSError) as error:
        return Absent(title, str(error))
    repeated = copies(cells, {kind.dataset: data.feature_shape})
    cells = [cell for cell in cells if cell not in repeated]
    with seeded("cost"):
        few = sample(data, kind, place.device)
        replicas = few.num_replicas(len(data.train))
        measured = _Measured(kind, data, few, replicas, work.groups(cells), work.chains(cells))
        shared, alone = measured.passes()
        return Cost(
            title=f"{title}: {_extent(data)}",
            passes=shared,
            alone=alone,
            skipped=len(repeated),
            ranks=tuple(rank_bytes(group.rankings, data) for group in measured.wanted if group.rankings),
            weights=network_bytes(few.network) * len(work.trainings(cells)),
            trainings=(*measured.trainings(len(work.trainings(cells))), *measured.steps()),
            rankings=tuple(measured.rankings()),
        )


class _Measured:
    """Seconds of all that the cells of one data set, classifier and recipe need.

    Attributes:
        wanted: the groups that will be measured: explainers that do not apply are left out.
    """

    def __init__(
        self, kind: Original, data: Dataset, few: Sample, replicas: int, groups: list[Group], chains: list[Chain]
    ) -> None:
        self.kind, self.data, self.few, self.replicas, self.chains = kind, data, few, replicas, chains
        parts: list[Group | Chain] = [*groups, *chains]
        rankings = (cell.ranking for part in parts for cell in part.cells)
        self.unit: Unit = next((ranking.unit for ranking in rankings if ranking), "pixel")
        self.scoring = few.scoring()
        self.sources: dict[tuple[str, Explainer], list[Group]] = {}
        for group in groups:
            if group.rankings:
                self.sources.setdefault(_source(group), []).append(group)
        sources = dict.fromkeys([*self.sources, *(_source(chain) for chain in chains)])
        bar = tqdm(sources, "measuring a sample", leave=False, delay=3)
        self.found = {source: few.passing(source[1], self.scoring) for source in bar}
        self.wanted = [group for group in groups if not group.rankings or self.found[_source(group)].applies]

    def passes(self) -> tuple[float, float]:
        """Images that pass the classifier for each image, as planned and if each explainer worked alone."""
        parts = [(self.found[source].passes or 0.0, len(groups[0].rankings)) for source, groups in self.sources.items()]
        return sum((passes for passes, _ in parts), 0.0), sum((passes * rankings for passes, rankings in parts), 0.0)

    def trainings(self, originals: int) -> Iterator[Line]:
        """Originals, and networks that are retrained or scored on reduced inputs."""
        examples = _num_examples(self.data)
        alone = self._training(1)
        seconds = (alone.seconds or 0) + self.scoring.seconds * examples
        yield replace(alone, what="original networks", count=originals, seconds=seconds)
        bundles = self._bundles()
        several = len({fill for _, fill, _ in bundles}) > 1
        for (retrain, fill, together), count in bundles.items():
            seen = self.few.reducing(self.unit, fill).seconds + self.scoring.seconds
            named = f", {fill.text if fill else 'masks alone'}" if several else ""
            if not retrain:
                held = examples - len(self.data.train)  # nothing is trained: its images are left alone
                compared = 2 * len(self.data.test) * self.scoring.seconds  # target_probability: intact and reduced
                yield Line(f"original networks scored on reduced inputs{named}", count, seen * held + compared)
            else:
                line = alone if together == 1 else self._training(together)
                yield replace(line, what=line.what + named, count=count, seconds=(line.seconds or 0) + seen * examples)

    def rankings(self) -> Iterator[Line]:
        """Passes over the data, dearest first; the ranks of all their views are counted with them."""
        num_examples, rank = _num_examples(self.data), self.few.ranking(self.unit).seconds
        lines = []
        for source, groups in self.sources.items():
            found, rankings = self.found[source], groups[0].rankings
            predicting = self.scoring.seconds if rankings[0].target == "predicted" else 0
            seconds = None
            if found.seconds is not None:
                assessed = len(groups[0].assessed) > 0
                passed = num_examples + assessed * IMAGES * (1 + PERTURBATIONS)
                seconds = found.preparing + passed * (found.seconds + predicting + len(rankings) * rank)
            lines.append(Line(_words(rankings, found), len(groups), seconds, note=found.note))
        yield from sorted(lines, key=lambda line: -line.total)

    def steps(self) -> Iterator[Line]:
        """Steps of recursive curves, each of which ranks, reduces and retrains; a curve is one piece of work."""
        alike: dict[tuple[tuple[str, Explainer], PlugIn | None], list[Chain]] = {}
        for chain in self.chains:
            alike.setdefault((_source(chain), chain.cells[0].fill), []).append(chain)
        several = len({fill for _, fill in alike}) > 1
        for (source, fill), chains in alike.items():
            if self.found[source].applies:
                named = f", {fill.text}" if several and fill else ""
                what = f"recursive steps of {_ranking(chains[0]).explainer.text}{named}"
                lengths = [_num_steps(chain) for chain in chains]
                seconds = self._step(source, fill)
                yield Line(what, sum(lengths), seconds, max(lengths), self.found[source].note)

    def _step(self, source: tuple[str, Explainer], fill: PlugIn | None) -> float:
        """Seconds of one step of a recursive curve, as far as they are known."""
        found = self.found[source]
        predicting = self.scoring.seconds if source[0] == "predicted" else 0
        ranked = (found.seconds or 0) + predicting + self.few.ranking(self.unit).seconds
        seen = self.few.reducing(self.unit, fill).seconds + self.scoring.seconds
        return found.preparing + (self._training(1).seconds or 0) + _num_examples(self.data) * (ranked + seen)

    def _bundles(self) -> Counter[tuple[bool, PlugIn | None, int]]:
        """(retrained, fill, how many side by side) -> number of cells, networks that are retrained first."""
        parts = [part.cells for group in self.wanted for part in work.bundles(group.reduced, self.replicas)]
        found = Counter((cell.retrain, cell.fill, len(cells)) for cells in parts for cell in cells)
        return Counter(dict(sorted(found.items(), key=lambda item: (not item[0][0], -item[1]))))

    def _training(self, together: int) -> Line:
        """Training one of so many networks side by side."""
        recipe, num_examples = self.kind.recipe, len(self.data.train)
        rate = self.few.training(together, num_examples)
        epochs = 1 if recipe.optimiser == "least_squares" else recipe.epochs
        step = min(recipe.batch_size, num_examples)
        small = rate.images < step and epochs > 1
        what = "retrained networks" + (f", {together} side by side" if together > 1 else "")
        note = f"timed in steps of {rate.images} images, not {step}" if small else ""
        return Line(what, 0, rate.seconds * num_examples * epochs, together, note)


def _source(work: Group | Chain) -> tuple[str, Explainer]:
    """Target and explainer that make the pass of some work; equal under every seed."""
    ranking = _ranking(work)
    return ranking.target, source_of(build(ranking.explainer, "explainer"))


def _ranking(work: Group | Chain) -> Ranking:
    """The first ranking of some work that has one."""
    return next(cell.ranking for cell in work.cells if cell.ranking)


def _num_steps(chain: Chain) -> int:
    """Networks that are retrained along a recursive curve, measured or on the way."""
    return len(chain.cells[-1].steps or ()) + 1


def _words(rankings: tuple[Ranking, ...], found: Pass) -> str:
    more = f" and {len(rankings) - 1} more" if len(rankings) > 1 else ""
    passes = f", {spelt(found.passes)}" if found.passes else ""
    return f"ranking by {rankings[0].explainer.text}{more}{passes}"


def spelt(passes: float) -> str:
    """A number of passes.

    >>> spelt(1), spelt(2.5)
    ('1 pass', '2.5 passes')
    """
    return f"{passes:,.4g} {'pass' if passes == 1 else 'passes'}"


def _extent(data: Dataset) -> str:
    sizes = " + ".join(f"{len(split):,}" for split in data.splits.values() if len(split))
    return f"{sizes} examples of {'x'.join(map(str, data.feature_shape))}, {data.num_classes} classes"


def _num_examples(data: Dataset) -> int:
    return sum(map(len, data.splits.values()))


def _rank_bytes(ranking: Ranking, feature_shape: tuple[int, ...]) -> int:
    """Bytes of the rank map of one example."""
    pixels = ranking.unit == "pixel" and len(feature_shape) == 3
    num_units = math.prod(feature_shape[1:] if pixels else feature_shape)
    return num_units * np.dtype(rank_dtype(num_units)).itemsize
