"""Samples for the evidence model: the project's own retrieval asked what it can and what it cannot answer.

The unanswerable questions are made by code: the gold document taken out, or its sentences that hold the answer, a name
or number of the question swapped, a question of another set; and some were written as such. Now and then the gold
document is all that there is. Training asks only what matcher and verifier were not trained on, measuring all of its
set.
"""

import random
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from answer_places import answer_span
from swapping import swap
from training_sets import HELD_OUT_SETS, LEFT_OUT_SETS, is_aside, is_left_out, question_rows
from written_questions import WRITTEN_SET

from rag.config import EmbeddingConfig, RagConfig, resolve
from rag.documents import make_document
from rag.embedding import load_embedder
from rag.errors import DocumentError
from rag.index import open_index
from rag.indexing.updating import index_documents
from rag.language.claims import names
from rag.relevance.company import CompanyVectors
from rag.relevance.features import Candidate
from rag.relevance.matching import Matcher, load_matcher
from rag.relevance.measuring import Measurer
from rag.relevance.ranking import load_ranker
from rag.relevance.verifying import Verifier
from rag.retrieval import HybridRetriever
from rag.text import fold, normalize, passage_sentence_spans, syllables
from rag.types import Document, FloatMatrix, ScoredChunk

TRAINING_SETS = (*HELD_OUT_SETS, *LEFT_OUT_SETS)
DEPTH = 80
"""Passages retrieved before a smaller corpus is simulated by leaving some documents out."""
PASSAGES = RagConfig().retrieval.passages
_MOST, _MOST_WRITTEN = 800, 1_800
"""Questions of a set with an answer, half as many without: no set shall decide alone, and those that were written are
the likest to what people ask."""


@dataclass(frozen=True)
class Sample:
    """One question with its candidates' features and its gold sentences; no gold means the null option."""

    sentences: FloatMatrix
    whole: FloatMatrix
    gold: tuple[int, ...]
    kind: str
    dev: bool


@dataclass(frozen=True)
class QuestionSet:
    """A set's questions over the index of its own contexts."""

    rows: list[dict[str, Any]]
    unsaid: list[dict[str, Any]]
    """Questions that their context does not answer."""
    retriever: HybridRetriever
    doc_ids: dict[str, str]
    """Context -> doc_id in the index."""


def set_samples(data: Path, name: str, number: int, seed: int) -> list[Sample]:
    """The samples of a set; `number` tells its rounds apart. Runs in a process of its own."""
    rng = random.Random(f"{seed} {name} {number}")
    training = name in TRAINING_SETS
    others = [row["question"] for other in TRAINING_SETS if other != name for row in answerable_rows(data, other)]
    matcher = load_matcher(RagConfig().evidence.matcher, load_embedder(EmbeddingConfig()))
    with tempfile.TemporaryDirectory() as scratch:
        own = read_set(data, name, Path(scratch), matcher)
        config = RagConfig().evidence
        vectors = CompanyVectors(resolve(config.company), matcher.embedder)
        measurer = Measurer(matcher, Verifier(config.verifier, matcher.rarity, vectors))
        return list(make_samples(own, others, measurer, rng, training=training))


def answerable_rows(data: Path, name: str) -> list[dict[str, Any]]:
    """The rows of a set that have an answer."""
    return [row for row in question_rows(data, name) if row["answers"] and row["answerable"]]


