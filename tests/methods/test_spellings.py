"""A ReLU is a ReLU: explanations do not depend on how a network writes it, and what has no rule is told."""

import copy

import pytest
import torch
import torch.nn.functional as F
import torchvision
from torch import Tensor, nn

from roarbench.methods import EXPLAINERS
from roarbench.methods.backprop import Deconvolution, GuidedBackprop
from roarbench.methods.base import Skip
from roarbench.methods.deep_lift import DeepLift
from roarbench.methods.grad_cam import GradCam
from roarbench.methods.gradient import Gradient, target_gradients
from roarbench.methods.rewriting import in_modules
from tests.methods.networks import SPELLINGS, Standardise, convolutional, spelled, split

IMAGES, PHOTOS = split((1, 8, 8)), split((3, 32, 32), n=4)
TARGETS = torch.tensor([0, 1, 2, 1])
RULES = {
    GuidedBackprop: lambda at_input, at_output: F.relu(at_input),
    Deconvolution: lambda at_input, at_output: F.relu(at_output),
}
backprops = pytest.mark.parametrize("method", RULES)
spellings = pytest.mark.parametrize("spelling", SPELLINGS)


def hooked(method: type, classifier: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
    """The rule as a hook on every `nn.ReLU`, which sees modules that are not in place and used once."""
    for module in classifier.modules():
        if isinstance(module, nn.ReLU):
            module.register_full_backward_hook(lambda _, below, above: (RULES[method](below[0], above[0]),))
    return target_gradients(classifier, inputs, targets)


@spellings
@pytest.mark.parametrize("method", [Gradient, GuidedBackprop, Deconvolution, DeepLift, GradCam])
def test_maps_do_not_depend_on_how_a_relu_is_written(method: type, spelling: str) -> None:
    expected = method().prepare(spelled(None), IMAGES)(IMAGES.inputs[:4], TARGETS)
    classifier = spelled(spelling)
    before = copy.deepcopy(classifier.state_dict()), dict(classifier.named_modules())
    assert torch.equal(method().prepare(classifier, IMAGES)(IMAGES.inputs[:4], TARGETS), expected)
    assert all(torch.equal(value, before[0][name]) for name, value in classifier.state_dict().items())
    assert dict(classifier.named_modules()) == before[1]


@backprops
def test_rules_are_those_of_hooks_on_modules_bit_for_bit(method: type) -> None:
    for classifier in (spelled(None), convolutional(1)):
        ours = method().prepare(classifier, IMAGES)(IMAGES.inputs[:4], TARGETS)
        assert torch.equal(ours, hooked(method, classifier, IMAGES.inputs[:4], TARGETS))


@backprops
@pytest.mark.parametrize(("name", "relus"), [("resnet18", 17), ("squeezenet1_1", 26), ("densenet121", 121)])
def test_rules_on_torchvision_are_those_of_hooks_on_a_patched_network(method: type, name: str, relus: int) -> None:
    torch.manual_seed(0)
    network = getattr(torchvision.models, name)(num_classes=3)
    classifier = nn.Sequential(Standardise(), network).eval()
    patched, needed = in_modules(classifier, {}, (nn.ReLU,))
    assert needed and sum(isinstance(module, nn.ReLU) for module in patched.modules()) == relus
    ours = method().prepare(classifier, PHOTOS)(PHOTOS.inputs[:2], TARGETS[:2])
    assert torch.equal(ours, hooked(method, patched, PHOTOS.inputs[:2], TARGETS[:2]))


@backprops
@pytest.mark.parametrize(
    ("layer", "reason"),
    [
        (nn.GELU(), "GELU"),
        (nn.SiLU(), "SiLU"),
        (nn.ReLU6(inplace=True), "ReLU6"),
        (nn.LeakyReLU(), "LeakyReLU"),
        (nn.ELU(), "ELU"),
        (nn.Hardswish(), "Hardswish"),
        (nn.Mish(), "Mish"),
        (nn.Softplus(), "Softplus"),
        (nn.PReLU(), "PReLU"),
        (nn.Sigmoid(), "Sigmoid"),
        (nn.Tanh(), "Tanh"),
        (nn.Softmax(1), "Softmax"),
        (nn.LayerNorm(64), "LayerNorm"),
        (nn.Sequential(nn.Unflatten(1, (8, 8)), nn.InstanceNorm1d(8), nn.Flatten()), "a norm of batch statistics"),
        (nn.Sequential(nn.Unflatten(1, (8, 8)), nn.GroupNorm(2, 8), nn.Flatten()), "GroupNorm"),
    ],
)
def test_rules_are_skipped_beside_other_activations_by_name(method: type, layer: nn.Module, reason: str) -> None:
    layers = [nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), layer, nn.Linear(64, 3)]
    with pytest.raises(Skip, match=f"has no rule for {reason}"):
        method().prepare(nn.Sequential(Standardise(), *layers).eval(), IMAGES)


