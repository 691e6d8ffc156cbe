"""Laws of the glossary."""

from roarbench.reports.rows.glossary import glossary, term


def test_words_are_unique_and_explained_in_short_sentences() -> None:
    spellings = [spelling for entry in glossary() for spelling in (entry.name, *entry.also)]
    assert len(spellings) == len(set(spellings))
    for entry in glossary():
        sentences = entry.text.split(". ")
        assert all(len(sentence.split()) <= 25 for sentence in sentences), entry.name


def test_abbreviations_of_the_field_are_written_out() -> None:
    for word in ("ROAR", "KAR", "RACU", "FIR", "FII", "ROAD", "HnS", "SENN", "MoRF", "LeRF", "GB", "IG"):
        assert (entry := term(word)) is not None
        assert entry.short


def test_spellings_lead_to_one_entry() -> None:
    assert term("morf") == term("MoRF")
    assert term("nowhere") is None
