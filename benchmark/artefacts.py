"""Files shared between cells: weights of original networks, and rank maps. Complete or absent, never half written.

Files are written as bytes because the writers of numpy and safetensors hide that a disk is full.
"""

import json
import os
import shutil
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Integer
from safetensors.torch import load_file, save
from torch import Tensor, nn

from benchmark.spec import Ranking, Training, key

OWN = "own.json"


@dataclass(frozen=True)
class Artefacts:
    """Artefacts below a run's folder, named by the hash of what they are."""

    folder: Path

    def has_network(self, training: Training) -> bool:
        """Whether the weights of an original network are stored."""
        return self._network(training).exists()

    def save_network(self, training: Training, network: nn.Module) -> None:
        """Stores the weights of an original network."""
        path = self._network(training)
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(f".{os.getpid()}")
        draft.write_bytes(save({name: value.cpu().contiguous() for name, value in network.state_dict().items()}))
        draft.replace(path)

    def load_network(self, training: Training, network: nn.Module) -> None:
        """Fills a network with the stored weights."""
        network.load_state_dict(load_file(self._network(training)))

    def has_ranks(self, ranking: Ranking) -> bool:
        """Whether the rank maps of all splits are stored."""
        return self._ranks(ranking).is_dir()

    def save_ranks(self, ranking: Ranking, ranks: dict[str, np.ndarray], own: dict[str, float]) -> None:
        """Stores rank maps, one array for each split, and what the explainer's own masks achieve."""
        path = self._ranks(ranking)
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        draft.mkdir(parents=True, exist_ok=True)
        for split, values in ranks.items():
            content = BytesIO()
            np.save(content, values)
            (draft / f"{split}.npy").write_bytes(content.getvalue())
        (draft / OWN).write_text(json.dumps(own), encoding="utf-8")
        if path.is_dir():
            shutil.rmtree(draft)  # another worker was faster; its ranks are the same
        else:
            draft.replace(path)

    def load_ranks(self, ranking: Ranking, split: str) -> Integer[Tensor, "n *unit"]:
        """Rank map of one split as int32 on the CPU."""
        return torch.from_numpy(np.load(self._ranks(ranking) / f"{split}.npy", mmap_mode="r").astype(np.int32))

    def load_own(self, ranking: Ranking) -> dict[str, float | None]:
        """What the explainer's own masks achieve on the test split; empty where it has none."""
        return json.loads((self._ranks(ranking) / OWN).read_text(encoding="utf-8"))

    def drop_ranks(self, ranking: Ranking) -> None:
        """Removes rank maps that no cell needs any more."""
        shutil.rmtree(self._ranks(ranking), ignore_errors=True)

    def clean(self) -> None:
        """Removes every rank map, and the drafts that interrupted runs left behind."""
        shutil.rmtree(self.folder / "ranks", ignore_errors=True)
        for draft in (self.folder / "networks").glob("*.[0-9]*"):
            draft.unlink(missing_ok=True)

    def _network(self, training: Training) -> Path:
        return self.folder / "networks" / f"{key(training)}.safetensors"

    def _ranks(self, ranking: Ranking) -> Path:
        return self.folder / "ranks" / key(ranking)


def rank_dtype(num_units: int) -> type[np.unsignedinteger]:
    """The smallest unsigned integers that hold the ranks 0..num_units-1."""
    return next(kind for kind in (np.uint8, np.uint16, np.uint32) if num_units - 1 <= np.iinfo(kind).max)
