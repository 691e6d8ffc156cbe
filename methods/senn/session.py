"""One training from its settings to its result, which goes on after any kill; and the networks that came of it."""

import time
from dataclasses import asdict
from typing import Any

from tqdm import tqdm

from roarbench.datasets.base import Dataset
from roarbench.hns import checkpoint
from roarbench.hns.board import write_row, writer
from roarbench.hns.claim import claim_as, contents, plain
from roarbench.hns.session import Bench, Origin
from roarbench.hns.state import progress, resume
from roarbench.methods.senn.metrics import measure
from roarbench.methods.senn.model import Senn
from roarbench.methods.senn.settings import Settings
from roarbench.methods.senn.training import Training

VERSION = 2
"""Raised when the results of the same settings change on purpose."""

LAST, BEST, RESULT = "last.safetensors", "best.safetensors", "result.json"


def train(settings: Settings, bench: Bench, identity: dict[str, Any], origin: Origin) -> dict[str, Any]:
    """Trains, or goes on with a training, until there is a result; a finished training only returns it.

    Args:
        identity: name, dataset and seed of the training.
        origin: gives its provenance once it is finished, for the result.

    Raises:
        ValueError: the folder belongs to other settings or data, or the settings do not fit the data.
    """
    claim_as(bench.folder, plain(settings) | identity | depends_on(bench.data))
    result = bench.folder / RESULT
    if result.exists():
        return checkpoint.read_json(result)
    training, seconds = _run(settings, bench)
    checkpoint.write_csv(bench.folder / "epochs.csv", training.rows)
    checkpoint.fill(training.network, checkpoint.read(bench.folder / BEST)[0], BEST)
    found = {
        **identity, "settings": plain(settings), "best": training.rows[training.best], "last": training.rows[-1],
        "epochs": training.rows, "test": measured(training.network, bench), "seconds": seconds,
        "num_parameters": sum(value.numel() for value in training.network.parameters()), "provenance": origin(),
    }  # fmt: skip
    checkpoint.write_json(result, found)
    return found


def measured(network: Senn, bench: Bench) -> dict[str, float]:
    """All measures on the test split, the same for every training of one seed."""
    with bench.seeded("measures"):
        return asdict(measure(network.eval(), bench.data))


def trained(settings: Settings, bench: Bench) -> Senn:
    """The network that a finished training selected, in eval mode.

    Raises:
        ValueError: no weights, or weights of another network.
    """
    network = Senn(settings, bench.data.feature_shape, bench.data.num_classes).to(bench.device)
    checkpoint.fill(network, checkpoint.read(bench.folder / BEST)[0], BEST)
    return network.eval()


def depends_on(data: Dataset) -> dict[str, Any]:
    """What a result depends on besides settings and seed: files, and which examples are in which split."""
    return {"version": VERSION} | contents(data)


def _run(settings: Settings, bench: Bench) -> tuple[Training, float]:
    """Trains to the end, from where it was left; keeps the state after every epoch, and the best weights.

    Returns:
        The training and all its seconds.
    """
    with bench.seeded("weights"):
        network = Senn(settings, bench.data.feature_shape, bench.data.num_classes).to(bench.device)
    training, last = Training(network, bench.data.train, bench.data.validation, settings), bench.folder / LAST
    since, bar = time.perf_counter(), tqdm(total=settings.epochs, unit="epoch", leave=False)
    with bench.seeded("training"), bar:
        if last.exists():
            tensors, notes = checkpoint.read(last)
            training.rows, since = notes["rows"], since - notes["seconds"]
            resume(network, training.optimiser, tensors)
        else:
            training.pretrain()
        bar.update(len(training.rows))
        board = writer(bench.logs, len(training.rows)) if bench.logs else None
        while not training.finished:
            row = training.epoch()
            if board:
                write_row(board, row, int(row["epoch"]))
            if training.best == len(training.rows) - 1:
                checkpoint.write(bench.folder / BEST, network.state_dict())
            notes = {"rows": training.rows, "seconds": time.perf_counter() - since}
            checkpoint.write(last, progress(network, training.optimiser), notes)
            bar.update()
            bar.set_postfix(accuracy=f"{row.get('validation_accuracy', 0):.3f}")
    return training, time.perf_counter() - since
