"""The ranker's arithmetic, by hand, and what a passage has of a question."""

import json
from pathlib import Path

import numpy as np
import pytest

from rag.errors import ModelError
from rag.relevance.features import Rarity, analyse
from rag.relevance.matching import Matcher
from rag.relevance.ranking import PASSAGE_FEATURES, PassageRanker, load_ranker, measure_passages
from rag.types import Chunk, ScoredChunk

RARITY = Rarity({}, 99)
COUNT = len(PASSAGE_FEATURES)


def passage(text: str, score: float) -> ScoredChunk:
    return ScoredChunk(Chunk("c", "d", text, 0, len(text)), score, "Tin", "a.txt")


def test_scores_are_a_softmax_of_the_weighted_standardised_features(matcher: Matcher) -> None:
    stored = {"mean": [1.0] * COUNT, "scale": [2.0] * COUNT, "weights": [np.log(3.0)] + [0.0] * (COUNT - 1)}
    features = np.zeros((2, COUNT), dtype=np.float32)
    features[0, 0] = 2.0
    assert PassageRanker(stored, matcher).scores(features) == pytest.approx([0.75, 0.25])


def test_features_tell_what_each_side_and_the_words_say() -> None:
    asked = analyse("Hàn Quốc đầu tư bao nhiêu?", RARITY)
    passages = [passage("Hàn Quốc đầu tư 94,6 tỷ won. Trời đẹp.", 0.8), passage("Trời mưa.", 0.4)]
    first, second = (
        dict(zip(PASSAGE_FEATURES, row, strict=True))
        for row in measure_passages(asked, passages, [0.5, 0.25], [10.0, 0.0], np.array([1.5, -2.0], dtype=np.float32))
    )
    assert (first["words"], first["sentence_words"]) == (1.0, 1.0)
    # hàn·quốc, quốc·đầu and đầu·tư weigh two words each, tư·bao one, bao·nhiêu none.
    assert first["pairs"] == pytest.approx(6 / 7)
    assert (second["words"], second["names_missing"], second["fused_share"]) == (0.0, 1.0, pytest.approx(0.5))
    assert (first["lexical_share"], second["lexical_share"]) == (pytest.approx(1.0), 0.0)
    assert (second["dense_share"], second["reciprocal_rank"]) == (pytest.approx(0.5), 0.5)
    assert (first["match"], first["match_share"], second["match_share"]) == (1.5, 0.0, -3.5)


def test_no_passages_have_no_features() -> None:
    assert measure_passages(analyse("AI", RARITY), [], [], [], np.zeros(0, dtype=np.float32)).shape == (0, COUNT)


def test_a_ranker_for_other_features_is_refused(tmp_path: Path, matcher: Matcher) -> None:
    file = tmp_path / "model.json"
    with pytest.raises(ModelError, match="no model at"):
        load_ranker(str(file), matcher)
    file.write_text(json.dumps({"features": ["other"]}), encoding="utf-8")
    with pytest.raises(ModelError, match="trained for other features"):
        load_ranker(str(file), matcher)
