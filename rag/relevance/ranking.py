"""A second look at the best passages: a linear ranker over what the search, the words and the matcher tell."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from rag.config import resolve
from rag.language.asking import with_who
from rag.language.defining import definition_strength, thing_asked
from rag.relevance.features import AskedFor, covered, longest_run, missing_claims, pairs_covered, rarest_missing
from rag.relevance.matching import UNREAD, Matcher
from rag.relevance.weights import read_weights
from rag.text import passage_sentence_spans
from rag.types import FloatMatrix, ScoredChunk

PASSAGE_FEATURES = (
    "fused", "fused_share", "lexical_share", "dense_share", "cosine", "reciprocal_rank", "words", "pairs", "run",
    "names_missing", "rarest_missing", "sentence_words", "sentence_pairs", "sentence_run", "sentence_words_near",
    "title_words", "length", "sentence_length", "match", "match_share",
)  # fmt: skip


class PassageRanker:
    """Weights of the PASSAGE_FEATURES, trained by models/training/ranker.py with one softmax over a question's list."""

    def __init__(self, stored: Mapping[str, Any], matcher: Matcher) -> None:
        self._matcher = matcher
        self._mean = np.asarray(stored["mean"], dtype=np.float32)
        self._weights = np.asarray(stored["weights"], dtype=np.float32) / np.asarray(stored["scale"], dtype=np.float32)

    def rank(
        self, question: str, passages: Sequence[ScoredChunk], dense: Sequence[float], lexical: Sequence[float]
    ) -> list[ScoredChunk]:
        """The passages, given in the order of their fused scores, with probabilities as scores, the best first."""
        asked = self._matcher.analyse(with_who(question, (scored.chunk.text for scored in passages)))
        matches = self._matcher.match_passages(asked, passages)
        scores = self.scores(measure_passages(asked, passages, dense, lexical, matches))
        thing = thing_asked(question)
        if thing:
            scores = scores * np.exp([_definition_strength(one, thing) for one in passages])
            scores /= scores.sum()
        ranked = [replace(passage, score=float(score)) for passage, score in zip(passages, scores, strict=True)]
        return sorted(ranked, key=lambda passage: -passage.score)

    def scores(self, features: FloatMatrix) -> FloatMatrix:
        """Probabilities, shape (passages,), that each is the one that answers, of features (passages, k)."""
        logits = (features - self._mean) @ self._weights
        powers = np.exp(logits - logits.max())
        shares: FloatMatrix = powers / powers.sum()
        return shares


def _definition_strength(passage: ScoredChunk, thing: tuple[str, ...]) -> float:
    """Of the sentence that says best what the thing is."""
    text, begins = passage.chunk.text, passage.chunk.start_char
    spans = passage_sentence_spans(text)
    return max((definition_strength(text[start:end], thing, begins + start) for start, end in spans), default=0.0)


def load_ranker(path: str, matcher: Matcher) -> PassageRanker:
    """The ranker in a file.

    Raises:
        ModelError: there is no such file, or it is for other features.
    """
    stored = read_weights(resolve(path), {"features": PASSAGE_FEATURES}, "models/training/ranker.py")
    return PassageRanker(stored, matcher)


def measure_passages(
    asked: AskedFor,
    passages: Sequence[ScoredChunk],
    dense: Sequence[float],
    lexical: Sequence[float],
    matches: FloatMatrix,
) -> FloatMatrix:
    """The PASSAGE_FEATURES of a question's passages, shape (passages, k), in the order of their fused scores.

    `dense` and `lexical` are each passage's cosine and BM25 score, 0 where a side did not find it; `matches`, of shape
    (passages,), is what the matcher says of it.
    """
    best_match = matches.max(initial=UNREAD)
    best_dense, best_lexical, best_fused = (
        max([1e-6, *side]) for side in (dense, lexical, [p.score for p in passages])
    )
    rows = []
    for rank, (scored, cosine, bm25) in enumerate(zip(passages, dense, lexical, strict=True), start=1):
        above = asked.keys_of(f"{scored.title} {scored.chunk.heading}")
        sentences = [asked.keys_of(scored.chunk.text[a:b]) for a, b in passage_sentence_spans(scored.chunk.text)]
        keys = [key for sentence in sentences for key in sentence]
        near = [{*above, *one, *two} for one, two in zip([(), *sentences], sentences, strict=False)]
        whole = set(keys) | set(above)
        rows.append((
            scored.score,
            scored.score / best_fused,
            bm25 / best_lexical,
            max(cosine, 0.0) / best_dense,
            cosine,
            1.0 / rank,
            covered(asked, whole),
            pairs_covered(asked, keys),
            longest_run(asked, keys),
            missing_claims(asked, [*above, *keys]),
            rarest_missing(asked, whole),
            max((covered(asked, set(sentence)) for sentence in sentences), default=0.0),
            max((pairs_covered(asked, sentence) for sentence in sentences), default=0.0),
            max((longest_run(asked, sentence) for sentence in sentences), default=0.0),
            max((covered(asked, around) for around in near), default=0.0),
            covered(asked, set(above)),
            math.log(1 + len(keys)) / 4,
            math.log(1 + len(keys) / max(len(sentences), 1)) / 4,
            float(matches[rank - 1]),
            float(matches[rank - 1] - best_match),
        ))  # fmt: skip
    return np.array(rows, dtype=np.float32).reshape(-1, len(PASSAGE_FEATURES))
