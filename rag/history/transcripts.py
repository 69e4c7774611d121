"""A conversation to Markdown, its citations as footnotes."""

import re
from collections.abc import Mapping

from rag.history.conversations import Conversation, StoredTurn
from rag.messages import message
from rag.types import Citation, Support

_UNTITLED = "Cuộc trò chuyện"
_ACTIVE = re.compile(r"[\\`*_\[\]<>#|~&!$=]")
"""What would be markup: words of documents, questions and models are none."""
_LINE_START = re.compile(r"^(\s*)(\d+)([.)])(?=\s)|^(\s*)([-+])(?=\s|-)", re.MULTILINE)
_MARK = re.compile(r"\[(\d{1,3})\]")


def conversation_markdown(conversation: Conversation) -> str:
    """A heading for each question, its answer below it, and all quotes at the end.

    Footnotes are numbered through the whole conversation; `[^1]: “quote” — title, source, page`.
    """
    lines = [f"# {_plain(conversation.title) or _UNTITLED}", ""]
    notes: list[str] = []
    for turn in conversation.turns:
        places = {
            citation.number: len(notes) + position for position, citation in enumerate(turn.answer.citations, start=1)
        }
        notes += [_footnote(places[citation.number], citation) for citation in turn.answer.citations]
        lines += [*_turn_lines(turn, places), ""]
    return "\n".join([*lines, *notes]).rstrip() + "\n"


def _turn_lines(turn: StoredTurn, places: Mapping[int, int]) -> list[str]:
    answer = turn.answer
    lines = [f"## {_plain(turn.question)}", ""]
    if turn.understood:
        lines += [f"*Hiểu là: {_plain(turn.understood)}*", ""]
    lines.append(_with_footnotes(answer.text, places))
    told = [answer.reason] if answer.reason else []
    for note in (*told, *answer.notes):
        code, _, details = note.partition(": ")
        lines += ["", _plain(message(code, "vi", details=details))]
    if answer.sentences:
        supported = sum(one.support is Support.SUPPORTED for one in answer.sentences)
        lines += ["", _plain(message("checked", "vi", supported=supported, sentences=len(answer.sentences)))]
    return lines


def _with_footnotes(text: str, places: Mapping[int, int]) -> str:
    """The text with its [n] as footnotes; what only looks like one stays as it is written."""
    parts: list[str] = []
    done = 0
    for mark in _MARK.finditer(text):
        if int(mark[1]) not in places:
            continue
        parts += [_escaped(text[done : mark.start()]).rstrip(" "), f"[^{places[int(mark[1])]}]"]
        done = mark.end()
    return "".join([*parts, _escaped(text[done:])])


def _footnote(number: int, citation: Citation) -> str:
    label = citation.label
    if citation.page is not None:
        label = message("page", "vi", page=citation.page) + (f" ({label})" if label else "")
    where = ", ".join(_plain(part) for part in (citation.title, citation.source, label) if part)
    return f"[^{number}]: “{_plain(citation.quote)}” — {where}"


def _plain(text: str) -> str:
    """The text in one line, none of it markup."""
    return _escaped(" ".join(text.split()))


def _escaped(text: str) -> str:
    escaped = _ACTIVE.sub(r"\\\g<0>", text)
    return _LINE_START.sub(
        lambda found: f"{found[1]}{found[2]}\\{found[3]}" if found[2] else f"{found[4]}\\{found[5]}", escaped
    )
