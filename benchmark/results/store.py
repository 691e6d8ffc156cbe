"""Rows of a run in one SQLite file: the cells that are planned, and what became of each. One writer at a time."""

import fcntl
import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, Literal

from roarbench.benchmark.matrix.spec import Cell, key

FILE, BACKUP = "results.sqlite", "results.backup.sqlite"
Card = dict[str, Any]
"""Of a plug-in: its `summary`, `paper` (authors, year, identifier, formula), `differs`, `parameters` and `meanings`."""

Checksums = Mapping[str, Mapping[str, str]]
"""Data set, or plug-in, as written -> file -> checksum."""

Status = Literal["done", "failed", "skipped"]
SEEDS = ("seeds", "target_interval", "max_seeds")
"""Fields that never make another matrix: a folder keeps the seeds it has."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS matrix (id INTEGER PRIMARY KEY CHECK (id = 1), specification TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS data (dataset TEXT, file TEXT, checksum TEXT, PRIMARY KEY (dataset, file));
CREATE TABLE IF NOT EXISTS cells (
    key TEXT PRIMARY KEY, position INTEGER NOT NULL, specification TEXT NOT NULL,
    status TEXT, metrics TEXT, reason TEXT, seconds REAL, provenance TEXT, hits BLOB
);
CREATE TABLE IF NOT EXISTS cards (kind TEXT, name TEXT, card TEXT NOT NULL, PRIMARY KEY (kind, name));
"""

OUTCOME = "UPDATE cells SET status = ?, metrics = ?, reason = ?, seconds = ?, provenance = ?, hits = ? WHERE key = ?"


@dataclass(frozen=True)
class Outcome:
    """What became of a cell.

    Attributes:
        metrics: name -> value, accuracies as shares in [0, 1]; None where a value does not exist.
        reason: why a cell was skipped, or what failed: a line that says it all, then the traceback.
        seconds: wall time of the cell's own work.
        hits: which test images its network classified right, from `hits.packed`; None where there is no network, and
            in folders of older versions.
    """

    status: Status
    metrics: dict[str, float | None] = field(default_factory=dict)
    reason: str = ""
    seconds: float = 0.0
    provenance: dict[str, str] = field(default_factory=dict)
    hits: bytes | None = None


@dataclass(frozen=True)
class Row:
    """A planned cell as stored: its key, its specification as plain data and its outcome, None while it is to do."""

    key: str
    specification: dict
    outcome: Outcome | None


