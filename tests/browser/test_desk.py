"""What a person does on the page beside asking: look, keep, find, add, choose."""

import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import served_page
from tests.browser.test_page import AX, GOALS, PHO, ask, shoot, type_question
from tests.pdf_files import new_pdf

pytestmark = pytest.mark.browser
CAT = "Con mèo của bà Lan tên là gì?"
HOSTILE = "<img src=x onerror=\"document.title='owned'\"><b>đậm</b>"


@pytest.fixture
def own_address(seeds, embedder, config, tmp_path):
    """A page with an index and a store of its own, for what changes them."""
    from rag.indexing.updating import update_index

    update_index(tmp_path / "index", [seeds], embedder, config)
    with served_page(tmp_path / "index", tmp_path / "data") as at:
        yield at


@pytest.fixture(scope="session")
def seeds() -> Path:
    """The shipped corpus."""
    return Path(__file__).resolve().parents[2] / "seeds"


def open_rail(page: Page) -> None:
    # Where there is room the rail opens by itself, soon after the page is there: a click would shut it again.
    opens_itself = page.evaluate("innerWidth >= 1400")
    if not opens_itself and not page.locator("#rail").is_visible():
        page.locator(".rail-button").click()
    expect(page.locator("#conversations")).to_be_visible()


def begin_anew(page: Page) -> None:
    page.locator("#new").click()
    expect(page.locator("#chat .question")).to_have_count(0)


def hand_in(page: Page, *files: Path) -> None:
    open_rail(page)
    page.set_input_files("input[type=file]", [str(file) for file in files])
    expect(page.locator("#added [role=status]")).to_contain_text("Đã thêm", timeout=60_000)


def test_a_citation_shows_its_words_where_it_stands(visit, address):
    page = visit(address)
    ask(page, AX)
    card = page.locator("#card")
    expect(card).to_be_hidden()
    for reach in ("hover", "focus"):
        getattr(page.locator("#chat a.chip").first, reach)()
        expect(card).to_contain_text("Qwen 2.5")
        expect(card.locator(".where")).to_contain_text("002_39c1ad4ff5a1a562.txt")
        if reach == "hover":
            shoot(page, "card")
            page.mouse.move(5, 5)
            expect(card).to_be_hidden()


def test_a_passage_leads_on_to_its_words_in_the_whole_document(visit, address):
    page = visit(address)
    ask(page, AX)
    button = page.locator("#passages .whole:visible").first
    button.click()
    expect(page.locator("#sheet h2")).to_contain_text("Tháng trước, chính phủ Hàn Quốc")
    expect(page.locator("#sheet #here")).to_be_in_viewport()
    expect(page.locator("#sheet #here")).to_contain_text("Qwen 2.5 của Alibaba Cloud")
    shoot(page, "document")
    page.keyboard.press("Escape")
    expect(page.locator("#sheet .sheet")).to_have_count(0)
    expect(button).to_be_focused()


def test_what_could_be_asked_next_is_one_click_and_leaves_with_the_next_question(visit, address):
    page = visit(address)
    ask(page, GOALS)
    offer = page.locator("#chat button.offer").first
    question = offer.inner_text()
    offer.click()
    expect(page.locator("#chat .question").nth(1)).to_have_text(question)
    expect(page.locator("#chat .answer").nth(1).locator(".summary")).to_be_visible()
    assert page.locator("#chat .answer").first.locator("button.offer").count() == 0


def test_conversations_outlive_a_restart(visit, seeds_index, tmp_path):
    with served_page(seeds_index, tmp_path) as address:
        page = visit(address, width=1440)
        ask(page, AX)
        begin_anew(page)
        ask(page, PHO)
        expect(page.locator("#conversations li")).to_have_count(2)
        port = int(address.rsplit(":", 1)[1].strip("/"))
    with served_page(seeds_index, tmp_path, port):
        page.reload()
        expect(page.locator("#conversations li")).to_have_count(2)
        page.locator("#conversations button.open", has_text=AX).click()
        expect(page.locator("#chat .answer")).to_contain_text("Qwen 2.5")
        page.locator("#chat a.chip").first.click()
        expect(page.locator("#passages mark.active").first).to_contain_text("Qwen 2.5")
        ask(page, "Còn A.X 3.1 thì sao?")
        expect(page.locator("#chat .question")).to_have_count(2)
        other = visit(address, width=1440)  # another browser
        expect(other.locator("#conversations .none")).to_be_visible()
        assert other.locator("#conversations li").count() == 0


