"""`make faults`: kills, full disks and damaged files, and what they cost: no cell lost, no number changed."""

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

from tests.faults.faults import FAULTS, Toll, killed
from tests.faults.runs import finished, run


def main() -> int:
    """Prints what each fault cost; 0 where nothing was lost and nothing differs."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--kills", type=int, default=100)
    arguments.add_argument("--seed", type=int, default=0)
    arguments.add_argument("--only", nargs="+", choices=["kills", *FAULTS], default=["kills", *FAULTS])
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="faults-") as scratch:
        place, began = Path(scratch), time.monotonic()
        end = run(place / "unbroken")
        assert end.status == 0, end.said
        unbroken, seconds = finished(place / "unbroken"), time.monotonic() - began
        print(f"unbroken: {len(unbroken)} cells in {seconds:.0f} s", flush=True)
        tolls = []
        if "kills" in given.only:
            tolls.append(killed(place, unbroken, given.kills, seconds, random.Random(given.seed)))
            show("kill of driver or worker", tolls[-1])
        for name in (name for name in FAULTS if name in given.only):
            tolls.append(FAULTS[name](place / name.replace(" ", "_"), unbroken))
            show(name, tolls[-1])
    return int(any(toll.lost or toll.differing for toll in tolls))


def show(name: str, toll: Toll) -> None:
    """A line, and below it how runs ended."""
    print(f"{name}: {toll.times} times, {toll.lost} cells lost, {toll.differing} rows differ", flush=True)
    for said, count in toll.said.most_common():
        print(f"    {count} x {said}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
