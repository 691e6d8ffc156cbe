"""What a user types, and what comes back."""

import importlib
import os
import shlex
import subprocess
import sys
import typing
from pathlib import Path

import pytest

from roarbench import run_benchmark
from roarbench.benchmark.commands.helped import examples
from roarbench.benchmark.matrix import plan, presets
from roarbench.benchmark.matrix.arguments import prepared, switches
from roarbench.benchmark.matrix.plugins import plugin
from roarbench.benchmark.matrix.work import counted

pytestmark = pytest.mark.usefixtures("unillustrated")

PROJECT = Path(__file__).parents[1]


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["list"]])
def test_help_and_list_answer_without_torch(arguments: list[str]) -> None:
    code = f"""import sys, time, run_benchmark
try: run_benchmark.main({arguments})
except SystemExit: pass
assert 'torch' not in sys.modules
assert time.process_time() < 5  # a third of a second on a quiet machine"""
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout


WRONG = [
    ["run", "--explainers", "gradeint"],
    ["run", "--explainers", "absent:Mine"],
    ["run", "--datasets", "minst"],
    ["run", "--data-root", "/dev/null/nowhere"],
    ["run", "--out", "/dev/null/nowhere"],
    ["status", "--out", "/dev/null/nowhere"],
    ["report", "--out", "/dev/null/nowhere"],
    ["report", "--compare", "/dev/null/one", "/dev/null/other"],
    ["export", "gradient", "maps.npz", "--out", "/dev/null/nowhere"],
]
"""Wrong names and paths."""

HEAVY = ("torch", "torchvision", "captum", "scipy", "pandas", "matplotlib", "sklearn")
"""Packages that take seconds to load."""


def without_heavy_packages(commands: list[list[str]], folder: Path) -> tuple[list[str], str]:
    """Lines that commands print in a process that may load no package that takes seconds, and their statuses."""
    code = f"""import sys
sys.path.insert(0, {str(PROJECT)!r})
from roarbench import run_benchmark
statuses = [run_benchmark.main(words) for words in {commands}]
assert not {{*{HEAVY}}} & {{*sys.modules}}, {{*{HEAVY}}} & {{*sys.modules}}
print(statuses)"""
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    *lines, statuses = done.stdout.splitlines()
    return lines, statuses


def test_a_wrong_name_or_path_is_refused_before_anything_heavy_is_loaded(tmp_path: Path) -> None:
    assert without_heavy_packages(WRONG, tmp_path) == ([], str([2] * len(WRONG)))
    assert not [*tmp_path.iterdir()]


OWN = """from dataclasses import dataclass
import torch

@dataclass(frozen=True)
class Mine:
    def prepare(self, classifier, train):
        return lambda inputs, targets: inputs
"""


@pytest.mark.parametrize("explainers", [["random", "gradient"], ["random", "mine:Mine"]])
def test_a_finished_run_answers_as_before_without_anything_heavy(
    explainers: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "mine", raising=False)
    small = ["--classifiers", "linear", "--seeds", "1", "--fractions", "0.5", "--epochs", "1", "--workers", "0"]
    run = ["run", *small, "--explainers", *explainers, "--out", "run"]
    assert run_benchmark.main(run) == 0
    printed = capsys.readouterr().out.splitlines()
    lines, statuses = without_heavy_packages([run, ["status", "--out", "run"]], tmp_path)
    assert lines[: len(printed)] == printed and statuses == "[0, 0]"
    (tmp_path / "mine.py").write_text(OWN.replace("inputs\n", "-inputs\n"))
    monkeypatch.delitem(sys.modules, "mine", raising=False)
    assert run_benchmark.main(run) == (2 if "mine:Mine" in explainers else 0)


