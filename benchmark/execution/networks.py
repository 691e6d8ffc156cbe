"""Networks of a run: fresh, trained, and stored."""

from torch import Tensor, nn

from roarbench.benchmark.execution.workplace import Workplace, data_for
from roarbench.benchmark.matrix.spec import Original
from roarbench.benchmark.networks import training
from roarbench.benchmark.networks.brought import Trainer, restoring, trainer
from roarbench.benchmark.networks.classifiers import classifier
from roarbench.benchmark.randomness import seeded
from roarbench.datasets.base import Dataset


def trained(
    network: nn.Module, specification: Original, data: Dataset, place: Workplace, own: Trainer | None = None
) -> nn.Module:
    """A fresh network after its training; batches are the same for all cells of a seed.

    Args:
        own: trains it in place of the recipe.
    """
    pairing = specification.pairing()
    with place.in_step(), seeded("training", *pairing, *([place.team.rank] if place.team else [])):
        if own:
            own(network.train(), data.train, specification.seed)
        else:
            training.train(network, data.train, specification.recipe, pairing=pairing, team=place.team)
    return network.eval()


def original_network(specification: Original, data: Dataset, place: Workplace) -> nn.Module:
    """The stored network that was trained on intact inputs."""
    network = fresh_network(specification, data, place)
    place.artefacts.load_network(specification, network)
    return network.eval()


def fresh_network(specification: Original, data: Dataset, place: Workplace) -> nn.Module:
    """An untrained network; the same for all cells of a seed."""
    with seeded("weights", *specification.pairing()):
        return classifier(specification.classifier, data.train, data.num_classes).to(place.device)


def trained_original(original: Original, place: Workplace) -> tuple[nn.Module, Dataset]:
    """A network trained on intact inputs, here or elsewhere, and those."""
    with place.in_step():
        data = data_for(original, place)
        network = fresh_network(original, data, place)
    if restore := restoring(original.classifier):
        restore(network)
        return network.eval(), data
    return trained(network, original, data, place, trainer(original.classifier)), data


def predictions(original: Original, place: Workplace) -> Tensor:
    """The class that an original network predicts for each test image, intact."""
    data = data_for(original, place)
    return training.predicted(original_network(original, data, place), data.test)
