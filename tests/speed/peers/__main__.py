"""`make speed-peers`: the same work by this project and by the libraries people use, as a Markdown table."""

import argparse
import importlib
import sys
from importlib.metadata import version
from pathlib import Path

from roarbench.benchmark.networks.precision import exact
from tests.speed.peers.subject import Site

PARTS = ("road", "flipping", "attributions", "table")
LIBRARIES = ("torch", "captum", "quantus", "grad-cam")


def main() -> int:
    """Prints a row for each comparison, at once; 2 where a library is not installed."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--data-root", type=Path, default=Path("data"))
    arguments.add_argument("--device", default="cpu")
    arguments.add_argument("--turns", type=int, default=5, help="of both sides, after one that does not count")
    arguments.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    given = arguments.parse_args()
    exact()
    try:
        parts = [importlib.import_module(f"tests.speed.peers.{part}") for part in given.only]
    except ImportError as error:
        print(f"error: speed-peers needs the extras quantus and grad-cam ({error})", file=sys.stderr)
        return 2
    print(", ".join(f"{library} {version(library)}" for library in LIBRARIES), given.device, "\n")
    print("| work | peer | apart by | peer, s | here, s | ratio |\n|---|---|--:|--:|--:|--:|")
    for part in parts:
        for row in part.rows(Site(given.data_root, given.device, given.turns)):
            print(row, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
