"""Where in a sentence an answer stands: the choice of a span by hand, and that NumPy computes what torch trained."""

import re
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rag.config import RagConfig, resolve
from rag.errors import ModelError
from rag.evidence import EvidenceModel
from rag.relevance.company import CompanyVectors
from rag.relevance.comparing import HIDDEN, WEIGHTS_FILE, load_weights
from rag.relevance.matching import Matcher
from rag.relevance.pointing import MOST_UNITS, Place, Pointer, SpanNetwork, best_span, promise, telling, whole_words
from rag.relevance.units import MARK_FEATURES, Looked, cut, mark_features
from rag.types import Chunk, Evidence, ScoredChunk

LAW = "Theo Bộ trưởng Nguyễn Mạnh Hùng, luật có hiệu lực từ ngày 1 tháng 1 năm 2026 và được áp dụng trên cả nước."
WEATHER = "Trời hôm nay rất đẹp."


def looked(text: str) -> Looked:
    return Looked(text, "", text)


def logits(units: int, **probable: float) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    """Logits of the spans of a sentence: those named, such as s2_4=3.0 for units 2 to 4, and 0 for the others."""
    told = np.where(np.triu(np.ones((units, units))) > 0, 0.0, HIDDEN).astype(np.float32)
    for name, logit in probable.items():
        first, last = (int(unit) for unit in name.removeprefix("s").split("_"))
        told[first, last] = logit
    return told


def test_the_probable_span_is_chosen() -> None:
    assert best_span(logits(6, s2_4=9.0)) == (2, 4)
    assert best_span(logits(1)) == (0, 0)


def test_what_is_no_span_is_never_chosen() -> None:
    first, last = best_span(logits(6))
    assert first <= last
    assert best_span(np.where(np.eye(40) > 0, -50.0, HIDDEN).astype(np.float32)) == (0, 0)


def test_the_span_that_shares_most_with_all_probable_ones_wins() -> None:
    # (0, 0) is the most probable; the three others, nearly as probable, bear each other out.
    assert best_span(logits(6, s0_0=9.0, s2_5=8.8, s3_5=8.9, s4_5=8.8)) == (3, 5)


def test_characters_are_widened_to_whole_words() -> None:
    assert whole_words("Họ hát Carmagnole.", 8, 10) == (7, 17)
    assert whole_words("— …", 0, 1) == (0, 0)
    assert whole_words("Đạt 105% so với", 4, 7) == (4, 8)


TARGETS = "Việt Nam đặt mục tiêu đến năm 2030 vào top 3 ASEAN."
WORDS = [match.span() for match in re.finditer(r"[^\s.]+", TARGETS)]
"""The sentence with a unit for each syllable."""


def test_what_says_the_question_over_again_is_no_answer(matcher: Matcher) -> None:
    flat = logits(len(WORDS))
    left = telling(flat, matcher.analyse("Đến năm 2030, Việt Nam đặt mục tiêu gì?"), TARGETS, WORDS)
    hidden = {
        TARGETS[WORDS[i][0] : WORDS[j][1]] for i, j in zip(*np.where((left == HIDDEN) & (flat > HIDDEN)), strict=True)
    }
    assert {"Việt Nam đặt mục tiêu", "đến năm 2030", "2030", "mục tiêu"} <= hidden
    # Each of both stands in the question, but not one behind the other; and what goes on is told.
    assert not {"mục tiêu đến năm 2030", "đến năm 2030 vào top 3 ASEAN", "top 3 ASEAN", "vào"} & hidden


@pytest.mark.parametrize(
    "question",
    ["Năm 2030 hay năm 2045?", "Việt Nam đặt mục tiêu đến năm 2030 vào top 3 ASEAN để làm gì?"],
    ids=["to choose from", "nothing else is left"],
)
def test_the_question_may_hold_the_answer_where_there_is_no_other(matcher: Matcher, question: str) -> None:
    flat = logits(len(WORDS))
    assert (telling(flat, matcher.analyse(question), TARGETS, WORDS) == flat).all()


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


@pytest.fixture(scope="module")
def folders() -> list[Path]:
    """The folders of the bundled pointer's networks."""
    found = sorted(weights.parent for weights in resolve(RagConfig().evidence.pointer).glob(f"*/{WEIGHTS_FILE}"))
    assert len(found) > 1
    return found


