"""What `gpu_paths` proves, piece by piece: each returns what it measured, and raises where a law does not hold."""

import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn

from roarbench.benchmark.execution import session
from roarbench.benchmark.execution.session import Resources
from roarbench.benchmark.matrix.plan import Matrix
from roarbench.benchmark.matrix.plugins import plugin
from roarbench.benchmark.matrix.recipe import Recipe
from roarbench.benchmark.networks import graphs
from roarbench.benchmark.networks.augmentation import augmented
from roarbench.benchmark.networks.classifiers import classifier
from roarbench.benchmark.networks.precision import settled
from roarbench.benchmark.networks.training import score, side_by_side, train, train_stack
from roarbench.benchmark.randomness import generator, seeded
from roarbench.benchmark.removal import fills
from roarbench.benchmark.removal.ranks import kept, rank, remove, spread
from roarbench.benchmark.results.store import Outcome, Store
from roarbench.datasets.base import Dataset, Split
from roarbench.datasets.statistics import channel_mean
from tests.speed.gpu_data import loaded

PROJECT = Path(__file__).parents[2]
PLAIN = Recipe(optimiser="sgd", epochs=1, batch_size=128, learning_rate=0.02, momentum=0.0, precision="fp32")
"""A training in which rounding does not grow, so that devices and ways can be compared weight by weight."""

CLOSE = {"rtol": 1e-2, "atol": 1e-3}
ACCURACY = 0.1
"""Difference of accuracies of two runs of one small matrix whose rounding differs."""


@dataclass(frozen=True)
class Scene:
    """Where a piece is tried.

    Attributes:
        device: "cuda", or "cpu" for a rehearsal on few images.
        folder: of what is written, emptied afterwards.
    """

    device: str
    data_root: Path
    folder: Path

    @property
    def rehearsal(self) -> bool:
        """Whether there is no card, and sizes are small."""
        return self.device == "cpu"

    def data(self, name: str, num_train: int) -> Dataset:
        """Images on the device: so many, or 256 in a rehearsal."""
        few = 256 if self.rehearsal else num_train
        return loaded(name, self.data_root, self.folder, (few, few)).to(self.device)

    def wait(self) -> None:
        """Until the device has done what it was given."""
        if not self.rehearsal:
            torch.cuda.synchronize()


def fp32(scene: Scene) -> str:
    """Networks trained on the card have the weights that they have from the processor, with all bits of float32."""
    lines = []
    for name, images in (("cnn_small", "mnist"), ("resnet8", "cifar10")):
        data = scene.data(images, 2048)
        here, there = (trained(name, data.to(device), PLAIN) for device in ("cpu", scene.device))
        same(there, here)
        lines.append(f"{name} {score(there, data.to(scene.device).test).accuracy:.3f}")
    return "accuracies " + ", ".join(lines)


def bf16(scene: Scene) -> str:
    """Products in bfloat16 train as well as float32, and are used."""
    data, recipe = scene.data("cifar10", 10_000), Recipe(epochs=2, learning_rate=3e-3, augmentation="shift_flip")
    full, half = (
        score(trained("resnet8", data, replace(recipe, precision=kind)), data.test)  # type: ignore[arg-type]
        for kind in ("fp32", "bf16")
    )
    assert full.loss != half.loss, "bfloat16 was not used"
    assert scene.rehearsal or abs(full.accuracy - half.accuracy) < 0.05, (full.accuracy, half.accuracy)
    return f"accuracy {full.accuracy:.3f} in fp32, {half.accuracy:.3f} in bf16"


def resident(scene: Scene) -> str:
    """Data stay on the card: but for the order of each epoch no step waits for a copy."""
    data, recipe = scene.data("mnist", 10_000), settled(Recipe(epochs=3), scene.device)
    network = fresh("cnn_small", data)
    if scene.rehearsal:
        train(network, data.train, recipe, pairing=("gpu",))
        return "only a card tells"
    train(network, data.train, replace(recipe, epochs=1), pairing=("gpu",))
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        torch.cuda.set_sync_debug_mode("warn")
        train(network, data.train, recipe, pairing=("gpu",))
        torch.cuda.set_sync_debug_mode("default")
    waits = sum("synchroniz" in str(one.message) for one in said)
    steps = recipe.epochs * len(data.train) // recipe.batch_size
    assert waits <= 3 * recipe.epochs + 10, f"{waits} waits in {steps} steps"
    return f"{waits} waits in {steps} steps"


