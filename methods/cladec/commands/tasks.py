"""Trainings of ClaDec as tasks that worker processes take: data, classifiers and folders meet sessions here."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from roarbench.benchmark.matrix.plugins import plugin
from roarbench.benchmark.matrix.recipe import Recipe
from roarbench.benchmark.matrix.spec import Original, key
from roarbench.benchmark.study import jobs
from roarbench.benchmark.study.jobs import Result, slug
from roarbench.methods.cladec.settings import Settings, check_alpha, shortest

PUBLISHED = Recipe(epochs=10, batch_size=32, learning_rate=1e-3, schedule="constant", precision="fp32")
"""How tomtuamnuq/cladec-mnist trains its classifiers, but for the epsilon of Adam (1e-4 there)."""

KINDS = ("cladec", "reference")
"""Kinds of results that are models of a layer; those of classifiers are of another."""


@dataclass(frozen=True)
class Experiment:
    """Data, classifier, layer, alphas and training of the decoders.

    Attributes:
        dataset: data set, such as "mnist" or "mnist[train=10000]".
        classifier: classifier of which a layer is decoded, such as "vgg_small".
        layer: layer that is decoded: conv is the output of the last convolutional block, dense the input of the last
            linear layer. The dotted name of a module, such as 1.3, gives any other.
        alphas: weights of the classification loss; the reconstruction has the rest of the weight.
    """

    dataset: str = "digits"
    classifier: str = "vgg_small"
    layer: str = "conv"
    alphas: tuple[float, ...] = (0.0, 0.5, 0.99, 0.999, 1.0)
    settings: Settings = Settings()


@dataclass(frozen=True)
class Preset(Experiment):
    """An experiment with the recipe of its classifier and the number of evaluators: the keys of a preset."""

    recipe: Recipe = PUBLISHED
    evaluators: int = 0


@dataclass(frozen=True)
class Resources(jobs.Resources):
    """Where and how a command works; none of it changes the identity of results."""

    out: Path = Path("runs/cladec")


@dataclass(frozen=True)
class Task:
    """One training.

    Attributes:
        name: identifier of the experiment.
        alpha: None for the reference; a classifier has none either.
        evaluators: fresh classifiers that learn from reconstructions.
    """

    experiment: Experiment
    recipe: Recipe
    resources: Resources
    name: str
    seed: int
    alpha: float | None = None
    evaluators: int = 0

    @property
    def home(self) -> Path:
        """Folder of its layer and seed."""
        layer = slug(self.experiment.layer)
        return self.resources.out / slug(self.experiment.dataset) / layer / self.name / str(self.seed)

    @property
    def folder(self) -> Path:
        """Its own folder."""
        return self.home / ("reference" if self.alpha is None else f"alpha-{shortest(self.alpha)}")


@dataclass(frozen=True)
class ClassifierTask(Task):
    """The classifier of an experiment, which all layers and identifiers share."""

    @property
    def folder(self) -> Path:
        """Its own folder."""
        training = replace(_training(self), seed=0)
        name = f"{slug(self.experiment.classifier)}-{key(training)[:8]}"
        return self.resources.out / slug(self.experiment.dataset) / "classifiers" / name / str(self.seed)


def tasks(
    experiment: Experiment, recipe: Recipe, resources: Resources, identifier: str, seeds: Sequence[int], evaluators: int
) -> list[Task]:
    """Trainings of one layer: the reference and an alpha each, for every seed.

    Raises:
        ValueError: settings out of their ranges, no data set or classifier of this name.
    """
    from roarbench.benchmark.execution.session import device
    from roarbench.benchmark.networks.precision import settled

    experiment.settings.check()
    recipe.check()
    for alpha in experiment.alphas:
        check_alpha(alpha)
    jobs.check_names(experiment.dataset, identifier)
    plugin(experiment.classifier, "classifier")
    if evaluators < 0:
        raise ValueError(f"evaluators must be at least 0, got {evaluators}")
    recipe = settled(recipe, device(resources.device))
    one = replace(experiment, alphas=())  # a training is the same whatever alphas stand beside it
    return [
        Task(one, recipe, resources, identifier, seed, alpha, evaluators)
        for seed in seeds for alpha in (None, *dict.fromkeys(experiment.alphas))
    ]  # fmt: skip


def classifiers(todo: Sequence[Task]) -> list[ClassifierTask]:
    """The classifiers that trainings need, each once."""
    return list(dict.fromkeys(
        ClassifierTask(_shared(task.experiment), task.recipe, task.resources, "classifier", task.seed) for task in todo
    ))  # fmt: skip


def rehearse(todo: Sequence[Task]) -> None:
    """Builds the models of each experiment: bad input fails before work starts.

    Raises:
        ValueError: data that cannot be read or that networks do not fit, no such layer, no TensorBoard, a folder that
            holds another training.
    """
    from roarbench.benchmark.execution.session import device
    from roarbench.benchmark.study import board
    from roarbench.methods.cladec.commands import session

    if todo[0].resources.tensorboard:
        board.check()
    device(todo[0].resources.device)
    for experiment in dict.fromkeys(task.experiment for task in todo):
        task = next(task for task in todo if task.experiment == experiment)
        work = site(task)
        explained = session.explained(_fresh(task, work.data.train, work.data.num_classes), experiment.layer, work)
        explained.cladec(experiment.settings)
        explained.reference(experiment.settings)
        for one in todo:
            if one.experiment == experiment:
                _subject(one, explained).check(one.folder, _identity(one))


def train_classifier(task: ClassifierTask) -> Result:
    """The result of a classifier."""
    from roarbench.benchmark.execution.session import device
    from roarbench.benchmark.networks.training import score
    from roarbench.benchmark.results.provenance import begun
    from roarbench.methods.cladec.commands import session

    work = site(task)

    def measured(network: Any) -> Result:
        outcome = score(network, work.data.test)
        return {"accuracy": outcome.accuracy, "cross_entropy": outcome.loss}

    learn, origin = partial(_learn, task, work.data.num_classes), begun(device(task.resources.device))
    return session.train_classifier(work, learn, measured, _identity(task), origin)


def train(task: Task) -> Result:
    """The result of a decoder or a reference, whose classifier is there."""
    from roarbench.benchmark.execution.session import device
    from roarbench.benchmark.results.provenance import begun
    from roarbench.methods.cladec.commands import session

    work = site(task)
    training_subject = subject(task, work)
    learn, origin = partial(_learn, task, work.data.num_classes), begun(device(task.resources.device))
    session.train(training_subject, work, _identity(task), origin)
    return session.evaluate(training_subject, work, learn, task.evaluators, origin)


def subject(task: Task, work: Any) -> Any:
    """What a task decodes, with its trained classifier."""
    from roarbench.methods.cladec.commands import session

    (classifier_task,) = classifiers([task])
    network = session.load(
        _fresh(classifier_task, work.data.train, work.data.num_classes), replace(work, folder=classifier_task.folder)
    )
    return _subject(task, session.explained(network, task.experiment.layer, work))


def site(task: Task) -> Any:
    """Data, seeds and folder of a training."""
    from roarbench.benchmark.study.site import site as of_job

    return of_job(task, task.experiment.dataset, "cladec", *_training(task).pairing())


def _subject(task: Task, explained: Any) -> Any:
    from roarbench.methods.cladec.commands.session import Subject

    return Subject(explained, task.experiment.layer, task.alpha, task.experiment.settings)


def _learn(task: Task, num_classes: int, train: Any, *, epochs: int | None, part: str) -> Any:
    """A fresh classifier after its training on a split; see `methods.cladec.evaluation.Learn`."""
    from roarbench.benchmark.networks import training
    from roarbench.benchmark.randomness import seeded

    recipe = replace(task.recipe, epochs=task.recipe.epochs if epochs is None else epochs)
    pairing = ("cladec", *_training(task).pairing(), part)
    with seeded("weights", *pairing):
        network = _fresh(task, train, num_classes)
    with seeded("training", *pairing):
        training.train(network, train, recipe, pairing=pairing)
    return network


def _fresh(task: Task, train: Any, num_classes: int) -> Any:
    from roarbench.benchmark.execution.session import device
    from roarbench.benchmark.networks.classifiers import classifier

    where = device(task.resources.device)
    return classifier(plugin(task.experiment.classifier, "classifier"), train, num_classes).to(where)


def _shared(experiment: Experiment) -> Experiment:
    """What a classifier depends on."""
    return Experiment(experiment.dataset, experiment.classifier, alphas=())


def _training(task: Task) -> Original:
    dataset, classifier = plugin(task.experiment.dataset, "dataset"), plugin(task.experiment.classifier, "classifier")
    return Original(dataset, classifier, task.recipe, task.seed)


def _identity(task: Task) -> Result:
    names = {"name": task.name, "dataset": task.experiment.dataset, "seed": task.seed}
    return names | {"classifier": task.experiment.classifier, "recipe": asdict(task.recipe)}
