"""Makes rag/language/abbreviations.json: the abbreviations that a search takes for what they stand for.

    python models/training/abbreviations.py --data ../shared/data --out rag/language/abbreviations.json

Candidates are the pairs of vi-acronyms.json (MIT) and the definitions in brackets of news, Wikipedia and laws. A pair
stays when texts that write the abbreviation in capitals also write its reading, far more often than other texts do, and
when no other reading of the same letters is nearly as common there. BY_HAND adds what the counts cannot know
(abbreviations of foreign words, short ones that only readers tell apart); NEVER takes out what misleads.
"""

import argparse
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from raw_rows import rows

from rag.text import fold, normalize, syllables

COUNTED = 12
"""Every twelfth text is enough to count how often abbreviations and readings occur."""
DEFINED, SHORT_TEXTS, BOTH_SHARE, LIFT, DOMINANCE = 3, 12, 0.15, 3.0, 3.0
# An abbreviation of two to eight letters in brackets, and the line of words that ends before its bracket.
_BRACKETED = re.compile(r"\(((?:[^\W\d_][.&-]?){2,8})\)")
_WORDS_BEFORE = re.compile(r"(?:[^\W\d_]+(?:\s*[-–&]\s*|,?[ \t]+))+$")
_WORD = re.compile(r"[^\W\d_]+")
_DEFINITION_CHARS = 100
_UNNAMED = frozenset("và của về cho với các of and the for in on".split())
"""Words that an abbreviation may pass over: "khoa học và công nghệ (KHCN)"."""
_CAPITALS = re.compile(r"(?<![\w.&-])[^\W\d_](?:[.&-]?[^\W\d_])+(?!\w)")

BY_HAND = {
    "thành phố Hồ Chí Minh": ["TP Hồ Chí Minh", "TP.HCM", "TPHCM"],
    "Hồ Chí Minh": ["HCM"],
    "thành phố": ["TP"],
    "khoa học và công nghệ": ["khoa học công nghệ", "KH&CN", "KHCN"],
    "giáo dục và đào tạo": ["giáo dục đào tạo", "GD&ĐT", "GDĐT"],
    "lao động thương binh và xã hội": ["LĐ-TB&XH", "LĐTBXH", "LĐTB&XH"],
    "tài nguyên và môi trường": ["tài nguyên môi trường", "TN&MT", "TNMT"],
    "nông nghiệp và phát triển nông thôn": ["NN&PTNT", "NNPTNT"],
    "văn hóa thể thao và du lịch": ["VHTT&DL", "VH-TT&DL", "VHTTDL"],
    "thông tin và truyền thông": ["TT&TT", "TTTT"],
    "kế hoạch và đầu tư": ["KH&ĐT", "KHĐT"],
    "nghiên cứu và phát triển": ["R&D"],
    "giao thông vận tải": ["GTVT"],
    "trí tuệ nhân tạo": ["AI"],
    "Liên minh châu Âu": ["EU"],
    "Liên Hợp Quốc": ["Liên hiệp quốc", "LHQ"],
    "Tổ chức Y tế Thế giới": ["WHO"],
    "Tổ chức Thương mại Thế giới": ["WTO"],
    "Quỹ Tiền tệ Quốc tế": ["IMF"],
    "Ngân hàng Thế giới": ["WB"],
    "Ngân hàng Phát triển châu Á": ["ADB"],
    "Hiệp hội các quốc gia Đông Nam Á": ["ASEAN"],
    "tổng sản phẩm quốc nội": ["tổng sản phẩm trong nước", "GDP"],
    "chỉ số giá tiêu dùng": ["CPI"],
    "đầu tư trực tiếp nước ngoài": ["FDI"],
    "hiệp định thương mại tự do": ["FTA"],
    "giá trị gia tăng": ["GTGT", "VAT"],
    "Internet vạn vật": ["IoT"],
    "mô hình ngôn ngữ lớn": ["LLM"],
    "giáo sư": ["GS"],
    "phó giáo sư": ["PGS"],
    "tiến sĩ": ["TS"],
    "thạc sĩ": ["ThS"],
    "bác sĩ": ["BS"],
    "đại học": ["ĐH"],
    "cao đẳng": ["CĐ"],
    "trung học phổ thông": ["THPT"],
    "trung học cơ sở": ["THCS"],
    "học sinh sinh viên": ["HSSV"],
    "Thủ tướng": ["TTg"],
    "trung ương": ["TW", "TƯ"],
    "Việt Nam": ["VN"],
    "nhiễm sắc thể": ["NST"],
    "trách nhiệm hữu hạn": ["TNHH"],
    "đại học quốc gia": ["ĐHQG"],
    "nghiên cứu khoa học": ["NCKH"],
    "bảo hiểm thất nghiệp": ["BHTN"],
    "ngân sách nhà nước": ["NSNN"],
    "quản lý nhà nước": ["QLNN"],
    "dân tộc thiểu số": ["DTTS"],
    "khám chữa bệnh": ["khám bệnh, chữa bệnh", "KCB"],
    "văn bản quy phạm pháp luật": ["VBQPPL"],
    "quyết định": ["QĐ"],
    "nghị quyết": ["NQ"],
    "chuyển đổi số": ["CĐS"],
}
NEVER = frozenset(
    "BHX BN BĐ CNC CP DVN EBI FCV GD HVN ICG IFM IPA KLK LĐ NH NMXS NTBD NV NĐT PH PRK QCGL QSMT RKA SCUPS TB TM VHTT"
    " XH ĐB"
    .split()
)  # fmt: skip
"""Companies and prizes that are only in the news, and letters that as many texts use for something else."""


