"""One training from its settings to its result: pretraining, training, guards, probes; it goes on after any kill."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from torch import nn
from tqdm import tqdm

from roarbench.datasets.base import Dataset
from roarbench.hns import checkpoint
from roarbench.hns.board import Board
from roarbench.hns.claim import PARTS, claim, depends_on, plain
from roarbench.hns.evaluation import score
from roarbench.hns.guard import MAX_RESTARTS, collapsed
from roarbench.hns.log import Log, epoch_row
from roarbench.hns.model import HideAndSeek, build, fresh_hider, fresh_seeker
from roarbench.hns.pretraining import Budget, Pretrained, pretrain_hider, pretrain_seeker
from roarbench.hns.probe import leak
from roarbench.hns.schedule import Alpha
from roarbench.hns.settings import Settings
from roarbench.hns.state import restore, snapshot
from roarbench.hns.training import STEP, Training

Seeded = Callable[..., AbstractContextManager[None]]
"""Takes the named parts of a seed and seeds the global generators inside its block."""

Origin = Callable[[], dict[str, str]]
"""Gives the provenance of work that is finished."""


@dataclass(frozen=True)
class Bench:
    """Where one training happens.

    Attributes:
        data: on the device.
        seeded: seeds of this training.
        folder: of this training alone.
        logs: where TensorBoard scalars go, if anywhere.
    """

    data: Dataset
    seeded: Seeded
    folder: Path
    device: str = "cpu"
    logs: Path | None = None


def measure_baseline(settings: Settings, bench: Bench) -> Pretrained:
    """A seeker of intact images with the budget and the selection rule of the training; trained once for a folder."""
    fresh = partial(fresh_seeker, settings.model, bench.data.feature_shape, bench.data.num_classes)
    return _alone("baseline", fresh, pretrain_seeker, settings, bench)


def measure_hider(settings: Settings, bench: Bench) -> Pretrained:
    """A hider that reproduces its images, with the budget of the training; trained once for a folder."""
    return _alone("hider", partial(fresh_hider, settings, bench.data.feature_shape), pretrain_hider, settings, bench)


def train(settings: Settings, bench: Bench, identity: dict[str, Any], origin: Origin) -> dict[str, Any]:
    """Trains, or goes on with a training, until there is a result; a finished training only returns it.

    A collapsed attempt is repeated with new seeds, at most twice; the result tells.

    Args:
        identity: name, dataset and seed of the training, and `baseline`, the accuracy on intact images in (0, 1].
        origin: gives its provenance once it is finished, for the result.

    Raises:
        ValueError: the folder belongs to other settings, or weights do not fit.
    """
    result = bench.folder / "result.json"
    claim(settings, bench.data, bench.folder, identity)
    if result.exists():
        return checkpoint.read_json(result)
    last = bench.folder / "last.safetensors"
    state = checkpoint.read(last) if last.exists() else None
    log = Log(**state[1].pop("log")) if state else Log(identity["baseline"])
    while True:
        training = _new(settings, bench, attempt=len(log.collapses), pretrain=state is None)
        with bench.seeded("training", len(log.collapses)):
            if state:
                restore(training, *state)
            reason = _attempt(training, bench, log)
        if reason is None or len(log.collapses) == MAX_RESTARTS:
            break
        for left_over in bench.folder.glob("alpha_*.safetensors"):
            left_over.unlink()
        log, state = Log(log.baseline, collapses=[*log.collapses, reason], seconds=log.seconds), None
    found = _result(bench, training, log) | {"collapsed": reason}
    found = {**identity, "settings": plain(settings), **found, "provenance": origin()}
    checkpoint.write_json(result, found)
    return found


def load_parts(network: HideAndSeek, settings: Settings) -> None:
    """Fills the parts whose weights are given.

    Raises:
        ValueError: a file that does not fit, layer by layer.
    """
    for part in PARTS:
        path = getattr(settings, f"{part}_weights")
        if path is not None:
            checkpoint.fill(getattr(network, part), checkpoint.read(path, f"{part}_weights")[0], f"{part}_weights")


def pretrain_parts(network: HideAndSeek, settings: Settings, data: Dataset) -> None:
    """Pretrains the parts that `start` names and for which no weights are given."""
    budget = Budget(settings.pretraining_epochs, settings.batch_size, settings.learning_rate)
    if "hider" in settings.pretrained:
        pretrain_hider(network.hider, data, budget)
    if "seeker" in settings.pretrained:
        pretrain_seeker(network.seeker, data, budget)


def _alone(
    name: str, fresh: Callable[[], Any], pretrain: Callable[..., Pretrained], settings: Settings, bench: Bench
) -> Pretrained:
    path = bench.folder / f"{name}.json"
    stored = checkpoint.read_json(path) if path.exists() else {}
    if stored.get("identity") == depends_on(bench.data):
        return Pretrained(stored["score"], stored["best_epoch"], [(pair[0], pair[1]) for pair in stored["epochs"]])
    budget = Budget(settings.epochs, settings.batch_size, settings.learning_rate, settings.cooldown)
    with bench.seeded(name):
        network = fresh().to(bench.device)
        found = pretrain(network, bench.data, budget)
    _save_weights(network, bench.folder / f"{name}.safetensors")
    checkpoint.write_json(path, asdict(found) | {"identity": depends_on(bench.data)})
    return found


def _new(settings: Settings, bench: Bench, *, attempt: int, pretrain: bool) -> Training:
    with bench.seeded("weights", attempt):
        network = build(settings, bench.data.feature_shape, bench.data.num_classes).to(bench.device)
        if pretrain:
            load_parts(network, settings)
            pretrain_parts(network, settings, bench.data)
    alpha = Alpha(settings.patience, settings.stagnation, settings.alpha)
    return Training(network, bench.data.train, settings, alpha)


def _attempt(training: Training, bench: Bench, log: Log) -> str | None:
    """Trains to the end, saving where alpha drops and epochs end; returns how masks collapsed, if they did."""
    since = time.perf_counter() - log.seconds
    board = Board(bench.logs, training.step, len(log.rows))
    if not training.step:
        log.initial_hidden = score(training.network, bench.data.test).hidden
    total = training.settings.epochs * training.steps_per_epoch
    with tqdm(total=total, initial=training.step, unit="step", desc=bench.folder.name, leave=False) as bar:
        for event in training.run():
            if event.alpha_dropped:
                _save_weights(training.network, bench.folder / f"alpha_{event.alpha:.2f}.safetensors")
            reason = _end_epoch(training, bench, log) if event.epoch_ended else None
            log.seconds = time.perf_counter() - since
            board.write(training, log)
            bar.update(training.step - bar.n)
            bar.set_postfix(alpha=event.alpha, hidden=f"{1 - training.journal[-1][STEP.index('mask_loss')]:.3f}")
            if reason:
                return reason
            tensors, notes = snapshot(training)
            checkpoint.write(bench.folder / "last.safetensors", tensors, notes | {"log": asdict(log)})
    return None


def _end_epoch(training: Training, bench: Bench, log: Log) -> str | None:
    """Scores the epoch, logs it, keeps the best weights; returns how masks have collapsed, if they have."""
    splits = {name: split for name, split in bench.data.splits.items() if name != "train" and len(split)}
    scores = {name: score(training.network, split) for name, split in splits.items()}
    if log.add(epoch_row(training, scores, log.baseline)):
        _save_weights(training.network, bench.folder / "best.safetensors")
    return collapsed(training, log.baseline, scores.get("validation"))


def _result(bench: Bench, training: Training, log: Log) -> dict[str, Any]:
    """The last and the best epoch, and what the masks of the best give away."""
    _save_weights(training.network, bench.folder / "last_weights.safetensors")
    checkpoint.fill(training.network, checkpoint.read(bench.folder / "best.safetensors")[0], "best")
    with bench.seeded("probe"):
        given_away = leak(training.network, bench.data)
    checkpoint.write_csv(bench.folder / "epochs.csv", log.rows)
    checkpoint.write_csv(bench.folder / "steps.csv", training.rows())
    return {
        "initial_hidden": log.initial_hidden,
        "last": log.rows[-1],
        "best": log.rows[log.best],
        "leak": asdict(given_away),
        "restarts": len(log.collapses),
        "collapses": log.collapses,
        "num_parameters": sum(value.numel() for value in training.network.parameters()),
        "seconds": log.seconds,
    }


def _save_weights(network: nn.Module, path: Path) -> None:
    checkpoint.write(path, network.state_dict())