class Attending(nn.Module):
    """A sequence of rows through a layer; what a recurrent one gives beside its sequence is dropped."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer, self.relu, self.last = layer, nn.ReLU(), nn.Linear(8, 3)

    def forward(self, inputs: Tensor) -> Tensor:
        rows = inputs.flatten(1, 2)
        rows = self.layer(rows, rows, rows)[0] if isinstance(self.layer, nn.MultiheadAttention) else self.layer(rows)[0]
        return self.last(self.relu(rows[:, -1]))


@pytest.mark.parametrize(
    ("layer", "reason"),
    [
        (nn.LSTM(8, 8, batch_first=True), "has no rule for LSTM"),
        (nn.GRU(8, 8, batch_first=True), "has no rule for Tanh, a product of activations, Sigmoid"),
        (
            nn.MultiheadAttention(8, 2, batch_first=True),
            "has no rule for (attention|a product of activations, Softmax)",
        ),
    ],
)
def test_rules_are_skipped_beside_recurrence_and_attention(layer: nn.Module, reason: str) -> None:
    with pytest.raises(Skip, match=reason):
        GuidedBackprop().prepare(nn.Sequential(Standardise(), Attending(layer)).eval(), IMAGES)


@backprops
def test_what_follows_the_logits_or_concerns_weights_alone_is_no_activation(method: type) -> None:
    class Ended(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body, self.scale = spelled("function"), nn.Parameter(torch.zeros(1))

        def forward(self, inputs: Tensor) -> Tensor:
            return (self.body(inputs) * self.scale.clamp(max=4.6).exp()).clamp(-20, 20).log_softmax(1)

    assert method().prepare(Ended().eval(), IMAGES)(IMAGES.inputs[:4], TARGETS).isfinite().all()


@backprops
def test_a_network_without_relus_is_skipped(method: type) -> None:
    layers = [nn.Conv2d(1, 4, 3), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(36, 3)]
    with pytest.raises(Skip, match="needs a ReLU"):
        method().prepare(nn.Sequential(Standardise(), *layers).eval(), IMAGES)


@backprops
def test_a_relu_in_place_changes_its_argument_for_later_readers(method: type) -> None:
    class Late(nn.Module):
        def __init__(self, rectify: object) -> None:
            super().__init__()
            torch.manual_seed(5)
            self.first, self.last, self.rectify = nn.Linear(64, 8), nn.Linear(8, 3), rectify

        def forward(self, inputs: Tensor) -> Tensor:
            hidden = self.first(inputs.flatten(1))
            return self.last(self.rectify(hidden) + hidden)  # type: ignore[operator]

    def twice(hidden: Tensor) -> Tensor:
        return hidden.relu_() * 1

    def apart(hidden: Tensor) -> Tensor:
        rectified = F.relu(hidden)
        return 2 * rectified - hidden

    inputs = IMAGES.inputs[:4]
    torch.testing.assert_close(Late(twice)(inputs), Late(apart)(inputs))
    for explainer in (method(), DeepLift()):
        ours, expected = (explainer.prepare(Late(how).eval(), IMAGES)(inputs, TARGETS) for how in (twice, apart))
        torch.testing.assert_close(ours, expected)


@pytest.mark.parametrize("name", ["guided_backprop", "deconvolution", "deep_lift", "lrp", "grad_cam", "cladec"])
@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
def test_compiled_networks_are_skipped_by_what_looks_into_them(name: str) -> None:
    module, _, attribute = EXPLAINERS[name].partition(":")
    explainer = getattr(__import__(module, fromlist=[attribute]), attribute)()
    classifier = nn.Sequential(Standardise(), torch.jit.script(convolutional(1)[1:])).eval()
    with pytest.raises(Skip, match=r"torch\.jit compiled"):
        explainer.prepare(classifier, IMAGES)
