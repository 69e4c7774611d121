"""Question sets under ViRE's protocol (EACL 2026), and the passages that the gold ones are hidden among."""

import itertools
import random
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from rag.documents import make_document
from rag.text import normalize, syllables
from rag.types import Document

PROJECT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT / "models" / "training"))

from raw_rows import rows  # noqa: E402
from training_sets import HELD_OUT_SETS, held_out, question_rows  # noqa: E402

SETS = ("viquad2-test", "vinewsqa", "virhe4qa", "vire4mrc", "educoqa")
TRANSLATIONS = "tatoeba-en"
WIKI = "viwiki2017-passages"
RANKER_SETS = HELD_OUT_SETS
"""models/training/ranker.py fits the ranker's weights to questions about the held-out contexts of the same sets."""
_SHINGLE = 8


@dataclass(frozen=True, slots=True)
class QuestionSet:
    """`gold[i]` is the source of the document that answers `questions[i]`."""

    name: str
    questions: tuple[str, ...]
    gold: tuple[str, ...]
    documents: tuple[Document, ...]

    @property
    def is_held_out(self) -> bool:
        """Whether other passages of the set were trained on, and questions are asked about the held-out ones alone."""
        return self.name in HELD_OUT_SETS


def read_question_set(data: Path, name: str, limit: int, seed: int) -> QuestionSet:
    """A seeded sample of at most `limit` answerable questions of a set, and all of its distinct contexts."""
    documents: dict[str, Document] = {}
    asked: list[tuple[str, str]] = []
    for row in question_rows(data, name):
        context = row["context"]
        if context not in documents:
            documents[context] = make_document(context, f"{name}-{len(documents):05d}")
        if row["answerable"] and (name not in HELD_OUT_SETS or held_out(context)):
            asked.append((normalize(row["question"]), documents[context].source))
    asked = random.Random(seed).sample(asked, min(limit, len(asked)))
    return QuestionSet(
        name, tuple(question for question, _ in asked), tuple(gold for _, gold in asked), tuple(documents.values())
    )


def read_translations(data: Path, limit: int, seed: int) -> QuestionSet:
    """At most `limit` English sentences as questions, each answered by its Vietnamese translation among all of them."""
    english, vietnamese = (
        (data / "text" / f"tatoeba.{language}.txt").read_text(encoding="utf-8").splitlines()
        for language in ("en", "vi")
    )
    documents = tuple(make_document(line, f"tatoeba-{place:04d}") for place, line in enumerate(vietnamese))
    places = random.Random(seed).sample(range(len(english)), min(limit, len(english)))
    return QuestionSet(
        TRANSLATIONS,
        tuple(normalize(english[place]) for place in places),
        tuple(documents[place].source for place in places),
        documents,
    )


def wiki_texts(data: Path) -> Iterator[str]:
    """The Wikipedia passages."""
    return (row["text"] for row in rows(data / "text" / f"{WIKI}.jsonl.gz"))


class Distractors:
    """Wikipedia passages of 2017, from which those that copy a set's contexts can be left out."""

    def __init__(self, data: Path, limit: int) -> None:
        """Read the first `limit` passages."""
        texts = itertools.islice(wiki_texts(data), limit)
        self.documents = [make_document(text, f"wiki-{place:05d}") for place, text in enumerate(texts)]
        self._shingles = [shingles(document.text) for document in self.documents]

    def apart_from(self, documents: Sequence[Document]) -> tuple[list[Document], int]:
        """The passages that are no copies of one of these documents, and how many are."""
        copies = near_copies(self._shingles, [shingles(document.text) for document in documents])
        return [document for place, document in enumerate(self.documents) if place not in copies], len(copies)


def shingles(text: str) -> npt.NDArray[np.int64]:
    """Hashes of the distinct runs of eight syllables of a text, ascending; of the whole text when it is shorter."""
    keys = syllables(text)
    starts = range(max(1, len(keys) - _SHINGLE + 1))
    return np.unique(np.array([hash(tuple(keys[start : start + _SHINGLE])) for start in starts], dtype=np.int64))


def near_copies(passages: Sequence[npt.NDArray[np.int64]], originals: Sequence[npt.NDArray[np.int64]]) -> set[int]:
    """Places of the passages that share at least half of the smaller one's shingles with one of the originals."""
    owners: dict[int, list[int]] = {}
    for number, original in enumerate(originals):
        for shingle in original.tolist():
            owners.setdefault(shingle, []).append(number)
    known = np.array(sorted(owners), dtype=np.int64)
    lengths = [len(passage) for passage in passages]
    place_of = np.repeat(np.arange(len(passages)), lengths)
    everything = np.concatenate(passages) if passages else np.array([], dtype=np.int64)
    shared = np.isin(everything, known)
    counts: Counter[tuple[int, int]] = Counter()
    for place, shingle in zip(place_of[shared].tolist(), everything[shared].tolist(), strict=True):
        counts.update((place, number) for number in owners[shingle])
    return {
        place for (place, number), both in counts.items() if 2 * both >= min(lengths[place], len(originals[number]))
    }
