"""HTML by lxml: what a page says, without its scripts, menus and footers, and its meta data."""

import re
from collections.abc import Iterator
from typing import Any

from rag.language.encodings import decode
from rag.readers.reading import LINE, PARAGRAPH, Part, Reading, date_of, table_parts, title_of

_SILENT = frozenset(
    "script style noscript template iframe object embed svg math canvas audio video map nav form button input select"
    " textarea dialog aside footer head link meta".split()
)
_BLOCKS = frozenset(
    "address article blockquote body center dd details div dl dt fieldset figcaption figure h1 h2 h3 h4 h5 h6 header hr"
    " html li main ol p pre section summary table tbody td tfoot th thead tr ul".split()
)
_FURNITURE = re.compile(
    r"(?:^|[\s_-])(?:menu|navbar|nav|sidebar|breadcrumbs?|comments?|related|share|social|footer|cookies?|advert|ads|banner"
    r"|pagination|popup|tags|newsletter|tin-lien-quan|binh-luan)(?:$|[\s_-])",
    re.IGNORECASE,
)
_DATES = (
    "article:published_time", "datepublished", "date", "dc.date", "dc.date.issued", "pubdate", "publishdate",
    "dcterms.created", "og:published_time",
)  # fmt: skip
_ORIGINS = ("og:site_name", "dc.publisher", "publisher", "application-name")
_AUTHORS = ("author", "article:author", "dc.creator")
_CHARSET = re.compile(rb"<meta[^>]+charset\s*=\s*[\"']?\s*([\w-]+)|<\?xml[^>]+encoding=[\"']([\w-]+)", re.IGNORECASE)
_OTHER_CHARSET = re.compile(
    r"utf-16(?:le|be)?|windows-125[013-8]|iso-8859-(?:[2-9]|1\d)|koi8-\w|gb\w+|big5|euc-\w+|shift_jis"
)
"""Encodings that are taken at their word."""
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_LEAST_SHARE = 0.4
"""Of a page's words, how many its <article> or <main> must hold to be what the page is about."""


def read_html(raw: bytes, source: str) -> Reading:
    """The parts of a page. Nothing that it refers to is fetched.

    Raises:
        DocumentError: the bytes are no text.
    """
    from lxml import html

    text = _decoded(raw, source)
    # A declared encoding makes lxml refuse text that is decoded already.
    text = re.sub(r"^\s*<\?xml[^>]*\?>", "", text)
    if not text.strip():
        return Reading(())
    # A page has no entities of its own to grow by; what the limits would cut off is text below 256 elements.
    parser = html.HTMLParser(no_network=True, remove_comments=True, remove_pis=True, huge_tree=True)
    root = html.document_fromstring(text, parser=parser, ensure_head_body=True)
    stated = _stated(root)
    parts = tuple(parts_of(_subject(root)))
    heads = [part.text for part in parts if part.level == 1]
    title = stated.get("title", "")
    if len(heads) == 1 and (not title or heads[0] in title or len(title) < 4):
        # <title> is often "Tên bài | Tên báo": the one big heading is the title itself.
        title = heads[0]
    notes = {name: stated[name] for name in ("author", "origin") if stated.get(name)}
    return Reading(parts, title_of(title), stated.get("date", ""), notes)


def parts_of(element: Any, page: int | None = None) -> Iterator[Part]:
    """The paragraphs, headings, list items and rows of an element, in order."""
    from lxml import etree

    walker = _Walker(page)
    depth = 0
    for event, node in etree.iterwalk(element, events=("start", "end")):
        # An element that says nothing is passed over with all that is in it; what follows it is its tail.
        if event == "start":
            if depth or (node is not element and _is_silent(node)):
                depth += 1
            else:
                walker.start(node)
        elif depth:
            depth -= 1
            if not depth:
                walker.say(node.tail)
        else:
            walker.end(node)
            if node is not element:
                walker.say(node.tail)
    walker.flush()
    yield from walker.parts


def xml_root(raw: bytes) -> Any:
    """The root of an XML file, without the entities that it defines and without what it refers to."""
    from lxml import etree

    return etree.fromstring(raw, etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False))


