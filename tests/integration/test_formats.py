"""Every format that is read, in files that other programs' libraries wrote."""

import io
import zipfile
from datetime import datetime
from pathlib import Path
from typing import Any

import docx
import openpyxl
import pptx
import pytest
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from openpyxl.styles import Font
from PIL import Image, ImageDraw

import rag
from rag.chunking import split_document
from rag.config import ChunkingConfig, RagConfig
from rag.documents import SourceFile, read_document
from rag.errors import DocumentError
from rag.indexing.updating import update_index
from rag.language.encodings import Legacy, encode
from rag.readers import scan as scans
from rag.store.scanning import scan
from rag.types import Chunk, Document, Embedder
from tests.pdf_files import headed_pdf, new_pdf

LAB = (
    "Hàn Quốc khai trương Phòng thí nghiệm AI quốc gia tại Seoul với sự hỗ trợ của Bộ Khoa học và Công nghệ thông tin."
    " Chính phủ nước này đầu tư tổng cộng 94,6 tỷ won vào phòng thí nghiệm từ nay đến năm 2028, gồm cả thiết bị và nhân"
    " lực trình độ cao."
)
GOAL = (
    "Mục tiêu của dự án là xây dựng nền móng để Hàn Quốc trở thành một trung tâm nghiên cứu AI toàn cầu, đồng thời phát"
    " triển nhân tài trong nước và thu hút chuyên gia nước ngoài đến làm việc lâu dài tại các viện nghiên cứu."
)


def read(folder: Path, name: str, content: bytes | None = None) -> Document:
    if content is not None:
        (folder / name).write_bytes(content)
    return read_document(SourceFile(folder / name, name), 50)


def passages(document: Document) -> list[Chunk]:
    chunks = split_document(document, ChunkingConfig())
    assert all(document.text[chunk.start_char : chunk.end_char] == chunk.text for chunk in chunks)
    covered = bytearray(len(document.text))
    for chunk in chunks:
        covered[chunk.start_char : chunk.end_char] = b"\1" * len(chunk.text)
    assert all(covered[place] or char.isspace() for place, char in enumerate(document.text))
    return chunks


def saved(document: Any) -> bytes:
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()


