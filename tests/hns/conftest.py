"""What the tests of Hide-and-Seek share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from roarbench.hns.commands.session import train
from tests.hns.sessions import KINDS, site


@pytest.fixture(autouse=True, scope="module")
def brief_probes() -> Iterator[None]:
    """Probes and judges of a few steps: they end every training, and only their own tests look at what they find."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("roarbench.hns.probe.STEPS", 10)
        patch.setattr("roarbench.hns.judge.STEPS", 10)
        patch.setattr("roarbench.hns.judge.EPOCHS", 2)
        yield


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folders of whole trainings by the kind of settings."""
    folders = {}
    for name, settings, identity in KINDS.values():
        folders[name] = tmp_path_factory.mktemp(name)
        train(settings, site(folders[name]), identity, dict)
    return folders
