"""`make speed`: what the fast paths gain over the way these things are usually written."""

import argparse
from pathlib import Path

import torch

from roarbench.benchmark.matrix.plugins import build, plugin
from tests.speed import matrix, memory
from tests.speed.attribution import ensembles
from tests.speed.growth import growths
from tests.speed.imputation import solvers
from tests.speed.reports import reports
from tests.speed.retraining import cell

PARTS = ("ensembles", "cell", "quick", "workers", "memory", "imputation", "reports", "growth")


def main() -> None:
    """Prints a line for each comparison."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--data-root", type=Path, default=Path("data"))
    arguments.add_argument("--train", type=int, default=10_000, help="images of MNIST that are retrained on")
    arguments.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    given = arguments.parse_args()
    torch.set_num_threads(1)
    if {"ensembles", "cell"} & set(given.only):
        mnist = build(plugin(f"mnist[train={given.train},test=1000]", "dataset"), "dataset")(given.data_root)
    if "ensembles" in given.only:
        say("SmoothGrad, SmoothGrad-Squared and VarGrad of gradients, against Captum", ensembles(mnist, "gradient"))
        say("the same of integrated gradients", ensembles(mnist, "integrated_gradients", samples=4))
    if "cell" in given.only:
        say(f"retraining on {given.train} images of MNIST, against a DataLoader", cell(mnist))
    if "quick" in given.only:
        say("the quick matrix, start and report included", f"{matrix.quick():.0f} s")
    if "workers" in given.only:
        for name, found in matrix.workers().items():
            say(name, found)
    if "memory" in given.only:
        for name, growth in memory.growths().items():
            say(name, growth)
    if "imputation" in given.only:
        for name, gap, ratio in solvers():
            say(f"{name}, against direct solutions, at most {gap:.1e} apart", ratio)
    if "reports" in given.only:
        for name, found in reports():
            say(name, found)
    if "growth" in given.only:
        print(*growths(given.data_root), sep="\n", flush=True)


def say(name: str, found: object) -> None:
    """One line, at once."""
    print(f"{name}: {found}", flush=True)


if __name__ == "__main__":
    main()
