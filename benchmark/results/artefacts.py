"""Files shared between cells: weights of original networks, and rank maps. Complete or absent, never half written.

Both carry checksums (`seals.py`): what was damaged since counts as absent.

Weights are written as bytes because the writer of safetensors hides that a disk is full.
"""

import json
import math
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors.torch import load_file
from torch import nn

from roarbench.benchmark.matrix.spec import Cell, Fold, Original, Ranking, digest, key
from roarbench.benchmark.matrix.units import unit_shape
from roarbench.benchmark.results import shards
from roarbench.benchmark.results.seals import seal, sealed, sound_folder, sound_tensors
from roarbench.benchmark.results.shards import NewMap, Shards

OWN, OWN_MASKS = "own.json", "own-{split}"


@dataclass(frozen=True)
class Artefacts:
    """Artefacts below a run's folder, named by the hash of what they are."""

    folder: Path

    def has_network(self, training: Original | Fold | Cell) -> bool:
        """Whether the weights of an original network, of a fold, or of a shared evaluator are stored, as written."""
        return sound_tensors(self._network(training))

    def save_network(self, training: Original | Fold | Cell, network: nn.Module) -> None:
        """Stores the weights of an original network, of a fold, or of a shared evaluator: its cell on intact images."""
        path = self._network(training)
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, network)

    def load_network(self, training: Original | Fold | Cell, network: nn.Module) -> None:
        """Fills a network with the stored weights."""
        _read(self._network(training), network)

    def tuned(self, training: Original, name: str, network: nn.Module, fit: Callable[[nn.Module], None]) -> None:
        """Fills a network made from an original one with its stored weights; who asks first fits and stores it.

        Workers that ask at the same time fit the same network, and the last of them stores it.

        Args:
            name: of what is fitted, with all that its weights depend on beside the original network.
        """
        path = self.folder / "tuned" / f"{key(training)}-{digest(name)}.safetensors"
        if not sound_tensors(path):
            fit(network)
            path.parent.mkdir(parents=True, exist_ok=True)
            _write(path, network)
        _read(path, network)

    def has_ranks(self, ranking: Ranking, split: str = "train") -> bool:
        """Whether the rank maps of a split are stored, as they were written; damaged ones are removed.

        Maps are stored of all splits or of the test split alone: those of the train split stand for all.
        """
        path = self._ranks(ranking)
        if path.is_dir() and not sound_folder(path):
            shutil.rmtree(path, ignore_errors=True)
        return path.is_dir() and bool(shards.load(path, split).parts)

    @contextmanager
    def new_ranks(self, ranking: Ranking) -> Iterator[Path]:
        """A folder for shards that becomes the rank maps of a ranking when the block ends well, and is gone if not."""
        path = self._ranks(ranking)
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        try:
            yield draft
            seal(draft)
            for file in draft.iterdir():
                with file.open("rb") as handle:  # other nodes, and a machine that lost its power, see whole files
                    os.fsync(handle.fileno())
            if not _names(draft) <= _names(path):  # if another worker was faster, its ranks are the same
                shutil.rmtree(path, ignore_errors=True)
                draft.replace(path)
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    def load_ranks(self, ranking: Ranking, split: str) -> Shards:
        """Ranks of one split `(n, *unit)`, read as they are indexed."""
        return shards.load(self._ranks(ranking), split)

    def load_own(self, ranking: Ranking) -> dict[str, float | None]:
        """What the explainer's own masks achieve on the test split; empty where it has none."""
        path = self._ranks(ranking) / OWN
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}

    def load_own_masks(self, ranking: Ranking, split: str) -> Shards:
        """The explainer's own masks of one split `(n, *mask)`, 1 = kept, read as they are indexed.

        Raises:
            ValueError: the explainer has none.
        """
        if not (masks := shards.load(self._ranks(ranking), OWN_MASKS.format(split=split))).parts:
            raise ValueError(f"{ranking.explainer.text} says that it hides, but prepare returned no masks of its own")
        return masks

    def drop_ranks(self, ranking: Ranking) -> None:
        """Removes rank maps that no cell needs any more."""
        shutil.rmtree(self._ranks(ranking), ignore_errors=True)

    def clean(self) -> None:
        """Removes every rank map, and the drafts that interrupted runs left behind."""
        shutil.rmtree(self.folder / "ranks", ignore_errors=True)
        for draft in self.folder.glob("[nt]*/*.[0-9]*"):  # of networks, and of tuned ones
            draft.unlink(missing_ok=True)

    def _network(self, training: Original | Fold | Cell) -> Path:
        return self.folder / "networks" / f"{key(training)}.safetensors"

    def _ranks(self, ranking: Ranking) -> Path:
        return self.folder / "ranks" / key(ranking)


def _names(folder: Path) -> set[str]:
    """Names of the files in a folder, if it is there."""
    return {file.name for file in folder.iterdir()} if folder.is_dir() else set()


def _write(path: Path, network: nn.Module) -> None:
    """Stores the weights of a network in a file that is there once it is complete."""
    draft = path.with_suffix(f".{os.getpid()}")
    state, names = network.state_dict(), dict.fromkeys(_first_names(network).values())
    draft.write_bytes(sealed({name: state[name].clone().contiguous().cpu() for name in names}))
    draft.replace(path)


def _read(path: Path, network: nn.Module) -> None:
    """Fills a network with the weights in a file."""
    tensors = load_file(path)
    again = {name: tensors[first] for name, first in _first_names(network).items() if first in tensors}
    state = network.state_dict()  # it also carries the versions of its modules, which some ask for
    state.clear()
    state.update(tensors | again)
    network.load_state_dict(state)


def _first_names(network: nn.Module) -> dict[str, str]:
    """Every name of a tensor in the state of a network -> the first name of that tensor: a module may have two."""
    first: dict[tuple[object, ...], str] = {}
    return {
        name: first.setdefault((value.data_ptr(), value.dtype, value.shape, value.stride()), name)
        for name, value in network.state_dict().items()
    }


def rank_bytes(ranking: Ranking, feature_shape: tuple[int, ...]) -> int:
    """Bytes of the rank map of one example."""
    num_units = math.prod(unit_shape(feature_shape, ranking.unit))
    return num_units * np.dtype(rank_dtype(num_units)).itemsize


def rank_dtype(num_units: int) -> type[np.unsignedinteger]:
    """The smallest unsigned integers that hold the ranks 0..num_units-1."""
    return next(kind for kind in (np.uint8, np.uint16, np.uint32) if num_units - 1 <= np.iinfo(kind).max)


def new_own_masks(folder: Path) -> NewMap:
    """What makes maps of an explainer's own masks in a folder of rank maps."""
    return lambda split, shape, dtype: shards.create(folder, OWN_MASKS.format(split=split), shape, dtype)


def save_own(folder: Path, own: dict[str, float | None]) -> None:
    """Stores in a folder of rank maps what the explainer's own masks achieve."""
    (folder / OWN).write_text(json.dumps(own), encoding="utf-8")