class _Walker:
    """Collects words until a block begins or ends, and rows until their table ends."""

    def __init__(self, page: int | None) -> None:
        self.parts: list[Part] = []
        self._page = page
        self._words: list[str] = []
        self._level = 0
        self._bullet = ""
        self._lists: list[int | None] = []
        self._tables: list[list[list[str]]] = []
        self._preformatted = 0

    def start(self, node: Any) -> None:
        tag = node.tag
        if tag in _BLOCKS and not (self._tables and tag not in {"table", "tr", "td", "th"}):
            self.flush()
        if tag in {"h1", "h2", "h3", "h4", "h5", "h6"} and not self._tables:
            self._level = int(tag[1])
        elif tag == "br":
            self._words.append("\n" if not self._tables else " ")
        elif tag in {"ul", "ol"}:
            self._lists.append(None if tag == "ul" else 1)
        elif tag == "li":
            self._bullet = self._next_bullet()
        elif tag == "pre":
            self._preformatted += 1
        elif tag == "table":
            self._tables.append([])
        elif tag == "tr" and self._tables:
            self._tables[-1].append([])
        elif tag in _BLOCKS and self._tables:
            self._words.append(" ")
        self.say(node.text)

    def end(self, node: Any) -> None:
        tag = node.tag
        if tag in {"td", "th"} and self._tables:
            cell = " ".join("".join(self._words).split())
            self._words = []
            if not self._tables[-1]:
                self._tables[-1].append([])
            self._tables[-1][-1].append(cell)
        elif tag == "table" and self._tables:
            self._end_table()
        elif tag in _BLOCKS and not self._tables:
            self.flush()
        if tag in {"ul", "ol"} and self._lists:
            self._lists.pop()
        elif tag == "pre" and self._preformatted:
            self._preformatted -= 1
        elif tag in {"h1", "h2", "h3", "h4", "h5", "h6"}:
            self._level = 0

    def say(self, words: str | None) -> None:
        if words:
            self._words.append(words if self._preformatted else re.sub(r"\s+", " ", words))

    def flush(self) -> None:
        lines = [" ".join(line.split()) for line in "".join(self._words).split("\n")]
        text = "\n".join(line for line in lines if line)
        self._words = []
        if not text or self._tables:
            return
        is_item = bool(self._bullet) and self._bullet[0] not in "\0"
        text = " ".join(text.split()) if self._level else text
        self.parts.append(Part(self._bullet + text, self._level, LINE if is_item else PARAGRAPH, self._page))
        self._bullet = ""

    def _end_table(self) -> None:
        rows = self._tables.pop()
        if self._tables:
            # A table within a cell is one of that cell's sentences.
            self._words.append(" ".join(" ".join(row) for row in rows))
            return
        if all(len([cell for cell in row if cell]) <= 1 for row in rows):
            # Laid out by a table: paragraphs.
            self.parts.extend(Part(cell, page=self._page) for row in rows for cell in row if cell)
        else:
            self.parts.extend(table_parts(rows, self._page))

    def _next_bullet(self) -> str:
        number = self._lists[-1] if self._lists else None
        if number is None:
            return "- "
        self._lists[-1] = number + 1
        return f"{number}. "


def _is_silent(node: Any) -> bool:
    if not isinstance(node.tag, str) or node.tag in _SILENT:
        return True
    if "hidden" in node.attrib or node.get("aria-hidden") == "true" or _HIDDEN.search(node.get("style", "")):
        return True
    if node.tag in {"div", "section", "ul", "header"}:
        return bool(_FURNITURE.search(f"{node.get('class', '')} {node.get('id', '')}"))
    return False


def _subject(root: Any) -> Any:
    """The element that holds what the page is about: its <article> or <main>, when that holds most of it."""
    body = root.find("body")
    body = root if body is None else body
    whole = len(" ".join(body.itertext("p", "li", "td", "h1", "h2", "h3", "div", "span")).split()) or 1
    for path in (".//article", ".//main", ".//*[@role='main']", ".//*[@itemprop='articleBody']"):
        found = root.findall(path)
        if len(found) == 1 and len(" ".join(found[0].itertext()).split()) >= _LEAST_SHARE * whole:
            return found[0]
    return body


def _stated(root: Any) -> dict[str, str]:
    """What the head says of title, date, author and origin."""
    metas: dict[str, str] = {}
    for meta in root.iter("meta"):
        name = (meta.get("property") or meta.get("name") or meta.get("itemprop") or "").lower()
        metas.setdefault(name, " ".join((meta.get("content") or "").split()))
    title = root.findtext(".//title") or ""
    times = [element.get("datetime") for element in root.iter("time") if element.get("datetime")]
    dates = [metas.get(name) for name in _DATES] + times[:1]
    return {
        "title": metas.get("og:title") or " ".join(title.split()),
        "date": next((day for day in map(date_of, dates) if day), ""),
        "author": next((metas[name] for name in _AUTHORS if metas.get(name)), ""),
        "origin": next((metas[name] for name in _ORIGINS if metas.get(name)), ""),
    }


def _decoded(raw: bytes, source: str) -> str:
    declared = _CHARSET.search(raw[:4096])
    if declared is not None and not raw.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        name = (declared[1] or declared[2]).decode("ascii").lower()
        # Pages in TCVN3 or VNI call themselves windows-1252: their bytes are looked at as any others.
        if _OTHER_CHARSET.fullmatch(name):
            try:
                return raw.decode(name)
            except (LookupError, UnicodeDecodeError):
                pass
    return decode(raw, source)[0]
