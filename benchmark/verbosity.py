"""How much a command says beside its results: nothing, a progress bar, or a line for every step.

The choice is an environment variable, so that worker processes know it. `TQDM_DISABLE` hides bars of every kind; it is
read when tqdm is imported.
"""

import os
from collections.abc import Sequence

VARIABLE = "ROARBENCH_VERBOSITY"
NO_BARS = "TQDM_DISABLE"
LEVELS = {"-q": "quiet", "--quiet": "quiet", "-v": "verbose", "--verbose": "verbose"}


def spoken(words: Sequence[str]) -> list[str]:
    """Words of a command line without those about verbosity, which hold from now on."""
    levels = [LEVELS[word] for word in words if word in LEVELS]
    if levels:
        os.environ[VARIABLE] = levels[-1]
    if quiet():
        os.environ[NO_BARS] = "1"
    return [word for word in words if word not in LEVELS]


def quiet() -> bool:
    """Whether results alone are asked for."""
    return os.environ.get(VARIABLE) == "quiet"


def verbose() -> bool:
    """Whether every step is asked for."""
    return os.environ.get(VARIABLE) == "verbose"