def test_the_list_names_every_kind_of_plug_in(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_benchmark.main(["list"]) == 0
    shown = capsys.readouterr().out
    for word in ("datasets", "fashion_mnist", "cnn_small", "guided_backprop", "image_mean", "presets", "roar_toy"):
        assert word in shown


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--explainers", "gradeint"], "did you mean 'gradient'"),
        (["--datasets", "minst"], "did you mean 'mnist'"),
        (["--classifiers", "cnn_smal"], "did you mean 'cnn_small'"),
        (["--fills", "meen"], "did you mean 'mean'"),
        (["--fractions", "0.1", "30"], "--fractions must lie in [0, 1], got 30; did you mean 0.3?"),
        (["--mask-fractions", "1.5"], "--mask-fractions must lie in [0, 1], got 1.5\n"),
        (["--seeds", "0"], "seeds"),
        (["--epochs", "0"], "--epochs must be positive"),
        (["--learning-rate", "-1"], "--learning-rate must be positive"),
        (["--recipe.epochs", "3"], "did you mean --epochs?"),
        (["--retrain", "yes"], "Expected one of (true, false)"),
        (["--config", "quik"], "did you mean 'quick'"),
        (["--config", "no_such.toml"], "neither a preset nor a .toml file"),
        (["--config"], "config"),
        (["--orders", "mrof"], "invalid choice 'mrof'"),
        (["--fractions", "abc"], "error: --fractions: needs a value of another kind, got 'abc'"),
        (["--seeds", "two"], "two"),
        (["--explainer", "random"], "--explainer"),
        (["--classifiers", "cnn_small[width=0]"], "cannot be trained on digits"),
        (["--classifiers", "resnet8[width=-3]"], "cannot be trained on digits"),
        (["--device", "gpu"], "device 'gpu' cannot be used here"),
        (["--workers", "-1"], "workers must be at least 0"),
        (
            ["--datasets", "mnist", "--data-root", "/dev/null/nowhere"],
            "--data-root must be a folder, got /dev/null/nowh",
        ),
        (["--datasets", "arrays[path=missing.npz]"], "missing.npz"),
        (["--datasets", "image_folder[root=missing]"], "missing"),
        (["--datasets", "roar_toy"], "needs images"),
        (["--datasets", "roar_toy", "--classifiers", "mlp", "--augmentation", "shift_flip"], "needs images"),
        (["--optimiser", "least_squares"], "use the classifier linear"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing_behind(
    arguments: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    small = [] if {"--seeds", "--fractions"} & {*arguments} else ["--seeds", "1", "--fractions", "0.5"]
    assert run_benchmark.main(["run", "--out", "out", *small, *arguments]) == 2
    message = capsys.readouterr().err
    assert said in message
    assert message.startswith("error: ")
    assert message.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("command", ["status", "report"])
def test_a_folder_without_a_run_is_one_line(command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_benchmark.main([command, "--out", str(tmp_path / "none")]) == 2
    assert capsys.readouterr().err.startswith("error: no run in")
    assert not (tmp_path / "none").exists()


@pytest.mark.usefixtures("unreported")
def test_another_matrix_in_the_folder_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small = ["run", "--classifiers", "linear", "--seeds", "1", "--fractions", "0.5", "--epochs", "1", "--workers", "0"]
    assert run_benchmark.main([*small, "--explainers", "random", "--out", str(tmp_path)]) == 0
    assert run_benchmark.main([*small, "--explainers", "sobel", "--out", str(tmp_path)]) == 2
    assert "holds another matrix" in capsys.readouterr().err
    assert run_benchmark.main(["status", "--out", str(tmp_path)]) == 0
    assert "13 done" in capsys.readouterr().out


def test_a_dry_run_counts_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("roarbench.benchmark.cost.sample.LIMIT", 0.02)  # timings are not the subject
    some = ["random", "gradient", "integrated_gradients"]
    assert run_benchmark.main(["run", "--dry-run", "--out", str(tmp_path / "out"), "--explainers", *some]) == 0
    shown = capsys.readouterr().out
    assert "405 cells" in shown
    assert "111 networks retrained from scratch, 18 of them on masks alone" in shown
    assert not (tmp_path / "out").exists()


def test_the_default_matrix_is_as_large_as_it_was_planned() -> None:
    counts = counted(plan.cells(presets.load("quick")))
    assert "3375 cells" in counts
    assert "942 networks retrained from scratch, 156 of them on masks alone" in counts


def test_true_and_false_are_written_as_in_a_preset(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [
        "--retrain",
        "true",
        "false",
        "--explainers",
        "random",
        "--seeds",
        "1",
        "--fractions",
        "0.5",
        "--dry-run",
        "--measures",
        "--mask-fractions",
        "--unretrained-fills",
    ]
    assert run_benchmark.main(["run", *words]) == 0
    assert "8 cells" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "ready"),
    [
        (["--reference", "true"], ["--reference"]),
        (["--dry-run", "false", "--seeds", "1"], ["--no-dry-run", "--seeds", "1"]),
        (["--dry_run", "False"], ["--no-dry_run"]),
        (["--retrain", "true", "false"], ["--retrain", "True", "False"]),
        (["--dry-run"], ["--dry-run"]),
    ],
)
def test_a_switch_may_be_followed_by_true_or_false(words: list[str], ready: list[str]) -> None:
    assert prepared(words, switches(run_benchmark.KINDS)) == ready


def test_a_terminal_without_the_signs_of_a_table_gets_it_all_the_same() -> None:
    code = "from roarbench import run_benchmark; run_benchmark.main(['--version']); print('± ⚑ – é')"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, capture_output=True, env=os.environ | {"PYTHONIOENCODING": "ascii"}
    )
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, b"+- ! - ?")


def test_a_reader_that_closes_the_pipe_is_no_bad_input() -> None:
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} run_benchmark.py list | head -1; exit ${{PIPESTATUS[0]}}"],
        cwd=PROJECT, capture_output=True, text=True,
    )  # fmt: skip
    assert done.stderr == ""
    assert done.returncode in (0, run_benchmark.CLOSED_PIPE)  # 0 where all was written before the pipe was closed


