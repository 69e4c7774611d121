"""The page's HTML: questions, answers and the panel of passages, every word from outside escaped.

What stands in the chat passes Gradio's sanitiser, which keeps class, id, title and href="#…". A block stays on one
line: an empty line would end it and hand the rest to the Markdown renderer.
"""

import html
import re
from collections.abc import Iterator, Mapping, Sequence

from rag.events import CANCELLED
from rag.markup import SUPPORT_LABELS, cited_text
from rag.messages import message
from rag.models import BUNDLED
from rag.types import Answer, AnswerSentence, Citation, Remark, ScoredChunk, Support

_QUOTE_CHARS = 240
_SNIPPET_CHARS = 220
_QUESTION_CHARS = 600
_EMPTY_LINE = re.compile(r"[^\S\n]*\n\s*\n[^\S\n]*")
_LINE = re.compile(r"[^\S\n]*\n[^\S\n]*")


def header_html(server: str = "") -> str:
    """The title, and where it runs: `server` is another machine that writes the answers."""
    where = f"Câu hỏi và các đoạn được gửi tới {html.escape(server)}." if server else "Mọi thứ chạy trên máy này."
    return f'<h1>Hỏi đáp tài liệu</h1><p class="more">Mỗi câu trả lời chỉ rõ câu chữ làm căn cứ. {where}</p>'


def welcome_html() -> str:
    """What the chat shows before the first question."""
    return '<div class="welcome"><p>Bạn muốn biết gì?</p><p>Hỏi bằng tiếng Việt, có dấu hoặc không dấu.</p></div>'


def question_html(question: str) -> str:
    """The person's question; a very long one is cut."""
    return f'<div class="question">{_lines(_cut(question.strip(), _QUESTION_CHARS))}</div>'


def progress_html(status: str, written: str = "", understood: str = "") -> str:
    """An answer that is being made: how far it is, or the words so far."""
    body = f'<p class="sentence">{_lines(written)}</p>' if written else f"<p>{html.escape(status)}</p>"
    state = "writing" if written else "waiting"
    return f'<div class="answer {state}">{_understood(understood)}{body}</div>'


def error_html(sentence: str, detail: str = "") -> str:
    """A failure: what it means, and the program's own words with the way out."""
    more = f'<p class="detail">{_lines(detail)}</p>' if detail else ""
    return f'<div class="answer failed"><p class="verdict">{_lines(sentence)}</p>{more}</div>'


def message_html(
    answer: Answer,
    turn: int,
    understood: str = "",
    stopped: bool = False,
    follow_ups: Sequence[str] = (),
    kept: bool = False,
    up: bool | None = None,
) -> str:
    """The checked answer: each sentence with its support and its citations, then how it fared as a whole.

    Below it stand what could be asked next and, for an answer that is kept, the thumbs; `up` is the one that was given.
    """
    rating = _rating(turn, up) if kept and answer.reason != CANCELLED else ""
    if answer.abstained:
        return _abstention(answer, turn, understood, stopped, rating)
    cited = {citation.number: citation for citation in answer.citations}
    sentences = "".join(_sentence(sentence, cited, turn) for sentence in answer.sentences)
    note = f"{message(Remark.STOPPED, 'vi')} " if stopped else ""
    code, _, details = answer.reason.partition(": ")
    lack = f'<p class="lack">{_lines(message(code, "vi", details=details))}</p>' if code else ""
    body = f"{sentences}{lack}{_notes(answer)}{_summary(answer, turn, note)}{rating}{_offers(follow_ups)}"
    return f'<div class="answer">{_understood(understood)}{body}</div>'


def empty_panel_html() -> str:
    """The panel before the first question: what will stand there, and what the signs mean."""
    legend = "".join(f"<li>{_sign(support)}</li>" for support in Support)
    return _panel(
        '<div class="hint"><p>Các đoạn làm căn cứ cho câu trả lời sẽ hiện ở đây, với đúng câu chữ được tô sáng.</p>'
        f"<p>Mỗi câu trong câu trả lời mang một dấu:</p><ul>{legend}</ul></div>"
    )


def panel_html(sections: Sequence[str]) -> str:
    """The panel with the passages of every answer; the page shows one section at a time, the last one first."""
    last = len(sections) - 1
    return _panel(
        "".join(f"<div{'' if at == last else ' hidden'}>{section}</div>" for at, section in enumerate(sections))
    )


