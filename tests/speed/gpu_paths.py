"""`make speed-gpu`, first part: proves every path on a CUDA device in ten minutes at most, a line for each.

`python -m tests.speed.gpu_paths --device cpu` rehearses the script itself on few images, in two minutes.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import torch

from roarbench.benchmark.networks.precision import exact
from tests.speed import gpu_pieces as pieces

LIMITS = {
    "fp32": 40, "bf16": 40, "resident": 30, "views": 30, "stacks": 80, "recorded": 50, "compiled": 50,
    "explainers": 100, "matrices": 60, "streams": 40, "teams": 30, "studies": 50,
}  # fmt: skip
"""Pieces, and seconds that each may take."""

TOTAL = 600
"""Seconds of all together; a rehearsal takes less than two minutes on two idle cores."""


def main(words: Sequence[str] | None = None) -> int:
    """Prints a line for each piece; 1 where one fails, 2 where there is no such device."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    arguments.add_argument("--data-root", type=Path, default=Path("data"))
    arguments.add_argument("--only", nargs="+", choices=tuple(LIMITS), default=tuple(LIMITS))
    arguments.add_argument("--here", action="store_true", help="in this process, without a limit")
    given = arguments.parse_args(words)
    if given.device == "cuda" and not torch.cuda.is_available():
        print("error: gpu_paths needs a CUDA device, found none; --device cpu rehearses it", file=sys.stderr)
        return 2
    if given.here:
        exact()
        for name in given.only:
            print(pieces.tried(getattr(pieces, name), given.device, given.data_root))
        return 0
    print(card(given.device), flush=True)
    begun = time.perf_counter()
    passed = [prove(name, given.device, given.data_root, begun) for name in given.only]
    print(f"{sum(passed)} of {len(passed)} pieces in {time.perf_counter() - begun:.0f} s", flush=True)
    return 0 if all(passed) else 1


def prove(name: str, device: str, data_root: Path, begun: float) -> bool:
    """Tries one piece in a process of its own, within its limit and that of all, and prints how it went."""
    start = time.perf_counter()
    limit = min(LIMITS[name], TOTAL - (start - begun))
    place = ["--device", device, "--data-root", str(data_root)]
    command = [sys.executable, "-m", "tests.speed.gpu_paths", "--here", "--only", name, *place]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=max(1.0, limit))
    except subprocess.TimeoutExpired:
        return say(False, name, start, f"not done after {limit:.0f} s")
    passed = done.returncode == 0
    lines = (done.stdout if passed else done.stderr).strip().splitlines()
    return say(passed, name, start, lines[-1] if lines else f"exit status {done.returncode}")


def say(passed: bool, name: str, start: float, what: str) -> bool:
    """One line, at once."""
    print(f"{'PASS' if passed else 'FAIL'} {time.perf_counter() - start:6.1f} s  {name}: {what}", flush=True)
    return passed


def card(device: str) -> str:
    """What is measured on."""
    if device == "cpu":
        return f"rehearsal on the processor, torch {torch.__version__}"
    number, memory = torch.cuda.device_count(), torch.cuda.get_device_properties(0).total_memory / 2**30
    return f"{number} x {torch.cuda.get_device_name()}, {memory:.0f} GiB, torch {torch.__version__}"


if __name__ == "__main__":
    sys.exit(main())
