"""Training: the loss by hand, what alpha makes of it, the learning rate, the slope, and REINFORCE in expectation."""

import itertools
import math
from copy import deepcopy
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from roarbench.benchmark.randomness import seeded
from roarbench.datasets.base import Split
from roarbench.hns.evaluation import score
from roarbench.hns.model import HideAndSeek, build
from roarbench.hns.schedule import Alpha
from roarbench.hns.settings import Estimator, Monitor, Settings, TestMasks
from roarbench.hns.training import STEP, Event, Training
from tests.hns.problems import bright_hider, constant_hider, digits, images, linear_seeker, same

SETTINGS = Settings(epochs=3, batch_size=64, patience=5)
ESTIMATORS: tuple[Estimator, ...] = ("deterministic", "st1", "st2", "sa", "reinforce")


def training(settings: Settings, split: Split | None = None) -> Training:
    split = digits().train if split is None else split
    with seeded("weights"):
        network = build(settings, split.inputs.shape[1:], 10)
    return Training(network, split, settings, Alpha(settings.patience, settings.stagnation, settings.alpha))


def finished(settings: Settings, split: Split | None = None) -> Training:
    new = training(settings, split)
    with seeded("training"):
        for _ in new.run():
            pass
    return new


def full_batch(network: HideAndSeek, n: int, settings: Settings) -> Training:
    """One step is one epoch, and every step sees the same n images, whose pixels are all 1."""
    split = Split(torch.ones(n, 1, 2, 2), torch.zeros(n, dtype=torch.long))
    settings = replace(settings, batch_size=n)
    return Training(network, split, settings, Alpha(settings.patience, settings.stagnation, settings.alpha))


def toy(estimator: Estimator = "deterministic") -> HideAndSeek:
    with seeded("toy"):
        logits = torch.tensor([[[-1.0, 0.5], [1.5, 0.2]]])
        return HideAndSeek(constant_hider(logits, (1, 2, 2)), linear_seeker((1, 2, 2), 3), estimator=estimator)


def learning_rates(settings: Settings) -> list[float]:
    """Of every step, in units of the learning rate; the loss is flat, as steps are tiny."""
    run = full_batch(toy(), 2, replace(settings, learning_rate=1e-12))
    return [run.optimiser.param_groups[0]["lr"] * 1e12 for _ in run.run()]


