"""`rows`: the rows of a run in a file or an experiment tracker."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from roarbench.benchmark.results.store import require


@dataclass(frozen=True)
class Rows:
    """Writes all rows of a run to a Parquet or CSV file, or logs them in MLflow or Weights & Biases.

    Attributes:
        target: a .parquet or .csv file, mlflow:EXPERIMENT or wandb:PROJECT.
        out: folder of the run.
    """

    target: Annotated[Positional[str], arg(metavar="TARGET")]
    out: Path = Path("runs/quick")

    def __call__(self) -> int:
        require(self.out)
        from roarbench.reports.publish.elsewhere import sent
        from roarbench.reports.rows.load import read

        print(sent(read(self.out), self.target))
        return 0
