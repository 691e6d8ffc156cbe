"""Facts stored with results."""

from datetime import datetime, timezone

import pytest

from roarbench.benchmark.results import provenance


def test_work_of_hours_keeps_the_commit_of_its_start_and_the_time_of_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provenance, "_machine", lambda device: {"commit": "first", "device": device})
    origin = provenance.begun("cpu")
    monkeypatch.setattr(provenance, "_machine", lambda device: {"commit": "second", "device": device})
    end = datetime.now(timezone.utc).replace(microsecond=0)
    found = origin()
    assert (found["commit"], found["device"]) == ("first", "cpu")
    assert datetime.fromisoformat(found["finished"]) >= end
