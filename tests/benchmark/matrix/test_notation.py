"""How plug-ins are written: what is written back is read again, whatever a value holds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roarbench.benchmark.matrix.notation import parse, quoted
from roarbench.benchmark.matrix.plugins import plugin
from roarbench.benchmark.matrix.spec import key

VALUES = st.text(st.sampled_from("ab,[]=\"' %#ü\n"), max_size=9)


@given(value=VALUES)
def test_a_quoted_value_is_read_back_alone_among_others_and_nested(value: str) -> None:
    inner = f"inner[p={quoted(value)}]"
    assert parse(inner) == ("inner", {"p": value})
    assert parse(f"outer[first=1,base={inner},last=2]") == ("outer", {"first": "1", "base": inner, "last": "2"})


@pytest.mark.parametrize("value", ["photos", "x=1", "v[2]", "my data/ünï", "50% & #1_", "o'brien", "/a/b.npz", "0.5"])
def test_what_needs_no_quotes_gets_none(value: str) -> None:
    assert quoted(value) == value


@pytest.mark.parametrize(
    "text", ["""f[root="a,b",size=3]""", """f[root='a,b',size=3]""", """f[ root = "a,b" , size=3 ]"""]
)
def test_either_quote_lets_a_comma_into_a_value(text: str) -> None:
    assert parse(text) == ("f", {"root": "a,b", "size": "3"})


@pytest.mark.parametrize("value", ["a,b", "v[2", "x=1", " 50% & #1_", 'say "it\'s"', "my data/ünï"])
def test_the_text_of_a_data_set_is_read_as_the_same_data_set(value: str) -> None:
    identity = plugin(f"image_folder[root={quoted(value)},size=32]", "dataset")
    assert dict(identity.parameters)["root"] == value
    again = plugin(identity.text, "dataset")
    assert (key(again), again.text) == (key(identity), identity.text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("image_folder[root=a,b]", r"got 'b'; a value with commas or brackets needs quotes"),
        ("image_folder[root=a]b[c]", "needs quotes"),
        ("""image_folder[root="a"b]""", "a quote at both its ends"),
        ("""image_folder[root="a]""", "a quote at both its ends"),
    ],
)
def test_what_does_not_add_up_is_said_with_the_remedy(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse(text)
