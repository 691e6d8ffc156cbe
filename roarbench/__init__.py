"""roarbench: remove-and-retrain benchmarks of explanation methods, with evidence.

In a wheel the folders `benchmark`, `datasets`, `hns`, `methods` and `reports` lie in this one. In a checkout they lie
beside it, at the top: they are found there, and their bare names stay free for other packages, such as Hugging Face's
`datasets`.
"""

import importlib
import sys
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from roarbench.benchmark.matrix.plan import Matrix as Matrix
    from roarbench.benchmark.matrix.recipe import Recipe as Recipe
    from roarbench.evaluation import evaluate as evaluate
    from roarbench.evaluation import load as load
    from roarbench.evaluation import run as run
    from roarbench.result import Result as Result

PARTS = ("benchmark", "datasets", "hns", "methods", "reports")
NAMES = {
    "evaluate": "evaluation", "run": "evaluation", "load": "evaluation", "Result": "result",
    "Matrix": "benchmark.matrix.plan", "Recipe": "benchmark.matrix.recipe",
}  # fmt: skip
"""What `import roarbench` offers -> the module that has it, which is imported when it is asked for."""

CHECKOUT = Path(__file__).resolve().parents[1]


def __getattr__(name: str) -> Any:
    if name not in NAMES:
        raise AttributeError(f"module roarbench has no attribute {name!r}; it has {', '.join(NAMES)}")
    return getattr(importlib.import_module(f"roarbench.{NAMES[name]}"), name)


def __dir__() -> list[str]:
    return [*globals(), *NAMES]


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
