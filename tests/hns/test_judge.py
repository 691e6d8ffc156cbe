"""The judge: what it is shown, what a code makes of it, and that no hider has a say in it."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from roarbench.benchmark.randomness import seeded
from roarbench.benchmark.study import checkpoint
from roarbench.benchmark.study.site import Site
from roarbench.datasets.base import Split
from roarbench.hns import judge as judges
from roarbench.hns.apart import behind_masks
from roarbench.hns.commands.alone import masked_budget, seeker_behind_masks
from roarbench.hns.judge import Judgement, budget, gap, judgement
from roarbench.hns.model import HideAndSeek, build, fresh_seeker
from roarbench.hns.pretraining import Budget
from roarbench.hns.random_masks import derangement
from roarbench.hns.settings import Settings
from tests.hns.problems import bright_hider, constant_hider, digits, linear_seeker, same

SETTINGS = Settings(seeker="apart", seeker_epochs=3, batch_size=16)
DATA = digits(48, 32, 48)


class KilledError(Exception):
    """Stands for a kill at this moment."""


class Spelling(nn.Module):
    """A hider of a code: the class is the value of the first pixel, and one other pixel is kept at its place."""

    def forward(self, inputs: Tensor) -> Tensor:
        labels = (4 * inputs[:, 0, 0, 0]).round().long()
        return (nn.functional.one_hot(labels + 1, 16).float() - 0.5).view(-1, 1, 4, 4)


class Reading(nn.Module):
    """A seeker that reads this code."""

    def forward(self, inputs: Tensor) -> Tensor:
        return inputs.flatten(1)[:, 1:5]


def site(folder: Path) -> Site:
    return Site(DATA, partial(seeded, "judge"), folder)


def spelled(n: int = 256) -> Split:
    """White images of four classes, told by the first pixel alone: 0, a quarter, a half, three quarters."""
    labels = torch.arange(n) % 4
    inputs = torch.ones(n, 1, 4, 4)
    inputs[:, 0, 0, 0] = labels / 4
    return Split(inputs, labels)


def network_of(hider: nn.Module, seeker: nn.Module) -> HideAndSeek:
    return HideAndSeek(nn.Sequential(hider), seeker, estimator="deterministic").eval()


@pytest.mark.parametrize("n", [2, 3, 10, 1000])
def test_a_derangement_is_a_permutation_without_a_fixed_point(n: int) -> None:
    with seeded("derangement", n):
        found = derangement(n)
    assert found.sort().values.tolist() == list(range(n))
    assert not (found == torch.arange(n)).any()


def test_every_other_place_is_equally_likely() -> None:
    with seeded("derangements"):
        drawn = torch.stack([derangement(5) for _ in range(4000)])
    shares = nn.functional.one_hot(drawn, 5).double().mean(0)
    assert shares.diagonal().sum() == 0
    assert ((shares - 0.25).abs() < 0.03)[~torch.eye(5, dtype=torch.bool)].all()


def test_a_code_that_only_the_seeker_reads_is_a_gap() -> None:
    """The judge reads the pixel that tells the class, which this hider hides."""
    split = spelled()
    with seeded("judge"):
        judge = nn.Sequential(nn.Flatten(), nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 4))
        fitting = behind_masks(judge, split, Budget(100, 32, 1e-2, 0.5), 1)
        while not fitting.finished:
            fitting.epoch()
        network = network_of(Spelling(), Reading())
        found = judgement(judge.eval(), network, split)
    assert (network(split.inputs).class_logits.argmax(1) == split.labels).all()
    assert found.judge < 0.4
    assert gap(found.judge, 1.0, 0.9) > 0.6


def test_numbers_of_a_judge_by_hand() -> None:
    split = DATA.test
    with seeded("seeker"):
        judge, network = linear_seeker((1, 8, 8), 10), network_of(bright_hider(), linear_seeker((1, 8, 8), 10))
    with seeded("judgement"):
        found = judgement(judge, network, split)
    with seeded("judgement"):
        others = derangement(len(split))
    masks = (split.inputs > 0.5).float()
    for masked, value in ((masks, found.judge), (masks[others], found.judge_foreign)):
        right = [
            judge(x[None] * m)[0].argmax() == y for x, m, y in zip(split.inputs, masked, split.labels, strict=True)
        ]
        assert value == pytest.approx(sum(map(float, right)) / len(split))
    assert 0 <= found.judge_random <= 1


def test_one_mask_for_all_images_is_as_good_as_that_of_another() -> None:
    with seeded("constant"):
        logits = torch.randn(1, 8, 8)
        found = judgement(
            linear_seeker((1, 8, 8), 10), network_of(constant_hider(logits, (1, 8, 8)), nn.Flatten()), DATA.test
        )
    assert found.judge == found.judge_foreign


def test_masks_that_hide_nothing_leave_the_accuracy_on_intact_images() -> None:
    with seeded("nothing"):
        judge = linear_seeker((1, 8, 8), 10)
        keeps = network_of(constant_hider(torch.ones(1, 8, 8), (1, 8, 8)), nn.Flatten())
        right = (judge(DATA.test.inputs).argmax(1) == DATA.test.labels).double().mean().item()
        assert judgement(judge, keeps, DATA.test) == Judgement(right, right, right)


def test_the_better_reader_counts() -> None:
    assert gap(0.5, 0.7, 0.6) == gap(0.5, 0.6, 0.7) == pytest.approx(0.2)


def test_no_setting_but_model_and_masks_has_a_say_in_the_judge(tmp_path: Path) -> None:
    """Neither the seeker nor the budget of a training, and no hider that was drawn before."""
    first = seeker_behind_masks("judge", SETTINGS, site(tmp_path / "first"))
    torch.rand(7)
    other = replace(SETTINGS, seeker="joint", epochs=7, batch_size=8, learning_rate=0.1, estimator="st1", alpha=0.3)
    second = seeker_behind_masks("judge", other, site(tmp_path / "second"))
    assert same(first.state_dict(), second.state_dict())


def test_judge_and_seeker_start_from_other_weights_and_see_other_masks(tmp_path: Path) -> None:
    """Even where their budgets are equal."""
    given = budget(len(DATA.train))
    settings = replace(SETTINGS, seeker_epochs=given.epochs, batch_size=given.batch_size)
    assert masked_budget("apart", settings, site(tmp_path)) == masked_budget("judge", settings, site(tmp_path))
    judge, apart = (seeker_behind_masks(part, settings, site(tmp_path)) for part in ("judge", "apart"))
    assert not any(torch.equal(a, b) for a, b in zip(judge.parameters(), apart.parameters(), strict=True) if a.ndim > 1)


def test_few_examples_are_seen_more_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judges, "EPOCHS", 10)
    monkeypatch.setattr(judges, "STEPS", 300)
    assert [budget(n).epochs for n in (128, 1280, 12_800)] == [300, 30, 10]


def test_a_seeker_behind_masks_is_trained_once(tmp_path: Path) -> None:
    first = seeker_behind_masks("apart", SETTINGS, site(tmp_path))

    def unseeded(*parts: object) -> Any:
        raise AssertionError(f"something random was begun: {parts}")

    again = seeker_behind_masks("apart", SETTINGS, Site(DATA, unseeded, tmp_path))
    assert same(first.state_dict(), again.state_dict())
    assert not again.training and sorted(path.name for path in tmp_path.iterdir()) == [
        "apart.json",
        "apart.safetensors",
    ]


@pytest.mark.parametrize("writes", [0, 1, 2, 3])
def test_a_seeker_behind_masks_killed_at_any_write_comes_to_the_same_bits(
    writes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three epochs, then its weights."""
    whole: Callable[..., None] = checkpoint.write
    count = 0

    def write(path: Path, *content: Any) -> None:
        nonlocal count
        count += 1
        if count > writes:
            raise KilledError
        whole(path, *content)

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "write", write)
        with pytest.raises(KilledError):
            seeker_behind_masks("apart", SETTINGS, site(tmp_path / "killed"))
    resumed = seeker_behind_masks("apart", SETTINGS, site(tmp_path / "killed"))
    uninterrupted = seeker_behind_masks("apart", SETTINGS, site(tmp_path / "whole"))
    assert same(resumed.state_dict(), uninterrupted.state_dict())
    records = [checkpoint.read_json(tmp_path / name / "apart.json") for name in ("killed", "whole")]
    assert records[0]["epochs"] == records[1]["epochs"] and records[0]["score"] == records[1]["score"]


def test_the_state_of_another_budget_is_not_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = checkpoint.write_json

    def killed(path: Path, content: dict[str, Any]) -> None:
        raise KilledError

    monkeypatch.setattr(checkpoint, "write_json", killed)
    with pytest.raises(KilledError):
        seeker_behind_masks("apart", replace(SETTINGS, seeker_epochs=5), site(tmp_path))
    monkeypatch.setattr(checkpoint, "write_json", whole)
    found = seeker_behind_masks("apart", SETTINGS, site(tmp_path))
    expected = seeker_behind_masks("apart", SETTINGS, site(tmp_path / "whole"))
    assert same(found.state_dict(), expected.state_dict())


def test_a_judge_fits_the_seeker_of_its_model() -> None:
    network = build(SETTINGS, (1, 8, 8), 10)
    assert [p.shape for p in network.seeker.parameters()] == [
        p.shape for p in fresh_seeker(SETTINGS.model, (1, 8, 8), 10).parameters()
    ]
