"""Streams: what is read from disk is what would lie in memory, and little of it lies there at a time."""

import shutil
import weakref
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor

from roarbench.datasets.base import Split
from roarbench.datasets.folder import image_folder
from roarbench.datasets.noise import noise
from roarbench.datasets.statistics import merged, statistics
from roarbench.datasets.stream import Stream, streamed

INPUTS = torch.rand(50, 3, 4, 4, generator=torch.default_generator)
MASKS = torch.rand(50, 1, 4, 4) > 0.5
MEMORY = Split(INPUTS, torch.arange(50) % 5, masks=MASKS.__getitem__)
ORDER = torch.arange(50).flip(0)


def stream(loaders: int = 0) -> Stream:
    return Stream(MEMORY.labels, masks=MEMORY.masks, read=lambda index: INPUTS[index], shape=(3, 4, 4), loaders=loaders)


def equal(a: Split, b: Split) -> bool:
    return torch.equal(a.inputs, b.inputs) and torch.equal(a.labels, b.labels)


@pytest.mark.parametrize("loaders", [0, 2])
def test_batches_and_chunks_are_those_in_memory(loaders: int) -> None:
    found = list(stream(loaders).batches(ORDER.split(7)))
    assert all(map(equal, found, MEMORY.batches(ORDER.split(7))))
    assert [len(part) for part in found] == [7] * 7 + [1]
    assert all(equal(a, b) for a, b in zip(stream(loaders).chunks(20), MEMORY.chunks(20), strict=True))


def test_some_examples_are_in_memory_and_a_selection_is_not() -> None:
    assert equal(stream().at(ORDER[:4]), MEMORY.at(ORDER[:4]))
    taken = stream().take(ORDER[10:30])
    assert isinstance(taken, Stream) and len(taken) == 20
    assert equal(taken.at(torch.arange(20)), MEMORY.take(ORDER[10:30]))


@pytest.mark.parametrize("loaders", [0, 2])
def test_a_change_sees_the_positions_of_its_examples(loaders: int) -> None:
    def change(inputs: Tensor, index: Tensor) -> Tensor:
        return inputs[:, :1] * index[:, None, None, None]

    changed = stream(loaders).take(ORDER).mapped(change, (1, 4, 4))
    expected = MEMORY.take(ORDER).mapped(change, (1, 4, 4))
    assert changed.feature_shape == expected.feature_shape == (1, 4, 4)
    assert equal(next(changed.batches([torch.arange(50)])), expected)


@pytest.mark.parametrize("loaders", [0, 2])
def test_masks_stay_with_their_examples(loaders: int) -> None:
    """In memory and as a stream, chosen twice, in batches, in chunks, and behind inputs that were changed."""
    expected, chosen = MASKS[ORDER][10:30].expand(-1, 3, -1, -1).float(), ORDER[10:30]
    for split in (MEMORY, stream(loaders), streamed(MEMORY)):
        taken = split.take(ORDER).take(torch.arange(10, 30)).mapped(lambda inputs, _: inputs * 0)
        assert torch.equal(split.at(chosen).relevance(), expected)
        for parts in (taken.chunks(6), taken.batches(torch.arange(20).split(7))):
            assert torch.equal(torch.cat([part.relevance() for part in parts]), expected)
        assert torch.equal(taken.at(torch.tensor([3, 3, 0])).relevance(), expected[[3, 3, 0]])


def test_masks_of_a_training_batch_are_not_read() -> None:
    def read(index: Tensor) -> Tensor:
        raise AssertionError

    split = replace(stream(), masks=read)
    assert sum(len(part) for part in split.chunks(20)) == 50
    with pytest.raises(ValueError, match="inputs of a stream are not in memory"):
        split.relevance()


def test_loaders_do_not_move_the_draws_of_a_training() -> None:
    state = torch.get_rng_state()
    list(stream(loaders=1).chunks(20))
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("loaders", [0, 1])
def test_what_a_reader_raises_arrives_in_one_line(loaders: int) -> None:
    def read(index: Tensor) -> Tensor:
        raise ValueError("a.png must be a readable image")

    with pytest.raises(ValueError, match=r"^a.png must be a readable image$"):
        list(replace(stream(loaders), read=read).chunks())


