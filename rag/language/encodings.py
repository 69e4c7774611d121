"""Bytes to Unicode, and the encodings of Vietnamese from before it: TCVN3 (ABC), VNI, VISCII and windows-1258.

Python has no codec for the first three. Most files in TCVN3 and VNI say nothing of their encoding: only a font that
draws the letters does (.VnTime, VNI-Times). What a text was written in is therefore found by what its words become:
Vietnamese syllables are few, and a wrong table hardly ever makes one.
"""

import codecs
import re
import unicodedata
from collections.abc import Callable
from enum import StrEnum
from functools import lru_cache

from rag.errors import DocumentError


class Legacy(StrEnum):
    """An encoding of Vietnamese from before Unicode."""

    TCVN3 = "TCVN3 (ABC)"
    VNI = "VNI"
    VISCII = "VISCII"
    WINDOWS = "windows-1258"


# TCVN 5712:1993 (https://vietunicode.sourceforge.net/charset/vn3.html). Its fonts draw only the small letters and the
# capitals without a tone; a capital with one is a small letter in a font of capitals, whose name ends in H.
_TCVN3_FROM_A1 = (
    "ĂÂÊÔƠƯĐăâêôơưđẰ\u0300\u0309\u0303\u0301\u0323àảãáạẲằẳẵắẴẮẦẨẪẤỀặầẩẫấ"
    "ậèỂẻẽéẹềểễếệìỉỄẾỒĩíịòỔỏõóọồổỗốộờởỡớợùỖủũúụừửữứựỳỷỹýỵỐ"
)
_TCVN3 = {0xA1 + place: letter for place, letter in enumerate(_TCVN3_FROM_A1)}
_TCVN3_TONED = frozenset(letter for byte, letter in _TCVN3.items() if byte >= 0xB5 and letter.islower())
_SHOUTED = re.compile(r"\w*[A-ZĂÂÊÔƠƯĐ]\w*[A-ZĂÂÊÔƠƯĐ]\w*")
"""A word of capitals whose letters with a tone had no capitals to be written in: "HéI NGHÞ"."""

# RFC 1456.
_VISCII = dict(zip((0x02, 0x05, 0x06, 0x14, 0x19, 0x1E), "ẲẴẪỶỸỴ", strict=True)) | {
    0x80 + place: letter
    for place, letter in enumerate(
        "ẠẮẰẶẤẦẨẬẼẸẾỀỂỄỆỐỒỔỖỘỢỚỜỞỊỎỌỈỦŨỤỲÕắằặấầẩậẽẹếềểễệốồổỗỠƠộờởịỰỨỪỬơớƯÀÁÂÃẢĂẳẵÈÉÊẺÌÍĨỳĐứÒÓÔạỷừửÙÚỹỵÝỡưàáâãảăữẫèéêẻìíĩỉđựòóôõỏọụùúũủýợỮ"
    )
}

# VNI for Windows: a letter of its own or a plain vowel with a mark after it, all in windows-1252.
_VNI_SINGLE = dict(zip("ñôöæóòî", "đơưỉĩịỵ", strict=True))
_VNI_MARKS = {
    "a": dict(zip("ùøûõïâáàåãäêéèúüë", "áàảãạâấầẩẫậăắằẳẵặ", strict=True)),
    "e": dict(zip("ùøûõïâáàåãä", "éèẻẽẹêếềểễệ", strict=True)),
    "o": dict(zip("ùøûõïâáàåãä", "óòỏõọôốồổỗộ", strict=True)),
    "u": dict(zip("ùøûõï", "úùủũụ", strict=True)),
    "y": dict(zip("ùøûõ", "ýỳỷỹ", strict=True)),
    "ô": dict(zip("ùøûõï", "ớờởỡợ", strict=True)),
    "ö": dict(zip("ùøûõï", "ứừửữự", strict=True)),
}
_VNI = {base + mark: letter for base, marks in _VNI_MARKS.items() for mark, letter in marks.items()} | _VNI_SINGLE
# The mark after a capital is written in either case.
_VNI |= {
    base + mark: letter.upper()
    for base, marks in ((key.upper(), value) for key, value in _VNI_MARKS.items())
    for small, letter in marks.items()
    for mark in (small, small.upper())
} | {single.upper(): letter.upper() for single, letter in _VNI_SINGLE.items()}
_VNI_OF = {letter: letters for letters, letter in _VNI.items()}
_VNI_PATTERN = re.compile("|".join(sorted(_VNI, key=len, reverse=True)))

