"""The check: what each sentence rests on, whatever the generator claimed."""

import pytest

from rag.citations import PARTIAL_NOTE, UNSUPPORTED_NOTE, check_answer
from rag.config import Unsupported
from rag.types import Chunk, Evidence, ScoredChunk, Support

AX = "A.X 4.0 được phát triển dựa trên mô hình nguồn mở Qwen 2.5 của Alibaba Cloud. SKT mở mã nguồn A.X 3.1 hồi mùa hè."
LAB = "Hàn Quốc sẽ đầu tư tổng cộng 94,6 tỷ won vào Phòng thí nghiệm AI quốc gia từ nay đến năm 2028. Seoul là thủ đô."


def passage(text: str, doc_id: str, start: int = 0) -> ScoredChunk:
    return ScoredChunk(Chunk(f"{doc_id}-0", doc_id, text, start, start + len(text)), 1.0, "Tin", f"{doc_id}.txt")


PASSAGES = [passage(AX, "ax", start=100), passage(LAB, "lab")]


def test_a_quotation_is_supported_by_its_exact_words() -> None:
    quoted = "SKT mở mã nguồn A.X 3.1 hồi mùa hè."
    checked = check_answer(f"{quoted} [1]", PASSAGES)
    assert checked.text == f"{quoted} [1]"
    (sentence,) = checked.sentences
    assert (sentence.text, sentence.support, sentence.citations) == (quoted, Support.SUPPORTED, (1,))
    (citation,) = checked.citations
    assert (citation.doc_id, citation.quote, citation.start_char) == ("ax", quoted, 100 + AX.index(quoted))
    assert citation.end_char - citation.start_char == len(quoted)


def test_a_short_answer_cites_the_whole_sentence_that_it_stands_in() -> None:
    quotation = AX[: AX.index(" SKT")]
    checked = check_answer(f"Qwen 2.5 của Alibaba Cloud [1]\n{quotation} [1]", PASSAGES)
    assert checked.text == f"Qwen 2.5 của Alibaba Cloud [1]\n{quotation} [1]"
    assert [citation.quote for citation in checked.citations] == [quotation]
    assert [sentence.support for sentence in checked.sentences] == [Support.SUPPORTED] * 2


TWICE = "Luật có hiệu lực từ năm 2025. Nghị định có hiệu lực từ năm 2026."


@pytest.mark.parametrize(("short", "told"), [("có hiệu lực", 1), ("2026", 1), ("2025", 0), ("hiệu lực từ năm", 0)])
def test_of_the_sentences_that_hold_a_short_answer_the_one_that_is_told_is_cited(short: str, told: int) -> None:
    start = TWICE.index("Nghị định")
    sentence = (TWICE[: start - 1], TWICE[start:])[told]
    checked = check_answer(f"{short} [1]\n{sentence} [1]", [passage(TWICE, "a")])
    assert [citation.quote for citation in checked.citations] == [sentence]


def test_words_inside_longer_words_are_no_quotation() -> None:
    text = "Ông Nam Sơn sống ở đây từ lâu. Bà Na Sơ rời đi."
    (citation,) = check_answer("Na Sơ [1]", [passage(text, "a")]).citations
    assert citation.quote == "Bà Na Sơ rời đi."


@pytest.mark.parametrize(
    "text",
    [
        "A.X 4.0 dựa trên mô hình Qwen 2.5 của Alibaba Cloud [1].",
        "A.X 4.0 dựa trên mô hình Qwen 2.5 của Alibaba Cloud. [1]",
        "[1] A.X 4.0 dựa trên mô hình Qwen 2.5 của Alibaba Cloud.",
        "A.X 4.0 dựa trên mô hình Qwen 2.5【1】 của Alibaba Cloud.",
        "A.X 4.0 dựa trên mô hình Qwen 2.5 của Alibaba Cloud [Đoạn 1].",
        "A.X 4.0 dựa trên mô hình Qwen 2.5 của Alibaba Cloud [2].",
        "A.X 4.0 dựa trên mô hình Qwen 2.5 của Alibaba Cloud [5].",
        "A.X 4.0 dựa trên mô hình Qwen 2.5 của Alibaba Cloud [0].",
        "A.X 4.0 dựa trên mô hình Qwen 2.5 của Alibaba Cloud.",
        "A.X 4.0 dựa trên mô hình Qw[1]en 2.5 của Alibaba Cloud.",
    ],
)
def test_a_citation_is_read_or_repaired_however_it_is_written(text: str) -> None:
    checked = check_answer(text, PASSAGES)
    assert [(sentence.support, sentence.citations) for sentence in checked.sentences] == [(Support.SUPPORTED, (1,))]
    assert checked.sentences[0].text == "A.X 4.0 dựa trên mô hình Qwen 2.5 của Alibaba Cloud."
    assert checked.citations[0].doc_id == "ax"
    assert checked.text.endswith("Alibaba Cloud. [1]")


@pytest.mark.parametrize(
    "text",
    [
        "Hàn Quốc sẽ đầu tư 95 tỷ won vào Phòng thí nghiệm AI quốc gia [2].",
        "Nhật Bản sẽ đầu tư 94,6 tỷ won vào Phòng thí nghiệm AI quốc gia [2].",
        "Hàn Quốc sẽ đầu tư 94,6 tỷ won vào Phòng thí nghiệm AI quốc gia đến năm 2030 [2].",
        "Hàn Quốc sẽ không đầu tư 94,6 tỷ won vào Phòng thí nghiệm AI quốc gia [2].",
    ],
)
def test_a_wrong_number_name_or_negation_is_never_supported(text: str) -> None:
    checked = check_answer(text, PASSAGES)
    assert [sentence.support for sentence in checked.sentences] == [Support.PARTIAL]
    assert checked.text.endswith(f"[1] {PARTIAL_NOTE}")


