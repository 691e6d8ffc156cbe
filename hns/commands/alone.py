"""What is trained alone, once for all trainings that need it: baselines, hiders, and seekers behind random masks."""

from collections.abc import Callable
from dataclasses import asdict, replace
from functools import partial
from shutil import rmtree
from typing import Any

from torch import nn

from roarbench.benchmark.matrix.spec import digest
from roarbench.benchmark.study import checkpoint
from roarbench.benchmark.study.epochs import run_epochs
from roarbench.benchmark.study.site import Site
from roarbench.hns import apart, judge
from roarbench.hns.commands.claim import depends_on
from roarbench.hns.evaluation import accuracy
from roarbench.hns.model import fresh_hider, fresh_seeker
from roarbench.hns.pretraining import Budget, Pretrained, pretrain_hider, pretrain_seeker
from roarbench.hns.settings import Settings


def measure_baseline(settings: Settings, site: Site) -> Pretrained:
    """A seeker of intact images with the budget and the selection rule of the training; trained once for a folder."""
    fresh = partial(fresh_seeker, settings.model, site.data.feature_shape, site.data.num_classes)
    return _alone("baseline", fresh, pretrain_seeker, settings, site)


def measure_hider(settings: Settings, site: Site) -> Pretrained:
    """A hider that reproduces its images, with the budget of the training; trained once for a folder."""
    return _alone("hider", partial(fresh_hider, settings, site.data.feature_shape), pretrain_hider, settings, site)


def seeker_behind_masks(part: str, settings: Settings, site: Site) -> nn.Module:
    """A seeker trained behind random masks, once for a folder; it goes on after any kill.

    Args:
        part: "apart" has the budget of the settings, "judge" the one of all judges; neither sees what the other draws.
    """
    seeker = fresh_seeker(settings.model, site.data.feature_shape, site.data.num_classes).to(site.device)
    identity, path = depends_on(site.data) | asdict(masked_budget(part, settings, site)), site.folder / f"{part}.json"
    if not path.exists() or checkpoint.read_json(path).get("identity") != identity:
        return _behind_masks(part, settings, site, identity)
    checkpoint.fill(seeker, checkpoint.read(path.with_suffix(".safetensors"))[0], part)
    return seeker.eval()


def masked_budget(part: str, settings: Settings, site: Site) -> Budget:
    """Epochs, batches and learning rate of a seeker behind random masks."""
    return judge.budget(len(site.data.train)) if part == "judge" else apart.budget(settings)


def _behind_masks(part: str, settings: Settings, site: Site, identity: dict[str, Any]) -> nn.Module:
    """Trains such a seeker; the state of a training of another identity is not gone on with."""
    states = replace(site, folder=site.folder / f"{part}-{digest(identity)[:8]}")
    budget = masked_budget(part, settings, site)
    with site.seeded(part):
        seeker = fresh_seeker(settings.model, site.data.feature_shape, site.data.num_classes).to(site.device)
        training = apart.behind_masks(seeker, site.data.train, budget, settings.mask_channels)
        seconds = run_epochs(training, training.network, states, budget.epochs)
    checkpoint.write(site.folder / f"{part}.safetensors", seeker.state_dict())
    record = {"score": accuracy(seeker, site.data.test), "seconds": seconds, "epochs": training.rows}
    checkpoint.write_json(site.folder / f"{part}.json", record | {"identity": identity})
    rmtree(states.folder, ignore_errors=True)
    return seeker.eval()


def _alone(
    name: str, fresh: Callable[[], Any], pretrain: Callable[..., Pretrained], settings: Settings, site: Site
) -> Pretrained:
    path = site.folder / f"{name}.json"
    record = checkpoint.read_json(path) if path.exists() else {}
    if record.get("identity") == depends_on(site.data):
        return Pretrained(record["score"], record["best_epoch"], [(pair[0], pair[1]) for pair in record["epochs"]])
    budget = Budget(settings.epochs, settings.batch_size, settings.learning_rate, settings.cooldown)
    with site.seeded(name):
        network = fresh().to(site.device)
        outcome = pretrain(network, site.data, budget)
    checkpoint.write(site.folder / f"{name}.safetensors", network.state_dict())
    checkpoint.write_json(path, asdict(outcome) | {"identity": depends_on(site.data)})
    return outcome
