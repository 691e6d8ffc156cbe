"""ClaDec as an explainer: its scores against hand-made reconstructions."""

import copy
import math

import pytest
import torch
from torch import Tensor, nn

from roarbench.datasets.base import Split
from roarbench.datasets.stream import Stream
from roarbench.methods.base import Skip, source_of
from roarbench.methods.cladec.model import Explained, reconstruct
from roarbench.methods.cladec.training import fit_all
from roarbench.methods.decoding import SCORES, Decoding, Reconstructed, Score, TrainedDecoders, raised, scores
from tests.methods.networks import Standardise, convolutional, split


def row(*values: float) -> Tensor:
    """One image of a single row of grey pixels."""
    return torch.tensor(values).view(1, 1, 1, -1)


def by_hand(score: Score) -> list[float]:
    """Three pixels: background, a stroke that the layer kept, a stroke that it lost."""
    found = Reconstructed(
        images=row(0.0, 1.0, 1.0), reference=row(0.0, 0.9, 0.9), decoded=row(0.1, 0.8, 0.2), pressed=row(0.1, 0.8, 0.5)
    )
    return scores(found, torch.zeros(1, 1, 3), spread=0.5)[score].flatten().tolist()


@pytest.mark.parametrize(
    ("score", "expected"),
    [
        ("difference", [0.1, 0.1, 0.7]),
        ("similarity", [-0.1, -0.1, -0.7]),
        ("gap", [-0.01, 0.01 - 0.04, 0.01 - 0.64]),
        ("kept", [-0.01, 1 - 0.04, 1 - 0.64]),
        ("share", [0.0, math.exp(-0.03 / 0.5), math.exp(-0.63 / 0.5)]),
        ("pressure", [0.0, 0.0, 0.3]),
    ],
)
def test_scores_by_hand(score: Score, expected: list[float]) -> None:
    assert by_hand(score) == pytest.approx(expected, abs=1e-6)


def test_what_the_layer_kept_ranks_above_what_it_lost() -> None:
    for score in ("similarity", "gap", "kept", "share"):
        _, kept, lost = by_hand(score)
        assert kept > lost
    assert by_hand("difference")[1] < by_hand("difference")[2]


def test_channels_are_summed() -> None:
    colours = Reconstructed(*(torch.full((1, 3, 1, 1), value) for value in (1.0, 0.5, 0.25, 0.0)))
    found = scores(colours, torch.zeros(3, 1, 1), spread=1.0)
    assert found["difference"].shape == (1, 1, 1, 1)
    assert found["difference"].item() == pytest.approx(3 * 0.25)
    assert found["kept"].item() == pytest.approx(3 * (1 - 0.75**2))


def test_magnitude_and_sign_rank_alike() -> None:
    maps = torch.randn(4, 1, 5, 5)
    above = raised(maps)
    assert torch.equal(above.flatten(1).argsort(1), maps.flatten(1).argsort(1))
    assert (above.flatten(1).amin(1) == 0).all()
    assert torch.equal(raised(maps.abs()), maps.abs())


def test_all_scores_of_a_layer_share_one_training() -> None:
    assert len({source_of(Decoding(score=score)) for score in SCORES}) == 1
    assert source_of(Decoding()) != source_of(Decoding(layer="dense"))


def test_maps_of_all_scores_are_of_images_and_never_negative() -> None:
    classifier, train = convolutional(3), split((3, 8, 8))
    torch.manual_seed(0)
    passed = Decoding(steps=2).source.prepare(classifier, train)(train.inputs[:2], torch.tensor([0, 1]))
    for score in SCORES:
        maps = Decoding(score=score).reduce(passed)
        assert maps.shape == (2, 3, 8, 8) and maps.min() >= 0
        assert torch.equal(maps[:, 0], maps[:, 1])


def test_an_image_passes_the_classifier_once() -> None:
    network, train = convolutional(), split((1, 8, 8), n=20)
    explainer = Decoding(steps=1)
    attribute = source_of(explainer).prepare(network, train)
    seen: list[int] = []
    network.register_forward_pre_hook(lambda _, arguments: seen.append(len(arguments[0])))
    attribute(train.inputs[:3], train.labels[:3])
    assert seen == [3]


