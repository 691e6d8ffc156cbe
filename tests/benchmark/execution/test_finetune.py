"""Networks that go on from the weights of the explained one, and say so."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from roarbench.benchmark.execution import runner, session
from roarbench.benchmark.execution.networks import original_network
from roarbench.benchmark.execution.session import Resources
from roarbench.benchmark.execution.workplace import Workplace, data_for
from roarbench.benchmark.matrix.arguments import prepared
from roarbench.benchmark.matrix.plan import Matrix, cells, check
from roarbench.benchmark.matrix.recipe import Recipe
from roarbench.benchmark.matrix.spec import Cell, digest, key
from roarbench.reports.rows.load import read
from roarbench.reports.rows.settings import title

MATRIX = Matrix(
    datasets=("blocks[train=80,test=40]",), classifiers=("cnn_small[width=4]",), explainers=("random",), seeds=1,
    fractions=(0.5, 1.0), unretrained_fills=(), measures=(), evaluator=False, mask_fractions=(0.5,),
    recipe=Recipe(epochs=1, batch_size=40, learning_rate=1e-9, finetune=2),
)  # fmt: skip


def cell(matrix: Matrix, probe: str) -> Cell:
    return next(c for c in cells(matrix) if c.ranking and c.retrain and c.probe == probe)


@pytest.mark.parametrize(("finetune", "same"), [(2, True), (None, False)])
def test_fine_tuned_networks_begin_with_the_weights_of_the_explained_one(
    tmp_path: Path, finetune: int | None, same: bool
) -> None:
    """A learning rate of nearly 0 keeps the weights where they were; fresh ones are those of the seed, untrained."""
    matrix = replace(MATRIX, recipe=replace(MATRIX.recipe, finetune=finetune))
    place, one = Workplace(tmp_path, tmp_path, "cpu"), cell(matrix, "image")
    data = data_for(one.training, place)
    explained = runner.fresh_network(one.training, data, place)
    with torch.no_grad():
        for weight in explained.parameters():
            weight.add_(0.1)
    place.artefacts.save_network(one.training, explained)
    assert one.ranking
    runner.rank((one.ranking,), place)
    network, _ = runner.retrained(one, place)
    stored = original_network(one.training, data, place)
    distances = [(a - b).abs().max().item() for a, b in zip(network.parameters(), stored.parameters(), strict=True)]
    assert (max(distances) < 1e-6) is same


def test_it_is_another_protocol_and_says_so_everywhere(tmp_path: Path) -> None:
    session.run(MATRIX, tmp_path, Resources(tmp_path, device="cpu", workers=0))
    run = read(tmp_path)
    assert set(run.frame.status) == {"done"}
    images = run.frame[(run.frame.probe == "image") & run.frame.explainer.notna()]
    assert "fine-tuned for 2 epochs from the weights of the explained network" in title(images)
    assert "fine-tuned" not in title(run.frame[run.frame.probe == "mask"])
    scratch = replace(MATRIX, recipe=replace(MATRIX.recipe, finetune=None))
    assert key(cell(MATRIX, "image")) != key(cell(scratch, "image"))


def test_without_it_identities_are_those_of_earlier_versions() -> None:
    fields = {name: value for name, value in vars(Recipe()).items() if name != "finetune"}
    assert key(Recipe()) == digest(fields)
    assert key(Recipe(finetune=1)) != digest(fields)


def test_words_of_the_command_line() -> None:
    assert prepared(["--retrain", "finetune[epochs=3]"], ()) == ["--retrain", "True", "--finetune", "3"]
    assert prepared(["--retrain", "finetune", "false"], ()) == ["--retrain", "True", "False", "--finetune", "1"]
    assert prepared(["--out", "finetune"], ()) == ["--out", "finetune"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"recipe": Recipe(finetune=0)}, "recipe.finetune must be a number of epochs, at least 1, got 0"),
        ({"recipe": Recipe(optimiser="least_squares", finetune=1)}, "least_squares has no epochs"),
        ({"recursive": (True,), "retrain": (True,)}, "recursive true needs networks that begin from scratch"),
    ],
)
def test_what_makes_no_sense_is_one_line(change: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        check(replace(MATRIX, **change))  # type: ignore[arg-type]
