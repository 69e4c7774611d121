"""Makes what the verifier learns from.

    python models/training/verifier_data.py --data ../shared/data --corpus reader-work/corpus --work verifier-work

Real questions of the training sets, asked of the project's own retrieval or over their passage alone; questions made
from sentences of Wikipedia and news; and questions made from the summary above a news article, which the sentences of
its body answer in other words. Many cannot be answered: the document is taken out, or only its sentences that hold the
answer, so that what stays is about the same thing; or a name, year or number is swapped. 60 minutes on two cores.
"""

import argparse
import pickle
import random
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

from embedding_pairs import synonyms
from matcher_data import DEPTH, PASSAGES
from question_forms import load_forms
from raw_rows import rows
from reader_corpus import COPIED, shingles
from reader_questions import made_questions, respelled
from swapping import names_in, swap
from training_sets import MEASURED_SET, QUESTION_SETS, is_left_out, question_rows
from verifier_examples import Encoder, Verified, encoder
from written_questions import WRITTEN_SET

from rag.config import EmbeddingConfig, RagConfig
from rag.documents import make_document
from rag.embedding import load_embedder
from rag.errors import DocumentError
from rag.index import open_index
from rag.indexing.updating import index_documents
from rag.relevance.features import candidates
from rag.retrieval import HybridRetriever
from rag.text import fold, normalize, sentence_spans, syllables
from rag.types import Chunk, Document, ScoredChunk

EXAMPLES = "examples.pkl"
MADE = "made"
"""The source of made questions."""
_MOST = {"virhe4qa": 5_000, "vire4mrc": 5_000}
"""Questions of the sets that are all about one thing: one university, reviews of goods."""
_UNANSWERABLE_SETS = ("zalo-person-squad", WRITTEN_SET)
"""Hold questions with texts that people found not to answer them."""
_NEWS_SENTENCES = 6
"""Of a news article that stand together as a passage."""
_SUMMARISED_PASSAGES = 5
"""Of a news article's body that are searched for what its summary says."""
_TOLD_SHARE = 0.4
"""Of the rarity of a summary's question that a sentence of the body, with what stands round it, has to hold."""
_JOBS = 8
"""Parts in which the made questions are made."""
_POOL = 2000
"""Made questions from whose names others are swapped."""


def real_examples(data: Path, name: str, seed: int) -> list[Verified]:
    """The examples of a question set; runs in a process of its own."""
    rng = random.Random(f"{seed} {name}")
    encode, embedder, config = encoder(), load_embedder(EmbeddingConfig()), RagConfig()
    documents: dict[str, Document] = {}
    asked = []
    for row in question_rows(data, name):
        if not row["answerable"] or not row["answers"]:
            continue
        if row["context"] not in documents:
            try:
                documents[row["context"]] = make_document(row["context"], f"context-{len(documents):05d}")
            except DocumentError:
                continue
        asked.append(row)
    asked = rng.sample(asked, min(len(asked), _MOST.get(name, len(asked))))
    pool = [" ".join(row["question"].split()) for row in asked]
    made: list[Verified] = []
    with tempfile.TemporaryDirectory() as scratch:
        index_documents(Path(scratch), "texts", list(documents.values()), embedder, config)
        index = open_index(Path(scratch), embedder, config)
        retriever = HybridRetriever(index, embedder, replace(config.retrieval, ranked=DEPTH))
        for row in asked:
            question = normalize(row["question"])
            if rng.random() < 0.07:
                question = fold(question)
            answers = [normalize(answer) for answer in row["answers"]]
            out = is_left_out(name, row["context"])
            forms = _real_forms(encode, retriever, question, documents[row["context"]], answers, pool, rng)
            made += [replace(one, form=form, source=name, out=out) for form, one in forms if one is not None]
        for row in question_rows(data, name) if name in _UNANSWERABLE_SETS else ():
            if not row["answerable"]:
                question, out = normalize(row["question"]), is_left_out(name, row["context"])
                hits = [_passage("c", normalize(row["context"]), "")]
                if row["context"] in documents and rng.random() < 0.5:
                    hits = retriever.retrieve(question, DEPTH)[:PASSAGES]
                example = encode.example(question, hits, rng)
                if example is not None:
                    made.append(replace(example, form="labelled", source=name, out=out))
    return made


