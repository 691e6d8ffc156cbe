"""`status`: how far a run is."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Status:
    """Prints how many cells of a run are done, failed, skipped and to do, and why cells failed.

    Attributes:
        out: folder of the run.
        failures: prints the traceback of every failure.
    """

    out: Path = Path("runs/quick")
    failures: bool = False

    def __call__(self) -> int:
        from roarbench.reports.status import status

        print(status(self.out, failures=self.failures))
        return 0
