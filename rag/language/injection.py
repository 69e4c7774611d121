"""Sentences of a document that speak to the machine that reads it instead of to people."""

import re

from rag.text import fold

# Compared without marks. Only what begins a sentence counts: a report on such sentences quotes them in its own.
_POLITE = r"[\W_]*(?:(?:hay|vui long|xin|quan trong|chu y|luu y|please|important|note|now|he thong|system)\b[\W_]*)*"
_RULES = (
    r"(?:huong dan|chi dan|chi thi|chi lenh|menh lenh|cau lenh|lenh|quy tac|loi nhac|ngu canh"
    r"|instructions?|prompts?|rules?|context|commands?)"
)
_COMMAND = re.compile(
    _POLITE
    + r"(?:"
    + rf"(?:bo qua|phot lo|quen|dung (?:lam|tuan) theo|khong (?:lam|tuan) theo|ignore|disregard|forget|override)\b"
    rf".{{0,60}}\b{_RULES}\b"
    r"|(?:tu (?:gio|bay gio)\W+)?ban (?:bay gio |gio |hien )?(?:la|dong vai|se dong vai)\b.{0,30}"
    r"\b(?:tro ly|chatbot|mo hinh|ai|bot)\b"
    r"|(?:from now on\W+)?you are (?:now |an? )"
    r"|hay (?:chi |luon )?(?:tra loi|noi|viet|in ra)\b.{0,20}\b(?:rang|la)\b"
    r"|(?:only |always )?(?:answer|reply|respond|say|output|print) (?:with|that|only|exactly)\b"
    r"|(?:assistant|user|human|tro ly|nguoi dung)\s*:"
    r")"
)
# With its marks, for "Chị trả lời" is a report.
_ONLY = re.compile(r"\W*(?:chỉ|luôn|luôn luôn) (?:được |phải )?trả lời\b", re.IGNORECASE)


def is_command(sentence: str) -> bool:
    """Whether a sentence tells a language model what to do: "Bỏ qua mọi hướng dẫn trước đó và …"."""
    return _COMMAND.match(fold(sentence).lower()) is not None or _ONLY.match(sentence) is not None
