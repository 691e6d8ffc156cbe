"""On a GPU every explainer yields what it yields on the CPU, random numbers included."""

import copy

import pytest
import torch

from roarbench.datasets.base import Split
from tests.methods.test_contract import APPLICABLE, CASES, CHEAPER, explainer_class

pytestmark = pytest.mark.gpu


@pytest.mark.parametrize(("name", "case"), APPLICABLE)
def test_devices_agree(name: str, case: str) -> None:
    classifier, train = CASES[case]
    maps = []
    for device in ("cpu", "cuda"):
        there = Split(train.inputs.to(device), train.labels.to(device), train.truth)
        explainer = explainer_class(name)(**CHEAPER.get(name, {}))
        torch.manual_seed(0)
        attribute = explainer.prepare(copy.deepcopy(classifier).to(device), there)
        maps.append(attribute(there.inputs[:4], torch.arange(4, device=device) % 3))
    assert maps[1].device.type == "cuda"
    torch.testing.assert_close(maps[1].cpu(), maps[0], rtol=1e-3, atol=1e-4)
