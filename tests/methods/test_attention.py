"""Attention of vision transformers: read as libraries have it, and explainers re-derived by loops over tokens."""

import warnings
from types import ModuleType
from typing import Any

import pytest
import torch
import torchvision
from torch import Tensor, nn

from roarbench.benchmark.networks.vit import Attention, ClassToken, vit_tiny
from roarbench.methods.attention import AttentionRollout, GradientXAttention, on_pixels, relevance, rollout
from roarbench.methods.base import Skip
from roarbench.methods.tokens import Attentive, readable, token_layer
from tests.methods.networks import Standardise, convolutional, split, transformer

IMAGES, PHOTOS = split((1, 8, 8)), split((3, 32, 32), n=3)
INPUTS, TARGETS = IMAGES.inputs[:3], torch.tensor([0, 1, 2])
SIZES = {"image_size": 32, "patch_size": 8, "num_layers": 2, "num_heads": 2, "hidden_dim": 16, "mlp_dim": 32}
explainers = pytest.mark.parametrize("explainer", [AttentionRollout(), GradientXAttention()])


def package(name: str) -> ModuleType:
    """A package of an extra."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip(name, reason=f"needs {name}, an extra of this project")


def torchvision_vit() -> nn.Sequential:
    torch.manual_seed(0)
    network = torchvision.models.VisionTransformer(num_classes=3, **SIZES)
    nn.init.normal_(network.heads.head.weight)  # zeros are no gradient
    return nn.Sequential(Standardise(), network).eval()


def timm_vit() -> nn.Sequential:
    timm = package("timm")
    torch.manual_seed(0)
    sizes = {"img_size": 32, "patch_size": 8, "embed_dim": 16, "depth": 2, "num_heads": 2, "num_classes": 3}
    network = timm.models.vision_transformer.VisionTransformer(**sizes)
    nn.init.normal_(network.head.weight)
    return nn.Sequential(Standardise(), network).eval()


class Alone(nn.Module):
    """The logits of a network of transformers."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, inputs: Tensor) -> Tensor:
        return self.network(inputs).logits


def hf_vit() -> nn.Sequential:
    transformers = package("transformers")
    torch.manual_seed(0)
    config = transformers.ViTConfig(
        hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32, image_size=32, patch_size=8,
        num_labels=3,
    )  # fmt: skip
    return nn.Sequential(Standardise(), Alone(transformers.ViTForImageClassification(config))).eval()


def read(classifier: nn.Module, inputs: Tensor) -> list[Tensor]:
    """Attention weights of each block, as they are read."""
    with torch.no_grad():
        logits, weights = Attentive(classifier)(inputs)
        torch.testing.assert_close(logits, classifier(inputs), rtol=1e-5, atol=1e-5)
    return weights


def seen(classifier: nn.Module, module: nn.Module, inputs: Tensor) -> Tensor:
    """What a module is given."""
    given: list[Tensor] = []
    handle = module.register_forward_pre_hook(lambda _, arguments: given.append(arguments[0]))
    with torch.no_grad():
        classifier(inputs)
    handle.remove()
    return given[0]


def test_attention_that_is_read_is_that_of_the_softmax_of_vit_tiny() -> None:
    classifier: Any = transformer()
    kept: list[Tensor] = []
    handles = [
        module.weights.register_forward_hook(lambda _, __, weights: kept.append(weights))
        for module in classifier.modules() if isinstance(module, Attention)
    ]  # fmt: skip
    with torch.no_grad():
        classifier(INPUTS)
    for handle in handles:
        handle.remove()
    assert len(kept) == 2 and kept[0].shape == (3, 2, 17, 17)
    for ours, theirs in zip(read(classifier, INPUTS), kept, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-7)


def test_attention_that_is_read_is_that_of_torchvision() -> None:
    classifier: Any = torchvision_vit()
    weights = read(classifier, PHOTOS.inputs)
    for ours, block in zip(weights, classifier[1].encoder.layers, strict=True):
        tokens = seen(classifier, block.self_attention, PHOTOS.inputs)
        _, theirs = block.self_attention(tokens, tokens, tokens, need_weights=True, average_attn_weights=False)
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)


