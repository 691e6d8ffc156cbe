"""Where work is done: the folder of a run, its device, and the data sets that stay loaded there."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from roarbench.benchmark.matrix.plugins import SEED, build
from roarbench.benchmark.matrix.spec import Original, PlugIn
from roarbench.benchmark.networks.team import Team
from roarbench.benchmark.results.artefacts import Artefacts
from roarbench.datasets.base import Dataset


def load(dataset: PlugIn, seed: int, data_root: Path) -> Dataset:
    """The data set a specification names, on the CPU; the seed matters to generated data alone."""
    return build(dataset, "dataset", seed=seed)(data_root)


@dataclass(frozen=True)
class Workplace:
    """Where work is done: the run's folder, the folder of the data, the device ("cpu", "cuda", "cuda:1").

    Attributes:
        load: where data sets come from: files, unless a cluster hands them round.
        loaders: processes that read a stream ahead of the work on it; 0 reads in the working process.
        team: processes that train networks together; None trains alone.
    """

    folder: Path
    data_root: Path
    device: str
    load: Callable[[PlugIn, int, Path], Dataset] = load
    loaders: int = 0
    team: Team | None = None

    @property
    def artefacts(self) -> Artefacts:
        """Files shared between cells."""
        return Artefacts(self.folder / "artefacts")

    def in_step(self) -> AbstractContextManager:
        """A block that a team leaves together, well or not."""
        return self.team.in_step() if self.team else nullcontext()


def data_of(specification: Original) -> tuple[PlugIn, int]:
    """Data set and seed to load; 0 for real data, which are the same under every seed."""
    seeded_data = any(value == SEED for _, value in specification.dataset.parameters)
    return specification.dataset, specification.seed if seeded_data else 0


def data_for(specification: Original, place: Workplace) -> Dataset:
    """The data set of a training, on the device; the last two stay loaded."""
    dataset, seed = data_of(specification)
    # What does not count for the identity of a data set counts for how it lies in memory.
    return _loaded(dataset, dataset.handling, seed, place.load, place.data_root, (place.device, place.loaders))


def forget_data() -> None:
    """Loads data sets afresh from now on: an explainer that failed may have changed what it was given."""
    _loaded.cache_clear()


@lru_cache(maxsize=2)
def _loaded(
    dataset: PlugIn, handling: object, seed: int, load: Callable[..., Dataset], data_root: Path, put: tuple[str, int]
) -> Dataset:
    device, loaders = put
    return load(dataset, seed, data_root).to(device, loaders=loaders)
