"""A fill of your own. Copy this file to the current folder, then:

python run_benchmark.py run --fills "fill:grain[deviation=0.2]" --explainers random gradient --out runs/grain
"""

from roarbench.methods.base import Skip


def grain(inputs, kept, train_mean, normal, *, deviation: float = 0.1):
    """The training mean of the channel and normal noise, so that no removed pixel has a constant value."""
    if deviation < 0:
        raise ValueError(f"grain[deviation] must be at least 0, got {deviation:g}")
    if inputs.ndim != 4:
        raise Skip("grain needs images (n, c, h, w)")  # the reason reaches the report
    # `kept` is true where a pixel stays; what is returned is used elsewhere only. `normal()` belongs to the example,
    # so that a fill gives the same values in every batch and with any number of workers.
    return train_mean + deviation * normal()
