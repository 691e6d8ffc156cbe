"""What is measured of attributions themselves, without removing anything: a table for each data set and classifier."""

from dataclasses import dataclass, replace

import pandas as pd

from roarbench.benchmark.results.statistics import Summary
from roarbench.reports.rows.load import further
from roarbench.reports.rows.measures import Cards, form, heading, known, of_attributions, sentence
from roarbench.reports.rows.settings import slug
from roarbench.reports.rows.style import plain
from roarbench.reports.tables.lines import Columns, Format, Lines
from roarbench.reports.tables.table import Table, by_seed, table

OWN_NOTE = "own_"
"""Begins the columns of what explainers with masks of their own note; measures of a user's own have a colon."""
COMPARED = ["dataset", "classifier", "unit", "magnitude", "target"]

HOW = "Means over at most {images} test images, then over seeds. {measures}ms: milliseconds to explain one image."
IMAGES = 32
OTHERS = "From plug-ins, without a known direction (higher or lower is better): {names}."
NOTED = (
    "Numbers that explainers with own masks report about their training, in units that their documentation explains."
)


@dataclass(frozen=True)
class Column:
    """How a column is called and written, and what a note says of it."""

    heading: str
    form: Format
    said: str = ""


def milliseconds(summary: Summary, planned: int) -> str:
    """Seconds shown as milliseconds, without the interval: machines are noisy."""
    return "–" if not summary.n else f"{1000 * summary.mean:.3g}"


def count(summary: Summary, planned: int) -> str:
    """A count without its interval: no seed changes how many images pass the classifier."""
    return "–" if not summary.n else f"{round(summary.mean, 1):,g}"


def attribution_tables(frame: pd.DataFrame, cards: Cards | None = None) -> list[Table]:
    """Every measure of attributions, the time they take, and whatever else plug-ins yield beside them.

    Args:
        cards: what measures say of themselves; those of the tables unless given.
    """
    measured = frame[frame.probe == "attribution"]
    columns = _columns(frame, of_attributions(known() if cards is None else cards))
    parts = [part for _, part in measured.groupby(COMPARED, sort=False)]
    known_parts = [part for part in parts if part[[*columns]].notna().any(axis=None)]
    return [_table(part, columns, slug(part, measured, COMPARED)) for part in known_parts]


def note_tables(frame: pd.DataFrame) -> list[Table]:
    """What explainers with masks of their own note of their training, where no other table knows of it."""
    notes = [column for column in further(frame) if column.startswith(OWN_NOTE) and ":" not in column]
    noted = frame[frame.explainer.notna() & frame[notes].notna().any(axis=1)]
    return [_noted(part, notes, slug(part, noted, COMPARED)) for _, part in noted.groupby(COMPARED, sort=False)]


def words(column: str) -> str:
    """A column that only its plug-in knows, as a heading.

    >>> words("own_num_steps")
    'num steps'
    """
    return column.removeprefix(OWN_NOTE).replace("_", " ")


def _columns(frame: pd.DataFrame, cards: Cards) -> dict[str, Column]:
    """Columns of a frame that are shown, those of measures first."""
    measures = {
        name: Column(heading(name, card), count if card["form"] == "count" else form(card), sentence(name, card))
        for name, card in cards.items()
        if name in frame
    }
    others = {column: Column(words(column), plain) for column in further(frame) if column not in cards}
    return {**measures, "seconds_per_image": Column("ms", milliseconds), **others}


def _table(part: pd.DataFrame, columns: dict[str, Column], ending: str) -> Table:
    once = part.groupby(["explainer", "seed"], sort=False).first().reset_index()  # measures may have cells of their own
    present = {name: column for name, column in columns.items() if once[name].notna().any()}
    present = {name: column for name, column in present.items() if name != "zero_attributions" or once[name].any()}
    headings = [column.heading for column in present.values()]
    present = {name: replace(c, heading=name) if headings.count(c.heading) > 1 else c for name, c in present.items()}
    values = {column.heading: by_seed(once, name) for name, column in present.items()}
    forms = {column.heading: column.form for column in present.values()}
    first = part.iloc[0]
    caption = f"Attributions by themselves. {first.dataset}, {first.classifier}; {first.target} class."
    sentences = "".join(f"{column.said} " for column in present.values() if column.said)
    said = [HOW.format(images=IMAGES, measures=sentences)]
    others = ", ".join(present[name].heading for name in further(part) if name in present and not present[name].said)
    said += [OTHERS.format(names=others)] if others else []
    return table(f"attributions{ending}", caption, Lines(part), Columns(values, forms)).noted(*said)


def _noted(part: pd.DataFrame, notes: list[str], ending: str) -> Table:
    once = part.drop_duplicates(["explainer", "seed"])
    values = {words(column): by_seed(once, column) for column in notes if once[column].notna().any()}
    first = part.iloc[0]
    caption = f"Notes of explainers. {first.dataset}, {first.classifier}; {first.target} class."
    return table(f"notes{ending}", caption, Lines(once), Columns(values, plain)).noted(NOTED)
