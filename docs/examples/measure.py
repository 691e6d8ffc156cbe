"""A measure of your own. Copy this file to the current folder, then:

python run_benchmark.py run --explainers random gradient --measures "measure:TopShare[share=0.2]" --out runs/top
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class TopShare:
    """Share of all attribution magnitude that the largest features hold.

    Paper: none; an example.
    Differs from the paper: nowhere.

    Misleads: concentrated attributions are easy to read, whether they are right or not.
    """

    label = "top share"  # heading of its column
    better = ""  # "high", "low", or "" where neither is better
    bounds = (0.0, 1.0)
    form = "probability"  # how values are written
    needs = ()  # such as ("network",)
    cost = "nothing"

    share: float = 0.1  # every field is a parameter on the command line

    def __post_init__(self):
        if not 0 < self.share <= 1:
            raise ValueError(f"top_share[share] must lie in (0, 1], got {self.share:g}")

    def measure(self, sample):
        ordered = sample.maps.abs().sort(dim=1, descending=True).values  # (n, d), one row for each test example
        return ordered[:, : max(1, round(self.share * ordered.shape[1]))].sum(1) / ordered.sum(1)  # (n,)
