"""Workers: what they leave to the driver."""

import os

import pytest
from tqdm import tqdm

from roarbench.benchmark.execution.processes import executor


def silent(_: int) -> bool:
    return bool(tqdm([0]).disable)


@pytest.mark.whole
def test_workers_show_no_bars_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    with executor(1) as workers:
        assert workers.submit(silent, 0).result()
    assert "TQDM_DISABLE" not in os.environ
