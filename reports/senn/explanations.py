"""Figures of single explanations: inputs with their concepts and relevances, and neighbours."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from roarbench.reports.pictures.tiles import FONT, tile

POSITIVE, NEGATIVE = "#0173b2", "#d55e00"
DOTS = "Dots: fall of the probability of the predicted class without the concept, -1 to 1"


@dataclass(frozen=True, eq=False)
class Explained:
    """Examples with their explanations; relevances are those of the predicted class.

    Attributes:
        second: the class of the second highest logit.
        relevances_of_second: for that class.
        drops: fall of the probability of the predicted class without each concept.
        names: names of the concepts.
        classes: names of the classes; empty where they have none.
    """

    inputs: Float[np.ndarray, "n *feature"]
    labels: Int[np.ndarray, "n"]
    predicted: Int[np.ndarray, "n"]
    concepts: Float[np.ndarray, "n k"]
    relevances: Float[np.ndarray, "n k"]
    second: Int[np.ndarray, "n"]
    relevances_of_second: Float[np.ndarray, "n k"]
    drops: Float[np.ndarray, "n k"]
    names: Sequence[str]
    classes: Sequence[str] = ()

    def called(self, label: int) -> str:
        """A class by its name, or else by its number."""
        return self.classes[label] if self.classes else str(label)

    def verdict(self, row: int) -> str:
        """The class of an example and the predicted one; names take a line each."""
        true, predicted = self.called(int(self.labels[row])), self.called(int(self.predicted[row]))
        between = ",\n" if self.classes else ", "
        return f"{true}{between}predicted {predicted}"


def explanation_figure(examples: Explained) -> Figure:
    """A row for each example: the input if it is an image, relevances, concepts, and their products for two classes.

    Beside the contributions, as black dots on a scale of their own, is how far the probability of the predicted class
    falls without each concept.
    """
    images = int(examples.inputs.ndim == 4)
    columns = {
        "relevance": examples.relevances,
        "concept": examples.concepts,
        "contribution": examples.relevances * examples.concepts,
        "contribution to second": examples.relevances_of_second * examples.concepts,
    }
    height = max(1.0, 0.16 * len(examples.names) + 0.5)
    figure = Figure(figsize=(1.2 * images + 1.9 * len(columns), height * len(examples.inputs)), layout="constrained")
    widths = [1.0] * images + [1.6] * len(columns)
    grid = figure.subplots(len(examples.inputs), len(widths), squeeze=False, width_ratios=widths)
    for row, axes in enumerate(grid):
        title = f"class {examples.verdict(row)}"
        if images:
            tile(axes[0], examples.inputs[row])
            axes[0].set_title(title, fontsize=FONT)
        for axis, (name, values) in zip(axes[images:], columns.items(), strict=True):
            limit = max(float(np.abs(values).max()), 1e-9) * 1.1
            _bars(axis, values[row], examples.names if axis is axes[images] else [""] * len(examples.names), limit)
            axis.set_title(name if images or axis is not axes[0] else f"{title}\n{name}", fontsize=FONT)
        second = examples.called(int(examples.second[row]))
        _dots(axes[images + 2], examples.drops[row])
        axes[images + 3].set_title(f"contribution to class {second},\nsecond highest", fontsize=FONT)
    figure.supxlabel(DOTS, fontsize=6)
    return figure


def largest(examples: Explained, count: int) -> Explained:
    """With the concepts alone that contribute most in any of the examples, in their order."""
    most = np.abs(examples.relevances * examples.concepts).max(0)
    positions = np.sort((-most).argsort(kind="stable")[:count])
    by_concept = ("concepts", "relevances", "relevances_of_second", "drops")
    parts = {name: getattr(examples, name)[:, positions] for name in by_concept}
    return replace(examples, names=[examples.names[i] for i in positions], **parts)


def neighbour_figure(example: Explained, neighbours: Explained) -> Figure:
    """An image and its nearest neighbours among the concepts, with relevances and concepts below each."""
    sides = [example, neighbours]
    inputs, relevances, concepts = (
        np.concatenate([getattr(side, name) for side in sides]) for name in ("inputs", "relevances", "concepts")
    )
    figure = Figure(figsize=(1.1 * len(inputs), 3.2), layout="constrained")
    grid = figure.subplots(3, len(inputs), squeeze=False)
    for column, (image, name) in enumerate(zip(inputs, _captions(sides), strict=True)):
        tile(grid[0, column], image)
        grid[0, column].set_title(name, fontsize=FONT)
        for row, values in ((1, relevances), (2, concepts)):
            limit = max(float(np.abs(values).max()), 1e-9) * 1.1
            names = example.names if column == 0 else [""] * len(example.names)
            _bars(grid[row, column], values[column], names, limit)
    grid[1, 0].set_ylabel("relevance", fontsize=FONT)
    grid[2, 0].set_ylabel("concept", fontsize=FONT)
    return figure


def _captions(sides: Sequence[Explained]) -> Iterator[str]:
    for side in sides:
        yield from map(side.verdict, range(len(side.labels)))


def _bars(axis: Axes, values: Float[np.ndarray, "k"], names: Sequence[str], limit: float) -> None:
    """Horizontal bars, the first on top."""
    places = np.arange(len(values))
    axis.barh(places, values, color=[POSITIVE if value >= 0 else NEGATIVE for value in values], height=0.7)
    axis.axvline(0, color="0.4", linewidth=0.6)
    axis.set_xlim(-limit, limit)
    axis.set_yticks(places, names, fontsize=6)
    axis.tick_params(axis="x", labelsize=6)
    axis.invert_yaxis()


def _dots(axis: Axes, drops: Float[np.ndarray, "k"]) -> None:
    """How far a probability falls without each concept, on a scale from -1 to 1 that is not shown."""
    twin = axis.twiny()
    twin.plot(drops, np.arange(len(drops)), "k.", markersize=4)
    twin.set_xlim(-1.1, 1.1)
    twin.set_xticks([])
