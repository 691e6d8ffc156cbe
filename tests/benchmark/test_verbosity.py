"""How much a command says."""

import pytest

from roarbench.benchmark.verbosity import NO_BARS, VARIABLE, quiet, spoken, verbose


@pytest.fixture(autouse=True)
def unsaid(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (VARIABLE, NO_BARS):
        monkeypatch.setenv(name, "")


@pytest.mark.parametrize(("word", "is_quiet"), [("-q", True), ("--quiet", True), ("-v", False), ("--verbose", False)])
def test_a_level_holds_wherever_it_is_written(word: str, is_quiet: bool) -> None:
    assert spoken(["run", word, "--seeds", "1"]) == ["run", "--seeds", "1"]
    assert (quiet(), verbose()) == (is_quiet, not is_quiet)


def test_without_a_level_nothing_changes() -> None:
    assert spoken(["list"]) == ["list"]
    assert not quiet() and not verbose()
