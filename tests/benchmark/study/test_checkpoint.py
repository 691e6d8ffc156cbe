"""Files: what is written comes back, what does not fit is named, and nothing is ever half written."""

import os
import pickle
from pathlib import Path
from threading import Event, Thread

import pytest
import torch
from safetensors.torch import load, save
from torch import nn

from roarbench.benchmark.study.checkpoint import fill, read, read_json, write, write_csv, write_json
from tests.hns.problems import same

TENSORS = {"a.weight": torch.rand(3, 2), "a.count": torch.tensor(7), "empty": torch.zeros(0, 5), "b": torch.ones(())}


def network() -> nn.Sequential:
    return nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2), nn.BatchNorm1d(2))


def test_tensors_and_notes_come_back_as_they_were(tmp_path: Path) -> None:
    notes = {"window": [0.1, 1e-300, 2.302585092994046], "from": None, "name": "Zürich"}
    write(tmp_path / "new" / "folder" / "file", TENSORS, notes)
    tensors, found = read(tmp_path / "new" / "folder" / "file")
    assert same(tensors, TENSORS)
    assert {name: value.dtype for name, value in tensors.items()} == {n: v.dtype for n, v in TENSORS.items()}
    assert found == notes


def test_a_file_without_notes_has_none(tmp_path: Path) -> None:
    write(tmp_path / "ours", TENSORS)
    (tmp_path / "theirs").write_bytes(save(TENSORS))
    assert read(tmp_path / "ours")[1] == read(tmp_path / "theirs")[1] == {}


def test_weights_that_are_views_or_in_another_layout_are_stored_by_value(tmp_path: Path) -> None:
    whole = torch.rand(4, 3, 5, 5)
    views = {
        "last": whole.to(memory_format=torch.channels_last),
        "part": whole[:, 1],
        "learnt": nn.Parameter(whole.clone()),
    }
    write(tmp_path / "file", views)
    assert same(read(tmp_path / "file")[0], {"last": whole, "part": whole[:, 1], "learnt": whole})


def test_writing_replaces_what_was_there_and_leaves_no_draft(tmp_path: Path) -> None:
    for value in (0.0, 1.0):
        write(tmp_path / "alpha_0.95.safetensors", {"a": torch.full((2,), value)})
        write_json(tmp_path / "result.json", {"a": value})
        write_csv(tmp_path / "rows.csv", [{"a": value, "b": 2}])
    assert read(tmp_path / "alpha_0.95.safetensors")[0]["a"].tolist() == [1, 1]
    assert read_json(tmp_path / "result.json") == {"a": 1.0}
    assert (tmp_path / "rows.csv").read_text() == "a,b\n1.0,2\n"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["alpha_0.95.safetensors", "result.json", "rows.csv"]


def test_who_looks_while_another_writes_finds_a_whole_file(tmp_path: Path) -> None:
    file, done = tmp_path / "file", Event()
    write(file, {"a": torch.zeros(200_000)})

    def keep_writing() -> None:
        for value in range(1, 60):
            write(file, {"a": torch.full((value * 5000,), float(value))})
        done.set()

    writer = Thread(target=keep_writing)
    writer.start()
    looks = 0
    while not done.is_set() or not looks:
        found = load(file.read_bytes())["a"]
        assert (found == found[0]).all()
        assert len(found) == 5000 * found[0] or found[0] == 0
        looks += 1
    writer.join()
    assert (read(file)[0]["a"] == 59).all()


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk: half of the bytes are written, then an error comes."""
    write(tmp_path / "file", TENSORS, {"old": True})
    whole = Path.write_bytes

    def half(path: Path, content: bytes) -> int:
        whole(path, content[: len(content) // 2])
        raise OSError("No space left on device")

    monkeypatch.setattr(Path, "write_bytes", half)
    with pytest.raises(OSError, match="No space left"):
        write(tmp_path / "file", {"a": torch.zeros(9)})
    monkeypatch.undo()
    tensors, notes = read(tmp_path / "file")
    assert same(tensors, TENSORS)
    assert notes == {"old": True}


def test_a_missing_file_is_named_with_its_argument(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=f"^hider_weights: there is no file {tmp_path / 'nothing'}$"):
        read(tmp_path / "nothing", "hider_weights")
    with pytest.raises(ValueError, match="there is no file"):
        read(tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"hello",
        b"\x00" * 100,
        os.urandom(1000),
        pickle.dumps({"a": [1, 2]}),
        save({"a": torch.ones(100)})[:-7],
        save({"a": torch.ones(1)}, metadata={"notes": "{broken"}),
    ],
    ids=["empty", "text", "zeros", "noise", "pickle", "cut off", "broken notes"],
)
def test_garbage_is_refused_in_one_line(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(ValueError, match=r"^seeker_weights: .*file is not a file of weights") as caught:
        read(tmp_path / "file", "seeker_weights")
    assert "\n" not in str(caught.value)


def test_filling_copies_every_layer_and_buffer() -> None:
    source, target = network(), network()
    source(torch.rand(5, 3))
    fill(target, source.state_dict(), "weights")
    assert same(target.state_dict(), source.state_dict())
    assert target.state_dict()["3.num_batches_tracked"] == 1


def test_filling_copies_and_does_not_share() -> None:
    source, target = network(), network()
    fill(target, source.state_dict(), "weights")
    with torch.no_grad():
        for value in source.parameters():
            value.add_(1)
    assert not any(torch.equal(a, b) for a, b in zip(source.parameters(), target.parameters(), strict=True))


def test_filling_keeps_layout_and_identity_of_the_weights() -> None:
    target = nn.Conv2d(3, 4, 5).to(memory_format=torch.channels_last)
    weight = target.weight
    fill(target, nn.Conv2d(3, 4, 5).state_dict(), "weights")
    assert target.weight is weight
    assert weight.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda weights: weights.pop("2.bias"), r"layer 2.bias is missing; is it another model\?"),
        (lambda weights: weights.update(extra=torch.ones(3)), "layer extra does not belong to this model"),
        (
            lambda weights: weights.update({"0.weight": torch.ones(3, 4)}),
            r"layer 0.weight must have the shape \(4, 3\), got \(3, 4\); is it another model\?",
        ),
        (
            lambda weights: weights.update({"0.bias": torch.ones(1)}),
            r"layer 0.bias must have the shape \(4,\), got \(1,\)",
        ),
    ],
    ids=["missing", "left over", "transposed", "would broadcast"],
)
def test_weights_that_do_not_fit_are_refused_by_layer_and_change_nothing(change: object, message: str) -> None:
    target, weights = network(), dict(network().state_dict())
    before = {name: value.clone() for name, value in target.state_dict().items()}
    change(weights)  # type: ignore[operator]
    with pytest.raises(ValueError, match=f"^seeker_weights: {message}"):
        fill(target, weights, "seeker_weights")
    assert same(target.state_dict(), before)
