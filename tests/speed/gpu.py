"""`make speed-gpu`: whole tables on a CUDA device, and one cell beside the plain loop on the same card."""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch

from roarbench.benchmark.matrix.plugins import build, plugin
from roarbench.methods import GROUPS
from tests.speed.retraining import cell

FIVE, NINE = (["0.1", "0.3", "0.5", "0.7", "0.9"], [f"0.{tenth}" for tenth in range(1, 10)])
FOURTEEN = [name for name in GROUPS["paper"] if not name.startswith("squared")]
TWENTY = [*GROUPS["paper"], "center", "deviation", "hide_and_seek"]


def main() -> int:
    """Prints a line for each measurement; 2 where there is no CUDA device."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--data-root", type=Path, default=Path("data"))
    arguments.add_argument("--workers", default="0", help="worker processes that share the device")
    given = arguments.parse_args()
    if not torch.cuda.is_available():
        print("error: speed-gpu needs a CUDA device, found none; make speed measures the processor", file=sys.stderr)
        return 2
    print(torch.cuda.get_device_name(), torch.__version__)
    common = ["--data-root", str(given.data_root), "--device", "cuda", "--workers", given.workers]
    minutes = table("cifar_fast", FOURTEEN, FIVE, common)
    print(f"CIFAR-10, 14 explainers x 5 levels x 5 seeds: {minutes:.1f} minutes", flush=True)
    minutes = table("mnist", TWENTY, NINE, common)
    print(
        f"MNIST, 20 explainers x 9 levels x 5 seeds: {minutes:.1f} minutes, {900 / minutes:.0f} cells a minute",
        flush=True,
    )
    mnist = build(plugin("mnist", "dataset"), "dataset")(given.data_root).to("cuda")
    print(f"one cell, 2 epochs of MNIST, against a DataLoader: {cell(mnist)}", flush=True)
    return 0


def table(config: str, explainers: list[str], fractions: list[str], common: list[str]) -> float:
    """Minutes of a run of five seeds, start and report included."""
    with tempfile.TemporaryDirectory() as folder:
        axes = ["--explainers", *explainers, "--fractions", *fractions, "--orders", "morf", "--seeds", "5"]
        started = time.perf_counter()
        command = [sys.executable, "run_benchmark.py", "run", "--config", config, "--out", folder, *axes, *common]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return (time.perf_counter() - started) / 60


if __name__ == "__main__":
    sys.exit(main())