def test_attention_that_is_read_is_that_of_timm() -> None:
    classifier: Any = timm_vit()
    weights = read(classifier, PHOTOS.inputs)
    for ours, block in zip(weights, classifier[1].blocks, strict=True):
        block.attn.fused_attn = False
        torch.testing.assert_close(ours, seen(classifier, block.attn.attn_drop, PHOTOS.inputs), rtol=1e-5, atol=1e-6)


def test_attention_that_is_read_is_that_of_transformers() -> None:
    classifier: Any = hf_vit()
    weights = read(classifier, PHOTOS.inputs)
    classifier[1].network.set_attn_implementation("eager")
    with torch.no_grad():
        theirs = classifier[1].network(classifier[0](PHOTOS.inputs), output_attentions=True).attentions
    for ours, other in zip(weights, theirs, strict=True):
        torch.testing.assert_close(ours, other, rtol=1e-5, atol=1e-6)


@explainers
@pytest.mark.parametrize("build", [torchvision_vit, timm_vit, hf_vit])
def test_maps_of_libraries_are_one_value_a_patch(explainer: Any, build: Any) -> None:
    maps = explainer.prepare(build(), PHOTOS)(PHOTOS.inputs, TARGETS)
    assert maps.shape == PHOTOS.inputs.shape and (maps >= 0).all() and (maps.flatten(1).sum(1) > 0).all()
    patches = maps.unflatten(3, (4, 8)).unflatten(2, (4, 8))
    assert torch.equal(patches, patches[:, :1, :, :1, :, :1].expand_as(patches))


def test_rows_of_a_rollout_sum_to_one() -> None:
    rolled = rollout(read(transformer(depth=3), INPUTS))
    torch.testing.assert_close(rolled.sum(2), torch.ones(3, 17))
    assert (rolled > 0).all()


