"""What a reader asks of a report: whom explainers are compared with, and how some of them are called."""

import re
from dataclasses import dataclass

LABEL = re.compile(r"\s*([^\[=]+?(?:\[.*\])?)\s*=\s*(\S.*?)\s*")
"""An explainer, perhaps with parameters in brackets, and its label."""


@dataclass(frozen=True)
class Focus:
    """Options of every report.

    Attributes:
        baseline: explainer that all others are compared with, as written or by its label; by default the published one
            that is best.
        margin: explainers whose difference is shown to be smaller, in points of accuracy, are called equivalent.
        highlight: explainers that stand out in all tables and figures; by default your own.
        label: what explainers are called instead, such as my_file:Mine=Ours.
    """

    baseline: str | None = None
    margin: float = 1.0
    highlight: tuple[str, ...] = ()
    label: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 0 < self.margin < 100:
            raise ValueError(f"margin must lie between 0 and 100 points of accuracy, got {self.margin:g}")
        for text in self.label:
            if not LABEL.fullmatch(text):
                raise ValueError(f"label must be an explainer and its label, such as my_file:Mine=Ours, got {text!r}")

    @property
    def labels(self) -> dict[str, str]:
        """Explainer as it was named -> its label."""
        parts = (LABEL.fullmatch(text) for text in self.label)
        return {part[1]: part[2] for part in parts if part}
