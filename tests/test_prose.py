"""The laws of what users read: short sentences, plain words. How sentences are counted is tested here, too."""

import re

import pytest

from tests import prose

GROUPS = prose.groups()
RIDDLES = re.compile(
    r"told apart|tell apart|\btells? (?:the|no|nearly all of the|less of the) class|\bspells? (?:out )?the class"
    r"|\blooked at\b|\bstands? for\b|\bone's own\b|shown to beat|\bwhat is left of\b|\bin one go\b|\bfor want of\b"
    r"|\bat a scale that\b|\bknows no network\b|\bhand(?:s|ed)? round\b",
    re.IGNORECASE,
)
"""Phrases that stood where a term of the field belongs: significant, label leakage, permutation."""


@pytest.mark.parametrize("name", GROUPS)
def test_no_sentence_has_more_than_25_words(name: str) -> None:
    assert not [sentence for sentence in GROUPS[name] if prose.words(sentence) > prose.LONGEST]


@pytest.mark.parametrize("name", [name for name in GROUPS if name != "docs/results/words.md"])  # which lists them
def test_no_riddle_stands_where_a_term_belongs(name: str) -> None:
    assert not [sentence for sentence in GROUPS[name] if RIDDLES.search(sentence)]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("This is one. Two is here. Is it three? Yes it is!", 4),
        ("Hooker et al. 2019, s. 3, and Fig. 2 vs. Fig. 3.", 1),
        ("A training takes 34 s. Another takes 12 s.", 2),
        ("Values of 0.5 and 1.25 are kept, e.g. in v1.2.", 1),
    ],
)
def test_sentences_end_where_readers_stop(text: str, count: int) -> None:
    assert len(prose.sentences(text)) == count


def test_code_is_one_word_and_a_link_is_what_it_says() -> None:
    assert prose.words(prose.plain("Run `report --out DIR` as [the page](docs/a.md#b) says, in **bold**.")) == 8


def test_blocks_headings_and_numbers_are_no_prose() -> None:
    blocks = (
        "# A heading of words",
        "```\nnot a sentence here\n```",
        "| a cell of words | 1.0 |",
        "    code by indent",
    )
    markdown = "\n\n".join(blocks)
    assert [s for paragraph in prose.paragraphs(markdown) for s in prose.sentences(paragraph)] == ["a cell of words"]


def test_items_of_a_list_are_sentences_by_themselves() -> None:
    items = "- the first of them\n  goes on here\n- the second of them\n"
    found = [s for paragraph in prose.paragraphs(items) for s in prose.sentences(paragraph)]
    assert found == ["the first of them goes on here", "the second of them"]


def test_a_page_is_read_without_its_script_and_figures() -> None:
    hidden = "<h2>A long heading here</h2><script>not read at all</script>"
    html = f"{hidden}<p>It is <b>all</b> one.</p><p>And two of them.</p>"
    assert prose.page(html) == ["It is all one.", "And two of them."]
