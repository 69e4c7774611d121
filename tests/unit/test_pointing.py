"""Where in a sentence an answer stands: the choice of a span by hand, and that NumPy computes what torch trained."""

import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rag.config import RagConfig, resolve
from rag.errors import ModelError
from rag.evidence import EvidenceModel
from rag.relevance.comparing import WEIGHTS_FILE, load_weights
from rag.relevance.matching import Matcher
from rag.relevance.pointing import MOST_UNITS, Place, Pointer, best_span, promise, whole_words
from rag.relevance.units import Looked
from rag.types import Chunk, Evidence, ScoredChunk

LAW = "Theo Bộ trưởng Nguyễn Mạnh Hùng, luật có hiệu lực từ ngày 1 tháng 1 năm 2026 và được áp dụng trên cả nước."
WEATHER = "Trời hôm nay rất đẹp."


def looked(text: str) -> Looked:
    return Looked(text, "", text)


def logits(*probable: int, size: int = 6) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """Logits of `size` units, 4 for those that are probable and 0 for the others."""
    return np.array([4.0 if place in probable else 0.0 for place in range(size)], dtype=np.float32)


def test_the_probable_span_is_chosen() -> None:
    assert best_span(logits(2), logits(4)) == (2, 4)
    assert best_span(logits(0, size=1), logits(0, size=1)) == (0, 0)


def test_a_span_never_ends_before_it_begins_nor_is_longer_than_it_may_be() -> None:
    first, last = best_span(logits(5), logits(1))
    assert first <= last
    first, last = best_span(logits(0, size=48), logits(47, size=48))
    assert last - first < MOST_UNITS


def test_the_span_that_shares_most_with_all_probable_ones_wins() -> None:
    first = np.array([1.0, -9.0, -9.0, 0.9, 0.9, -9.0], dtype=np.float32)
    last = np.array([1.0, -9.0, -9.0, -9.0, -9.0, 0.95], dtype=np.float32)
    # (0, 0) is the most probable; (0, 5), (3, 5) and (4, 5), nearly as probable, bear each other out.
    assert best_span(first, last) == (0, 5)


def test_characters_are_widened_to_whole_words() -> None:
    assert whole_words("Họ hát Carmagnole.", 8, 10) == (7, 17)
    assert whole_words("— …", 0, 1) == (0, 0)
    assert whole_words("Đạt 105% so với", 4, 7) == (4, 8)


@pytest.mark.parametrize(
    ("question", "within"),
    [("Luật có hiệu lực từ khi nào?", "ngày 1 tháng 1 năm 2026"), ("Bộ trưởng là ai?", "Nguyễn Mạnh Hùng")],
)
def test_it_points_to_what_is_asked_for(pointer: Pointer, matcher: Matcher, question: str, within: str) -> None:
    (place,) = pointer.point(matcher.analyse(question), [looked(LAW)])
    shared = set(LAW[place.start : place.end].split()) & set(within.split())
    assert len(shared) >= 2


def test_sentences_are_pointed_into_alone_as_among_others(pointer: Pointer, matcher: Matcher) -> None:
    asked = matcher.analyse("Luật có hiệu lực từ khi nào?")
    together = pointer.point(asked, [looked(WEATHER), looked("—"), looked(LAW)])
    assert together[1] == Place()
    for place, text in zip(together[::2], (WEATHER, LAW), strict=True):
        (alone,) = pointer.point(asked, [looked(text)])
        assert (alone.start, alone.end) == (place.start, place.end)
        assert alone.strength == pytest.approx(place.strength, abs=1e-3)
    assert together[2].strength > together[0].strength > together[1].strength


def test_of_sentences_as_probable_the_one_that_is_pointed_into_more_strongly_promises_more() -> None:
    assert promise(0.4, 5.0) > promise(0.4, 2.0)
    assert promise(0.9, -20.0) < promise(0.1, 0.0)
    assert promise(0.9, 2.0) > promise(0.1, 2.0)
    assert np.isfinite([promise(0.0, 0.0), promise(1.0, 0.0)]).all()


def test_numpy_computes_what_torch_trained(pointer: Pointer, matcher: Matcher) -> None:
    import torch

    sys.path.insert(0, str(resolve("models/training")))
    try:
        from matcher_network import Settings
        from pointer_data import Encoder
        from pointer_network import PointerNetwork, collate
    finally:
        sys.path.pop(0)
    weights = load_weights(resolve(RagConfig().evidence.pointer))
    network = PointerNetwork(matcher.embedder.unit_vectors(np.arange(matcher.embedder.size)), Settings()).eval()
    network.load_state_dict({f"weights.{name}": torch.from_numpy(value) for name, value in weights.items()})
    question = "Luật có hiệu lực từ khi nào?"
    encode = Encoder(matcher.rarity, matcher.embedder)
    examples = [encode.encoded(question, looked(text), 0, 3) for text in (LAW, WEATHER)]
    assert all(one is not None for one in examples)
    with torch.no_grad():
        theirs = network(*collate([one for one in examples if one is not None])).numpy()
    asked = matcher.analyse(question)
    for text, ends in zip((LAW, WEATHER), theirs, strict=True):
        (group,) = pointer._comparison.compare(asked, [looked(text)])
        ours = pointer._ends(group)[0]
        ours = ours - np.log(np.exp(ours).sum(axis=0, keepdims=True))
        # Training keeps its features in half precision.
        assert np.abs(ours.T - ends[:, : len(ours)]).max() < 5e-2


def test_a_folder_without_a_pointer_is_refused(tmp_path: Path, matcher: Matcher) -> None:
    with pytest.raises(ModelError, match="is not a pointer"):
        Pointer(str(tmp_path), matcher.rarity, matcher.embedder)


def test_a_pointer_of_another_embedding_is_refused(tmp_path: Path, matcher: Matcher) -> None:
    folder = tmp_path / "pointer"
    shutil.copytree(resolve(RagConfig().evidence.pointer), folder)
    assert (folder / WEIGHTS_FILE).exists()
    about = (folder / "training.json").read_text(encoding="utf-8")
    (folder / "training.json").write_text(about.replace('"sha256": "', '"sha256": "0'), encoding="utf-8")
    with pytest.raises(ModelError, match="another embedding"):
        Pointer(str(folder), matcher.rarity, matcher.embedder)


def test_evidence_is_pointed_into_and_what_is_no_sentence_stays_as_it_is(matcher: Matcher, config: RagConfig) -> None:
    text = f"{WEATHER} {LAW}"
    passage = ScoredChunk(Chunk("c", "d", text, 0, len(text)), 1.0, "Luật", "a.txt")
    at = text.index(LAW)
    told = (Evidence(0, at, len(text), LAW, 0.9), Evidence(0, at + 5, len(text), LAW[5:], 0.9))
    whole, item = EvidenceModel(config.evidence, matcher).pointed("Luật có hiệu lực từ khi nào?", [passage], told)
    assert item == told[1]
    assert whole.pointed is not None
    assert "2026" in LAW[slice(*whole.pointed)]
    assert whole == replace(told[0], pointed=whole.pointed, promise=whole.promise)
    assert whole.promise > 0
