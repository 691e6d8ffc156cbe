"""A data set of your own. Copy this file to the current folder, then:

python run_benchmark.py run --datasets "data_set:bars[examples=400]" --explainers random gradient --out runs/bars
"""

import numpy as np

from roarbench.datasets.base import Card, Dataset
from roarbench.datasets.split import Examples, carve, to_split


def bright(inputs):
    """The ground truth, computed from the inputs: above 0 where a feature is relevant. Leave it out if unknown."""
    return (inputs == 1).to(inputs.dtype)


def bars(data_root, *, examples: int = 600, validation: float = 0.1, seed: int = 0):
    """A bright bar on noise, lying or upright: 2 classes, ground truth known."""
    draw = np.random.default_rng(seed)
    labels = draw.integers(0, 2, examples)  # 0 ... k-1, every class in train
    inputs = draw.uniform(0, 0.5, (examples, 1, 8, 8)).astype("float32")  # (n, c, h, w) in [0, 1]; rows are (n, d)
    for image, upright, place in zip(inputs[:, 0], labels, draw.integers(0, 8, examples), strict=True):
        (image.T if upright else image)[place] = 1
    rest, test = carve(labels, 0.25, name="test", seed=seed)  # stratified shares
    train, held = carve(labels[rest], validation, name="validation", seed=seed)
    all_examples, places = Examples(inputs, labels), (rest[train], rest[held], test)
    train, held, test = (to_split(all_examples, index, truth=bright) for index in places)
    card = Card(title="Bars", source="generated", licence="none needed", reference="none")
    return Dataset(train, held, test, num_classes=2, card=card)
