"""What the tests of Hide-and-Seek share."""

from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True, scope="module")
def brief_probes() -> Iterator[None]:
    """Probes and judges of a few steps: they end every training, and only their own tests look at what they find."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("roarbench.hns.probe.STEPS", 10)
        patch.setattr("roarbench.hns.judge.STEPS", 10)
        patch.setattr("roarbench.hns.judge.EPOCHS", 2)
        yield
