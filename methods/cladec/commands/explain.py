"""Test images beside what is decoded of them, from the folder of one layer and seed, as figures."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from roarbench.benchmark.matrix import presets
from roarbench.benchmark.matrix.plugins import plugin
from roarbench.benchmark.matrix.recipe import Recipe
from roarbench.benchmark.study import checkpoint
from roarbench.methods.cladec.commands import tasks
from roarbench.methods.cladec.settings import Settings, shortest

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure

    from roarbench.datasets.base import Split
    from roarbench.methods.cladec.model import Autoencoder, Explained

RIGHT, WRONG = 3, 5
"""Test images of a grid that the classifier takes for the right class, and for a wrong one, as in cladec-mnist."""

STEPS, LIMIT = 20, 2.0
"""Codes along each side of a latent grid, and the largest of them."""


@dataclass(frozen=True)
class Scene:
    """What is drawn.

    Attributes:
        models: name -> model in eval mode, the reference first, then by alpha: "RefAE", "ClaDec 0.5"; "RefVAE".
        explained: their classifier and layer.
        test: all test images.
    """

    models: dict[str, "Autoencoder"]
    explained: "Explained"
    test: "Split"


@dataclass(frozen=True)
class Judged:
    """All test images, and what the classifier makes of them.

    Attributes:
        by: name of the model of the lowest alpha, or of the reference where it is alone.
        predicted: classes of the originals.
        losses: cross-entropy of the classifier on what that model decodes.
    """

    by: str
    labels: "np.ndarray"
    predicted: "np.ndarray"
    losses: "np.ndarray"


def explain(home: Path, data_root: Path, device: str, seed: int) -> list[Path]:
    """Draws what the models of one layer and seed make of test images; returns the paths.

    Raises:
        ValueError: the folder holds no finished training, or the classifier that it is about is not beside it.
    """
    from roarbench.methods.cladec.commands import session
    from roarbench.reports.pictures.drawing import save

    todo = _todo(home, data_root, device)
    work, experiment = tasks.site(todo[0]), todo[0].experiment
    subjects = {_name(task): (tasks.subject(task, work), home / task.folder.name) for task in todo}
    models = {
        name: session.trained(subject, replace(work, folder=place)) for name, (subject, place) in subjects.items()
    }
    scene = Scene(models, subjects[_name(todo[0])][0].explained, work.data.test)
    verdicts = _judged(scene, _name(next((task for task in todo if task.alpha is not None), todo[0])))
    figures = _grids(scene, verdicts, _chosen(verdicts, seed), f"Layer {experiment.layer}")
    if experiment.settings.variational and experiment.settings.latent_dim == 2:
        for name, (_, place) in subjects.items():
            latent_figures = _latent(scene, name, f"{name}, layer {experiment.layer}")
            figures |= {f"{kind}-{place.name}": figure for kind, figure in latent_figures.items()}
    return [path for name, figure in figures.items() for path in save(figure, home / name)]


def _todo(home: Path, data_root: Path, device: str) -> list[tasks.Task]:
    """What was trained there: the reference, then by alpha."""
    from roarbench.methods.cladec.commands import session

    results = [checkpoint.read_json(path) for path in sorted(home.glob(f"*/{session.RESULT}"))]
    models = [result for result in results if result.get("kind") in tasks.KINDS]
    if not models:
        raise ValueError(f"run: {home} holds no finished training; give the folder of a seed that cladec train printed")
    resources = tasks.Resources(home.resolve().parents[3], data_root, device)
    return sorted(
        (_task(result, resources) for result in models), key=lambda task: (task.alpha is not None, task.alpha)
    )


def _task(result: dict[str, Any], resources: tasks.Resources) -> tasks.Task:
    settings = presets.override(Settings(), result["settings"], "result.json")
    recipe = presets.override(Recipe(), result["recipe"], "result.json")
    plugin(result["dataset"], "dataset")
    experiment = tasks.Experiment(result["dataset"], result["classifier"], result["layer"], (), settings)
    return tasks.Task(experiment, recipe, resources, result["name"], result["seed"], result["alpha"])


def _name(task: tasks.Task) -> str:
    reference, decoder = ("RefVAE", "ClaDec-VAE") if task.experiment.settings.variational else ("RefAE", "ClaDec")
    return reference if task.alpha is None else f"{decoder} {shortest(task.alpha)}"


def _judged(scene: Scene, by: str) -> Judged:
    import torch
    from torch.nn import functional as F

    from roarbench.methods.cladec.layers import CHUNK, frozen
    from roarbench.methods.cladec.model import reconstructed
    from roarbench.methods.cladec.training import predicted

    classifier, labels = scene.explained.classifier, scene.test.labels
    reconstructions = reconstructed(scene.models[by], scene.explained, scene.test)
    with frozen(classifier), torch.no_grad():
        logits = torch.cat([classifier(chunk.inputs) for chunk in reconstructions.chunks(CHUNK)])
    losses = F.cross_entropy(logits, labels, reduction="none")
    arrays = (values.cpu().numpy() for values in (labels, predicted(classifier, scene.test), losses))
    return Judged(by, *arrays)


def _grids(scene: Scene, verdicts: Judged, some: "np.ndarray", layer: str) -> dict[str, "Figure"]:
    """Some images and the worst of every class, the only ones that all models decode."""
    from roarbench.reports.cladec import images

    worst = images.worst(verdicts.labels, verdicts.losses)
    rows, worst_rows = (_rows(scene, index) for index in (some, worst))
    captions = images.scored(verdicts.labels[worst], verdicts.losses[worst])
    return {
        "alphas": images.alpha_grid(rows, images.captions(verdicts.labels[some], verdicts.predicted[some]), layer),
        "single": images.triptych({name: row[0] for name, row in [*rows.items()][:3]}, layer),
        "worst": images.alpha_grid(worst_rows, captions, f"{layer}: cross-entropy of {verdicts.by}, worst of a class"),
    }


def _rows(scene: Scene, index: "np.ndarray") -> dict[str, "np.ndarray"]:
    """ "original" and names of models -> images of test examples."""
    import torch

    from roarbench.methods.cladec.model import reconstructed

    few = scene.test.at(torch.from_numpy(index))
    reconstructions = {name: reconstructed(model, scene.explained, few) for name, model in scene.models.items()}
    return {name: split.inputs.cpu().numpy() for name, split in ({"original": few} | reconstructions).items()}


def _chosen(verdicts: Judged, seed: int) -> "np.ndarray":
    """Some examples that are predicted right, then some that are not, where there are as many."""
    import numpy as np

    draw, right = np.random.default_rng(seed), verdicts.labels == verdicts.predicted
    some = [(np.flatnonzero(right), RIGHT), (np.flatnonzero(~right), WRONG)]
    return np.concatenate([draw.permutation(index)[:count] for index, count in some])


def _latent(scene: Scene, name: str, title: str) -> dict[str, "Figure"]:
    """Images of a grid of codes, rows along the second dimension, and the mean codes of the test images."""
    import torch

    from roarbench.methods.cladec.model import mean_codes
    from roarbench.reports.cladec import images

    model, test = scene.models[name], scene.test
    line = torch.linspace(-LIMIT, LIMIT, STEPS, device=test.inputs.device)
    second, first = torch.meshgrid(line, line, indexing="ij")
    with torch.no_grad():
        grid = model.decoder(torch.stack([first, second], -1).flatten(0, 1)).unflatten(0, (STEPS, STEPS))
    codes = mean_codes(model, scene.explained, test).cpu().numpy()
    return {
        "latent-grid": images.latent_grid(grid.cpu().numpy(), LIMIT, title),
        "latent": images.latent_scatter(codes, test.labels.cpu().numpy(), f"Resources of test images: {title}"),
    }
