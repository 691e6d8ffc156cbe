"""roarbench: remove-and-retrain benchmarks of explanation methods, with evidence.

In a wheel the folders `benchmark`, `datasets`, `hns`, `methods` and `reports` lie in this one. In a checkout they lie
beside it, at the top: they are found there, and their bare names stay free for other packages, such as Hugging Face's
`datasets`.
"""

import sys
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path

PARTS = ("benchmark", "datasets", "hns", "methods", "reports")
CHECKOUT = Path(__file__).resolve().parents[1]


class Elsewhere(PathFinder):
    """Finds packages of other projects that are called like one of ours, whatever comes first on the path."""

    @classmethod
    def find_spec(cls, fullname, path=None, target=None) -> ModuleSpec | None:  # type: ignore[no-untyped-def]
        """The package outside the checkout, or None."""
        if path is not None or fullname not in PARTS:
            return None
        return super().find_spec(fullname, [p for p in sys.path if Path(p).resolve() != CHECKOUT], target)


if not (Path(__file__).parent / "benchmark").is_dir():
    __path__.append(str(CHECKOUT))
    sys.meta_path.insert(0, Elsewhere)
