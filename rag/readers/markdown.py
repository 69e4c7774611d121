"""Markdown by markdown-it-py: text as it is rendered, headings, lists, tables, and what the front matter says."""

import re
from collections.abc import Iterator

from rag.readers.reading import LINE, PARAGRAPH, Part, Reading, date_of, table_parts, title_of

_FRONT_MATTER = re.compile(r"\A---\s*\n(.*?)\n(?:---|\.\.\.)\s*(?:\n|\Z)", re.DOTALL)
_PROPERTY = re.compile(r"^(title|date|author|source)\s*:\s*[\"']?(.*?)[\"']?\s*$", re.MULTILINE | re.IGNORECASE)
_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)


def read_markdown(text: str) -> Reading:
    """The parts of a Markdown text."""
    front = _FRONT_MATTER.match(text)
    stated: dict[str, str] = {}
    if front is not None:
        stated = {name.lower(): value for name, value in _PROPERTY.findall(front[1])}
        text = text[front.end() :]
    parts = tuple(_parts(text))
    title = title_of(stated.get("title"))
    widest = min((part.level for part in parts if part.level), default=0)
    heads = [part.text for part in parts if part.level == widest and widest]
    if not title and len(heads) == 1:
        title = heads[0]
    notes = {name: stated[name] for name in ("author",) if stated.get(name)}
    if stated.get("source"):
        notes["origin"] = stated["source"]
    return Reading(parts, title, date_of(stated.get("date")), notes)


def _parts(text: str) -> Iterator[Part]:  # noqa: C901, PLR0912 - one branch for each kind of token
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

    def words(token: Token) -> str:
        said: list[str] = []
        for child in token.children or ():
            if child.type in {"softbreak", "hardbreak"}:
                said.append(" " if child.type == "softbreak" else "\n")
            elif child.type == "image":
                said.append(words(child))
            elif child.type == "html_inline":
                said.append("\n" if _BREAK.fullmatch(child.content) else "")
            else:
                said.append(child.content)
        return "".join(said)

    level, bullet, fresh = 0, "", False
    counters: list[int | None] = []
    rows: list[list[str]] = []
    for token in MarkdownIt("commonmark").enable("table").parse(text):
        match token.type:
            case "heading_open":
                level = int(token.tag[1])
            case "heading_close":
                level = 0
            case "ordered_list_open":
                counters.append(int(token.attrGet("start") or 1))
            case "bullet_list_open":
                counters.append(None)
            case "ordered_list_close" | "bullet_list_close":
                counters.pop()
            case "list_item_open":
                number = counters[-1]
                bullet, fresh = ("- " if number is None else f"{number}{token.markup or '.'} "), True
                if number is not None:
                    counters[-1] = number + 1
            case "table_open":
                rows = []
            case "tr_open":
                rows.append([])
            case "table_close":
                yield from table_parts(rows)
                rows = []
            case "inline" if rows:
                rows[-1].append(words(token))
            case "inline":
                said = words(token)
                yield Part(bullet + said, level, LINE if fresh and counters else PARAGRAPH)
                bullet, fresh = "", False
            case "fence" | "code_block":
                yield Part(token.content.rstrip("\n"), 0, PARAGRAPH)