_TCVN3_FONT = re.compile(r"\.Vn[A-Z]|Vn(?:Time|Arial|Helvet|Courier|Century|Univers|Avant|Book|Aristote|Southern)")
_VNI_FONT = re.compile(r"VNI[- ]", re.IGNORECASE)
_SUBSET = re.compile(r"[A-Z]{6}\+")

_ONLY_UNICODE = re.compile(
    "[\u0102\u0103\u0110\u0111\u0128\u0129\u0168\u0169\u01a0\u01a1\u01af\u01b0\u1ea0-\u1ef9\u0300-\u0323]"
)
"""Letters that no text of bytes taken for windows-1252 can hold."""
_EDGES = re.compile(
    r"^[\s\"'“”‘’«».,;:!?()\[\]{}<>…–—*•_+=&%$#@~|\d-]+|[\s\"'“”‘’«».,;:!?()\[\]{}<>…–—*•_+=&%$#@~|\d-]+$"
)
_WORD = re.compile(r"[^\s/\\-]+")
_TONES = "\u0300\u0301\u0303\u0309\u0323"
_ONSETS = "b|ch?|d|đ|gh?|gi|h|kh?|l|m|ngh?|nh|n|ph?|qu|r|s|th|tr|t|v|x"
_RHYMES = (
    "a ac ach ai am an ang anh ao ap at au ay ă ăc ăm ăn ăng ăp ăt â âc âm ân âng âp ât âu ây e ec em en eng eo "
    "ep et ê êch êm ên ênh êp êt êu i ia ich iêc iêm iên iêng iêp iêt iêu im in inh ip it iu o oa oac oach oai "
    "oam oan oang oanh oao oap oat oay oăc oăm oăn oăng oăt oc oe oen oeo oet oi om on ong oong ooc op ot ô ôc ôi "
    "ôm ôn ông ôp ôt ơ ơi ơm ơn ơp ơt u ua uân uâng uât uây uc uê uêch uênh ui um un ung uôc uôi uôm uôn uông uôt "
    "uơ up ut uy uya uych uyên uyêt uyp uynh uyt uyu ư ưa ưc ưi ưm ưn ưng ươc ươi ươm ươn ương ươp ươt ươu ưt ưu "
    "y yêm yên yêng yêt yêu ynh yt"
).split()
_SYLLABLE = re.compile(f"(?:{_ONSETS})?(?:{'|'.join(sorted(_RHYMES, key=len, reverse=True))})")

_DECISIVE_SHARE = 0.8
"""Of the words with marks, how many must become syllables before Unicode is taken for bytes of another encoding."""
_DECISIVE_GAIN = 0.4
"""By how much that share must grow: a French text has few to begin with, and would have few after."""
_LEAST_WORDS = 5
"""Words with marks below which nothing is said about a text that is Unicode already."""
_LIKELY_SHARE = 0.6
"""The same for bytes that are no Unicode at all, where something must be chosen."""


def decode(raw: bytes, source: str) -> tuple[str, str]:
    """The text in `raw` and the name of the encoding it was in; Unicode first, then what makes Vietnamese of it.

    Raises:
        DocumentError: it is no text, or in an encoding that is not known; `source` names the file.
    """
    for mark, name in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if raw.startswith(mark):
            return _strictly(raw, name, source), name
    if b"\0" in raw:
        name = _unmarked_utf16(raw)
        if name:
            return _strictly(raw, name, source), name
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        # The six capitals of VISCII among the control characters never come alone, so zero is no text.
        found = None if b"\0" in raw else _guessed(raw)
        if found is None:
            raise DocumentError(
                f"{source}: is not text in UTF-8, UTF-16 or an old Vietnamese encoding: save it as UTF-8"
            ) from error
        return found
    if "\0" in text:
        raise DocumentError(f"{source}: is not a text file (it holds zero bytes): save it as UTF-8 text")
    repaired, encoding = repair(text)
    return repaired, encoding.value if encoding is not None else "utf-8"


