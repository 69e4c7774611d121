"""The parts of laws and rules."""

import pytest

from rag.chunking import split_document
from rag.config import ChunkingConfig
from rag.documents import make_document
from rag.language.structure import clauses, decree_title, is_legal_heading, issued, legal_parts

LAW = """Chương I

NHỮNG QUY ĐỊNH CHUNG

Điều 1. Phạm vi điều chỉnh

Nghị định này quy định về bảo vệ dữ liệu cá nhân.

Điều 2. Giải thích từ ngữ
1. Dữ liệu cá nhân là thông tin gắn liền với một con người.
2. Chủ thể dữ liệu cá nhân là cá nhân được dữ liệu phản ánh.

Chương II. QUYỀN VÀ NGHĨA VỤ

Mục 1. Quyền của chủ thể

Điều 3. Quyền được biết

Chủ thể được biết về hoạt động xử lý dữ liệu của mình.
"""
HEAD = [
    "CHÍNH PHỦ | CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM",
    "Số: 13/2023/NĐ-CP | Hà Nội, ngày 17 tháng 4 năm 2023",
    "NGHỊ ĐỊNH",
    "Bảo vệ dữ liệu cá nhân",
]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Điều 5. Phạm vi", True),
        ("ĐIỀU 12: HIỆU LỰC", True),
        ("Điều 5a. Quyền", True),
        ("Chương II", True),
        ("CHƯƠNG 2. QUY ĐỊNH CHUNG", True),
        ("Mục 3. XỬ PHẠT", True),
        ("Phần thứ nhất", True),
        ("Phụ lục I", True),
        ("Điều 5 của Luật này quy định", False),
        ("Chương trình mục tiêu quốc gia", False),
        ("Chương 2 của Luật này nói rõ điều đó.", False),
        ("Mục tiêu của dự án", False),
        ("Phần mềm nguồn mở", False),
        ("Điều này không đúng.", False),
        ("“Điều 5. Sửa đổi", False),
    ],
)
def test_headings_of_laws_are_known(line: str, expected: bool) -> None:
    assert is_legal_heading(line) is expected


def test_the_path_leads_from_the_chapter_to_the_article() -> None:
    assert [(LAW[part.start :].split("\n", maxsplit=1)[0], part.path) for part in legal_parts(LAW)] == [
        ("Chương I", "Chương I. NHỮNG QUY ĐỊNH CHUNG"),
        ("Điều 1. Phạm vi điều chỉnh", "Chương I. NHỮNG QUY ĐỊNH CHUNG › Điều 1. Phạm vi điều chỉnh"),
        ("Điều 2. Giải thích từ ngữ", "Chương I. NHỮNG QUY ĐỊNH CHUNG › Điều 2. Giải thích từ ngữ"),
        ("Chương II. QUYỀN VÀ NGHĨA VỤ", "Chương II. QUYỀN VÀ NGHĨA VỤ"),
        ("Mục 1. Quyền của chủ thể", "Chương II. QUYỀN VÀ NGHĨA VỤ › Mục 1. Quyền của chủ thể"),
        (
            "Điều 3. Quyền được biết",
            "Chương II. QUYỀN VÀ NGHĨA VỤ › Mục 1. Quyền của chủ thể › Điều 3. Quyền được biết",
        ),
    ]


def test_text_without_articles_has_no_legal_parts() -> None:
    assert legal_parts("Chương I\n\nMở đầu câu chuyện, anh đi về quê.") == []


def test_an_article_that_is_its_own_text_is_named_by_its_number() -> None:
    text = "Điều 1. Ban hành kèm theo Quyết định này Quy chế làm việc của Ủy ban."
    assert legal_parts(text)[0].path == "Điều 1"


def test_each_article_is_a_passage_and_bare_headings_go_with_the_first() -> None:
    document = make_document(LAW, "a.txt")
    chunks = split_document(document, ChunkingConfig())
    assert [chunk.text.split("\n")[0] for chunk in chunks] == [
        "Chương I", "Điều 2. Giải thích từ ngữ", "Chương II. QUYỀN VÀ NGHĨA VỤ",
    ]  # fmt: skip
    assert chunks[0].heading == "Chương I. NHỮNG QUY ĐỊNH CHUNG › Điều 1. Phạm vi điều chỉnh"
    assert all(document.text[chunk.start_char : chunk.end_char] == chunk.text for chunk in chunks)


def test_a_long_article_is_cut_at_whole_clauses() -> None:
    text = "Điều 9. Quyền\n\n" + "\n\n".join(f"{number}. " + "Cá nhân có quyền. " * 8 for number in range(1, 7))
    chunks = split_document(make_document(text, "a.txt"), ChunkingConfig(400, 0))
    assert [chunk.heading for chunk in chunks] == [
        "Điều 9. Quyền › khoản 1–2", "Điều 9. Quyền › khoản 3–4", "Điều 9. Quyền › khoản 5–6",
    ]  # fmt: skip
    assert [chunk.text[:2] for chunk in chunks] == ["Đi", "3.", "5."]


def test_a_long_clause_is_cut_at_its_points() -> None:
    points = "\n".join(f"{letter}) " + "tổ chức và cá nhân; " * 8 for letter in "abcd")
    text = f"Điều 9. Quyền\n\n1. Quyền chung.\n\n2. Các quyền sau đây:\n{points}\n\n3. Quyền khác."
    assert [name for _, name in clauses(text, 400)] == [
        "khoản 1", "khoản 2, điểm a–b", "khoản 2, điểm c–d", "khoản 3",
    ]  # fmt: skip


def test_the_head_of_a_decree_gives_its_title_and_day() -> None:
    assert decree_title(HEAD) == "NGHỊ ĐỊNH 13/2023/NĐ-CP Bảo vệ dữ liệu cá nhân"
    assert issued(HEAD) == "2023-04-17"
    document = make_document("\n\n".join([*HEAD, "Điều 1. Phạm vi\n\nNghị định này quy định."]), "a.txt")
    assert (document.title, document.date) == ("NGHỊ ĐỊNH 13/2023/NĐ-CP Bảo vệ dữ liệu cá nhân", "2023-04-17")


def test_a_text_that_is_no_decree_has_no_such_title() -> None:
    assert decree_title(["BÁO CÁO", "Tình hình kinh tế"]) == ""
    assert issued(["Hôm nay, ngày 17 tháng 4 năm 2023, hội nghị họp."]) == ""
    assert issued(["Hà Nội, ngày 31 tháng 2 năm 2023"]) == ""
