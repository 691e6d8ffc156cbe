"""What a matrix would take, before it is run: passes, trainings and bytes counted, seconds measured on a sample."""

import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path

from torch import nn
from tqdm import tqdm

from roarbench.benchmark.cost.sample import Sample, sample
from roarbench.benchmark.execution.rehearsal import loaded
from roarbench.benchmark.execution.workplace import Workplace, data_of
from roarbench.benchmark.matrix import work
from roarbench.benchmark.matrix.copies import copies
from roarbench.benchmark.matrix.plugins import build
from roarbench.benchmark.matrix.spec import Cell, Original, PlugIn, Ranking, Unit
from roarbench.benchmark.matrix.work import Chain, Group
from roarbench.benchmark.measures.sample import IMAGES, PERTURBATIONS
from roarbench.benchmark.networks.precision import exact
from roarbench.benchmark.randomness import seeded
from roarbench.benchmark.removal.exchange import num_others
from roarbench.benchmark.results import artefacts
from roarbench.benchmark.results.provenance import provenance
from roarbench.datasets.base import Dataset
from roarbench.datasets.download import offline
from roarbench.methods.base import Explainer, source_of

METRICS_BYTES, PAGE_BYTES = 400, 4096
"""Scores of a cell as they are stored, and a page of the database: a row is larger than half of one."""


