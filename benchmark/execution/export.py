"""Maps of an explainer of a run, written to a file that the explainer `stored` reads."""

from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from roarbench.benchmark.attribution.rankings import attributed
from roarbench.benchmark.execution.networks import original_network
from roarbench.benchmark.execution.session import Resources, workplace
from roarbench.benchmark.execution.workplace import data_for
from roarbench.benchmark.matrix.notation import suggestion
from roarbench.benchmark.matrix.plan import Matrix, cells
from roarbench.benchmark.matrix.presets import override
from roarbench.benchmark.matrix.spec import Ranking
from roarbench.benchmark.networks.tiny import as_products
from roarbench.benchmark.results.store import Store

FORMATS = (".npz", ".safetensors")


def export(folder: Path, explainer: str, file: Path, resources: Resources, *, seed: int = 0) -> list[str]:
    """Explains all examples as the run did, and writes the maps, float32 `(n, *feature)`, with the labels beside them.

    Args:
        folder: of a run whose original networks are trained.
        explainer: as written in the run.
        file: .npz or .safetensors; it must not be there yet.
        seed: of the explained network.

    Returns:
        A line for each array that was written.

    Raises:
        ValueError: a file of another form, or one that is there already. An explainer or seed that the run lacks. A run
            with attribution folds, of several data sets or classifiers, or one whose network is not trained yet.
        Skip: the explainer does not apply.
    """
    if file.suffix not in FORMATS:
        raise ValueError(f"file must end with {' or '.join(FORMATS)}, got {file}")
    if file.exists():
        raise ValueError(f"file must not be there yet, got {file}; choose another name")
    place, ranking = workplace(folder, resources), _ranking(folder, explainer, seed)
    if ranking.folds:
        raise ValueError(
            f"{folder} explains training images by {ranking.folds} folds, whose maps are not kept; use one"
        )
    if not place.artefacts.has_network(ranking.training):
        raise ValueError(f"the network of seed {seed} is not trained yet in {folder}; run it first")
    data = data_for(ranking.training, place)
    network = original_network(ranking.training, data, place)
    splits = {name: split for name, split in data.splits.items() if len(split)}
    with as_products(network):
        arrays = attributed(network, splits, ranking)
    arrays |= {f"{name}_labels": split.labels.cpu().numpy() for name, split in splits.items()}
    _write(arrays, file)
    return [f"{name} {array.dtype} {array.shape}" for name, array in arrays.items()]


def _ranking(folder: Path, explainer: str, seed: int) -> Ranking:
    """What the run calls by the name of an explainer."""
    matrix = override(Matrix(), Store(folder).matrix(), str(folder))
    rankings = list(dict.fromkeys(cell.ranking for cell in cells(matrix) if cell.ranking))
    names = list(dict.fromkeys(ranking.explainer.text for ranking in rankings))
    if explainer not in names:
        raise ValueError(f"explainer must be one of the run, got {explainer!r}{suggestion(explainer, names)}")
    named = [r for r in rankings if r.explainer.text == explainer]
    chosen = [ranking for ranking in named if ranking.training.seed == seed]
    if not chosen:
        raise ValueError(f"seed must be one of {', '.join(str(r.training.seed) for r in named)}, got {seed}")
    if len({(r.training.dataset, r.training.classifier) for r in chosen}) > 1:
        raise ValueError(f"{folder} must hold one data set and classifier to export from, got several")
    return chosen[0]


def _write(arrays: dict[str, np.ndarray], file: Path) -> None:
    """Writes a file that is whole or not there."""
    draft = file.with_name(f".{file.name}")
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        if file.suffix == ".npz":
            with draft.open("wb") as handle:
                np.savez(handle, **arrays)  # type: ignore[arg-type]
        else:
            save_file(arrays, draft)
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)
