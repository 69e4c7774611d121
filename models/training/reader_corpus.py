"""The reader's raw material in one small folder: articles, questions, synonyms, tokenizer, and what it is watched on.

    python models/training/reader_corpus.py --data ../shared/data --out reader-work/corpus --megabytes 38

So that a borrowed machine needs nothing but a checkout and this folder. Passages that share text with viquad2-test are
left out; its questions are in the folder for measuring alone.
"""

import argparse
import json
import lzma
import random
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from embedding_pairs import synonyms
from nouns import NOUNS, keep, read_nouns
from raw_rows import rows
from reader_tokenizer import train_tokenizer
from training_sets import MEASURED_SET, QUESTION_SETS, held_out, question_rows

from rag.config import EmbeddingConfig
from rag.embedding import StaticEmbedder, load_embedder
from rag.text import normalize, sentence_spans, syllables

PARTS = 32
"""Files of articles, so that as many processes can read at once."""
ARTICLES, QUESTIONS, SYNONYMS, TOKENIZER, WATCHED = (
    "articles-{:02d}.jsonl.xz", "questions.jsonl.xz", "synonyms.jsonl.xz", "tokenizer.json", "watched.jsonl.xz"
)  # fmt: skip
_SHINGLE = 8
COPIED = 3
"""Runs of eight syllables in common from which a passage copies one of the measured set."""
_PASSAGE_SENTENCES = 6
_WATCHED_QUESTIONS = 600
_TOKENIZER_LINES = 400_000
_NOUNS_SHARE = 0.25
"""Of the passages that nouns are read from."""


def shingles(text: str) -> set[int]:
    """Hashes of the runs of eight syllables of a text."""
    keys = syllables(text)
    return {hash(tuple(keys[start : start + _SHINGLE])) for start in range(len(keys) - _SHINGLE + 1)}


def wiki_articles(data: Path, measured: set[int]) -> Iterator[dict[str, Any]]:
    """The articles of both Wikipedias as title and passages, without copies of the measured set."""
    together: dict[str, list[str]] = {}
    for row in rows(data / "text" / "viwiki2017-passages.jsonl.gz"):
        together.setdefault(row["title"], []).append(row["text"])
    known = set(together)
    for row in rows(data / "text" / "viwik19-articles.jsonl.gz"):
        if row["title"] not in known:
            lines = [line for line in row["text"].split("\n") if not line.startswith("==")]
            together.setdefault(row["title"], []).extend(lines)
    for title, texts in together.items():
        passages = [normalize(text) for text in texts if len(text.split()) >= 25]
        passages = [text for text in passages if len(shingles(text) & measured) < COPIED]
        if passages:
            yield {"title": title.partition(" (")[0], "passages": passages}


def news_articles(data: Path, measured: set[int]) -> Iterator[dict[str, Any]]:
    """News bodies, cut into passages of a few sentences; their titles are no subjects of their sentences."""
    for row in rows(data / "text" / "vietnews-articles.jsonl.gz"):
        text = normalize(f"{row['abstract']}\n{row['body']}")
        spans = sentence_spans(text)
        if len(spans) >= 4 and len(shingles(text) & measured) < COPIED:
            cuts = [spans[at : at + _PASSAGE_SENTENCES] for at in range(0, len(spans), _PASSAGE_SENTENCES)]
            yield {"title": "", "passages": [text[cut[0][0] : cut[-1][1]] for cut in cuts]}


def asked_rows(data: Path) -> Iterator[dict[str, Any]]:
    """The answerable rows of the sets meant for training, each with whether it is kept for watching."""
    for name in QUESTION_SETS:
        for row in question_rows(data, name):
            if row["answerable"] and row["answers"]:
                yield _row(row, name) | {"watched": held_out(row["context"])}


def measured_rows(data: Path) -> list[dict[str, Any]]:
    """The measured set's questions."""
    return [_row(row, MEASURED_SET) for row in rows(data / "qa" / f"{MEASURED_SET}.jsonl.gz")]


def _row(row: dict[str, Any], name: str) -> dict[str, Any]:
    return {
        "set": name,
        "question": " ".join(normalize(row["question"]).split()),
        "answers": [normalize(answer) for answer in row["answers"]],
        "context": normalize(row["context"]),
    }


