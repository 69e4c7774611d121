"""BM25 over a handful of passages: which key finds what."""

from pathlib import Path

import pytest
import tantivy

from rag.language.abbreviations import Abbreviations
from rag.lexical import LexicalIndex, build_lexical, lexical_keys, update_lexical

PASSAGES = (
    "Ủy ban nhân dân thành phố Hồ Chí Minh họp.",
    "UBND tỉnh họp ngày 28/10/2024.",
    "Hội đồng bàn về AI.",
    "Hoà bình và toán học.",
    "Hoa nở, giá 94,6 và 50.000.",
    "Nhân dân đi chợ.",
)


@pytest.fixture(scope="module")
def lexical(tmp_path_factory: pytest.TempPathFactory) -> LexicalIndex:
    folder = tmp_path_factory.mktemp("lexical") / "index"
    build_lexical(folder, enumerate(PASSAGES), len(PASSAGES))
    return LexicalIndex(folder)


def rows(lexical: LexicalIndex, question: str) -> list[int]:
    return [row for row, _ in lexical.search(question, 10)]


def test_keys_are_syllables_and_neighbouring_pairs() -> None:
    assert lexical_keys("Bộ KH&CN họp") == ["bộ", "kh", "cn", "họp", "bộ_kh", "kh_cn", "cn_họp"]


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("UBND", [1, 0, 5, 2]),
        ("ubnd tinh", [1, 0, 5, 2]),
        ("TPHCM", [0]),
        ("TP. HCM", [0]),
        ("trí tuệ nhân tạo", [2, 5, 0]),
        ("28/10/2024", [1]),
        ("94,6", [4]),
        ("50.000", [4]),
        ("94", []),
        ("", []),
    ],
)
def test_a_question_finds_passages_under_either_spelling(
    lexical: LexicalIndex, question: str, expected: list[int]
) -> None:
    assert rows(lexical, question) == expected


def test_a_reading_finds_its_abbreviation_before_passages_with_a_part_of_it(lexical: LexicalIndex) -> None:
    assert sorted(rows(lexical, "ủy ban nhân dân")[:2]) == [0, 1]
    assert sorted(rows(lexical, "uy ban nhan dan")[:2]) == [0, 1]


def test_the_better_spelling_counts_and_not_their_sum(tmp_path: Path) -> None:
    build_lexical(tmp_path / "index", enumerate(["UBND là ủy ban nhân dân", "Trời đẹp"]), 2)
    known = LexicalIndex(tmp_path / "index").search("UBND ở đâu", 5)
    unknown = LexicalIndex(tmp_path / "index", Abbreviations([])).search("UBND ở đâu", 5)
    assert known == [(0, pytest.approx(unknown[0][1]))]


def test_marks_matter_to_an_accented_question_and_not_to_one_without(lexical: LexicalIndex) -> None:
    assert rows(lexical, "hòa bình") == [3]
    assert rows(lexical, "Hoa nở") == [4]
    assert sorted(rows(lexical, "hoa")) == [3, 4]


@pytest.mark.parametrize("question", ["hoà bìhn", "hoà bìn", "hoà bịnh", "hòa binhh", "hoa bjnh"])
def test_a_slip_is_looked_up_as_what_stands_beside_its_neighbour(lexical: LexicalIndex, question: str) -> None:
    assert rows(lexical, question)[0] == 3


def test_an_unknown_word_without_a_known_neighbour_is_no_slip(lexical: LexicalIndex) -> None:
    assert rows(lexical, "bìhn") == []
    assert rows(lexical, "kakao naver") == []


def test_rows_that_are_taken_out_are_found_no_more_and_new_ones_are(tmp_path: Path) -> None:
    build_lexical(tmp_path / "index", enumerate(["mèo đen", "mèo trắng", "chó trắng"]), 3)
    update_lexical(tmp_path / "index", [1], [(7, "mèo vàng")], 1)
    found = LexicalIndex(tmp_path / "index")
    assert sorted(row for row, _ in found.search("mèo", 9)) == [0, 7]
    assert [row for row, _ in found.search("trắng", 9)] == [2]
    update_lexical(tmp_path / "index", [0, 2, 7], [], 0)
    assert LexicalIndex(tmp_path / "index").search("mèo trắng", 9) == []


def test_many_passages_end_in_one_segment_and_many_more_in_a_second(tmp_path: Path) -> None:
    build_lexical(tmp_path / "index", ((row, f"mèo số {row}") for row in range(20_100)), 20_100)
    assert tantivy.Index.open(str(tmp_path / "index")).searcher().num_segments == 1
    update_lexical(tmp_path / "index", [5], ((row, f"mèo số {row}") for row in range(20_100, 60_000)), 39_900)
    assert tantivy.Index.open(str(tmp_path / "index")).searcher().num_segments == 2
    found = LexicalIndex(tmp_path / "index")
    assert found.passages == 59_999
    assert [rows(found, f"số {row}")[0] for row in (0, 4, 20_099, 20_100, 59_999)] == [0, 4, 20_099, 20_100, 59_999]


def test_more_or_fewer_passages_than_told_are_all_written(tmp_path: Path) -> None:
    for told in (5, 30_000):
        build_lexical(tmp_path / str(told), ((row, f"mèo số {row}") for row in range(25_000)), told)
        assert LexicalIndex(tmp_path / str(told)).passages == 25_000


@pytest.mark.parametrize(
    ("question", "limit"),
    [("con mèo đen của làng", 3), ("con mèo đen của làng", 50), ("của làng", 10), ("xyzzyx của làng", 10)],
)
def test_a_large_index_finds_the_same_though_common_words_find_nothing_alone(
    tmp_path: Path, question: str, limit: int
) -> None:
    passages = [(row, f"Chuyện thứ {row} của làng bên sông.") for row in range(1, 200)]
    passages += [(row, f"Con mèo đen thứ {row} của làng.") for row in range(200, 204)]
    build_lexical(tmp_path / "lexical", passages, len(passages))
    small, large = (LexicalIndex(tmp_path / "lexical", narrowed_from=count) for count in (1000, 100))
    found = large.search(question, limit)
    expected = small.search(question, limit)
    assert len(found) == limit
    assert [score for _, score in found] == pytest.approx([score for _, score in expected])
    assert {row for row, _ in found if row >= 200} == {row for row, _ in expected if row >= 200}