class Store:
    """The store of a run's folder. What is recorded at one go is one transaction: an interrupted run keeps it."""

    def __init__(self, folder: Path, *, create: bool = False) -> None:
        """Opens the store of a folder.

        Raises:
            ValueError: there is none and `create` is False, or the file is damaged, in use or not a store.
        """
        self.path = folder / FILE
        if not create:
            require(folder)
        folder.mkdir(parents=True, exist_ok=True)
        if self.path.is_file() and not self.path.stat().st_size and self.path.with_name(BACKUP).exists():
            raise ValueError(f"{self.path} is empty{self._remedy()}")
        try:
            self._database = sqlite3.connect(self.path)
            self._database.executescript(SCHEMA)
            (state,) = self._database.execute("PRAGMA quick_check(1)").fetchone()
            self._database.execute("SELECT key, specification, status, metrics FROM cells LIMIT 1").fetchone()
        except sqlite3.OperationalError as error:
            if "no such" in str(error):
                raise ValueError(f"{self.path} is no store of results: {error}; choose another --out") from None
            reason = f"{error}; is another program using it, or is the disk full?"
            raise ValueError(f"{self.path} cannot be opened: {reason}") from None
        except sqlite3.DatabaseError as error:
            state = str(error)
        if state != "ok":
            reason = " ".join(state.split())
            raise ValueError(f"{self.path} cannot be used as a store of results: {reason}{self._remedy()}")

    def back_up(self) -> None:
        """Copies what is finished beside the store, complete or not at all: should the disk damage it, that is left."""
        if not self.counts()["done"]:
            return
        draft = self.path.with_name(f"{BACKUP}.draft")
        draft.unlink(missing_ok=True)
        copy = sqlite3.connect(draft)
        self._database.backup(copy)
        copy.close()
        draft.replace(self.path.with_name(BACKUP))

    def plan(self, matrix: dict[str, object], cells: Iterable[Cell], code: Checksums | None = None) -> None:
        """Enters the cells of a matrix. A folder holds one matrix; it may grow, but never lose a finished cell.

        Args:
            code: the user's own files that plug-ins of the matrix are made of.

        Raises:
            ValueError: the folder holds finished cells that this matrix does not have.
        """
        cells_by_key = {key(cell): cell for cell in cells}
        strange = {
            k: status == "done" and not _withdrawn(json.loads(specification))
            for k, status, specification in self._database.execute("SELECT key, status, specification FROM cells")
            if k not in cells_by_key
        }
        finished = sum(strange.values())
        if finished:
            raise ValueError(
                f"{self.path.parent} holds another matrix: {finished} of its finished cells are not in this one"
                f"{self._differences(matrix, code or {})}; choose another folder with --out"
            )
        self._widen()
        with self._database:
            self._database.executemany("DELETE FROM cells WHERE key = ?", [(k,) for k in strange])
            self._database.execute("INSERT OR REPLACE INTO matrix VALUES (1, ?)", [json.dumps(matrix)])
            self._database.executemany(
                "INSERT INTO cells (key, position, specification) VALUES (?, ?, ?) ON CONFLICT (key) "
                "DO UPDATE SET position = excluded.position, specification = excluded.specification",
                [(k, position, json.dumps(asdict(cell))) for position, (k, cell) in enumerate(cells_by_key.items())],
            )

        self._note(code or {})

    def fill(self, matrix: dict[str, object], rows: Sequence[Row]) -> None:
        """Enters a matrix, and cells with their outcomes, as other stores hold them."""
        self._widen()
        with self._database:
            self._database.execute("INSERT OR REPLACE INTO matrix VALUES (1, ?)", [json.dumps(matrix)])
            self._database.executemany(
                "INSERT INTO cells (key, position, specification) VALUES (?, ?, ?)",
                [(row.key, position, json.dumps(row.specification)) for position, row in enumerate(rows)],
            )
            self._database.executemany(OUTCOME, [(*_columns(row.outcome), row.key) for row in rows if row.outcome])

    def data(self) -> dict[str, dict[str, str]]:
        """Data set, or plug-in of the user's own, -> file -> checksum."""
        checksums: dict[str, dict[str, str]] = {}
        for dataset, file, checksum in self._database.execute("SELECT dataset, file, checksum FROM data"):
            checksums.setdefault(dataset, {})[file] = checksum
        return checksums

    def check_data(self, dataset: str, checksums: dict[str, str]) -> None:
        """Remembers the checksums of a data set's files.

        Raises:
            ValueError: a file is not what it was when the first cells of this folder were measured.
        """
        query = "SELECT file, checksum FROM data WHERE dataset = ?"
        for file, checksum in self._database.execute(query, [dataset]):
            if checksums.get(file, checksum) != checksum:
                raise ValueError(
                    f"{file} of {dataset} has changed since this run began; choose another folder with --out"
                )
        self._note({dataset: checksums})

    def _note(self, checksums: Checksums) -> None:
        rows = [(name, file, checksum) for name, files in checksums.items() for file, checksum in files.items()]
        with self._database:
            self._database.executemany("INSERT OR REPLACE INTO data VALUES (?, ?, ?)", rows)

    def missing(self, cells: Iterable[Cell]) -> list[Cell]:
        """The cells without an outcome, in the given order."""
        finished = {k for (k,) in self._database.execute("SELECT key FROM cells WHERE status IS NOT NULL")}
        return [cell for cell in cells if key(cell) not in finished]

    def record(self, cell: Cell, outcome: Outcome) -> None:
        """Stores the outcome of a planned cell."""
        self.record_all({cell: outcome})

    def record_all(self, outcomes: Mapping[Cell, Outcome]) -> None:
        """Stores the outcomes of planned cells that were known at the same moment: all of them or none."""
        with self._database:
            self._database.executemany(OUTCOME, [(*_columns(one), key(cell)) for cell, one in outcomes.items()])

    def forget_failures(self) -> None:
        """Makes failed cells missing again."""
        with self._database:
            self._database.execute("UPDATE cells SET status = NULL WHERE status = 'failed'")

    def matrix(self) -> dict[str, object]:
        """The matrix the folder was last planned with."""
        stored = self._database.execute("SELECT specification FROM matrix").fetchone()
        matrix = json.loads(stored[0]) if stored else {}
        if "measure_attributions" in matrix:  # of earlier versions
            matrix["measures"] = ["standard"] if matrix.pop("measure_attributions") else []
        return matrix

    def describe(self, kind: str, cards: dict[str, Card]) -> None:
        """Keeps what plug-ins of a kind say of themselves, by their names as written."""
        with self._database:
            self._database.executemany(
                "INSERT OR REPLACE INTO cards VALUES (?, ?, ?)",
                [(kind, name, json.dumps(card)) for name, card in cards.items()],
            )

    def cards(self, kind: str) -> dict[str, Card]:
        """Name of a plug-in as written -> its card; folders of older versions have none."""
        query = "SELECT name, card FROM cards WHERE kind = ? ORDER BY name"
        return {name: json.loads(card) for name, card in self._database.execute(query, [kind])}

    def rows(self) -> list[Row]:
        """All planned cells in canonical order."""
        return list(self._rows())

    def counts(self) -> Counter[str]:
        """Number of cells by status: "done", "failed", "skipped", "to do"."""
        return Counter(row.outcome.status if row.outcome else "to do" for row in self._rows())

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Holds the folder for one writing run.

        Raises:
            ValueError: another run is writing here.
        """
        with self.path.with_name("run.lock").open("w") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                message = f"another run is writing to {self.path.parent}; wait for it or choose another --out"
                raise ValueError(message) from None
            yield

    def close(self) -> None:
        """Closes the file."""
        self._database.close()

    def _remedy(self) -> str:
        backup = self.path.with_name(BACKUP)
        if not backup.exists():
            return "; move it away to begin anew"
        return (
            f"; {BACKUP} beside it holds all cells of earlier runs: copy it over {FILE}; the others are measured again"
        )

    def _rows(self) -> Iterator[Row]:
        hits = "hits" if self._has_hits() else "NULL"
        columns = f"key, specification, status, metrics, reason, seconds, provenance, {hits}"
        for name, specification, *outcome in self._database.execute(f"SELECT {columns} FROM cells ORDER BY position"):
            yield Row(name, json.loads(specification), _outcome(*outcome) if outcome[0] else None)

    def _has_hits(self) -> bool:
        """Whether there is a column for them: files of older versions get it when they are planned anew."""
        return any(name == "hits" for _, name, *_ in self._database.execute("PRAGMA table_info(cells)"))

    def _widen(self) -> None:
        if not self._has_hits():
            self._database.execute("ALTER TABLE cells ADD COLUMN hits BLOB")

    def _differences(self, matrix: dict[str, object], code: Checksums) -> str:
        """In what a matrix differs from the stored one: files of the user's own that changed, or fields."""
        specification, checksums = self.matrix(), self.data()
        differences = {
            file
            for name, files in code.items()
            for file, checksum in files.items()
            if checksums.get(name, {}).get(file, checksum) != checksum
        }
        if differences:
            return f"; {', '.join(sorted(differences))} changed since they were measured"
        names = [
            name
            for name, value in json.loads(json.dumps(matrix)).items()
            if specification.get(name) != value and name not in SEEDS
        ]
        return f"; they differ in {', '.join(names)}" if names else "; the code of a plug-in has changed"


