"""A training checkpoint by checkpoint: accuracy, share hidden, F, FIR and FII at each alpha, and pictures of masks."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from roarbench.benchmark.matrix import presets
from roarbench.benchmark.matrix.plugins import build, plugin
from roarbench.hns.commands.tasks import part_place
from roarbench.hns.settings import Experiment, Settings

if TYPE_CHECKING:
    import torch
    from torch import nn

    from roarbench.datasets.base import Dataset
    from roarbench.hns.model import HideAndSeek

NUM_SHOWN, NUM_ALPHAS = 10, 7
"""Examples in a picture, and alphas in the picture of all of them."""


def evaluate(folder: Path, data_root: Path, device: str) -> tuple[pd.DataFrame, list[Path]]:
    """Scores every checkpoint of all trainings below a folder on the test split, and draws masks and scores.

    Returns:
        Resources over the trainings of a condition for each checkpoint, alphas from 1.00 down, then best and last; the
        paths of what was written.

    Raises:
        ValueError: the folder holds no training with a checkpoint, or a checkpoint does not fit it.
    """
    from tqdm import tqdm

    from roarbench.reports.hns.images import alphas

    places = [path.parent for path in sorted(folder.rglob("settings.json")) if checkpoints(path.parent)]
    if not places:
        raise ValueError(f"run: {folder} holds no checkpoint of a training; give a folder that hns train has filled")
    rows, paths = [], []
    for place in tqdm(places, unit="training", disable=len(places) == 1):
        table, pictures = _evaluate_one(place, data_root, device)
        rows.append(table.assign(condition=condition_of(place, folder), seed=place.name))
        paths += pictures
    frame: pd.DataFrame = pd.concat(rows, ignore_index=True)
    at_alphas = frame[frame.checkpoint.str[0].str.isdigit()]
    if len(at_alphas):
        paths.append(alphas(at_alphas.assign(alpha=at_alphas.checkpoint.astype(float)), folder / "alphas.png"))
    return means(frame), paths


def condition_of(place: Path, folder: Path) -> str:
    """What the trainings beside one have in common: their folder, seen from the one that is evaluated."""
    return place.resolve().parent.name if folder in (place, place.parent) else str(place.parent.relative_to(folder))


def means(found: pd.DataFrame) -> pd.DataFrame:
    """Resources over seeds, and how many there are: not every training has reached every alpha."""
    names = sorted(found.checkpoint.unique(), key=lambda name: (1, name) if name.isalpha() else (0, -float(name)))
    ordered = found.assign(checkpoint=pd.Categorical(found.checkpoint, names))
    by = ordered.groupby(["condition", "checkpoint"], sort=True, observed=True)
    table = by.mean(numeric_only=True)
    table.insert(0, "n", by.size())
    return table.reset_index().astype({"checkpoint": str})


def _evaluate_one(folder: Path, data_root: Path, device: str) -> tuple[pd.DataFrame, list[Path]]:
    """A row for each checkpoint of one training, and the paths of what was written."""
    import torch
    from tqdm import tqdm

    from roarbench.benchmark.study import checkpoint
    from roarbench.hns.evaluation import masks, score
    from roarbench.hns.judge import behind
    from roarbench.hns.model import build as build_network

    identity = checkpoint.read_json(folder / "settings.json")
    data = build(plugin(identity["dataset"], "dataset"), "dataset", seed=identity["seed"])(data_root).to(device)
    network = build_network(settings_of(identity), data.feature_shape, data.num_classes).to(device).eval()
    judge = judge_of(folder, identity, data)
    few = data.test.at(torch.arange(min(NUM_SHOWN, len(data.test))))
    rows, views = [], {}
    for name, path in tqdm(checkpoints(folder).items(), unit="checkpoint", leave=False):
        checkpoint.fill(network, checkpoint.read(path, "run")[0], "run")
        scores = score(network, data.test)
        judged = {"judge": behind(judge, data.test, masks(network, data.test))} if judge else {}
        rows.append({"checkpoint": name, **asdict(scores), **scores.against(identity["baseline"]), **judged})
        views[name] = _look(network, few.inputs)
    table = pd.DataFrame(rows)
    table.to_csv(folder / "evaluation.csv", index=False)
    pictures = _pictures(folder, few.inputs.cpu().numpy(), few.labels.tolist(), views)
    return table, [folder / "evaluation.csv", *pictures]


def judge_of(folder: Path, begun: dict[str, Any], data: "Dataset") -> "nn.Module | None":
    """The judge of a training, where the folder of all results still has it."""
    from roarbench.benchmark.study import checkpoint
    from roarbench.hns.model import fresh_seeker

    settings = settings_of(begun)
    place = part_place(Experiment(begun["dataset"], settings), begun["seed"], "judge") / "judge.safetensors"
    files = [above / place for above in folder.resolve().parents if (above / place).exists()]
    if not files:
        return None
    judge = fresh_seeker(settings.model, data.feature_shape, data.num_classes).to(data.train.labels.device)
    checkpoint.fill(judge, checkpoint.read(files[0])[0], "judge")
    return judge.eval()


def settings_of(begun: dict[str, Any]) -> Settings:
    """The settings a training was begun with, as `settings.json` holds them."""
    names = Settings.__dataclass_fields__
    values = {name: value for name, value in begun.items() if name in names and value is not None}
    return presets.override(Settings(), values, "settings.json")


def checkpoints(folder: Path) -> dict[str, Path]:
    """Weights by name: "1.00", "0.95", ..., "best", "last"; only those that there are."""
    at_alphas = {p.stem.removeprefix("alpha_"): p for p in sorted(folder.glob("alpha_*.safetensors"), reverse=True)}
    others = {"best": folder / "best.safetensors", "last": folder / "last_weights.safetensors"}
    return at_alphas | {name: path for name, path in others.items() if path.exists()}


def _look(network: "HideAndSeek", inputs: "torch.Tensor") -> tuple[Any, list[int]]:
    """Masks of some images, and the classes the seeker sees in what is left."""
    import torch

    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        output = network(inputs)
    return output.mask.cpu().numpy(), output.class_logits.argmax(1).tolist()


def _pictures(folder: Path, inputs: Any, labels: list[int], views: dict[str, tuple[Any, list[int]]]) -> list[Path]:
    """A grid of images, masks and masked images for each checkpoint, and one of all alphas."""
    from roarbench.reports.hns.images import alpha_grid, images

    grids = [
        images(inputs, masks, predictions, labels, folder / f"images_{name}.png")
        for name, (masks, predictions) in views.items()
    ]
    masks = {float(name): masks for name, (masks, _) in views.items() if name[0].isdigit()}
    some = {alpha: masks[alpha] for alpha in list(masks)[:: -(-len(masks) // NUM_ALPHAS)]} if masks else {}
    return [*grids, alpha_grid(inputs, some, folder / "images_alphas.png")] if some else grids