def test_a_conversation_is_found_named_kept_as_a_file_and_deleted(visit, own_address):
    page = visit(own_address, width=1440)
    ask(page, AX)
    begin_anew(page)
    ask(page, GOALS)
    page.fill("#rail .search", "muc tieu")
    expect(page.locator("#conversations li")).to_have_count(1)
    page.fill("#rail .search", "")
    expect(page.locator("#conversations li")).to_have_count(2)

    first = page.locator("#conversations li").first
    first.locator("summary").click()
    first.get_by_text("Đổi tên").click()
    page.locator(".name-field").fill(HOSTILE)
    page.keyboard.press("Enter")
    expect(page.locator("#conversations .name").first).to_have_text(HOSTILE)

    first.locator("summary").click()
    with page.expect_download() as download:
        first.get_by_text("Tải về").click()
    kept = Path(download.value.path()).read_text(encoding="utf-8")
    assert f"## {GOALS}" in kept
    assert "[^1]: “" in kept
    assert download.value.suggested_filename.endswith(".md")

    first.locator("summary").click()
    first.get_by_text("Xóa").click()
    first.get_by_text("Bấm lần nữa để xóa").click()
    expect(page.locator("#conversations li")).to_have_count(1)
    expect(page.locator("#chat .question")).to_have_count(0)  # it was the open one
    assert page.title() != "owned"


def test_a_rating_is_kept_with_its_reason(visit, own_address):
    page = visit(own_address, width=1440)
    ask(page, AX)
    page.locator("#t1down").click()
    page.locator("#chat .why").fill(HOSTILE)
    page.keyboard.press("Enter")
    page.reload()
    page.locator("#conversations button.open", has_text=AX).click()
    expect(page.locator("#t1down.on")).to_be_visible()


def test_a_file_that_is_handed_in_is_asked_at_once_and_taken_out_again(visit, own_address, tmp_path):
    good, bad = tmp_path / "Mèo <i>con.txt", tmp_path / "hỏng.docx"
    good.write_text(f"Chuyện mèo {HOSTILE}\n\nCon mèo của bà Lan tên là Mướp. {HOSTILE}\n", encoding="utf-8")
    bad.write_bytes(b"no document")
    page = visit(own_address, width=1440)
    hand_in(page, good, bad)
    expect(page.locator("#added .problem")).to_contain_text("hỏng.docx: tệp bị hỏng (")
    expect(page.locator("#status")).to_contain_text("6 tài liệu")
    shoot(page, "documents")
    ask(page, CAT)
    expect(page.locator("#chat .answer").last).to_contain_text("Mướp")
    page.locator("#passages .whole:visible").first.click()
    expect(page.locator("#sheet h2")).to_contain_text(HOSTILE)
    page.locator(".close-sheet").click()

    row = page.locator("#documents li", has_text="Chuyện mèo")
    row.locator("summary").click()
    row.get_by_text("Xóa").click()
    row.get_by_text("Bấm lần nữa để xóa").click()
    expect(page.locator("#status")).to_contain_text("5 tài liệu")
    ask(page, CAT)
    expect(page.locator("#chat .answer").last).to_have_class("answer refusal")
    assert page.locator("#rail, #chat, #passages, #sheet").locator("img").count() == 0
    assert page.title() != "owned"


@pytest.mark.parametrize("suffix", [".pdf", ".zip"])
def test_the_page_of_a_pdf_is_shown_as_it_is_printed(visit, own_address, tmp_path, suffix):
    pdf = new_pdf()
    for text in ("Trang đầu.", "Con mèo của bà Lan tên là Mướp. Nó bốn tuổi."):
        pdf.add_page()
        pdf.multi_cell(0, text=text)
    pdf.output(str(tmp_path / "meo.pdf"))
    with zipfile.ZipFile(tmp_path / "meo.zip", "w") as archive:
        archive.write(tmp_path / "meo.pdf", "nhà/meo.pdf")
    page = visit(own_address, width=1440)
    hand_in(page, tmp_path / f"meo{suffix}")
    ask(page, CAT)
    page.locator("#passages .whole:visible").first.click()
    picture = page.locator("#sheet figure img")
    expect(picture).to_have_attribute("alt", "Trang 2, câu trích được đóng khung")
    assert picture.evaluate("image => image.naturalWidth") > 500
    shoot(page, "pdf-page")


