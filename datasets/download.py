"""Published files: verified when read, fetched atomically when missing; the only place that touches the network."""

import hashlib
import socket
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError

TIMEOUT_SECONDS = 30

_FETCHING = ContextVar("fetching", default=True)


@dataclass(frozen=True)
class Remote:
    """A published file.

    Attributes:
        path: where it belongs, relative to the data root.
        checksum: "md5:<hex digits>".
        urls: addresses that serve it, tried in order.
    """

    path: str
    checksum: str
    urls: tuple[str, ...]


def checksum(data: bytes, *, algorithm: str = "sha256") -> str:
    """The checksum as it stands in a card.

    >>> checksum(b"", algorithm="md5")
    'md5:d41d8cd98f00b204e9800998ecf8427e'
    """
    return f"{algorithm}:{hashlib.new(algorithm, data, usedforsecurity=False).hexdigest()}"


def read_verified(path: Path, expected: str) -> bytes:
    """The bytes of a file whose checksum is known.

    Raises:
        ValueError: the file differs from the published one.
    """
    data = path.read_bytes()
    digest = checksum(data, algorithm=expected.partition(":")[0])
    if digest != expected:
        raise ValueError(
            f"{path} is damaged: expected {expected}, found {digest}; delete it or put the published file there"
        )
    return data


def download(remotes: Sequence[Remote], data_root: Path) -> None:
    """Fetches files to their places under `data_root`; a place holds the whole, verified file or nothing.

    Raises:
        ValueError: a file can not be fetched or stored; says which files to put where by hand. Within `offline`,
            always.
    """
    if not _FETCHING.get():
        raise ValueError(f"{data_root / remotes[0].path} is not there")
    try:
        data_root.mkdir(parents=True, exist_ok=True)
        # Staged inside data_root, so that the last step is a rename within one file system: a killed download leaves
        # a stray staging folder, never a half file in a place that is later trusted.
        with tempfile.TemporaryDirectory(dir=data_root, prefix=".download-") as staging:
            for remote in remotes:
                staged = _fetch(remote, Path(staging))
                place = data_root / remote.path
                place.parent.mkdir(parents=True, exist_ok=True)
                staged.replace(place)
    except (OSError, RuntimeError, HTTPException) as error:
        raise ValueError(_by_hand(remotes, data_root, " ".join(str(error).split()))) from error


@contextmanager
def offline() -> Iterator[None]:
    """Within it nothing is fetched: a file that is missing is an error."""
    before = _FETCHING.set(False)
    try:
        yield
    finally:
        _FETCHING.reset(before)


def _fetch(remote: Remote, folder: Path) -> Path:
    """The verified file in `folder`, from the first address that serves it; raises the last address's error."""
    from torchvision.datasets.utils import download_url

    name = Path(remote.path).name
    error: Exception = RuntimeError(f"no address is known for {name}")
    for url in remote.urls:
        try:
            with _timeout():
                download_url(url, folder, filename=name, md5=remote.checksum.removeprefix("md5:"))
            return folder / name
        except (OSError, RuntimeError, HTTPException) as failure:
            if isinstance(failure, HTTPError):
                failure.close()  # it holds the open response
            error = failure
    raise error


@contextmanager
def _timeout() -> Iterator[None]:
    """torchvision gives urllib no time limit; without one a silent server hangs the run for ever."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(TIMEOUT_SECONDS)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _by_hand(remotes: Sequence[Remote], data_root: Path, reason: str) -> str:
    missing = [remote for remote in remotes if not (data_root / remote.path).exists()]
    folder = (data_root / missing[0].path).parent
    names = ", ".join(f"{Path(remote.path).name} ({remote.checksum})" for remote in missing)
    source = missing[0].urls[0].rpartition("/")[0]
    return f"{folder} must hold {names}; downloading failed ({reason}): get them from {source} and put them there"