def zipped(files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


# --- Markdown ---------------------------------------------------------------------------------------------------------


def test_markdown_is_read_as_it_is_rendered(tmp_path: Path) -> None:
    text = (
        "---\ntitle: Quy chế làm việc\ndate: 2025-03-01\n---\n# Quy chế\n\nMở **đầu** có [liên kết](http://a.b/c)\n"
        "xuống dòng.\n\n## Mục một\n- thứ nhất\n- thứ hai\n\n3. ba\n4. bốn\n\n"
        "| Tên | Điểm |\n|---|---|\n| An | 9 |\n| Bình | 8 |\n\n```\nmã  nguồn\n```\n<script>xấu()</script>\n"
    )
    document = read(tmp_path, "a.md", text.encode())
    assert (document.title, document.date) == ("Quy chế làm việc", "2025-03-01")
    assert document.text == (
        "Quy chế\n\nMở đầu có liên kết xuống dòng.\n\nMục một\n- thứ nhất\n- thứ hai\n3. ba\n4. bốn\n\n"
        "Tên | Điểm\nTên: An; Điểm: 9\nTên: Bình; Điểm: 8\n\nmã nguồn"
    )
    assert [(chunk.heading, chunk.text.split("\n")[0]) for chunk in passages(document)] == [
        ("Quy chế", "Quy chế"),
        ("Quy chế › Mục một", "Mục một"),
    ]


def test_the_one_heading_of_markdown_is_its_title(tmp_path: Path) -> None:
    document = read(tmp_path, "a.md", "# Tin hội thảo\n\nHội thảo diễn ra.\n\n## Kết luận\n\nRất tốt.".encode())
    assert document.title == "Tin hội thảo"
    assert [chunk.heading for chunk in passages(document)] == ["", "Kết luận"]


# --- HTML -------------------------------------------------------------------------------------------------------------

PAGE = """<!doctype html><html><head><meta charset="utf-8"><title>Khai trương phòng thí nghiệm | Báo Mới</title>
<meta property="article:published_time" content="2025-10-28T08:00:00+07:00">
<meta property="og:site_name" content="Báo Mới">
<script>var a = "không đọc";</script><style>p {}</style></head><body>
<nav><ul><li><a href="/">Trang chủ</a></li></ul></nav><div class="sidebar">Quảng cáo</div>
<article><h1>Khai trương phòng thí nghiệm</h1><p>Đoạn <b>một</b> có
 xuống dòng.<br>Dòng hai.</p><h2>Chi tiết</h2><ul><li>thứ nhất</li><li>thứ hai</li></ul>
<table><tr><th>Tên</th><th>Tiền</th></tr><tr><td>An</td><td>5 <i>tỷ</i></td></tr></table>
<p hidden>ẩn</p><img src="http://127.0.0.1:9/x.png" onerror="alert(1)"><iframe src="http://a.b">trong</iframe>đuôi</article>
<footer>Bản quyền</footer></body></html>"""


def test_a_web_page_is_its_article(tmp_path: Path) -> None:
    document = read(tmp_path, "a.html", PAGE.encode())
    assert document.text == (
        "Khai trương phòng thí nghiệm\n\nĐoạn một có xuống dòng.\nDòng hai.\n\nChi tiết\n- thứ nhất\n- thứ hai\n\n"
        "Tên | Tiền\nTên: An; Tiền: 5 tỷ\n\nđuôi"
    )
    assert (document.title, document.date) == ("Khai trương phòng thí nghiệm", "2025-10-28")
    assert document.metadata["origin"] == "Báo Mới"
    assert [chunk.heading for chunk in passages(document)] == ["", "Chi tiết"]


def test_a_web_page_in_an_old_encoding_is_read(tmp_path: Path) -> None:
    body = f"<html><head><meta charset='windows-1252'></head><body><p>{LAB}</p></body></html>"
    assert read(tmp_path, "a.htm", encode(body, Legacy.TCVN3)).text == LAB


def test_a_page_of_a_thousand_nested_elements_is_read(tmp_path: Path) -> None:
    assert "đáy" in read(tmp_path, "a.html", b"<div>" * 1500 + "đáy".encode()).text


# --- PDF --------------------------------------------------------------------------------------------------------------


def test_a_pdf_is_read_as_a_person_reads_it(tmp_path: Path) -> None:
    pdf = headed_pdf("Bản tin công nghệ số 12", lambda page: f"Trang {page}/3")
    pdf.set_title("Bản tin AI")
    pdf.add_page()
    pdf.set_font("DejaVu", "B", 18)
    pdf.multi_cell(0, 24, "Phòng thí nghiệm AI quốc gia của Hàn Quốc khai trương", new_x="LMARGIN", new_y="NEXT")
    for number in range(12):
        pdf.set_font("DejaVu", "B", 11)
        pdf.multi_cell(0, 30, f"Bối cảnh thứ {number}", new_x="LMARGIN", new_y="NEXT")
        pdf.set_font("DejaVu", size=11)
        pdf.multi_cell(0, 16, f"        {LAB}", align="J", new_x="LMARGIN", new_y="NEXT")
        pdf.multi_cell(0, 16, f"        {GOAL}", align="J", new_x="LMARGIN", new_y="NEXT")
    document = read(tmp_path, "a.pdf", bytes(pdf.output()))
    assert document.title == "Bản tin AI"
    paragraphs = document.text.split("\n\n")
    assert paragraphs[0] == "Phòng thí nghiệm AI quốc gia của Hàn Quốc khai trương"
    assert paragraphs[1:4] == ["Bối cảnh thứ 0", LAB, GOAL]
    assert paragraphs.count(LAB) == paragraphs.count(GOAL) == 12
    assert "Bản tin công nghệ" not in document.text
    assert "Trang" not in document.text
    chunks = passages(document)
    assert {chunk.page for chunk in chunks} == {1, 2, 3}
    assert [chunk.page for chunk in chunks] == sorted(chunk.page or 0 for chunk in chunks)
    assert chunks[-1].heading.endswith(" › Bối cảnh thứ 11")


def test_what_is_quoted_stands_on_the_page_that_is_named(tmp_path: Path) -> None:
    pdf = new_pdf()
    pdf.add_page()
    pdf.set_auto_page_break(True, 72)
    sentences = [f"Câu số {number} nói về việc thứ {number} của kế hoạch năm nay." for number in range(120)]
    pdf.multi_cell(0, 16, " ".join(sentences))
    document = read(tmp_path, "a.pdf", bytes(pdf.output()))
    assert document.text == " ".join(sentences)
    turn = next(place.start_char for place in document.places if place.page == 2)
    for chunk in passages(document):
        for sentence in sentences:
            at = document.text.find(sentence)
            if chunk.start_char <= at < chunk.end_char:
                assert chunk.page == (1 if at < turn else 2)


def test_two_columns_are_read_one_after_the_other_and_tables_by_rows(tmp_path: Path) -> None:
    pdf = new_pdf()
    pdf.add_page()
    pdf.set_font("DejaVu", "B", 16)
    pdf.multi_cell(0, 22, "Tiêu đề vắt ngang hai cột", new_x="LMARGIN", new_y="NEXT")
    pdf.set_font("DejaVu", size=10)
    with pdf.text_columns(ncols=2, gutter=24, text_align="J") as columns:
        for number in range(4):
            columns.write(f"Đoạn {number}. {LAB} {GOAL}")
            columns.ln()
            columns.ln()
    with pdf.table() as table:
        for cells in (
            ("Đơn vị", "Số người", "Kinh phí"),
            ("Phòng Đào tạo", "12", "3 tỷ đồng"),
            ("Phòng Khoa học và Hợp tác quốc tế của trường", "9", "1,5 tỷ đồng"),
        ):
            row = table.row()
            for cell in cells:
                row.cell(cell)
    document = read(tmp_path, "a.pdf", bytes(pdf.output()))
    assert document.text.split("\n\n") == [
        "Tiêu đề vắt ngang hai cột",
        *(f"Đoạn {number}. {LAB} {GOAL}" for number in range(4)),
        "Đơn vị | Số người | Kinh phí\nĐơn vị: Phòng Đào tạo; Số người: 12; Kinh phí: 3 tỷ đồng\n"
        "Đơn vị: Phòng Khoa học và Hợp tác quốc tế của trường; Số người: 9; Kinh phí: 1,5 tỷ đồng",
    ]
    assert document.title == "Tiêu đề vắt ngang hai cột"


def test_a_page_has_the_label_that_the_file_gives_it(tmp_path: Path) -> None:
    pdf = new_pdf()
    pdf.add_page(label_style="r")
    pdf.multi_cell(0, 16, "Lời nói đầu của cuốn sách này.")
    pdf.add_page(label_style="D", label_start=1)
    pdf.multi_cell(0, 16, "Chương đầu tiên của cuốn sách.")
    chunks = passages(read(tmp_path, "a.pdf", bytes(pdf.output())))
    assert [(chunk.page, chunk.label) for chunk in chunks] == [(1, "i"), (2, "1")]


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_a_page_that_lies_on_its_side_is_read(tmp_path: Path, turn: int) -> None:
    pdf = new_pdf()
    pdf.add_page()
    with pdf.rotation(turn, 300, 400):
        pdf.text(150, 400, "Dòng thứ nhất nằm ngang trên trang giấy xoay, có")
        pdf.text(150, 416, "dòng thứ hai đi tiếp.")
    with pdf.rotation(45, 300, 300):
        pdf.text(150, 400, "DỰ THẢO")
    expected = "Dòng thứ nhất nằm ngang trên trang giấy xoay, có dòng thứ hai đi tiếp."
    assert read(tmp_path, "a.pdf", bytes(pdf.output())).text == expected


def test_a_table_of_contents_is_left_out(tmp_path: Path) -> None:
    pdf = new_pdf()
    pdf.add_page()
    for line in (
        "MỤC LỤC",
        "Điều 1. Phạm vi " + "." * 40 + " 3",
        "Điều 2. Đối tượng " + ". " * 30 + "4",
        "Câu đầu tiên.",
    ):
        pdf.multi_cell(0, 16, line, new_x="LMARGIN", new_y="NEXT")
    assert read(tmp_path, "a.pdf", bytes(pdf.output())).text == "MỤC LỤC\n\nCâu đầu tiên."


def old_font_pdf(font: str, lines: list[bytes]) -> bytes:
    """A PDF whose letters are bytes of windows-1252 in a font that draws them as Vietnamese, as old programs made."""
    shown = b" ".join(
        b"(" + line.replace(b"\\", rb"\\").replace(b"(", rb"\(").replace(b")", rb"\)") + b") Tj 0 -16 Td"
        for line in lines
    )
    stream = b"BT /F1 12 Tf 72 760 Td " + shown + b" ET"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /TrueType /BaseFont /%s /Encoding /WinAnsiEncoding >>" % font.encode(),
    ]
    body = b"%PDF-1.4\n"
    offsets = []
    for number, content in enumerate(objects, 1):
        offsets.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    trailer = b"trailer << /Size 6 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF" % len(body)
    return body + b"xref\n0 6\n0000000000 65535 f \n" + table + trailer


