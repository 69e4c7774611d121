"""Trains models/evidence-vi: which sentence bears the answer, and whether any does.

    python models/training/evidence.py --data ../shared/data --out models/evidence-vi

The questions of the training sets are asked of the project's own retrieval; the unanswerable ones are made by code:
the gold document taken out, a name or number of the question swapped, a question of another set. viquad2-test is only
measured on. Two small perceptrons share one softmax over the candidate sentences and a null option.
"""

import argparse
import gzip
import json
import math
import random
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from rag.claims import dates, names, numbers
from rag.config import EmbeddingConfig, RagConfig
from rag.documents import make_document
from rag.embedding import load_embedder
from rag.errors import DocumentError
from rag.features import QUESTION_FEATURES, SENTENCE_FEATURES, Candidate, Rarity, analyse, candidates, measure
from rag.index import index_documents, open_index
from rag.ranking import PassageRanker, load_ranker
from rag.retrieval import HybridRetriever
from rag.text import fold, normalize, syllables
from rag.types import Document, Embedder, FloatMatrix, ScoredChunk

TRAINING_SETS = ("vinewsqa", "virhe4qa", "vire4mrc", "seminar-wiki", "seminar-reg", "zalo-person-squad")
MEASURING_SET = "viquad2-test"
QUESTIONS_PER_SET = {"vinewsqa": 3500, "virhe4qa": 2500, "vire4mrc": 1500, "zalo-person-squad": 1000}
DEPTH = 80
"""Passages retrieved before a smaller corpus is simulated by leaving some documents out."""
PASSAGES = RagConfig().retrieval.passages
HIDDEN = 24


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

    name: str
    rows: list[dict[str, Any]]
    documents: dict[str, Document]
    retriever: HybridRetriever
    doc_ids: dict[str, str]
    """Context -> doc_id in the index."""