def test_a_question_is_asked_of_the_ticked_documents_alone(visit, own_address):
    page = visit(own_address, width=1440)
    page.locator("#documents li", has_text="Hội thảo").locator("input").check()
    expect(page.locator("#documents")).to_contain_text("Chỉ hỏi trong 1 tài liệu")
    ask(page, AX)
    expect(page.locator("#chat .answer")).to_have_class("answer refusal")
    page.locator("#documents li", has_text="Hội thảo").locator("input").uncheck()
    ask(page, AX)
    expect(page.locator("#chat .answer").last).to_contain_text("Qwen 2.5")


def test_a_folder_becomes_a_collection_of_its_own(visit, own_address, tmp_path):
    (tmp_path / "meo").mkdir()
    (tmp_path / "meo" / "meo.txt").write_text("Con mèo của bà Lan tên là Mướp.\n", encoding="utf-8")
    page = visit(own_address, width=1440)
    page.get_by_text("Thêm, đổi tên, xóa bộ sưu tập").click()
    page.fill(".new-collection", "Mèo nhà")
    page.keyboard.press("Enter")
    expect(page.locator("#status")).to_contain_text("0 tài liệu")
    page.get_by_text("Thêm một thư mục của máy này").click()
    page.fill("#rail .folder", str(tmp_path / "meo"))
    page.keyboard.press("Enter")
    expect(page.locator("#status")).to_contain_text("1 tài liệu", timeout=30_000)
    ask(page, CAT)
    expect(page.locator("#chat .answer")).to_contain_text("Mướp")
    page.get_by_text("Thêm, đổi tên, xóa bộ sưu tập").click()
    page.fill("#rail .new-name", "Mèo hàng xóm")
    page.keyboard.press("Enter")
    expect(page.locator("select[data-collection]")).to_have_value("Mèo hàng xóm")
    ask(page, CAT)
    expect(page.locator("#chat .answer").last).to_contain_text("Mướp")
    page.locator("select[data-collection]").select_option("")
    expect(page.locator("#status")).to_contain_text("5 tài liệu")
    expect(page.locator("#chat .question")).to_have_count(0)


def test_choices_change_the_answer(visit, own_address):
    page = visit(own_address, width=1440)
    page.get_by_label("Số đoạn được đọc").select_option("4")
    ask(page, PHO)
    expect(page.locator("#chat .refusal")).to_contain_text("Xem 4 đoạn gần nhất")


def test_the_keyboard_reaches_the_question_and_ends_the_answer(visit, slow_address):
    page = visit(slow_address)
    page.locator("#title").click()
    page.keyboard.press("/")
    expect(page.locator("#box textarea")).to_be_focused()
    assert page.input_value("#box textarea") == ""
    type_question(page, AX)
    expect(page.locator("#chat .writing")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#chat .summary")).to_contain_text("Đã dừng", timeout=15_000)


def test_enter_that_ends_a_composed_syllable_sends_nothing(visit, address):
    page = visit(address)
    page.fill("#box textarea", "A.X 4.0 là gi")
    page.evaluate(
        """() => document.querySelector("#box textarea").dispatchEvent(
            new KeyboardEvent("keydown", {key: "Enter", bubbles: true, isComposing: true}))"""
    )
    page.wait_for_timeout(500)
    assert page.locator("#chat .question").count() == 0


def test_the_rail_is_a_drawer_on_a_telephone(visit, address):
    page = visit(address, width=390, height=844)
    expect(page.locator("#rail")).to_be_hidden()
    open_rail(page)
    shoot(page, "phone-rail")
    page.mouse.click(380, 400)
    expect(page.locator("#rail")).to_be_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_that_axe_sees_stands_in_the_way_of_anybody(visit, address, scheme):
    from axe_playwright_python.sync_playwright import Axe

    page = visit(address, width=1440, scheme=scheme)
    ask(page, AX)
    page.locator("#passages .whole:visible").first.click()
    expect(page.locator("#sheet .sheet")).to_be_visible()
    with_sheet = Axe().run(page)
    page.keyboard.press("Escape")
    expect(page.locator("#sheet .sheet")).to_have_count(0)
    for found in (with_sheet, Axe().run(page)):
        wrong = [one for one in found.response["violations"] if one["impact"] in ("serious", "critical")]
        assert [(one["id"], [node["html"][:160] for node in one["nodes"][:3]]) for one in wrong] == []