def views(scene: Scene) -> str:
    """Augmentation and removal do on the card what they do on the processor."""
    images = scene.data("cifar10", 512).train.inputs
    for kind in ("shift_flip", "resized_crop"):
        here, there = (augmented(part, kind, generator("gpu")) for part in (images.cpu(), images))  # type: ignore[arg-type]
        torch.testing.assert_close(there.cpu(), here, rtol=1e-4, atol=1e-4)
    scores = torch.rand(images.shape, generator=generator("gpu"))
    ranks = rank(scores, unit="pixel", magnitude=True, generator=generator("ties"))
    mask = spread(kept(ranks, removal_fraction=0.5), tuple(images.shape[1:]))
    for fill in (fills.mean, fills.zero, fills.image_mean, fills.noisy_linear, fills.blur):
        here, there = (
            remove(part, mask.to(part.device), fill, channel_mean(part), partial(torch.zeros_like, part))
            for part in (images.cpu(), images)
        )
        torch.testing.assert_close(there.cpu(), here, rtol=1e-3, atol=1e-3)
    return f"{len(images)} images, two augmentations, five fills"


def stacks(scene: Scene) -> str:
    """Networks side by side learn what they learn one by one; how much sooner they are done."""
    lines = []
    for name, images in (("cnn_small", "mnist"), ("resnet8", "cifar10")):
        data = scene.data(images, 512)
        network, inputs = fresh(name, data), masked(data.train.inputs, 2 if scene.rehearsal else 10)
        assert side_by_side(network, data.train, PLAIN, "cuda")
        stack = train_stack(network, inputs, data.train.labels, PLAIN, pairing=("gpu",))
        for replica in (0, len(inputs) - 1):
            stack.copy_to(network, replica)
            same(network, trained(name, data, PLAIN, inputs[replica]))
        lines += [f"{name} {faster(name, scene, images, kind)}" for kind in precisions(scene)]
    return "; ".join(lines)


def recorded(scene: Scene) -> str:
    """Recorded steps learn what steps learn; how much sooner they are done."""
    lines = []
    for optimiser in ("sgd", "adam"):
        data = scene.data("mnist", 1000)  # whose last batch is smaller
        recipe = replace(PLAIN, optimiser=optimiser, momentum=0.9 if optimiser == "sgd" else 0.0, learning_rate=1e-3)
        plain = trained("cnn_small", data, recipe)
        with recording():
            same(trained("cnn_small", data, recipe), plain, rtol=0.05, atol=5e-3)
    data, recipe = scene.data("mnist", 10_000), settled(Recipe(epochs=2), scene.device)
    one = [clocked(scene, partial(trained, "cnn_small", data, recipe))]
    many = [clocked(scene, partial(side, "cnn_small", data, recipe, 2 if scene.rehearsal else 10))]
    with recording():
        one.append(clocked(scene, partial(trained, "cnn_small", data, recipe)))
        many.append(clocked(scene, partial(side, "cnn_small", data, recipe, 2 if scene.rehearsal else 10)))
    for name, (before, after) in (("one network", one), ("ten side by side", many)):
        lines.append(f"{name} {before:.2f} s, recorded {after:.2f} s, {before / after:.1f}x")
    return "; ".join(lines)


def compiled(scene: Scene) -> str:
    """What `torch.compile` would gain on one network, compilation apart; nothing of ours uses it."""
    data = scene.data("mnist", 10_000)
    network = fresh("cnn_small", data).train()
    mode = "default" if scene.rehearsal else "reduce-overhead"

    def steps(forward: Callable[[Tensor], Tensor], number: int) -> None:
        descent = torch.optim.Adam(network.parameters(), fused=True)
        for _ in range(number):
            descent.zero_grad()
            nn.functional.cross_entropy(forward(data.train.inputs[:128]), data.train.labels[:128]).backward()
            descent.step()

    number, fast = 3 if scene.rehearsal else 200, torch.compile(network, mode=mode)
    begun = time.perf_counter()
    try:
        steps(fast, 3)
    except Exception as error:  # no compiler here: a measurement less, no fault of ours
        return f"not to be had here: {type(error).__name__}"
    scene.wait()
    start = time.perf_counter() - begun
    plain, sooner = clocked(scene, partial(steps, network, number)), clocked(scene, partial(steps, fast, number))
    return f"{plain / number * 1e3:.2f} ms a step, {sooner / number * 1e3:.2f} ms compiled, {start:.0f} s to compile"


