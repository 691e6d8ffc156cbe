"""What every explainer says of the same eight digits, drawn once and kept until its code changes."""

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import matplotlib
import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from roarbench.benchmark.attribution.passes import entering
from roarbench.benchmark.matrix.plugins import build, plugin
from roarbench.benchmark.matrix.recipe import Recipe
from roarbench.benchmark.networks import training
from roarbench.benchmark.networks.classifiers import classifier
from roarbench.benchmark.randomness import seeded
from roarbench.datasets.base import Dataset, Split
from roarbench.methods import EXPLAINERS
from roarbench.methods.base import Skip

ROOT = Path(__file__).parents[2]
KEPT = ROOT / ".cache" / "site" / "explainers"
CODE = ("methods", "hns", "datasets", "benchmark/networks", "benchmark/attribution", "docs/site/pictures.py")
"""What pictures depend on."""

SCENES = (
    ("digits", "cnn_small[width=16]", Recipe(epochs=8, learning_rate=0.01)),
    ("digits", "vit_tiny[width=32,depth=2]", Recipe(epochs=15, learning_rate=0.005)),
    ("blocks", "cnn_small[width=8]", Recipe(epochs=3, learning_rate=0.01)),
)
"""Data set, network and training; an explainer is drawn in the first to which it applies."""

OTHERWISE = {
    "grad_cam": "grad_cam[layer=1.0]", "guided_grad_cam": "guided_grad_cam[layer=1.0]",
    "hide_and_seek": "hide_and_seek[steps=400,pretraining_steps=150]", "senn": "senn[steps=600]",
    "disenn": "disenn[steps=400]", "cladec": "cladec[steps=300]",
}  # fmt: skip
"""Explainers that are drawn with other than their defaults: trainings are short, and small images need a layer."""

COUNT, SIDE, GAP = 8, 88, 6
"""Images in a picture, pixels of a side of each, and pixels between them."""


@dataclass(frozen=True)
class Scene:
    """Images, and the network that is explained."""

    name: str
    network: nn.Module
    data: Dataset
    shown: Split


@cache
def scene(number: int) -> Scene:
    """A trained network, and the first test images of different classes that it classifies right."""
    dataset, network_name, recipe = SCENES[number]
    data = build(plugin(dataset, "dataset"), "dataset")(ROOT / "data")
    with seeded("site", "weights"):
        network = classifier(plugin(network_name, "classifier"), data.train, data.num_classes)
    with seeded("site", "training"):
        training.train(network, data.train, recipe, pairing=("site",))
    right = training.predicted(network, data.test) == data.test.labels
    first = [int((right & (data.test.labels == label)).nonzero()[0]) for label in range(data.num_classes)]
    return Scene(f"{network_name} on {dataset}", network, data, data.test.at(torch.tensor(first[:COUNT])))


def facts() -> dict[str, dict[str, object]]:
    """Explainer -> where it was drawn, the forward passes of an image, and why it was not, if so; draws what is due."""
    listing, digest = KEPT / "facts.json", _digest()
    if listing.exists() and (known := json.loads(listing.read_text()))["digest"] == digest:
        return known["facts"]
    KEPT.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)  # as in worker processes: two threads wait for each other on a busy machine
    drawn = {name: draw(name) for name in EXPLAINERS}
    listing.write_text(json.dumps({"digest": digest, "facts": drawn}, indent=1))
    return drawn


def draw(name: str) -> dict[str, object]:
    """Draws an explainer in the first scene to which it applies."""
    reason = ""
    for number in range(len(SCENES)):
        try:
            maps, passes = _explained(OTHERWISE.get(name, name), scene(number))
        except (Skip, ValueError) as refusal:
            reason = reason or str(refusal)
        else:
            _picture(scene(number).shown.inputs, maps).save(KEPT / f"{name}.png", optimize=True)
            return {"scene": scene(number).name, "passes": passes, "written": OTHERWISE.get(name, name)}
    return {"skipped": reason}


def _explained(text: str, where: Scene) -> tuple[Tensor, float]:
    """Attributions of the shown images, and the forward passes that each took."""
    explainer = build(plugin(text, "explainer"), "explainer")
    entered: list[int] = []
    with seeded("site", text):
        attribute = explainer.prepare(where.network, where.data.train)
        with entering(where.network, entered.append):
            maps = attribute(where.shown.inputs, where.shown.labels)
    return maps.detach(), sum(entered) / len(where.shown)


def _picture(images: Tensor, maps: Tensor) -> Image.Image:
    """Images above, and their attributions below: red speaks for the class, blue against it, white says nothing."""
    grey = np.repeat(images.mean(1).numpy()[..., None], 3, axis=-1)
    scores = maps.expand(images.shape).sum(1).numpy()
    largest = np.abs(scores).max(axis=(1, 2), keepdims=True)
    colours = matplotlib.colormaps["RdBu_r"](0.5 + scores / np.where(largest > 0, 2 * largest, 1))[..., :3]
    rows = [np.concatenate([_tile(tile) for tile in row], axis=1)[:, :-GAP] for row in (grey, colours)]
    edge = np.full((GAP, rows[0].shape[1], 3), 255, np.uint8)
    return Image.fromarray(np.concatenate([rows[0], edge, rows[1]]))


def _tile(pixels: np.ndarray) -> np.ndarray:
    """An image in [0, 1] enlarged without smoothing, with a white gap behind it."""
    small = Image.fromarray((255 * pixels).round().astype(np.uint8))
    large = np.asarray(small.resize((SIDE, SIDE), Image.Resampling.NEAREST))
    return np.concatenate([large, np.full((SIDE, GAP, 3), 255, np.uint8)], axis=1)


def _digest() -> str:
    files = sorted(file for part in CODE for file in [ROOT / part, *(ROOT / part).rglob("*.py")] if file.is_file())
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
