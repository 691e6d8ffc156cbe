"""From cells to pieces of work: steps that share what they cost stay together, and none waits for another in vain."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from roarbench.benchmark.matrix.plugins import build, redraws
from roarbench.benchmark.matrix.spec import Cell, Fold, Original, Ranking


@dataclass(frozen=True)
class Trial:
    """An explainer of the user's own, tried on a few examples before anything is trained."""

    ranking: Ranking

    def split(self) -> "list[Trial]":
        """Itself."""
        return [self]


def trials(wanted: Iterable[Cell]) -> list[Trial]:
    """One for each explainer of the user's own, data set and classifier; none that trains, for that takes long."""
    first: dict[object, Ranking] = {}
    for ranking in (cell.ranking for cell in wanted if cell.ranking):
        if ":" in ranking.explainer.text and not trains(ranking):
            first.setdefault((replace(ranking.training, seed=0), ranking.explainer), ranking)
    return [Trial(ranking) for ranking in first.values()]


@dataclass(frozen=True)
class Shared:
    """A shared evaluator that is to be trained: the cell that it yields, on intact images."""

    cell: Cell

    def split(self) -> "list[Shared]":
        """Itself."""
        return [self]


def evaluators(wanted: Iterable[Cell]) -> list[Shared]:
    """The shared evaluators that cells need, each once."""
    return [Shared(judge) for judge in dict.fromkeys(cell.judge for cell in wanted) if judge]


@dataclass(frozen=True)
class Group:
    """Cells whose rankings come out of one pass over the data, and those that measure its attributions."""

    rankings: tuple[Ranking, ...]
    cells: tuple[Cell, ...]

    @property
    def assessed(self) -> tuple[Cell, ...]:
        """Cells that are measured with the pass itself."""
        return tuple(cell for cell in self.cells if cell.probe == "attribution")

    @property
    def splits(self) -> tuple[str, ...]:
        """Splits whose ranks its cells compare: where no network is retrained, the test split alone."""
        return ("train", "validation", "test") if any(cell.retrain for cell in self.cells) else ("test",)

    @property
    def reduced(self) -> tuple[Cell, ...]:
        """Cells that are measured by means of the rankings."""
        return tuple(cell for cell in self.cells if cell.probe != "attribution")

    def split(self) -> "list[Group]":
        """One group for each ranking; of a single one, each measure of its attributions apart from the rest."""
        if len(self.rankings) > 1:
            return [Group((r,), tuple(c for c in self.cells if c.ranking == r)) for r in self.rankings]
        parts = (self.reduced, *((cell,) for cell in self.assessed))
        return [Group(self.rankings, part) for part in parts if part]


@dataclass(frozen=True)
class Bundle:
    """Cells that are measured together: networks trained side by side, or one by itself."""

    cells: tuple[Cell, ...]

    def split(self) -> "list[Bundle]":
        """One bundle for each cell."""
        return [Bundle((cell,)) for cell in self.cells]


def bundles(wanted: Iterable[Cell], size: int, *, scored: int = 1) -> list[Bundle]:
    """Cells in bundles of at most `size`.

    Only networks retrained under one seed can share one: on images, or on masks of one fraction, whose standardisation
    is the same. A shared evaluator measures all of its cells at once. Networks whose images change from epoch to epoch
    stand alone: those of a stack keep theirs in memory.

    Args:
        scored: cells of an original network that it measures at once.
    """
    alike: dict[object, list[Cell]] = {}
    for cell in wanted:
        alike.setdefault(cell.judge or (_stack(cell) if _stacks(cell) else cell), []).append(cell)
    sizes = ((part, len(part) if part[0].judge else size if part[0].retrain else scored) for part in alike.values())
    return [Bundle(tuple(part[i : i + most])) for part, most in sizes for i in range(0, len(part), most)]


def _stacks(cell: Cell) -> bool:
    """Whether a network sees images, or masks, that stay as they are."""
    redrawn = cell.retrain and cell.ranking and cell.fill and redraws(cell.ranking.explainer)
    return not redrawn


