"""Downloads from a server on this machine: what is stored is whole and verified, or nothing is."""

import tarfile
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from roarbench.datasets.download import Remote, checksum, download, offline, read_verified

CONTENT = b"published bytes"
MD5 = checksum(CONTENT, algorithm="md5")
NOBODY = "http://127.0.0.1:9"
"""The discard port: nothing listens, so connections are refused at once."""


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """Address of a server that publishes one file, `file.bin`."""
    folder = tmp_path / "published"
    folder.mkdir()
    (folder / "file.bin").write_bytes(CONTENT)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder)) as http:
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{http.server_port}"
        http.shutdown()
        thread.join()


def everything_under(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def test_a_download_lands_in_its_place_and_leaves_nothing_else(server: str, tmp_path: Path) -> None:
    root = tmp_path / "root"
    download([Remote("sub/file.bin", MD5, (f"{server}/file.bin",))], root)
    assert (root / "sub/file.bin").read_bytes() == CONTENT
    assert everything_under(root) == ["sub", "sub/file.bin"]


def test_offline_nothing_is_fetched(server: str, tmp_path: Path) -> None:
    root, remote = tmp_path / "root", Remote("file.bin", MD5, (f"{server}/file.bin",))
    with pytest.raises(ValueError, match="is not there"), offline():
        download([remote], root)
    assert not root.exists()
    download([remote], root)
    assert everything_under(root) == ["file.bin"]


def test_the_second_address_is_tried_when_the_first_fails(server: str, tmp_path: Path) -> None:
    urls = (f"{NOBODY}/file.bin", f"{server}/absent.bin", f"{server}/file.bin")
    download([Remote("file.bin", MD5, urls)], tmp_path / "root")
    assert (tmp_path / "root/file.bin").read_bytes() == CONTENT


def test_a_download_with_another_checksum_is_never_stored(server: str, tmp_path: Path) -> None:
    root = tmp_path / "root"
    with pytest.raises(ValueError, match="corrupted"):
        download([Remote("file.bin", "md5:" + "0" * 32, (f"{server}/file.bin",))], root)
    assert everything_under(root) == []


def test_without_network_one_line_says_what_to_put_where(tmp_path: Path) -> None:
    remotes = [Remote(f"sub/{name}", MD5, (f"{NOBODY}/{name}",)) for name in ("a.gz", "b.gz")]
    with pytest.raises(ValueError, match="downloading failed") as caught:
        download(remotes, tmp_path)
    message = str(caught.value)
    assert "\n" not in message
    assert all(part in message for part in (str(tmp_path / "sub"), "a.gz", "b.gz", MD5, NOBODY, "Connection refused"))


def test_a_root_that_can_not_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match=r"file must hold x.gz .*get them from"):
        download([Remote("x.gz", MD5, (f"{NOBODY}/x.gz",))], tmp_path / "file")


def test_a_damaged_file_is_named_with_both_checksums(tmp_path: Path) -> None:
    path = tmp_path / "x.gz"
    path.write_bytes(b"half")
    with pytest.raises(
        ValueError, match=f"{path} is damaged: expected {MD5}, found {checksum(b'half', algorithm='md5')}"
    ):
        read_verified(path, MD5)


def test_cifar_is_downloaded_and_read_from_its_archive(
    server: str, tmp_path: Path, cifar100_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from torchvision.datasets import CIFAR100

    from roarbench.datasets.vision import cifar100

    expected = cifar100(cifar100_root)
    archive = tmp_path / "published" / CIFAR100.filename
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(cifar100_root / CIFAR100.base_folder, CIFAR100.base_folder)
    md5 = checksum(archive.read_bytes(), algorithm="md5")
    monkeypatch.setattr(CIFAR100, "url", f"{server}/{CIFAR100.filename}")
    monkeypatch.setattr(CIFAR100, "tgz_md5", md5.removeprefix("md5:"))
    root = tmp_path / "root"
    found = cifar100(root)
    assert found.train.inputs.equal(expected.train.inputs)
    assert found.card.checksums == {CIFAR100.filename: md5}
    assert everything_under(root) == [CIFAR100.filename]
