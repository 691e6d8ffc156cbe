"""`run_benchmark.py hns ...`. This folder is part of the command line, hence free to import anything."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, ClassVar

from tyro.conf import OmitArgPrefixes, Positional, arg, subcommand

from roarbench.benchmark.matrix import presets
from roarbench.benchmark.study.jobs import Repeats, Result, each, slug
from roarbench.hns.commands import tasks
from roarbench.hns.commands.tasks import Resources
from roarbench.hns.settings import Experiment, Study

FOLDER = Path(__file__).parents[1]
CONFIGS, STUDIES = FOLDER / "configs", FOLDER / "studies"
DEFAULT = "digits"


@dataclass(frozen=True)
class List:
    """Prints the presets and the studies, with a line about each."""

    def __call__(self) -> int:
        for title, folder in (("presets", CONFIGS), ("studies", STUDIES)):
            print(f"{title}\n{presets.listing(folder)}")
        return 0


@dataclass(frozen=True)
class Command:
    """Options of all commands that train.

    Attributes:
        config: preset (digits, mnist, fashion_mnist, cifar10, cifar100, image_folder), or a TOML file of your own.
    """

    experiment: Annotated[OmitArgPrefixes[Experiment], arg(name="training")] = Experiment()
    resources: Annotated[OmitArgPrefixes[Resources], arg(name="execution")] = Resources()
    repeats: Annotated[OmitArgPrefixes[Repeats], arg(name="repetition")] = Repeats()
    config: str = DEFAULT


@dataclass(frozen=True)
class Train(Command):
    """Trains hider and seeker, or continues an interrupted training.

    Attributes:
        baseline: accuracy on intact images, in (0, 1]; if it is not given, it is measured with the same budget.
        identifier: name of the experiment; trainings with other settings need another name.
    """

    baseline: float | None = None
    identifier: str = "default"

    def __call__(self) -> int:
        from roarbench.reports.hns.results import frame
        from roarbench.reports.hns.tables import summary
        from roarbench.reports.terminal.tables import printed
        from roarbench.reports.terminal.text import show

        todo = tasks.tasks(self.experiment, self.resources, self.identifier, self.repeats.seeds)
        refuse_idle(self.experiment, presets.read(Experiment, self.config, CONFIGS))
        results, failed = trained(todo, self.baseline)
        if results:
            show(printed([summary(frame(results))]))
        print("\n".join(str(task.folder) for task in todo))
        return failed


@dataclass(frozen=True)
class Baseline(Command):
    """Measures accuracy on intact images within the budget of the trainings; prints it and the file of its network."""

    part: ClassVar[str] = "seeker"
    file: ClassVar[str] = "baseline.safetensors"

    def __call__(self) -> int:
        work = {"seeker": tasks.measure_baseline, "hider": tasks.pretrain_hider}[self.part]
        trainings = tasks.tasks(self.experiment, self.resources, self.part, self.repeats.seeds)
        todo = [tasks.part_task(task, self.part) for task in trainings]
        scores = each(work, todo, self.part)
        for task, score in scores.items():
            print(f"{score:.4f}  {task.folder / self.file}")
        return int(len(scores) < len(todo))


@dataclass(frozen=True)
class PretrainSeeker(Baseline):
    """Trains a seeker on intact images; prints its accuracy, the baseline, and its file, for --seeker-weights."""


@dataclass(frozen=True)
class PretrainHider(Baseline):
    """Trains a hider to reproduce its images; prints its error in nats per pixel and its file, for --hider-weights."""

    part: ClassVar[str] = "hider"
    file: ClassVar[str] = "hider.safetensors"


@dataclass(frozen=True)
class Evaluate:
    """Scores every checkpoint of trainings and draws their masks.

    Attributes:
        run: folder that train printed, or a folder above several.
        data_root: folder of the data sets.
        device: cpu, cuda, cuda:1, ...; auto takes CUDA where there is one.
    """

    run: Positional[Path]
    data_root: Path = Path("data")
    device: str = "auto"

    def __call__(self) -> int:
        from roarbench.benchmark.execution.session import device
        from roarbench.hns.commands.evaluate import evaluate

        table, paths = evaluate(self.run, self.data_root, device(self.device))
        print(table.to_string(index=False, float_format="{:.4f}".format))
        print("\n".join(map(str, paths)))
        return 0


@dataclass(frozen=True)
class RunStudy:
    """Answers a research question: trains every condition several times, and writes its table and figures.

    Attributes:
        study: a study that `hns list` shows, or a TOML file.
        conditions: conditions that are trained, by default all; the table shows all finished ones.
        identifier: name of the folder of the results.
    """

    study: Positional[str]
    resources: Annotated[OmitArgPrefixes[Resources], arg(name="execution")] = Resources()
    repeats: Annotated[OmitArgPrefixes[Repeats], arg(name="repetition")] = Repeats(num_trainings=3)
    conditions: tuple[str, ...] = ()
    identifier: str = "default"

    def __call__(self) -> int:
        from roarbench.reports.hns.report import report
        from roarbench.reports.hns.results import published
        from roarbench.reports.terminal.text import show

        study = presets.read(Study, self.study, STUDIES, "study")
        rows = {name: condition.published for name, condition in study.conditions.items()}
        published(rows)
        folder = self.resources.out / "studies" / Path(self.study).stem / self.identifier
        todo = [task for name in chosen(study, self.conditions) for task in self._tasks(study, name, folder)]
        _, failed = trained(todo, None)
        show(report(folder, study.question, rows))
        return failed

    def _tasks(self, study: Study, name: str, folder: Path) -> list[tasks.Task]:
        experiment = presets.read(Experiment, study.config, CONFIGS)
        settings = presets.override(experiment.settings, study.conditions[name].settings, f"{self.study}: {name}")
        trainings = tasks.tasks(replace(experiment, settings=settings), self.resources, name, self.repeats.seeds)
        below = folder.relative_to(self.resources.out) / slug(name)
        return [replace(task, place=below / str(task.seed)) for task in trainings]


def trained(todo: list[tasks.Task], baseline: float | None) -> tuple[list[Result], int]:
    """Results of trainings; first come the baselines that are not given and the seekers they share, each once.

    Returns:
        The results, and the exit status: 1 where some failed.

    Raises:
        ValueError: a baseline outside (0, 1], or bad input of which nothing comes.
    """
    if baseline is not None and not 0 < baseline <= 1:
        hint = f"; did you mean {baseline / 100:g}?" if 1 < baseline <= 100 else ""
        raise ValueError(f"baseline must be an accuracy in (0, 1], got {baseline:g}{hint}")
    tasks.rehearse(todo)
    parts = [tasks.part_task(task, "seeker") for task in todo if baseline is None]
    part_tasks = list({part.folder: part for part in parts}.values())
    baselines = each(tasks.measure_baseline, part_tasks, "baseline")
    accuracies = {part.folder: accuracy for part, accuracy in baselines.items()}
    references = {task: baseline or accuracies.get(tasks.part_task(task, "seeker").folder) for task in todo}
    complete = [replace(task, baseline=accuracy) for task, accuracy in references.items() if accuracy is not None]
    each(tasks.train_behind_masks, tasks.masked_parts(complete), "seeker")
    results = each(tasks.train, complete, "training")
    return list(results.values()), int(len(results) < len(todo))


def refuse_idle(experiment: Experiment, preset: Experiment) -> None:
    """Refuses options that would do nothing.

    Raises:
        ValueError: one that differs from the preset and has no effect beside the others.
    """
    settings = experiment.settings
    for name, need in settings.idle().items():
        if (value := getattr(settings, name)) != getattr(preset.settings, name):
            raise ValueError(f"{name} {value} has no effect here: it needs {need}; leave it out")


def chosen(study: Study, conditions: tuple[str, ...]) -> list[str]:
    """The conditions to train.

    Raises:
        ValueError: a name that the study does not have, or none to choose from.
    """
    if not study.conditions:
        raise ValueError("the study has no conditions")
    for name in conditions:
        if name not in study.conditions:
            raise ValueError(f"the study has no condition {name!r}; choose from {', '.join(study.conditions)}")
    return list(conditions or study.conditions)


def commands(config: str | None) -> Any:
    """The commands as tyro reads them, with the preset as the default of their options."""
    experiment = presets.read(Experiment, config or DEFAULT, CONFIGS)
    return (
        Annotated[List, subcommand("list")]
        | Annotated[Train, subcommand("train", default=Train(experiment))]
        | Annotated[Baseline, subcommand("baseline", default=Baseline(experiment))]
        | Annotated[PretrainSeeker, subcommand("pretrain-seeker", default=PretrainSeeker(experiment))]
        | Annotated[PretrainHider, subcommand("pretrain-hider", default=PretrainHider(experiment))]
        | Annotated[Evaluate, subcommand("evaluate")]
        | Annotated[RunStudy, subcommand("study")]
    )
