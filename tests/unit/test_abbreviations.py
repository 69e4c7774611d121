"""One thing under two spellings: the abbreviation in capitals and what it stands for."""

import json

import pytest

from rag.language.abbreviations import Abbreviations, known_abbreviations, respelled_keys
from rag.relevance.details import not_mentioned
from rag.relevance.features import Rarity, analyse, covered
from rag.text import fold, is_unaccented, syllables
from tests.conftest import ROOT

RARITY = Rarity({}, 120_000)
TOLD = "Ủy ban nhân dân thành phố Hồ Chí Minh họp về trí tuệ nhân tạo."


def found(question: str) -> list[str]:
    spellings = known_abbreviations().spellings(question, folded=is_unaccented(question))
    return [" ".join(spelling.keys) for spelling in spellings]


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("UBND họp khi nào?", ["ubnd"]),
        ("ubnd hop khi nao", ["ubnd"]),
        ("Ủy ban nhân dân họp khi nào?", ["ủy ban nhân dân"]),
        ("uy ban nhan dan hop khi nao", ["uy ban nhan dan"]),
        ("TP. HCM ở đâu?", ["tp hcm"]),
        ("TPHCM ở đâu?", ["tphcm"]),
        ("TP. Đà Nẵng ở đâu?", ["tp"]),
        ("Bộ KH&CN nói gì?", ["kh cn"]),
        ("GS.TS Nguyễn Văn A là ai?", ["gs", "ts"]),
        ("R&D là gì?", ["r d"]),
        ("AI là gì?", ["ai"]),
        ("ai là bộ trưởng?", []),
        ("Ai là bộ trưởng?", []),
        ("AI LÀ BỘ TRƯỞNG?", []),
        ("UBND hay ủy ban nhân dân?", []),
        ("Nhân dân nói gì?", []),
    ],
)
def test_a_question_abbreviates_or_spells_out(question: str, expected: list[str]) -> None:
    assert found(question) == expected


def test_a_spelling_knows_the_others_and_which_of_them_look_like_words() -> None:
    table = Abbreviations([["trí tuệ nhân tạo", "AI"], ["thành phố Hồ Chí Minh", "TP.HCM", "TPHCM"]])
    (reading,) = table.spellings("Trí tuệ nhân tạo", folded=False)
    assert (reading.others, reading.capitals, reading.like_words) == ((), ("AI",), ("ai",))
    (city,) = table.spellings("TPHCM", folded=False)
    assert city.others == (("thành", "phố", "hồ", "chí", "minh"), ("tp", "hcm"))
    assert city.capitals == ()


def test_a_text_is_read_in_the_spelling_of_the_question() -> None:
    table = Abbreviations([["trí tuệ nhân tạo", "AI"], ["ủy ban nhân dân", "UBND"]])
    short = table.spellings("UBND nói gì về AI?", folded=False)
    assert respelled_keys("Uỷ ban nhân dân và trí tuệ nhân tạo", short, folded=False) == ["ubnd", "và", "ai"]
    spelled = table.spellings("tri tue nhan tao o uy ban nhan dan", folded=True)
    told = "AI và Al ở UBND, ai biết?"
    assert " ".join(respelled_keys(told, spelled, folded=True)) == (
        "tri tue nhan tao va tri tue nhan tao o uy ban nhan dan ai biet"
    )


@pytest.mark.parametrize("question", ["UBND TP.HCM họp về AI", "ubnd tphcm hop", "Ủy ban nhân dân TP HCM họp"])
def test_a_text_that_spells_an_abbreviation_out_covers_it(question: str) -> None:
    asked = analyse(question, RARITY)
    assert covered(asked, set(asked.keys_of(TOLD))) == pytest.approx(1.0)
    assert not_mentioned(asked, TOLD, RARITY) == ()


def test_another_council_is_still_not_mentioned() -> None:
    assert not_mentioned(analyse("UBND Hà Nội họp khi nào?", RARITY), TOLD, RARITY) == ("UBND Hà Nội",)
    assert not_mentioned(analyse("HĐND họp", RARITY), TOLD, RARITY) == ("HĐND",)


def test_a_question_without_abbreviations_reads_texts_as_they_are() -> None:
    asked = analyse("Nhân dân họp", RARITY)
    assert asked.spellings == ()
    assert asked.keys_of("UBND họp") == ("ubnd", "họp")


@pytest.mark.parametrize("folded", [False, True])
def test_no_spelling_of_the_table_stands_for_two_things(folded: bool) -> None:
    groups = json.loads((ROOT / "rag" / "language" / "abbreviations.json").read_text(encoding="utf-8"))["groups"]
    keys = [tuple(fold(k) if folded else k for k in syllables(written)) for group in groups for written in group]
    assert sorted({key for key in keys if keys.count(key) > 1}) == []
    assert all(len(syllables(group[0])) > 1 for group in groups)
