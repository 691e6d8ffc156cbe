"""`export`: the maps of an explainer of a run, as a file."""

from dataclasses import dataclass
from pathlib import Path

from tyro.conf import Positional

from roarbench.benchmark.commands.run import DATA
from roarbench.benchmark.results.store import require


@dataclass(frozen=True)
class Export:
    """Writes the maps of an explainer of a run to a file, for other programs or for the explainer stored.

    Attributes:
        explainer: name of the explainer, as written in the run.
        file: .npz or .safetensors, with an array for each split and the labels beside it.
        out: folder of the run, whose networks are trained.
        seed: seed of the explained network.
        data_root: folder of the data sets.
        device: cpu, cuda, cuda:1, ...; auto takes CUDA where there is one.
    """

    explainer: Positional[str]
    file: Positional[Path]
    out: Path = Path("runs/quick")
    seed: int = 0
    data_root: Path = DATA
    device: str = "auto"

    def __call__(self) -> int:
        require(self.out)
        from roarbench.benchmark.execution.export import export
        from roarbench.benchmark.execution.session import Resources

        resources = Resources(self.data_root, self.device, workers=0)
        print("\n".join(export(self.out, self.explainer, self.file, resources, seed=self.seed)))
        return 0
