r"""A classifier of your own. Copy this file to the current folder, then:

python run_benchmark.py run --explainers random gradient \
    --classifiers "classifier:convolutional[channels=16]" --out runs/convolutional
"""

from torch import nn


def convolutional(feature_shape, num_classes, *, channels: int = 8):
    """One convolution and a linear layer, for small images."""
    if len(feature_shape) != 3:
        raise ValueError(f"convolutional needs images (c, h, w), got features {tuple(feature_shape)}; use mlp")
    return nn.Sequential(  # weights are drawn anew at every call: networks are retrained from scratch
        nn.Conv2d(feature_shape[0], channels, 3, padding=1),  # inputs are standardised already
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.LazyLinear(num_classes),  # ends in logits, not in probabilities
    )
