"""What an explanation costs."""

from dataclasses import dataclass

from roarbench.benchmark.measures.sample import Sample


@dataclass(frozen=True)
class Passes:
    """Forward passes of the classifier, or of a copy of it, for each image that is explained.

    Paper: none; a count.
    Differs from the paper: nowhere.

    Misleads: networks of the explainer's own do not count, nor does their training. Explainers that share their passes
    are each given all of them.
    """

    label = "passes"
    better = "low"
    bounds = (0.0, None)
    form = "count"
    needs = ("network",)
    cost = "nothing"
    sees_noise = False

    def measure(self, sample: Sample) -> float:
        """Images that enter the first layer of the network."""
        return sample.passes
