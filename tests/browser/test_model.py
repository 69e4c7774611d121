"""A language model that a person chooses in the settings: real GGUF files through the real runtime, in the browser."""

import re
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import ROOT, served_page
from tests.browser.test_page import AX, PHO, REFUSAL, ask, shoot
from tests.tiny_gguf import write_random_gguf, write_scripted_gguf

pytest.importorskip("llama_cpp", reason="no language model library: `make llm`")
pytestmark = [pytest.mark.browser, pytest.mark.llm]

BORNE: list[str | bytes] = [
    "A.X",
    " 4.0 được phát triển",
    " dựa trên mô",
    b" h\xc3",
    b"\xacnh",
    " nguồn mở",
    " Qwen 2.5 [1].",
]
INVENTED: list[str | bytes] = [" Hãng này có", " 900", " nhân viên", " ở Đà Nẵng [1]."]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program with its own models/: the shipped ones, one that says what it is told, one that writes nonsense."""
    root = tmp_path_factory.mktemp("checkout")
    shutil.copytree(ROOT / "rag", root / "rag", ignore=shutil.ignore_patterns("__pycache__"))
    (root / "models").mkdir()
    for folder in ROOT.joinpath("models").glob("*-vi"):
        (root / "models" / folder.name).symlink_to(folder)
    write_scripted_gguf(root / "models" / "scripted.gguf", [*BORNE, *INVENTED])
    write_random_gguf(root / "models" / "random.gguf")
    (root / "models" / "broken.gguf").write_bytes(b"GGUF, but no more")
    return root


@pytest.fixture
def page(visit, seeds_index, tmp_path, checkout):
    with served_page(seeds_index, tmp_path, root=checkout) as address:
        yield visit(address, width=1440)


def choose(page, name: str) -> None:
    page.get_by_label("Người viết câu trả lời").select_option(name)


def test_a_chosen_model_writes_and_what_it_invents_is_marked(page):
    expect(page.locator("#status")).to_contain_text("Trích nguyên văn")
    choose(page, "scripted")
    expect(page.locator("#status")).to_contain_text("scripted.gguf")
    ask(page, AX)
    answer = page.locator("#chat .answer").last
    expect(answer.locator(".sentence").first).to_contain_text("mô hình nguồn mở Qwen 2.5")
    expect(answer.locator(".sign").first).to_have_text("● có căn cứ")
    invented = answer.locator(".sentence", has_text="900 nhân viên")
    expect(invented).to_have_class(re.compile("unsupported"))
    expect(answer.locator(".summary")).to_contain_text("1/2 câu có căn cứ")
    expect(answer.locator(".summary")).to_contain_text("viết bởi scripted.gguf")
    expect(page.locator("#status")).to_contain_text(re.compile(r"\d+,\d token/giây"))
    shoot(page, "model")
    ask(page, PHO)  # no model is asked what the documents do not hold
    expect(page.locator("#chat .answer").last.locator(".verdict")).to_have_text(REFUSAL)


def test_the_choice_is_the_tabs_and_quoting_comes_back(page):
    choose(page, "random")
    expect(page.locator("#status")).to_contain_text("random")  # it may be loading still: the question waits for it
    ask(page, AX)
    nonsense = page.locator("#chat .answer").last
    expect(nonsense.locator(".summary")).to_contain_text("viết bởi random.gguf")
    expect(nonsense.locator(".sign.unsupported")).to_have_count(nonsense.locator(".sentence").count())
    expect(nonsense.locator(".lack").first).to_contain_text("bị cắt ở mức 400 token")
    choose(page, "")
    expect(page.locator("#status")).to_contain_text("Trích nguyên văn")
    ask(page, AX)
    expect(page.locator("#chat .answer").last.locator(".summary")).to_contain_text("trích nguyên văn")
    expect(page.locator("#status")).not_to_contain_text("token/giây")


def test_a_model_that_cannot_be_loaded_is_told_and_the_one_before_stays(page):
    choose(page, "broken")
    expect(page.locator("#told .failure")).to_contain_text("Không làm được: ", timeout=60_000)
    shoot(page, "model-broken")
    ask(page, AX)
    expect(page.locator("#chat .answer").last.locator(".summary")).to_contain_text("trích nguyên văn")
    expect(page.get_by_label("Người viết câu trả lời")).to_have_value("")
