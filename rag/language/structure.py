"""The structure of Vietnamese laws and rules: Phần, Chương, Mục, Tiểu mục, Điều; below them khoản and điểm."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

PATH_MARK = " › "
"""Stands between the headings of a passage's path, the widest first."""
_LONGEST_HEADING = 160
"""Characters; what is longer is an article that stands in its heading's line, and the path has its number alone."""

# The widest first; a level's heading ends all of the same and of narrower levels.
_LEVELS = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?:PHỤ LỤC|Phụ lục)(?: (?:số )?(?:[IVXLC]+|\d+)(?!\w))?",
        r"(?:PHẦN|Phần)(?: (?:thứ|THỨ) \w+| (?:[IVXLC]+|\d+)(?!\w))",
        r"(?:CHƯƠNG|Chương) (?:[IVXLC]+|\d+)[a-zđ]?(?!\w)",
        r"(?:MỤC|Mục) (?:[IVXLC]+|\d+)[a-zđ]?(?!\w)",
        r"(?:TIỂU MỤC|Tiểu mục) (?:[IVXLC]+|\d+)(?!\w)",
        r"(?:ĐIỀU|Điều) \d+[a-zđ]?(?!\w)",
    )
)
_ARTICLE = len(_LEVELS) - 1
_STATE = "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM"
_HEAD_PARAGRAPHS = 15
"""Within which the head of a decree stands: who issues it, its number, place, day, kind and subject."""
_NUMBER = re.compile(r"(?:Số|Luật số|No\.?)\s*:?\s*(\d+[\w./-]*(?:/[\w.-]+)+)")
_DECREE = re.compile(
    r"(?:BỘ LUẬT|LUẬT|PHÁP LỆNH|NGHỊ QUYẾT|NGHỊ ĐỊNH|QUYẾT ĐỊNH|THÔNG TƯ|CHỈ THỊ|CÔNG ĐIỆN|THÔNG BÁO|BÁO CÁO|TỜ TRÌNH"
    r"|KẾ HOẠCH|CHƯƠNG TRÌNH|ĐỀ ÁN|QUY CHẾ|QUY ĐỊNH|HƯỚNG DẪN|BIÊN BẢN|HỢP ĐỒNG|GIẤY MỜI)(?!\w)"
)
_ISSUED = re.compile(r"(?:[^\n|]{2,40},\s*)?ngày (\d{1,2}) tháng (\d{1,2}) năm (\d{4})\.?", re.IGNORECASE)
_CONTENTS_LINE = re.compile(r"(?:[.…]\s?){4,}\s*\d+$")
"""How a line of a table of contents ends."""
_CLAUSE = re.compile(r"(\d{1,3}[a-zđ]?)[.)]\s")
_POINT = re.compile(r"([a-zđ]\d?)\)\s")
_LINE = re.compile(r"[^\n]*\S[^\n]*")


@dataclass(frozen=True, slots=True)
class LegalPart:
    """Where a part of a law begins in its text, and the path of headings down to it."""

    start: int
    path: str


def is_legal_heading(line: str) -> bool:
    """Whether a line begins a part of a law: "Chương II", "Điều 5. Phạm vi"."""
    return _level(line) is not None


def legal_parts(text: str) -> list[LegalPart]:
    """The parts of a law or rule in order; empty for a text that has no Điều at the beginning of a line."""
    lines = [(match.start(), match[0].strip()) for match in _LINE.finditer(text)]
    levels = [_level(line) for _, line in lines]
    if _ARTICLE not in levels:
        return []
    path: dict[int, str] = {}
    parts: list[LegalPart] = []
    for place, ((start, line), level) in enumerate(zip(lines, levels, strict=True)):
        if level is None:
            continue
        path = {wider: heading for wider, heading in path.items() if wider < level}
        following = lines[place + 1][1] if place + 1 < len(lines) and levels[place + 1] is None else ""
        path[level] = _heading(line, level, following)
        parts.append(LegalPart(start, PATH_MARK.join(path[wider] for wider in sorted(path))))
    return parts


