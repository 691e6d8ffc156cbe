"""Classifiers, decoders and references from settings to results, each in a folder; trainings go on after any kill."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import nn

from roarbench.benchmark.study import checkpoint
from roarbench.benchmark.study.claim import check_claim, claim, contents, plain
from roarbench.benchmark.study.epochs import LAST, run_epochs
from roarbench.benchmark.study.site import Origin, Site
from roarbench.methods.cladec.evaluation import Learn, evaluation_accuracy, measure
from roarbench.methods.cladec.layers import located
from roarbench.methods.cladec.model import Autoencoder, Explained
from roarbench.methods.cladec.settings import Settings
from roarbench.methods.cladec.training import Training, check_in_memory, coded, of_images

VERSION = 2
"""Raised when the results of the same settings change on purpose."""

WEIGHTS, RESULT = "weights.safetensors", "result.json"

Result = dict[str, Any]


@dataclass(frozen=True)
class Subject:
    """What is decoded, and how.

    Attributes:
        layer: as it was asked for.
        alpha: None for the reference.
    """

    explained: Explained
    layer: str
    alpha: float | None
    settings: Settings

    @property
    def kind(self) -> str:
        """The kind of its row."""
        return "reference" if self.alpha is None else "cladec"

    def told(self, identity: Result) -> Result:
        """What its result says of it, besides settings."""
        return identity | {"layer": self.layer, "kind": self.kind, "alpha": self.alpha}

    def check(self, folder: Path, identity: Result) -> None:
        """Raises ValueError where a folder belongs to other settings; data and classifier are left to `train`."""
        check_claim(folder, plain(self.settings) | self.told(identity))

    def model(self) -> Autoencoder:
        """Its model with fresh weights."""
        return (self.explained.reference if self.alpha is None else self.explained.cladec)(self.settings)


def train_classifier(
    site: Site, learn: Learn, score: Callable[[nn.Module], Result], identity: Result, origin: Origin
) -> Result:
    """Trains the classifier of a folder in one go, unless it is there; returns its result.

    Args:
        score: its measures on the test split.
        identity: name, dataset, seed, classifier and its recipe.
        origin: gives its provenance once it is finished, for the result.

    Raises:
        ValueError: the folder belongs to another one.
    """
    claim(site.folder, identity | depends_on(site))
    if (site.folder / RESULT).exists():
        return checkpoint.read_json(site.folder / RESULT)
    since = time.perf_counter()
    network = learn(site.data.train, epochs=None, part="classifier")
    checkpoint.write(site.folder / WEIGHTS, network.state_dict())
    result = identity | {
        "layer": None, "kind": "classifier", "alpha": None, "settings": {}, "num_parameters": _size(network),
        "epochs": [], "test": score(network), "seconds": time.perf_counter() - since, "provenance": origin(),
    }  # fmt: skip
    checkpoint.write_json(site.folder / RESULT, result)
    return result


def load(network: nn.Module, site: Site) -> nn.Module:
    """A fresh network with the weights of a folder, in eval mode.

    Raises:
        ValueError: no weights, or weights of another network.
    """
    checkpoint.fill(network, checkpoint.read(site.folder / WEIGHTS)[0], WEIGHTS)
    return network.to(memory_format=torch.channels_last).eval()  # convolutions are faster so


def explained(classifier: nn.Module, layer: str, site: Site) -> Explained:
    """A layer of a classifier on some data.

    Raises:
        ValueError: there is no such layer, or the data are a stream.
    """
    check_in_memory(site.data.train)
    example = next(site.data.train.chunks(1)).inputs
    return Explained(classifier, located(classifier, layer, example), example)


def train(subject: Subject, site: Site, identity: Result, origin: Origin) -> Result:
    """Trains, or goes on with a training, until there is a result; a finished training only returns it.

    Args:
        identity: name, dataset, seed, classifier and its recipe.
        origin: gives its provenance once it is finished, for the result.

    Raises:
        ValueError: the folder belongs to other settings, data or weights of the classifier.
    """
    facts = subject.told(identity)
    claim(site.folder, plain(subject.settings) | facts | _weights_of(subject) | depends_on(site))
    if (site.folder / RESULT).exists():
        return checkpoint.read_json(site.folder / RESULT)
    training, seconds = _run(subject, site)
    checkpoint.write(site.folder / WEIGHTS, training.model.state_dict())
    report = measure(training.model, subject.explained, site.data.test, subject.settings, alpha=subject.alpha)
    result = facts | {
        "settings": plain(subject.settings), "num_parameters": _size(training.model), "epochs": training.rows,
        "test": asdict(report) | {"evaluation_accuracy": []}, "seconds": seconds, "provenance": origin(),
    }  # fmt: skip
    checkpoint.write_json(site.folder / RESULT, result)
    (site.folder / LAST).unlink()
    return result


def evaluate(subject: Subject, site: Site, learn: Learn, evaluators: int, origin: Origin) -> Result:
    """Adds what is missing of so many evaluation accuracies to a result, one by one, each with where it comes from."""
    result = checkpoint.read_json(site.folder / RESULT)
    accuracies = result["test"]["evaluation_accuracy"]
    if len(accuracies) >= evaluators:
        return result
    model = trained(subject, site)
    for number in range(len(accuracies), evaluators):
        since = time.perf_counter()
        one = evaluation_accuracy(model, subject.explained, site.data, learn, subject.settings, number=number)
        accuracies.append(one)
        entry = {"evaluator": number, "seconds": time.perf_counter() - since, "provenance": origin()}
        result.setdefault("evaluators", []).append(entry)
        checkpoint.write_json(site.folder / RESULT, result)
    return result


def trained(subject: Subject, site: Site) -> Autoencoder:
    """The model of a finished training, in eval mode.

    Raises:
        ValueError: no weights, weights of another model, or a model of another classifier.
    """
    check_claim(site.folder, _weights_of(subject))
    model = subject.model()
    load(model, site)
    return model


def depends_on(site: Site) -> Result:
    """What a result depends on besides settings and seed."""
    return {"version": VERSION} | contents(site.data)


def _run(subject: Subject, site: Site) -> tuple[Training, float]:
    """Trains to the end, from where it was left.

    Initial weights and the order of the batches are the same for all alphas, which are compared in pairs.

    Returns:
        The training and all its seconds.
    """
    settings, train = subject.settings, site.data.train
    material = of_images(train) if subject.alpha is None else coded(subject.explained, train, settings.target)
    with site.seeded("weights", subject.kind):
        model = subject.model()
    classifier = subject.explained.classifier
    training = Training(model, classifier, material, alpha=subject.alpha or 0.0, settings=settings)
    with site.seeded("training", subject.kind):
        return training, run_epochs(training, model, site, settings.epochs)


def _size(network: nn.Module) -> int:
    return sum(value.numel() for value in network.parameters())


def _weights_of(subject: Subject) -> Result:
    """Which classifier is explained."""
    weights = subject.explained.classifier.state_dict()
    content = save({name: value.cpu().contiguous() for name, value in weights.items()})
    return {"sha256 of the classifier": sha256(content).hexdigest()}
