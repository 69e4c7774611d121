"""Untrusted text to HTML: everything is escaped, only this file's own tags come out."""

import html
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

SUPPORT_LABELS = {
    "supported": ("●", "có căn cứ"),
    "partial": ("◐", "có căn cứ một phần"),
    "unsupported": ("○", "chưa có căn cứ"),
}


def marked_text(text: str, spans: Sequence[tuple[int, int]], first_id: str = "") -> str:
    """`text` escaped, with each (start, end) span inside <mark>; overlapping spans are merged.

    `first_id` becomes the id of the first mark, so that a page can scroll to it. Spans are cut to the text.
    """
    parts: list[str] = []
    done = 0
    for start, end in sorted(spans):
        start, end = max(start, done), min(end, len(text))
        if start >= end:
            continue
        identity = f' id="{html.escape(first_id, quote=True)}"' if first_id and done == 0 and not parts else ""
        parts.append(html.escape(text[done:start]))
        parts.append(f"<mark{identity}>{html.escape(text[start:end])}</mark>")
        done = end
    parts.append(html.escape(text[done:]))
    return "".join(parts)


def cited_text(text: str, spans: Sequence[tuple[int, int, int]], id_prefix: str) -> str:
    """`text` escaped, with the words of each (start, end, number) span inside <mark class="c{number}">.

    Words of several spans carry all their classes. An empty element with the id `id_prefix` + number stands where the
    span of that number begins, so that a link can lead there. Spans are cut to the text.
    """
    inside = [(max(start, 0), min(end, len(text)), number) for start, end, number in spans]
    inside = [span for span in inside if span[0] < span[1]]
    cuts = sorted({0, len(text), *(span[0] for span in inside), *(span[1] for span in inside)})
    parts: list[str] = []
    for cut, next_cut in pairwise(cuts):
        prefix = html.escape(id_prefix, quote=True)
        parts.extend(f'<span id="{prefix}{number}"></span>' for start, _, number in inside if start == cut)
        words = html.escape(text[cut:next_cut])
        numbers = " ".join(f"c{number}" for start, end, number in inside if start <= cut < end)
        parts.append(f'<mark class="{numbers}">{words}</mark>' if numbers else words)
    return "".join(parts)


def answer_html(answer: Mapping[str, Any]) -> str:
    """An answer, in the shape of `Answer.as_json`, as a self-contained fragment for a notebook."""
    lines = [f"<p><strong>{html.escape(answer['question'])}</strong></p>"]
    if answer["abstained"]:
        lines.append(f"<p>{html.escape(answer['answer'])}</p>")
        nearest = answer["retrieved"][:3]
        if nearest:
            lines.append("<p>Đoạn gần nhất:</p>")
    else:
        for sentence in answer["sentences"]:
            sign, label = SUPPORT_LABELS[sentence["support"]]
            marks = "".join(f"<sup>[{int(number)}]</sup>" for number in sentence["citations"])
            lines.append(f'<p><span title="{label}">{sign}</span> {html.escape(sentence["text"])}{marks}</p>')
        nearest = [passage for passage in answer["retrieved"] if _spans_in(passage, answer["citations"])]
    for passage in nearest:
        body = marked_text(passage["text"], _spans_in(passage, answer["citations"]))
        summary = html.escape(f"{passage['source']} · {passage['start_char']}–{passage['end_char']}")
        lines.append(f"<details open><summary>{summary}</summary><blockquote>{body}</blockquote></details>")
    return f'<div class="rag-answer">{"".join(lines)}</div>'


def _spans_in(passage: Mapping[str, Any], citations: Sequence[Mapping[str, Any]]) -> list[tuple[int, int]]:
    return [
        (citation["start_char"] - passage["start_char"], citation["end_char"] - passage["start_char"])
        for citation in citations
        if citation["doc_id"] == passage["doc_id"]
        and citation["start_char"] < passage["end_char"]
        and citation["end_char"] > passage["start_char"]
    ]