def _real_forms(
    encode: Encoder,
    retriever: HybridRetriever,
    question: str,
    document: Document,
    answers: Sequence[str],
    pool: Sequence[str],
    rng: random.Random,
) -> Iterator[tuple[str, Verified | None]]:
    """The question as it is, and forms of it that cannot be answered."""
    gold = document.source
    alone = [ScoredChunk(Chunk("c", document.doc_id, document.text, 0, len(document.text)), 1.0, document.title, gold)]
    found = retriever.retrieve(question, DEPTH)
    keep = rng.choice((1.0, 1.0, 0.4, 0.15))
    kept = [hit for hit in found if hit.source == gold or rng.random() < keep][:PASSAGES]
    yield "answerable", encode.example(question, kept, rng, gold={gold}, answers=answers)
    if rng.random() < 0.4:
        yield "answerable", encode.example(question, alone, rng, gold={gold}, answers=answers)
    if rng.random() < 0.7:
        over = alone if rng.random() < 0.6 else kept
        yield "sentence_out", encode.example(question, over, rng, gold={gold}, answers=answers, without=True)
    if rng.random() < 0.7:
        left = [hit for hit in found if hit.source != gold][:PASSAGES]
        plain = [f" {' '.join(syllables(answer))} " for answer in answers]
        text = f" {' '.join(key for hit in left for key in syllables(hit.chunk.text))} "
        if not any(answer in text for answer in plain if len(answer) > 6):
            yield "gold_out", encode.example(question, left, rng)
    if rng.random() < 0.4:
        changed = swap(question, names_in(pool, rng), rng)
        if changed is not None:
            hits = [hit for hit in retriever.retrieve(changed, DEPTH) if hit.source == gold or rng.random() < 0.5]
            yield "swapped", encode.example(changed, alone if rng.random() < 0.4 else hits[:PASSAGES], rng)


def made_examples(data: Path, corpus: Path, count: int, seed: int, part: int) -> list[Verified]:
    """Examples of questions made from Wikipedia (two in three) and news; runs in a process of its own."""
    rng = random.Random(f"{seed} made {part}")
    encode, table = encoder(), synonyms(data)
    forms = load_forms(corpus, encode.embedder)
    articles = list(_articles(data, part))
    pool: list[str] = []
    made: list[Verified] = []
    while len(made) < count:
        title, passages = rng.choice(articles)
        passage = rng.choice(passages)
        sentences = [one.text for one in candidates([passage]) if 7 <= one.text.count(" ") <= 70]
        for sentence in rng.sample(sentences, min(len(sentences), 1)):
            for drafted in made_questions(sentence, title, 1, rng, table, forms):
                question = respelled(drafted.question, rng)
                if len(question.split()) < 3:
                    continue
                pool = [*pool[-_POOL:], question]
                beside = [one for one in passages if one is not passage]
                beside = rng.sample(beside, min(len(beside), rng.choice((0, 1, 4)))) + rng.choice(articles)[1][:1]
                answer = sentence[drafted.start : drafted.end]
                form, one = _made_form(encode, question, answer, [passage], beside, pool, rng)
                if one is not None:
                    made.append(replace(one, form=form, source=MADE))
    return made


def _made_form(
    encode: Encoder,
    question: str,
    answer: str,
    own: Sequence[ScoredChunk],
    beside: Sequence[ScoredChunk],
    pool: Sequence[str],
    rng: random.Random,
) -> tuple[str, Verified | None]:
    """A made question over its `own` passages, which answer it, and others; in one of the forms."""
    way = rng.random()
    gold = {passage.source for passage in own}
    if way < 0.55:
        return "answerable", encode.example(question, [*own, *beside], rng, gold=gold, answers=[answer])
    if way < 0.75:
        told = encode.example(question, [*own, *beside], rng, gold=gold, answers=[answer], without=True)
        return "sentence_out", told
    if way < 0.85:
        return "gold_out", encode.example(question, beside, rng)
    changed = swap(question, names_in(pool, rng), rng)
    return "swapped", encode.example(changed, [*own, *beside], rng) if changed is not None else None


