"""What a reader asks of a report: whom explainers are compared with, and how some of them are called."""

import re
from dataclasses import dataclass

LABEL = re.compile(r"\s*([^\[=]+?(?:\[.*\])?)\s*=\s*([^=\]]*[^=\]\s])\s*")
"""An explainer, perhaps with parameters in brackets, and its label."""
LONGEST = 60
"""Characters of a label."""


@dataclass(frozen=True)
class Focus:
    """Comparisons and labels of every report. The command report without any of them takes those of the last one.

    Attributes:
        baseline: explainer that all others are compared with, by its name or its label; by default the best published
            one of the run.
        margin: margin of equivalence in points of accuracy. Two explainers are equivalent if the whole interval of
            their difference lies within it.
        highlight: explainers that are highlighted in all tables and figures; by default those of your own files.
        label: labels that are shown in place of names, such as my_file:Mine=Ours.
        appendix: adds all tables and figures to paper.tex, after its two pages.
    """

    baseline: str | None = None
    margin: float = 1.0
    highlight: tuple[str, ...] = ()
    label: tuple[str, ...] = ()
    appendix: bool = False

    @property
    def labels(self) -> dict[str, str]:
        """Explainer as it was named -> its label.

        Raises:
            ValueError: what is written is no explainer and its label.
        """
        return dict(map(_parted, self.label))


def _parted(text: str) -> tuple[str, str]:
    parts = LABEL.fullmatch(text)
    if not parts or len(parts[2]) > LONGEST:
        raise ValueError(
            f"label must be an explainer and its label of at most {LONGEST} characters, without = and ], such as "
            f"my_file:Mine=Ours; got {text!r}"
        )
    return parts[1], parts[2]