@pytest.mark.parametrize(("font", "encoding"), [(".VnTime", Legacy.TCVN3), ("ABCDEF+VNI-Times", Legacy.VNI)])
def test_old_fonts_in_a_pdf_are_read(tmp_path: Path, font: str, encoding: Legacy) -> None:
    line = "Những người lao động được hưởng chế độ nghỉ dưỡng ở trường."
    assert read(tmp_path, "a.pdf", old_font_pdf(font, [encode(line, encoding)])).text == line


def scanned_pdf(*texts: str) -> bytes:
    """Pages that are pictures, and pages of text for those that are not empty."""
    pdf = new_pdf()
    for text in texts:
        pdf.add_page()
        if text:
            pdf.multi_cell(0, 16, text)
        else:
            image = Image.new("L", (1240, 1754), "white")
            ImageDraw.Draw(image).text((200, 200), "Van ban quet", fill="black")
            pdf.image(image, 0, 0, 595, 842)
    return bytes(pdf.output())


def test_a_scan_is_named_with_the_way_out_where_nothing_reads_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, embedder: Embedder
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(
        DocumentError, match=r"^a\.pdf: is a scan \(.*2 pages.*tesseract-ocr-vie; .*\) and index again$"
    ):
        read(tmp_path, "a.pdf", scanned_pdf("", ""))
    (tmp_path / "b.pdf").write_bytes(scanned_pdf("Trang này là chữ.", ""))
    report = update_index(tmp_path / "index", [tmp_path / "b.pdf"], embedder, RagConfig())
    assert (report.added, report.documents) == (1, 1)
    ((source, reason),) = report.failed
    assert source == "b.pdf"
    assert reason.startswith("b.pdf: pages 2 are pictures and were left out: tesseract is not installed: install")


