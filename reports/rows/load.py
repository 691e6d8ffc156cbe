"""From the store to a tidy frame: one row a cell, in canonical order. Needs no torch."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from roarbench.benchmark import STANDARD
from roarbench.benchmark.matrix.spec import digest
from roarbench.benchmark.results.store import Card, Row, Store
from roarbench.reports.rows.cells import CURVES, REDUCED, SETTING, coordinates, strange
from roarbench.reports.rows.focus import Focus
from roarbench.reports.rows.measures import known

METRICS = [
    "test_accuracy", "test_loss", "train_accuracy", "train_loss", "validation_accuracy", "validation_loss",
    "test_target_probability", "chance", "test_examples",
]  # fmt: skip
SHARES = ["share_removed", "nonzero_share_removed"]
DELTAS = ["delta", "delta_p", "delta_z", "delta_in_class", "delta_in_class_p", "delta_in_class_z"]
"""What masks of the images themselves take, or leave, beyond masks of other images; exact p, and z."""

OWN = ["own_accuracy", "own_share_hidden", "own_nonzero_share_hidden", "own_restarts", "own_collapsed"]
"""Of explainers with masks of their own: what these hide of the test split, and how well they classify the rest."""

ATTRIBUTION = list(STANDARD)
"""Of rows whose probe is "attribution": what is measured of the attributions themselves."""

DEGRADED = "degraded"
"""Name of the explainer that makes another one worse by a known amount."""

CLOCKED = ["seconds_per_image"]
"""Seconds to explain an image; no result, for it differs from run to run."""

SHARED = {"image": "image", "evaluator": "evaluator", "foreign": "image"}
"""Probe of a curve -> probe of the cells that all curves share: networks without masks have none of other images."""

HITS = "hits"
"""Which test images the network of a cell classified right, packed; None where that was not stored."""

NUMBERS: dict[str, type] = dict.fromkeys(
    [*METRICS, *SHARES, *DELTAS, *OWN, *ATTRIBUTION, *CLOCKED, "removal_fraction", "explained", "folds", "finetune"],
    float,
)
WORDS: dict[str, type] = dict.fromkeys(
    ["dataset", "classifier", "unit", "target", "fill", "probe", "explainer", "measure", "order", "reason", HITS],
    object,
)
RESULT = ["status", *METRICS, *SHARES, *DELTAS, *OWN, *ATTRIBUTION, HITS]
COLUMNS = [
    *SETTING, "explainer", "measure", "order", "removal_fraction", "seed", "explained", "folds", "finetune", *RESULT,
    "reason", *CLOCKED,
]  # fmt: skip
"""Those that every frame has; what else plug-ins measured follows. `explained`: seed of the explained network; `folds`:
how many explain the training images, empty where the explained network saw these; one number for all of a run;
`finetune`: epochs of fine-tuning, empty where networks begin from scratch; `measure`: what is measured of attributions,
where it is measured by itself."""

OF_SEEDS = ("seed", "explained")
"""Columns that say which seed a cell has, and which one the explained network."""


@dataclass(frozen=True, eq=False)
class Run:
    """All that a run's store holds, read once.

    Attributes:
        folder: where it lies.
        frame: a row for each planned cell, in canonical order. Columns `COLUMNS`, then whatever else was stored;
            accuracies as shares in [0, 1]; `explainer`, `order` and the rest of the ranking are empty where a cell
            serves several curves; `status` is "to do" where a cell was not measured yet.
        costs: seconds and provenance of every measured cell; apart because they differ from run to run.
        matrix: the matrix that the folder was last planned with.
        cards: explainer as written -> what it says of itself; runs of older versions have none.
        measures: measure as written -> what it says of itself.
        datasets: data set as written -> what it is, in words; runs of older versions have none.
        protocols: hash of each planned cell whatever its seed, in the order of `frame`.
        degrees: explainers that another was degraded to, as written -> that other one, and the noise.
        num_strangers: cells that are left out, for their network is neither retrained nor the one that was explained.
        focus: what a reader asks for, with explainers as they are written here.
    """

    folder: Path
    frame: pd.DataFrame
    costs: pd.DataFrame
    matrix: dict[str, object]
    cards: dict[str, Card]
    protocols: pd.Series
    degrees: dict[str, tuple[str, float]]
    measures: Mapping[str, Card]
    datasets: Mapping[str, Card]
    num_strangers: int = 0
    focus: Focus = Focus()


def read(folder: Path) -> Run:
    """Reads the store of a run.

    Raises:
        ValueError: the folder holds no run.
    """
    store = Store(folder)
    stored, matrix, cards = store.rows(), store.matrix(), store.cards("explainer")
    own_measures, datasets = store.cards("measure"), store.cards("dataset")
    store.close()
    rows = [row for row in stored if not strange(row.specification)]
    named = [coordinates(row.specification) for row in rows]
    frame = _whole_hits(_framed([_result(row) | n for n, row in zip(named, rows, strict=True)]))
    protocols = pd.Series(_protocols(named, rows), index=frame.index, dtype=object)
    num_strangers = len(stored) - len(rows)
    return Run(
        folder, frame, _costs(named, rows), matrix, cards, protocols, _degrees(rows), known(own_measures), datasets,
        num_strangers,
    )  # fmt: skip


def load(folder: Path) -> pd.DataFrame:
    """All planned cells of a run: `Run.frame`.

    Raises:
        ValueError: the folder holds no run.
    """
    return read(folder).frame


def curves(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows of every curve: reduced cells, joined by the originals (0) and full removals (1) that they share."""
    reduced = frame[frame.explainer.notna() & frame.probe.isin(CURVES)]
    curve = reduced[[*SETTING, "explainer", "order", "seed"]].drop_duplicates()
    shared = frame[frame.explainer.isna()]
    parts = [_ends(curve[curve.probe == probe], shared[shared.probe == SHARED[probe]]) for probe in SHARED]
    return pd.concat([reduced, *(end for ends in parts for end in ends)], ignore_index=True)[list(frame.columns)]


