"""Tables in a terminal."""

import pandas as pd
import pytest
from rich.cells import cell_len

from roarbench.reports.tables.table import Table
from roarbench.reports.terminal.tables import as_text
from tests.reports.terminal.test_closing import CODES


def table(columns: int, name: str = "GRAD") -> Table:
    index = pd.Index([name, "Random"], name="explainer")
    shown = pd.DataFrame({f"t={i}": ["12.3 ± 4.5", "50.0 ± 0.1"] for i in range(columns)}, index=index)
    return Table("roar", "ROAR.", shown, shown, notes=("A note.",))


@pytest.mark.parametrize("width", [80, 120])
def test_columns_that_do_not_fit_follow_below(width: int) -> None:
    lines = CODES.sub("", as_text(table(15), width)).splitlines()
    assert max(map(cell_len, lines)) <= width
    assert [word for line in lines if line.startswith("explainer") for word in line.split()[1:]] == [
        f"t={i}" for i in range(15)
    ]


def test_long_names_and_brackets_are_shown_as_they_are() -> None:
    name = "smoothgrad[samples=50,base=integrated_gradients[steps=25]]"
    text = CODES.sub("", as_text(table(2, name), 80))
    assert "".join(line[:30].strip() for line in text.splitlines()[3:5]).startswith(name[:50])


def test_marks_are_styles() -> None:
    marked = table(1)
    styles = pd.DataFrame({"t=0": ["best", "group"]}, index=marked.shown.index)
    text = as_text(Table(**{**vars(marked), "marks": styles}), 80)
    assert "\x1b[1m12.3 ± 4.5" in text and "\x1b[4m50.0 ± 0.1" in text