def found_section_html(question: str, passages: Sequence[ScoredChunk], turn: int) -> str:
    """The passages that were found, before the answer is there."""
    items = "".join(_folded(passage) for passage in passages)
    title = f"{len(passages)} đoạn đã tìm thấy" if passages else "Không tìm thấy đoạn nào"
    return _section(question, turn, f"<h3>{title}</h3>{items}")


def answer_section_html(answer: Answer, turn: int) -> str:
    """An answer's passages: the cited ones whole, with the exact words marked, and the others folded."""
    places = _places(answer)
    cited = list(dict.fromkeys(places.values()))
    blocks = "".join(_cited(answer, at, places, turn) for at in cited)
    rest = [passage for at, passage in enumerate(answer.retrieved) if at not in cited]
    others = "".join(_folded(passage) for passage in rest)
    if answer.abstained:
        heading = "Những đoạn gần nhất" if rest else "Không tìm thấy đoạn nào"
        return _section(answer.question, turn, f"<h3>{heading}</h3>{others}")
    if others:
        others = f'<details class="others"><summary>{len(rest)} đoạn khác đã tìm thấy</summary>{others}</details>'
    if not cited:
        blocks = '<p class="none">Không câu nào có căn cứ trong các đoạn đã tìm thấy.</p>'
    return _section(answer.question, turn, blocks + others)


def _panel(body: str) -> str:
    return (
        '<div class="panel-head"><h2 id="panel-title">Đoạn trích dẫn</h2>'
        f'<button type="button" class="close-panel">Đóng</button></div><div class="panel-body">{body}</div>'
    )


def _section(question: str, turn: int, body: str) -> str:
    asked = html.escape(_cut(question, _SNIPPET_CHARS))
    return f'<section class="turn" id="t{turn}" tabindex="-1"><p class="asked">{asked}</p>{body}</section>'


def _sentence(sentence: AnswerSentence, cited: Mapping[int, Citation], turn: int) -> str:
    chips = "".join(_chip(cited[number], turn) for number in sentence.citations)
    text = _lines(sentence.text)
    return (
        f'<p class="sentence {sentence.support}"><span class="words">{text}</span>{chips} {_sign(sentence.support)}</p>'
    )


def _chip(citation: Citation, turn: int) -> str:
    title = _attribute(f"{citation.title} — “{_cut(citation.quote, _QUOTE_CHARS)}”")
    return f' <a class="chip" href="#t{turn}c{citation.number}" title="{title}">[{citation.number}]</a>'


def _sign(support: Support) -> str:
    sign, label = SUPPORT_LABELS[support]
    return f'<span class="sign {support}"><i>{sign}</i> {label}</span>'


def _summary(answer: Answer, turn: int, note: str) -> str:
    supported = sum(sentence.support is Support.SUPPORTED for sentence in answer.sentences)
    total = len(answer.sentences)
    tick = "✓" if supported == total else "!"
    state = "whole" if supported == total else "gaps"
    parts = [f"{_seconds(answer.timings_ms.get('total', 0))} giây", _by(answer.generator)]
    return (
        f'<p class="summary {state}">{html.escape(note)}<a class="sources" href="#t{turn}">'
        f"<b>{tick} {supported}/{total} câu có căn cứ</b></a> · {html.escape(' · '.join(parts))}</p>"
    )


def _by(generator: str) -> str:
    if generator == f"{BUNDLED}.gguf":
        return "trả lời ngắn, trích nguyên văn"
    return "trích nguyên văn" if generator == "extractive" else f"viết bởi {generator}"


def _rating(turn: int, up: bool | None) -> str:
    """What the person thinks of it; the page's script reads which answer they belong to from their ids."""
    thumbs = (("up", True, "Tốt"), ("down", False, "Chưa tốt"))
    buttons = "".join(
        f'<button class="thumb {name}{" on" if up is way else ""}" id="t{turn}{name}">{label}</button>'
        for name, way, label in thumbs
    )
    thanks = '<span class="thanks">Đã ghi nhận.</span>' if up is not None else ""
    return f'<p class="rating">Câu trả lời này: {buttons}{thanks}</p>'


def _offers(questions: Sequence[str]) -> str:
    if not questions:
        return ""
    buttons = "".join(f'<button class="offer">{_lines(question)}</button>' for question in questions)
    return f'<div class="offers"><p>Có thể hỏi tiếp</p>{buttons}</div>'


