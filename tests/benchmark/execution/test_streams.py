"""A matrix on images that stay on disk is the matrix on the same images in memory."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from roarbench import run_benchmark
from roarbench.benchmark.execution import runner, session, workplace
from roarbench.benchmark.execution.session import Resources
from roarbench.benchmark.execution.workplace import Workplace
from roarbench.benchmark.matrix import plan
from roarbench.benchmark.matrix.plugins import plugin
from roarbench.benchmark.matrix.recipe import Recipe
from roarbench.benchmark.matrix.spec import Cell, key
from roarbench.benchmark.networks import training
from roarbench.benchmark.randomness import generator
from roarbench.benchmark.removal.reduction import reduced, stored
from roarbench.benchmark.results.store import Store
from roarbench.datasets.digits import load
from roarbench.datasets.stream import Stream

pytestmark = pytest.mark.usefixtures("unillustrated")

FAST = Recipe(epochs=2, batch_size=64, learning_rate=0.01, augmentation="shift_flip")
Build = Callable[..., plan.Matrix]


@pytest.fixture(scope="module")
def digits_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """600 of the digits as PNG files of 8x8 pixels: 400 to train, 200 to test."""
    root, examples = tmp_path_factory.mktemp("digits"), load()
    for number, (image, label) in enumerate(zip(examples.inputs[:600], examples.labels[:600], strict=True)):
        folder = root / ("train" if number < 400 else "test") / str(label)
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray((image[0] * 255).astype(np.uint8)).save(folder / f"{number:04}.png")
    return root


def name(root: Path, *, in_memory: bool) -> str:
    return f"image_folder[root={root},size=8,channels=1,validation=0.1,in_memory={in_memory}]"


Rows = dict[str, dict[str, float | None]]


def rows(root: Path, out: Path, *, in_memory: bool, loaders: int = 0, **fields: object) -> Rows:
    """Metrics by cell of a small matrix."""
    workplace.forget_data()
    small: dict = {
        "datasets": (name(root, in_memory=in_memory),), "classifiers": ("mlp[width=16]",), "seeds": 1,
        "explainers": ("gradient_shap[samples=1]", "smoothgrad[samples=2]"), "fractions": (0.5,), "recipe": FAST,
        "unretrained_fills": (), "mask_fractions": (), "measures": (),
    }  # fmt: skip
    assert set(session.run(plan.Matrix(**(small | fields)), out, Resources(Path(), "cpu", 0, loaders=loaders))) == {
        "done"
    }
    return {str(_nameless(row.specification)): row.outcome.metrics for row in Store(out).rows() if row.outcome}


def _nameless(value: object) -> object:
    """A specification without how its data set is read."""
    if isinstance(value, dict):
        return {field: _nameless(part) for field, part in value.items() if field not in ("text", "handling")}
    return value


@pytest.mark.parametrize(
    ("fields", "count"),
    [
        (
            {
                "recipe": replace(FAST, augmentation="none"),
                "mask_fractions": (0.5,),
                "unretrained_fills": ("noisy_linear",),
                "foreign": True,
            },
            20,
        ),
        ({"fills": ("noisy_linear", "blur"), "explainers": ("gradient", "random_per_epoch"), "orders": ("morf",)}, 11),
        ({"classifiers": ("resnet8[width=4]",), "recipe": replace(FAST, epochs=1)}, 10),
    ],
)
@pytest.mark.whole
def test_rows_are_the_same_on_disk_and_in_memory(digits_folder: Path, tmp_path: Path, fields: dict, count: int) -> None:
    memory, disk = (rows(digits_folder, tmp_path / str(held), in_memory=held, **fields) for held in (True, False))
    assert memory == disk
    assert len(memory) == count


@pytest.mark.whole
def test_rows_are_the_same_whoever_reads(digits_folder: Path, tmp_path: Path) -> None:
    fields = {"explainers": ("gradient",), "orders": ("lerf",), "mask_fractions": (0.5,)}
    here, loaders = (rows(digits_folder, tmp_path / str(n), in_memory=False, loaders=n, **fields) for n in (0, 2))
    assert here == loaders
    assert len(here) == 5


@pytest.fixture
def ranked(digits_folder: Path, small_matrix: Build, place: Workplace) -> Callable[[bool], tuple[Cell, Workplace]]:
    """A reduced cell whose original network is trained and whose ranking is stored."""

    def build(in_memory: bool) -> tuple[Cell, Workplace]:
        workplace.forget_data()
        matrix = small_matrix(datasets=(name(digits_folder, in_memory=in_memory),), recipe=FAST)
        here = replace(place, folder=place.folder / str(in_memory))
        cell = next(c for c in plan.cells(matrix) if c.ranking and c.ranking.explainer.name == "gradient")
        runner.train_original(cell.training, here)
        runner.rank((cell.ranking,), here)  # type: ignore[arg-type]
        return cell, here

    return build


def test_rank_maps_and_weights_are_the_same_on_disk_and_in_memory(
    ranked: Callable[[bool], tuple[Cell, Workplace]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("roarbench.benchmark.results.shards.SHARD_BYTES", 64 * 100)
    found = {in_memory: ranked(in_memory) for in_memory in (True, False)}
    (cell, memory), (_, disk) = found[True], found[False]
    for split, count in (("train", 360), ("validation", 40), ("test", 200)):
        maps = [place.artefacts.load_ranks(cell.ranking, split)[np.arange(count)] for place in (memory, disk)]  # type: ignore[arg-type]
        assert np.array_equal(*maps)
    weights = [next((place.folder / "artefacts/networks").iterdir()).read_bytes() for place in (memory, disk)]
    assert weights[0] == weights[1]


def test_how_data_are_read_is_no_part_of_their_identity(digits_folder: Path) -> None:
    memory, disk = (plugin(name(digits_folder, in_memory=held), "dataset") for held in (True, False))
    assert key(memory) == key(disk)
    assert memory == disk
    assert [dict(identity.handling)["in_memory"] for identity in (memory, disk)] == [True, False]


@pytest.mark.parametrize("in_memory", [True, False])
def test_features_are_removed_before_augmentation(
    ranked: Callable[[bool], tuple[Cell, Workplace]], monkeypatch: pytest.MonkeyPatch, in_memory: bool
) -> None:
    """What is augmented has as many zeros as the mask made; a mask after a shift would uncover or hide others."""
    cell, place = ranked(in_memory)
    cell = replace(cell, fill=plugin("zero", "fill"))
    intact = workplace.data_for(cell.training, place)
    data = reduced(cell, intact, stored(cell, intact.splits, place.artefacts))
    assert isinstance(data.train, Stream) is not in_memory
    seen: list[Tensor] = []

    def watch(inputs: Tensor, kind: str, noise: torch.Generator) -> Tensor:
        seen.append(inputs)
        return torch.ones_like(inputs)  # were features removed later, some of this would be zero

    fed: list[Tensor] = []
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    network.register_forward_pre_hook(lambda _, given: fed.append(given[0]))
    monkeypatch.setattr(training, "augmented", watch)
    training.train(network, data.train, replace(FAST, epochs=1), pairing=("order",))
    order = torch.randperm(len(data.train), generator=generator("batches", "order"))
    assert torch.equal(torch.cat(seen), data.train.at(order).inputs)
    assert all(((batch == 0).flatten(1).sum(1) >= 32).all() for batch in seen)
    assert all((batch == 1).all() for batch in fed)


def test_streams_are_not_stacked(ranked: Callable[[bool], tuple[Cell, Workplace]], small_matrix: Build) -> None:
    cell, place = ranked(False)
    plain = replace(cell.training, recipe=replace(FAST, augmentation="none"))
    assert runner.num_replicas(plain, place) == 1
    workplace.forget_data()
    handling = dict(plain.dataset.handling) | {"in_memory": True}
    memory = replace(plain, dataset=replace(plain.dataset, handling=tuple(handling.items())))
    assert runner.num_replicas(memory, place) > 1


@pytest.mark.whole
def test_an_explainer_that_wants_all_inputs_says_why_it_cannot(
    digits_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "greedy.py").write_text(
        "from dataclasses import dataclass\n@dataclass(frozen=True)\nclass Greedy:\n"
        "    def prepare(self, classifier, train):\n"
        "        mean = train.inputs.mean(0)\n        return lambda inputs, targets: inputs - mean\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    matrix = plan.Matrix(
        (name(digits_folder, in_memory=False),), ("linear",), ("greedy:Greedy", "deviation"), seeds=1, fractions=(0.5,),
        recipe=replace(FAST, epochs=1),
    )  # fmt: skip
    assert session.run(matrix, tmp_path / "out", Resources(Path(), "cpu", 0)) == {"done": 13, "failed": 11}
    reasons = {row.outcome.reason for row in Store(tmp_path / "out").rows() if row.outcome} - {""}
    assert all(reason.startswith("ValueError: inputs of a stream are not in memory") for reason in reasons)


def test_many_logits_are_scored_a_part_at_a_time(monkeypatch: pytest.MonkeyPatch, digits_folder: Path) -> None:
    data = workplace.load(plugin(name(digits_folder, in_memory=True), "dataset"), 0, Path())
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    monkeypatch.setattr("roarbench.datasets.base.CHUNK_FEATURES", 64 * 50)
    whole = training.score(network, data.train)
    monkeypatch.setattr(training, "JOINED", 1000)
    parts = training.score(network, data.train)
    assert parts.accuracy == pytest.approx(whole.accuracy, abs=1e-12)
    assert parts.loss == pytest.approx(whole.loss, rel=1e-6)


def test_a_negative_number_of_loaders_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_benchmark.main(["run", "--loaders", "-1", "--out", str(tmp_path / "out")]) == 2
    assert "loaders must be at least 0, got -1" in capsys.readouterr().err
