"""Networks that are tuned once, and found again by all explainers and processes."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from roarbench.benchmark.execution import runner
from roarbench.benchmark.execution.workplace import Workplace
from roarbench.benchmark.matrix.plugins import plugin
from roarbench.benchmark.matrix.recipe import Recipe
from roarbench.benchmark.matrix.spec import Cell, Original, PlugIn, Ranking
from roarbench.benchmark.measures.f_fidelity import FFidelityMinus, FFidelityPlus
from roarbench.benchmark.measures.idsds import Idsds
from roarbench.benchmark.measures.mcal import MCal
from roarbench.benchmark.measures.sample import Sample
from roarbench.benchmark.results.artefacts import Artefacts
from tests.benchmark.measures.given import noise, sample_of
from tests.methods.networks import convolutional, split, tabular

ORIGINAL = Original(PlugIn("data", 1), PlugIn("network", 1), Recipe(), 0)
IMAGES = split((3, 8, 8), n=50)


@pytest.fixture
def kept(tmp_path: Path) -> Callable[..., Sample]:
    """Samples of one network, whose tuned networks are kept in a folder."""
    artefacts = Artefacts(tmp_path)
    return lambda attribute=noise: sample_of(
        convolutional(3), attribute, IMAGES, keep=partial(artefacts.tuned, ORIGINAL)
    )


def counting(sample: Sample, fitted: list[str]) -> Sample:
    """The sample, whose fits are noted."""
    keep = sample.background.keep

    def noted(name: str, network: nn.Module, fit: Callable[[nn.Module], None]) -> None:
        keep(name, network, lambda network: (fitted.append(name), fit(network))[1])  # type: ignore[func-returns-value]

    object.__setattr__(sample.background, "keep", noted)
    return sample


def test_a_network_is_tuned_once_for_all_explainers_and_measures_that_need_it(kept: Callable[..., Sample]) -> None:
    fitted: list[str] = []
    for attribute in (noise, lambda inputs, targets: inputs):
        sample = counting(kept(attribute), fitted)
        for measure in (FFidelityPlus(draws=2), FFidelityMinus(draws=2), Idsds(), MCal(), MCal("lerf")):
            measure.measure(sample)
    assert sorted(fitted) == ["f_fidelity[beta=0.1][epochs=5]", "idsds[epochs=5]", "mcal"]
    FFidelityPlus(draws=2, beta=0.2).measure(sample)
    assert len(fitted) == 4


@pytest.mark.parametrize("measure", [FFidelityPlus(draws=3), Idsds(), MCal()])
def test_what_is_found_is_what_would_be_fitted(
    measure: FFidelityPlus | Idsds | MCal, kept: Callable[..., Sample], tmp_path: Path
) -> None:
    first, found = measure.measure(kept()), measure.measure(kept())
    (file,) = tmp_path.glob("tuned/*.safetensors")
    bits = file.read_bytes()
    file.write_bytes(bits[:-8] + b"damaged!")
    again = measure.measure(kept())
    assert file.read_bytes() == bits, "who comes first does not matter"
    assert torch.equal(torch.as_tensor(first), torch.as_tensor(found))
    assert torch.equal(torch.as_tensor(first), torch.as_tensor(again))


def test_a_fit_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    def fit(network: nn.Module) -> None:
        raise ValueError("out of luck")

    with pytest.raises(ValueError, match="out of luck"):
        Artefacts(tmp_path).tuned(ORIGINAL, "any", nn.Linear(2, 2), fit)
    assert not list(tmp_path.rglob("*.*"))


def test_drafts_of_interrupted_fits_are_cleaned_and_networks_stay(tmp_path: Path) -> None:
    artefacts = Artefacts(tmp_path)
    artefacts.tuned(ORIGINAL, "any", nn.Linear(2, 2), lambda network: None)
    (file,) = tmp_path.glob("tuned/*")
    file.with_suffix(".123").write_text("half")
    artefacts.clean()
    assert list(tmp_path.glob("tuned/*")) == [file]


def test_a_sample_of_the_wrong_network_is_another_name(tmp_path: Path) -> None:
    artefacts, networks = Artefacts(tmp_path), [nn.Linear(2, 2) for _ in range(3)]
    for name, network in zip(("one", "other", "one"), networks, strict=True):
        artefacts.tuned(ORIGINAL, name, network, lambda network: None)
    assert torch.equal(networks[0].weight, networks[2].weight)
    assert not torch.equal(networks[0].weight, networks[1].weight)


def test_rows_are_tuned_too() -> None:
    def fitting(name: str, network: nn.Module, fit: Callable[[nn.Module], None]) -> None:
        fit(network)

    def maps(inputs: Tensor, targets: Tensor) -> Tensor:
        return inputs

    sample = sample_of(tabular(), maps, split((6,), n=50), keep=fitting)
    assert FFidelityPlus(draws=2, epochs=1).values(sample).abs().max() <= 1
    assert 0 <= (MCal().measure(sample) or 0) <= 1


def test_a_measure_that_does_not_apply_takes_no_other_with_it(tmp_path: Path) -> None:
    original = Original(plugin("roar_toy", "dataset"), plugin("linear", "classifier"), Recipe(epochs=1), 0)
    place = Workplace(tmp_path, tmp_path, "cpu")
    runner.train_original(original, place)
    ranking = Ranking(original, plugin("gradient", "explainer"))
    cells = [
        Cell(original, ranking, None, retrain=False, probe="attribution", measure=plugin(name, "measure"))
        for name in ("gini", "idsds", "f_fidelity_plus[draws=2]")
    ]
    outcomes = runner.rank((ranking,), place, cells)
    assert [outcome.status for outcome in outcomes] == ["done", "skipped", "done"]
    assert outcomes[1].reason == "idsds needs images"
    assert len(list(tmp_path.glob("artefacts/tuned/*"))) == 1
