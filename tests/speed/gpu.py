"""`make speed-gpu`, second part: whole tables on a CUDA device, and cells of theirs beside the plain loop on that card.

A table that was interrupted goes on where it was; its minutes are those of all attempts.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import torch

from roarbench.benchmark.matrix.recipe import Recipe
from roarbench.benchmark.networks import graphs
from roarbench.benchmark.networks.precision import exact, settled
from roarbench.benchmark.networks.training import train_stack
from roarbench.benchmark.removal.fills import mean
from roarbench.benchmark.removal.ranks import kept, remove
from roarbench.benchmark.results.store import FILE, Store
from roarbench.datasets.base import Dataset
from roarbench.datasets.statistics import channel_mean
from roarbench.methods import GROUPS
from tests.speed.gpu_data import loaded, named
from tests.speed.retraining import BATCH, EPOCHS, FRACTION, fresh, plain_loop
from tests.speed.timing import compare

FIVE, NINE = (["0.1", "0.3", "0.5", "0.7", "0.9"], [f"0.{tenth}" for tenth in range(1, 10)])
FOURTEEN = [name for name in GROUPS["paper"] if not name.startswith("squared")]
TWENTY = [*GROUPS["paper"], "center", "deviation", "hide_and_seek"]

TABLES = {
    "cifar10": ("cifar_fast", FOURTEEN, FIVE, "CIFAR-10, 14 explainers x 5 levels x 5 seeds", 15),
    "mnist": ("mnist", TWENTY, NINE, "MNIST, 20 explainers x 9 levels x 5 seeds", 10),
}
"""Data set -> preset, explainers, fractions, its name, and minutes that it may take."""

CLOCK = "seconds.json"
REPLICAS = 10


def main(words: Sequence[str] | None = None) -> int:
    """Prints a line for each measurement; 1 where a table is not done in its time, 2 without a CUDA device."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--device", choices=("cuda", "cpu"), default="cuda", help="cpu rehearses on few images")
    arguments.add_argument("--data-root", type=Path, default=Path("data"))
    arguments.add_argument("--out", type=Path, default=Path("runs/speed-gpu"), help="folder in which tables go on")
    arguments.add_argument("--workers", default="1", help="worker processes that share the device")
    arguments.add_argument("--graphs", action="store_true", help="records the steps of small networks (CUDA graphs)")
    arguments.add_argument("--only", nargs="+", choices=("ratio", *TABLES), default=("ratio", *TABLES))
    given = arguments.parse_args(words)
    if given.device == "cuda" and not torch.cuda.is_available():
        print("error: speed-gpu needs a CUDA device, found none; --device cpu rehearses it", file=sys.stderr)
        return 2
    if given.graphs:
        os.environ[graphs.SWITCH] = "1"  # workers inherit it
    given.out.mkdir(parents=True, exist_ok=True)
    print("the processor" if given.device == "cpu" else torch.cuda.get_device_name(), torch.__version__, flush=True)
    if "ratio" in given.only:
        print(ratio(given), flush=True)
    return max([table(name, given) for name in TABLES if name in given.only], default=0)


def sizes(given: argparse.Namespace) -> tuple[int, int] | None:
    """Examples to train and test on, where those are few."""
    return (256, 128) if given.device == "cpu" else None


def table(name: str, given: argparse.Namespace) -> int:
    """Runs a table, start and report included, or goes on with it, and prints its minutes.

    Returns:
        1 where cells are missing or it took too long.
    """
    config, explainers, fractions, title, minutes = TABLES[name]
    folder, dataset = given.out / name, named(name, given.data_root, given.out, sizes(given))
    few = ["--epochs", "1", "--explainers", "random", "--fractions", "0.5", "--seeds", "1"]
    full = ["--explainers", *explainers, "--fractions", *fractions, "--seeds", "5"]
    root = given.data_root if given.data_root.is_dir() else given.out  # generated images need none
    place = ["--device", given.device, "--workers", given.workers, "--data-root", str(root)]
    axes = ["--datasets", dataset, "--orders", "morf", *(full if given.device == "cuda" else few)]
    command = [sys.executable, "run_benchmark.py", "run", "--config", config, "--out", str(folder), *axes, *place]
    seconds = clocked(folder.with_suffix("." + CLOCK), partial(within, command, 1.2 * 60 * minutes))
    cells, missing = counted(folder)
    rate = 60 * (cells - missing) / seconds
    print(f"{title}: {cells - missing} of {cells} cells in {seconds / 60:.1f} minutes, {rate:.0f} a minute", flush=True)
    return int(not cells or missing > 0 or seconds > 60 * minutes)


def within(command: list[str], seconds: float) -> None:
    """Runs a command, and interrupts it after some time."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.terminate()
        process.wait()


def clocked(file: Path, work: Callable[[], None]) -> float:
    """Seconds of all attempts, this one included, which a file keeps."""
    before = json.loads(file.read_text()) if file.exists() else []
    start = time.perf_counter()
    try:
        work()
    finally:
        before.append(time.perf_counter() - start)
        file.write_text(json.dumps(before))
    return sum(before)


def counted(folder: Path) -> tuple[int, int]:
    """Cells of a run, and those without an outcome."""
    if not (folder / FILE).exists():
        return 0, 0
    store = Store(folder)
    rows = store.rows()
    store.close()
    return len(rows), sum(row.outcome is None for row in rows)


def ratio(given: argparse.Namespace) -> str:
    """Cells of MNIST that are trained side by side, against as many plain loops."""
    data = loaded("mnist", given.data_root, given.out, sizes(given)).to(given.device)
    exact()
    turns = 1 if given.device == "cpu" else 3
    recipe = settled(Recipe(epochs=EPOCHS, batch_size=BATCH, learning_rate=1e-3), given.device)
    attributions = torch.rand(data.train.inputs.shape).to(data.train.inputs)
    found = compare(partial(plain_loop, data.train, attributions, recipe), partial(cells, data, recipe), turns=turns)
    factor = REPLICAS * found.plain / found.ours
    spread = f"{REPLICAS * found.low:.0f} to {REPLICAS * found.high:.0f}"
    return (
        f"a cell of MNIST, {EPOCHS} epochs: {found.plain:.2f} s by the plain loop, {found.ours / REPLICAS:.2f} s "
        f"side by side: {factor:.0f}x ({spread})"
    )


def cells(data: Dataset, recipe: Recipe) -> None:
    """Removes and retrains for as many cells as are trained side by side."""
    train, middle = data.train, channel_mean(data.train.inputs)
    inputs = []
    for _ in range(REPLICAS):
        attributions = torch.rand(train.inputs.shape, device=train.inputs.device)
        ranks = attributions.flatten(1).argsort(1, descending=True).argsort(1).view_as(attributions)
        nothing = partial(torch.zeros_like, train.inputs)
        inputs.append(remove(train.inputs, kept(ranks, removal_fraction=FRACTION), mean, middle, nothing))
    train_stack(fresh(train), torch.stack(inputs), train.labels, recipe, pairing=("speed",))


if __name__ == "__main__":
    sys.exit(main())