def test_numpy_computes_what_torch_trained(folders: list[Path], matcher: Matcher, vectors: CompanyVectors) -> None:
    import torch

    sys.path.insert(0, str(resolve("models/training")))
    try:
        from matcher_network import Settings
        from pointer_data import Encoder
        from pointer_network import PointerNetwork, collate
    finally:
        sys.path.pop(0)
    network = PointerNetwork(vectors(np.arange(matcher.embedder.size)), Settings()).eval()
    weights = load_weights(folders[0])
    network.load_state_dict({f"weights.{name}": torch.from_numpy(value) for name, value in weights.items()})
    question = "Luật có hiệu lực từ khi nào?"
    encode = Encoder(matcher.rarity, matcher.embedder)
    examples = [encode.encoded(question, looked(text), [(0, 3)]) for text in (LAW, WEATHER)]
    assert all(one is not None for one in examples)
    with torch.no_grad():
        theirs = network(*collate([one for one in examples if one is not None])).numpy()
    asked = matcher.analyse(question)
    numpy_network = SpanNetwork(folders[0], matcher.rarity, vectors)
    for text, told in zip((LAW, WEATHER), theirs, strict=True):
        (group,) = numpy_network.comparison.groups(asked, [looked(text)])
        ours = numpy_network.spans(group)[0]
        told = told[: len(ours), : len(ours)]
        allowed = ours > HIDDEN
        assert allowed.any()
        assert (allowed == (told > HIDDEN)).all()
        first, last = np.nonzero(allowed)
        assert (last - first).min() >= 0
        assert (last - first).max() < MOST_UNITS
        # Training keeps its features in half precision.
        assert np.abs(ours[allowed] - told[allowed]).max() < 5e-2


def test_several_networks_point_where_their_mean_does(
    folders: list[Path], matcher: Matcher, pointer: Pointer, vectors: CompanyVectors, tmp_path: Path
) -> None:
    asked = matcher.analyse("Luật có hiệu lực từ khi nào?")
    alone = [Pointer(str(folder), matcher.rarity, vectors) for folder in folders]
    strengths = [one.point(asked, [looked(LAW)])[0].strength for one in alone]
    together = pointer.point(asked, [looked(LAW)])[0]
    assert min(strengths) < max(strengths)
    # The highest mean is at most the mean of the highest.
    assert together.strength <= np.mean(strengths) + 1e-3
    shutil.copytree(folders[0], tmp_path / "a")
    shutil.copytree(folders[0], tmp_path / "b")
    twice = Pointer(str(tmp_path), matcher.rarity, vectors).point(asked, [looked(LAW)])[0]
    (once,) = alone[0].point(asked, [looked(LAW)])
    assert (twice.start, twice.end) == (once.start, once.end)
    assert twice.strength == pytest.approx(once.strength, abs=1e-3)


def test_numbers_names_and_marks_are_seen_where_they_stand(matcher: Matcher) -> None:
    text = 'Cờ đỏ (Pháp, "Drapeau"), 1,5 m – 12% của nước: hết.'
    asked = matcher.analyse("Cờ gì?")
    units = cut(text, asked, matcher.embedder, 48)
    names = [text[start:end].strip() for start, end in units.spans]
    told = {
        name: {mark for mark, value in zip(MARK_FEATURES, row, strict=True) if value}
        for name, row in zip(names, mark_features(units, text), strict=True)
    }
    assert told["Pháp"] == {"opened_before", "comma_after", "quote_after"}
    assert told["1"] >= {"closed_before", "comma_before", "comma_after", "glued_after"}
    assert told["5"] >= {"comma_before", "glued_before"}
    assert told["12"] >= {"dash_before", "sign_after"}
    assert "stop_after" in told["hết"]
    assert mark_features(cut("—", asked, matcher.embedder, 48), "—").shape == (0, len(MARK_FEATURES))


def test_a_folder_without_a_pointer_is_refused(tmp_path: Path, matcher: Matcher, vectors: CompanyVectors) -> None:
    with pytest.raises(ModelError, match="is not a pointer"):
        Pointer(str(tmp_path), matcher.rarity, vectors)


def test_a_pointer_of_another_embedding_is_refused(
    folders: list[Path], tmp_path: Path, matcher: Matcher, vectors: CompanyVectors
) -> None:
    folder = tmp_path / "pointer"
    shutil.copytree(folders[-1], folder)
    about = (folder / "training.json").read_text(encoding="utf-8")
    (folder / "training.json").write_text(about.replace('"sha256": "', '"sha256": "0'), encoding="utf-8")
    with pytest.raises(ModelError, match="another embedding"):
        Pointer(str(folder), matcher.rarity, vectors)


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
