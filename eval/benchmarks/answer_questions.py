"""The answers benchmark's questions: a set's own, and others that its corpus cannot answer, made by code."""

import random
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from question_sets import PROJECT

from rag.batch.metrics import answer_contained
from rag.batch.questions import Question
from rag.language.claims import names
from rag.text import normalize, syllables
from rag.types import ScoredChunk

sys.path.insert(0, str(PROJECT / "models" / "training"))

from swapping import swap
from training_sets import HELD_OUT_SETS, LEFT_OUT_SETS, is_aside, is_left_out, question_rows

ASKED_SET = "viquad2-test"
FOREIGN_SETS = ("vicov19qa", "educoqa")
"""Medical questions and questions on university admission, asked of Wikipedia; never trained on."""

ANSWERABLE, GOLD_OUT, SWAPPED, FOREIGN = "answerable", "gold-out", "swapped", "foreign"
HARD = (GOLD_OUT, SWAPPED)
"""Unanswerable, though the corpus speaks of the same things."""
UNANSWERABLE = (*HARD, FOREIGN)
_TRAINED_ON = (*HELD_OUT_SETS, *LEFT_OUT_SETS)
_TRIES = 8
"""Swaps that are tried: a name from the pool may share a word with the question, or the swap take no name for one."""


def read_set(data: Path, name: str) -> list[Question]:
    """The answerable questions of a set, in order, with their contexts; of a set to train on what no model has seen."""
    return [
        Question(
            f"{name}/{row['id']}",
            " ".join(normalize(row["question"]).split()),
            tuple(dict.fromkeys(normalize(answer) for answer in row["answers"])),
            context=row["context"],
            kind=ANSWERABLE,
        )
        for row in question_rows(data, name)
        if row["answerable"] and (name not in _TRAINED_ON or _is_unseen(name, row["context"]))
    ]


def _is_unseen(name: str, context: str) -> bool:
    return is_left_out(name, context) and is_aside(context)


def sample(questions: Sequence[Question], limit: int, seed: int) -> list[Question]:
    """At most `limit` of the questions, in random order."""
    return random.Random(seed).sample(list(questions), min(limit, len(questions)))


def names_of(questions: Sequence[Question]) -> list[str]:
    """The names in the questions: what `swapped` puts in the place of theirs."""
    return [name for question in questions for name in names(question.question)]


def swapped(question: Question, pool: Sequence[str], seed: int) -> Question | None:
    """The question with a name, year or number put in place of its own; None when there is none to swap."""
    rng = random.Random(f"{seed}\n{question.id}")
    for _ in range(_TRIES):
        changed = swap(question.question, pool, rng)
        if changed not in (None, question.question) and not _lost_its_beginning(question.question, changed):
            return replace(unanswerable(question, SWAPPED), question=changed)
    return None


def _lost_its_beginning(question: str, changed: str) -> bool:
    """Whether the first word was swapped, which may owe its capital to the sentence alone ("Tổng thống Nga là ai?")."""
    begins_with_name = any(question.startswith(name) for name in names(question))
    return not begins_with_name and changed.split(maxsplit=1)[0] != question.split(maxsplit=1)[0]


def foreign(data: Path, limit: int, seed: int) -> list[Question]:
    """At most `limit` questions of other sets, as many of each as it has."""
    share = -(-limit // len(FOREIGN_SETS))
    found = [question for name in FOREIGN_SETS for question in sample(read_set(data, name), share, seed)]
    return [unanswerable(question, FOREIGN) for question in found[:limit]]


def unanswerable(question: Question, kind: str) -> Question:
    """The same words, asked of a corpus that does not answer them."""
    return replace(question, answers=(), docs=(), kind=kind)


def still_answered(question: Question, passages: Sequence[ScoredChunk]) -> bool:
    """Whether one of the passages says a gold answer of more than one syllable, though the gold document is left out.

    The rule by which models/training/evidence_samples.py leaves such questions out; a number alone proves nothing.
    """
    telling = [answer for answer in question.answers if len(syllables(answer)) > 1]
    return any(answer_contained(passage.chunk.text, telling) for passage in passages)