def test_an_epoch_holds_few_examples_at_a_time() -> None:
    """Two batches of 32 may be alive, while one takes the place of another, of 12 million numbers in all."""
    alive, most = 0, 0
    data = noise(Path(), train=1000, size=64).train

    def freed(count: int) -> None:
        nonlocal alive
        alive -= count

    def read(index: Tensor) -> Tensor:
        nonlocal alive, most
        inputs = data.read(index)
        alive += len(index)
        most = max(most, alive)
        weakref.finalize(inputs, freed, len(index))
        return inputs

    for _ in replace(data, read=read).mapped(lambda inputs, _: inputs.add_(0)).batches(torch.randperm(1000).split(32)):
        pass
    assert most <= 2 * 32


def test_whole_inputs_are_refused_with_the_way_out() -> None:
    with pytest.raises(ValueError, match=r"inputs of a stream are not in memory: .* at\(index\) .* chunks\(\)"):
        _ = stream().inputs


@pytest.mark.parametrize("shape", [(3, 4, 4), (7,)])
def test_merged_statistics_are_those_of_all_inputs(shape: tuple[int, ...]) -> None:
    inputs = torch.rand(100, *shape) * 0.1 + 0.7
    inputs[:, 0] = 0.3  # constant: its deviation is exactly 0, or standardisation would blow it up
    expected, found = statistics(inputs.double()), merged(inputs.split(13))
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b.float(), rtol=1e-6, atol=1e-7)
    assert found.std[0].max() == 0


def test_statistics_of_one_chunk_have_the_bits_they_have_in_memory() -> None:
    assert all(torch.equal(a, b) for a, b in zip(stream().statistics, MEMORY.statistics, strict=True))


def test_statistics_of_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="statistics need at least one example"):
        _ = stream().take(torch.arange(0)).statistics


@pytest.mark.parametrize("validation", [0.0, 0.2])
def test_a_folder_is_the_same_on_disk_and_in_memory(images_root: Path, validation: float) -> None:
    memory, disk = (
        image_folder(Path(), root=images_root, size=8, validation=validation, in_memory=held) for held in (True, False)
    )
    assert memory.card == disk.card
    for name, split in disk.splits.items():
        assert isinstance(split, Stream)
        assert equal(split.at(torch.arange(len(split))), memory.splits[name])


@pytest.mark.parametrize("content", [b"", b"no image at all", b"\x89PNG\r\n\x1a\n half"])
def test_an_unreadable_image_is_named_before_any_work(images_root: Path, content: bytes) -> None:
    (images_root / "train/ant/0.png").write_bytes(content)
    with pytest.raises(ValueError, match=f"{images_root / 'train/ant/0.png'} must be a readable image"):
        image_folder(Path(), root=images_root, in_memory=False)


@pytest.mark.parametrize("part", ["train", "val", "test"])
def test_a_truncated_image_of_any_split_is_named_before_any_work(images_root: Path, part: str) -> None:
    shutil.copytree(images_root / "test", images_root / "val")
    path = images_root / part / "bee/1.JPG"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match=f"{path} must be a readable image, got: image file is truncated"):
        image_folder(Path(), root=images_root, in_memory=False)


def test_a_16_bit_image_is_refused_before_any_work(images_root: Path) -> None:
    Image.new("I;16", (4, 4)).save(images_root / "train/ant/0.png")
    with pytest.raises(ValueError, match=r"0.png must have 8 bits per channel, got mode I"):
        image_folder(Path(), root=images_root, in_memory=False)


def test_noise_follows_from_its_seed_and_position_alone() -> None:
    def image(number: int, **parameters: int) -> Tensor:
        return noise(Path(), size=4, **parameters).train.at(torch.tensor([number])).inputs

    assert torch.equal(image(7), image(7, train=20, test=3, classes=2))
    assert not torch.equal(image(7), image(8))
    assert not torch.equal(image(7), image(7, seed=1))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"size": 0}, "size must be at least 1, got 0"),
        ({"train": 5}, r"classes must lie in \[2, 5\], the training images, got 10"),
        ({"seed": -1}, "seed must be 0 or more, got -1"),
    ],
)
def test_impossible_noise_is_refused(parameters: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        noise(Path(), **parameters)