def write_lines(path: Path, lines: Iterable[dict[str, Any]]) -> int:
    """Write JSON lines, compressed; how many bytes the file has."""
    with lzma.open(path, "wt", encoding="utf-8", preset=6) as stream:
        stream.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    return path.stat().st_size


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """What `write_lines` wrote."""
    with lzma.open(path, "rt", encoding="utf-8") as stream:
        for line in stream:
            yield json.loads(line)


def write_corpus(data: Path, out: Path, megabytes: float, tokens: int, seed: int) -> dict[str, Any]:
    """Make the folder: all of Wikipedia, and as much news as `megabytes` leave room for; figures of what is in it."""
    rng = random.Random(seed)
    out.mkdir(parents=True, exist_ok=True)
    measured_set = measured_rows(data)
    measured = {one for context in {row["context"] for row in measured_set} for one in shingles(context)}
    copied = {row["context"] for row in asked_rows(data) if len(shingles(row["context"]) & measured) >= COPIED}
    asked = [row for row in asked_rows(data) if row["context"] not in copied]
    watched = [row for row in asked if row["watched"]]
    watched = rng.sample(watched, min(len(watched), _WATCHED_QUESTIONS))
    measured_set = rng.sample(measured_set, min(len(measured_set), _WATCHED_QUESTIONS))
    used = 1_500_000  # the tokenizer
    used += write_lines(out / WATCHED, [*watched, *measured_set])
    used += write_lines(out / SYNONYMS, ({"word": word, "others": others} for word, others in synonyms(data).items()))
    used += write_lines(out / QUESTIONS, (row for row in asked if not row["watched"]))
    wiki = list(wiki_articles(data, measured))
    news = list(news_articles(data, measured))
    rng.shuffle(wiki)
    rng.shuffle(news)
    write_tokenizer(out, [*wiki, *news[: 2 * len(wiki)]], tokens, rng)
    share = _news_share(out, wiki, news, megabytes * 1e6 - used)
    articles = [*wiki, *news[: int(share * len(news))]]
    rng.shuffle(articles)
    for part in range(PARTS):
        used += write_lines(out / ARTICLES.format(part), articles[part::PARTS])
    used += write_nouns(out, articles, rng)
    return {
        "megabytes": round(used / 1e6, 1), "wiki": len(wiki), "news": len(articles) - len(wiki),
        "passages": sum(len(article["passages"]) for article in articles),
        "questions": len(asked), "watched": len(watched),
    }  # fmt: skip


def write_tokenizer(out: Path, articles: Sequence[dict[str, Any]], tokens: int, rng: random.Random) -> None:
    """Train the tokenizer on sentences of the articles."""
    lines = [passage[start:end] for article in articles for passage in article["passages"] for start, end in [
        rng.choice(sentence_spans(passage))
    ]]  # fmt: skip
    train_tokenizer(rng.sample(lines, min(len(lines), _TOKENIZER_LINES)), tokens).save(str(out / TOKENIZER))


def write_nouns(out: Path, articles: Sequence[dict[str, Any]], rng: random.Random) -> int:
    """Write the nouns of a part of the passages; how many bytes the file has."""
    embedder = load_embedder(EmbeddingConfig())
    assert isinstance(embedder, StaticEmbedder)
    read = (text for article in articles for text in article["passages"] if rng.random() < _NOUNS_SHARE)
    titled = ((article["title"], article["passages"][0]) for article in articles if article["title"])
    keep(read_nouns(read, titled, embedder), out / NOUNS)
    return (out / NOUNS).stat().st_size


def _news_share(out: Path, wiki: Sequence[dict[str, Any]], news: Sequence[dict[str, Any]], bytes_left: float) -> float:
    """The share of the news that fits, estimated from what a part of either takes."""
    trial = out / "trial.xz"
    wiki_bytes = write_lines(trial, wiki[::PARTS]) * PARTS
    news_bytes = write_lines(trial, news[:: 2 * PARTS]) * 2 * PARTS
    trial.unlink()
    return min(max((bytes_left - wiki_bytes) / news_bytes, 0.0), 1.0)


def main() -> None:
    """Make the folder and say what is in it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--out", type=Path, default=Path("reader-work/corpus"))
    parser.add_argument("--megabytes", type=float, default=38.0, help="size of the folder, 10**6 bytes")
    parser.add_argument("--tokens", type=int, default=16_384, help="size of the tokenizer")
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    began = time.monotonic()
    figures = write_corpus(options.data, options.out, options.megabytes, options.tokens, options.seed)
    print(json.dumps(figures | {"seconds": round(time.monotonic() - began)}))


if __name__ == "__main__":
    main()
