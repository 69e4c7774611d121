"""What a follow-up takes from the conversation, and what is left alone."""

import pytest

from rag.conversation import questions_in, stand_alone
from rag.types import Turn

GOAL = Turn("Việt Nam đặt mục tiêu gì đến năm 2030?", "Đến năm 2030 vào top 3 ASEAN.")
LAB = Turn("Hàn Quốc đầu tư bao nhiêu tiền?", "Hàn Quốc đầu tư 94,6 tỷ won.")
CONSUL = Turn("Bà Emily Hamblin nói gì?", "Bà nói AI phát triển nhanh.")
ENVOY = Turn("Đại sứ Hàn Quốc là ai?", "Đại sứ Hàn Quốc tại Việt Nam là ông Choi Youngsam.")
HOST = Turn("Cơ quan nào đứng ra tổ chức hội thảo AI?", "Đại sứ quán Anh tổ chức hội thảo.")
WHO = Turn("Ai điều hành Viện Chính sách?", "Viện Chính sách do Lê Thị Thảo điều hành.")
FIRM = Turn("Solar Pro 2 của ai?", "Mô hình Solar Pro 2 do công ty Upstage phát triển.")


@pytest.mark.parametrize(
    ("history", "question", "expected"),
    [
        (GOAL, "Còn năm 2045 thì sao?", "Việt Nam đặt mục tiêu gì đến năm 2045?"),
        (GOAL, "con nam 2045 thi sao", "Việt Nam đặt mục tiêu gì đến năm 2045?"),
        (LAB, "Thế còn Nhật Bản?", "Nhật Bản đầu tư bao nhiêu tiền?"),
        (CONSUL, "Bà ấy giữ chức vụ gì?", "Bà Emily Hamblin giữ chức vụ gì?"),
        (LAB, "Vì sao?", "Hàn Quốc đầu tư tiền: Vì sao?"),
        (LAB, "Mục tiêu là gì?", "Hàn Quốc đầu tư tiền: Mục tiêu là gì?"),
        (HOST, "Tổ chức hôm nào vậy?", "đứng ra tổ chức hội thảo AI: Tổ chức hôm nào vậy?"),
        (HOST, "Buổi đó bàn về cái gì?", "đứng ra tổ chức hội thảo AI: Buổi đó bàn về cái gì?"),
        (HOST, "the no dien ra o dau", "đứng ra tổ chức hội thảo AI: the no dien ra o dau"),
        (HOST, "Thế có bao nhiêu người dự?", "đứng ra tổ chức hội thảo AI: Thế có bao nhiêu người dự?"),
        (ENVOY, "Ông ấy nói gì?", "Choi Youngsam nói gì?"),
        (WHO, "Bà ấy sinh năm nào?", "Lê Thị Thảo sinh năm nào?"),
        (FIRM, "Công ty này ra mắt khi nào?", "Upstage ra mắt khi nào?"),
    ],
)
def test_a_follow_up_is_completed(history: Turn, question: str, expected: str) -> None:
    assert stand_alone(question, [history]) == expected


@pytest.mark.parametrize(
    "question",
    [
        "A.X 4.0 dựa trên mô hình nào?",
        "Upstage ra mắt Solar Pro 2 vào tháng nào năm nào?",
        "Lạm phát là gì?",
        "Thế giới có bao nhiêu người dùng mạng?",
        "Sau đó chính phủ đã ban hành những quy định gì?",
        "Cách trị đau dạ dày tại nhà như thế nào?",
        "Thế nào là một hệ thống công bằng?",
    ],
)
def test_a_new_topic_is_not_dragged_into_the_old_one(question: str) -> None:
    assert stand_alone(question, [GOAL]) == question


def test_follow_ups_follow_each_other() -> None:
    history = [GOAL, Turn("Còn năm 2045 thì sao?", "Không tìm thấy thông tin này trong tài liệu.")]
    assert stand_alone("Còn năm 2050?", history) == "Việt Nam đặt mục tiêu gì đến năm 2050?"


def test_a_first_question_stays_as_it_is() -> None:
    assert stand_alone("Còn năm 2045 thì sao?", []) == "Còn năm 2045 thì sao?"


@pytest.mark.parametrize(
    ("question", "parts"),
    [
        (
            "Chính phủ xếp hạng bao nhiêu, và Việt Nam muốn vào top mấy?",
            ["Chính phủ xếp hạng bao nhiêu", "Việt Nam muốn vào top mấy?"],
        ),
        (
            "bộ trưởng hàn quốc là ai, còn đại sứ hàn quốc là ai",
            ["bộ trưởng hàn quốc là ai", "đại sứ hàn quốc là ai"],
        ),
        (
            "A.X 4.0 dựa trên mô hình nào? Solar Pro 2 ra mắt khi nào?",
            ["A.X 4.0 dựa trên mô hình nào", "Solar Pro 2 ra mắt khi nào?"],
        ),
    ],
)
def test_questions_asked_at_once_are_told_apart(question: str, parts: list[str]) -> None:
    assert questions_in(question) == parts


@pytest.mark.parametrize(
    "question",
    [
        "A.X 4.0 được phát triển dựa trên mô hình nào?",
        "Naver làm gì trong tìm kiếm, mua sắm, và bản đồ?",
        "Theo TS Thảo, hệ thống pháp luật cần cải cách bằng cách nào?",
        "Ai là ai, và sao?",
    ],
)
def test_one_question_stays_whole(question: str) -> None:
    assert questions_in(question) == [question]