def repair(text: str) -> tuple[str, Legacy | None]:
    """Text whose letters are those of another encoding ("C«ng hßa"), made Unicode; any other text as it is, and None.

    A text with one letter that only Unicode has is never touched.
    """
    if text.isascii() or _ONLY_UNICODE.search(text):
        return text, None
    share, words = vietnamese_share(text)
    if words < _LEAST_WORDS:
        return text, None
    encoding, made, best = max(
        ((one, (made := convert(text, one)), vietnamese_share(made)[0]) for one in (Legacy.TCVN3, Legacy.VNI)),
        key=lambda found: found[2],
    )
    return (made, encoding) if best >= max(_DECISIVE_SHARE, share + _DECISIVE_GAIN) else (text, None)


def convert(text: str, encoding: Legacy) -> str:
    """Text of windows-1252 letters read in another encoding, in NFC; letters outside windows-1252 stay."""
    return unicodedata.normalize("NFC", _CONVERTERS[encoding]("".join(map(_byte_letter, text))))


def font_encoding(font: str) -> Legacy | None:
    """The encoding that a font of this name draws; None for fonts of Unicode."""
    name = _SUBSET.sub("", font.strip())
    if _TCVN3_FONT.match(name):
        return Legacy.TCVN3
    return Legacy.VNI if _VNI_FONT.match(name) else None


def from_font(text: str, font: str) -> str:
    """Text as a font draws it: in Unicode, and in capitals where the font has nothing else (.VnTimeH).

    Text that has letters of Unicode already, or more Vietnamese words before than after, stays as it is.
    """
    encoding = font_encoding(font)
    if encoding is None:
        return text
    made = text
    if not _ONLY_UNICODE.search(text):
        if encoding is Legacy.TCVN3:
            text = _HYPHEN_FOR_U.sub(_u_or_hyphen, text)
        made = convert(text, encoding)
        if vietnamese_share(made)[0] < vietnamese_share(text)[0]:
            return text
    return made.upper() if encoding is Legacy.TCVN3 and font.rstrip().endswith("H") else made


def encode(text: str, encoding: Legacy) -> bytes:
    """The bytes of Vietnamese text in an old encoding; what it cannot say becomes a question mark.

    TCVN3 writes a capital with a tone as the small letter.
    """
    composed = unicodedata.normalize("NFC", text)
    if encoding is Legacy.WINDOWS:
        return b"".join(map(_windows_bytes, composed))
    if encoding is Legacy.VNI:
        return "".join(_byte_letter(char) for char in "".join(_VNI_OF.get(char, char) for char in composed)).encode(
            "latin-1", "replace"
        )
    table = _VISCII
    if encoding is Legacy.TCVN3:
        table = _TCVN3
        composed = "".join(
            char if char in "ĂÂÊÔƠƯĐ" else char.lower() if not char.isascii() else char for char in composed
        )
    numbers = {letter: chr(byte) for byte, letter in table.items()}
    letters = (
        numbers.get(char) or (_byte_letter(char) if _is_shared(char, encoding) else "\u0100") for char in composed
    )
    return "".join(letters).encode("latin-1", "replace")


def vietnamese_share(text: str) -> tuple[float, int]:
    """How many of the words with a letter outside ASCII are Vietnamese syllables, 0 to 1, and how many such words."""
    marked = [word for word in map(_bare, _WORD.findall(text)) if word and not word.isascii()]
    return (sum(map(is_syllable, marked)) / len(marked) if marked else 0.0), len(marked)


@lru_cache(maxsize=100_000)
def is_syllable(word: str) -> bool:
    """Whether a word is spelt as Vietnamese syllables are, marks included."""
    decomposed = unicodedata.normalize("NFD", word.lower())
    tones = [char for char in decomposed if char in _TONES]
    bare = unicodedata.normalize("NFC", "".join(char for char in decomposed if char not in _TONES))
    if len(tones) > 1 or _SYLLABLE.fullmatch(bare) is None:
        return False
    return not bare.endswith(("c", "ch", "p", "t")) or tones in (["\u0301"], ["\u0323"])


# The glyph of the byte 0xAD (ư) is named "hyphen" in PDF's own encodings, and that is what is read.
_HYPHEN_FOR_U = re.compile(r"[^\s-]*[-\u00ad\ufffe\x02][^\s-]*")


