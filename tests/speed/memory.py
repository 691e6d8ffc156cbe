"""How much memory ranking takes as samples, explainers and images grow; each number from a process of its own."""

import multiprocessing
import re
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import torch

from roarbench.benchmark.attribution.rankings import rank_splits
from roarbench.benchmark.matrix.plugins import plugin
from roarbench.benchmark.matrix.recipe import Recipe
from roarbench.benchmark.matrix.spec import Original, Ranking
from roarbench.benchmark.networks.classifiers import classifier
from roarbench.datasets.base import Split

ENSEMBLES = ("smoothgrad", "smoothgrad_squared", "vargrad")
SAMPLES, IMAGES, VIEWS = (5, 15, 60), (512, 2048), (1, 3)


def growths() -> dict[str, str]:
    """What is varied -> megabytes beyond the network and the images, for each of its values."""
    varied = {
        f"megabytes with {words(SAMPLES)} samples": [growth(samples, 3, 512) for samples in SAMPLES],
        f"megabytes with {words(VIEWS)} explainers of one pass": [growth(15, views, 512) for views in VIEWS],
        f"megabytes with {words(IMAGES)} images": [growth(15, 3, images) for images in IMAGES],
    }
    return {name: words(round(value) for value in values) for name, values in varied.items()}


def words(numbers: Iterable[int]) -> str:
    """Numbers as written in a sentence."""
    return ", ".join(map(str, numbers))


def growth(samples: int, views: int, images: int) -> float:
    """Megabytes that ranking takes at its peak, beyond what is there before it."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as process:
        return process.submit(_ranked, samples, views, images).result()


def _ranked(samples: int, views: int, images: int) -> float:
    torch.set_num_threads(1)
    split = Split(torch.rand(images, 1, 28, 28), torch.arange(images) % 10)
    training = Original(plugin("mnist", "dataset"), plugin("cnn_small", "classifier"), Recipe(), 0)
    rankings = [Ranking(training, plugin(f"{name}[samples={samples}]", "explainer")) for name in ENSEMBLES[:views]]
    network = classifier(training.classifier, split.inputs, 10).eval()
    network(split.inputs[:256]).sum().backward()  # what the first pass loads and allocates for good
    before = peak()
    rank_splits(network, {"train": split, "test": split.at(torch.arange(1))}, rankings)
    return peak() - before


def peak() -> float:
    """Megabytes that this process has held at most; `getrusage` would count those of the process that started it."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1024  # type: ignore[index]
