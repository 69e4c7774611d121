"""Examples for the matcher: a question, the sentences that retrieval brings for it, and which of them answer.

Two sources. Real questions of the training sets, asked of the project's own retrieval over the set's contexts; and
questions made by code from sentences of Wikipedia, among sentences of the same article. A third cannot be answered:
the document with the answer is taken out, or a name or number of the question is swapped.
"""

import random
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from answer_places import answer_span
from embedding_pairs import synonyms
from raw_rows import rows
from swapping import names_in, swap
from training_sets import MEASURED_SET, is_left_out, question_rows

from rag.config import RagConfig
from rag.documents import make_document
from rag.errors import DocumentError
from rag.index import open_index
from rag.indexing.updating import index_documents
from rag.language.drafting import drafts, reworded
from rag.relevance.features import Rarity, analyse, candidates
from rag.relevance.matching import strength_of
from rag.retrieval import HybridRetriever
from rag.text import fold, normalize, sentence_spans, syllables
from rag.types import Chunk, Document, Embedder, ScoredChunk

PASSAGES = RagConfig().retrieval.passages
KEPT = 8
"""Sentences of an example."""
DEPTH = 40


@dataclass(frozen=True, slots=True)
class Seen:
    """A sentence as the matcher sees it."""

    text: str
    near: str
    """Titles and the sentence before it."""
    passage: str
    answer: tuple[int, int] | None
    """Where the answer stands in it, characters; None when it does not bear it."""


@dataclass(frozen=True, slots=True)
class Example:
    """A question and some sentences; none of them bears an answer when the question cannot be answered."""

    question: str
    seen: tuple[Seen, ...]
    kind: str


class Asked:
    """An index of documents, and the sentences that it brings for a question."""

    def __init__(self, folder: Path, documents: Sequence[Document], embedder: Embedder, rng: random.Random) -> None:
        config = RagConfig()
        index_documents(folder, "texts", documents, embedder, config)
        index = open_index(folder, embedder, config)
        self._retriever = HybridRetriever(index, embedder, replace(config.retrieval, ranked=DEPTH))
        self._rng = rng

    def passages(self, question: str, gold: str, keep: float) -> list[ScoredChunk]:
        """What a corpus with a share `keep` of the documents would bring; the document `gold` always stays."""
        found = self._retriever.retrieve(question, DEPTH)
        return [hit for hit in found if hit.source == gold or self._rng.random() < keep][:PASSAGES]


def example_of(
    question: str,
    passages: Sequence[ScoredChunk],
    gold: str,
    answers: Sequence[str],
    kind: str,
    rarity: Rarity,
    rng: random.Random,
) -> Example | None:
    """The hardest sentences of the passages and, where there are any, the bearing ones; None without sentences."""
    asked = analyse(question, rarity)
    found = candidates(passages)
    spans = [
        answer_span(one.text, answers) if answers and passages[one.passage].source == gold else None for one in found
    ]
    strength = [strength_of(asked, one) for one in found]
    bearing = [place for place, span in enumerate(spans) if span is not None]
    best = max((strength[place] for place in bearing), default=0.0)
    bearing = sorted((p for p in bearing if strength[p] >= 0.7 * best), key=lambda p: -strength[p])[:2]
    if not found or (answers and not bearing):
        return None
    others = sorted((p for p in range(len(found)) if spans[p] is None), key=lambda p: -strength[p])
    hard, rest = others[: KEPT - 3], others[KEPT - 3 :]
    chosen = [*bearing, *hard, *rng.sample(rest, min(len(rest), KEPT - len(hard) - len(bearing)))]
    seen = [
        Seen(found[p].text, found[p].near, passages[found[p].passage].chunk.text, spans[p] if p in bearing else None)
        for p in chosen
    ]
    rng.shuffle(seen)
    return Example(question, tuple(seen), kind)


