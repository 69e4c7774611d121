"""Training pairs as token ids: the form in which the static embedding's training reads them."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from embedding_pairs import (
    Pair,
    QuestionMaker,
    law_pairs,
    news_pairs,
    question_pairs,
    synonyms,
    wiki_pairs,
)
from numpy.typing import NDArray
from tokenizers import Tokenizer
from training_sets import QUESTION_SETS


@dataclass(frozen=True)
class Ragged:
    """Token ids of many texts: text i is `ids[offsets[i]:offsets[i + 1]]`; ids int32, offsets int64."""

    ids: NDArray[np.int32]
    offsets: NDArray[np.int64]

    def gather(self, which: NDArray[np.int64]) -> tuple[torch.Tensor, torch.Tensor]:
        """Ids and starting offsets of the texts `which`, as an embedding bag takes them."""
        starts, ends = self.offsets[which], self.offsets[which + 1]
        sizes = ends - starts
        first = np.concatenate(([0], np.cumsum(sizes)[:-1]))
        positions = np.arange(int(sizes.sum())) + np.repeat(starts - first, sizes)
        return torch.from_numpy(self.ids[positions].astype(np.int64)), torch.from_numpy(first)


@dataclass(frozen=True)
class Group:
    """Pairs of one register: query i belongs to passage `passage_of[i]`; `passage_ids` marks passages that are one."""

    queries: Ragged
    passages: Ragged
    passage_of: NDArray[np.int64]
    passage_ids: NDArray[np.int64]


def encode(tokenizer: Tokenizer, texts: Iterable[str], max_tokens: int) -> Ragged:
    """Token ids of `texts`, each cut to `max_tokens`."""
    ids: list[NDArray[np.int32]] = []
    sizes: list[int] = []
    batch: list[str] = []

    def flush() -> None:
        for encoding in tokenizer.encode_batch_fast(batch, add_special_tokens=False):
            row = np.asarray(encoding.ids[:max_tokens], dtype=np.int32)
            ids.append(row)
            sizes.append(len(row))
        batch.clear()

    for text in texts:
        batch.append(text)
        if len(batch) == 4096:
            flush()
    flush()
    return Ragged(np.concatenate(ids), np.concatenate(([0], np.cumsum(sizes))).astype(np.int64))


def make_group(tokenizer: Tokenizer, pairs: Iterable[Pair], max_tokens: int) -> Group:
    """Tokenized pairs; a passage that occurs in several pairs is stored once."""
    queries: list[str] = []
    places: dict[str, int] = {}
    passage_of: list[int] = []
    passage_ids: list[int] = []
    for pair in pairs:
        place = places.setdefault(pair.passage, len(places))
        if place == len(passage_ids):
            passage_ids.append(pair.passage_id)
        queries.append(pair.query)
        passage_of.append(place)
    return Group(
        encode(tokenizer, queries, max_tokens),
        encode(tokenizer, places, max_tokens),
        np.asarray(passage_of, dtype=np.int64),
        np.asarray(passage_ids, dtype=np.int64),
    )


def make_groups(tokenizer: Tokenizer, data: Path, seed: int, news_share: float, max_tokens: int) -> dict[str, Group]:
    """All training pairs, by register; `news_share` is the part of the news articles that is used."""
    rng = random.Random(seed)
    maker = QuestionMaker(synonyms(data), rng)
    real = (pair for name in QUESTION_SETS for pair in question_pairs(data, name, maker, rng))
    sources: dict[str, Iterable[Pair]] = {
        "news": news_pairs(data, maker, rng, news_share),
        "wiki": wiki_pairs(data, maker, rng),
        "laws": law_pairs(data, maker, rng),
        "questions": real,
    }
    return {name: make_group(tokenizer, pairs, max_tokens) for name, pairs in sources.items()}