def _abstention(answer: Answer, turn: int, understood: str, stopped: bool, rating: str) -> str:
    if stopped or answer.reason == CANCELLED:
        verdict, reason = "Đã dừng.", "Bạn đã dừng trước khi có câu trả lời."
    else:
        code, _, details = answer.reason.partition(": ")
        verdict, reason = answer.text, message(code, "vi", details=details)
    link = ""
    if answer.retrieved:
        link = f' <a class="sources" href="#t{turn}">Xem {len(answer.retrieved)} đoạn gần nhất</a>'
    return (
        f'<div class="answer refusal">{_understood(understood)}<p class="verdict">{_lines(verdict)}</p>'
        f"<p>{_lines(reason)}{link}</p>{_notes(answer)}{rating}</div>"
    )


def _notes(answer: Answer) -> str:
    parts = (note.partition(": ") for note in answer.notes if note != Remark.STOPPED)
    told = (_lines(message(code, "vi", details=details)) for code, _, details in parts)
    return "".join(f'<p class="lack">{line}</p>' for line in told)


def _understood(understood: str) -> str:
    return f'<p class="understood">Hiểu là: {_lines(understood)}</p>' if understood else ""


def _places(answer: Answer) -> dict[int, int]:
    """The number of each citation with the position of the first retrieved passage that holds all its words."""
    return {
        citation.number: at for citation in answer.citations for at in list(_holders(citation, answer.retrieved))[:1]
    }


def _holders(citation: Citation, passages: Sequence[ScoredChunk]) -> Iterator[int]:
    for at, passage in enumerate(passages):
        chunk = passage.chunk
        within = chunk.start_char <= citation.start_char and citation.end_char <= chunk.end_char
        if chunk.doc_id == citation.doc_id and within:
            yield at


def _cited(answer: Answer, at: int, places: Mapping[int, int], turn: int) -> str:
    passage = answer.retrieved[at]
    here = [citation for citation in answer.citations if places.get(citation.number) == at]
    begin = passage.chunk.start_char
    spans = [(citation.start_char - begin, citation.end_char - begin, citation.number) for citation in here]
    numbers = "".join(f"<b>[{citation.number}]</b>" for citation in here)
    body = _paragraphs(cited_text(passage.chunk.text, spans, f"t{turn}c"))
    return (
        f'<article class="passage"><header><span class="numbers">{numbers}</span>{_heading(passage)}</header>'
        f"<blockquote>{body}</blockquote>{_whole(passage, here)}</article>"
    )


def _folded(passage: ScoredChunk) -> str:
    snippet = html.escape(_cut(passage.chunk.text, _SNIPPET_CHARS))
    return (
        f'<details class="passage"><summary>{_heading(passage)}<span class="snippet">{snippet}</span></summary>'
        f"<blockquote>{_paragraphs(html.escape(passage.chunk.text))}</blockquote>{_whole(passage)}</details>"
    )


def _whole(passage: ScoredChunk, citations: Sequence[Citation] = ()) -> str:
    """The button that opens the whole document at the cited words, or at the passage."""
    chunk = passage.chunk
    start = min((citation.start_char for citation in citations), default=chunk.start_char)
    end = max((citation.end_char for citation in citations), default=chunk.end_char)
    return (
        f'<button type="button" class="whole" data-act="document" data-doc="{_attribute(chunk.doc_id)}"'
        f' data-start="{start}" data-end="{end}" data-page="{chunk.page or ""}">Xem cả tài liệu</button>'
    )


def _heading(passage: ScoredChunk) -> str:
    where = [passage.source, *(f"cũng ở {source}" for source in passage.other_sources)]
    if passage.chunk.page is not None:
        where.append(f"trang {passage.chunk.page}" + (f" ({passage.chunk.label})" if passage.chunk.label else ""))
    elif passage.chunk.label:
        where.append(passage.chunk.label)
    if passage.date:
        where.append("/".join(reversed(passage.date.split("-"))))
    if passage.chunk.heading and passage.chunk.heading != passage.title:
        where.append(passage.chunk.heading)
    return (
        f'<span class="doc-title">{html.escape(passage.title)}</span>'
        f'<span class="where">{html.escape(" · ".join(where))}</span>'
    )


def _lines(text: str) -> str:
    return "<br>".join(html.escape(line) for line in text.splitlines())


def _paragraphs(escaped: str) -> str:
    """Lines and empty lines of escaped text as elements; tags of ours hold no line breaks."""
    return _LINE.sub("<br>", _EMPTY_LINE.sub('<span class="gap"></span>', escaped))


def _attribute(text: str) -> str:
    return html.escape(" ".join(text.split()), quote=True)


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[:limit].rstrip()}…"


def _number(value: int) -> str:
    return f"{value:,}".replace(",", ".")


def _seconds(milliseconds: float) -> str:
    return f"{max(milliseconds / 1000, 0.1):.1f}".replace(".", ",")