Source = tuple[str, Explainer]
"""Target and explainer that make a pass; equal under every seed."""


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
        rate: floating-point operations a second that the device does in a training.
    """

    title: str
    passes: float
    alone: float
    skipped: int
    ranks: tuple[int, ...]
    weights: int
    trainings: tuple[Line, ...]
    rankings: tuple[Line, ...]
    rate: float

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
    return sum(artefacts.rank_bytes(ranking, data.feature_shape) for ranking in rankings) * _num_examples(data)


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
        data = place.load(*data_of(kind), place.data_root)
    except (ValueError, OSError) as error:
        return Absent(title, str(error))
    repeated = copies(cells, {kind.dataset: data.feature_shape})
    cells = [cell for cell in cells if cell not in repeated]
    with seeded("cost"):
        few = sample(data, kind, place.device)
        measured = _Measured(kind, data, few, work.groups(cells), work.chains(cells))
        shared, alone = measured.shared_and_alone()
        return Cost(
            title=f"{title}: {data.extent}",
            passes=shared,
            alone=alone,
            skipped=len(repeated),
            ranks=tuple(rank_bytes(group.rankings, data) for group in measured.wanted if group.rankings),
            weights=network_bytes(few.network) * (len(work.trainings(cells)) + len(work.folds(cells))),
            trainings=(*measured.trainings(len(work.trainings(cells))), *measured.steps()),
            rankings=tuple(measured.rankings()),
            rate=few.rate(),
        )


class _Measured:
    """Seconds of all that the cells of one data set, classifier and recipe need.

    Attributes:
        wanted: the groups that will be measured: explainers that do not apply are left out.
    """

    def __init__(self, kind: Original, data: Dataset, few: Sample, groups: list[Group], chains: list[Chain]) -> None:
        self.kind, self.data, self.few, self.chains = kind, data, few, chains
        self.replicas, self.examples = few.num_replicas(len(data.train)), _num_examples(data)
        parts: list[Group | Chain] = [*groups, *chains]
        rankings = (cell.ranking for part in parts for cell in part.cells)
        self.unit: Unit = next((ranking.unit for ranking in rankings if ranking), "pixel")
        self.scoring, self.ranking = few.scoring(), few.ranking(self.unit)
        self.sources: dict[Source, list[Group]] = {}
        for group in groups:
            if group.rankings:
                self.sources.setdefault(_source(group), []).append(group)
        sources = dict.fromkeys([*self.sources, *(_source(chain) for chain in chains)])
        bar = tqdm(sources, "measuring a sample", leave=False, delay=3)
        self.passes = {source: few.passing(source[1]) for source in bar}
        self.wanted = [group for group in groups if not group.rankings or self.passes[_source(group)].applies]

    def shared_and_alone(self) -> tuple[float, float]:
        """Images that pass the classifier for each image, as planned and if each explainer worked alone."""
        parts = [(self.passes[s].passes or 0.0, len(groups[0].rankings)) for s, groups in self.sources.items()]
        return sum((passes for passes, _ in parts), 0.0), sum((passes * rankings for passes, rankings in parts), 0.0)

    def trainings(self, originals: int) -> Iterator[Line]:
        """Originals, and networks that are retrained or scored on reduced inputs."""
        yield Line("original networks", originals, self._training(1) + self.scoring * self.examples)
        yield from self._folds()
        yield from self._shared()
        bundles = self._bundles()
        several = len({fill for _, fill, _ in bundles}) > 1
        for (retrain, fill, together), count in bundles.items():
            reduction = self.few.reducing(self.unit, fill) + self.scoring
            suffix = f", {fill.text if fill else 'masks alone'}" if several else ""
            if retrain:
                beside = f", {together} side by side" if together > 1 else ""
                seconds = self._training(together) + reduction * self.examples
                yield Line(f"retrained networks{beside}{suffix}", count, seconds, together)
            else:
                num_held_out = self.examples - len(self.data.train)  # nothing is trained: its images are left alone
                compared = len(self.data.test) * self.scoring  # at most: a bundle shares the classes of intact images
                yield Line(
                    f"original networks scored on reduced inputs{suffix}", count, reduction * num_held_out + compared
                )

    def _folds(self) -> Iterator[Line]:
        """Networks that explain training images which they did not see; each leaves out one fold."""
        folds = work.folds(cell for group in self.wanted for cell in group.cells)
        if folds:
            held_out = 1 / folds[0].folds
            seconds = (1 - held_out) * self._training(1) + self.scoring * (
                self.examples - held_out * len(self.data.train)
            )
            yield Line("networks of folds", len(folds), seconds)

    def _shared(self) -> Iterator[Line]:
        """Shared evaluators, and what each of their cells takes: own masks, and those of other images, twice."""
        judged = [cell for group in self.wanted for cell in group.cells if cell.evaluator]
        for shared in work.evaluators(judged)[:1]:
            assert shared.cell.evaluator
            count = len(work.evaluators(judged))
            yield Line("shared evaluators", count, shared.cell.evaluator.epochs * self._training(1))
            seconds = self.few.reducing(self.unit, shared.cell.fill) + self.scoring
            passes = 2 + 2 * num_others(len(self.data.test))
            yield Line("scores by shared evaluators", len(judged), seconds * passes * len(self.data.test))

    def rankings(self) -> Iterator[Line]:
        """Passes over the data, dearest first; the ranks of all their views are counted with them."""
        lines = [self._pass(source, groups) for source, groups in self.sources.items()]
        yield from sorted(lines, key=lambda line: -line.total)

    def steps(self) -> Iterator[Line]:
        """Steps of recursive curves, each of which ranks, reduces and retrains; a curve is one piece of work."""
        alike: dict[tuple[Source, PlugIn | None], list[Chain]] = {}
        for chain in self.chains:
            alike.setdefault((_source(chain), chain.cells[0].fill), []).append(chain)
        several = len({fill for _, fill in alike}) > 1
        for (source, fill), chains in alike.items():
            if self.passes[source].applies:
                suffix = f", {fill.text}" if several and fill else ""
                lengths = [len(chain.cells[-1].steps or ()) + 1 for chain in chains]
                title = f"recursive steps of {_ranking(chains[0]).explainer.text}{suffix}"
                seconds = self._step(source, fill)
                yield Line(title, sum(lengths), seconds, max(lengths), self.passes[source].note)

    def _pass(self, source: Source, groups: list[Group]) -> Line:
        cost, rankings = self.passes[source], groups[0].rankings
        seconds = None
        if cost.seconds is not None:
            explained = sum(len(self.data.splits[name]) for name in groups[0].splits)
            num_images = explained + bool(groups[0].assessed) * IMAGES * (1 + PERTURBATIONS)
            seconds = self._preparations(groups[0]) * cost.preparing + num_images * (
                cost.seconds + self._predicting(source) + len(rankings) * self.ranking
            )
        more = f" and {len(rankings) - 1} more" if len(rankings) > 1 else ""
        passes = f", {spelt(cost.passes)}" if cost.passes else ""
        return Line(f"ranking by {rankings[0].explainer.text}{more}{passes}", len(groups), seconds, note=cost.note)

    def _preparations(self, group: Group) -> int:
        """How often the explainer of a pass is prepared: once more for every fold."""
        return 1 + (len(group.rankings[0].crossed) if "train" in group.splits else 0)

    def _step(self, source: Source, fill: PlugIn | None) -> float:
        """Seconds of one step of a recursive curve, as far as they are known."""
        cost = self.passes[source]
        ranking = (cost.seconds or 0) + self._predicting(source) + self.ranking
        reduction = self.few.reducing(self.unit, fill) + self.scoring
        return cost.preparing + self._training(1) + self.examples * (ranking + reduction)

    def _predicting(self, source: Source) -> float:
        return self.scoring if source[0] == "predicted" else 0.0

    def _bundles(self) -> Counter[tuple[bool, PlugIn | None, int]]:
        """(retrained, fill, how many side by side) -> number of cells, networks that are retrained first."""
        reduced = ([cell for cell in group.reduced if not cell.evaluator] for group in self.wanted)
        parts = [part.cells for cells in reduced for part in work.bundles(cells, self.replicas)]
        counts = Counter((cell.retrain, cell.fill, len(cells)) for cells in parts for cell in cells)
        return Counter(dict(sorted(counts.items(), key=lambda item: (not item[0][0], -item[1]))))

    def _training(self, together: int) -> float:
        """Seconds of training one of so many networks side by side."""
        epochs = 1 if self.kind.recipe.optimiser == "least_squares" else self.kind.recipe.epochs
        return self.few.training(together) * len(self.data.train) * epochs


def _source(work: Group | Chain) -> Source:
    """Target and explainer that make the pass of some work; equal under every seed."""
    ranking = _ranking(work)
    return ranking.target, source_of(build(ranking.explainer, "explainer"))


def _ranking(work: Group | Chain) -> Ranking:
    """The first ranking of some work that has one."""
    return next(cell.ranking for cell in work.cells if cell.ranking)


def spelt(passes: float) -> str:
    """A number of passes.

    >>> spelt(1), spelt(2.5)
    ('1 pass', '2.5 passes')
    """
    return f"{passes:,.4g} {'pass' if passes == 1 else 'passes'}"


def _num_examples(data: Dataset) -> int:
    return sum(map(len, data.splits.values()))
