"""The reader's training data: packed rows of tokens, made by as many processes as there are cores.

    python models/training/reader_data.py --work reader-work --workers 2 --seconds 60

Reads the folder that reader_corpus.py made and the two pointers that pointer.py trained. The training, reader.py, calls
the same, so that the data are made on the machine that trains and need not be carried there. A shard is a .npy of
uint16, shape (rows, ROW_TOKENS); the examples in a row each begin with the question token. Shard n of a worker is the
same in every run of a seed with as many workers.
"""

import argparse
import json
import multiprocessing
import os
import random
import time
from collections.abc import Iterator, Sequence
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pointer_data import fold_of
from question_forms import load_forms
from reader_corpus import ARTICLES, PARTS, QUESTIONS, SYNONYMS, TOKENIZER, read_lines
from reader_examples import Prompt, Reading, Told
from reader_questions import made_questions, respelled, swapped
from reader_tokenizer import load_tokenizer, plain

from rag.config import EmbeddingConfig, EvidenceConfig, resolve
from rag.embedding import load_embedder
from rag.llm.span_decoding import CONTROL_TOKENS, ReaderToken
from rag.relevance.company import CompanyVectors
from rag.relevance.matching import load_matcher
from rag.relevance.pointing import Pointer
from rag.text import syllables

ROW_TOKENS = 512
SHARD_ROWS = 512
REAL_SHARE = 0.3
"""Real questions' share of the rows that are made; how many are trained on is the training's choice."""
MADE, REAL = "made", "real"
_OPEN_ROWS = 24
_POOL = 400
_BESIDE = 2
"""Passages of the same set beside the one that answers."""
_PASSAGES = 4
"""Passages of an article that questions are made from in a round."""
_ASKED_OF = 3
"""Sentences of a passage that questions are made from."""
POINTERS = "pointer/without-{}"
Tokens = npt.NDArray[np.uint16]


class Packer:
    """Examples put together to rows of ROW_TOKENS, as full as may be, each whole."""

    def __init__(self) -> None:
        self._open: list[list[int]] = []
        self.full: list[list[int]] = []

    def add(self, ids: Sequence[int]) -> None:
        """Put an example into the first row that has room; when none has, the fullest is closed."""
        for row in self._open:
            if len(row) + len(ids) <= ROW_TOKENS:
                row.extend(ids)
                return
        if len(self._open) == _OPEN_ROWS:
            fullest = max(range(_OPEN_ROWS), key=lambda place: len(self._open[place]))
            self.full.append(self._open.pop(fullest))
        self._open.append(list(ids))

    def take(self, rows: int) -> Tokens:
        """The first full rows, padded."""
        array = np.full((rows, ROW_TOKENS), CONTROL_TOKENS.index(ReaderToken.PADDING), np.uint16)
        for place, row in enumerate(self.full[:rows]):
            array[place, : len(row)] = row
        del self.full[:rows]
        return array


class Maker:
    """The examples of a worker, endless, in an order that its seed decides."""

    def __init__(self, corpus: Path, pointers: Sequence[Pointer], worker: int, workers: int, seed: int) -> None:
        """Read the question sets; the articles are read as they are needed.

        `pointers` are two, each trained without the half of the real questions that has its place in the sequence.
        """
        self.reading = reading_of(corpus)
        self._corpus = corpus
        self._pointers = pointers
        self._parts = [part for part in range(PARTS) if part % workers == worker]
        self._rng = random.Random(f"{seed} {worker} {workers}")
        self._synonyms = {row["word"]: row["others"] for row in read_lines(corpus / SYNONYMS)}
        self._question_forms = load_forms(corpus, self.reading.matcher.embedder)
        self._rows = list(read_lines(corpus / QUESTIONS))
        self._by_set: dict[str, list[str]] = {}
        for row in self._rows:
            self._by_set.setdefault(row["set"], []).append(row["context"])
        self._told: dict[str, list[Told]] = {}
        self._asked = [row["question"] for row in self._rows]
        self._pool: list[str] = list(self._asked[:_POOL])

    def made(self) -> Iterator[Prompt]:
        """Examples of questions made from articles, article by article, round after round."""
        rng = self._rng
        while True:
            rng.shuffle(self._parts)
            for part in self._parts:
                articles = list(read_lines(self._corpus / ARTICLES.format(part)))
                rng.shuffle(articles)
                for article in articles:
                    yield from self._of_article(article)

    def real(self) -> Iterator[Prompt]:
        """Examples of real questions."""
        rng = self._rng
        while True:
            for row in rng.sample(self._rows, len(self._rows)):
                own = self._sentences(row["context"])
                found = self.reading.gold(row["question"], own, row["answers"])
                if found is None:
                    continue
                others = rng.sample(self._by_set[row["set"]], min(_BESIDE, len(self._by_set[row["set"]])))
                beside = [one for context in others if context != row["context"] for one in self._sentences(context)]
                pointer = self._pointers[fold_of(row["question"])]
                yield from self._forms(row["question"], own, beside, found, row["answers"], pointer)

    def _of_article(self, article: dict[str, Any]) -> Iterator[Prompt]:
        rng = self._rng
        texts = rng.sample(article["passages"], min(len(article["passages"]), _PASSAGES))
        passages = [self.reading.sentences(text, article["title"]) for text in texts]
        for at, own in enumerate(passages):
            beside = passages[at - 1] if at else []
            for told in rng.sample(own, min(len(own), _ASKED_OF)):
                if not 7 <= told.text.count(" ") <= 70:
                    continue
                for made in made_questions(told.text, article["title"], 1, rng, self._synonyms, self._question_forms):
                    if len(made.question.split()) < 3:
                        continue
                    answer = told.text[made.start : made.end]
                    self._pool[rng.randrange(len(self._pool))] = made.question
                    found = (told, (made.start, made.end))
                    yield from self._forms(made.question, own, beside, found, [answer], rng.choice(self._pointers))

    def _forms(
        self,
        question: str,
        own: Sequence[Told],
        beside: Sequence[Told],
        found: tuple[Told, tuple[int, int]],
        answers: Sequence[str],
        pointer: Pointer,
    ) -> Iterator[Prompt]:
        """The question as it can be answered or, one time in eight, as it cannot."""
        rng = self._rng
        way = rng.random()
        question = respelled(question, rng)
        gold, span = found
        prompt = None
        if way < 0.875:
            prompt = self.reading.prompt(question, [*own, *beside], gold, span, pointer)
        elif way < 0.95:
            prompt = self.reading.prompt(question, _without([*own, *beside], answers, gold), None, None, pointer)
        else:
            changed = swapped(question, self._pool, rng)
            if changed is not None:
                prompt = self.reading.prompt(changed, [*own, *beside], None, None, pointer)
        if prompt is not None:
            yield prompt

    def _sentences(self, context: str) -> list[Told]:
        if context not in self._told:
            self._told[context] = self.reading.sentences(context)
        return self._told[context]