def clauses(text: str, limit_chars: int) -> list[tuple[int, str]]:
    """The (start, name) of the pieces of an article that is longer than a passage: whole khoản as far as they fit.

    A khoản that does not fit is cut at its điểm. Empty when the article fits, or has no khoản.
    """
    if len(text) <= limit_chars:
        return []
    marks = _numbered(text, _CLAUSE)
    if not marks:
        return [(start, f"điểm {name}") for start, name in _packed(_numbered(text, _POINT), len(text), limit_chars)]
    if marks[0][0] <= limit_chars // 2:
        # The article's heading and the words above its first khoản go with that, unless they are many.
        marks[0] = (0, marks[0][1])
    pieces: list[tuple[int, str]] = []
    ends = [start for start, _ in marks[1:]] + [len(text)]
    run: list[tuple[int, str]] = []
    for (start, name), end in zip(marks, ends, strict=True):
        if end - start <= limit_chars:
            run.append((start, name))
            continue
        pieces += [(begin, f"khoản {names}") for begin, names in _packed(run, start, limit_chars)]
        run = []
        pieces.append((start, f"khoản {name}"))
        points = [(start + at, point) for at, point in _numbered(text[start:end], _POINT)]
        # The words above the first điểm stay with it.
        packed = _packed([(start, points[0][1]), *points[1:]] if points else [], end, limit_chars)
        pieces[-1:] = [(begin, f"khoản {name}, điểm {names}") for begin, names in packed] or pieces[-1:]
    pieces += [(begin, f"khoản {names}") for begin, names in _packed(run, len(text), limit_chars)]
    return pieces


def decree_title(paragraphs: Sequence[str]) -> str:
    """The kind, number and subject of an official paper: "NGHỊ ĐỊNH 13/2023/NĐ-CP Bảo vệ dữ liệu cá nhân".

    Empty for a text that does not begin as official papers do.
    """
    lines = _head(paragraphs)
    if not any(_STATE in line.upper().replace("HOÀ", "HÒA") for line in lines):
        return ""
    number = next((found[1] for line in lines if (found := _NUMBER.match(line)) is not None), "")
    for line, following in pairwise([*lines, ""]):
        if _DECREE.match(line) and line.isupper() and len(line) <= _LONGEST_HEADING:
            is_subject = 0 < len(following) <= 2 * _LONGEST_HEADING and not _NUMBER.match(following)
            return " ".join(filter(None, (line, number, following if is_subject else "")))
    return ""


def issued(paragraphs: Sequence[str]) -> str:
    """The day in the head of an official paper ("Hà Nội, ngày 17 tháng 4 năm 2023") in ISO 8601; empty for none."""
    for line in _head(paragraphs):
        match = _ISSUED.fullmatch(line)
        if match is not None:
            day, month, year = map(int, match.groups())
            try:
                return date(year, month, day).isoformat()
            except ValueError:
                return ""
    return ""


def _head(paragraphs: Sequence[str]) -> list[str]:
    """The lines of the first paragraphs; what stands side by side is lines of their own."""
    lines = [line for paragraph in paragraphs[:_HEAD_PARAGRAPHS] for line in paragraph.split("\n")]
    return [cell.strip() for line in lines[: 2 * _HEAD_PARAGRAPHS] for cell in line.split(" | ")]


def _level(line: str) -> int | None:
    for level, pattern in enumerate(_LEVELS):
        match = pattern.match(line)
        if match is not None:
            rest = line[match.end() :].strip()
            # "Chương 2 của Luật này" is a sentence; "Chương II QUYỀN" is a heading.
            if _CONTENTS_LINE.search(rest):
                return None
            is_named = not rest or rest[0] in ".:" or (level < _ARTICLE and (rest[0] in "–-" or rest.isupper()))
            return level if is_named else None
    return None


def _heading(line: str, level: int, following: str) -> str:
    match = _LEVELS[level].match(line)
    number = match[0] if match is not None else line
    if level == _ARTICLE:
        is_title = len(line) <= _LONGEST_HEADING and not line.endswith((".", ";", ":")) and line != number
        return line if is_title else number
    # "Chương I" and its title are two lines.
    is_title = line == number and 0 < len(following) <= _LONGEST_HEADING and not following.endswith((".", ";", ":"))
    return f"{number}. {following}" if is_title else line[:_LONGEST_HEADING]


def _numbered(text: str, pattern: re.Pattern[str]) -> list[tuple[int, str]]:
    """The (start, number) of each line that begins with one."""
    found = ((match.start(), pattern.match(match[0].lstrip())) for match in _LINE.finditer(text))
    return [(start, number[1]) for start, number in found if number is not None]


def _packed(marks: list[tuple[int, str]], end: int, limit_chars: int) -> list[tuple[int, str]]:
    """Neighbours put together as far as they fit into a passage, named by the first and the last: "1-3"."""
    packed: list[tuple[int, str, str]] = []
    bounds = [*marks, (end, "")]
    for (start, name), (stop, _) in pairwise(bounds):
        if packed and stop - packed[-1][0] <= limit_chars:
            packed[-1] = (packed[-1][0], packed[-1][1], name)
        else:
            packed.append((start, name, name))
    return [(start, first if first == last else f"{first}–{last}") for start, first, last in packed]