def real_examples(
    data: Path, name: str, embedder: Embedder, rarity: Rarity, rng: random.Random, limit: int | None = None
) -> Iterator[tuple[Example, bool]]:
    """The examples of a question set, each with whether its passage is held out from training."""
    documents: dict[str, Document] = {}
    asked_rows = []
    for row in question_rows(data, name):
        if not row["answerable"] or not row["answers"]:
            continue
        if row["context"] not in documents:
            try:
                documents[row["context"]] = make_document(row["context"], f"context-{len(documents):05d}")
            except DocumentError:
                continue
        asked_rows.append(row)
    if limit is not None:
        asked_rows = rng.sample(asked_rows, min(limit, len(asked_rows)))
    pool = [" ".join(row["question"].split()) for row in asked_rows]
    with tempfile.TemporaryDirectory() as folder:
        asked = Asked(Path(folder), list(documents.values()), embedder, rng)
        for row in asked_rows:
            out = is_left_out(name, row["context"])
            question = normalize(row["question"])
            if rng.random() < 0.07 and name != MEASURED_SET:
                question = fold(question)
            gold = documents[row["context"]].source
            answers = [normalize(answer) for answer in row["answers"]]
            for example in _forms(asked, question, gold, answers, rarity, rng, pool):
                yield example, out


def made_examples(data: Path, count: int, rarity: Rarity, rng: random.Random) -> Iterator[Example]:
    """Examples of questions that are made from Wikipedia's sentences, among passages of the same article and others."""
    articles: dict[str, list[ScoredChunk]] = {}
    for number, row in enumerate(rows(data / "text" / "viwiki2017-passages.jsonl.gz")):
        if len(row["text"].split()) >= 40:
            text = normalize(row["text"])
            chunk = Chunk(f"p{number}", f"p{number}", text, 0, len(text), heading=row["section"])
            articles.setdefault(row["title"], []).append(ScoredChunk(chunk, 0.0, row["title"], chunk.doc_id))
    table = synonyms(data)
    titles = list(articles)
    pool: list[str] = []
    made = 0
    while made < count:
        title = rng.choice(titles)
        passage = rng.choice(articles[title])
        drafted = _drafted(passage, rng)
        if drafted is None:
            continue
        question, answer = drafted
        question = reworded(question, rng, table)
        pool.append(question)
        siblings = [one for one in articles[title] if one is not passage]
        beside = rng.sample(siblings, min(len(siblings), 4)) + articles[rng.choice(titles)][:1]
        for example in _made_forms(question, answer, passage, beside, rarity, rng, pool):
            made += 1
            yield example


def _made_forms(
    question: str,
    answer: str,
    passage: ScoredChunk,
    beside: list[ScoredChunk],
    rarity: Rarity,
    rng: random.Random,
    pool: Sequence[str],
) -> Iterator[Example]:
    """The question as it is, without its passage, or swapped."""
    way = rng.choice(("answerable", "answerable", "answerable", "gold_out", "swapped"))
    example: Example | None
    if way == "answerable":
        example = example_of(question, [passage, *beside], passage.source, [answer], way, rarity, rng)
    elif way == "gold_out":
        example = example_of(question, beside, "", (), way, rarity, rng)
    else:
        changed = swap(question, names_in(pool, rng), rng)
        example = example_of(changed, [passage, *beside], "", (), way, rarity, rng) if changed is not None else None
    if example is not None:
        yield example


def _drafted(passage: ScoredChunk, rng: random.Random) -> tuple[str, str] | None:
    start, end = rng.choice(sentence_spans(passage.chunk.text))
    sentence = passage.chunk.text[start:end]
    if not 8 <= len(sentence.split()) <= 70:
        return None
    draft = next(drafts(sentence, rng, passage.title), None)
    return (draft.question, draft.answer) if draft is not None else None


def _forms(
    asked: Asked,
    question: str,
    gold: str,
    answers: Sequence[str],
    rarity: Rarity,
    rng: random.Random,
    pool: Sequence[str],
) -> Iterator[Example]:
    """The question as it is and, half the time, a form of it that cannot be answered."""
    passages = asked.passages(question, gold, rng.choice((1.0, 1.0, 0.4, 0.15)))
    examples = [example_of(question, passages, gold, answers, "answerable", rarity, rng)]
    way = rng.choice(("", "", "", "gold_out", "gold_out", "swapped"))
    if way == "gold_out":
        left = [hit for hit in asked.passages(question, "", 1.0) if hit.source != gold]
        plain = [f" {' '.join(syllables(answer))} " for answer in answers]
        text = f" {' '.join(key for hit in left for key in syllables(hit.chunk.text))} "
        if not any(answer in text for answer in plain if len(answer) > 6):
            examples.append(example_of(question, left, "", (), way, rarity, rng))
    elif way == "swapped":
        changed = swap(question, names_in(pool, rng), rng)
        if changed is not None:
            passages = asked.passages(changed, gold, 0.5)
            examples.append(example_of(changed, passages, "", (), way, rarity, rng))
    yield from (example for example in examples if example is not None)