def main() -> None:
    """Gather, count, filter, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--out", type=Path, default=Path("rag/language/abbreviations.json"))
    options = parser.parse_args()
    defined = count_definitions(options.data)
    candidates = {(short, reading) for (short, reading), count in defined.items() if count >= DEFINED}
    listed: dict[str, list[str]] = json.loads((options.data / "text" / "vi-acronyms.json").read_text(encoding="utf-8"))
    for short, readings in listed.items():
        candidates |= {(_letters(short), _spelled(reading)) for reading in readings if len(reading.split()) > 1}
    kept = supported(options.data, candidates, defined)
    taken = {fold(_letters(short)) for group in BY_HAND.values() for short in group}
    readings_taken = {fold(_spelled(reading)) for reading in BY_HAND}
    groups = [[reading, *shorts] for reading, shorts in BY_HAND.items()]
    groups += [
        [reading, short]
        for short, reading in sorted(kept)
        if fold(short) not in taken and fold(reading) not in readings_taken and short not in NEVER
    ]
    source = "models/training/abbreviations.py, from vi-acronyms.json (MIT) and definitions in running text"
    lines = ",\n".join(json.dumps(group, ensure_ascii=False) for group in groups)
    options.out.write_text(f'{{"source": {json.dumps(source)}, "groups": [\n{lines}\n]}}\n', encoding="utf-8")
    print(f"{len(groups)} groups, {len(BY_HAND)} of them by hand")


def texts(data: Path) -> Iterator[str]:
    """News articles, Wikipedia passages and articles of laws."""
    for row in rows(data / "text" / "vietnews-articles.jsonl.gz"):
        yield f"{row['title']}\n{row['abstract']}\n{row['body']}"
    for name in ("viwiki2017-passages", "laws"):
        yield from (row["text"] for row in rows(data / "text" / f"{name}.jsonl.gz"))


def count_definitions(data: Path) -> Counter[tuple[str, str]]:
    """How many texts define an abbreviation by a reading in brackets."""
    counts: Counter[tuple[str, str]] = Counter()
    for text in texts(data):
        counts.update({(_letters(short), _spelled(reading)) for reading, short in definitions(text)})
    return counts


def supported(data: Path, candidates: set[tuple[str, str]], defined: Counter[tuple[str, str]]) -> set[tuple[str, str]]:
    """The (abbreviation, reading) pairs that the texts bear out, at most one of each abbreviation and each reading."""
    by_first: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for reading in {reading for _, reading in candidates}:
        by_first[reading.split()[0]].append((f" {reading} ", reading))
    of_short: dict[str, list[str]] = defaultdict(list)
    for short, reading in candidates:
        of_short[short].append(reading)
    shorts: Counter[str] = Counter()
    readings: Counter[str] = Counter()
    together: Counter[tuple[str, str]] = Counter()
    number = 0
    for text in islice(texts(data), 0, None, COUNTED):
        number += 1
        keys = syllables(text)
        told = f" {' '.join(keys)} "
        here = {reading for key in set(keys) for spaced, reading in by_first.get(key, ()) if spaced in told}
        written = {_letters(match[0]) for match in _CAPITALS.finditer(text) if match[0].isupper()} & of_short.keys()
        shorts.update(written)
        readings.update(here)
        together.update((short, reading) for short in written for reading in of_short[short] if reading in here)
    kept: dict[str, tuple[int, str]] = {}
    for short, of_it in of_short.items():
        ranked = sorted(of_it, key=lambda reading: -(together[short, reading] + 5 * defined[short, reading]))
        best, second = ranked[0], ranked[1] if len(ranked) > 1 else ""
        both, rival = together[short, best], together[short, second]
        share = both / max(shorts[short], 1)
        lift = share / max(readings[best] / number, 1e-9)
        is_defined = defined[short, best] >= DEFINED and defined[short, best] >= DOMINANCE * defined[short, second]
        is_common = shorts[short] >= SHORT_TEXTS and share >= BOTH_SHARE and lift >= LIFT
        if (is_defined or is_common) and both >= DOMINANCE * rival and both > kept.get(best, (0, ""))[0]:
            kept[best] = (both, short)
    return {(short, reading) for reading, (_, short) in kept.items()}


def definitions(text: str) -> list[tuple[str, str]]:
    """The (reading, abbreviation) pairs that a text defines in brackets: ("Ủy ban nhân dân", "UBND").

    The capitals must be the first letters of the words before the bracket, after Schwartz and Hearst, "A simple
    algorithm for identifying abbreviation definitions in biomedical text" (PSB 2003), whose letters may also stand
    inside a word: Vietnamese abbreviations never take them from there.
    """
    found = []
    for match in _BRACKETED.finditer(text):
        short = match[1]
        before = _WORDS_BEFORE.search(text, max(0, match.start() - _DEFINITION_CHARS), match.start())
        if before is None or not short.isupper():
            continue
        words = list(_WORD.finditer(before[0]))
        start = _first_word(words, [fold(letter) for letter in short if letter.isalpha()])
        if start is not None:
            found.append((before[0][words[start].start() :].strip(), short))
    return found


def _first_word(words: Sequence[re.Match[str]], letters: list[str]) -> int | None:
    """The place of the word from which on each names one of the letters in order; None when they do not match."""
    left = list(letters)
    for place in range(len(words) - 1, -1, -1):
        word = words[place][0]
        if fold(word[0]).upper() == left[-1]:
            left.pop()
            if not left:
                return place
        elif word.lower() not in _UNNAMED:
            return None
    return None


def _letters(short: str) -> str:
    return "".join(char for char in short if char.isalnum()).upper()


def _spelled(reading: str) -> str:
    return " ".join(syllables(normalize(reading)))


if __name__ == "__main__":
    main()