def test_the_same_number_in_another_spelling_is_supported() -> None:
    (sentence,) = check_answer("Hàn Quốc đầu tư 94.6 tỉ won vào phòng thí nghiệm AI quốc gia.", PASSAGES).sentences
    assert sentence.support is Support.SUPPORTED


def test_a_sentence_without_support_is_marked_and_cites_nothing() -> None:
    checked = check_answer("Phở bò nấu từ xương ống và hoa hồi [1].", PASSAGES)
    assert checked.sentences[0].support is Support.UNSUPPORTED
    assert checked.sentences[0].citations == ()
    assert checked.citations == ()
    assert checked.text == f"Phở bò nấu từ xương ống và hoa hồi. {UNSUPPORTED_NOTE}"


def test_each_span_has_one_number_and_numbers_follow_the_text() -> None:
    first = "Hàn Quốc sẽ đầu tư tổng cộng 94,6 tỷ won vào Phòng thí nghiệm AI quốc gia từ nay đến năm 2028."
    second = "SKT mở mã nguồn A.X 3.1 hồi mùa hè."
    checked = check_answer(f"{first} [2] {second} [1] {first} [2]", PASSAGES)
    assert [citation.number for citation in checked.citations] == [1, 2]
    assert [citation.doc_id for citation in checked.citations] == ["lab", "ax"]
    assert [sentence.citations for sentence in checked.sentences] == [(1,), (2,), (1,)]


def test_a_sentence_that_joins_two_passages_cites_both() -> None:
    text = "A.X 4.0 dựa trên Qwen 2.5 của Alibaba Cloud, còn Hàn Quốc đầu tư tổng cộng 94,6 tỷ won đến năm 2028 [1][2]."
    (sentence,) = check_answer(text, PASSAGES).sentences
    assert sentence.support is Support.SUPPORTED
    assert len(sentence.citations) == 2


def test_every_quote_is_verbatim_in_its_passage() -> None:
    text = "Seoul là thủ đô. Hàn Quốc đầu tư 94,6 tỷ won đến năm 2028. Qwen 2.5 là mô hình của Alibaba Cloud."
    for citation in check_answer(text, PASSAGES).citations:
        chunk = next(scored.chunk for scored in PASSAGES if scored.chunk.doc_id == citation.doc_id)
        assert (
            chunk.text[citation.start_char - chunk.start_char : citation.end_char - chunk.start_char] == citation.quote
        )


@pytest.mark.parametrize("text", ["", "   ", "[1]", "…"])
def test_an_answer_without_words_has_no_supported_sentence(text: str) -> None:
    assert all(sentence.support is Support.UNSUPPORTED for sentence in check_answer(text, PASSAGES).sentences)


@pytest.mark.parametrize(
    ("text", "wording"),
    [
        ("UBND TP HCM ban hành quyết định năm 2024.", "Ủy ban nhân dân TP HCM ban hành quyết định năm 2024."),
        ("Ủy ban nhân dân TP HCM ban hành quyết định vào năm 2024.", "UBND TP HCM ban hành quyết định năm 2024."),
        ("Thành phố có 21 quận vào thế kỷ 20.", "Vào thế kỷ XX, thành phố có hai mươi mốt quận."),
    ],
)
def test_other_spellings_of_a_name_or_number_are_the_same(text: str, wording: str) -> None:
    (sentence,) = check_answer(text, [passage(wording, "a")]).sentences
    assert sentence.support is Support.SUPPORTED


INVENTED = "Phở bò nấu từ xương ống và hoa hồi."
KEPT = "SKT mở mã nguồn A.X 3.1 hồi mùa hè."
QUOTE = Evidence(1, LAB.index("Seoul"), len(LAB), LAB[LAB.index("Seoul") :], 0.8)


def test_a_sentence_without_support_can_be_left_out() -> None:
    checked = check_answer(f"{INVENTED} [1] {KEPT} [1]", PASSAGES, Unsupported.DROP, (QUOTE,))
    assert checked.text == f"{KEPT} [1]"
    assert [sentence.text for sentence in checked.sentences] == [KEPT]


def test_a_sentence_without_support_can_give_way_to_a_quotation() -> None:
    checked = check_answer(f"{KEPT} [1] {INVENTED} {INVENTED}", PASSAGES, Unsupported.QUOTE, (QUOTE,))
    assert checked.text == f"{KEPT} [1] {QUOTE.text} [2]"
    assert checked.citations[1].quote == QUOTE.text
    assert checked.citations[1].start_char == QUOTE.start_char


@pytest.mark.parametrize("unsupported", [Unsupported.DROP, Unsupported.QUOTE])
def test_an_answer_that_is_all_invented_becomes_the_quotation(unsupported: Unsupported) -> None:
    checked = check_answer(INVENTED, PASSAGES, unsupported, (QUOTE,))
    assert [(sentence.text, sentence.support) for sentence in checked.sentences] == [(QUOTE.text, Support.SUPPORTED)]


def test_the_number_of_an_item_is_no_claim() -> None:
    text = f"1. {KEPT} [1]\n2) A.X 4.0 dựa trên Qwen 2.5 của Alibaba Cloud. [1]"
    checked = check_answer(text, PASSAGES)
    assert [sentence.support for sentence in checked.sentences] == [Support.SUPPORTED, Support.SUPPORTED]
    assert checked.text.startswith(f"1. {KEPT} [1]\n2) A.X 4.0")
