"""One training from its settings to its result: pretraining, training, guards, probes; it goes on after any kill."""

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

from torch import nn
from tqdm import tqdm

from roarbench.benchmark.study import checkpoint
from roarbench.benchmark.study.claim import claim, plain
from roarbench.benchmark.study.site import Origin, Site
from roarbench.datasets.base import Dataset
from roarbench.hns.commands.alone import seeker_behind_masks
from roarbench.hns.commands.board import Board
from roarbench.hns.commands.claim import PARTS, contents, free
from roarbench.hns.commands.log import Log, epoch_row
from roarbench.hns.commands.state import restore, snapshot
from roarbench.hns.evaluation import score
from roarbench.hns.guard import MAX_RESTARTS, collapsed
from roarbench.hns.judge import gap, judgement
from roarbench.hns.model import HideAndSeek, build
from roarbench.hns.pretraining import Budget, pretrain_hider, pretrain_seeker
from roarbench.hns.probe import leak
from roarbench.hns.schedule import Alpha
from roarbench.hns.settings import Settings
from roarbench.hns.training import STEP, Training


def train(
    settings: Settings, site: Site, identity: dict[str, Any], origin: Origin, shared: Mapping[str, Path] | None = None
) -> dict[str, Any]:
    """Trains, or goes on with a training, until there is a result; a finished training only returns it.

    A collapsed attempt is repeated with new seeds, at most twice; the result records it.

    Args:
        identity: name, dataset and seed of the training, and `baseline`, the accuracy on intact images in (0, 1].
        origin: gives its provenance once it is finished, for the result.
        shared: folders of the seekers behind random masks, "apart" and "judge", that trainings share; without them
            they are trained below the folder of this one.

    Raises:
        ValueError: the folder belongs to other settings, or weights do not fit.
    """
    result = site.folder / "result.json"
    claim(site.folder, contents(settings, site.data) | identity, free(site.folder, settings))
    if result.exists():
        return checkpoint.read_json(result)
    last = site.folder / "last.safetensors"
    behind_masks = partial(_behind_masks, settings, site, shared or {})
    state = checkpoint.read(last) if last.exists() else None
    log = Log(**state[1].pop("log")) if state else Log(identity["baseline"])
    while True:
        training = _new(settings, site, behind_masks, attempt=len(log.collapses), pretrain=state is None)
        with site.seeded("training", len(log.collapses)):
            if state:
                restore(training, *state)
            reason = _attempt(training, site, log)
        if reason is None or len(log.collapses) == MAX_RESTARTS:
            break
        for left_over in site.folder.glob("alpha_*.safetensors"):
            left_over.unlink()
        log, state = Log(log.baseline, collapses=[*log.collapses, reason], seconds=log.seconds), None
    outcome = _result(site, training, log, behind_masks("judge")) | {"collapsed": reason}
    outcome = {**identity, "settings": plain(settings), **outcome, "provenance": origin()}
    checkpoint.write_json(result, outcome)
    return outcome


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


def _behind_masks(settings: Settings, site: Site, shared: Mapping[str, Path], part: str) -> nn.Module:
    """The seeker of this name that was, or now is, trained behind random masks."""
    return seeker_behind_masks(part, settings, replace(site, folder=shared.get(part, site.folder / part), logs=None))


def _new(
    settings: Settings, site: Site, behind_masks: Callable[[str], nn.Module], *, attempt: int, pretrain: bool
) -> Training:
    with site.seeded("weights", attempt):
        network = build(settings, site.data.feature_shape, site.data.num_classes).to(site.device)
        if pretrain:
            load_parts(network, settings)
            pretrain_parts(network, settings, site.data)
    if pretrain and settings.apart:
        network.seeker.load_state_dict(behind_masks("apart").state_dict())
    if settings.seeker == "apart":
        network.freeze_seeker()
    alpha = Alpha(settings.patience, settings.stagnation, settings.alpha)
    return Training(network, site.data.train, settings, alpha)


def _attempt(training: Training, site: Site, log: Log) -> str | None:
    """Trains to the end, saving where alpha drops and epochs end; returns how masks collapsed, if they did."""
    since = time.perf_counter() - log.seconds
    board = Board(site.logs, training.step, len(log.rows))
    if not training.step:
        log.initial_hidden = score(training.network, site.data.test).hidden
    total = training.settings.epochs * training.steps_per_epoch
    with tqdm(total=total, initial=training.step, unit="step", desc=site.folder.name, leave=False) as bar:
        for event in training.run():
            if event.alpha_dropped:
                _save_weights(training.network, site.folder / f"alpha_{event.alpha:.2f}.safetensors")
            reason = _end_epoch(training, site, log) if event.epoch_ended else None
            log.seconds = time.perf_counter() - since
            board.write(training, log)
            bar.update(training.step - bar.n)
            bar.set_postfix(alpha=event.alpha, hidden=f"{1 - training.journal[-1][STEP.index('mask_loss')]:.3f}")
            if reason:
                return reason
            tensors, notes = snapshot(training)
            checkpoint.write(site.folder / "last.safetensors", tensors, notes | {"log": asdict(log)})
    return None


def _end_epoch(training: Training, site: Site, log: Log) -> str | None:
    """Scores the epoch, logs it, keeps the best weights; returns how masks have collapsed, if they have."""
    splits = {name: split for name, split in site.data.splits.items() if name != "train" and len(split)}
    scores = {name: score(training.network, split) for name, split in splits.items()}
    if log.add(epoch_row(training, scores, log.baseline)):
        _save_weights(training.network, site.folder / "best.safetensors")
    return collapsed(training, log.baseline, scores.get("validation"))


def _result(site: Site, training: Training, log: Log, judge: nn.Module) -> dict[str, Any]:
    """The last and the best epoch; what the masks of the best give away, and what a judge makes of them."""
    _save_weights(training.network, site.folder / "last_weights.safetensors")
    checkpoint.fill(training.network, checkpoint.read(site.folder / "best.safetensors")[0], "best")
    with site.seeded("probe"):
        given_away = leak(training.network, site.data)
    with site.seeded("judgement"):
        judged = judgement(judge, training.network, site.data.test)
    checkpoint.write_csv(site.folder / "epochs.csv", log.rows)
    checkpoint.write_csv(site.folder / "steps.csv", training.rows())
    return {
        "initial_hidden": log.initial_hidden,
        "last": log.rows[-1],
        "best": log.rows[log.best],
        "leak": asdict(given_away),
        **asdict(judged),
        "gap": gap(judged.judge, log.rows[log.best]["test_accuracy"], given_away.masked),
        "restarts": len(log.collapses),
        "collapses": log.collapses,
        "num_parameters": sum(value.numel() for value in training.network.parameters()),
        "seconds": log.seconds,
    }


def _save_weights(network: nn.Module, path: Path) -> None:
    checkpoint.write(path, network.state_dict())
