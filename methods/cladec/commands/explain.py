"""Test images beside what is decoded of them, from the folder of one layer and seed, as figures."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark import presets
from benchmark.plugins import plugin
from benchmark.recipe import Recipe
from hns import checkpoint
from methods.cladec.commands import tasks
from methods.cladec.settings import Settings, shortest

if TYPE_CHECKING:
    import numpy as np

    from methods.cladec.session import Subject

RIGHT, WRONG = 3, 5
"""Test images of a grid that the classifier takes for the right class, and for a wrong one, as in cladec-mnist."""

STEPS, LIMIT = 20, 2.0
"""Codes along each side of a latent grid, and the largest of them."""


@dataclass(frozen=True)
class Drawn:
    """Test images and what became of them.

    Attributes:
        rows: "original", "RefAE" and "ClaDec 0.5" -> images of all test examples; variational ones have other names.
        judged: name of the row of the lowest alpha, or of the reference where it is alone.
        losses: cross-entropy of the classifier on that row.
    """

    rows: dict[str, "np.ndarray"]
    labels: "np.ndarray"
    predicted: "np.ndarray"
    judged: str
    losses: "np.ndarray"

    def some(self, index: Any) -> dict[str, "np.ndarray"]:
        """The rows at some examples."""
        return {name: images[index] for name, images in self.rows.items()}


def explain(home: Path, data_root: Path, device: str, seed: int) -> list[Path]:
    """Draws what the models of one layer and seed make of test images; returns the paths.

    Raises:
        ValueError: the folder holds no finished training, or the classifier that it is about is not beside it.
    """
    from methods.cladec import session
    from reports.cladec import images
    from reports.drawing import save

    found = [checkpoint.read_json(path) for path in sorted(home.glob(f"*/{session.RESULT}"))]
    models = [result for result in found if result.get("kind") in tasks.KINDS]
    if not models:
        raise ValueError(f"run: {home} holds no finished training; give the folder of a seed that cladec train printed")
    means = tasks.Means(home.resolve().parents[3], data_root, device)
    todo = sorted((_task(result, means) for result in models), key=lambda task: (task.alpha is not None, task.alpha))
    work = replace(tasks.bench(todo[0]), folder=home)
    drawable = {_name(task): (tasks.subject(task, work), home / task.folder.name) for task in todo}
    drawn = _drawn(drawable, work)
    index = _chosen(drawn, seed)
    layer = todo[0].experiment.layer
    figures: dict[str, Any] = {
        "alphas": images.alpha_grid(
            drawn.some(index), images.captions(drawn.labels[index], drawn.predicted[index]), f"Layer {layer}"
        ),
        "single": images.triptych({name: row[index[0]] for name, row in [*drawn.rows.items()][:3]}, f"Layer {layer}"),
        "worst": images.worst_cases(
            drawn.rows, drawn.labels, drawn.losses, f"Layer {layer}: cross-entropy of {drawn.judged}, worst of a class"
        ),
    }
    if todo[0].experiment.settings.variational and todo[0].experiment.settings.latent_dim == 2:
        for name, (subject, folder) in drawable.items():
            grid, means_of = _latent(subject, replace(work, folder=folder))
            figures[f"latent-grid-{folder.name}"] = images.latent_grid(grid, LIMIT, f"{name}, layer {layer}")
            title = f"Means of test images: {name}, layer {layer}"
            figures[f"latent-{folder.name}"] = images.latent_scatter(means_of, drawn.labels, title)
    return [path for name, figure in figures.items() for path in save(figure, home / name)]


def _task(result: dict[str, Any], means: tasks.Means) -> tasks.Task:
    settings = presets.override(Settings(), result["settings"], "result.json")
    recipe = presets.override(Recipe(), result["recipe"], "result.json")
    plugin(result["dataset"], "dataset")
    experiment = tasks.Experiment(result["dataset"], result["classifier"], result["layer"], (), settings)
    return tasks.Task(experiment, recipe, means, result["name"], result["seed"], result["alpha"])


def _name(task: tasks.Task) -> str:
    reference, decoder = ("RefVAE", "ClaDec-VAE") if task.experiment.settings.variational else ("RefAE", "ClaDec")
    return reference if task.alpha is None else f"{decoder} {shortest(task.alpha)}"


def _drawn(models: dict[str, tuple["Subject", Path]], work: Any) -> Drawn:
    import torch
    from torch.nn import functional as F

    from methods.cladec import session
    from methods.cladec.layers import CHUNK, frozen
    from methods.cladec.model import reconstructed
    from methods.cladec.training import predicted

    rows = {"original": work.data.test.inputs}
    for name, (subject, folder) in models.items():
        model = session.trained(subject, replace(work, folder=folder))
        rows[name] = reconstructed(model, subject.explained, work.data.test).inputs
    classifier, names = subject.explained.classifier, {one.alpha: name for name, (one, _) in models.items()}
    judged = names[min((alpha for alpha in names if alpha is not None), default=None)]
    with frozen(classifier), torch.no_grad():
        logits = torch.cat([classifier(images) for images in rows[judged].split(CHUNK)])
    losses = F.cross_entropy(logits, work.data.test.labels, reduction="none")
    arrays = {name: images.cpu().numpy() for name, images in rows.items()}
    said = predicted(classifier, work.data.test).cpu().numpy()
    return Drawn(arrays, work.data.test.labels.cpu().numpy(), said, judged, losses.cpu().numpy())


def _chosen(drawn: Drawn, seed: int) -> "np.ndarray":
    """Some examples that are predicted right, then some that are not, where there are as many."""
    import numpy as np

    draw, right = np.random.default_rng(seed), drawn.labels == drawn.predicted
    some = [(np.flatnonzero(right), RIGHT), (np.flatnonzero(~right), WRONG)]
    return np.concatenate([draw.permutation(index)[:count] for index, count in some])


def _latent(subject: "Subject", work: Any) -> tuple["np.ndarray", "np.ndarray"]:
    """Images of a grid of codes, rows along the second dimension, and the mean codes of the test images."""
    import torch

    from methods.cladec import session
    from methods.cladec.layers import CHUNK
    from methods.cladec.model import decode

    model = session.trained(subject, work)
    line = torch.linspace(-LIMIT, LIMIT, STEPS, device=work.device)
    second, first = torch.meshgrid(line, line, indexing="ij")
    with torch.no_grad():
        images = model.decoder(torch.stack([first, second], -1).flatten(0, 1))
    parts = (decode(model, subject.explained, chunk.inputs).latent for chunk in work.data.test.chunks(CHUNK))
    codes = torch.cat([latent.mean for latent in parts if latent])
    return images.unflatten(0, (STEPS, STEPS)).cpu().numpy(), codes.cpu().numpy()