def _without(told: Sequence[Told], answers: Sequence[str], gold: Told) -> list[Told]:
    """The sentences without the one that answers, and without those that hold an answer that tells something."""
    keys = [f" {' '.join(syllables(answer))} " for answer in answers]
    telling = [key for key in keys if len(key) > 5]
    return [
        one for one in told if one is not gold and not any(key in f" {' '.join(one.keys)} " for key in telling)
    ]  # fmt: skip


def reading_of(corpus: Path) -> Reading:
    """Sentences and prompts by the corpus folder's tokenizer and the bundled matcher."""
    matcher = load_matcher(EvidenceConfig().matcher, load_embedder(EmbeddingConfig()))
    return Reading(plain(load_tokenizer(corpus / TOKENIZER)), matcher)


def pointers_of(work: Path) -> list[Pointer]:
    """The two pointers in `work`, each trained without one half of the real questions."""
    config = EvidenceConfig()
    matcher = load_matcher(config.matcher, load_embedder(EmbeddingConfig()))
    vectors = CompanyVectors(resolve(config.company), matcher.embedder)
    return [Pointer(str(work / POINTERS.format(fold)), matcher.rarity, vectors) for fold in (0, 1)]


def write_shards(
    work: Path, worker: int, workers: int, seed: int, seconds: float, shard_rows: int = SHARD_ROWS
) -> dict[str, Any]:
    """Write shards of one worker into `work`/shards until the time is over; what was made, at which speed."""
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    maker = Maker(work / "corpus", pointers_of(work), worker, workers, seed)
    sources = {MADE: maker.made(), REAL: maker.real()}
    packers = {MADE: Packer(), REAL: Packer()}
    shards = {MADE: 0, REAL: 0}
    examples = tokens = 0
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        kind = REAL if shards[REAL] < REAL_SHARE * (shards[MADE] + shards[REAL]) else MADE
        packer, source = packers[kind], sources[kind]
        while len(packer.full) < shard_rows and time.monotonic() - began < seconds:
            ids = next(source).ids()
            packer.add(ids)
            examples += 1
            tokens += len(ids)
        if len(packer.full) >= shard_rows:
            save_rows(
                work / "shards" / f"{kind}-{seed:07d}-{worker:02d}-{shards[kind]:05d}.npy", packer.take(shard_rows)
            )
            shards[kind] += 1
    passed = time.monotonic() - began
    return {
        "worker": worker, "examples": examples, "tokens": tokens, "shards": shards,
        "examples_per_s": round(examples / passed, 1), "tokens_per_s": round(tokens / passed),
    }  # fmt: skip


def save_rows(path: Path, rows: Tokens) -> None:
    """Write a shard; it has its name only once it is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    with part.open("wb") as stream:
        np.save(stream, rows)
    part.replace(path)


def start_workers(work: Path, workers: int, seed: int, seconds: float) -> list[SpawnProcess]:
    """Processes that write shards until the time is over, or this process ends."""
    context = multiprocessing.get_context("spawn")
    processes = []
    for worker in range(workers):
        process = context.Process(target=_run_worker, args=(work, worker, workers, seed, seconds), daemon=True)
        process.start()
        processes.append(process)
    return processes


def _run_worker(work: Path, worker: int, workers: int, seed: int, seconds: float) -> None:
    print(json.dumps(write_shards(work, worker, workers, seed, seconds)), flush=True)


def main() -> None:
    """Make data for some time and say how fast that was."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=Path("reader-work"))
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    for process in start_workers(options.work, options.workers, options.seed, options.seconds):
        process.join()


if __name__ == "__main__":
    main()
