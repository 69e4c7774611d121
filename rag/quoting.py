"""The chosen sentences to a text that is pleasant to read: whose words they are, a list as a list, a number each."""

import re
from collections.abc import Iterator, Sequence
from itertools import groupby

from rag.conversation import questions_in
from rag.language.asking import AnswerKind, answer_kind
from rag.language.listing import BULLET, LIST_ITEM
from rag.types import Evidence, ScoredChunk, Task

_DIGIT = re.compile(r"\d")
_NAMED_CHARS = 80
"""A longer title is cut where it is named in a sentence."""


def named_title(passage: ScoredChunk) -> str:
    """A document's title as a sentence names it: its quotation marks plain, and cut when it is long."""
    title = " ".join(passage.title.replace("“", '"').replace("”", '"').split())
    return title if len(title) <= _NAMED_CHARS else f"{title[:_NAMED_CHARS].rsplit(' ', 1)[0].rstrip(' ,;:-–')}…"


def attribution(passage: ScoredChunk) -> str:
    """How an answer says whose words follow; empty for a title that would not read well or tells a number itself."""
    title = named_title(passage)
    return "" if title.endswith("…") or _DIGIT.search(title) else f"Theo “{title}”: "


def quoted(task: Task) -> Iterator[str]:
    """The evidence of a task piece by piece, each sentence with its [n].

    Where several things are asked and several documents answer, their sentences are told apart by title. Items of a
    list stand on lines of their own, and so do several sentences where the question asks for a list.
    """
    groups = [list(group) for _, group in groupby(task.evidence, key=lambda one: _doc_id(task, one))]
    is_told_apart = len(groups) > 1 and len(questions_in(task.question)) > 1
    for place, group in enumerate(groups):
        lead = attribution(task.passages[group[0].passage]) if is_told_apart else ""
        yield from _group(group, lead, "\n" if place else "", listed=_is_listed(task.question, group))


def _group(group: Sequence[Evidence], lead: str, before: str, *, listed: bool) -> Iterator[str]:
    for place, one in enumerate(group):
        words = " ".join(one.text.split())
        if listed and not words.endswith(":"):
            words = BULLET.sub("", words, count=1)
            mark = "" if LIST_ITEM.match(words) else "- "
            before = "\n" if place else before
        else:
            mark = ""
            before = " " if place else before
        yield f"{before}{mark}{lead}{words} [{one.passage + 1}]"
        lead = ""


def _is_listed(question: str, group: Sequence[Evidence]) -> bool:
    items = sum(LIST_ITEM.match(one.text) is not None for one in group)
    return items > 1 or (len(group) > 1 and answer_kind(question) is AnswerKind.LIST)


def _doc_id(task: Task, one: Evidence) -> str:
    return task.passages[one.passage].chunk.doc_id
