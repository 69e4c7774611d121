"""Two people who log in, each in a browser of their own."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import _free_port, _served
from tests.browser.test_page import ask
from tests.serving import rag

pytestmark = pytest.mark.browser
PASSWORD = "mật khẩu dài"
CAT = "Con mèo của bà Lan tên là gì?"


@pytest.fixture
def address(seeds_index, tmp_path):
    file = str(tmp_path / "logins")
    for name in ("lan", "minh"):
        assert rag("serve", "--auth", file, "--add-login", name, told=f"{PASSWORD}\n").returncode == 0
    port = _free_port()
    serve = ["-m", "rag.cli", "serve", "--index", str(seeds_index), "--auth", file, "--port", str(port)]
    with _served([*serve, "--llm", "none"], port, tmp_path / "data") as at:
        yield at


@pytest.fixture
def log_in(browser, address):
    contexts = []

    def log_in(name: str) -> Page:
        contexts.append(browser.new_context(viewport={"width": 1440, "height": 900}, locale="vi-VN"))
        page: Page = contexts[-1].new_page()
        page.goto(address)
        page.locator("input[type=password]").fill(PASSWORD)
        page.locator("input").first.fill(name)
        page.locator("button").last.click()
        expect(page.locator("#documents li").first).to_be_visible(timeout=30_000)
        return page

    yield log_in
    for context in contexts:
        context.close()


def test_what_one_hands_in_the_other_neither_sees_nor_asks(log_in, tmp_path):
    lan = log_in("lan")
    expect(lan.locator("#documents .read-only")).to_contain_text("Tài liệu chung chỉ để đọc")
    expect(lan.locator("#upload")).to_be_hidden()
    lan.get_by_text("Thêm, đổi tên, xóa bộ sưu tập").click()
    lan.fill(".new-collection", "Nhà Lan")
    lan.keyboard.press("Enter")
    expect(lan.locator("#upload")).to_be_visible()
    (tmp_path / "meo.txt").write_text("Con mèo của bà Lan tên là Mướp.\n", encoding="utf-8")
    lan.set_input_files("input[type=file]", [str(tmp_path / "meo.txt")])
    expect(lan.locator("#added")).to_contain_text("Đã thêm 1 tài liệu", timeout=30_000)
    ask(lan, CAT)
    expect(lan.locator("#chat .answer")).to_contain_text("Mướp")

    minh = log_in("minh")
    assert minh.locator("select[data-collection] option").all_inner_texts() == ["Tài liệu chính"]
    expect(minh.locator("#conversations li")).to_have_count(0)
    ask(minh, CAT)
    expect(minh.locator("#chat .answer")).to_have_class("answer refusal")
    again = log_in("lan")  # on another machine
    again.locator("#conversations button.open").click()
    expect(again.locator("#chat .answer")).to_contain_text("Mướp")
    expect(again.locator("select[data-collection]")).to_have_value("Nhà Lan")