def _u_or_hyphen(match: re.Match[str]) -> str:
    if len(match[0]) == 1:
        return match[0]  # a dash between words
    changed = re.sub("[-\ufffe\x02]", "\u00ad", match[0])
    return changed if is_syllable(_bare(convert(changed, Legacy.TCVN3))) else match[0]


def _bare(word: str) -> str:
    return _EDGES.sub("", word)


def _byte_letter(char: str) -> str:
    """The letter whose number is the byte that windows-1252 has for `char`."""
    if ord(char) < 0x100:
        return char
    try:
        return char.encode("cp1252").decode("latin-1")
    except UnicodeEncodeError:
        return char


def _from_tcvn3(text: str) -> str:
    return "".join(map(_windows_letter, _SHOUTED.sub(_shouted, text.translate(_TCVN3))))


def _shouted(match: re.Match[str]) -> str:
    small = [char for char in match[0] if char.islower()]
    return match[0].upper() if all(char in _TCVN3_TONED for char in small) else match[0]


def _from_vni(text: str) -> str:
    return "".join(map(_windows_letter, _VNI_PATTERN.sub(lambda match: _VNI[match[0]], text)))


def _from_viscii(text: str) -> str:
    return text.translate(_VISCII)


def _from_windows(text: str) -> str:
    return "".join(bytes([ord(char)]).decode("cp1258", "replace") if ord(char) < 0x100 else char for char in text)


_CONVERTERS: dict[Legacy, Callable[[str], str]] = {
    Legacy.TCVN3: _from_tcvn3,
    Legacy.VNI: _from_vni,
    Legacy.VISCII: _from_viscii,
    Legacy.WINDOWS: _from_windows,
}


def _is_shared(char: str, encoding: Legacy) -> bool:
    """Whether the encoding has this letter where windows-1252 has it: VISCII has no punctuation outside ASCII."""
    return char.isascii() or (encoding is Legacy.TCVN3 and "\x80" <= _byte_letter(char)[:1] <= "\xa0")


def _windows_bytes(char: str) -> bytes:
    """A letter of windows-1258, where most tones are marks of their own after the letter."""
    try:
        return char.encode("cp1258")
    except UnicodeEncodeError:
        parts = unicodedata.normalize("NFD", char)
        tone = next((part for part in parts if part in _TONES), "")
        return (
            unicodedata.normalize("NFC", parts.replace(tone, "", 1) + "\0" + tone)
            .replace("\0", "")
            .encode("cp1258", "replace")
        )


def _windows_letter(char: str) -> str:
    """What windows-1252 has at the number of a control character: quotes, dashes."""
    return char.encode("latin-1").decode("cp1252", "replace") if "\x80" <= char <= "\x9f" else char


def _strictly(raw: bytes, encoding: str, source: str) -> str:
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        raise DocumentError(f"{source}: is not text in UTF-8 or UTF-16 throughout: save it as UTF-8") from error


_LEAST_UTF16 = 4
"""Letters below which nothing can be said."""


def _unmarked_utf16(raw: bytes) -> str:
    """The byte order of UTF-16 without its mark; empty when it is something else.

    Half of the letters of Vietnamese are ASCII, and so are spaces: the higher byte of most is zero, the lower of none.
    """
    half = len(raw) // 2
    if len(raw) % 2 or half < _LEAST_UTF16:
        return ""
    even, odd = raw[0::2].count(0) / half, raw[1::2].count(0) / half
    if max(even, odd) < 0.4 or min(even, odd) > 0.02:
        return ""
    return "utf-16-le" if odd > even else "utf-16-be"


def _guessed(raw: bytes) -> tuple[str, str] | None:
    """The text in the encoding that makes most Vietnamese words of it; None when none does."""
    letters = raw.decode("latin-1")
    made = {one: unicodedata.normalize("NFC", convert(letters)) for one, convert in _CONVERTERS.items()}
    best = max(made, key=lambda one: vietnamese_share(made[one])[0])
    share, words = vietnamese_share(made[best])
    if words and share >= _LIKELY_SHARE:
        return made[best], best.value
    western = "".join(map(_windows_letter, letters))
    # English with curly quotes: no word has a mark, and nothing was chosen.
    if vietnamese_share(western)[1] == 0 and not re.search(r"[\x00-\x08\x0e-\x1f\ufffd]", western):
        return western, "windows-1252"
    return None
