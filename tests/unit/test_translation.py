"""Every message of an error has its Vietnamese form, with the same values in it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from rag import errors
from rag.errors import IndexDamagedError
from rag.vietnamese.translation import TEMPLATES, in_language
from tests.conftest import ROOT

_PLACE = re.compile(r"\{\w+\}")
_FIGURES = ("batch", "evaluation", "sweeping")
"""What only `rag eval`, `rag compare` and `rag questions` say, which is English with all their figures."""
_KINDS = {name for name in vars(errors) if name.endswith("Error")} | {"_NoAnswerError"}
_REASONS = {"marked", "_damaged", "damaged"}
"""Functions that are told a part of a message."""


def spoken() -> Iterator[tuple[str, str]]:
    """(place, template) of every text that an error is made of, its values as {}."""
    for path in sorted((ROOT / "rag").rglob("*.py")):
        if any(part in _FIGURES for part in path.relative_to(ROOT / "rag").with_suffix("").parts):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and is_speech(node.func):
                for text in node.args:
                    for template in templates(text):
                        yield f"{path.relative_to(ROOT)}:{node.lineno}", template


def is_speech(function: ast.expr) -> bool:
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    return name in _KINDS | _REASONS


def templates(text: ast.expr) -> Iterator[str]:
    """The texts that an argument may be; nothing for one that is only handed on."""
    if isinstance(text, ast.Constant) and isinstance(text.value, str):
        yield text.value
    elif isinstance(text, ast.JoinedStr):
        words = (part.value if isinstance(part, ast.Constant) else "{}" for part in text.values)
        yield "".join(map(str, words)).replace("{}{}", "{}")
    elif isinstance(text, ast.IfExp):
        yield from templates(text.body)
        yield from templates(text.orelse)


KNOWN = {_PLACE.sub("{}", english) for english, _ in TEMPLATES}


def test_every_message_of_an_error_has_a_vietnamese_form() -> None:
    said = list(spoken())
    assert len(said) > 120
    missing = [f"{place}: {template}" for place, template in said if template not in KNOWN and template != "{}"]
    assert missing == []


def test_no_translation_is_of_what_nobody_says() -> None:
    sources = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "rag").rglob("*.py"))
    said = {template for _, template in spoken()}
    # Those that are written across a name (WAY_OUT, a reason picked by a condition) stand somewhere in the code.
    stale = [
        english
        for english, _ in TEMPLATES
        if _PLACE.sub("{}", english) not in said
        and max(_PLACE.split(english), key=len)[:40] not in sources.replace('"\n        "', "")
    ]
    assert stale == []


@pytest.mark.parametrize(("english", "vietnamese"), TEMPLATES)
def test_a_message_keeps_its_values(english: str, vietnamese: str) -> None:
    names = set(re.findall(r"\{(\w+)\}", english))
    assert set(re.findall(r"\{(\w+)\}", vietnamese)) <= names
    values = {name: f"⟨{name}⟩" for name in names}

    def filled(template: str) -> str:
        return re.sub(r"\{(\w+)\}", lambda place: values[place[1]], template)

    told = in_language(filled(english), "vi")
    assert told == filled(vietnamese)
    assert told != filled(english) or english in ("{name} = {value} in {origin}: {wanted}",)
    assert in_language(filled(english), "en") == filled(english)


def test_a_reason_within_a_message_is_translated_too() -> None:
    damaged = str(IndexDamagedError(Path("index/x"), "its checksum is not that of what was written", "try again later"))
    assert in_language(damaged, "vi") == "index/x bị hỏng (mã kiểm khác với lúc ghi): hãy thử lại sau"
    told = "a: b.pdf: pages 2, 3 are pictures and were left out: tesseract is not installed: x with --rebuild"
    assert in_language(told, "vi").startswith("a: b.pdf: các trang 2, 3 là ảnh nên bị bỏ qua: máy chưa cài tesseract")
    assert in_language("x.txt: cannot be read (Permission denied): check its permissions", "vi") == (
        "x.txt: không đọc được (không có quyền): hãy kiểm tra quyền truy cập tệp"
    )


def test_what_is_no_message_stays_as_it_is() -> None:
    for text in ("", "Một câu khác.", "a: b: c: d: e: f", "{source}", "x" * 5000):
        assert in_language(text, "vi") == text
