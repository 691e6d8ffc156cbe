"""`make faults`: kills, full disks, damaged files, and what they cost: no cell lost, no number other than unbroken."""

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.runs import (
    PROJECT,
    WORDS,
    Finished,
    anyone,
    differing,
    ended,
    finished,
    kill_once,
    lost,
    run,
    started,
)  # fmt: skip


@dataclass
class Toll:
    """What one kind of fault cost.

    Attributes:
        times: how often it happened.
        lost: finished cells that were not finished afterwards.
        differing: rows of the folder in the end that an unbroken run does not have.
        said: last lines of the runs that ended for it.
    """

    times: int = 0
    lost: int = 0
    differing: int = 0
    said: Counter[str] = field(default_factory=Counter)


def main() -> int:
    """Prints a table; 0 where nothing was lost and nothing differs."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--kills", type=int, default=100)
    arguments.add_argument("--seed", type=int, default=0)
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="faults-") as scratch:
        place = Path(scratch)
        began = time.monotonic()
        assert run(place / "unbroken").status == 0
        unbroken, seconds = finished(place / "unbroken"), time.monotonic() - began
        print(f"unbroken: {len(unbroken)} cells in {seconds:.0f} s", flush=True)
        draw, tolls = random.Random(given.seed), {}
        tolls["kill of driver or worker"] = kills(place, unbroken, given.kills, lambda: draw.uniform(0, seconds), draw)
        show("kill of driver or worker", tolls["kill of driver or worker"])
        for name, fault in FAULTS.items():
            tolls[name] = fault(place / name.replace(" ", "_"), unbroken, seconds)
            show(name, tolls[name])
    return int(any(toll.lost or toll.differing for toll in tolls.values()))


def show(name: str, toll: Toll) -> None:
    """A line, and the messages that were seen."""
    print(f"{name}: {toll.times} times, {toll.lost} cells lost, {toll.differing} rows differ", flush=True)
    for said, count in toll.said.most_common():
        print(f"    {count} x {said}", flush=True)


def kills(place: Path, unbroken: Finished, number: int, delay: Callable[[], float], draw: random.Random) -> Toll:
    """Kills at random moments; a run that is finished makes way for a new one."""
    toll, folder = Toll(), 0
    while toll.times < number:
        out = place / f"killed-{folder}"
        before = finished(out)
        process = started(out)
        toll.times += kill_once(process, anyone(draw), delay())
        end = ended(process)
        toll.said[f"exit status {end.status}: {told(end.said)}"] += 1
        toll.lost += lost(before, finished(out))
        if end.status == 0:
            toll.differing += differing(unbroken, finished(out))
            folder += 1
    out = place / f"killed-{folder}"
    assert run(out).status == 0
    toll.differing += differing(unbroken, finished(out))
    return toll


def told(said: str) -> str:
    """A message without the names of this campaign, so that equal ones are counted together."""
    words = said.split()
    return " ".join("FOLDER" if "faults-" in word else word for word in words) or "nothing said"


def interrupted(out: Path, seconds: float) -> Finished:
    """A folder whose run was killed half-way, and what it holds."""
    process = started(out)
    while len(finished(out)) < 12 and process.poll() is None:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    ended(process)
    return finished(out)


def resumed(out: Path, before: Finished, unbroken: Finished, toll: Toll) -> Toll:
    """Goes on once the cause is gone."""
    toll.times += 1
    toll.lost += lost(before, finished(out))
    end = run(out)
    toll.said[f"then exit status {end.status}: {told(end.said)}"] += 1
    toll.differing += differing(unbroken, finished(out))
    return toll


def full_disk(out: Path, unbroken: Finished, seconds: float) -> Toll:
    """No file may grow beyond a limit: the store fits below it, rank maps do not."""
    limited = f"""import resource, signal, sys, run_benchmark
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (75000, 75000))
sys.exit(run_benchmark.main({[*WORDS, "--workers", "0", "--out", str(out)]}))"""
    done = subprocess.run([sys.executable, "-c", limited], cwd=PROJECT, capture_output=True, text=True)
    toll = Toll(said=Counter([f"exit status {done.returncode}: {told(done.stderr.strip().splitlines()[-1])}"]))
    return resumed(out, finished(out), unbroken, toll)


def read_only_folder(out: Path, unbroken: Finished, seconds: float) -> Toll:
    """A folder that may not be written; root is not stopped by permissions, hence a file in its place."""
    before, toll = interrupted(out, seconds), Toll()
    artefacts = out / "artefacts"
    shutil.rmtree(artefacts, ignore_errors=True)
    artefacts.write_text("not a folder")
    end = run(out)
    toll.said[f"exit status {end.status}: {told(end.said)}"] += 1
    artefacts.unlink()
    toll.times += 1
    toll.lost += lost(before, finished(out))
    end = ended(started(out)) if end.status != 1 else retried(out)
    toll.said[f"then exit status {end.status}: {told(end.said)}"] += 1
    toll.differing += differing(unbroken, finished(out))
    return toll


def retried(out: Path):  # type: ignore[no-untyped-def]
    """The same with failed cells once more."""
    WORDS.append("--retry-failed")
    try:
        return run(out)
    finally:
        WORDS.remove("--retry-failed")


FAULTS: dict[str, Callable[[Path, Finished, float], Toll]] = {
    "full disk": full_disk,
    "read-only folder": read_only_folder,
}

if __name__ == "__main__":
    sys.exit(main())
