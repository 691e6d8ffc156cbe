"""Attribution classes of Captum (Kokhlikyan et al. 2020, arXiv:2009.07896) by name: `captum[method=KernelShap]`."""

import difflib
import inspect
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, get_args

import captum.attr
import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from roarbench.datasets.base import Split
from roarbench.methods.base import AttributionFunction, Explains, Skip
from roarbench.methods.deep_lift import rescaled, restored
from roarbench.methods.perturbation import numbered
from roarbench.methods.relevance import Lrp
from roarbench.methods.rewriting import UntraceableError, in_modules, require_python

Method = Literal[
    "Saliency", "InputXGradient", "IntegratedGradients", "DeepLift", "DeepLiftShap", "GradientShap", "Deconvolution",
    "GuidedBackprop", "Occlusion", "FeatureAblation", "FeaturePermutation", "ShapleyValueSampling", "Lime",
    "KernelShap", "LRP",
]  # fmt: skip
METHODS: tuple[str, ...] = get_args(Method)

REMEDIES = {
    "NoiseTunnel": "takes other methods; use smoothgrad[base=captum[...]] or vargrad[base=captum[...]]",
    "GuidedGradCam": "needs a layer; use guided_grad_cam[layer=...]",
    "LayerGradCam": "needs a layer; use grad_cam[layer=...]",
    "ShapleyValues": "goes through all orders of the features; use ShapleyValueSampling",
    "LimeBase": "is a part of others; use Lime",
    "DataLoaderAttribution": "explains a whole data set at once; use FeatureAblation",
}
"""Attribution classes of Captum that are refused, and what stands in for them."""

RECTIFIED = ("GuidedBackprop", "Deconvolution")
"""Methods that hook modules nn.ReLU."""

SUPERPIXEL, REFERENCES, POOL = 4, 5, 64
"""Side of a superpixel; references of DeepLiftShap; training examples from which GradientShap draws."""


@dataclass(frozen=True)
class Captum:
    """Attributions of a class of Captum, named by `method`, with Captum's parameters.

    Paper: Kokhlikyan et al. 2020, arXiv:2009.07896.
    Differs from the paper: numbers are those of Captum where it is right. Saliency keeps the sign. Features are square
    superpixels that span all channels, in tabular rows single features. FeaturePermutation takes values from training
    examples, not from others of its batch. DeepLift and LRP are repaired as `deep_lift` and `lrp` are. Hooked ReLUs are
    modules of a copy, however they are written. References are training examples, drawn anew for every batch.
    Cost: depends on `method`; docs/explainers.md has a table.

    Attributes:
        method: class of `captum.attr` that explains inputs; those that explain layers or neurons are refused.
        baseline: where features go that are removed, and where paths begin: black, or the training mean of a channel.
        samples: subsets, orders, points or references of a method that draws them; None takes its default in Captum,
            and 5 references for DeepLiftShap.
        steps: points on the path of IntegratedGradients; None takes 50.
        superpixel: side in pixels of what is perturbed as a whole, for Occlusion of the window; None takes 4.
    """

    version: ClassVar[int] = 1
    explains: ClassVar[Explains] = "classifier"

    # A word, so that a wrong one is answered below; the literals are what tools may choose from.
    method: str | Method = "Saliency"
    baseline: Literal["black", "mean"] = "black"
    samples: int | None = None
    steps: int | None = None
    superpixel: int | None = None

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise ValueError(f"captum[method] {self.method!r} {_refusal(self.method)}")
        if self.baseline not in ("black", "mean"):
            raise ValueError(f"captum[baseline] must be black or mean, got {self.baseline!r}")
        for name in ("samples", "steps", "superpixel"):
            if (value := getattr(self, name)) is not None and value < 1:
                raise ValueError(f"captum[{name}] must be at least 1, got {value}")

    def prepare(self, classifier: nn.Module, train: Split) -> AttributionFunction:
        """See `Explainer.prepare`.

        Raises:
            Skip: the method does not read a parameter that was given, or it does not apply to the classifier or data.
        """
        self._require_read()
        if self.method == "LRP":
            return Lrp(epsilon=1e-9).prepare(classifier, train)
        if self.method in ("DeepLift", "DeepLiftShap"):
            return self._rescaled(classifier, train)
        network = _rectified(classifier, self.method) if self.method in RECTIFIED else classifier
        fixed = self._fixed(train)

        def attribute(inputs: Float[Tensor, "b *feature"], targets: Int[Tensor, "b"]) -> Float[Tensor, "b *feature"]:
            leaf = inputs.detach().clone().requires_grad_()
            with restored(network), _quiet(), _numpy_by_torch(self.method):
                maps = self._made(network, train).attribute(leaf, target=targets, **fixed, **self._drawn(leaf, train))
            return maps.detach().to(inputs.dtype).contiguous()

        return attribute

    def _require_read(self) -> None:
        """Refuses parameters that change nothing.

        Raises:
            Skip: the method does not read one.
        """
        given = [name for name in ("samples", "steps", "superpixel") if getattr(self, name) is not None]
        given += ["baseline"] if self.baseline != "black" else []
        if unread := [name for name in given if name not in reads(self.method)]:
            raise Skip(f"{self.method} of Captum does not read {' and '.join(unread)}; leave it out")

    def _made(self, network: nn.Module, train: Split) -> Any:
        """The object of Captum."""
        kind = getattr(captum.attr, self.method)
        if self.method != "FeaturePermutation":
            return kind(network)

        def permuted(inputs: Float[Tensor, "b *feature"], chosen: Bool[Tensor, "..."]) -> Tensor:
            return torch.where(chosen.bool(), train.at(torch.randint(len(train), (len(inputs),))).inputs, inputs)

        return kind(network, permuted)

    def _fixed(self, train: Split) -> dict[str, Any]:
        """Arguments that every batch shares.

        Raises:
            Skip: one superpixel covers the whole input, or the window does not fit into it.
        """
        taken, side = _parameters(self.method), self.superpixel or SUPERPIXEL
        given = {"n_samples": self.samples, "n_steps": self.steps}
        fixed: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        if self.method == "Saliency":
            fixed["abs"] = False
        if "feature_mask" in taken:
            fixed["feature_mask"] = _features(train, side)
        if "sliding_window_shapes" in taken:
            fixed["sliding_window_shapes"] = _window(train.feature_shape, side)
        return fixed

    def _drawn(self, inputs: Float[Tensor, "b *feature"], train: Split) -> dict[str, Any]:
        """Arguments that belong to a batch."""
        drawn: dict[str, Any] = {}
        if self.method == "GradientShap":
            drawn["baselines"] = train.at(torch.randperm(len(train))[:POOL]).inputs
        elif "baseline" in reads(self.method):
            drawn["baselines"] = self._reference(train).to(inputs)
        if "internal_batch_size" in _parameters(self.method):
            drawn["internal_batch_size"] = len(inputs)  # one step at a time
        return drawn

    def _reference(self, train: Split) -> Float[Tensor, "1 *feature"]:
        """Black, or the training mean of every channel."""
        black = torch.zeros(1, *train.feature_shape)
        return black + train.statistics.mean.to(black) if self.baseline == "mean" else black

    def _rescaled(self, classifier: nn.Module, train: Split) -> AttributionFunction:
        """DeepLift from one reference, or the mean over several training examples."""
        start = self._reference(train)
        explain = rescaled(classifier, train, start)

        def attribute(inputs: Float[Tensor, "b *feature"], targets: Int[Tensor, "b"]) -> Float[Tensor, "b *feature"]:
            drawn = train.at(torch.randint(len(train), (self.samples or REFERENCES,))).inputs
            references = start.to(inputs) if self.method == "DeepLift" else drawn
            maps = [explain(inputs, targets, one.expand_as(inputs).contiguous()) for one in references]
            return torch.stack(maps).mean(0)

        return attribute


