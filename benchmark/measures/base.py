"""What a measure is: a frozen dataclass that turns what an explainer says of a few test examples into numbers."""

from typing import ClassVar, Literal, Protocol, runtime_checkable

import numpy as np
from torch import Tensor

from roarbench.benchmark.measures.sample import Sample


@runtime_checkable
class Measure(Protocol):
    """A frozen dataclass; its fields are the bracketed parameters of the command line.

    Its docstring begins with a sentence for `list` and tables, and has paragraphs `Paper:`, `Differs from the paper:`
    and `Misleads:` (when its number is not to be trusted). It may carry class attributes, each a literal that
    `matrix.facts` checks:
        version: a whole number, 1 unless given; raised when its results change on purpose.
        label: heading of its column; its name unless given.
        better: "high" or "low"; "" (unless given) where neither is better, and no explainer is called best.
        bounds: least and largest value, None where there is none.
        form: how a value is written: "number", "probability" (0.53), "percent" or "count".
        needs: what it takes besides attributions: "network", "gradients", "truth" (it is empty on data that do not know
            theirs), "retraining", "evaluator".
        cost: what it takes for an explainer of a network, in words.
        sees_noise: False where explainers degraded by noise say nothing about it, so that `trust` leaves it out.
    """

    def measure(self, sample: Sample) -> "Tensor | np.ndarray | float | None":
        """The measure of each example, `(n,)`, or one number for all of them.

        Examples whose attributions are all zero, and those that get NaN, are left out of the mean.

        Returns:
            None where no example counts.

        Raises:
            Skip: it does not apply; the reason reaches the report.
        """
        ...


class FromCurves:
    """A measure of the table that is read from curves of removal, whose cells are measured by other options.

    Attributes:
        order: "morf" or "lerf"; "" for what the one keeps more than the other.
        column: what is averaged over removal fractions: "test_accuracy", "test_loss", "test_target_probability" or
            "delta".
        probe: what networks see.
        option: of the command line, which has its cells measured.
    """

    order: ClassVar[Literal["morf", "lerf", ""]]
    column: ClassVar[str] = "test_accuracy"
    probe: ClassVar[str] = "image"
    option: ClassVar[str]
