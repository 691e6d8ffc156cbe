"""Names to things, and what a user sees when a name is wrong."""

from pathlib import Path

import pytest

from roarbench.benchmark.matrix.described import measure, summary
from roarbench.benchmark.matrix.plugins import TABLES, build, check_name, plugin
from roarbench.benchmark.matrix.spec import PlugIn, key
from tests.values import NAMES, compulsory, types, written

every = pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, table in TABLES.items() for name in table])


def test_defaults_are_part_of_the_identity_but_not_of_the_text() -> None:
    short, long = plugin("smoothgrad", "explainer"), plugin("smoothgrad[samples=15,base=gradient]", "explainer")
    assert short == long
    assert key(short) == key(long)
    assert long.text == "smoothgrad"


def test_a_dotted_path_to_a_known_plug_in_is_the_same_plug_in() -> None:
    assert plugin("roarbench.methods.gradient:Gradient", "explainer") == plugin("gradient", "explainer")


def test_plug_ins_nest() -> None:
    text = "vargrad[base=integrated_gradients[steps=3],samples=5]"
    identity = plugin(text, "explainer")
    explainer = build(identity, "explainer")
    assert identity.text == text
    assert (explainer.base.steps, explainer.samples) == (3, 5)


@every
def test_every_parameter_of_every_plug_in_changes_its_key(kind: str, name: str) -> None:
    if kind == "measure" and measure(name)["order"] is not None:
        return  # read from curves: not asked for by name
    path = TABLES[kind][name]
    hints = types(path)
    needed = {
        parameter: NAMES.get(getattr(hints[parameter], "__name__", ""), ["a"])[0] for parameter in compulsory(path)
    }
    identity = plugin(_text(name, needed), kind)
    for parameter, _ in identity.parameters:
        texts = [_text(name, needed | {parameter: value}) for value in written(hints[parameter])]
        keys = [key(other) for text in texts if (other := _accepted(text, kind)) and other.text != identity.text]
        assert keys, f"no other value of {name}[{parameter}] was accepted"
        assert key(identity) not in keys, parameter


def _text(name: str, brackets: dict[str, str]) -> str:
    return f"{name}[{','.join(f'{k}={v}' for k, v in brackets.items())}]" if brackets else name


def _accepted(text: str, kind: str) -> PlugIn | None:
    """The plug-in, or None where a value is out of the range of its parameter."""
    try:
        return plugin(text, kind)
    except ValueError:
        return None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("smothgrad", "did you mean 'smoothgrad'"),
        ("smoothgrad[sample=3]", "did you mean 'samples'"),
        ("smoothgrad[samples=many]", r"smoothgrad\[samples\] must be an integer, got 'many'"),
        ("smoothgrad[samples=0]", "samples"),
        ("smoothgrad[samples]", "expected parameter=value"),
        ("smoothgrad[samples=3", "expected name"),
        ("smoothgrad[samples=3,samples=4]", "each parameter once"),
        ("smoothgrad[samples=seed]", "must be an integer, got 'seed'"),
        ("smoothgrad[noise=nan]", "must be a number, got 'nan'"),
        ("roarbench.methods.gradient:Gradient.prepare", "has no class or function"),
        ("smoothgrad[base=nothing]", "unknown explainer 'nothing'"),
        ("no_such_file:Mine", "cannot import 'no_such_file'"),
        ("roarbench.methods.gradient:Mine", "has no class or function 'Mine'"),
    ],
)
def test_what_is_wrong_with_a_name_is_said_in_one_line(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said) as caught:
        plugin(text, "explainer")
    assert "\n" not in str(caught.value)


def test_a_function_of_ones_own_is_written_with_its_file() -> None:
    with pytest.raises(ValueError, match=r"maker must be written with its file, such as my_file:make, got 'make'"):
        plugin("torch_dataset[build=make]", "dataset")


FROZEN = """from dataclasses import dataclass, field

@dataclass(frozen=True)
class Mine:
    def prepare(self, classifier, train): ...
"""


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("def broken(:", "SyntaxError"),
        ("import no_such_module", "no_such_module"),
        ("raise AttributeError('inside')", "inside"),
        ("Mine = 3", "has no class or function 'Mine'"),
        (FROZEN + "    sizes: tuple = (1, 2)\n", r"got the default \(1, 2\)"),
        (FROZEN + "    kept: dict = field(default_factory=dict, init=False)\n", "'kept' must be hashable, got a dict"),
        ("def Mine(classifier, train): ...", "got a function without prepare"),
        ("class Mine:\n    def attribute(self): ...", "got a class without prepare and @dataclass"),
    ],
)
def test_a_users_broken_file_is_one_line(code: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"broken_{abs(hash(code))}"
    (tmp_path / f"{name}.py").write_text(code)
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ValueError, match=said) as caught:
        plugin(f"{name}:Mine", "explainer")
    assert "\n" not in str(caught.value)


def test_a_missing_parameter_is_asked_for() -> None:
    with pytest.raises(ValueError, match=r"image_folder\[root=\.\.\.\]"):
        plugin("image_folder", "dataset")


def test_the_word_seed_works_for_optional_integers(tmp_path: Path) -> None:
    identity = plugin("mnist[train=seed]", "dataset")
    assert dict(identity.parameters)["train"] == "seed"
    assert build(identity, "dataset", seed=7).keywords["train"] == 7


def test_the_word_seed_stands_for_the_seed_of_the_cell(tmp_path: Path) -> None:
    identity = plugin("squares[draw=seed,train=20,test=10]", "dataset")
    first, second, again = (build(identity, "dataset", seed=s)(tmp_path) for s in (0, 1, 0))
    assert not first.train.inputs.equal(second.train.inputs)
    assert first.train.inputs.equal(again.train.inputs)


@every
def test_every_plug_in_says_what_it_is(kind: str, name: str) -> None:
    check_name(name, kind)
    assert summary(kind, name).endswith((".", ")"))


def test_fields_that_came_later_count_once_they_differ_from_their_defaults() -> None:
    names = {name for name, _ in plugin("hide_and_seek", "explainer").parameters}
    assert not names & {"seeker", "seeker_steps"}
    apart = plugin("hide_and_seek[seeker=apart]", "explainer")
    assert dict(apart.parameters)["seeker"] == "apart"
    assert build(apart, "explainer").seeker == "apart"