def _stack(cell: Cell) -> object:
    """What cells have in common that are measured by one network, or by networks that can be trained side by side."""
    masking = (cell.removal_fraction, cell.order) if cell.probe == "mask" else None
    return cell.training, cell.probe, cell.retrain, masking


@dataclass(frozen=True)
class Chain:
    """Cells of one recursive curve by rising fraction: the network of each step ranks the features of the next."""

    cells: tuple[Cell, ...]

    def split(self) -> "list[Chain]":
        """Itself: no step can be measured without those before it."""
        return [self]


def chains(wanted: Iterable[Cell]) -> list[Chain]:
    """Recursive cells, curve by curve."""
    curves: dict[object, list[Cell]] = {}
    for cell in wanted:
        if cell.steps is not None:
            curves.setdefault((cell.training, cell.ranking, cell.fill, cell.order), []).append(cell)
    return [Chain(tuple(sorted(curve, key=lambda cell: cell.removal_fraction))) for curve in curves.values()]


def groups(wanted: Iterable[Cell]) -> list[Group]:
    """Cells of one ranking grouped by the pass that makes it; cells without a ranking stand alone."""
    passes: dict[object, list[Cell]] = {}
    for cell in wanted:
        if not cell.intact and cell.steps is None and cell != cell.judge:
            passes.setdefault(_pass(cell.ranking) if cell.ranking else cell, []).append(cell)
    return [Group(tuple(dict.fromkeys(c.ranking for c in part if c.ranking)), tuple(part)) for part in passes.values()]


def trains(ranking: Ranking) -> bool:
    """Whether an explainer trains networks of its own."""
    return getattr(build(ranking.explainer, "explainer"), "trains", False)


def _pass(ranking: Ranking) -> object:
    from roarbench.methods.base import source_of  # brings torch, which planning alone does without

    return ranking.training, ranking.folds, ranking.target, source_of(build(ranking.explainer, "explainer"))


def trainings(wanted: Iterable[Cell]) -> list[Original]:
    """The original networks that cells need, each once."""
    originals: dict[Original, None] = {}
    for cell in wanted:
        if cell.intact or not (cell.retrain or cell.evaluator):
            originals[cell.training] = None
        if cell.ranking:
            originals[cell.ranking.training] = None
    return list(originals)


def folds(wanted: Iterable[Cell]) -> list[Fold]:
    """The networks, each once, that explain training images which they did not see: only retrained cells need any."""
    rankings = dict.fromkeys(cell.ranking for cell in wanted if cell.ranking and cell.retrain)
    return list(dict.fromkeys(fold for ranking in rankings for fold in ranking.crossed))


def counted(wanted: list[Cell]) -> str:
    """What running cells would take: how many of each kind, and what they share."""
    all_groups, all_chains = groups(wanted), chains(wanted)
    rankings = sum(len(group.rankings) for group in all_groups) + sum(len(chain.cells) for chain in all_chains)
    passes = sum(bool(group.rankings) for group in all_groups) + sum(len(chain.cells) for chain in all_chains)
    num_retrainings = sum(cell.retrain and not cell.intact for cell in wanted)
    masks = sum(cell.probe == "mask" for cell in wanted)
    num_scores = sum(not cell.retrain and cell.probe == "image" for cell in wanted)
    num_judged = sum(cell.probe == "evaluator" and cell != cell.judge for cell in wanted)
    num_assessments = sum(cell.probe == "attribution" for cell in wanted)
    crossed = f"  {len(folds(wanted)):6} networks, each to explain a fold of training images that it did not see\n"
    return (
        f"{len(wanted)} cells\n"
        f"  {sum(cell.intact for cell in wanted):6} original networks, each shared by all explainers and orders\n"
        f"{crossed if folds(wanted) else ''}"
        f"  {num_retrainings:6} networks retrained from scratch, {masks} of them on masks alone\n"
        f"  {num_scores:6} scores of original networks without retraining\n"
        f"  {num_judged:6} scores by {len(evaluators(wanted))} shared evaluators, which train behind random masks\n"
        f"  {num_assessments:6} attributions measured by themselves\n"
        f"  {rankings:6} rankings from {passes} passes over the data, each shared by all fractions, orders and fills"
    )