def require(folder: Path) -> None:
    """Raises ValueError where a folder holds no run."""
    if not (folder / FILE).exists():
        raise ValueError(f"no run in {folder}: there is no {FILE}; start one with run --out {folder}")


def usable(folder: Path) -> None:
    """Tries whether a run can be kept in a folder, and leaves nothing behind.

    Raises:
        ValueError: no file can be written there, or its store is damaged, in use or none.
    """
    absent = [place for place in (folder, *folder.parents) if not place.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
        if (folder / FILE).exists():
            Store(folder).close()
    except OSError as error:
        raise ValueError(f"out must be a folder that can be written to, got {folder} ({error.strerror})") from None
    finally:
        for place in absent:
            with suppress(OSError):
                place.rmdir()


def _withdrawn(cell: dict) -> bool:
    """Whether older versions measured a cell that no matrix has any more: not retrained, yet not what was explained.

    The protocol of one explained network measured the networks of all seeds; those of full removal went with them.
    """
    ranking, training = cell["ranking"], cell["training"]
    other = training["seed"] != (ranking["training"]["seed"] if ranking else 0)
    return not cell["retrain"] and cell["probe"] == "image" and other


def _columns(outcome: Outcome) -> tuple[str, str, str, float, str, bytes | None]:
    metrics, provenance = json.dumps(outcome.metrics), json.dumps(outcome.provenance)
    return outcome.status, metrics, outcome.reason, outcome.seconds, provenance, outcome.hits


def _outcome(status: Status, metrics: str, reason: str, seconds: float, provenance: str, hits: bytes | None) -> Outcome:
    return Outcome(status, json.loads(metrics), reason, seconds, json.loads(provenance), hits)
