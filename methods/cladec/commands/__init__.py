"""`run_benchmark.py cladec ...`. This folder is part of the command line, hence free to import anything."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Annotated, Any

from tyro.conf import OmitArgPrefixes, Positional, arg, subcommand

from roarbench.benchmark.matrix import presets
from roarbench.benchmark.matrix.recipe import Recipe
from roarbench.benchmark.study.jobs import Repeats, Result, each, slug
from roarbench.methods.cladec.commands import tasks
from roarbench.methods.cladec.commands.tasks import PUBLISHED, Experiment, Preset, Resources

CONFIGS = Path(__file__).parents[1] / "configs"
DEFAULT = "digits"
SHARED = ("dataset", "classifier", "recipe", "seed")
"""What a classifier and the models of its layers have in common."""


@dataclass(frozen=True)
class List:
    """Prints the presets, with a line about each."""

    def __call__(self) -> int:
        print(presets.listing(CONFIGS))
        return 0


@dataclass(frozen=True)
class Train:
    """Trains a classifier, decoders of one of its layers and the reference, or continues an interrupted training.

    Attributes:
        config: preset (digits, mnist, fashion_mnist, authors, vae), or a TOML file of your own.
        recipe: training of the classifier and of evaluators.
        evaluators: number of fresh classifiers for each decoder that learn from its reconstructions; you can add more
            later.
        identifier: name of the experiment; trainings with other settings need another name.
    """

    experiment: Annotated[OmitArgPrefixes[Experiment], arg(name="training")] = Experiment()
    recipe: Recipe = PUBLISHED
    resources: Annotated[OmitArgPrefixes[Resources], arg(name="execution")] = Resources()
    repeats: Annotated[OmitArgPrefixes[Repeats], arg(name="repetition")] = Repeats()
    config: str = DEFAULT
    evaluators: int = 0
    identifier: str = "default"

    def __call__(self) -> int:
        from roarbench.reports.terminal.tables import printed
        from roarbench.reports.terminal.text import show

        todo = tasks.tasks(
            self.experiment, self.recipe, self.resources, self.identifier, self.repeats.seeds, self.evaluators
        )
        results = trained(todo)
        show(printed(_tables(results)))
        _print_homes(todo)
        return int(_missing(results, todo))


@dataclass(frozen=True)
class Evaluate:
    """Prints, writes and draws the measures of all finished trainings below a folder.

    Attributes:
        run: folder that train or sweep printed, or a folder above several. The classifiers of its data set are
            included.
    """

    run: Positional[Path]

    def __call__(self) -> int:
        from roarbench.reports.hns.results import by_folder

        results = by_folder(self.run).values()
        models = [result for result in results if result.get("kind") in tasks.KINDS]
        if not models:
            raise ValueError(f"run: {self.run} holds no finished training; give a folder that cladec train has filled")
        above = (folder / "classifiers" for folder in self.run.resolve().parents)
        beside = next((by_folder(folder).values() for folder in above if folder.is_dir()), results)
        _shown([*models, *_classifiers(beside, models)], self.run)
        return 0


@dataclass(frozen=True)
class Explain:
    """Draws test images beside their reconstructions, and the latent space of a variational model.

    Attributes:
        run: folder of one layer and seed, as train or sweep printed it.
        data_root: folder of the data sets.
        device: cpu, cuda, cuda:1, ...; auto takes CUDA where there is one.
        seed: seed that decides which examples are drawn.
    """

    run: Positional[Path]
    data_root: Path = Path("data")
    device: str = "auto"
    seed: int = 0

    def __call__(self) -> int:
        from roarbench.methods.cladec.commands.explain import explain

        print("\n".join(map(str, explain(self.run, self.data_root, self.device, self.seed))))
        return 0


@dataclass(frozen=True)
class Sweep:
    """Trains decoders of several layers with every alpha; writes the evaluation table and draws it against alpha.

    Prints the folders of layers and seeds, for evaluate and explain.

    Attributes:
        config: preset (digits, mnist, fashion_mnist, authors, vae), or a TOML file of your own.
        layers: layers that are decoded, in place of that of the preset.
        recipe: training of the classifier and of evaluators.
        evaluators: number of fresh classifiers for each decoder that learn from its reconstructions; you can add more
            later.
        identifier: name of the experiment; trainings with other settings need another name.
    """

    experiment: Annotated[OmitArgPrefixes[Experiment], arg(name="training")] = Experiment()
    recipe: Recipe = PUBLISHED
    resources: Annotated[OmitArgPrefixes[Resources], arg(name="execution")] = Resources()
    repeats: Annotated[OmitArgPrefixes[Repeats], arg(name="repetition")] = Repeats()
    config: str = DEFAULT
    layers: tuple[str, ...] = ("conv", "dense")
    evaluators: int = 0
    identifier: str = "default"

    def __call__(self) -> int:
        if not self.layers:
            raise ValueError("layers needs at least one layer, such as conv")
        rest = self.recipe, self.resources, self.identifier, self.repeats.seeds, self.evaluators
        todo = [
            task
            for layer in dict.fromkeys(self.layers)
            for task in tasks.tasks(replace(self.experiment, layer=layer), *rest)
        ]
        results = trained(todo)
        folder = self.resources.out / "sweeps" / slug(self.experiment.dataset) / self.identifier
        _shown(results, folder)
        _print_homes(todo)
        return int(_missing(results, todo))


def trained(todo: Sequence[tasks.Task]) -> list[Result]:
    """Results of the classifiers, then of their decoders and references, side by side where there are workers."""
    tasks.rehearse(todo)
    ready = each(tasks.train_classifier, tasks.classifiers(todo), "classifier")
    able = [task for task in todo if tasks.classifiers([task])[0] in ready]
    return [*ready.values(), *each(tasks.train, able, "training").values()]


def _print_homes(todo: Sequence[tasks.Task]) -> None:
    """Folders that evaluate and explain take, each once."""
    print("\n".join(dict.fromkeys(str(task.home) for task in todo)))


def _missing(results: Sequence[Result], todo: Sequence[tasks.Task]) -> bool:
    return sum(result["kind"] != "classifier" for result in results) < len(todo)


def _tables(results: Sequence[Result]) -> list[Any]:
    from roarbench.reports.cladec.results import frame
    from roarbench.reports.cladec.tables import evaluation

    return evaluation(frame(results))


def _shown(results: Sequence[Result], folder: Path) -> None:
    """Prints and writes tables, and draws metrics against alpha."""
    from roarbench.reports.cladec.plots import alpha_figure
    from roarbench.reports.cladec.results import frame
    from roarbench.reports.terminal.tables import shown

    folder.mkdir(parents=True, exist_ok=True)
    tables = _tables(results)
    for table in tables:
        table.write(folder)
    alpha_figure(frame(results), folder)
    shown(tables, folder)


def _classifiers(results: Iterable[Result], models: Sequence[Result]) -> list[Result]:
    """The classifiers of some models among results."""
    origins = [[model[name] for name in SHARED] for model in models]
    return [r for r in results if r.get("kind") == "classifier" and [r[name] for name in SHARED] in origins]


def commands(config: str | None) -> Any:
    """The commands as tyro reads them, with the preset as the default of their options."""
    preset = presets.read(Preset, config or DEFAULT, CONFIGS)
    experiment = Experiment(**{field.name: getattr(preset, field.name) for field in fields(Experiment)})
    return (
        Annotated[List, subcommand("list")]
        | Annotated[Train, subcommand("train", default=Train(experiment, preset.recipe, evaluators=preset.evaluators))]
        | Annotated[Evaluate, subcommand("evaluate")]
        | Annotated[Explain, subcommand("explain")]
        | Annotated[Sweep, subcommand("sweep", default=Sweep(experiment, preset.recipe, evaluators=preset.evaluators))]
    )
