"""Sizes, layers, decoders and losses of ClaDec, and that the classifier is left alone."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from roarbench.benchmark.matrix.plugins import plugin
from roarbench.benchmark.networks.classifiers import classifier
from roarbench.benchmark.randomness import seeded
from roarbench.datasets.base import Split
from roarbench.methods.cladec.decoders import build_decoder
from roarbench.methods.cladec.layers import codes, frozen, layers, located
from roarbench.methods.cladec.losses import divergence, losses, reconstruction
from roarbench.methods.cladec.model import Decoded, Explained, Latent, mean_codes, reconstruct
from roarbench.methods.cladec.settings import Settings, check_alpha, converted
from roarbench.methods.cladec.training import Training, coded, fit_all, of_images, predicted
from tests.benchmark.networks.test_classifiers import shape
from tests.values import READY

SETTINGS = Settings(epochs=2, batch_size=16)


def digits_like(shape: tuple[int, ...] = (1, 8, 8), n: int = 40) -> Split:
    with seeded("images", shape):
        return Split(torch.rand(n, *shape), torch.arange(n) % 10)


def network(name: str = "vgg_small", shape: tuple[int, ...] = (1, 8, 8)) -> nn.Module:
    with seeded("network"):
        return classifier(plugin(name, "classifier"), digits_like(shape).inputs, 10)


def explained(word: str, name: str = "vgg_small", shape: tuple[int, ...] = (1, 8, 8)) -> Explained:
    found, example = network(name, shape), digits_like(shape).inputs[:1]
    return Explained(found, located(found, word, example), example)


def size(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def test_decoders_have_the_published_numbers_of_parameters() -> None:
    assert size(build_decoder("published_dense", (128,), (1, 28, 28))) == 149_889
    assert size(build_decoder("published_conv", (64, 7, 7), (1, 28, 28))) == 66_625
    assert size(build_decoder("generated", (64, 7, 7), (1, 28, 28))) == 66_625


@pytest.mark.parametrize(("word", "trainable"), [("conv", 19_008 + 66_625), ("dense", 420_544 + 149_889)])
def test_references_have_the_published_numbers_of_parameters(word: str, trainable: int) -> None:
    decoder = {"conv": "published_conv", "dense": "published_dense"}[word]
    model = explained(word, shape=(1, 28, 28)).reference(replace(SETTINGS, decoder=decoder))  # type: ignore[arg-type]
    assert size(model) == trainable


def test_words_name_the_layers_of_the_paper() -> None:
    small = network(shape=(1, 28, 28))
    known = layers(small, torch.rand(1, 1, 28, 28))
    paths = [located(small, word, torch.rand(1, 1, 28, 28)) for word in ("conv", "dense")]
    assert [known[path] for path in paths] == [(64, 7, 7), (128,)]
    strided = network("vgg_strided", (3, 32, 32))
    known = layers(strided, torch.rand(1, 3, 32, 32))
    paths = [located(strided, word, torch.rand(1, 3, 32, 32)) for word in ("conv", "dense")]
    assert [known[path] for path in paths] == [(512, 1, 1), (512,)]
    residual = network("resnet50", (3, 64, 64))
    example = torch.rand(1, 3, 64, 64)
    assert layers(residual, example)[located(residual, "dense", example)] == (2048, 1, 1)


def test_an_unknown_layer_is_told_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"layer must be one of conv, dense, 0, 1.0, .* got 'my_conv'"):
        explained("my_conv")
    with pytest.raises(ValueError, match=r"layer must be one of dense, .* got 'conv'"):
        explained("conv", "mlp")


@pytest.mark.parametrize("name", READY)
def test_every_layer_of_every_classifier_is_decoded_to_the_shape_of_its_images(name: str) -> None:
    fits = shape(name)
    found, images = network(name, fits), digits_like(fits).inputs[:2]
    shapes = {}
    for path, code_shape in layers(found, images[:1]).items():
        shapes.setdefault(code_shape, path)
    if size(found) > 10e6:  # many wide layers are slow
        shapes = dict([*shapes.items()][:3])
    for code_shape, path in shapes.items():
        code = codes(found, path, images)
        assert tuple(code.shape[1:]) == code_shape
        with torch.no_grad():
            decoded = build_decoder("generated", code_shape, fits)(code)
        assert decoded.shape == images.shape
        assert decoded.min() >= 0
        assert decoded.max() <= 1


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 31, 31), (1, 8, 8), (3, 32, 20)])
@pytest.mark.parametrize("code_shape", [(128,), (64, 7, 7), (8, 4, 4), (4, 31, 31), (5, 1, 1), (3, 15, 15)])
def test_every_pixel_depends_on_the_code(shape: tuple[int, ...], code_shape: tuple[int, ...]) -> None:
    with seeded("decoder"):
        decoder = build_decoder("generated", code_shape, shape)
        decoded = decoder(torch.rand(16, *code_shape))
    assert (decoded.std(0) > 0).all()


def test_the_last_row_and_column_of_the_published_dense_decoder_are_dead() -> None:
    with seeded("decoder"):
        decoded = build_decoder("published_dense", (128,), (1, 28, 28))(torch.rand(4, 128))
    assert decoded[:, :, 27].unique().numel() == decoded[:, :, :, 27].unique().numel() == 1


@pytest.mark.parametrize("kind", ["published_dense", "published_conv"])
def test_published_decoders_refuse_other_shapes(kind: str) -> None:
    with pytest.raises(ValueError, match="take decoder generated"):
        build_decoder(kind, (64, 2, 2), (1, 8, 8))  # type: ignore[arg-type]


def test_rows_of_a_table_are_refused() -> None:
    with pytest.raises(ValueError, match="ClaDec decodes images"):
        build_decoder("generated", (128,), (7,))


@pytest.mark.parametrize("word", ["conv", "dense"])
@pytest.mark.parametrize("training", [True, False])
def test_the_classifier_is_bit_identical_afterwards(word: str, training: bool) -> None:
    what = explained(word)
    found = what.classifier.train(training)
    found[1][0].weight.requires_grad_(False)  # type: ignore[index]
    before = {name: value.clone() for name, value in found.state_dict().items()}
    learning = [parameter.requires_grad for parameter in found.parameters()]
    outputs = _answers(found)
    for alpha in (0.5, None):
        fit_all(what, digits_like(), SETTINGS, alphas=(alpha,))
    assert all(torch.equal(value, before[name]) for name, value in found.state_dict().items())
    assert torch.equal(outputs, _answers(found))
    assert all(module.training is training for module in found.modules())
    assert [parameter.requires_grad for parameter in found.parameters()] == learning
    assert all(parameter.grad is None for parameter in found.parameters())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in found.modules())


def test_codes_are_the_same_over_calls_whatever_the_mode() -> None:
    what, images = explained("dense"), digits_like().inputs
    first = codes(what.classifier.train(), what.path, images)
    again = codes(what.classifier.train(), what.path, images)
    still = codes(what.classifier.eval(), what.path, images)
    assert torch.equal(first, again)
    assert torch.equal(first, still)
    assert not first.requires_grad


@pytest.mark.parametrize("variational", [False, True])
@pytest.mark.parametrize("reduction", ["sum", "mean"])
def test_alpha_weighs_the_two_losses(reduction: str, variational: bool) -> None:
    what, train = explained("conv"), digits_like()
    settings = replace(SETTINGS, reduction=reduction, variational=variational, beta=0.0)  # type: ignore[arg-type]
    model = what.cladec(settings).eval()
    decoded = model.decode(codes(what.classifier, what.path, train.inputs))

    def at(alpha: float) -> Tensor:
        with frozen(what.classifier):
            found = losses(decoded, train.inputs, train.labels, what.classifier, alpha=alpha, settings=settings)
        return torch.stack([found.total, found.reconstruction, found.classification])

    nothing, half, everything = at(0.0), at(0.5), at(1.0)
    assert nothing[0] == nothing[1] == half[1]
    assert everything[0] == everything[2] == half[2]
    assert nothing[2] == everything[1] == 0
    assert torch.isclose(half[0], (nothing[0] + everything[0]) / 2)


def test_sums_are_means_times_pixels() -> None:
    one, other = torch.rand(2, 5, 3, 8, 8)
    expected = ((one - other) ** 2).flatten(1).sum(1).mean()
    assert torch.isclose(reconstruction(one, other, "sum"), expected)
    assert torch.isclose(reconstruction(one, other, "mean"), expected / 192)


def test_the_divergence_of_standard_gaussians_is_nothing() -> None:
    images = torch.rand(4, 1, 8, 8)
    assert divergence(Latent(torch.zeros(4, 2), torch.zeros(4, 2)), images, "sum") == 0
    shifted = Latent(torch.tensor([[3.0, 4.0]]), torch.zeros(1, 2))
    assert divergence(shifted, images, "sum") == 12.5
    assert divergence(shifted, images, "mean") == 12.5 / 64


@given(st.floats(0, 1), st.integers(1, 3072))
def test_converted_alphas_weigh_alike_and_come_back(alpha: float, values: int) -> None:
    mean = converted(alpha, values, to="mean")
    assert converted(mean, values, to="sum") == pytest.approx(alpha, abs=1e-9)
    assert mean * (1 - alpha) * values == pytest.approx(alpha * (1 - mean), abs=1e-9)


def test_conversion_of_the_published_alphas() -> None:
    assert converted(0.001, 1024, to="sum") == pytest.approx(0.506, abs=5e-4)
    assert converted(0.99, 784, to="mean") == pytest.approx(0.112, abs=5e-4)
    assert [converted(alpha, 784, to="mean") for alpha in (0.0, 1.0)] == [0, 1]
    with pytest.raises(ValueError, match=r"did you mean 0\.99"):
        check_alpha(99.0)


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("word", ["conv", "dense"])
@pytest.mark.parametrize("variational", [False, True])
def test_all_of_the_decoder_learns_and_all_of_the_reference(word: str, alpha: float, variational: bool) -> None:
    what, train = explained(word), digits_like()
    settings = replace(SETTINGS, variational=variational)
    for model, seen in (
        (what.cladec(settings), codes(what.classifier, what.path, train.inputs)),
        (what.reference(settings), train.inputs),
    ):
        with frozen(what.classifier):
            losses(
                model.train().decode(seen), train.inputs, train.labels, what.classifier, alpha=alpha, settings=settings
            ).total.backward()
        learned = {name: value.grad for name, value in model.named_parameters()}
        assert not [name for name, grad in learned.items() if grad is None or not grad.any()]
        assert all(parameter.grad is None for parameter in what.classifier.parameters())


def test_the_reference_starts_from_weights_of_its_own_and_drops_nothing() -> None:
    what = explained("dense", "vgg_small", (1, 28, 28))
    with seeded("reference"):
        model = what.reference(SETTINGS)
    theirs = dict(what.classifier.named_parameters())
    mine = dict(model.encoder.network.named_parameters())  # type: ignore[union-attr]
    assert mine.keys() < theirs.keys()
    assert all(
        not torch.equal(value, theirs[name]) for name, value in mine.items() if "weight" in name and value.ndim > 1
    )
    images = torch.rand(4, 1, 28, 28)
    torch.manual_seed(0)
    first = model.train()(images)
    torch.manual_seed(1)
    assert torch.equal(first, model(images))


def test_the_target_may_be_what_the_classifier_predicts() -> None:
    what, train = explained("conv"), digits_like()
    assert torch.equal(coded(what, train, "true").targets, train.labels)
    assert torch.equal(coded(what, train, "predicted").targets, predicted(what.classifier, train))


def test_training_follows_the_seed_alone_and_reconstructs_better() -> None:
    what, train = explained("conv"), digits_like()
    settings = replace(SETTINGS, epochs=20)
    with seeded("fit"):
        (model,) = fit_all(what, train, settings, alphas=(0.0,))
    with seeded("fit"):
        (again,) = fit_all(what, train, settings, alphas=(0.0,))
    images = reconstruct(model, what, train.inputs)
    assert torch.equal(images, reconstruct(again, what, train.inputs))
    error = reconstruction(images, train.inputs, "mean")
    assert error < ((train.inputs - train.inputs.mean()) ** 2).mean()


def test_the_reference_sees_images_and_ignores_the_classifier() -> None:
    what, train = explained("dense"), digits_like()
    training = Training(what.reference(SETTINGS), what.classifier, of_images(train), alpha=0.0, settings=SETTINGS)
    row = training.epoch()
    assert row["classification"] == 0
    assert row["total"] == row["reconstruction"]


def test_generated_decoders_begin_at_the_mean_brightness() -> None:
    what, train = explained("conv"), digits_like()
    model = what.cladec(SETTINGS)
    Training(model, what.classifier, coded(what, train, "true"), alpha=0.0, settings=SETTINGS)
    with torch.no_grad():
        shown = model.decoder(torch.zeros(1, *what.code_shape))
    torch.testing.assert_close(shown, train.inputs.mean().expand_as(shown))


def test_a_variational_model_draws_only_while_it_trains() -> None:
    what, train = explained("dense"), digits_like()
    model = what.cladec(replace(SETTINGS, variational=True))
    code = codes(what.classifier, what.path, train.inputs)
    assert not torch.equal(model.train()(code), model(code))
    assert torch.equal(model.eval()(code), model(code))
    found = model.decode(code)
    assert isinstance(found, Decoded)
    assert found.latent
    assert found.latent.mean.shape == (40, 2)
    torch.testing.assert_close(mean_codes(model, what, train), found.latent.mean)


class Gain(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(()))

    def forward(self, inputs: Tensor) -> Tensor:
        return self.gain * inputs


def test_a_reference_never_keeps_what_the_classifier_learned() -> None:
    network = nn.Sequential(nn.Flatten(), Gain(), nn.Linear(64, 8), nn.ReLU(), nn.Linear(8, 4))
    with pytest.raises(
        ValueError, match=r"1 \(Gain\) keeps learned weights in its reference; give that module a method"
    ):
        Explained(network, "3", torch.rand(1, 1, 8, 8)).reference(SETTINGS)


class Gated(nn.Module):
    """A vector of other meaning beside the maps that are flattened without a module."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.pool = nn.Conv2d(1, 4, 3), nn.AdaptiveAvgPool2d(1)
        self.gate, self.last = nn.Linear(4, 4), nn.Linear(4, 3)

    def forward(self, inputs: Tensor) -> Tensor:
        maps = self.conv(inputs)
        maps = maps * self.gate(maps.mean((2, 3)))[:, :, None, None]
        return self.last(self.pool(maps).flatten(1))


def test_dense_is_what_the_last_linear_layer_sees_and_no_branch() -> None:
    assert located(Gated(), "dense", torch.rand(1, 1, 8, 8)) == "pool"


def test_only_variational_models_have_mean_codes() -> None:
    what = explained("dense")
    with pytest.raises(ValueError, match="mean_codes needs a variational model"):
        mean_codes(what.cladec(SETTINGS), what, digits_like())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"epochs": 0}, "epochs must be positive, got 0"),
        ({"beta": -1.0}, "beta must be at least 0"),
        ({"variational": True, "decoder": "published_conv"}, "variational needs a generated decoder"),
    ],
)
def test_settings_out_of_range_are_one_line(change: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(Settings(), **change).check()


def _answers(found: nn.Module) -> Tensor:
    with frozen(found), torch.no_grad():
        return found(digits_like().inputs)