@pytest.mark.parametrize("alpha", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_row_of_the_journal_by_hand(alpha: float, channels: int) -> None:
    split = images((3, 8, 8), 12, num_classes=3)
    run = training(Settings(alpha=alpha, initial_keep=0.5, mask_channels=channels, batch_size=12), split)
    before = deepcopy(run.network)
    torch.manual_seed(0)
    run._advance()
    log_odds, logits = before.hider(split.inputs), None
    mask = (log_odds > 0).float()
    logits = before.seeker(split.inputs * mask).double()
    entropies = [-math.log(row.softmax(0)[label].item()) for row, label in zip(logits, split.labels, strict=True)]
    lit = [(i, c, y, x) for i, c, y, x in itertools.product(range(12), range(3), range(8), range(8))
           if split.inputs[i, c, y, x] != 0]  # fmt: skip
    hidden = [1 - mask[i, c % channels, y, x].item() for i, c, y, x in lit]
    found = dict(zip(STEP, run.journal[0], strict=True))
    assert 0 < mask.mean() < 1
    assert found["alpha"] == alpha
    assert found["classification_loss"] == pytest.approx(sum(entropies) / 12, rel=1e-5)
    assert found["mask_loss"] == pytest.approx(mask.mean().item(), rel=1e-6)
    assert found["total_loss"] == pytest.approx(
        alpha * sum(entropies) / 12 + (1 - alpha) * mask.mean().item(), rel=1e-5
    )
    assert found["nonzero_hidden"] == pytest.approx(sum(hidden) / len(hidden), rel=1e-6)


@pytest.mark.parametrize("alpha", [0.0, 0.3, 1.0])
def test_a_step_is_adams_on_the_loss_of_the_journal(alpha: float) -> None:
    """The first step of Adam moves every weight by the learning rate, against the sign of its gradient."""
    split = images((1, 8, 8), 12)
    run = training(Settings(alpha=alpha, initial_keep=0.5, batch_size=12), split)
    before = deepcopy(run.network)
    seen = before(split.inputs)
    loss = alpha * F.cross_entropy(seen.class_logits, split.labels) + (1 - alpha) * seen.mask.mean()
    gradients = torch.autograd.grad(loss, list(before.parameters()), allow_unused=True)
    torch.manual_seed(0)
    run._advance()
    for old, new, gradient in zip(before.parameters(), run.network.parameters(), gradients, strict=True):
        slope = torch.zeros_like(old) if gradient is None else gradient
        expected = -1e-3 * slope / (slope.abs() + 1e-7)
        clear = (slope.abs() > 1e-6) | (slope == 0)
        torch.testing.assert_close((new - old)[clear], expected[clear], rtol=0.05, atol=1e-6)


def test_alpha_zero_teaches_to_hide_nearly_everything() -> None:
    run = finished(replace(SETTINGS, alpha=0.0, learning_rate=1e-2))
    assert run.journal[0][STEP.index("mask_loss")] > 0.99
    assert run.journal[-1][STEP.index("mask_loss")] < 0.02


def test_alpha_one_teaches_to_classify() -> None:
    settings = replace(SETTINGS, alpha=1.0, epochs=8, learning_rate=5e-3)
    untrained, run = training(settings), finished(settings)
    assert score(untrained.network, digits().test).accuracy < 0.3
    assert score(run.network, digits().test).accuracy > 0.75


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_every_estimator_learns_to_keep_the_one_pixel_that_tells_the_class(estimator: Estimator) -> None:
    """The bright pixel of each image stands where its class says; the 15 others are grey. At first all are kept."""
    inputs = 0.3 * torch.rand(256, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(256) % 4
    inputs[torch.arange(256), 0, 1 + labels // 2, 1 + labels % 2] = 1.0
    hider = bright_hider(2.5, 0.5)
    with seeded("weights"):
        network = HideAndSeek(hider, linear_seeker((1, 4, 4), 4), estimator=estimator)
    settings = Settings(
        alpha=0.5, epochs=15, batch_size=64, learning_rate=0.1, cooldown=0.0, estimator=estimator, rate=0.05
    )
    run = Training(network, Split(inputs, labels), settings, Alpha(constant=0.5))
    with seeded("training"):
        for _ in run.run():
            pass
    found = score(network, Split(inputs, labels))
    assert found.accuracy == 1.0
    assert found.hidden == 15 / 16


def test_alpha_moves_the_balance_from_classes_to_masks() -> None:
    settings = replace(SETTINGS, epochs=4, learning_rate=1e-2)
    kept = [finished(replace(settings, alpha=alpha)).journal[-1][STEP.index("mask_loss")] for alpha in (1.0, 0.5, 0.05)]
    assert kept[0] > kept[1] + 0.1 > kept[2] + 0.2


@pytest.mark.parametrize("monitor", ["classification", "total"])
def test_alpha_watches_the_monitored_loss(monitor: Monitor) -> None:
    """At an alpha of 0.5 the two differ."""
    run = training(replace(SETTINGS, monitor=monitor))
    run.alpha = Alpha(patience=50, num_drops=10)
    with seeded("training"):
        for _ in range(4):
            run._advance()
    column = STEP.index(f"{monitor}_loss")
    assert list(run.alpha.window) == [row[column] for row in run.journal]
    assert abs(run.journal[0][STEP.index("total_loss")] - run.journal[0][STEP.index("classification_loss")]) > 0.1


def test_alpha_moves_by_what_it_watches() -> None:
    run = finished(replace(SETTINGS, patience=3, epochs=4))
    alpha, expected = Alpha(patience=3), []
    for row in run.journal:
        expected.append(alpha.value)
        alpha.observe(row[STEP.index("classification_loss")])
    assert [row[0] for row in run.journal] == expected
    assert len(set(expected)) > 2


def test_events_tell_the_alpha_that_was_left_and_the_end_of_epochs() -> None:
    """Four steps an epoch, a flat loss, three batches of patience: drops after steps 3, 6, 9 and 12."""
    run = training(replace(SETTINGS, patience=3, learning_rate=1e-12))
    with seeded("training"):
        found = [(run.step, event) for event in run.run()]
    assert found == [
        (3, Event(1.0, alpha_dropped=True, epoch_ended=False)),
        (4, Event(0.95, alpha_dropped=False, epoch_ended=True)),
        (6, Event(0.95, alpha_dropped=True, epoch_ended=False)),
        (8, Event(0.9, alpha_dropped=False, epoch_ended=True)),
        (9, Event(0.9, alpha_dropped=True, epoch_ended=False)),
        (12, Event(0.85, alpha_dropped=True, epoch_ended=True)),
    ]


@pytest.mark.parametrize(
    ("epochs", "cooldown", "expected"),
    [
        (6, 0.0, [1, 1, 1, 1, 1, 1]),
        (6, 1 / 6, [1, 1, 1, 1, 1, 1]),
        (6, 4 / 6, [1, 1, 1, 0.75, 0.5, 0.25]),
        (6, 5 / 6, [1, 1, 0.8, 0.6, 0.4, 0.2]),
    ],
)
def test_the_learning_rate_falls_along_a_line_in_the_last_epochs(
    epochs: int, cooldown: float, expected: list[float]
) -> None:
    assert learning_rates(Settings(alpha=0.5, epochs=epochs, cooldown=cooldown)) == pytest.approx(expected)


@pytest.mark.parametrize("epochs", [1, 4])
def test_a_cooldown_of_all_epochs_falls_to_the_end_too(epochs: int) -> None:
    found = learning_rates(Settings(alpha=0.5, epochs=epochs, cooldown=1.0))
    assert found == pytest.approx([1 - step / epochs for step in range(epochs)])


@pytest.mark.parametrize("cooldown", [0, 3])
def test_training_ends_after_a_cooldown_once_alpha_has_come_to_its_end(cooldown: int) -> None:
    """A window of two flat losses: 19 drops need 38 steps; the epochs would go on to 100."""
    found = learning_rates(Settings(patience=2, epochs=100, cooldown=cooldown / 100))
    assert found == pytest.approx([1.0] * 38 + [1 - step / cooldown for step in range(cooldown)])


def test_alpha_stays_at_a_tenth_in_the_cooldown() -> None:
    run = full_batch(toy(), 2, Settings(patience=2, epochs=100, cooldown=0.03, learning_rate=1e-12))
    events = list(run.run())
    assert [row[0] for row in run.journal[-5:]] == [0.1] * 5
    assert [event.alpha_dropped for event in events[-4:]] == [True, False, False, False]


def test_an_epoch_takes_every_example_once_and_leaves_the_rest_over() -> None:
    """11 examples in batches of 4: two full ones; what is seen differs from epoch to epoch."""
    split = Split(torch.arange(11.0).view(11, 1, 1, 1).expand(11, 1, 8, 8) / 11, torch.zeros(11, dtype=torch.long))
    run = training(Settings(batch_size=4, epochs=3), split)
    assert run.steps_per_epoch == 2
    orders = []
    with seeded("training"):
        for _ in run.run():
            assert run.order is not None
            orders.append(run.order.tolist())
    assert len(run.journal) == 6
    epochs = [orders[i] for i in range(len(orders)) if i == 0 or orders[i] != orders[i - 1]]
    assert len(epochs) == 3
    assert all(sorted(order) == list(range(11)) for order in epochs)


def test_batches_follow_the_order_of_the_epoch() -> None:
    run = training(Settings(batch_size=4), Split(torch.rand(11, 1, 8, 8), torch.zeros(11, dtype=torch.long)))
    torch.manual_seed(0)
    first = run._next()
    assert run.order is not None
    order = run.order
    run.journal.append([0.0] * 5)
    assert torch.cat([first, run._next()]).tolist() == order[:8].tolist()


def test_a_split_smaller_than_a_batch_is_one_batch() -> None:
    run = training(Settings(batch_size=64, epochs=2, alpha=0.5), images((1, 8, 8), 5))
    assert [event.epoch_ended for event in run.run()] == [True, True]
    assert (run.step, run.epoch) == (2, 2)


@pytest.mark.parametrize("rate", [0.0, 0.5])
def test_the_slope_grows_by_its_rate_in_an_epoch(rate: float) -> None:
    run = training(replace(SETTINGS, estimator="sa", rate=rate, alpha=0.5))
    with seeded("training"):
        slopes = [run.network.slope.item() for _ in run.run()]
    assert slopes == pytest.approx([(1 + rate) ** epoch for epoch in (1, 2, 3)], rel=1e-5)
    assert run.network.state_dict()["slope"].item() == slopes[-1]


@pytest.mark.parametrize("estimator", ["deterministic", "st1", "st2", "reinforce"])
def test_other_estimators_keep_their_slope(estimator: Estimator) -> None:
    assert finished(replace(SETTINGS, estimator=estimator, rate=2.0, epochs=1)).network.slope.item() == 1.0


@pytest.mark.parametrize("test_masks", ["threshold", "sample"])
def test_scoring_between_steps_changes_nothing_of_a_training(test_masks: TestMasks) -> None:
    """Neither slope nor generator nor the mode of the network: the published code's slope grew in tests as well."""
    settings = replace(SETTINGS, estimator="sa", test_masks=test_masks, epochs=1)
    plain, watched = finished(settings), training(settings)
    with seeded("training"):
        for _ in range(4):
            watched._advance()
            score(watched.network, digits().validation)
    assert watched.journal == plain.journal
    assert same(watched.network.state_dict(), plain.network.state_dict())


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_a_training_repeats_to_the_bit_under_a_seed(estimator: Estimator) -> None:
    settings = replace(SETTINGS, estimator=estimator, epochs=1, batch_size=128)
    first, again = finished(settings), finished(settings)
    assert first.journal == again.journal
    assert same(first.network.state_dict(), again.network.state_dict())


def test_weights_of_convolutions_lie_in_memory_channels_last() -> None:
    run = training(SETTINGS)
    weights = [layer.weight for layer in run.network.modules() if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)]
    assert len(weights) == 8
    assert all(weight.is_contiguous(memory_format=torch.channels_last) for weight in weights)


def expected_gradient(network: HideAndSeek, alpha: float) -> Tensor:
    """d/dh of E[alpha * CE + (1 - alpha) * mean(m)] for an image of ones with label 0, over all 16 masks."""
    layer = network.hider[1]
    assert isinstance(layer, nn.Linear)
    s = torch.sigmoid(layer.bias.detach().double())
    total = torch.zeros(4, dtype=torch.float64)
    for bits in itertools.product((0.0, 1.0), repeat=4):
        mask = torch.tensor(bits, dtype=torch.float64)
        probability = (mask * s + (1 - mask) * (1 - s)).prod()
        logits = network.seeker(mask.float().view(1, 1, 2, 2)).double().detach()
        loss = alpha * -logits.log_softmax(1)[0, 0] + (1 - alpha) * mask.mean()
        total += probability * loss * (mask - s)
    return total


@pytest.mark.parametrize("alpha", [1.0, 0.6, 0.0])
def test_reinforce_follows_the_gradient_of_the_expected_loss(alpha: float) -> None:
    """Estimated by many steps that do not move; the truth is enumerated."""
    network = toy("reinforce")
    run = full_batch(network, 2000, Settings(alpha=alpha, epochs=40, cooldown=0.0, learning_rate=1e-12))
    layer = network.hider[1]
    assert isinstance(layer, nn.Linear)
    with seeded("training"):
        found = torch.stack([layer.bias.grad.double() for _ in run.run() if layer.bias.grad is not None])
    truth = expected_gradient(network, alpha)
    error = found.std(0) / math.sqrt(len(found))
    assert found.shape == (40, 4)
    assert truth.abs().min() > 0.003
    assert ((found.mean(0) - truth).abs() <= 4 * error + 1e-6).all()
    assert (error < 0.2 * truth.abs()).all()


def test_reinforce_gives_every_weight_of_the_hider_a_gradient() -> None:
    """The published code multiplies by J - J~ = 0."""
    run = training(replace(SETTINGS, estimator="reinforce", alpha=1.0))
    with seeded("training"):
        run._advance()
    assert all(value.grad is not None and value.grad.abs().sum() > 0 for value in run.network.parameters())


def test_reinforce_with_the_published_sampling_never_learns_as_published() -> None:
    """Its masks are not drawn from the hider's probabilities, so (m - s)(J - J~) would be no gradient of anything."""
    run = training(replace(SETTINGS, estimator="reinforce", reference=True, alpha=0.5))
    before = deepcopy(run.network.hider.state_dict())
    with seeded("training"):
        for _ in run.run():
            pass
    assert same(before, run.network.hider.state_dict())
