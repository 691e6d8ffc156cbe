"""Runs on a Ray cluster of two nodes on this machine, one of which dies."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from roarbench import run_benchmark
from roarbench.benchmark.results.store import FILE, Store

ray = pytest.importorskip("ray", reason="needs ray, an extra of this project")

SMALL = [
    "run", "--classifiers", "mlp[width=16,hidden_layers=1]", "--explainers", "random", "gradient", "--seeds", "2",
    "--mask-fractions", "--unretrained-fills", "--measures",
    "--fractions", "0.3", "0.9", "--epochs", "3", "--device", "cpu",
]  # fmt: skip
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


@pytest.fixture
def cluster() -> Iterator[Any]:
    """A head node with one core; nodes are processes of their own."""
    from ray.cluster_utils import Cluster

    started = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    yield started
    ray.shutdown()
    started.shutdown()


def rows(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "report" / "rows.csv")


def test_a_run_that_loses_a_node_gives_the_table_of_a_serial_run(cluster: Any, tmp_path: Path) -> None:
    node = cluster.add_node(num_cpus=1)
    cluster.wait_for_nodes()

    def kill() -> None:
        while not ((tmp_path / "ray" / FILE).exists() and Store(tmp_path / "ray").counts()["done"] > 3):
            time.sleep(0.05)
        cluster.remove_node(node, allow_graceful=False)

    killer = threading.Thread(target=kill)
    killer.start()
    words = ["--executor", "ray", "--ray-address", cluster.address]
    assert run_benchmark.main([*SMALL, "--out", str(tmp_path / "ray"), *words]) == 0
    killer.join()
    assert run_benchmark.main([*SMALL, "--out", str(tmp_path / "serial"), "--workers", "0"]) == 0
    pd.testing.assert_frame_equal(rows(tmp_path / "ray"), rows(tmp_path / "serial"))


def test_without_a_cluster_the_address_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [*SMALL, "--out", str(tmp_path / "out"), "--executor", "ray", "--ray-address", "127.0.0.1:1"]
    assert run_benchmark.main(words) == 2
    assert "--ray-address 127.0.0.1:1" in capsys.readouterr().err


def test_workers_beside_an_address_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [*SMALL, "--out", str(tmp_path / "out"), "--executor", "ray", "--ray-address", "auto", "--workers", "2"]
    assert run_benchmark.main(words) == 2
    assert "workers is for a cluster that the run starts" in capsys.readouterr().err
