"""Metrics of Quantus as measures, beside Quantus called by hand; and one line where it is not installed."""

import copy
import warnings
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from roarbench.benchmark.matrix.plugins import plugin
from roarbench.benchmark.measures import quantus as adapter
from roarbench.benchmark.measures.assessment import assess, samples
from roarbench.benchmark.measures.sample import Background, Sample
from roarbench.benchmark.randomness import seeded
from roarbench.benchmark.results.cards import card
from roarbench.datasets.base import Split
from roarbench.methods.gradient import Gradient
from roarbench.methods.hide_and_seek import HideAndSeek
from roarbench.reports.rows.measures import heading
from tests.methods.networks import convolutional, split

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    try:
        import quantus
    except ImportError:
        quantus = None

installed = pytest.mark.skipif(quantus is None, reason="the extra quantus is not installed")
missing = pytest.mark.skipif(quantus is not None, reason="the extra quantus is installed")

NETWORK = convolutional(3)


def bright(inputs: Tensor) -> Tensor:
    return (inputs > 0.8).float()


def sample(truth: Any = bright) -> Sample:
    data = split((3, 8, 8), n=50)
    data = Split(data.inputs, data.labels, truth=truth)
    attribute = Gradient().prepare(NETWORK, data)
    given: dict[str, Any] = {"target": "label", "seed": ("quantus",), "background": Background(data)}
    return samples(NETWORK, attribute, [Gradient()], data, **given)[0]


def gradients(model: nn.Module, inputs: Any, targets: Any, **_: object) -> np.ndarray:
    """Gradients as a user of Quantus would have them, pixels by the sums of their channels."""
    given = torch.as_tensor(inputs).float().requires_grad_()
    logits = model(given).gather(1, torch.as_tensor(targets)[:, None]).sum()
    return torch.autograd.grad(logits, given)[0].sum(1, keepdim=True).double().numpy()


BY_HAND: dict[str, dict[str, Any]] = {
    "FaithfulnessCorrelation": {"nr_runs": 20, "subset_size": 8},
    "Sparseness": {"normalise": False},
    "MaxSensitivity": {"nr_samples": 4, "upper_bound": 0.3},
    "MPRT": {"return_average_correlation": True},
    "RelevanceMassAccuracy": {},
}


@installed
@pytest.mark.parametrize("name", BY_HAND)
def test_numbers_are_those_of_quantus_called_by_hand(name: str) -> None:
    examples, parameters = sample(), BY_HAND[name]
    brackets = ",".join(f"{key}={str(value).lower()}" for key, value in parameters.items())
    text = f"quantus:{name}[{brackets}]" if brackets else f"quantus:{name}"
    identity = plugin(text, "measure")
    ours = assess(examples, identity)[identity.text]
    inputs, targets = examples.inputs.numpy(), examples.targets.numpy()
    with warnings.catch_warnings(), seeded("measure", identity.text):
        warnings.simplefilter("ignore")
        metric = getattr(quantus, name)(**parameters, **only(name, return_aggregate=False, disable_warnings=True))
        theirs = metric(
            model=copy.deepcopy(NETWORK),
            x_batch=inputs,
            y_batch=targets,
            a_batch=gradients(NETWORK, inputs, targets),
            s_batch=bright(examples.inputs).amax(1, keepdim=True).numpy(),
            explain_func=gradients,
            channel_first=True,
            device="cpu",
            batch_size=32,
        )
    assert ours == pytest.approx(np.mean(theirs), rel=1e-5)


def only(name: str, **parameters: bool) -> dict[str, bool]:
    """Those parameters that a metric has."""
    import inspect

    return {
        key: value for key, value in parameters.items() if key in inspect.signature(getattr(quantus, name)).parameters
    }


@installed
def test_a_metric_says_what_it_is() -> None:
    identity = plugin("quantus:MaxSensitivity[nr_samples=4]", "measure")
    facts = card(identity, "measure")
    assert (facts["better"], facts["label"], facts["needs"]) == ("low", "Quantus Max-Sensitivity", ("network",))
    assert facts["summary"] and "Yeh" in facts["paper"] and "Quantus" in facts["differs"] and facts["misleads"]
    assert heading(identity.text, facts) == "Quantus Max-Sensitivity[nr_samples=4]"
    assert identity.source, "the file of the metric is part of its identity"


@installed
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("quantus:Sparsenes", "Quantus has no metric 'Sparsenes'; did you mean 'Sparseness'"),
        ("quantus:MPRT[layer=3]", "has no parameter 'layer'"),
        ("quantus:MPRT[seed=many]", "must be an integer, got 'many'"),
        ("quantus:MPRT[layer_order=sideways]", "cannot be built"),
    ],
)
def test_what_is_wrong_is_one_line(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said) as caught:
        plugin(text, "measure")
    assert "\n" not in str(caught.value)


@installed
def test_what_needs_a_truth_is_empty_without() -> None:
    identity = plugin("quantus:PointingGame", "measure")
    assert assess(sample(), identity)[identity.text] is not None
    assert assess(sample(truth=None), identity)[identity.text] is None


@installed
def test_explainers_that_train_are_not_prepared_for_networks_of_quantus() -> None:
    examples, identity = sample(), plugin("quantus:MPRT", "measure")
    assert assess(examples, identity)
    examples.shared.explainers = [HideAndSeek()]
    with pytest.raises(Exception, match="trains networks of its own"):
        assess(examples, identity)


@installed
def test_no_network_stays_in_the_caches_of_quantus() -> None:
    from quantus.helpers.model.pytorch_model import PyTorchModel

    assess(sample(), plugin("quantus:FaithfulnessCorrelation[subset_size=4,nr_runs=3]", "measure"))
    assert not PyTorchModel._get_model_with_linear_top.cache_info().currsize


@missing
def test_where_it_is_not_installed_one_line_says_what_to_do() -> None:
    with pytest.raises(
        ValueError, match=r'quantus:Sparseness needs the extra quantus; pip install "roarbench\[quantus\]"'
    ):
        plugin("quantus:Sparseness", "measure")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1.0, 2.0], [1, 2]),
        ([np.array([1.0, 3.0]), np.array([2.0, 4.0])], [2, 3]),
        ({"top": [1.0, 3.0], "bottom": [2.0, 4.0]}, [1.5, 3.5]),
        ([5.0], 5.0),
        (np.float64(5), 5.0),
    ],
)  # fmt: skip
def test_scores_of_any_form_become_one_for_each_example(values: object, expected: Any) -> None:
    np.testing.assert_allclose(adapter.numbers(values, 2), expected)