def summary_examples(data: Path, corpus: Path, count: int, seed: int, part: int) -> list[Verified]:
    """Examples of questions made from the summaries of news articles over their bodies; runs in a process of its own.

    The answer is taken out of the summary and stands in the body, too, in a sentence about the same thing. No synonyms
    are put in: the body is in other words as it is.
    """
    rng = random.Random(f"{seed} summaries {part}")
    encode = encoder()
    forms = load_forms(corpus, encode.embedder)
    pool: list[str] = []
    made: list[Verified] = []
    other: list[ScoredChunk] = []
    for number, row in enumerate(rows(data / "text" / "vietnews-articles.jsonl.gz")):
        if number % _JOBS != part or len(row["abstract"].split()) < 8:
            continue
        passages = _cut(str(number), normalize(row["body"]))[:_SUMMARISED_PASSAGES]
        summary = normalize(row["abstract"])
        for start, end in sentence_spans(summary):
            for drafted in made_questions(summary[start:end], "", 2, rng, {}, forms):
                question, answer = drafted.question, summary[start:end][drafted.start : drafted.end].strip()
                told = encode.telling(question, answer, passages, _TOLD_SHARE) if len(answer) > 2 else []
                if len(question.split()) < 4 or not told:
                    continue
                pool = [*pool[-_POOL:], question]
                kept = [passage for passage in passages if passage in told or rng.random() < 0.5]
                form, one = _made_form(encode, question, answer, kept, other, pool, rng)
                if one is not None:
                    made.append(replace(one, form=form, source=MADE))
                if len(made) == count:
                    return made
        other = passages[:2]
    return made


def _articles(data: Path, part: int) -> Iterator[tuple[str, list[ScoredChunk]]]:
    """Articles as title and passages, without copies of the measured set."""
    contexts = {normalize(row["context"]) for row in rows(data / "qa" / f"{MEASURED_SET}.jsonl.gz")}
    measured = {one for context in contexts for one in shingles(context)}
    told: dict[str, list[str]] = {}
    for row in rows(data / "text" / "viwiki2017-passages.jsonl.gz"):
        if sum(row["title"].encode()) % _JOBS == part and len(row["text"].split()) >= 40:
            text = normalize(row["text"])
            if len(shingles(text) & measured) < COPIED:
                told.setdefault(row["title"].partition(" (")[0], []).append(text)
    for title, texts in told.items():
        yield title, [_passage(f"{title} {number}", text, title) for number, text in enumerate(texts)]
    left = len(told) // 2
    for number, row in enumerate(rows(data / "text" / "vietnews-articles.jsonl.gz")):
        if number % (4 * _JOBS) == part and left > 0:
            cuts = _cut(str(number), normalize(f"{row['abstract']}\n{row['body']}"))
            if cuts:
                left -= 1
                yield "", cuts


def _cut(name: str, text: str) -> list[ScoredChunk]:
    """A news text in passages of a few sentences."""
    spans = sentence_spans(text)
    cuts = [spans[at : at + _NEWS_SENTENCES] for at in range(0, len(spans), _NEWS_SENTENCES)]
    return [_passage(f"{name} {n}", text[cut[0][0] : cut[-1][1]], "") for n, cut in enumerate(cuts)]


def _passage(name: str, text: str, title: str) -> ScoredChunk:
    return ScoredChunk(Chunk(name, name, text, 0, len(text)), 0.0, title, name)


def main() -> None:
    """Make the examples and keep them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--corpus", type=Path, default=Path("reader-work/corpus"), help="for its nouns")
    parser.add_argument("--work", type=Path, default=Path("verifier-work"))
    parser.add_argument("--made", type=int, default=64_000)
    parser.add_argument("--summaries", type=int, default=32_000)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as processes:
        jobs = [processes.submit(real_examples, options.data, name, options.seed) for name in QUESTION_SETS]
        jobs += [
            processes.submit(make, options.data, options.corpus, count // _JOBS, options.seed, part)
            for make, count in ((summary_examples, options.summaries), (made_examples, options.made))
            for part in range(_JOBS)
        ]
        examples = [one for job in jobs for one in job.result()]
    (options.work / EXAMPLES).write_bytes(pickle.dumps(examples))


if __name__ == "__main__":
    main()
