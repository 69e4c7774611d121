"""What a question asks for."""

import pytest

from rag.language.asking import AnswerKind, answer_kind, wanted, with_who


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("Máy giảm đau được thiết kế như thế nào?", AnswerKind.MANNER),
        ("Không may gặp nạn thì nên làm gì?", AnswerKind.OTHER),
        ("Trung tâm AI đặt ở đâu?", AnswerKind.PLACE),
        ("AI là gì?", AnswerKind.OTHER),
        ("Ai là Bộ trưởng?", AnswerKind.PERSON),
        ("co may tinh", AnswerKind.NUMBER),
        ("Số lượng cá thể biến đổi như thế nào?", AnswerKind.MANNER),
    ],
)
def test_a_word_that_only_looks_like_a_question_word_is_none(question: str, kind: AnswerKind) -> None:
    assert answer_kind(question) is kind


@pytest.mark.parametrize(
    ("question", "told", "not_told"),
    [
        ("Bà ấy sinh năm nào?", "Bà sinh năm 1975 tại Huế.", "Bà sinh tại Huế."),
        ("Hội thảo diễn ra ngày nào?", "Hội thảo mở sáng 29/10.", "Hội thảo mở cửa cho mọi người."),
        ("Học phí là bao nhiêu tiền?", "Học phí là 12,5 triệu đồng.", "Học phí nộp theo 2 đợt."),
        ("hoc phi la bao nhieu tien", "Học phí là 12,5 triệu đồng.", "Học phí nộp theo 2 đợt."),
        ("Ông ấy bao nhiêu tuổi?", "Ông 54 tuổi.", "Ông làm việc 20 năm."),
        ("Khóa học kéo dài bao lâu?", "Khóa học kéo dài bốn năm.", "Khóa học do khoa Luật mở."),
        ("Bao nhiêu phần trăm doanh nghiệp dùng AI?", "Có 12,3% doanh nghiệp dùng AI.", "Có 300 doanh nghiệp dùng AI."),
        ("Mô hình có bao nhiêu tham số?", "Mô hình có 31 tỷ tham số.", "Exaone 4.0 ra mắt năm 2025."),
        ("AI4VN 2023 có bao nhiêu đại biểu?", "AI4VN 2023 đón 500 đại biểu.", "AI4VN 2023 họp tại Hà Nội."),
        ("Lớp có mấy cố vấn?", "Mỗi lớp có một cố vấn.", "Cố vấn gặp sinh viên ở lớp."),
    ],
)
def test_an_answer_holds_what_is_asked_for(question: str, told: str, not_told: str) -> None:
    assert wanted(question).is_in(told, question)
    assert not wanted(question).is_in(not_told, question)


@pytest.mark.parametrize(
    ("question", "sentence"),
    [
        ("Sao Hỏa là hành tinh thứ mấy?", "Sao Hỏa đứng ngay sau Trái Đất."),
        ("Vì sao LG không chạy theo quy mô?", "LG muốn tiết kiệm."),
        ("Ai là Bộ trưởng?", "Bộ trưởng đã đến."),
        ("Khi nào hội thảo kết thúc?", "Hội thảo kết thúc sau bữa trưa."),
    ],
)
def test_where_nothing_can_be_demanded_any_sentence_will_do(question: str, sentence: str) -> None:
    assert wanted(question).is_in(sentence, question)


@pytest.mark.parametrize(
    ("question", "told"),
    [
        ("Ai là Bộ trưởng?", "Người nào là Bộ trưởng?"),
        ("Ông Tô Lâm gặp ai ở Anh?", "Ông Tô Lâm gặp người nào ở Anh?"),
        ("Luật AI do ai soạn ở Huế?", "Luật AI do người nào soạn ở Huế?"),
        # Whoever types so may mean either.
        ("luật ai có từ khi nào?", "luật ai có từ khi nào?"),
        ("skt xay trung tam du lieu AI voi ai?", "skt xay trung tam du lieu AI voi ai?"),
        ("Ai là gì?", "Ai là gì?"),
        ("Bác Hai đi đâu?", "Bác Hai đi đâu?"),
    ],
)
def test_who_is_told_apart_from_ai_where_texts_speak_of_it(question: str, told: str) -> None:
    assert with_who(question, ["Trời đẹp.", "Luật về AI."]) == told
    assert with_who(question, ["Ai cũng biết.", "Hai người.", "HAI"]) == question
