"""One training from its settings to its result, which goes on after any kill; and the networks that came of it."""

from dataclasses import asdict
from typing import Any

from roarbench.benchmark.study import checkpoint
from roarbench.benchmark.study.claim import claim, contents, plain
from roarbench.benchmark.study.epochs import run_epochs
from roarbench.benchmark.study.site import Origin, Site
from roarbench.datasets.base import Dataset
from roarbench.methods.senn.metrics import measure
from roarbench.methods.senn.model import Senn
from roarbench.methods.senn.settings import Settings
from roarbench.methods.senn.training import Training

VERSION = 2
"""Raised when the results of the same settings change on purpose."""

BEST, RESULT = "best.safetensors", "result.json"


def train(settings: Settings, site: Site, identity: dict[str, Any], origin: Origin) -> dict[str, Any]:
    """Trains, or goes on with a training, until there is a result; a finished training only returns it.

    Args:
        identity: name, dataset and seed of the training.
        origin: gives its provenance once it is finished, for the result.

    Raises:
        ValueError: the folder belongs to other settings or data, or the settings do not fit the data.
    """
    claim(site.folder, plain(settings) | identity | depends_on(site.data))
    result = site.folder / RESULT
    if result.exists():
        return checkpoint.read_json(result)
    training, seconds = _run(settings, site)
    checkpoint.write_csv(site.folder / "epochs.csv", training.rows)
    checkpoint.fill(training.network, checkpoint.read(site.folder / BEST)[0], BEST)
    outcome = {
        **identity, "settings": plain(settings), "best": training.rows[training.best], "last": training.rows[-1],
        "epochs": training.rows, "test": measured(training.network, site), "seconds": seconds,
        "num_parameters": sum(value.numel() for value in training.network.parameters()), "provenance": origin(),
    }  # fmt: skip
    checkpoint.write_json(result, outcome)
    return outcome


def measured(network: Senn, site: Site) -> dict[str, float]:
    """All measures on the test split, the same for every training of one seed."""
    with site.seeded("measures"):
        return asdict(measure(network.eval(), site.data))


def trained(settings: Settings, site: Site) -> Senn:
    """The network that a finished training selected, in eval mode.

    Raises:
        ValueError: no weights, or weights of another network.
    """
    network = Senn(settings, site.data.feature_shape, site.data.num_classes).to(site.device)
    checkpoint.fill(network, checkpoint.read(site.folder / BEST)[0], BEST)
    return network.eval()


def depends_on(data: Dataset) -> dict[str, Any]:
    """What a result depends on besides settings and seed: files, and which examples are in which split."""
    return {"version": VERSION} | contents(data)


def _run(settings: Settings, site: Site) -> tuple[Training, float]:
    """Trains to the end, from where it was left; keeps the best weights.

    Returns:
        The training and all its seconds.
    """
    with site.seeded("weights"):
        network = Senn(settings, site.data.feature_shape, site.data.num_classes).to(site.device)
    training = Training(network, site.data.train, site.data.validation, settings)

    def keep_best() -> None:
        if training.best == len(training.rows) - 1:
            checkpoint.write(site.folder / BEST, network.state_dict())

    with site.seeded("training"):
        seconds = run_epochs(training, network, site, settings.epochs, begin=training.pretrain, after=keep_best)
    return training, seconds