def test_a_scan_is_read_by_the_program_that_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A program that answers as tesseract does: it lists its languages, and says what it was asked and given.
    program = tmp_path / "tesseract"
    program.write_text(
        "#!/bin/sh\nif [ \"$1\" = --list-langs ]; then echo 'List of languages (2):'; echo eng; echo vie; exit; fi\n"
        'echo "Được gọi với $*"; /usr/bin/head -c 4 | /usr/bin/tail -c 3; printf "\\n\\nĐoạn thứ hai\\nđi tiếp.\\n"\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    document = read(tmp_path, "a.pdf", scanned_pdf("Trang đầu là chữ như mọi trang khác.", ""))
    assert document.text.split("\n\n") == [
        "Trang đầu là chữ như mọi trang khác.",
        "Được gọi với stdin stdout -l vie --psm 3 --dpi 300\nPNG",
        "Đoạn thứ hai đi tiếp.",
    ]
    assert [chunk.page for chunk in passages(document)] == [1, 2]
    assert scans.command("tesseract")[0] == "tesseract"
    program.write_text("#!/bin/sh\necho eng\n")
    assert scans.missing().startswith("tesseract has no Vietnamese model: install")


def test_an_encrypted_pdf_is_named(tmp_path: Path) -> None:
    pdf = new_pdf()
    pdf.add_page()
    pdf.set_encryption(owner_password="chu", user_password="1234")
    pdf.multi_cell(0, 16, LAB)
    with pytest.raises(DocumentError, match=r"^a\.pdf: is protected by a password"):
        read(tmp_path, "a.pdf", bytes(pdf.output()))


# --- Word -------------------------------------------------------------------------------------------------------------


def test_a_word_document_is_read_with_its_headings_and_tables(tmp_path: Path) -> None:
    document = docx.Document()
    document.core_properties.title = "Kế hoạch năm 2025"
    document.core_properties.author = "Văn phòng"
    document.core_properties.modified = datetime(2025, 9, 29)  # noqa: DTZ001 - Word's properties have no zone
    document.add_heading("Mục tiêu", 1)
    document.add_paragraph(GOAL)
    document.add_heading("Tài chính", 2)
    document.add_paragraph("thứ nhất", style="List Bullet")
    document.add_paragraph("thứ hai", style="List Bullet")
    table = document.add_table(3, 2)
    for place, text in enumerate(("Đơn vị", "Kinh phí", "Phòng A", "3 tỷ", "Phòng B", "5 tỷ")):
        table.cell(place // 2, place % 2).text = text
    document.add_paragraph("Hết.")
    found = read(tmp_path, "a.docx", saved(document))
    assert found.text == (
        f"Mục tiêu\n\n{GOAL}\n\nTài chính\n\n- thứ nhất\n- thứ hai\n\n"
        "Đơn vị | Kinh phí\nĐơn vị: Phòng A; Kinh phí: 3 tỷ\nĐơn vị: Phòng B; Kinh phí: 5 tỷ\n\nHết."
    )
    assert (found.title, found.date, found.metadata["author"]) == ("Kế hoạch năm 2025", "2025-09-29", "Văn phòng")
    assert [chunk.heading for chunk in passages(found)] == ["Mục tiêu", "Mục tiêu › Tài chính"]


def test_old_fonts_in_a_word_document_are_read(tmp_path: Path) -> None:
    document = docx.Document()
    paragraph = document.add_paragraph()
    for piece in ("Nh÷ng ng", "­êi lao ®éng"):
        paragraph.add_run(piece).font.name = ".VnTime"
    paragraph.add_run(" và ").font.name = "Times New Roman"
    paragraph.add_run("treû em").font.name = "VNI-Times"
    document.add_paragraph().add_run("héi nghÞ").font.name = ".VnTimeH"
    document.styles["Normal"].font.name = ".VnTime"
    document.add_paragraph("Céng hßa x· héi")
    found = read(tmp_path, "a.docx", saved(document))
    assert found.text == "Những người lao động và trẻ em\n\nHỘI NGHỊ\n\nCộng hòa xã hội"


def numbered(document: Any, levels: list[tuple[str, str]]) -> str:
    """A list of Word's own numbers, (format, pattern) for each level; its number."""
    root = document.part.numbering_part.element
    abstract = OxmlElement("w:abstractNum")
    abstract.set(qn("w:abstractNumId"), "77")
    for depth, (kind, pattern) in enumerate(levels):
        level = OxmlElement("w:lvl")
        level.set(qn("w:ilvl"), str(depth))
        for name, value in (("w:start", "1"), ("w:numFmt", kind), ("w:lvlText", pattern)):
            child = OxmlElement(name)
            child.set(qn("w:val"), value)
            level.append(child)
        abstract.append(level)
    root.insert(0, abstract)
    number = OxmlElement("w:num")
    number.set(qn("w:numId"), "77")
    reference = OxmlElement("w:abstractNumId")
    reference.set(qn("w:val"), "77")
    number.append(reference)
    root.append(number)
    return "77"


def test_the_numbers_that_word_draws_are_read(tmp_path: Path) -> None:
    document = docx.Document()
    name = numbered(document, [("decimal", "Điều %1."), ("decimal", "%2."), ("lowerLetter", "%3)")])
    for depth, text in (
        (0, "Phạm vi điều chỉnh"), (1, "Quy chế này quy định hai việc:"), (2, "việc thứ nhất;"), (2, "việc thứ hai."),
        (1, "Áp dụng cho mọi người."), (0, "Hiệu lực"), (1, "Có hiệu lực ngay."),
    ):  # fmt: skip
        paragraph = document.add_paragraph(text)
        numbers = paragraph._p.get_or_add_pPr().get_or_add_numPr()
        numbers.get_or_add_numId().val = int(name)
        numbers.get_or_add_ilvl().val = depth
    found = read(tmp_path, "a.docx", saved(document))
    assert found.text == (
        "Điều 1. Phạm vi điều chỉnh\n\n1. Quy chế này quy định hai việc:\na) việc thứ nhất;\nb) việc thứ hai.\n"
        "2. Áp dụng cho mọi người.\n\nĐiều 2. Hiệu lực\n\n1. Có hiệu lực ngay."
    )
    assert [chunk.heading for chunk in passages(found)] == ["Điều 1. Phạm vi điều chỉnh", "Điều 2. Hiệu lực"]


# --- Slides, sheets, books --------------------------------------------------------------------------------------------


def test_each_slide_is_a_page(tmp_path: Path) -> None:
    deck = pptx.Presentation()
    slide: Any = None
    for number in (1, 2):
        slide = deck.slides.add_slide(deck.slide_layouts[1])
        slide.shapes.title.text = f"Phần {number}"
        slide.placeholders[1].text = f"ý thứ nhất của {number}\ný thứ hai"
    slide.notes_slide.notes_text_frame.text = "Nói chậm."
    table = slide.shapes.add_table(2, 2, 0, 6_000_000, 3_000_000, 900_000).table
    for place, text in enumerate(("Năm", "Vốn", "2025", "3 tỷ")):
        table.cell(place // 2, place % 2).text = text
    deck.core_properties.title = "PowerPoint Presentation"
    document = read(tmp_path, "a.pptx", saved(deck))
    assert document.title == "Phần 1"
    chunks = passages(document)
    assert [(chunk.page, chunk.heading) for chunk in chunks] == [(1, "Phần 1"), (2, "Phần 2")]
    assert chunks[1].text == ("Phần 2\n\ný thứ nhất của 2\ný thứ hai\n\nNăm | Vốn\nNăm: 2025; Vốn: 3 tỷ\n\nNói chậm.")


def test_a_sheet_is_rows_with_the_names_of_their_columns(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Doanh thu"
    for row in (["Báo cáo quý"], [], ["Đơn vị", "Ngày", "Số tiền"], ["Phòng A", datetime(2025, 9, 29), 94.6]):  # noqa: DTZ001
        sheet.append(row)
    for number in range(60):
        sheet.append([f"Phòng {number}", None, number * 1000])
    hidden = book.create_sheet("Nháp")
    hidden.append(["bí mật", "x"])
    hidden.sheet_state = "hidden"
    document = read(tmp_path, "a.xlsx", saved(book))
    lines = document.text.split("\n")
    assert lines[:6] == [
        "Doanh thu", "", "Báo cáo quý", "Đơn vị | Ngày | Số tiền",
        "Đơn vị: Phòng A; Ngày: 29/09/2025; Số tiền: 94,6", "Đơn vị: Phòng 0; Số tiền: 0",
    ]  # fmt: skip
    assert "bí mật" not in document.text
    chunks = passages(document)
    assert {chunk.heading for chunk in chunks} <= {"Doanh thu", ""}
    assert len(chunks) > 1
    assert chunks[0].label.startswith("hàng 1–")
    assert chunks[-1].label.endswith("–64")


def test_old_fonts_in_a_sheet_are_read(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row, (text, font) in enumerate(
        (("Nguyễn Thị Hoa", "Arial"), (encode("kế toán trưởng", Legacy.TCVN3).decode("latin-1"), ".VnTime")), 1
    ):
        book.active.cell(row, 1, text).font = Font(name=font)
    assert read(tmp_path, "a.xlsx", saved(book)).text.endswith("Nguyễn Thị Hoa\nkế toán trưởng")


def test_old_letters_without_the_name_of_their_font_are_read(tmp_path: Path) -> None:
    text = "Những người lao động được hưởng chế độ nghỉ dưỡng ở trường, và trẻ em cũng thế."
    letters = encode(text, Legacy.VNI).decode("cp1252")
    deck = pptx.Presentation()
    deck.slides.add_slide(deck.slide_layouts[0]).shapes.title.text = letters
    document = read(tmp_path, "a.pptx", saved(deck))
    assert (document.text, document.title, document.metadata["encoding"]) == (text, text, "VNI")


def test_a_scan_of_absurd_size_is_not_drawn_in_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "tesseract"
    program.write_text(
        "#!/bin/sh\nif [ $1 = --list-langs ]; then echo vie; else /bin/cat >/dev/null; echo Đã đọc; fi\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    pdf = new_pdf(format=(14_000, 14_000))
    pdf.add_page()
    pdf.image(Image.new("L", (50, 50), "white"), 0, 0, 14_000, 14_000)
    assert read(tmp_path, "a.pdf", bytes(pdf.output())).text == "Đã đọc"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", "Tên,Điểm\nAn,\"9,5\"\n".encode()),
        ("a.csv", "sep=;\r\nTên;Điểm\r\nAn;9,5\r\n".encode("utf-8-sig")),
        ("a.csv", "Tên;Điểm\nAn;9,5\n".encode("utf-16")),
        ("a.tsv", "Tên\tĐiểm\nAn\t9,5\n".encode()),
        ("a.csv", "Tên;Điểm\r\nAn;9,5\r\n\"\"\r\n".encode()),
    ],
)  # fmt: skip
def test_separated_values_are_rows(tmp_path: Path, name: str, content: bytes) -> None:
    document = read(tmp_path, name, content)
    assert document.text == "Tên | Điểm\nTên: An; Điểm: 9,5"
    assert passages(document)[0].label == "hàng 1–2"


def test_a_quotation_mark_that_is_never_closed_swallows_no_rows(tmp_path: Path) -> None:
    document = read(tmp_path, "a.csv", 'Màn hình,Giá\n"24 inch,5\n27 inch,7\n'.encode())
    assert document.text.split("\n")[1:] == ['Màn hình: "24 inch; Giá: 5', "Màn hình: 27 inch; Giá: 7"]


def test_files_that_cannot_be_read_harm_no_other_and_citations_name_the_place(
    tmp_path: Path, embedder: Embedder, config: RagConfig
) -> None:
    folder = tmp_path / "docs"
    folder.mkdir()
    sheet = openpyxl.Workbook()
    sheet.active.title = "Nhân sự"
    for row in (["Họ tên", "Chức vụ"], ["Nguyễn Thị Hoa", "Kế toán trưởng"], ["Trần Văn Bảo", "Kế toán viên"]):
        sheet.active.append(row)
    (folder / "nhan-su.xlsx").write_bytes(saved(sheet))
    pdf = new_pdf()
    for text in ("Lời nói đầu của bản tin.", LAB):
        pdf.add_page()
        pdf.multi_cell(0, 16, text)
    (folder / "ban-tin.pdf").write_bytes(bytes(pdf.output()))
    (folder / "hong.docx").write_bytes(b"PK\x03\x04")
    (folder / "cu.doc").write_bytes(bytes.fromhex("d0cf11e0a1b11ae1"))
    report = update_index(tmp_path / "index", [folder], embedder, config)
    assert [source for source, _ in report.failed] == ["cu.doc", "hong.docx"]
    bot = rag.open(tmp_path / "index", config, llm="none")
    answer = bot.ask("Chính phủ Hàn Quốc đầu tư bao nhiêu tỷ won vào phòng thí nghiệm?").as_json()
    assert [(one["source"], one["page"], "label" in one) for one in answer["citations"]] == [("ban-tin.pdf", 2, False)]
    (found,) = bot.ask("Chức vụ của Nguyễn Thị Hoa là gì?").as_json()["citations"]
    assert (found["source"], found["page"], found["label"]) == ("nhan-su.xlsx", None, "hàng 1–3")
    assert update_index(tmp_path / "index", [folder], embedder, config).unchanged == 2
    bot.close()


def book(chapters: dict[str, str], spine: list[str]) -> bytes:
    items = "".join(f'<item id="{name}" href="{name}.xhtml" media-type="application/xhtml+xml"/>' for name in chapters)
    order = "".join(f'<itemref idref="{name}"/>' for name in spine)
    package = (
        '<package xmlns="http://www.idpf.org/2007/opf" version="3.0"><metadata '
        'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>Dế mèn</dc:title><dc:creator>Tô Hoài</dc:creator>'
        f"<dc:date>1941-01-01</dc:date></metadata><manifest>{items}</manifest>"
        f"<spine>{order}</spine></package>"
    )
    container = (
        '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
        '<rootfile full-path="OEBPS/a.opf" media-type="application/oebps-package+xml"/></rootfiles></container>'
    )
    pages = {
        f"OEBPS/{name}.xhtml": f'<html xmlns="http://www.w3.org/1999/xhtml"><body>{body}</body></html>'.encode()
        for name, body in chapters.items()
    }
    named = {"mimetype": b"application/epub+zip", "META-INF/container.xml": container.encode()}
    return zipped({**named, "OEBPS/a.opf": package.encode(), **pages})


def test_a_book_is_read_in_the_order_of_its_spine(tmp_path: Path) -> None:
    raw = book({"b": "<h1>Hai</h1><p>Sau.</p>", "a": "<h1>Một</h1><p>Trước.</p>"}, ["a", "b"])
    document = read(tmp_path, "a.epub", raw)
    assert document.text == "Một\n\nTrước.\n\nHai\n\nSau."
    assert (document.title, document.date, document.metadata["author"]) == ("Dế mèn", "1941-01-01", "Tô Hoài")
    assert [chunk.heading for chunk in passages(document)] == ["Một", "Hai"]


# --- Archives ---------------------------------------------------------------------------------------------------------


def test_the_files_of_an_archive_stand_in_its_place(tmp_path: Path) -> None:
    inner = docx.Document()
    inner.add_paragraph("Trong tệp nén.")
    (tmp_path / "kho.zip").write_bytes(
        zipped({"thư mục/a.docx": saved(inner), "b.txt": "Chữ thường.".encode(), "__MACOSX/._b.txt": b"x", ".c": b"x"})
    )
    files = scan(tmp_path).files
    assert [file.source for file in files] == ["kho.zip/b.txt", "kho.zip/thư mục/a.docx"]
    assert [read_document(file, 50).text for file in files] == ["Chữ thường.", "Trong tệp nén."]


@pytest.mark.parametrize("name", ["../a.txt", "x/../../a.txt", "/etc/a.txt", "C:/a.txt", "..\\a.txt"])
def test_a_name_that_leads_out_of_an_archive_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "kho.zip").write_bytes(zipped({name: b"x", "b.txt": b"y"}))
    (file,) = scan(tmp_path).files
    with pytest.raises(DocumentError, match=r"^kho\.zip: holds the name .* leads out of it"):
        read_document(file, 50)


def test_archives_over_the_limits_are_refused_before_they_are_unpacked(tmp_path: Path) -> None:
    (tmp_path / "bom.zip").write_bytes(zipped({"a.txt": b"0" * 3_000_000}))
    (tmp_path / "nhieu.zip").write_bytes(zipped({f"{number}.txt": b"x" for number in range(20)}))
    bomb, many = scan(tmp_path, RagConfig(max_archive_files=10, max_archive_mb=2)).files
    with pytest.raises(DocumentError, match="unpacks to 3 MB, over the limit of 2 MB"):
        read_document(bomb, 50)
    with pytest.raises(DocumentError, match="holds 20 files, over the limit of 10"):
        read_document(many, 50)
    with pytest.raises(DocumentError, match=r"^bom\.zip/a\.txt: 3 MB is over the limit of 1 MB"):
        read_document(scan(tmp_path).files[0], 1)


def test_an_archive_in_an_archive_and_a_damaged_one_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(zipped({"trong.zip": zipped({"a.txt": b"x"}), "b.txt": b"x y"}))
    (tmp_path / "b.zip").write_bytes(zipped({"a.txt": b"x" * 1000})[:-30])
    text, nested, damaged = scan(tmp_path).files
    assert read_document(text, 50).text == "x y"
    for file, reason in ((nested, "an archive in an archive"), (damaged, "damaged archive")):
        with pytest.raises(DocumentError, match=reason):
            read_document(file, 50)


# --- Damaged and hostile ----------------------------------------------------------------------------------------------


def good_files() -> dict[str, bytes]:
    document = docx.Document()
    document.add_paragraph(LAB)
    deck = pptx.Presentation()
    deck.slides.add_slide(deck.slide_layouts[0]).shapes.title.text = LAB
    sheet = openpyxl.Workbook()
    sheet.active.append([LAB, GOAL])
    pdf = new_pdf()
    pdf.add_page()
    pdf.multi_cell(0, 16, LAB)
    return {
        "a.docx": saved(document), "a.pptx": saved(deck), "a.xlsx": saved(sheet), "a.pdf": bytes(pdf.output()),
        "a.epub": book({"a": f"<p>{LAB}</p>"}, ["a"]),
    }  # fmt: skip


@pytest.mark.parametrize("name", ["a.docx", "a.pptx", "a.xlsx", "a.pdf", "a.epub"])
def test_a_damaged_file_is_read_or_named_in_one_line(tmp_path: Path, name: str) -> None:
    whole = good_files()[name]
    assert LAB[:40] in read(tmp_path, name, whole).text
    damaged = [whole[: len(whole) // 2], whole[: len(whole) - 40], whole[:100], b"\0" * 500, b"none of that"]
    damaged += [whole[:at] + bytes([whole[at] ^ 0xFF]) * 20 + whole[at + 20 :] for at in range(0, len(whole) - 20, 997)]
    refused = 0
    for content in damaged:
        reason = ""
        try:
            read(tmp_path, name, content)
        except DocumentError as error:
            reason = str(error)
        refused += bool(reason)
        assert not reason or reason.startswith(f"{name}: ")
        assert "\n" not in reason
    assert refused >= 3


@pytest.mark.parametrize("name", ["a.docx", "a.pptx", "a.xlsx", "a.epub"])
def test_a_file_of_another_kind_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(DocumentError, match=r"is not a document of (Word|PowerPoint|Excel|EPUB)"):
        read(tmp_path, name, zipped({"x.xml": b"<a/>"}))


def test_a_file_is_read_by_what_it_is_where_its_name_says_otherwise(tmp_path: Path) -> None:
    files = good_files()
    assert read(tmp_path, "b.doc", files["a.docx"]).text == LAB
    assert read(tmp_path, "khong duoi", files["a.pdf"]).text == LAB
    assert read(tmp_path, "xuat.xls", f"<html><body><p>{LAB}</p></body></html>".encode()).text == LAB


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.doc", bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 600, r"Office 97-2003: open it and save it as \.docx"),
        ("a.docx", bytes.fromhex("d0cf11e0a1b11ae1") + "EncryptedPackage".encode("utf-16-le"), "password"),
        ("a.rtf", b"{\\rtf1 x}", r"files of kind \.rtf are not read: save it as \.docx"),
        ("a.jpg", b"\xff\xd8\xff", r"files of kind \.jpg are not read: save it as one of \.csv, \.docx"),
    ],
)
def test_what_is_not_read_is_named_with_the_way_out(tmp_path: Path, name: str, content: bytes, reason: str) -> None:
    with pytest.raises(DocumentError, match=reason):
        read(tmp_path, name, content)


BOMB = (
    '<?xml version="1.0"?><!DOCTYPE w [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">'
    '<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;">'
    '<!ENTITY e "&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;"><!ENTITY f SYSTEM "file:///etc/passwd">]>'
)


@pytest.mark.parametrize(
    ("name", "member", "marked"),
    [
        ("a.docx", "word/document.xml", b"<w:t>"),
        ("a.pptx", "ppt/slides/slide1.xml", b"<a:t>"),
        ("a.xlsx", "xl/worksheets/sheet1.xml", b"<t>"),
        ("a.epub", "OEBPS/a.opf", b"<dc:title>"),
        ("a.epub", "OEBPS/a.xhtml", b"<p>"),
    ],
)
def test_entities_are_never_expanded_nor_fetched(tmp_path: Path, name: str, member: str, marked: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(good_files()[name])) as archive:
        files = {info: archive.read(info) for info in archive.namelist()}
    content = files[member].split(b"?>", 1)[-1]
    assert marked in content
    files[member] = BOMB.encode() + content.replace(marked, marked + b"&e;&f;", 1)
    try:
        text = read(tmp_path, name, zipped(files)).text
    except DocumentError:
        return
    assert "root:" not in text
    assert text.count("ha") < 50


def test_a_document_that_unpacks_to_too_much_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(good_files()["a.docx"])) as archive:
        files = {info: archive.read(info) for info in archive.namelist()}
    files["word/comments.xml"] = b"<a>" + b" " * 9_000_000 + b"</a>"
    (tmp_path / "a.docx").write_bytes(zipped(files))
    with pytest.raises(DocumentError, match=r"unpacks to \d+ MB of text, over the limit of 4 MB"):
        read_document(SourceFile(tmp_path / "a.docx", "a.docx"), 1)


@pytest.mark.parametrize("encoding", Legacy)
def test_text_files_in_old_encodings_are_read(tmp_path: Path, encoding: Legacy) -> None:
    text = GOAL.replace("AI", "trí tuệ")
    document = read(tmp_path, "a.txt", encode(text, encoding))
    assert document.text == text
    assert document.metadata["encoding"] == encoding.value
