"""Explanations of single examples by a trained network, its prototypes, neighbours and traversals, as figures."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from roarbench.benchmark.matrix import presets
from roarbench.benchmark.matrix.plugins import plugin
from roarbench.benchmark.study import checkpoint
from roarbench.methods.senn.commands import tasks
from roarbench.methods.senn.settings import Experiment, Settings

if TYPE_CHECKING:
    import torch

    from roarbench.methods.senn.model import Senn
    from roarbench.reports.senn.explanations import Explained

SHOWN, BARS, PROTOTYPES, NEIGHBOURS = 4, 20, 9, 5
STEPS, SPREAD = 9, 3.0
"""Points of a traversal, and how many standard deviations of the test codes it goes to either side of an image's."""


def explain(folder: Path, resources: tasks.Resources) -> list[Path]:
    """Draws what a trained network says, from its folder alone and its data; returns the paths.

    Raises:
        ValueError: the folder holds no finished training.
    """
    from roarbench.methods.senn.commands import session
    from roarbench.reports.pictures.drawing import save
    from roarbench.reports.pictures.tiles import tiles
    from roarbench.reports.senn import explanations

    result = folder / session.RESULT
    if not result.exists():
        raise ValueError(f"run: {folder} holds no finished training; give the folder of a seed that senn train printed")
    facts = checkpoint.read_json(result)
    settings = presets.override(Settings(), facts["settings"], str(folder))
    plugin(facts["dataset"], "dataset")
    task = tasks.Task(Experiment(facts["dataset"], settings), resources, Path(), facts["name"], facts["seed"])
    site = replace(tasks.site(task), folder=folder)
    network, test = session.trained(settings, site), site.data.test
    names = _names(site.data, network)
    everything = _explained(network, site.data, names)
    selection = _with_drops(network, site.data, _some(everything, _chosen(everything)))
    figures: dict[str, Any] = {"explanations": explanations.explanation_figure(explanations.largest(selection, BARS))}
    if settings.concepts != "identity" and test.inputs.ndim == 4:
        for kind, scores in _prototypes(everything).items():
            best = (-scores).argsort(axis=0)[:PROTOTYPES].T
            title = f"Test images of the highest {kind} of each concept"
            figures[f"prototypes-{kind}"] = tiles(dict(zip(names, everything.inputs[best], strict=True)), title)
        at, near = _neighbours(everything)
        figures["neighbours"] = explanations.neighbour_figure(_some(everything, at), _some(everything, near))
        grids = _traversed(network, test.inputs[at], everything.concepts.std(axis=0))
        figures["traversals"] = tiles(
            dict(zip(names, grids, strict=True)),
            f"One concept at a time, from -{SPREAD:g} to +{SPREAD:g} standard deviations around an image",
        )
    return [path for name, figure in figures.items() for path in save(figure, folder / name)]


def _explained(network: "Senn", data: Any, names: list[str]) -> "Explained":
    import torch

    from roarbench.reports.senn.explanations import Explained

    inputs, rows = data.test.inputs, torch.arange(len(data.test))
    with torch.no_grad():
        explanation = network.explain(inputs)
    predicted, second = explanation.logits.topk(2).indices.unbind(1)
    arrays = {
        "inputs": inputs, "labels": data.test.labels, "predicted": predicted, "second": second,
        "concepts": explanation.concepts, "relevances": explanation.relevances[rows, :, predicted],
        "relevances_of_second": explanation.relevances[rows, :, second],
        "drops": torch.zeros_like(explanation.concepts),
    }  # fmt: skip
    return Explained(
        **{name: part.cpu().numpy() for name, part in arrays.items()}, names=names, classes=data.class_names
    )


def _with_drops(network: "Senn", data: Any, examples: "Explained") -> "Explained":
    """Examples with the fall of the predicted probability without each concept."""
    import torch

    from roarbench.methods.senn.metrics import drops, reference

    inputs = torch.from_numpy(examples.inputs).to(data.test.inputs)
    with torch.no_grad():
        falls = drops(network, network.explain(inputs), inputs, reference(network, data.train))
    return replace(examples, drops=falls.cpu().numpy())


def _names(data: Any, network: "Senn") -> list[str]:
    """Names of the features, or numbers of learned concepts."""
    count = int(network.concepts.num_concepts)  # type: ignore[arg-type]
    if network.concepts.learned:
        return [f"concept {i + 1}" for i in range(count)]
    names = [name.replace("_", " ") for name in data.feature_names]
    names = names or [f"feature {i + 1}" for i in range(count - 1)]
    return [*names, "bias"][:count]


def _some(examples: "Explained", index: Any) -> "Explained":
    arrays = {name: part for name, part in vars(examples).items() if name not in ("names", "classes")}
    return replace(examples, **{name: part[index] for name, part in arrays.items()})


def _chosen(examples: "Explained") -> Any:
    """The first examples of different classes that are predicted right, then one that is not, where there is one."""
    import numpy as np

    right = examples.labels == examples.predicted
    firsts = [np.flatnonzero(right & (examples.labels == label))[:1] for label in np.unique(examples.labels)]
    return np.concatenate([np.concatenate(firsts)[: SHOWN - 1], np.flatnonzero(~right)[:1]])


def _prototypes(examples: "Explained") -> dict[str, Any]:
    """Scores of examples for each concept: its value, and its value beyond the sum of all others."""
    concepts = examples.concepts
    return {"activation": concepts, "contrast": 2 * concepts - concepts.sum(1, keepdims=True)}


def _neighbours(examples: "Explained") -> tuple[Any, Any]:
    """The first example, and those whose concepts are nearest to its own."""
    import numpy as np

    distance = np.linalg.norm(examples.concepts - examples.concepts[:1], axis=1)
    return np.array([0]), distance.argsort(kind="stable")[1 : NEIGHBOURS + 1]


def _traversed(network: "Senn", inputs: "torch.Tensor", deviations: Any) -> Any:
    """What decoding makes of the code of an image when one concept after the other takes other values."""
    import torch

    with torch.no_grad():
        code = network.concepts.encode(inputs)  # type: ignore[operator]
        steps = torch.linspace(-SPREAD, SPREAD, STEPS)
        rows = []
        for i in range(code.concepts.shape[1]):
            moved = code.concepts.repeat(STEPS, 1)
            moved[:, i] += float(deviations[i]) * steps.to(moved)
            rows.append(network.concepts.decode(moved))  # type: ignore[operator]
    return torch.stack(rows).cpu().numpy()
