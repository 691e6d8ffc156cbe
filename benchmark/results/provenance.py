"""Where a number comes from: commit, versions, hardware, time."""

import hashlib
import os
import platform
import subprocess
from collections.abc import Callable
from datetime import datetime, timezone
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from roarbench.benchmark.matrix.source import checksum

ROOT = Path(__file__).parents[2]
PARTS = ("benchmark", "datasets", "hns", "methods", "reports", "run_benchmark.py")
PACKAGES = ("torch", "torchvision", "captum", "numpy", "scipy", "scikit-learn")


def provenance(device: str) -> dict[str, str]:
    """Facts that are stored with every result."""
    return begun(device)()


def begun(device: str) -> Callable[[], dict[str, str]]:
    """Takes down now what work of hours runs on; gives the facts once it is finished."""
    machine = _machine(device)
    return lambda: {**machine, "finished": datetime.now(timezone.utc).isoformat(timespec="seconds")}


@cache
def _machine(device: str) -> dict[str, str]:
    return {
        "commit": commit(),
        **versions(),
        "system": f"{platform.system()} {platform.machine()}",
        "hardware": _hardware(device),
        "device": device,
    }


def versions(*others: str) -> dict[str, str]:
    """Versions of Python, of the packages that numbers come from, and of others."""
    return {"python": platform.python_version(), **{package: _version(package) for package in (*PACKAGES, *others)}}


def code() -> str:
    """Checksum of all files of this project: whatever it answers depends on them."""
    files = (file for part in PARTS for file in (ROOT / part, *(ROOT / part).rglob("*")) if file.is_file())
    own = sorted(file for file in files if "__pycache__" not in file.parts)
    lines = (f"{checksum(file)} {file.relative_to(ROOT).as_posix()}" for file in own)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def commit() -> str:
    """Commit of the checkout, with "+" behind it where files differ from it; "unknown" outside a checkout."""
    head = _git("rev-parse", "--short=12", "HEAD")
    return head + ("+" if head and _git("status", "--porcelain", "--untracked-files=no") else "") or "unknown"


def _git(*arguments: str) -> str:
    try:
        call = ["git", *arguments]
        process = subprocess.run(
            call, cwd=Path(__file__).parent, capture_output=True, text=True, check=True, timeout=10
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return process.stdout.strip()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "absent"


def _hardware(device: str) -> str:
    if device.startswith("cuda"):
        import torch

        return torch.cuda.get_device_name(device)
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.processor())
    return f"{model or 'CPU'}, {os.cpu_count()} cores"
