"""Notes that many tables share are told once; words of the glossary are explained where they are first used."""

import pandas as pd

from roarbench.reports.page.reading import gaps, linked, own, shared
from roarbench.reports.page.tables import sections
from roarbench.reports.page.words import Words, hint
from roarbench.reports.tables.table import Table

BOLD, OWN = "Bold: significantly better than every other.", "Only here."
GAP = "SQ-GRAD, SQ-IG: 15 cells skipped (ranks as gradient: it changes no order)."


def table(name: str, *notes: str) -> Table:
    frame = pd.DataFrame({"gain": ["1.0"]}, index=pd.Index(["GRAD"], name="explainer"))
    return Table(name, f"{name}. A caption.", frame, pd.DataFrame(), notes)


TABLES = [table("a", BOLD, OWN, GAP), table("b", BOLD, GAP), table("c", BOLD, GAP), table("d")]


def test_a_note_of_many_tables_is_told_once() -> None:
    common = shared(TABLES)
    assert [(note.name, note.text, note.everywhere) for note in common.values()] == [
        ("Bold", "Significantly better than every other.", False)
    ]
    (section,) = sections(TABLES, common)
    first, *_, last = section.tables
    assert (first.notes, [note.name for note in first.links], first.gaps) == ([OWN], ["Bold"], "SQ-GRAD and SQ-IG")
    assert (last.notes, last.links, last.gaps) == ([], [], "")


def test_tables_themselves_keep_all_their_notes() -> None:
    sections(TABLES, shared(TABLES))
    assert TABLES[0].notes == (BOLD, OWN, GAP)
    assert all(note.partition(":")[0] in TABLES[0].text() for note in TABLES[0].notes)


def test_notes_of_few_tables_stay_below_them() -> None:
    few = TABLES[:2]
    assert shared(few) == {}
    assert own(few[0].notes, {}) == [BOLD, OWN]


def test_what_all_tables_say_is_not_linked_from_each() -> None:
    everywhere = [table(name, BOLD) for name in "abc"]
    common = shared(everywhere)
    assert linked(everywhere[0].notes, common) == [] and own(everywhere[0].notes, common) == []


def test_gaps_of_several_reasons_are_one_list() -> None:
    assert gaps([GAP, "IG: 1 cell failed (out of memory).", BOLD]) == "SQ-GRAD, SQ-IG and IG"


def test_a_word_is_explained_at_its_first_use_in_each_section() -> None:
    words = Words()
    assert str(words("A gain, a gain.")).count("<abbr") == 1
    assert str(words("A gain.")).count("<abbr") == 0
    words.begin()
    assert str(words("Gain.")).count("<abbr") == 1


def test_abbreviations_are_written_out_once_on_a_page() -> None:
    words = Words()
    assert "(Remove And Retrain)" in words("ROAR")
    words.begin()
    assert "(Remove And Retrain)" not in words("ROAR")
    assert str(words("KAR: Keep And Retrain")).count("Keep And Retrain") == 2  # in the text, and in the tooltip


def test_parts_of_names_are_no_words() -> None:
    assert "<abbr" not in Words()("SG-GB[samples=8] and gains <b>")
    assert "&lt;b&gt;" in Words()("<b>")


def test_headings_of_columns_are_explained() -> None:
    headings = (
        "rank",
        "ROAR",
        "Delta, removed",
        "ROAD, most relevant first",
        "mask leak",
        "t=0.1",
        "F h=0.9",
        "p kept",
    )
    assert all(hint(heading) for heading in headings)
    assert not hint("way")