def read_set(data: Path, name: str, folder: Path, matcher: Matcher) -> QuestionSet:
    """A question set with an index of its contexts."""
    found = answerable_rows(data, name)
    documents: dict[str, Document] = {}
    for context in dict.fromkeys(row["context"] for row in found):
        try:
            documents[context] = make_document(context, f"context-{len(documents):05d}")
        except DocumentError:
            continue
    asked = [row for row in found if row["context"] in documents]
    unsaid = [row for row in question_rows(data, name) if not row["answerable"] and row["context"] in documents]
    if name in TRAINING_SETS:
        # On the others the matcher is surer than it will ever be in use.
        asked, unsaid = ([row for row in part if is_left_out(name, row["context"])] for part in (asked, unsaid))
    most = _MOST_WRITTEN if name == WRITTEN_SET else _MOST
    asked, unsaid = (
        random.Random(name).sample(part, min(len(part), count)) for part, count in ((asked, most), (unsaid, most // 2))
    )
    config = RagConfig()
    index_documents(folder, "contexts", list(documents.values()), matcher.embedder, config)
    index = open_index(folder, matcher.embedder, config)
    by_source = {document.source: document.doc_id for document in index.all_documents()}
    # Two contexts that read alike are one document, which goes by the source of the first.
    stored_as = index.sources()
    doc_ids = {context: by_source[stored_as[document.source]] for context, document in documents.items()}
    ranker = load_ranker(config.retrieval.ranker, matcher)
    return QuestionSet(asked, unsaid, HybridRetriever(index, matcher.embedder, config.retrieval, ranker), doc_ids)


def make_samples(
    own: QuestionSet,
    others: Sequence[str],
    measurer: Measurer,
    rng: random.Random,
    *,
    training: bool,
) -> Iterator[Sample]:
    """Each question as it is, and one unanswerable form of it: gold out, swapped, or another's; the unsaid."""
    pool = [name for row in own.rows for name in names(row["question"])]
    for row in own.rows:
        dev = is_aside(row["context"])
        keep = rng.choice((1.0, 1.0, 0.3, 0.1, 0.03, 0.0)) if training else 1.0
        question = normalize(row["question"])
        if rng.random() < (0.1 if training else 0.0):
            question = fold(question)
        gold_id = own.doc_ids[row["context"]]
        found = own.retriever.retrieve(question, DEPTH)
        kept = [hit for hit in found if hit.chunk.doc_id == gold_id or rng.random() < keep]
        yield from _sample(question, kept[:PASSAGES], row, gold_id, "answerable", dev, measurer)
        way = rng.choice(("gold_out", "sentence_out", "sentence_out", "swapped", "swapped", "foreign"))
        if way == "gold_out":
            rest = [hit for hit in kept if hit.chunk.doc_id != gold_id][:PASSAGES]
            answer = normalize(row["answers"][0]).lower()
            if any(answer in hit.chunk.text.lower() for hit in rest) and len(answer.split()) > 1:
                continue
            yield from _sample(question, rest, None, "", way, dev, measurer)
        elif way == "sentence_out":
            rest = [left for hit in kept[:PASSAGES] if (left := without_answers(hit, row["answers"])) is not None]
            if any(hit.chunk.doc_id == gold_id for hit in rest):
                yield from _sample(question, rest, None, "", way, dev, measurer)
        elif way == "swapped":
            changed = swap(question, pool, rng)
            if changed is not None:
                found = own.retriever.retrieve(changed, DEPTH)
                hits = [hit for place, hit in enumerate(found) if place == 0 or rng.random() < keep]
                yield from _sample(changed, hits[:PASSAGES], None, "", way, dev, measurer)
        else:
            foreign = normalize(rng.choice(others))
            hits = [hit for hit in own.retriever.retrieve(foreign, DEPTH) if rng.random() < keep]
            yield from _sample(foreign, hits[:PASSAGES], None, "", way, dev, measurer)
    for row in own.unsaid:
        gold_id = own.doc_ids[row["context"]]
        keep = rng.choice((1.0, 0.3, 0.03, 0.0)) if training else 1.0
        question = normalize(row["question"])
        hits = [
            hit for hit in own.retriever.retrieve(question, DEPTH) if hit.chunk.doc_id == gold_id or rng.random() < keep
        ]
        yield from _sample(question, hits[:PASSAGES], None, "", "unsaid", is_aside(row["context"]), measurer)


def _sample(
    question: str,
    passages: Sequence[ScoredChunk],
    row: dict[str, Any] | None,
    gold_id: str,
    kind: str,
    dev: bool,
    measurer: Measurer,
) -> Iterator[Sample]:
    measured = measurer.measured(question, passages)
    if measured is None:
        return
    sentences, by_sentence = measured.sentences, measured.by_sentence
    gold = gold_sentences(row, sentences, passages, gold_id, by_sentence) if row is not None else ()
    yield Sample(by_sentence, measured.whole, gold, kind, dev)


def without_answers(hit: ScoredChunk, answers: Sequence[str]) -> ScoredChunk | None:
    """A passage without its sentences that hold one of the answers; None if nothing is left of it."""
    text = hit.chunk.text
    told = [text[start:end] for start, end in passage_sentence_spans(text)]
    left = " ".join(sentence for sentence in told if answer_span(sentence, answers) is None)
    return replace(hit, chunk=replace(hit.chunk, text=left)) if left else None


def gold_sentences(
    row: dict[str, Any],
    sentences: Sequence[Candidate],
    passages: Sequence[ScoredChunk],
    gold_id: str,
    by_sentence: FloatMatrix,
) -> tuple[int, ...]:
    """The sentences of the gold document with the answer; of several, those that share the most with the question."""
    answers = [" ".join(syllables(normalize(answer))) for answer in row["answers"]]
    holding = [
        position
        for position, sentence in enumerate(sentences)
        if passages[sentence.passage].chunk.doc_id == gold_id
        and any(answer and f" {answer} " in f" {' '.join(syllables(sentence.text))} " for answer in answers)
    ]
    if not holding:
        return ()
    best = max(by_sentence[position, 0] for position in holding)
    return tuple(position for position in holding if by_sentence[position, 0] >= 0.7 * best)