def reads(method: str) -> set[str]:
    """The parameters of `Captum` that a method reads, by the signature of its class.

    >>> sorted(reads("IntegratedGradients"))
    ['baseline', 'steps']
    """
    taken = _parameters(method)
    found = {"samples": "n_samples", "steps": "n_steps", "superpixel": "feature_mask", "baseline": "baselines"}
    names = {name for name, parameter in found.items() if parameter in taken}
    if "sliding_window_shapes" in taken:
        names.add("superpixel")
    if method == "DeepLiftShap":
        names.add("samples")
    distribution = "baselines" in taken and taken["baselines"].default is inspect.Parameter.empty
    return names - {"baseline"} if distribution else names


def _parameters(method: str) -> Any:
    return inspect.signature(getattr(captum.attr, method).attribute).parameters


def _refusal(name: str) -> str:
    """Why a name is refused, with a remedy."""
    if name in REMEDIES:
        return REMEDIES[name]
    for prefix in ("Layer", "Neuron", "Internal"):
        stem = name.removeprefix(prefix)
        if name.startswith(prefix) and hasattr(captum.attr, name):
            return f"explains a layer, not the input; use {stem if stem in METHODS else 'grad_cam[layer=...]'}"
    near = difflib.get_close_matches(name, METHODS, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"choose from {', '.join(METHODS)}"
    return f"is no class of Captum that explains inputs; {hint}"


def _features(train: Split, side: int) -> Int[Tensor, "1 *feature"]:
    """Number of the superpixel of every value."""
    numbers = numbered(train.feature_shape, side)
    return numbers.expand(1, *train.feature_shape).contiguous().to(train.labels.device)


def _window(shape: tuple[int, ...], side: int) -> tuple[int, ...]:
    """The window of Occlusion; in rows, one feature.

    Raises:
        Skip: it is larger than the image.
    """
    channels, *places = shape
    if places and side > min(places):
        extent = "x".join(map(str, places))
        raise Skip(f"a window of {side} does not fit into examples of {extent}; choose a smaller superpixel")
    return (channels, *[side] * len(places)) if places else (1,)


def _rectified(classifier: nn.Module, method: str) -> nn.Module:
    """A network in which every ReLU is a module of its own, which Captum can hook.

    Raises:
        Skip: there is no ReLU, or torch.fx cannot follow the network.
    """
    require_python(classifier, f"{method} of Captum")
    try:
        traced, needed = in_modules(classifier, {}, (nn.ReLU,))
    except UntraceableError as error:
        raise Skip(f"{method} of Captum hooks modules; torch.fx cannot trace this network: {error}") from error
    if not any(isinstance(module, nn.ReLU) for module in traced.modules()):
        raise Skip(f"{method} of Captum needs a ReLU: this classifier has none, the map would be the plain gradient")
    return traced if needed else classifier


@contextmanager
def _quiet() -> Iterator[None]:
    """Leaves out what Captum has to say of its own speed and hooks."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        yield


@contextmanager
def _numpy_by_torch(method: str) -> Iterator[None]:
    """Within it NumPy, from which GradientShap draws, follows the seed of torch; its own state comes back."""
    if method != "GradientShap":
        yield
        return
    before = np.random.get_state()
    np.random.seed(int(torch.randint(2**31, ())))
    try:
        yield
    finally:
        np.random.set_state(before)
