"""From a matrix to its cells: canonical, in a fixed order, each once."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import product
from typing import Literal

from roarbench.benchmark.matrix.plugins import GROUPS, SEED, check_name, hides, plugin
from roarbench.benchmark.matrix.recipe import Recipe
from roarbench.benchmark.matrix.spec import (
    Cell,
    Evaluator,
    Order,
    Original,
    PlugIn,
    Ranking,
    Target,
    Unit,
    check_fraction,
)
from roarbench.benchmark.matrix.units import check_unit

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
    """What is measured: every combination of the values of these options.

    Attributes:
        datasets: data sets, such as "mnist" or "mnist[train=10000,test=2000]".
        classifiers: networks, such as "cnn_small" or "resnet18[width=32]".
        explainers: explainers, such as "gradient", "smoothgrad[samples=50]" or your own "my_file:MyExplainer". A group
            names several: "paper" (the 17 rows of Hooker et al. 2019), "controls", "cladec_scores".
        seeds: number of seeds; the seeds are 0, 1, ... seeds - 1.
        fractions: shares of features that are removed, in [0, 1]. Intact images (0) are always measured.
        orders: order of removal: morf removes the most relevant features first (ROAR), lerf the least relevant (KAR).
        fills: values that replace removed features, such as "mean" or "noisy_linear".
        retrain: true retrains networks from scratch on reduced images; false tests the original network on them.
        evaluator: true also tests all explainers with a shared evaluator, one for each seed: a network trained behind
            random masks (EVAL-X). It needs forward passes instead of retraining, and random masks have taught it to
            read no mask.
        foreign: true also retrains behind the masks of other images (foreign-mask ROAR and KAR).
        unretrained_fills: fills with which the original network is tested as well, without retraining, which is cheap.
            noisy_linear gives ROAD.
        mask_fractions: removal fractions of the control for label leakage, a network that sees only which features were
            removed. It is trained only in runs that retrain.
        measures: measures of the attributions themselves, such as "infidelity" or your own "my_file:Mine". A group
            names several, such as "standard", "faithful" and "localisation"; list shows all.
        recursive: true explains each retrained network again before more is removed; false removes by one ranking.
            Recursive cells depend on all smaller fractions. So a fraction that is added below others needs a new
            folder.
        attribution_folds: 1 explains all images by the network that is trained on all training images. With 2 or more,
            a training image is explained by a network that did not train on it. There is one such network for each
            fold, trained from scratch on the other folds. Explainers that train are prepared once more for each fold.
            Validation and test images are explained as with 1.
        protocol: rigorous ranks whole pixels by magnitude and explains one network per seed; paper ranks single
            features by signed value and explains one network.
        unit: unit that is ranked and removed as a whole: pixel, feature or patch[size=N]; overrides the protocol.
        magnitude: true ranks by magnitude, false by signed value; overrides the protocol.
        target: class that is explained, the predicted one or the label; overrides the protocol.
        recipe: training of the classifiers.
        target_interval: adds seeds to every explainer whose 95 % interval is wider than this half-width in percentage
            points. The interval is that of its mean over fractions.
        max_seeds: most seeds that an explainer gets when target_interval is given.
    """

    datasets: tuple[str, ...] = ("digits",)
    classifiers: tuple[str, ...] = ("cnn_small",)
    explainers: tuple[str, ...] = ("paper",)
    seeds: int = 3
    fractions: tuple[float, ...] = (0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0)
    orders: tuple[Order, ...] = ("morf", "lerf")
    fills: tuple[str, ...] = ("mean",)
    retrain: tuple[bool, ...] = (True,)
    evaluator: bool = True
    foreign: bool = False
    unretrained_fills: tuple[str, ...] = ("mean", "noisy_linear")
    mask_fractions: tuple[float, ...] = (0.9,)
    measures: tuple[str, ...] = ("standard",)
    recursive: tuple[bool, ...] = (False,)
    attribution_folds: int = 1
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
        overrides = {name: getattr(self, name) for name in ("unit", "magnitude", "target")}
        return replace(CONVENTIONS[self.protocol], **{k: v for k, v in overrides.items() if v is not None})


def check(matrix: Matrix) -> None:
    """Checks everything that can be checked without importing a plug-in or opening a file.

    Raises:
        ValueError: an unknown name, a fraction outside [0, 1], an axis without values.
    """
    for kind, names in _plugin_axes(matrix):
        for name in names:
            check_name(name, kind)
    for axis in ("datasets", "classifiers", "explainers", "fractions", "orders", "fills", "retrain", "recursive"):
        if not getattr(matrix, axis):
            raise ValueError(f"{axis} needs at least one value")
    if matrix.seeds < 1:
        raise ValueError(f"seeds must be a number of seeds, at least 1, got {matrix.seeds}")
    if matrix.unit is not None:
        check_unit(matrix.unit)
    for axis in ("fractions", "mask_fractions"):
        for fraction in getattr(matrix, axis):
            check_fraction(fraction, axis)
    if not any(0 < fraction < 1 for fraction in matrix.fractions):
        raise ValueError(f"fractions needs a value between 0 and 1, got {_words(matrix.fractions)}")
    if True in matrix.recursive and True not in matrix.retrain:
        raise ValueError("recursive true needs retrain true: it explains retrained networks")
    if True in matrix.recursive and matrix.convention.one_checkpoint:
        raise ValueError(f"recursive true needs protocol rigorous: protocol {matrix.protocol} explains one network")
    _check_folds(matrix)
    if matrix.target_interval is not None and matrix.convention.one_checkpoint and True not in matrix.retrain:
        raise ValueError(f"target_interval needs retrain true under protocol {matrix.protocol}: nothing else varies")
    matrix.recipe.check()
    if matrix.max_seeds < 1:
        raise ValueError(f"max_seeds must be at least 1, got {matrix.max_seeds}")
    if matrix.target_interval is not None:
        _check_replication(matrix.target_interval, matrix.seeds, matrix.max_seeds)


def _check_folds(matrix: Matrix) -> None:
    if matrix.attribution_folds < 1:
        raise ValueError(f"attribution_folds must be a number of folds, at least 1, got {matrix.attribution_folds}")
    if True in matrix.recursive and matrix.recipe.finetune:
        raise ValueError("recursive true needs networks that begin from scratch; leave finetune out")
    if True in matrix.recursive and matrix.attribution_folds > 1:
        raise ValueError("recursive true needs attribution_folds 1: each step is explained by the network before it")


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
    datasets, classifiers, explainers, fills, *_ = axes(matrix)
    distinct: dict[Cell, None] = {}
    for dataset, classifier, seed in product(datasets, classifiers, range(matrix.seeds)):
        training = Original(dataset, classifier, matrix.recipe, seed)
        distinct[Cell(training, None, None)] = None
        if matrix.evaluator:
            distinct.update(dict.fromkeys(_judges(matrix, training, fills)))
        distinct.update(dict.fromkeys(_reduced(matrix, training, explainers, fills)))
    return list(distinct)


def axes(matrix: Matrix) -> list[list[PlugIn]]:
    """The plug-ins of every axis: data sets, classifiers, explainers, fills, fills without retraining, measures.

    Raises:
        ValueError: as `check`, and whatever is wrong with a plug-in or its parameters.
    """
    check(matrix)
    datasets, *others = ([plugin(text, kind) for text in texts] for kind, texts in _plugin_axes(matrix))
    if matrix.convention.one_checkpoint and any(SEED in dict(d.parameters).values() for d in datasets):
        raise ValueError(f"protocol {matrix.protocol} explains one network: a data set cannot change with the seed")
    return [datasets, *others]


def _reduced(matrix: Matrix, training: Original, explainers: list[PlugIn], fills: list[PlugIn]) -> Iterator[Cell]:
    convention = matrix.convention
    explained = replace(training, seed=0) if convention.one_checkpoint else training
    folds = matrix.attribution_folds if matrix.attribution_folds > 1 else None
    for explainer in explainers:
        ranking = Ranking(explained, explainer, convention.target, convention.magnitude, convention.unit, folds)
        yield from _on_images(matrix, training, ranking, fills)
        yield from _on_shared_terms(matrix, training, ranking, fills)
        if True in matrix.retrain:
            yield from _on_masks(matrix, training, ranking)
            if hides(explainer) and "lerf" in matrix.orders and False in matrix.recursive:
                yield from (Cell(training, ranking, fill, "lerf", probe="own_mask") for fill in fills)
        if explained == training:  # a network that all seeds share is measured once
            for measure in _measures(matrix):
                yield Cell(training, ranking, None, retrain=False, probe="attribution", measure=measure)


def _measures(matrix: Matrix) -> list[PlugIn | None]:
    """What is measured of attributions, None for the group that is measured together; each once."""
    return list(dict.fromkeys(None if text == "standard" else plugin(text, "measure") for text in _named(matrix)))


def _named(matrix: Matrix) -> list[str]:
    """Measures by name; of groups only "standard" is measured together, and stays."""
    groups = {name: members for name, members in GROUPS["measure"].items() if name != "standard"}
    return [name for text in matrix.measures for name in groups.get(text, (text,))]


def _on_images(matrix: Matrix, training: Original, ranking: Ranking, fills: list[PlugIn]) -> Iterator[Cell]:
    """Networks that see reduced images: retrained ones, and the explained one itself where nothing is retrained."""
    fractions = _inner(matrix.fractions)
    besides = [plugin(text, "fill") for text in matrix.unretrained_fills]
    ways = dict.fromkeys([*product(fills, matrix.retrain), *product(besides, [False])])
    explained = training == ranking.training
    for (fill, retrain), recursive, order in product(ways, matrix.recursive, matrix.orders):
        if retrain or (explained and not recursive):
            for i, fraction in enumerate(fractions):
                steps = tuple(fractions[:i]) if recursive else None
                yield Cell(training, ranking, fill, order, fraction, retrain, steps=steps)
            if 1 in matrix.fractions:
                yield Cell(training, None, fill, removal_fraction=1.0, retrain=retrain)


def _judges(matrix: Matrix, training: Original, fills: list[PlugIn]) -> Iterator[Cell]:
    """Shared evaluators on intact images, and on images without any feature."""
    evaluator = Evaluator(matrix.convention.unit)
    for fill, fraction in product(fills, (0.0, *({1.0} & {*matrix.fractions}))):
        yield Cell(training, None, fill, "morf", fraction, retrain=False, probe="evaluator", evaluator=evaluator)


def _on_shared_terms(matrix: Matrix, training: Original, ranking: Ranking, fills: list[PlugIn]) -> Iterator[Cell]:
    """Networks that cannot read a mask: those of shared evaluators, and those trained behind masks of other images."""
    evaluator = Evaluator(ranking.unit)
    for fill, order, fraction in product(fills, matrix.orders, _inner(matrix.fractions)):
        if matrix.evaluator:
            yield Cell(training, ranking, fill, order, fraction, False, probe="evaluator", evaluator=evaluator)
        if matrix.foreign:
            yield Cell(training, ranking, fill, order, fraction, probe="foreign")


def _on_masks(matrix: Matrix, training: Original, ranking: Ranking) -> Iterator[Cell]:
    """Networks that see masks alone. What one order removes the other keeps: a mask and its complement are one cell."""
    for order, fraction in product(matrix.orders, _inner(matrix.mask_fractions)):
        removed_first = fraction if order == "morf" else round(1 - fraction, 10)
        yield Cell(training, ranking, None, removal_fraction=removed_first, probe="mask")


def _inner(fractions: Iterable[float]) -> list[float]:
    """Fractions that depend on the explainer, in ascending order."""
    return sorted({round(float(fraction), 10) for fraction in fractions} - {0.0, 1.0})


def _plugin_axes(matrix: Matrix) -> list[tuple[str, tuple[str, ...]]]:
    """Kind and names of every axis of plug-ins."""
    explainers = tuple(name for text in matrix.explainers for name in GROUPS["explainer"].get(text, (text,)))
    measures = tuple(name for name in _named(matrix) if name != "standard")
    return [
        ("dataset", matrix.datasets), ("classifier", matrix.classifiers), ("explainer", explainers),
        ("fill", matrix.fills), ("fill", matrix.unretrained_fills), ("measure", measures),
    ]  # fmt: skip


def _words(values: Iterable[object]) -> str:
    return ", ".join(map(str, values))
