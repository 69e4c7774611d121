"""What the evidence model is told of a question and its passages."""

import numpy as np
import pytest

from rag.relevance.features import QUESTION_FEATURES, SENTENCE_FEATURES
from rag.relevance.matching import UNREAD, Matcher
from rag.relevance.measuring import Measurer
from rag.relevance.verifying import Verifier
from rag.types import Chunk, ScoredChunk

TEXT = "Luật AI có hiệu lực từ năm 2026. Ông Nguyễn Mạnh Hùng trình bày luật ở Hà Nội. Trời hôm nay rất đẹp."


@pytest.fixture(scope="module")
def measurer(matcher: Matcher, verifier: Verifier) -> Measurer:
    """One over the bundled networks."""
    return Measurer(matcher, verifier)


def passage(text: str) -> ScoredChunk:
    return ScoredChunk(Chunk("c", "d", text, 0, len(text)), 1.0, "", "a.txt")


def test_passages_without_a_sentence_tell_nothing(measurer: Measurer) -> None:
    assert measurer.measured("Luật có từ năm nào?", []) is None
    assert measurer.measured("Luật có từ năm nào?", [passage("—")]) is None


def test_every_sentence_and_the_question_have_their_features(measurer: Measurer) -> None:
    measured = measurer.measured("Luật có hiệu lực từ năm nào?", [passage(TEXT)])
    assert measured is not None
    assert measured.by_sentence.shape == (3, len(SENTENCE_FEATURES))
    assert measured.whole.shape == (len(QUESTION_FEATURES),)
    verified = measured.by_sentence[:, SENTENCE_FEATURES.index("verified")]
    assert verified[0] > 0 > verified[1:].max() >= UNREAD
    assert measured.whole[QUESTION_FEATURES.index("verified")] == verified.max()


def test_who_does_not_count_as_shared_with_ai(measurer: Measurer) -> None:
    measured = measurer.measured("Ai trình bày luật?", [passage(TEXT)])
    assert measured is not None
    assert measured.asked.text == "Người nào trình bày luật?"
    assert "ai" not in measured.asked.keys


def test_cosines_are_the_same_when_a_text_comes_again(measurer: Measurer) -> None:
    sentences = measurer.measured("Luật có từ năm nào?", [passage(TEXT)])
    assert sentences is not None
    first = measurer.cosines("Luật nào?", [passage(TEXT)], sentences.sentences)
    again = measurer.cosines("Luật nào?", [passage(TEXT)], sentences.sentences)
    assert all(np.array_equal(one, other) for one, other in zip(first, again, strict=True))
    assert (first[0].shape, first[1].shape) == ((3,), (1,))
