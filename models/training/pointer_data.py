"""What the pointer learns from: a question, a sentence that answers it, and where in it the answer stands.

Read from the folder that reader_corpus.py makes: its real questions, and questions made from its articles as the
reader's are (reader_questions.py), of which the pointer can see a hundred times as many in the same time.
"""

import random
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from answer_places import answer_span
from numpy.typing import NDArray
from question_forms import Forms, load_forms
from reader_corpus import ARTICLES, PARTS, QUESTIONS, SYNONYMS, WATCHED, read_lines
from reader_questions import made_questions, respelled
from training_sets import MEASURED_SET

from rag.config import PROJECT_DIR, EmbeddingConfig
from rag.embedding import StaticEmbedder, load_embedder
from rag.relevance.comparing import KINDS, load_rarity
from rag.relevance.features import Candidate, Rarity, analyse, candidates
from rag.relevance.matching import strength_of
from rag.relevance.units import SENTENCE_UNITS, Looked, cut, cut_question, keys_round, mark_features, unit_features
from rag.types import Chunk, ScoredChunk

_OF_PASSAGE = 3
"""Sentences of a passage that questions are made from."""
_OF_SENTENCE = 2


@dataclass(frozen=True, slots=True)
class Pointed:
    """One example as arrays: the units of question and sentence with their features, and the answer's units."""

    kind: int
    asked_ids: NDArray[np.int32]
    asked_features: NDArray[np.float16]
    ids: NDArray[np.int32]
    features: NDArray[np.float16]
    answers: tuple[tuple[int, int], ...]
    """First and last unit of the answer as each of the people who answered gave it."""
    fold: int = -1
    """Which half of the real questions it is of, 0 or 1."""
    source: str = ""
    """The question set; empty for a made question."""


class Encoder:
    """Examples to arrays."""

    def __init__(self, rarity: Rarity, embedder: StaticEmbedder) -> None:
        self._rarity, self.embedder = rarity, embedder

    def strongest(self, question: str, places: Sequence[Candidate]) -> Candidate:
        """The sentence that shares most with the question."""
        asked = analyse(question, self._rarity)
        return max(places, key=lambda one: strength_of(asked, one))

    def encoded(self, question: str, looked: Looked, spans: Sequence[tuple[int, int]]) -> Pointed | None:
        """An example with its answers' characters, first and last + 1; None when all are past what is read."""
        asked = analyse(question, self._rarity)
        question_units = cut_question(asked, self.embedder)
        units = cut(looked.text, asked, self.embedder, SENTENCE_UNITS)
        answers = [
            (inside[0], inside[-1])
            for start, end in spans
            if (inside := [place for place, (begin, stop) in enumerate(units.spans) if begin < end and stop > start])
        ]
        if not answers or not len(question_units.units.ids):
            return None
        counted = unit_features(asked, units, looked.text, self._rarity)
        return Pointed(
            KINDS.index(asked.kind),
            question_units.units.ids.astype(np.int32),
            question_units.against(*keys_round(asked, looked)).astype(np.float16),
            units.ids.astype(np.int32),
            np.concatenate([counted, mark_features(units, looked.text)], axis=1).astype(np.float16),
            tuple(dict.fromkeys(answers)),
        )


def fold_of(question: str) -> int:
    """In which half of the real questions one is: 0 or 1."""
    return sum(question.encode()) % 2


def encoder() -> Encoder:
    """The encoder of the bundled models."""
    embedder = load_embedder(EmbeddingConfig())
    assert isinstance(embedder, StaticEmbedder)
    return Encoder(load_rarity(PROJECT_DIR / "models" / "matcher-vi"), embedder)


def real_pointed(rows: Iterable[dict[str, Any]], encode: Encoder, rng: random.Random | None) -> Iterator[Pointed]:
    """Real questions with the sentence of their passage that answers; spelled as people do where there is an `rng`."""
    for row in rows:
        found = candidates([_passage("", row["context"])])
        holding = [one for one in found if answer_span(one.text, row["answers"]) is not None]
        if not holding:
            continue
        best = encode.strongest(row["question"], holding)
        spans = [span for answer in row["answers"] if (span := answer_span(best.text, [answer])) is not None]
        question = respelled(row["question"], rng) if rng is not None else row["question"]
        looked = Looked(best.text, best.near, row["context"])
        one = encode.encoded(question, looked, spans)
        if one is not None:
            yield replace(one, fold=fold_of(row["question"]), source=row["set"])


def made_pointed(corpus: Path, parts: Sequence[int], count: int, seed: str, encode: Encoder) -> Iterator[Pointed]:
    """`count` questions made from the articles of some parts of the corpus."""
    rng = random.Random(seed)
    synonyms = {row["word"]: row["others"] for row in read_lines(corpus / SYNONYMS)}
    forms = load_forms(corpus, encode.embedder)
    made = 0
    while made < count:
        for part in rng.sample(parts, len(parts)):
            for article in read_lines(corpus / ARTICLES.format(part)):
                if rng.random() < 0.5:  # another half in the next round
                    continue
                for text in article["passages"]:
                    for one in _of_passage(article["title"], text, synonyms, forms, rng, encode):
                        made += 1
                        yield one
                        if made == count:
                            return


def _of_passage(
    title: str, text: str, synonyms: dict[str, Sequence[str]], forms: Forms, rng: random.Random, encode: Encoder
) -> Iterator[Pointed]:
    found = candidates([_passage(title, text)])
    for sentence in rng.sample(found, min(len(found), _OF_PASSAGE)):
        if not 7 <= sentence.text.count(" ") <= 70:
            continue
        for made in made_questions(sentence.text, title, _OF_SENTENCE, rng, synonyms, forms):
            if len(made.question.split()) >= 3:
                question = respelled(made.question, rng)
                looked = Looked(sentence.text, sentence.near, text)
                one = encode.encoded(question, looked, [(made.start, made.end)])
                if one is not None:
                    yield one


def _passage(title: str, text: str) -> ScoredChunk:
    return ScoredChunk(Chunk("c", "c", text, 0, len(text)), 0.0, title, "c")


def _made_by_worker(corpus: Path, worker: int, workers: int, count: int, seed: int) -> list[Pointed]:
    parts = [part for part in range(PARTS) if part % workers == worker]
    return list(made_pointed(corpus, parts, count, f"{seed} {worker}", encoder()))


def all_pointed(corpus: Path, count: int, seed: int, workers: int) -> dict[str, list[Pointed]]:
    """The examples to train on, "real" and "made", and to measure on, "held_out" and the measured set."""
    encode = encoder()
    watched = list(read_lines(corpus / WATCHED))
    examples = {
        "real": list(real_pointed(read_lines(corpus / QUESTIONS), encode, random.Random(seed))),
        "held_out": list(real_pointed((row for row in watched if row["set"] != MEASURED_SET), encode, None)),
        MEASURED_SET: list(real_pointed((row for row in watched if row["set"] == MEASURED_SET), encode, None)),
    }
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        jobs = [pool.submit(_made_by_worker, corpus, one, workers, count // workers, seed) for one in range(workers)]
        examples["made"] = [one for job in jobs for one in job.result()]
    return examples