def test_a_rollout_is_a_sum_over_paths_of_tokens() -> None:
    """Each path from the class token goes through one token of each block, by attention or by the skip connection."""
    classifier = transformer()
    ours = AttentionRollout().prepare(classifier, IMAGES)(INPUTS, TARGETS)
    for example, (first, second) in enumerate(zip(*read(classifier, INPUTS), strict=True)):
        for patch in range(1, 17):
            total = 0.0
            for token in range(17):
                late = (second[:, 0, token].mean() + (token == 0)) / 2
                early = (first[:, token, patch].mean() + (token == patch)) / 2
                total += float(late * early)
            row, column = divmod(patch - 1, 4)
            square = ours[example, 0, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
            torch.testing.assert_close(square, torch.full((2, 2), total))


def logit_of(classifier: Any, values: Tensor, skipped: Tensor, weights: Tensor, target: int) -> Tensor:
    """The logit of one image from the attention weights of the only block on, head by head."""
    block = classifier[1][1]
    heads = [weights[head] @ values[:, 4 * head : 4 * head + 4] for head in range(2)]
    tokens = skipped + block.attention.proj(torch.cat(heads, 1))
    tokens = tokens + block.mlp(block.norm2(tokens))
    return classifier[1][4](classifier[1][2](tokens)[0])[target]


def test_gradient_x_attention_of_one_block_is_derived_weight_by_weight() -> None:
    classifier: Any = transformer(depth=1)
    ours = GradientXAttention().prepare(classifier, IMAGES)(INPUTS, TARGETS)
    (weights,) = read(classifier, INPUTS)
    block = classifier[1][1]
    with torch.no_grad():
        tokens = classifier[1][0](classifier[0](INPUTS))
        values = block.attention.qkv(block.norm1(tokens))[:, :, 16:]
    for example, target in enumerate(TARGETS.tolist()):
        one = weights[example].clone().requires_grad_()
        logit = logit_of(classifier, values[example], tokens[example], one, target)
        torch.testing.assert_close(logit, classifier(INPUTS)[example, target])
        (slopes,) = torch.autograd.grad(logit, one)
        for patch in range(1, 17):
            shares = [max(float(slopes[h, 0, patch] * weights[example, h, 0, patch]), 0.0) for h in range(2)]
            row, column = divmod(patch - 1, 4)
            assert float(ours[example, 0, 2 * row, 2 * column]) == pytest.approx(sum(shares) / 2, rel=1e-4, abs=1e-9)


def test_relevance_adds_up_along_paths_of_two_blocks() -> None:
    """R = (I + E2)(I + E1): by the first block, by the second, and through both."""
    weights = [torch.rand(1, 2, 5, 5).softmax(3) for _ in range(2)]
    gradients = [torch.randn(1, 2, 5, 5) for _ in range(2)]
    shares = [(w * g).clamp(min=0).mean(1)[0] for w, g in zip(weights, gradients, strict=True)]
    expected = torch.eye(5) + shares[0] + shares[1] + shares[1] @ shares[0]
    torch.testing.assert_close(relevance(weights, gradients)[0], expected)


def test_patches_lie_row_by_row_and_are_repeated() -> None:
    tokens = torch.tensor([9.0, 1, 2, 3, 4]).expand(1, 5, 5)
    expected = torch.tensor([[1.0, 1, 2, 2], [1, 1, 2, 2], [3, 3, 4, 4], [3, 3, 4, 4]])
    assert torch.equal(on_pixels(tokens, torch.zeros(1, 3, 4, 4)), expected.expand(1, 3, 4, 4))


class Mean(nn.Module):
    """The mean over tokens."""

    def forward(self, tokens: Tensor) -> Tensor:
        return tokens.mean(1)


class Sharper(Attention):
    """Attention with another temperature."""

    def forward(self, tokens: Tensor) -> Tensor:
        query, key, value = self.qkv(tokens).unflatten(2, (3, self.num_heads, -1)).permute(2, 0, 3, 1, 4)
        return self.proj(((query @ key.transpose(2, 3)).softmax(-1) @ value).transpose(1, 2).flatten(2))


class Windows(Attention):
    """No attention at all; what it reads are maps."""

    def forward(self, tokens: Tensor) -> Tensor:
        return self.proj(tokens)

    def __call__(self, tokens: Tensor) -> Tensor:
        return super().__call__(tokens.unflatten(1, (1, -1)))[:, 0]


@explainers
def test_what_attention_cannot_explain_is_skipped_in_one_line(explainer: Any) -> None:
    averaged, other, windows = transformer(), transformer(), transformer()
    place = next(i for i, layer in enumerate(averaged[1]) if isinstance(layer, ClassToken))
    averaged[1][place] = Mean()
    other[1][1].attention.__class__ = Sharper
    windows[1][1].attention.__class__ = Windows
    oblong = split((1, 8, 12))
    cases = {
        "no attention that can be read": (convolutional(1), IMAGES),
        "all tokens have a say": (averaged, IMAGES),
        "attention of this classifier is another one": (other, IMAGES),
        "the attention of this classifier is another one": (windows, IMAGES),
        "square number of patches in all blocks, got 25 tokens": (oblong_transformer(), oblong),
    }
    for reason, (classifier, data) in cases.items():
        with pytest.raises(Skip, match=reason) as told:
            explainer.prepare(classifier.eval(), data)
        assert "\n" not in str(told.value)


def oblong_transformer() -> nn.Sequential:
    """8 x 12 pixels are 4 x 6 patches."""
    return nn.Sequential(Standardise(), vit_tiny((1, 8, 12), 3, width=8, depth=1, heads=2))


def test_maps_follow_the_target_where_the_explainer_says_so() -> None:
    classifier = transformer()
    one, other = (GradientXAttention().prepare(classifier, IMAGES)(INPUTS, TARGETS.roll(n)) for n in (0, 1))
    assert not torch.equal(one, other)
    one, other = (AttentionRollout().prepare(classifier, IMAGES)(INPUTS, TARGETS.roll(n)) for n in (0, 1))
    assert torch.equal(one, other) and not AttentionRollout.targeted


def test_the_copy_shares_nothing_that_hooks_could_change() -> None:
    classifier = transformer()
    network = readable(classifier, INPUTS[:1], "rollout")
    assert not any(module._forward_hooks for module in classifier.modules())
    ours = {weight.data_ptr() for weight in classifier.parameters()}
    assert not ours & {weight.data_ptr() for weight in network.network.parameters()}


@pytest.mark.parametrize(
    ("build", "name"),
    [
        (lambda: torchvision_vit(), "1.encoder.layers.encoder_layer_1.ln_1"),
        (timm_vit, "1.blocks.1.norm1"),
        (hf_vit, "1.network.vit.layers.1.layernorm_before"),
    ],
)
def test_the_last_attention_reads_the_first_norm_of_the_last_block(build: Any, name: str) -> None:
    classifier = build()
    assert token_layer(classifier, PHOTOS.inputs[:1], None) is classifier.get_submodule(name)