def main() -> None:
    """Make the samples, train, measure, write the model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--out", type=Path, default=Path("models/evidence-vi"))
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    embedder = load_embedder(EmbeddingConfig())
    rarity = count_rarity(options.data)
    ranker = load_ranker(RagConfig().retrieval.ranker, rarity)
    with tempfile.TemporaryDirectory() as scratch:
        sets = [
            read_set(options.data, name, Path(scratch) / name, embedder, ranker, rng)
            for name in (*TRAINING_SETS, MEASURING_SET)
        ]
        samples = [
            sample for one in sets[:-1] for sample in make_samples(one, sets[:-1], embedder, rarity, rng, training=True)
        ]
        measured = list(make_samples(sets[-1], sets[:-1], embedder, rarity, rng, training=False))
    print(f"{len(samples)} samples: {Counter(sample.kind for sample in samples)}")
    model = train([sample for sample in samples if not sample.dev], options.seed)
    figures = {
        "dev": figures_of(model, [sample for sample in samples if sample.dev]),
        MEASURING_SET: figures_of(model, measured),
    }
    print(json.dumps(figures, indent=2))
    options.out.mkdir(parents=True, exist_ok=True)
    stored = {
        "format": 1,
        "seed": options.seed,
        "embedding": dict(embedder.identity),
        "figures": figures,
        "sentence_features": SENTENCE_FEATURES,
        "question_features": QUESTION_FEATURES,
        **model.as_json(),
        "documents": rarity.documents,
        "counts": rarity.counts,
    }
    (options.out / "model.json").write_text(json.dumps(stored, ensure_ascii=False) + "\n", encoding="utf-8")


def read_rows(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a gzipped JSON Lines file."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def count_rarity(data: Path) -> Rarity:
    """In how many Wikipedia passages and news leads each syllable stands; the rarest and the numbers are left out."""
    counts: Counter[str] = Counter()
    documents = 0
    for row in read_rows(data / "text" / "viwiki2017-passages.jsonl.gz"):
        counts.update(set(syllables(normalize(row["text"]))))
        documents += 1
    for number, row in enumerate(read_rows(data / "text" / "vietnews-articles.jsonl.gz")):
        if number % 3 == 0:
            counts.update(set(syllables(normalize(f"{row['title']} {row['abstract']} {row['body'][:1000]}"))))
            documents += 1
    kept = {key: count for key, count in sorted(counts.items()) if count >= 3 and not key.replace(",", "").isdigit()}
    common = dict(sorted(kept.items(), key=lambda item: -item[1])[:12_000])
    return Rarity(common, documents)


def read_set(
    data: Path, name: str, folder: Path, embedder: Embedder, ranker: PassageRanker, rng: random.Random
) -> QuestionSet:
    """A question set with an index of its contexts."""
    rows = [row for row in read_rows(data / "qa" / f"{name}.jsonl.gz") if row["answers"] and row["answerable"]]
    documents: dict[str, Document] = {}
    for context in dict.fromkeys(row["context"] for row in rows):
        try:
            documents[context] = make_document(context, f"context-{len(documents):05d}")
        except DocumentError:
            continue
    rows = [row for row in rows if row["context"] in documents]
    limit = QUESTIONS_PER_SET.get(name, len(rows))
    rows = rng.sample(rows, min(limit, len(rows)))
    config = RagConfig()
    index_documents(folder, "contexts", list(documents.values()), embedder, config)
    index = open_index(folder, embedder, config)
    by_source = {document.source: document.doc_id for document in index.all_documents()}
    doc_ids = {context: by_source[document.source] for context, document in documents.items()}
    return QuestionSet(name, rows, documents, HybridRetriever(index, embedder, config.retrieval, ranker), doc_ids)


def make_samples(
    own: QuestionSet,
    sets: Sequence[QuestionSet],
    embedder: Embedder,
    rarity: Rarity,
    rng: random.Random,
    *,
    training: bool,
) -> Iterator[Sample]:
    """Each question as it is, and one unanswerable form of it: gold out, swapped, or of another set."""
    pool = [name for row in own.rows for name in names("x " + row["question"])]
    others = [row["question"] for other in sets if other.name != own.name for row in other.rows]
    for row in own.rows:
        # By passage, so that no dev question's passage was seen in training.
        dev = random.Random(row["context"]).random() < 0.15
        keep = rng.choice((1.0, 1.0, 0.3, 0.1, 0.03)) if training else 1.0
        question = normalize(row["question"])
        if rng.random() < (0.1 if training else 0.0):
            question = fold(question)
        gold_id = own.doc_ids[row["context"]]
        found = own.retriever.retrieve(question, DEPTH)
        kept = [hit for hit in found if hit.chunk.doc_id == gold_id or rng.random() < keep]
        yield from _sample(question, kept[:PASSAGES], row, gold_id, "answerable", dev, embedder, rarity)
        way = rng.choice(("gold_out", "gold_out", "swapped", "swapped", "foreign"))
        if way == "gold_out":
            rest = [hit for hit in kept if hit.chunk.doc_id != gold_id][:PASSAGES]
            answer = normalize(row["answers"][0]).lower()
            if any(answer in hit.chunk.text.lower() for hit in rest) and len(answer.split()) > 1:
                continue
            yield from _sample(question, rest, None, "", way, dev, embedder, rarity)
        elif way == "swapped":
            changed = swap(question, pool, rng)
            if changed is not None:
                found = own.retriever.retrieve(changed, DEPTH)
                hits = [hit for place, hit in enumerate(found) if place == 0 or rng.random() < keep]
                yield from _sample(changed, hits[:PASSAGES], None, "", way, dev, embedder, rarity)
        else:
            foreign = normalize(rng.choice(others))
            hits = [hit for hit in own.retriever.retrieve(foreign, DEPTH) if rng.random() < keep]
            yield from _sample(foreign, hits[:PASSAGES], None, "", way, dev, embedder, rarity)


def swap(question: str, pool: Sequence[str], rng: random.Random) -> str | None:
    """The question with one name, year or number put in place of its own; None when it has none."""
    years = [date.year for date in dates(question) if date.year]
    own_names = [name for name in names("x " + question) if len(name) > 3]
    own_numbers = [number.written for number in numbers(question)]
    ways = [*(("year", str(year)) for year in years), *(("name", name) for name in own_names)]
    ways += [("number", written) for written in own_numbers]
    if not ways:
        return None
    way, old = rng.choice(ways)
    if way == "name":
        new = rng.choice(pool)
        if set(syllables(new)) & set(syllables(question)):
            return None
    elif way == "year":
        new = str(int(old) + rng.choice((-9, -4, -3, -2, 2, 3, 5, 11)))
    else:
        new = str(rng.randint(2, 97))
    return question.replace(old, new) if new != old else None


def _sample(
    question: str,
    passages: Sequence[ScoredChunk],
    row: dict[str, Any] | None,
    gold_id: str,
    kind: str,
    dev: bool,
    embedder: Embedder,
    rarity: Rarity,
) -> Iterator[Sample]:
    sentences = candidates(passages)
    if not sentences:
        return
    asked = analyse(question, rarity)
    vectors = embedder.embed_passages([*(s.text for s in sentences), *(hit.chunk.text for hit in passages)])
    cosines = vectors @ embedder.embed_queries([question])[0]
    by_sentence, whole = measure(asked, passages, sentences, cosines[: len(sentences)], cosines[len(sentences) :])
    gold = gold_sentences(row, sentences, passages, gold_id, by_sentence) if row is not None else ()
    yield Sample(by_sentence, whole, gold, kind, dev)


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


class Ranker(torch.nn.Module):
    """The two perceptrons, on features made to mean 0 and deviation 1."""

    def __init__(self, samples: Sequence[Sample]) -> None:
        super().__init__()
        self.scales = {
            "sentence": _scale(np.concatenate([sample.sentences for sample in samples])),
            "null": _scale(np.stack([sample.whole for sample in samples])),
        }
        self.sentence = _perceptron(len(SENTENCE_FEATURES))
        self.null = _perceptron(len(QUESTION_FEATURES))

    def log_probabilities(self, sample: Sample) -> torch.Tensor:
        """Log-probabilities of the sentences and, last, of the null option."""
        return torch.log_softmax(torch.cat([self._sentence(sample), self._null(sample)]), dim=0)

    def _sentence(self, sample: Sample) -> torch.Tensor:
        mean, scale = self.scales["sentence"]
        logits: torch.Tensor = self.sentence(torch.from_numpy((sample.sentences - mean) / scale))[:, 0]
        return logits

    def _null(self, sample: Sample) -> torch.Tensor:
        mean, scale = self.scales["null"]
        logits: torch.Tensor = self.null(torch.from_numpy((sample.whole - mean) / scale)[None, :])[:, 0]
        return logits

    def as_json(self) -> dict[str, Any]:
        """Both perceptrons in the form that rag.evidence reads."""
        return {name: _stored(getattr(self, name), *self.scales[name]) for name in ("sentence", "null")}


def train(samples: list[Sample], seed: int, epochs: int = 12, batch: int = 64) -> Ranker:
    """A ranker fitted by the log-probability of the gold sentences, or of the null option where there are none."""
    torch.manual_seed(seed)
    model = Ranker(samples)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=5e-3, total_steps=epochs * math.ceil(len(samples) / batch)
    )
    order = list(range(len(samples)))
    shuffler = random.Random(seed)
    for epoch in range(epochs):
        shuffler.shuffle(order)
        total = 0.0
        for start in range(0, len(order), batch):
            loss = -torch.stack([_gold_log_probability(model, samples[i]) for i in order[start : start + batch]]).mean()
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
            total += loss.item()
        print(f"epoch {epoch + 1}: loss {total / math.ceil(len(order) / batch):.4f}", flush=True)
    return model.eval()


def _gold_log_probability(model: Ranker, sample: Sample) -> torch.Tensor:
    log_probabilities = model.log_probabilities(sample)
    wanted = list(sample.gold) or [len(sample.sentences)]
    return torch.logsumexp(log_probabilities[wanted], dim=0)


def figures_of(model: Ranker, samples: Sequence[Sample]) -> dict[str, Any]:
    """How often the first sentence is gold, and how well the null probability parts the kinds."""
    answerable: list[float] = []
    by_kind: dict[str, list[float]] = {}
    first: list[bool] = []
    with torch.no_grad():
        for sample in samples:
            probabilities = model.log_probabilities(sample).exp().numpy()
            score = 1.0 - float(probabilities[-1])
            if sample.kind == "answerable":
                first.append(int(probabilities[:-1].argmax()) in sample.gold)
                answerable.append(score)
            else:
                by_kind.setdefault(sample.kind, []).append(score)
    figures: dict[str, Any] = {"n": len(samples), "first_sentence_gold": round(float(np.mean(first)), 4)}
    for threshold in (0.2, 0.3, 0.4, 0.5, 0.6):
        figures[f"false_refusals@{threshold}"] = round(float(np.mean(np.array(answerable) < threshold)), 4)
        for kind, scores in sorted(by_kind.items()):
            figures[f"refused_{kind}@{threshold}"] = round(float(np.mean(np.array(scores) < threshold)), 4)
    figures["auroc"] = {kind: round(_auroc(answerable, scores), 4) for kind, scores in sorted(by_kind.items())}
    return figures


def _auroc(positive: Sequence[float], negative: Sequence[float]) -> float:
    """The probability that an answerable question scores above an unanswerable one; ties count half."""
    order = np.argsort(np.argsort(np.array([*positive, *negative]), kind="stable"))
    ranks = order[: len(positive)] + 1
    return float((ranks.sum() - len(positive) * (len(positive) + 1) / 2) / (len(positive) * len(negative)))


def _scale(features: FloatMatrix) -> tuple[FloatMatrix, FloatMatrix]:
    scale = features.std(axis=0)
    return features.mean(axis=0), np.where(scale > 1e-6, scale, 1.0).astype(np.float32)


def _perceptron(size: int) -> torch.nn.Sequential:
    return torch.nn.Sequential(torch.nn.Linear(size, HIDDEN), torch.nn.Tanh(), torch.nn.Linear(HIDDEN, 1))


def _stored(layers: torch.nn.Sequential, mean: FloatMatrix, scale: FloatMatrix) -> dict[str, Any]:
    first, _, second = layers
    assert isinstance(first, torch.nn.Linear)
    assert isinstance(second, torch.nn.Linear)
    arrays = {"w1": first.weight, "b1": first.bias, "w2": second.weight[0]}
    rounded = {name: np.round(value.detach().numpy(), 5).tolist() for name, value in arrays.items()}
    return {
        **rounded,
        "b2": round(float(second.bias.detach()[0]), 5),
        "mean": np.round(mean, 6).tolist(),
        "scale": np.round(scale, 6).tolist(),
    }


if __name__ == "__main__":
    main()
