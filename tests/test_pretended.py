"""Without a card: on one that is pretended nothing is misplaced, and every number is the processor's."""

import copy
from contextlib import nullcontext
from pathlib import Path

import pytest
import torch
from torch import Tensor

from roarbench.benchmark.execution import runner, session
from roarbench.benchmark.execution.session import Resources
from roarbench.benchmark.matrix.plan import Matrix
from roarbench.benchmark.matrix.recipe import Recipe
from roarbench.benchmark.results.store import Outcome, Store
from roarbench.datasets.base import Split
from tests.methods.test_contract import CASES, TARGETS, cheap, pairs, skipped
from tests.pretended import OnCard, bare, card

pytestmark = pytest.mark.skipif(torch.cuda.is_available(), reason="there is a card, whose own tests tell more")

FAST = Recipe(epochs=1, batch_size=64, learning_rate=0.01, precision="fp32")
SMALL: dict = {
    "datasets": ("squares[train=200,test=60]",), "classifiers": ("cnn_small[width=4]",), "seeds": 1,
    "explainers": ("random", "gradient", "smoothgrad[samples=2]"), "fractions": (0.3, 0.7), "recipe": FAST,
}  # fmt: skip
MATRICES: dict[str, dict] = {
    "all measures": {
        "fills": ("mean", "image_mean", "noisy_linear", "blur"), "foreign": True,
        "measures": ("standard", "faithful", "localisation", "sanity", "mask_leak"),
        "explainers": ("gradient", "hide_and_seek[steps=4,seeker_steps=4,pretraining_steps=2]"),
    },
    "tiny images": {"datasets": ("digits",), "attribution_folds": 2, "retrain": (True, False)},
    "batch norm": {
        "classifiers": ("resnet8[width=4]",), "recursive": (True, False),
        "recipe": Recipe(epochs=1, batch_size=64, optimiser="sgd", augmentation="shift_flip", precision="fp32"),
    },
    "closed form": {
        "datasets": ("digits",), "classifiers": ("linear",), "evaluator": False,
        "explainers": ("gradient", "kernel_shap[samples=10]"),
        "recipe": Recipe(optimiser="least_squares", precision="fp32"),
    },
}  # fmt: skip


def test_what_a_card_refuses_is_refused() -> None:
    here = torch.rand(3, 4)
    with card():
        there = here.to("cuda")
        assert there.device.type == "cuda" and torch.equal(there.cpu(), here)
        for misplaced in (
            lambda: there + here,
            lambda: here[there.long()],
            lambda: torch.rand(3, device="cuda", generator=torch.Generator()),
            lambda: there.bernoulli_(generator=torch.Generator()),
        ):
            with pytest.raises(RuntimeError):
                misplaced()
        with pytest.raises(TypeError, match="numpy"):
            there.numpy()


@pytest.mark.whole
@pairs
def test_explainers_misplace_nothing(name: str, case: str) -> None:
    if reason := skipped(name, case):
        pytest.skip(reason)
    (classifier, train), maps = CASES[case], []
    for device in ("cpu", "cuda"):
        with card() if device == "cuda" else nullcontext():
            there = Split(train.inputs.to(device), train.labels.to(device), train.truth)
            torch.manual_seed(0)
            attribute = cheap(name).prepare(copy.deepcopy(classifier).to(device), there)
            maps.append(attribute(there.inputs[:4], TARGETS.to(device)))
    assert isinstance(maps[1], OnCard)
    torch.testing.assert_close(bare(maps[1]), maps[0], rtol=1e-3, atol=1e-4)


@pytest.mark.whole
@pytest.mark.parametrize("kind", MATRICES)
def test_a_matrix_has_the_numbers_of_the_processor(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where cells are trained side by side on a card, too."""
    together, bundled = [], runner.measure_together

    def counted(cells: list, place: object) -> list[Outcome]:
        outcomes = bundled(cells, place)  # type: ignore[arg-type]
        together.append(len(outcomes))
        return outcomes

    monkeypatch.setattr(runner, "measure_together", counted)
    here = outcomes(tmp_path / "here", "cpu", kind)
    together.clear()
    with card():
        there = outcomes(tmp_path / "there", "cuda", kind)
    assert kind == "closed form" or together, "nothing was trained side by side"
    assert here.keys() == there.keys()
    for key, outcome in here.items():
        assert there[key].status == outcome.status, there[key].reason
        assert numbers(there[key]) == pytest.approx(numbers(outcome), rel=0.01, abs=0.01, nan_ok=True)


def outcomes(folder: Path, device: str, kind: str) -> dict[str, Outcome]:
    session.run(Matrix(**(SMALL | MATRICES[kind])), folder, Resources(folder, device, 0))
    store = Store(folder)
    kept = {row.key: row.outcome for row in store.rows() if row.outcome}
    store.close()
    return kept


def numbers(outcome: Outcome) -> dict[str, float]:
    return {name: value for name, value in outcome.metrics.items() if value is not None and name != "seconds_per_image"}


def test_gradients_pass_between_the_devices() -> None:
    here: Tensor = torch.ones(2, requires_grad=True)
    with card():
        (here.to("cuda") * 3).cpu().sum().backward()
    assert here.grad is not None and here.grad.tolist() == [3, 3]