def _ends(curve: pd.DataFrame, shared: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """The points of curves at 0 and at 1; intact images of a shared evaluator belong to a fill, too."""
    by_fraction = {0.0: ["dataset", "classifier"], 1.0: ["dataset", "classifier", "fill", "retrain"]}
    for fraction, shared_by in by_fraction.items():
        on = [*shared_by, *(["fill"] if fraction == 0 and "evaluator" in set(shared.probe) else []), "seed"]
        points = shared[shared.removal_fraction == fraction]
        yield curve.merge(points[[*on, *RESULT, "reason", "removal_fraction"]], on=on)


def drawable(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows without explainers that have no measured point in any curve of a data set and classifier.

    All that is left of their curves are the ends that they share with others.
    """
    names = ["dataset", "classifier", "explainer"]
    cells = frame[frame.explainer.notna() & frame.probe.isin(REDUCED)]
    measured = (cells.status == "done").groupby([cells[name] for name in names]).any()
    return frame[~pd.MultiIndex.from_frame(frame[names]).isin(measured.index[~measured])]


def further(frame: pd.DataFrame) -> list[str]:
    """Columns that only plug-ins know of: numbers that they yield beside those of every run."""
    return [column for column in map(str, frame) if column not in COLUMNS]


def _framed(records: list[dict[str, object]]) -> pd.DataFrame:
    frame = pd.DataFrame(records)
    known = frame.reindex(columns=[*COLUMNS, *further(frame)])
    return known.astype(WORDS | NUMBERS).copy()


def _whole_hits(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame without the hits of data sets of which some networks have none, as where an older run was continued.

    So that all intervals of a data set cover the same.
    """
    networks = frame[(frame.status == "done") & (frame.probe != "attribution")]
    partly = networks[networks[HITS].isna()].dataset.unique()
    frame.loc[frame.dataset.isin(partly), HITS] = None
    return frame


def _result(row: Row) -> dict[str, object]:
    """What became of a cell."""
    outcome = row.outcome
    if outcome is None:
        return {"status": "to do", "reason": ""}
    clocked = {name: outcome.provenance.get(name) for name in CLOCKED}
    reason = outcome.reason.partition("\n")[0]
    return {"status": outcome.status, "reason": reason, HITS: outcome.hits, **outcome.metrics, **clocked}


def _protocols(named: list[dict[str, object]], rows: list[Row]) -> list[str]:
    """Hashes of what cells are but for their seeds, each computed once for all seeds."""
    hashes: dict[tuple[object, ...], str] = {}
    for name, row in zip(named, rows, strict=True):
        if _seedless(name) not in hashes:
            hashes[_seedless(name)] = _protocol(row.specification)
    return [hashes[_seedless(name)] for name in named]


def _seedless(named: dict[str, object]) -> tuple[object, ...]:
    return tuple(value for column, value in named.items() if column not in OF_SEEDS)


def _protocol(cell: dict) -> str:
    training = cell["training"] | {"seed": None}
    ranking = cell["ranking"] and cell["ranking"] | {"training": training}
    return digest(cell | {"training": training, "ranking": ranking})


def _costs(named: list[dict[str, object]], rows: list[Row]) -> pd.DataFrame:
    both = [(name, row.outcome) for name, row in zip(named, rows, strict=True) if row.outcome]
    return pd.DataFrame([name | {"seconds": outcome.seconds} | outcome.provenance for name, outcome in both])


def _degrees(rows: list[Row]) -> dict[str, tuple[str, float]]:
    rankings = [row.specification["ranking"] for row in rows if row.specification["ranking"]]
    explainers = [ranking["explainer"] for ranking in rankings if ranking["explainer"]["name"] == DEGRADED]
    by_text = {explainer["text"]: dict(explainer["parameters"]) for explainer in explainers}
    return {text: (parameters["base"]["text"], float(parameters["noise"])) for text, parameters in by_text.items()}
