"""`run_benchmark.py senn ...`. This folder is part of the command line, hence free to import anything."""

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

from tyro.conf import OmitArgPrefixes, Positional, arg, subcommand

from roarbench.benchmark.matrix import presets
from roarbench.benchmark.study.jobs import Repeats, Result, each, slug
from roarbench.methods.senn.commands import tasks
from roarbench.methods.senn.commands.tasks import Resources
from roarbench.methods.senn.importing import imported
from roarbench.methods.senn.settings import Experiment, Robustness

CONFIGS = Path(__file__).parents[1] / "configs"
DEFAULT = "digits"
LAMBDAS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)


@dataclass(frozen=True)
class List:
    """Prints the presets, with a line about each."""

    def __call__(self) -> int:
        print(presets.listing(CONFIGS))
        return 0


@dataclass(frozen=True)
class Train:
    """Trains a self-explaining network, or continues an interrupted training, and measures it.

    Attributes:
        config: preset (digits, compas, mnist, fashion_mnist, mnist_disenn), or a TOML file of your own.
        import_config: JSON configuration of the published reproduction, in place of all settings.
        identifier: name of the experiment; trainings with other settings need another name.
    """

    experiment: Annotated[OmitArgPrefixes[Experiment], arg(name="training")] = Experiment()
    resources: Annotated[OmitArgPrefixes[Resources], arg(name="execution")] = Resources()
    repeats: Annotated[OmitArgPrefixes[Repeats], arg(name="repetition")] = Repeats()
    config: str = DEFAULT
    import_config: Path | None = None
    identifier: str = "default"

    def __call__(self) -> int:
        from roarbench.reports.senn.results import frame
        from roarbench.reports.senn.tables import measures
        from roarbench.reports.terminal.tables import printed
        from roarbench.reports.terminal.text import show

        experiment = self._imported() if self.import_config else self.experiment
        todo = tasks.tasks(experiment, self.resources, self.identifier, self.repeats.seeds)
        results = trained(todo)
        if results:
            show(printed([measures(frame(results), f"{experiment.dataset}.")]))
        print("\n".join(str(task.folder) for task in todo))
        return int(len(results) < len(todo))

    def _imported(self) -> Experiment:
        assert self.import_config
        experiment, left_out = imported(self.import_config)
        if left_out:
            print(f"{self.import_config}: without effect here: {', '.join(left_out)}", file=sys.stderr)
        return experiment


@dataclass(frozen=True)
class Evaluate:
    """Prints and writes the measures of all finished trainings below a folder.

    Attributes:
        run: folder that train or sweep printed, or a folder above several.
    """

    run: Positional[Path]

    def __call__(self) -> int:
        from roarbench.reports.hns.results import by_folder
        from roarbench.reports.senn.results import frame
        from roarbench.reports.senn.tables import measures
        from roarbench.reports.terminal.tables import shown

        results = [result for result in by_folder(self.run).values() if "robustness" in result.get("settings", {})]
        if not results:
            raise ValueError(f"run: {self.run} holds no finished training; give a folder that senn train has filled")
        table = measures(frame(results), f"{self.run}.")
        table.write(self.run)
        shown([table], self.run)
        return 0


@dataclass(frozen=True)
class Explain:
    """Draws explanations of test examples, prototypes, neighbours and traversals of a trained network.

    Attributes:
        run: folder of one seed, as train printed it.
    """

    run: Positional[Path]
    resources: Annotated[OmitArgPrefixes[Resources], arg(name="execution")] = Resources()

    def __call__(self) -> int:
        from roarbench.methods.senn.commands.explain import explain

        print("\n".join(map(str, explain(self.run, self.resources))))
        return 0


@dataclass(frozen=True)
class Sweep:
    """Trains with every lambda and form of the robustness loss; shows accuracy, stability and residual against lambda.

    Attributes:
        config: preset (digits, compas, mnist, fashion_mnist, mnist_disenn), or a TOML file of your own.
        lambdas: weights of the robustness loss.
        forms: forms of the robustness loss.
        without_bias: true trains reproduction without a bias concept, as published.
        identifier: name of the folder of the results.
    """

    experiment: Annotated[OmitArgPrefixes[Experiment], arg(name="training")] = Experiment()
    resources: Annotated[OmitArgPrefixes[Resources], arg(name="execution")] = Resources()
    repeats: Annotated[OmitArgPrefixes[Repeats], arg(name="repetition")] = Repeats(num_trainings=3)
    config: str = DEFAULT
    lambdas: tuple[float, ...] = LAMBDAS
    forms: tuple[Robustness, ...] = ("residual", "reproduction")
    without_bias: bool = True
    identifier: str = "default"

    def __call__(self) -> int:
        from roarbench.reports.hns.results import by_folder
        from roarbench.reports.senn.plots import sweep_figure
        from roarbench.reports.senn.results import frame
        from roarbench.reports.senn.tables import measures, sweep
        from roarbench.reports.terminal.tables import shown

        todo = [
            task
            for form in dict.fromkeys(self.forms)
            for weight in dict.fromkeys(self.lambdas)
            for task in self._tasks(form, weight)
        ]
        if not todo:
            raise ValueError("lambdas and forms need at least one value each")
        results = trained(todo)
        folder = todo[0].folder.parents[1]
        finals = frame(by_folder(folder).values()).sort_values(
            ["name", "robust_weight", "seed"], ascending=[False, True, True]
        )
        tables = [sweep(finals), measures(finals, f"{self.experiment.dataset}.")]
        for table in tables:
            table.write(folder)
        sweep_figure(finals, folder)
        shown(tables, folder)
        return int(len(results) < len(todo))

    def _tasks(self, form: Robustness, weight: float) -> list[tasks.Task]:
        bias = self.experiment.settings.bias and not (form == "reproduction" and self.without_bias)
        settings = replace(self.experiment.settings, robustness=form, robust_weight=weight, bias=bias)
        trainings = tasks.tasks(
            replace(self.experiment, settings=settings), self.resources, self.identifier, self.repeats.seeds
        )
        below = Path("sweeps", slug(self.experiment.dataset), self.identifier, f"{form}-{weight:.12g}")
        return [replace(task, place=below / str(task.seed), name=form) for task in trainings]


def trained(todo: list[tasks.Task]) -> list[Result]:
    """Results of trainings, side by side where there are workers."""
    tasks.rehearse(todo)
    return list(each(tasks.train, todo, "training").values())


def commands(config: str | None) -> Any:
    """The commands as tyro reads them, with the preset as the default of their options."""
    experiment = presets.read(Experiment, config or DEFAULT, CONFIGS)
    return (
        Annotated[List, subcommand("list")]
        | Annotated[Train, subcommand("train", default=Train(experiment))]
        | Annotated[Evaluate, subcommand("evaluate")]
        | Annotated[Explain, subcommand("explain")]
        | Annotated[Sweep, subcommand("sweep", default=Sweep(experiment))]
    )
