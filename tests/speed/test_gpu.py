"""The scripts of `make speed-gpu` keep to their time, and rehearse where there is no card."""

from pathlib import Path

import pytest
import torch

from tests.speed import gpu, gpu_paths, gpu_pieces
from tests.speed.gpu_data import SHAPES, loaded


def test_all_pieces_are_there_and_fit_into_ten_minutes() -> None:
    assert sum(gpu_paths.LIMITS.values()) <= gpu_paths.TOTAL == 600
    assert all(getattr(gpu_pieces, name).__doc__ for name in gpu_paths.LIMITS)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a card")
def test_without_a_card_the_rehearsal_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert gpu_paths.main([]) == gpu.main([]) == 2
    assert capsys.readouterr().err.count("--device cpu rehearses it") == 2


@pytest.mark.parametrize("name", SHAPES)
def test_images_that_are_not_at_hand_are_generated_in_their_shape(name: str, tmp_path: Path) -> None:
    data = loaded(name, tmp_path / "nowhere", tmp_path, (40, 20))
    assert data.feature_shape == SHAPES[name] and (len(data.train), len(data.test)) == (40, 20)
    assert data.num_classes == 10


def test_a_piece_that_fails_is_told_and_the_others_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    assert not gpu_paths.say(False, "fp32", 0.0, "weights differ") and gpu_paths.say(True, "bf16", 0.0, "fine")
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("FAIL") and first.endswith("fp32: weights differ") and second.startswith("PASS")


def test_a_table_of_no_cells_is_none() -> None:
    assert gpu.counted(Path("nowhere")) == (0, 0)


@pytest.mark.whole
@pytest.mark.parametrize("name", ["fp32", "views", "stacks", "recorded"])
def test_pieces_rehearse(name: str, tmp_path: Path) -> None:
    assert gpu_pieces.tried(getattr(gpu_pieces, name), "cpu", tmp_path)