def test_similarity_is_the_reverse_of_difference() -> None:
    classifier, train = convolutional(1), split((1, 8, 8))
    torch.manual_seed(0)
    passed = Decoding(steps=2).source.prepare(classifier, train)(train.inputs[:2], torch.tensor([0, 1]))
    there, back = (Decoding(score=score).reduce(passed).flatten(1) for score in ("difference", "similarity"))
    assert torch.equal(there.argmax(1), back.argmin(1))
    assert torch.equal(there.argmin(1), back.argmax(1))


def test_layers_are_chosen_by_word_or_name() -> None:
    classifier, train = convolutional(1), split((1, 8, 8))

    def maps(layer: str) -> Tensor:
        torch.manual_seed(0)
        return Decoding(layer=layer, steps=1).prepare(classifier, train)(train.inputs[:1], torch.tensor([0]))

    assert torch.equal(maps("conv"), maps("8"))  # the last pooling
    assert not torch.equal(maps("conv"), maps("2"))


def test_dropout_and_batch_norm_of_a_classifier_in_training_mode_are_off_and_left_as_they_were() -> None:
    torch.manual_seed(0)
    layers = [Standardise(), nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.5), nn.Flatten()]
    classifier, train = nn.Sequential(*layers, nn.Linear(144, 3)), split((1, 8, 8))
    before = copy.deepcopy(classifier.state_dict())
    attribute = Decoding(layer="4", steps=2).prepare(classifier, train)
    first, again = (attribute(train.inputs[:2], torch.tensor([0, 1])) for _ in range(2))
    assert torch.equal(first, again)
    assert classifier.training
    assert all(torch.equal(value, before[name]) for name, value in classifier.state_dict().items())


def test_classifiers_without_the_layer_and_rows_of_tables_are_skipped() -> None:
    train = split((1, 8, 8))
    mlp = nn.Sequential(Standardise(), nn.Flatten(), nn.Linear(64, 8), nn.ReLU(), nn.Linear(8, 3)).eval()
    with pytest.raises(Skip, match=r"layer must be one of .*dense.*, got 'conv'"):
        Decoding().prepare(mlp, train)
    assert Decoding(layer="dense", steps=1).prepare(mlp, train)(train.inputs[:1], torch.tensor([0])).isfinite().all()
    with pytest.raises(Skip, match="no images"):
        Decoding().prepare(mlp, Split(torch.rand(4, 6), torch.arange(4) % 2))


def test_streams_are_skipped_before_they_are_read() -> None:
    def read(index: Tensor) -> Tensor:
        raise AssertionError("read")

    train = Stream(labels=torch.arange(12) % 3, read=read, shape=(1, 8, 8))
    with pytest.raises(Skip, match="needs data in memory, got a stream"):
        Decoding().prepare(convolutional(1), train)


class Grumpy(nn.Module):
    """Takes one example, but not several."""

    def forward(self, inputs: Tensor) -> Tensor:
        if len(inputs) > 1:
            raise ValueError("one at a time")
        return inputs


def test_errors_while_training_are_no_reason_to_skip() -> None:
    with pytest.raises(ValueError, match="one at a time"):
        Decoding(steps=1).prepare(nn.Sequential(Grumpy(), convolutional(1)), split((1, 8, 8)))


def test_models_are_those_that_the_same_draws_fit() -> None:
    classifier, train = convolutional(1), split((1, 8, 8))
    source = Decoding(steps=2).source
    assert isinstance(source, TrainedDecoders)
    torch.manual_seed(0)
    passed = source.prepare(classifier, train)(train.inputs[:2], torch.tensor([0, 1]))
    torch.manual_seed(0)
    explained = Explained(classifier, "8", train.inputs[:1])
    reference, decoder, _ = fit_all(explained, train, source.settings(len(train)), alphas=(None, 0.0, 0.99))
    made = [reconstruct(model, explained, train.inputs[:2]) for model in (reference, decoder)]
    assert torch.equal(passed[:, SCORES.index("difference")], (made[0] - made[1]).abs())


def test_alphas_out_of_their_range_are_refused() -> None:
    for alpha, high_alpha, said in ((1.5, 1.0, "^alpha"), (0.0, 99.0, "^high_alpha"), (0.5, 0.5, "pressure needs")):
        with pytest.raises(ValueError, match=said):
            Decoding(score="pressure", alpha=alpha, high_alpha=high_alpha)
