"""On a GPU every explainer yields what it yields on the CPU, random numbers included."""

import copy

import pytest
import torch

from roarbench.datasets.base import Split
from tests.methods.test_contract import CASES, TARGETS, cheap, pairs, skipped

pytestmark = pytest.mark.gpu


@pairs
def test_devices_agree(name: str, case: str) -> None:
    if reason := skipped(name, case):
        pytest.skip(reason)
    (classifier, train), maps = CASES[case], []
    for device in ("cpu", "cuda"):
        there = Split(train.inputs.to(device), train.labels.to(device), train.truth)
        torch.manual_seed(0)
        attribute = cheap(name).prepare(copy.deepcopy(classifier).to(device), there)
        maps.append(attribute(there.inputs[:4], TARGETS.to(device)))
    assert maps[1].device.type == "cuda"
    torch.testing.assert_close(maps[1].cpu(), maps[0], rtol=1e-3, atol=1e-4)
