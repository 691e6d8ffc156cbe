"""Published counts of COMPAS, and the formula of the ROAR toy."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from roarbench.datasets.base import Dataset, Split
from roarbench.datasets.tabular import COMPAS_FILE, COMPAS_TARGET, compas, consistent, roar_toy


def together(dataset: Dataset) -> tuple[torch.Tensor, torch.Tensor]:
    parts = (dataset.train, dataset.validation, dataset.test)
    return torch.cat([p.inputs for p in parts]), torch.cat([p.labels for p in parts])


def vectors(split: Split) -> set[bytes]:
    return {row.numpy().tobytes() for row in split.inputs}


def test_the_compas_file_has_the_published_rows_and_columns(real_data: Path) -> None:
    dataset = compas(real_data, cleaned=False)
    inputs, labels = together(dataset)
    assert inputs.shape == (6172, 11)
    assert labels.float().mean().item() == pytest.approx(0.4457, abs=5e-5)
    assert dataset.feature_names[:2] == ("Two_yr_Recidivism", "Number_of_Priors")
    assert COMPAS_TARGET not in dataset.feature_names
    assert len(dataset.feature_names) == 11


def test_cleaning_compas_gives_the_published_counts(real_data: Path) -> None:
    inputs, labels = together(compas(real_data))
    assert inputs.shape == (5359, 11)
    assert len(inputs.unique(dim=0)) == 512
    assert labels.float().mean().item() == pytest.approx(0.4144, abs=5e-5)


def test_priors_are_the_root_of_their_share_and_the_rest_is_binary(real_data: Path) -> None:
    inputs, _ = together(compas(real_data, cleaned=False))
    priors = inputs[:, 1]
    assert priors.max() == 1
    assert (priors**2 * 38).mean().item() == pytest.approx(3.25, abs=0.005)
    others = inputs[:, [0, *range(2, 11)]]
    assert set(others.unique().tolist()) == {0, 1}


def test_the_random_split_has_the_published_sizes(real_data: Path) -> None:
    dataset = compas(real_data)
    # published: 3,859 / 428 / 1,072, its validation share rounded down
    assert (len(dataset.train), len(dataset.validation), len(dataset.test)) == (3858, 429, 1072)


@pytest.mark.parametrize("seed", range(3))
def test_grouped_splits_share_no_feature_vector(real_data: Path, seed: int) -> None:
    dataset = compas(real_data, grouped=True, seed=seed)
    parts = [vectors(split) for split in (dataset.train, dataset.validation, dataset.test)]
    assert sum(map(len, parts)) == len(set.union(*parts)) == 512
    assert len(dataset.test) == pytest.approx(0.2 * 5359, abs=10)
    random = compas(real_data, seed=seed)
    assert vectors(random.test) & vectors(random.train)


def test_consistent_rows_by_hand() -> None:
    # vector 0 once; 1: 3 of 4 agree, minority goes; 2: 2 of 3, all stay; 3: all agree
    rows = np.array([0, 1, 1, 1, 1, 2, 2, 2, 3, 3])
    labels = np.array([1, 1, 1, 1, 0, 0, 0, 1, 0, 0])
    assert consistent(rows, labels).astype(int).tolist() == [0, 1, 1, 1, 0, 1, 1, 1, 1, 1]


def test_a_missing_compas_file_is_named_with_its_source(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=rf"must hold {tmp_path / 'compas' / COMPAS_FILE}.*github.com/adebayoj/fairml"):
        compas(tmp_path)


def test_an_edited_compas_file_is_refused(real_data: Path, tmp_path: Path) -> None:
    (tmp_path / "compas").mkdir()
    path = tmp_path / "compas" / COMPAS_FILE
    shutil.copyfile(real_data / "compas" / COMPAS_FILE, path)
    path.write_text(path.read_text() + "\n")
    with pytest.raises(ValueError, match=r"damaged: expected sha256:efc28b32\w+, found sha256:"):
        compas(tmp_path)


def test_only_the_first_four_toy_features_are_true() -> None:
    split = roar_toy(Path(), train=50, test=50).train
    assert split.truth is not None
    truth = split.truth(split.inputs)
    assert (truth[:, :4] > 0).all()
    assert (truth[:, 4:] == 0).all()
    assert (truth == truth[0]).all()


def test_the_toy_follows_its_formula() -> None:
    """Cov(x_i, x_j) = a_i a_j / 100 + d_i d_j + [i = j] / 100, up to one scale; a comes from truth, d from rank one."""
    dataset = roar_toy(Path(), train=40_000, test=1000, draw=3)
    assert dataset.train.truth is not None
    x, z_positive = dataset.train.inputs.double() - 0.5, dataset.train.labels.double() * 2 - 1
    a = dataset.train.truth(x)[0]
    covariance = torch.cov(x.T)
    # the smallest eigenvalues are those of eps / 10 alone, which gives the scale
    scale = torch.linalg.eigvalsh(covariance)[:14].mean() / 0.01
    # E[x sign(z)] = a / 10 * E|z|
    found = (x * z_positive[:, None]).mean(0).abs() / scale.sqrt() * 10 / np.sqrt(2 / np.pi)
    assert torch.allclose(found, a, atol=0.25)
    assert dataset.train.labels.double().mean().item() == pytest.approx(0.5, abs=0.01)


def test_the_toy_is_as_hard_as_measured() -> None:
    """Least squares reaches 83.5 % on average over draws."""
    accuracies = []
    for draw in range(10):
        dataset = roar_toy(Path(), train=2000, test=2000, draw=draw)
        design, target = (
            torch.cat([s.inputs, torch.ones(len(s), 1)], dim=1).double() for s in (dataset.train, dataset.test)
        )
        weights = torch.linalg.lstsq(design, dataset.train.labels.double() * 2 - 1).solution
        accuracies.append(((target @ weights > 0) == dataset.test.labels).double().mean().item())
    assert np.mean(accuracies) == pytest.approx(0.835, abs=0.04)


def test_the_toy_is_scaled_by_one_constant_around_the_middle() -> None:
    dataset = roar_toy(Path(), train=500, test=500)
    inputs, _ = together(dataset)
    assert (inputs - 0.5).abs().max() == 0.5


def test_another_draw_gives_other_weights() -> None:
    first, second = (roar_toy(Path(), train=10, test=10, draw=draw).train for draw in (0, 1))
    assert first.truth is not None and second.truth is not None
    assert not torch.equal(first.truth(first.inputs[:1]), second.truth(first.inputs[:1]))


@pytest.mark.parametrize("parameters", [{"train": 0}, {"test": 0}, {"draw": -1}])
def test_impossible_toys_are_refused(parameters: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=rf"{next(iter(parameters))} must be [01] or more"):
        roar_toy(Path(), **parameters)
