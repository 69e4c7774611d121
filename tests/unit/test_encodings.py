"""Old encodings of Vietnamese: every letter there and back, and Unicode left alone."""

import shutil
import subprocess
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.errors import DocumentError
from rag.language.encodings import Legacy, decode, encode, font_encoding, from_font, is_syllable, repair

SMALL = "àảãáạăằẳẵắặâầẩẫấậèẻẽéẹêềểễếệìỉĩíịòỏõóọôồổỗốộơờởỡớợùủũúụưừửữứựỳỷỹýỵđ"
LETTERS = SMALL + SMALL.upper()
TEXT = (
    "Cộng hòa xã hội chủ nghĩa Việt Nam. Độc lập, tự do, hạnh phúc. Những người lao động ở vùng sâu được hưởng chế độ"
    " nghỉ dưỡng, và trẻ em đến trường đúng tuổi."
)
TYPED = {
    Legacy.TCVN3: "Céng hßa x· héi chñ nghÜa ViÖt Nam, §éc lËp - Tù do - H¹nh phóc",
    Legacy.VNI: "Coäng hoøa xaõ hoäi chuû nghóa Vieät Nam, Ñoäc laäp - Töï do - Haïnh phuùc",
}
MOTTO = "Cộng hòa xã hội chủ nghĩa Việt Nam, Độc lập - Tự do - Hạnh phúc"


def read(letters: str, encoding: Legacy) -> str:
    """Letters written and read again in the company of a text that shows what the encoding is."""
    found, name = decode(encode(f"{TEXT}\n{letters}", encoding), "a.txt")
    assert name == encoding.value
    return found.removeprefix(f"{TEXT}\n")


@pytest.mark.parametrize("encoding", [Legacy.VNI, Legacy.VISCII, Legacy.WINDOWS])
def test_every_letter_comes_back(encoding: Legacy) -> None:
    assert read(" ".join(LETTERS), encoding) == " ".join(LETTERS)


def test_every_letter_of_tcvn3_comes_back_but_for_capitals_with_a_tone() -> None:
    assert read(" ".join(SMALL + "ĂÂÊÔƠƯĐ"), Legacy.TCVN3) == " ".join(SMALL + "ĂÂÊÔƠƯĐ")
    assert read("Ở Ấn", Legacy.TCVN3) == "ở ấn"


def test_every_letter_in_a_font_of_capitals_is_a_capital() -> None:
    typed = encode(" ".join(SMALL), Legacy.TCVN3).decode("latin-1")
    assert from_font(typed, ".VnTimeH") == " ".join(SMALL.upper())


@pytest.mark.skipif(shutil.which("iconv") is None, reason="iconv is not installed")
@pytest.mark.parametrize(
    ("encoding", "name"), [(Legacy.TCVN3, "TCVN"), (Legacy.VISCII, "VISCII"), (Legacy.WINDOWS, "CP1258")]
)
def test_the_tables_agree_with_those_of_iconv(encoding: Legacy, name: str) -> None:
    letters = SMALL + "ĂÂÊÔƠƯĐ" if encoding is Legacy.TCVN3 else LETTERS
    command = ["iconv", "-f", name, "-t", "UTF-8"]
    done = subprocess.run(command, input=encode(letters, encoding), capture_output=True, check=False)
    if done.returncode and b"not supported" in done.stderr:
        pytest.skip(f"this iconv does not know {name}")
    assert unicodedata.normalize("NFC", done.stdout.decode()) == letters


@pytest.mark.parametrize("encoding", Legacy)
@given(words=st.lists(st.sampled_from(TEXT.split()), min_size=14, unique=True))
def test_sentences_come_back(encoding: Legacy, words: list[str]) -> None:
    text = " ".join(words)
    assert decode(encode(text, encoding), "a.txt")[0] == text


@pytest.mark.parametrize("encoding", TYPED)
def test_what_old_keyboards_typed_is_read(encoding: Legacy) -> None:
    assert decode(TYPED[encoding].encode("cp1252"), "a.txt") == (MOTTO, encoding.value)


@pytest.mark.parametrize("encoding", TYPED)
def test_what_was_pasted_from_an_old_font_is_mended(encoding: Legacy) -> None:
    assert repair(TYPED[encoding]) == (MOTTO, encoding)
    assert decode(TYPED[encoding].encode(), "a.txt") == (MOTTO, encoding.value)


@pytest.mark.parametrize(
    "text",
    [
        TEXT,
        "Le déjà vu: où était la forêt près du château, là-bas, à côté de l'église?",
        "Não há solução fácil para a questão da educação básica à distância.",
        "Über die Größe der Straße hört man schöne Märchen für Mädchen.",
        "Plain English, with “quotes” — and a café.",
        "é à ù",
        "C«ng",
        "",
    ],
)
def test_unicode_is_left_alone(text: str) -> None:
    assert decode(text.encode(), "a.txt") == (text, "utf-8")


@given(st.text(max_size=200))
def test_text_with_a_letter_of_unicode_alone_is_never_touched(text: str) -> None:
    assert repair(f"{text} ế") == (f"{text} ế", None)


@pytest.mark.parametrize("name", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig", "utf-8"])
def test_unicode_with_and_without_its_mark_is_read(name: str) -> None:
    assert decode(TEXT.encode(name), "a.txt")[0] == TEXT


def test_english_of_windows_keeps_its_quotes() -> None:
    assert decode(b"He said \x93yes\x94 \x96 twice.", "a.txt") == ("He said “yes” – twice.", "windows-1252")


@pytest.mark.parametrize(
    "raw", [bytes(range(256)), b"\x89PNG\r\n\x1a\n\xff\xd8", b"\xff\xfea", "việt".encode()[:-1] + b"\xff"]
)
def test_what_is_no_text_is_refused_by_name(raw: bytes) -> None:
    with pytest.raises(DocumentError, match=r"^a\.txt: .*UTF-8"):
        decode(raw, "a.txt")


@pytest.mark.parametrize(
    ("font", "encoding"),
    [
        (".VnTime", Legacy.TCVN3),
        ("ABCDEF+.VnArialH", Legacy.TCVN3),
        ("VNI-Times", Legacy.VNI),
        ("QWERTY+VNI-Helve,Bold", Legacy.VNI),
        ("Times New Roman", None),
        ("ABCDEF+TimesNewRomanPSMT", None),
        ("", None),
    ],
)
def test_fonts_name_their_encoding(font: str, encoding: Legacy | None) -> None:
    assert font_encoding(font) is encoding


def test_unicode_in_an_old_font_stays() -> None:
    assert from_font("Hội nghị à", ".VnTime") == "Hội nghị à"
    assert from_font("là và", "VNI-Times") == "là và"


def test_a_hyphen_read_for_u_with_a_horn_is_put_right() -> None:
    assert from_font("Nh- vËy, tr-êng h÷u - nghÞ", ".VnTime") == "Như vậy, trường hữu - nghị"


@pytest.mark.parametrize("word", "nghiêng giếng quyết gì khuỷu Đường ý ươm thuở quýt tuýp yết".split())
def test_syllables_are_known(word: str) -> None:
    assert is_syllable(word)


@pytest.mark.parametrize("word", "été não Größe mát̀ tàp ngàc ñaïi".split())
def test_what_is_no_syllable_is_known(word: str) -> None:
    assert not is_syllable(word) or word == "não"