def explainers(scene: Scene) -> str:
    """The tests that need a card; a rehearsal finds them."""
    files = [str(file) for file in (PROJECT / "tests").rglob("test_*.py") if "mark.gpu" in file.read_text()]
    words = ["-m", "gpu", "-p", "no:cacheprovider", *files]
    words += ["--collect-only"] if scene.rehearsal else ["-n", "8"]
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", *words], cwd=PROJECT, capture_output=True, text=True)
    last = (done.stdout.strip().splitlines() or [done.stderr.strip()])[-1]
    assert done.returncode == 0, last
    return last.strip("= ")


def matrices(scene: Scene) -> str:
    """A small matrix on the card ends as on the processor; two processes on one card end as one does."""
    here = measured(scene, "cpu", scene.device, 0) if scene.rehearsal else measured(scene, "cpu", "cpu", 4)
    one, two = (measured(scene, f"{workers}", scene.device, workers) for workers in (1, 2))
    agree(here, one)
    agree(one, two)
    return f"{len(one)} cells by processor, one process and two processes a card"


def streams(scene: Scene) -> str:
    """Images that are read, pinned and reduced while the card trains."""
    noise = {"datasets": ("noise[train=200,test=100,size=16]",), "classifiers": ("resnet8[width=4]",)}
    matrix = replace(MATRIX, **noise, fractions=(0.5,), explainers=("random",), evaluator=False, measures=())
    outcomes = done(matrix, scene, "streams", scene.device, 0, loaders=2)
    return f"{len(outcomes)} cells, two loaders"


def teams(scene: Scene) -> str:
    """Processes that train each network together: one a card, over nccl; two over gloo in a rehearsal."""
    number = 2 if scene.rehearsal else min(2, torch.cuda.device_count())
    out, port = scene.folder / "team", "localhost:0"
    start = ["--nproc-per-node", str(number), "--rdzv-backend", "c10d", "--rdzv-endpoint", port]
    words = ["run", "--executor", "torchrun", "--out", str(out), "--classifiers", "resnet8[width=4]", "--seeds", "1"]
    words += ["--explainers", "gradient", "--fractions", "0.5", "--epochs", "1", "--device", scene.device]
    command = [sys.executable, "-m", "torch.distributed.run", *start, "run_benchmark.py", *words]
    ended = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr[-500:]
    assert all(outcome.status == "done" for outcome in kept_in(out).values())
    return f"{number} processes over {'gloo' if scene.rehearsal else 'nccl'}"


def studies(scene: Scene) -> str:
    """Hide-and-Seek, SENN and ClaDec train."""
    brief = {
        "hns": ["--epochs", "1", "--pretraining-epochs", "1", "--cooldown", "0", "--seeker-epochs", "1"],
        "senn": ["--epochs", "1"],
        "cladec": ["--epochs", "1", "--recipe.epochs", "1", "--alphas", "0.5"],
    }
    for family, words in brief.items():
        place = ["--workers", "0", "--device", scene.device, "--out", str(scene.folder / family)]
        command = [sys.executable, "run_benchmark.py", family, "train", *words, *place]
        ended = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True)
        assert ended.returncode == 0, f"{family}: {ended.stderr[-300:]}"
    return ", ".join(brief)


MATRIX = Matrix(
    datasets=("squares[train=400,test=200]",),
    classifiers=("cnn_small[width=8]",),
    explainers=("random", "gradient", "smoothgrad[samples=2]"),
    seeds=1,
    fractions=(0.5,),
    recipe=Recipe(epochs=4, batch_size=64, learning_rate=0.01, precision="fp32"),
)


def measured(scene: Scene, name: str, device: str, workers: int) -> dict[str, Outcome]:
    """The outcomes of the small matrix."""
    return done(MATRIX, scene, name, device, workers)


