"""How often an explainer says nothing."""

from dataclasses import dataclass

from roarbench.benchmark.measures.sample import Sample


@dataclass(frozen=True)
class ZeroAttributions:
    """Share of images whose attributions are all zero; other measures leave these out.

    Paper: none; a count.
    Differs from the paper: nowhere.

    Misleads: attributions that are tiny, but not zero, do not count.
    """

    label = "zero"
    better = "low"
    bounds = (0.0, 1.0)
    form = "percent"
    cost = "nothing"
    sees_noise = False

    def measure(self, sample: Sample) -> float:
        """In [0, 1]."""
        return float((sample.maps.norm(dim=-1) == 0).double().mean())
