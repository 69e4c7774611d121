"""What the matcher sees of a question and a sentence, by hand, and that NumPy computes what torch trained."""

import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from rag.config import RagConfig, resolve
from rag.embedding import StaticEmbedder
from rag.errors import ModelError
from rag.relevance.comparing import WEIGHTS_FILE
from rag.relevance.features import AskedFor, Rarity, analyse, candidates
from rag.relevance.matching import UNREAD, Matcher, load_matcher
from rag.relevance.units import ASKED_FEATURES, UNIT_FEATURES, Looked, cut, cut_question, unit_features
from rag.types import Chunk, Embedder, ScoredChunk

RARITY = Rarity({}, 99)
RARE = float(np.log(100)) / 10
SENTENCES = (
    "Hàn Quốc đầu tư 94,6 tỷ won cho Quỹ Đầu tư Hạ tầng AI.",
    "Trời hôm nay rất đẹp.",
    "Theo Bộ trưởng Nguyễn Mạnh Hùng, luật có hiệu lực từ ngày 1 tháng 1 năm 2026 và được áp dụng trên cả nước.",
)


def looked(text: str) -> Looked:
    return Looked(text, "Tin", text)


def passage(text: str) -> ScoredChunk:
    return ScoredChunk(Chunk("c", "d", text, 0, len(text)), 1.0, "Tin", "a.txt")


def test_pieces_of_a_rare_word_have_the_key_of_the_whole_word(matcher: Matcher) -> None:
    asked = analyse("Ai hát Carmagnole?", RARITY)
    units = cut("Họ hát Carmagnole.", asked, matcher.embedder, 48)
    assert len(units.ids) > 3
    assert units.keys[0] == ("họ",)
    assert set(units.keys[2:]) == {("carmagnole",)}


def test_units_tell_what_the_question_shares(matcher: Matcher) -> None:
    asked = analyse("Hàn Quốc đầu tư bao nhiêu?", RARITY)
    sentence = "Hàn Quốc đầu tư 94 tỷ"
    units = cut(sentence, asked, matcher.embedder, 48)
    rows = [dict(zip(UNIT_FEATURES, row, strict=True)) for row in unit_features(asked, units, sentence, RARITY)]
    assert units.keys[:2] == (("hàn", "quốc"), ("đầu", "tư"))
    assert (rows[0]["shared"], rows[0]["shared_pair"], rows[0]["capital"]) == (1.0, 1.0, 1.0)
    assert rows[0]["shared_rarity"] == pytest.approx(RARE)
    number = next(row for row, keys in zip(rows, units.keys, strict=True) if keys == ("94",))
    assert (number["shared"], number["number"], number["shared_pair"]) == (0.0, 1.0, 0.0)


def test_a_question_tells_where_its_words_stand(matcher: Matcher) -> None:
    asked = analyse("Hàn Quốc đầu tư bao nhiêu?", RARITY)
    question = cut_question(asked, matcher.embedder)
    features = question.against({"hàn"}, {"đầu", "tư"}, {"hàn", "quốc", "đầu", "tư"})
    first, second = (dict(zip(ASKED_FEATURES, row, strict=True)) for row in features[:2])
    assert (first["in_sentence"], first["near"], first["in_passage"]) == (0.5, 0.0, 1.0)
    assert (second["in_sentence"], second["near"], second["in_passage"]) == (0.0, 1.0, 1.0)
    assert (first["claim"], second["claim"], first["empty"]) == (1.0, 0.0, 0.0)


def test_a_sentence_reads_alone_as_it_reads_among_others(matcher: Matcher) -> None:
    asked = matcher.analyse("Hàn Quốc đầu tư bao nhiêu vào AI?")
    together = matcher.read(asked, [looked(text) for text in SENTENCES])
    fresh = Matcher(RagConfig().evidence.matcher, matcher.embedder)
    for text, reading in zip(SENTENCES, together, strict=True):
        (alone,) = fresh.read(fresh.analyse("Hàn Quốc đầu tư bao nhiêu vào AI?"), [looked(text)])
        assert alone == pytest.approx(reading, abs=1e-4)


def test_the_sentence_that_answers_reads_highest(matcher: Matcher) -> None:
    asked = matcher.analyse("Luật có hiệu lực từ khi nào?")
    logits = matcher.read(asked, [looked(text) for text in SENTENCES])
    assert logits.index(max(logits)) == 2


def test_a_text_without_a_word_can_be_read(matcher: Matcher) -> None:
    (logit,) = matcher.read(matcher.analyse("…?"), [looked("—")])
    assert np.isfinite(logit)


def test_only_the_likeliest_sentences_are_read(matcher: Matcher, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []

    def counted(asked: AskedFor, sentences: Sequence[Looked]) -> list[float]:
        read.append(len(sentences))
        return Matcher.read(matcher, asked, sentences)

    monkeypatch.setattr(matcher, "read", counted)
    text = " ".join(f"Câu số {number} không nói gì về điều đó." for number in range(40)) + f" {SENTENCES[0]}"
    sentences = candidates([passage(text)])
    logits = matcher.match(matcher.analyse("Hàn Quốc đầu tư bao nhiêu?"), [passage(text)], sentences)
    assert read == [24]
    assert logits[0] == UNREAD
    assert logits[40] > UNREAD


def test_a_passage_is_worth_its_best_sentence(matcher: Matcher) -> None:
    asked = matcher.analyse("Hàn Quốc đầu tư bao nhiêu?")
    single, both = matcher.match_passages(asked, [passage(SENTENCES[0]), passage(f"{SENTENCES[0]}\n{SENTENCES[1]}")])
    assert both >= single - 1.0
    assert matcher.match_passages(asked, []).shape == (0,)


def test_numpy_computes_what_torch_trained(matcher: Matcher) -> None:
    import torch

    sys.path.insert(0, str(resolve("models/training")))
    try:
        from matcher_data import Example, Seen
        from matcher_network import Network, Settings, collate, encode, run
    finally:
        sys.path.pop(0)
    weights = {name: torch.from_numpy(value) for name, value in matcher._weights.items()}
    network = Network(matcher.embedder.unit_vectors(np.arange(matcher.embedder.size)), Settings()).eval()
    network.load_state_dict({f"weights.{name}": value for name, value in weights.items()})
    question = "Luật có hiệu lực từ khi nào?"
    example = Example(question, tuple(Seen(text, "Tin", text, None) for text in SENTENCES), "answerable")
    with torch.no_grad():
        logits, _ = run(network, collate([encode(example, matcher.rarity, matcher.embedder)]))
    read = matcher.read(matcher.analyse(question), [looked(text) for text in SENTENCES])
    # Training keeps its features in half precision.
    assert read == pytest.approx(logits.tolist(), abs=2e-2)


def test_a_folder_without_a_matcher_is_refused(tmp_path: Path, embedder: Embedder) -> None:
    with pytest.raises(ModelError, match="is not a matcher"):
        load_matcher(str(tmp_path), embedder)


def test_a_matcher_of_another_embedding_is_refused(tmp_path: Path, embedder: Embedder) -> None:
    assert isinstance(embedder, StaticEmbedder)
    folder = tmp_path / "matcher"
    shutil.copytree(resolve(RagConfig().evidence.matcher), folder)
    assert (folder / WEIGHTS_FILE).exists()
    about = json.loads((folder / "training.json").read_text(encoding="utf-8"))
    about["embedding"]["sha256"] = "0"
    (folder / "training.json").write_text(json.dumps(about), encoding="utf-8")
    with pytest.raises(ModelError, match="another embedding"):
        load_matcher(str(folder), embedder)
