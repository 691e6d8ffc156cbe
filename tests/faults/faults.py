"""The faults of the campaign: each happens to a run of its own, which then goes on once the cause is gone."""

import random
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tqdm import tqdm

from roarbench.benchmark.results.store import BACKUP, FILE
from tests.faults.runs import (
    PROJECT,
    WORDS,
    Ended,
    Finished,
    anyone,
    differing,
    ended,
    finished,
    interrupted,
    kill_once,
    lost,
    run,
    started,
)  # fmt: skip

CLOCK = """
import time
began, now = time.time(), time.time
time.time = lambda: now() - (86400 if now() - began > 2 else 0)
"""
"""A clock that is set back by a day two seconds after every process begins."""


@dataclass
class Toll:
    """What one kind of fault cost.

    Attributes:
        times: how often it happened.
        lost: finished cells that were not finished afterwards.
        differing: rows of the folder in the end that an unbroken run does not have.
        said: how runs ended, in their last lines.
    """

    times: int = 0
    lost: int = 0
    differing: int = 0
    said: Counter[str] = field(default_factory=Counter)

    def heard(self, end: Ended) -> Ended:
        """Counts how a run ended, without the names of scratch folders: equal messages are counted together."""
        words = ("FOLDER" if "faults-" in word else word for word in end.said.split())
        again = f", {end.damaged} damaged artefacts made again" if end.damaged else ""
        self.said[f"exit status {end.status}: {' '.join(words) or 'nothing said'}{again}"] += 1
        return end


def killed(place: Path, unbroken: Finished, number: int, seconds: float, draw: random.Random) -> Toll:
    """Kills of driver or worker at random moments; a run that is finished makes way for a new one."""
    toll, folder, bar = Toll(), 0, tqdm(total=number, desc="kills")
    while toll.times < number or finished(place / f"killed-{folder}"):
        out = place / f"killed-{folder}"
        before, process = finished(out), started(out)
        if toll.times < number:
            toll.times += kill_once(process, anyone(draw), draw.uniform(0, seconds))
        end = toll.heard(ended(process))
        toll.lost += lost(before, finished(out))
        if end.status == 0:
            toll.differing += differing(unbroken, finished(out))
            folder += 1
        bar.update(toll.times - bar.n)
    bar.close()
    return toll


def full_disk(out: Path, unbroken: Finished) -> Toll:
    """No file may grow beyond a limit: the store fits below it, rank maps do not."""
    limited = f"""import resource, signal, sys, run_benchmark
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (150000, 150000))
sys.exit(run_benchmark.main({[*WORDS, "--workers", "0", "--out", str(out)]}))"""
    done = subprocess.run([sys.executable, "-c", limited], cwd=PROJECT, capture_output=True, text=True)
    toll = Toll()
    toll.heard(Ended(done.returncode, done.stderr.strip().splitlines()[-1]))
    return _resumed(out, finished(out), unbroken, toll)


def read_only(out: Path, unbroken: Finished) -> Toll:
    """A folder that cannot be written: root ignores permissions, hence a file lies in the place of the artefacts."""
    before, toll = interrupted(out), Toll()
    shutil.rmtree(out / "artefacts")
    (out / "artefacts").write_text("no folder")
    toll.heard(run(out))
    (out / "artefacts").unlink()
    return _resumed(out, before, unbroken, toll)


def damaged_artefacts(out: Path, unbroken: Finished) -> Toll:
    """A byte of every stored network and rank map is another one."""
    before, toll = interrupted(out), Toll()
    for file in (file for file in (out / "artefacts").rglob("*") if file.suffix in (".safetensors", ".npy")):
        _damage(file, 1)
    return _resumed(out, before, unbroken, toll)


def damaged_database(out: Path, unbroken: Finished) -> Toll:
    """Pages of the store are overwritten; the copy from the beginning of the last run takes its place."""
    held = interrupted(out)
    interrupted(out, len(held) + 6)
    toll = Toll()
    _damage(out / FILE, 3000)
    toll.heard(run(out))
    (out / BACKUP).replace(out / FILE)
    return _resumed(out, held, unbroken, toll)


def two_drivers(out: Path, unbroken: Finished) -> Toll:
    """Two runs begin in the same folder at once."""
    toll, both = Toll(), [started(out), started(out)]
    for process in both:
        toll.heard(ended(process))
    return _resumed(out, finished(out), unbroken, toll)


def clock_set_back(out: Path, unbroken: Finished) -> Toll:
    """The clock of driver and workers jumps back by a day while they work, and files come from the future."""
    site = out.with_name(f"{out.name}-site")
    site.mkdir(parents=True)
    (site / "sitecustomize.py").write_text(CLOCK)
    before, toll = interrupted(out), Toll()
    for file in out.rglob("*"):
        subprocess.run(["touch", "-d", "tomorrow", str(file)], check=True)
    toll.heard(run(out, PYTHONPATH=str(site)))
    return _resumed(out, before, unbroken, toll)


FAULTS: dict[str, Callable[[Path, Finished], Toll]] = {
    "full disk": full_disk,
    "folder that cannot be written": read_only,
    "damaged artefacts": damaged_artefacts,
    "damaged database": damaged_database,
    "two drivers": two_drivers,
    "clock set back": clock_set_back,
}


def _resumed(out: Path, before: Finished, unbroken: Finished, toll: Toll) -> Toll:
    """Goes on once the cause is gone; with failed cells once more, where there are any."""
    toll.times += 1
    end = toll.heard(run(out))
    if end.status == 1:
        toll.heard(run(out, "--retry-failed"))
    toll.lost += lost(before, finished(out))
    toll.differing += differing(unbroken, finished(out))
    return toll


def _damage(file: Path, number: int) -> None:
    """Overwrites bytes in the middle of a file."""
    content = bytearray(file.read_bytes())
    middle = len(content) // 2
    content[middle : middle + number] = bytes(byte ^ 0x5A for byte in content[middle : middle + number])
    file.write_bytes(content)