def test_a_preset_saved_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    (tmp_path / "my.toml").write_text("# mine\nseeds = 2\n", encoding="utf-8-sig")
    assert presets.load(str(tmp_path / "my.toml")).seeds == 2


@pytest.mark.parametrize("name", ["SmoothGrad", "smooth-grad", "SMOOTHGRAD"])
def test_names_are_known_however_their_letters_are_written(name: str) -> None:
    assert plugin(f"{name}[samples=3]", "explainer") == plugin("smoothgrad[samples=3]", "explainer")
    assert plugin(name, "explainer").text == "smoothgrad"


@pytest.mark.whole
def test_runs_are_merged_compared_and_watched(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    common = ["--seeds", "1", "--fractions", "0.5", "--classifiers", "mlp[width=8,hidden_layers=1]", "--workers", "0"]
    off = ["--evaluator", "false", "--mask-fractions", "--unretrained-fills", "--measures"]
    for name, explainers in (("a", ["random"]), ("b", ["random", "gradient"])):
        out = str(tmp_path / name)
        assert run_benchmark.main(["run", *common, *off, "--explainers", *explainers, "--out", out]) == 0
    a, b, both = (str(tmp_path / name) for name in ("a", "b", "both"))
    assert run_benchmark.main(["report", "--merge", a, b, "--out", both, "--watch"]) == 0
    assert "0 cells to do" in capsys.readouterr().err
    assert (tmp_path / "both" / "report" / "leaderboard.json").exists()
    assert run_benchmark.main(["report", "--compare", a, both]) == 0
    assert "B - A" in capsys.readouterr().out
    assert run_benchmark.main(["report", "--merge", a, b, "--out", both]) == 2
    assert "holds a run already" in capsys.readouterr().err


def test_a_report_that_cannot_be_is_refused_before_the_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_benchmark.main(["run", "--baseline", "sobell", "--out", str(tmp_path / "run")]) == 2
    assert "did you mean 'sobel'" in capsys.readouterr().err and not (tmp_path / "run").exists()


FAMILIES = ("", *run_benchmark.FAMILIES)
EXAMPLES = [
    (family, command, line) for family in FAMILIES for command, lines in examples(family).items() for line in lines
]


@pytest.mark.parametrize("family", FAMILIES)
def test_every_command_has_two_examples(family: str) -> None:
    listed = options_of(family)
    assert set(examples(family)) | set(run_benchmark.FAMILIES) >= listed
    assert all(len(lines) == 2 for lines in examples(family).values())


@pytest.mark.parametrize(("family", "command", "line"), EXAMPLES)
def test_examples_are_commands_that_parse(family: str, command: str, line: str) -> None:
    program, *words = shlex.split(line)
    assert program == "roarbench"
    parsed = run_benchmark.parsed(words)
    assert not family or parsed


def options_of(family: str) -> set[str]:
    """Names of the commands of a family."""
    module = importlib.import_module(run_benchmark.FAMILIES[family]) if family else run_benchmark
    members = typing.get_args(module.commands(None))
    return {typing.get_args(member)[1].name for member in members}