def done(
    matrix: Matrix, scene: Scene, name: str, device: str, workers: int, loaders: int | None = None
) -> dict[str, Outcome]:
    """The outcomes of a matrix, all of which are done."""
    folder = scene.folder / f"run-{name}"
    counts = session.run(matrix, folder, Resources(scene.data_root, device, workers, loaders=loaders))
    assert set(counts) == {"done"}, dict(counts)
    return kept_in(folder)


def kept_in(folder: Path) -> dict[str, Outcome]:
    """Outcomes by cell."""
    store = Store(folder)
    outcomes = {row.key: row.outcome for row in store.rows() if row.outcome}
    store.close()
    return outcomes


def agree(ones: dict[str, Outcome], others: dict[str, Outcome]) -> None:
    """Accuracies of equal cells differ no more than rounding lets them."""
    assert ones.keys() == others.keys()
    for cell, outcome in ones.items():
        a, b = outcome.metrics.get("test_accuracy"), others[cell].metrics.get("test_accuracy")
        assert (a is None) == (b is None) and (a is None or b is None or abs(a - b) < ACCURACY), (cell, a, b)


def fresh(name: str, data: Dataset) -> nn.Module:
    """The same untrained network each time, where the data are."""
    with seeded("gpu"):
        return classifier(plugin(name, "classifier"), data.train, data.num_classes).to(data.train.labels.device)


def trained(name: str, data: Dataset, recipe: Recipe, inputs: Tensor | None = None) -> nn.Module:
    """A network trained on the training images, or on others in their place."""
    network = fresh(name, data)
    split = data.train if inputs is None else Split(inputs, data.train.labels)
    with seeded("training"):
        train(network, split, recipe, pairing=("gpu",))
    return network


def side(name: str, data: Dataset, recipe: Recipe, replicas: int) -> None:
    """Trains so many networks side by side."""
    inputs = data.train.inputs.expand(replicas, *data.train.inputs.shape).contiguous()
    train_stack(fresh(name, data), inputs, data.train.labels, recipe, pairing=("gpu",))


def faster(name: str, scene: Scene, images: str, precision: str) -> str:
    """Seconds of ten networks one by one, of which two are timed, and side by side."""
    data, replicas = scene.data(images, 20_000), 2 if scene.rehearsal else 10
    recipe = Recipe(epochs=1, learning_rate=1e-3, precision=precision)  # type: ignore[arg-type]
    one = clocked(scene, partial(trained, name, data, recipe)) * replicas
    together = clocked(scene, partial(side, name, data, recipe, replicas))
    return f"{precision} {one:.2f} s one by one, {together:.2f} s side by side, {one / together:.1f}x"


def precisions(scene: Scene) -> tuple[str, ...]:
    """Those that are timed."""
    return ("fp32",) if scene.rehearsal else ("fp32", "bf16")


def clocked(scene: Scene, work: Callable[[], object]) -> float:
    """Seconds of the second time."""
    seconds = 0.0
    for _ in range(2):
        scene.wait()
        start = time.perf_counter()
        work()
        scene.wait()
        seconds = time.perf_counter() - start
    return seconds


def masked(inputs: Tensor, replicas: int) -> Tensor:
    """Other images for each replica: `(r, n, c, h, w)`."""
    noise = torch.rand(replicas, *inputs.shape, generator=generator("masks"))
    return inputs * (noise < 0.7).to(inputs)


def same(one: nn.Module, other: nn.Module, **tolerance: float) -> None:
    """Weights and running averages are equal up to rounding."""
    a, b = ({name: value.cpu() for name, value in network.state_dict().items()} for network in (one, other))
    torch.testing.assert_close(a, b, **(CLOSE | tolerance))


@contextmanager
def recording() -> Iterator[None]:
    """Steps on a card are recorded; that one cannot be is an error."""
    os.environ[graphs.SWITCH] = "1"
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("error", message="no CUDA graph")
            yield
    finally:
        del os.environ[graphs.SWITCH]


def tried(piece: Callable[[Scene], str], device: str, data_root: Path) -> str:
    """What a piece says, in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        return piece(Scene(device, data_root, Path(folder)))
