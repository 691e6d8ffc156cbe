"""From a matrix to its cells: canonical, in a fixed order, each once; and the steps that share their work."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import product
from typing import Literal

from benchmark.plugins import SEED, build, check_name, plugin, redraws
from benchmark.recipe import Recipe
from benchmark.spec import Cell, Order, PlugIn, Probe, Ranking, Target, Training, Unit, check_fraction
from methods import GROUPS

Protocol = Literal["rigorous", "paper"]


@dataclass(frozen=True)
class Convention:
    """What a protocol fixes about rankings.

    Attributes:
        one_checkpoint: every seed explains the network of seed 0; otherwise each explains its own.
    """

    unit: Unit
    magnitude: bool
    target: Target
    one_checkpoint: bool


CONVENTIONS: dict[Protocol, Convention] = {
    "rigorous": Convention("pixel", magnitude=True, target="predicted", one_checkpoint=False),
    "paper": Convention("feature", magnitude=False, target="predicted", one_checkpoint=True),
}


@dataclass(frozen=True)
class Matrix:
    """The product of its axes; what `run` measures.

    Attributes:
        datasets: names such as "mnist" or "mnist[train=10000,test=2000]".
        classifiers: names such as "cnn_small" or "resnet18[width=32]".
        explainers: names, with parameters such as "smoothgrad[samples=50]", "my_file:MyExplainer", or a group: "paper"
            (the 17 rows of Hooker et al. 2019), "controls".
        seeds: how many: 0, 1, ... seeds - 1.
        fractions: shares of features removed, in [0, 1]; the original (0) is always measured.
        orders: morf removes the most important first (ROAR), lerf the least important (KAR).
        fills: what replaces removed features.
        retrain: true retrains from scratch; false measures the original network on reduced inputs.
        probes: image, or mask for a network that sees only which features were removed (leak control).
        protocol: rigorous (whole pixels, magnitude, one network per seed) or paper (features, signed, one network).
        unit: overrides what the protocol says.
        magnitude: overrides what the protocol says.
        target: class that is explained; overrides what the protocol says.
        recipe: how classifiers are trained.
        target_interval: half width in percentage points; seeds are added to the explainers whose 95 % interval of the
            mean over fractions is wider, or that are neither separated from their neighbours nor equal to within it.
        max_seeds: how many seeds an explainer gets at most when target_interval is given.
    """

    datasets: tuple[str, ...] = ("digits",)
    classifiers: tuple[str, ...] = ("cnn_small",)
    explainers: tuple[str, ...] = ("paper",)
    seeds: int = 3
    fractions: tuple[float, ...] = (0.0, 0.1, 0.3, 0.5, 0.7, 0.9)
    orders: tuple[Order, ...] = ("morf", "lerf")
    fills: tuple[str, ...] = ("mean",)
    retrain: tuple[bool, ...] = (True,)
    probes: tuple[Probe, ...] = ("image",)
    protocol: Protocol = "rigorous"
    unit: Unit | None = None
    magnitude: bool | None = None
    target: Target | None = None
    recipe: Recipe = Recipe()
    target_interval: float | None = None
    max_seeds: int = 10

    @property
    def convention(self) -> Convention:
        """The protocol's convention with this matrix's overrides."""
        given = {name: getattr(self, name) for name in ("unit", "magnitude", "target")}
        return replace(CONVENTIONS[self.protocol], **{k: v for k, v in given.items() if v is not None})


def check(matrix: Matrix) -> None:
    """Checks everything that can be checked without importing a plug-in or opening a file.

    Raises:
        ValueError: an unknown name, a fraction outside [0, 1], an axis without values.
    """
    for kind, names in zip(("dataset", "classifier", "explainer", "fill"), _plugin_axes(matrix), strict=True):
        for name in names:
            check_name(name, kind)
    for axis in ("datasets", "classifiers", "explainers", "fractions", "orders", "fills", "retrain", "probes"):
        if not getattr(matrix, axis):
            raise ValueError(f"{axis} needs at least one value")
    if matrix.seeds < 1:
        raise ValueError(f"seeds must be a number of seeds, at least 1, got {matrix.seeds}")
    for fraction in matrix.fractions:
        check_fraction(fraction)
    if not any(0 < fraction < 1 for fraction in matrix.fractions):
        raise ValueError(f"fractions needs a value between 0 and 1, got {_words(matrix.fractions)}")
    if "mask" in matrix.probes and True not in matrix.retrain:
        raise ValueError("probes mask needs retrain true: the original network has never seen a mask")
    matrix.recipe.check()
    if matrix.max_seeds < 1:
        raise ValueError(f"max_seeds must be at least 1, got {matrix.max_seeds}")
    if matrix.target_interval is not None:
        _check_replication(matrix.target_interval, matrix.seeds, matrix.max_seeds)


def _check_replication(target_interval: float, seeds: int, max_seeds: int) -> None:
    if not 0 < target_interval < 100:
        raise ValueError(
            f"target_interval must lie between 0 and 100, a half width in percentage points, got {target_interval:g}"
        )
    if seeds < 2:
        raise ValueError(f"target_interval needs at least 2 seeds to begin with, got {seeds}; raise seeds, best to 3")
    if max_seeds < seeds:
        raise ValueError(
            f"max_seeds must be at least the {seeds} seeds to begin with, got {max_seeds}; raise max_seeds"
        )


def cells(matrix: Matrix) -> list[Cell]:
    """Every cell of the matrix once, originals first within each data set, classifier and seed.

    Fraction 0 depends on neither explainer nor order, fraction 1 not on the explainer: one cell each serves all curves.
    """
    check(matrix)
    datasets, classifiers, explainers, fills = (
        [plugin(text, kind) for text in texts]
        for kind, texts in zip(("dataset", "classifier", "explainer", "fill"), _plugin_axes(matrix), strict=True)
    )
    if matrix.convention.one_checkpoint and any(SEED in dict(d.parameters).values() for d in datasets):
        raise ValueError(f"protocol {matrix.protocol} explains one network: a data set cannot change with the seed")
    found: dict[Cell, None] = {}
    for dataset, classifier, seed in product(datasets, classifiers, range(matrix.seeds)):
        training = Training(dataset, classifier, matrix.recipe, seed)
        found[Cell(training, None, None)] = None
        found.update(dict.fromkeys(_reduced(matrix, training, explainers, fills)))
    return list(found)


def _reduced(matrix: Matrix, training: Training, explainers: list[PlugIn], fills: list[PlugIn]) -> Iterator[Cell]:
    convention = matrix.convention
    explained = replace(training, seed=0) if convention.one_checkpoint else training
    fractions = sorted({round(float(fraction), 10) for fraction in matrix.fractions} - {0.0})
    axes = product(explainers, matrix.probes, fills, matrix.retrain, matrix.orders, fractions)
    for explainer, probe, fill, retrain, order, fraction in axes:
        ranking = Ranking(explained, explainer, convention.target, convention.magnitude, convention.unit)
        cell = Cell(training, ranking, fill, order, fraction, retrain, probe)
        if probe == "mask":
            if retrain and fraction < 1:  # a mask shows no fill, and a network that never saw masks cannot read them
                yield replace(cell, fill=None)
        else:
            yield replace(cell, ranking=None, order="morf") if fraction == 1 else cell


@dataclass(frozen=True)
class Group:
    """Cells whose rankings come out of one pass over the data."""

    rankings: tuple[Ranking, ...]
    cells: tuple[Cell, ...]

    def split(self) -> "list[Group]":
        """One group for each ranking."""
        return [Group((r,), tuple(c for c in self.cells if c.ranking == r)) for r in self.rankings]


@dataclass(frozen=True)
class Bundle:
    """Cells that are measured together: networks trained side by side, or one by itself."""

    cells: tuple[Cell, ...]

    def split(self) -> "list[Bundle]":
        """One bundle for each cell."""
        return [Bundle((cell,)) for cell in self.cells]


def bundles(wanted: Iterable[Cell], size: int) -> list[Bundle]:
    """Cells in bundles of at most `size`; only networks retrained on images under one seed can share one.

    Networks whose images change from epoch to epoch stand alone: those of a stack keep theirs in memory.
    """
    alike: dict[object, list[Cell]] = {}
    for cell in wanted:
        shares = cell.retrain and cell.probe == "image" and not (cell.ranking and redraws(cell.ranking.explainer))
        alike.setdefault(cell.training if shares else cell, []).append(cell)
    return [Bundle(tuple(part[i : i + size])) for part in alike.values() for i in range(0, len(part), size)]


def groups(wanted: Iterable[Cell]) -> list[Group]:
    """Reduced cells grouped by the pass that ranks them; cells without a ranking stand alone.

    Explainers that train networks of their own come first: last, they would keep one worker while the others rest.
    """
    passes: dict[object, list[Cell]] = {}
    for cell in wanted:
        if not cell.intact:
            passes.setdefault(_pass(cell.ranking) if cell.ranking else cell, []).append(cell)
    found = [Group(tuple(dict.fromkeys(c.ranking for c in part if c.ranking)), tuple(part)) for part in passes.values()]
    return sorted(found, key=lambda group: not any(_trains(ranking) for ranking in group.rankings))


def _trains(ranking: Ranking) -> bool:
    return getattr(build(ranking.explainer, "explainer"), "explains", "classifier") == "itself"


def _pass(ranking: Ranking) -> object:
    from methods.base import source_of  # brings torch, which planning alone does without

    return ranking.training, ranking.target, source_of(build(ranking.explainer, "explainer"))


def trainings(wanted: Iterable[Cell]) -> list[Training]:
    """The original networks that cells need, each once."""
    needed: dict[Training, None] = {}
    for cell in wanted:
        if cell.intact or not cell.retrain:
            needed[cell.training] = None
        if cell.ranking:
            needed[cell.ranking.training] = None
    return list(needed)


def forecast(wanted: list[Cell]) -> str:
    """What running cells would take: how many of each kind, and what they share."""
    ranked = groups(wanted)
    rankings = sum(len(group.rankings) for group in ranked)
    passes = sum(bool(group.rankings) for group in ranked)
    retrained = sum(cell.retrain and not cell.intact for cell in wanted)
    scored = sum(not cell.retrain for cell in wanted)
    return (
        f"{len(wanted)} cells\n"
        f"  {sum(cell.intact for cell in wanted):6} original networks, each shared by all explainers and orders\n"
        f"  {retrained:6} networks retrained from scratch\n"
        f"  {scored:6} original networks scored without retraining\n"
        f"  {rankings:6} rankings from {passes} passes over the data, each shared by all fractions, orders and fills"
    )


def _plugin_axes(matrix: Matrix) -> tuple[tuple[str, ...], ...]:
    explainers = (name for text in matrix.explainers for name in GROUPS.get(text, (text,)))
    return matrix.datasets, matrix.classifiers, tuple(explainers), matrix.fills


def _words(values: Iterable[object]) -> str:
    return ", ".join(map(str, values))
