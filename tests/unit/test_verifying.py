"""The likeliest sentences read again: what the bundled verifier finds, and that NumPy computes what torch trained."""

import random
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from rag.config import RagConfig, resolve
from rag.errors import ModelError
from rag.relevance.company import CompanyVectors
from rag.relevance.comparing import WEIGHTS_FILE
from rag.relevance.features import AskedFor, candidates
from rag.relevance.matching import UNREAD, Matcher
from rag.relevance.units import Looked
from rag.relevance.verifying import Verifier, VerifierNetwork
from rag.types import Chunk, FloatMatrix, ScoredChunk

LAW = "Theo Bộ trưởng Nguyễn Mạnh Hùng, luật có hiệu lực từ ngày 1 tháng 1 năm 2026 và được áp dụng trên cả nước."
WEATHER = "Trời hôm nay rất đẹp."


def looked(text: str) -> Looked:
    return Looked(text, "", text)


def test_the_sentence_that_answers_reads_highest(verifier: Verifier, matcher: Matcher) -> None:
    logits = verifier.read(matcher.analyse("Luật có hiệu lực từ khi nào?"), [looked(WEATHER), looked(LAW)])
    assert logits[1] > logits[0]


def test_a_text_without_a_word_can_be_read(verifier: Verifier, matcher: Matcher) -> None:
    logits = verifier.read(matcher.analyse("…?"), [looked("—")])
    assert logits.shape == (1,)
    assert np.isfinite(logits).all()
    assert verifier.read(matcher.analyse("Luật?"), []).shape == (0,)


def test_only_the_sentences_that_the_matcher_finds_likeliest_are_read(
    verifier: Verifier, matcher: Matcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Looked] = []

    def noted(asked: AskedFor, sentences: Sequence[Looked]) -> FloatMatrix:
        read.extend(sentences)
        return np.full(len(sentences), 99.0, dtype=np.float32)

    monkeypatch.setattr(verifier, "read", noted)
    text = " ".join(f"Câu số {number} không nói gì về điều đó." for number in range(20))
    passage = ScoredChunk(Chunk("c", "d", text, 0, len(text)), 1.0, "Luật", "a.txt")
    sentences = candidates([passage])
    matches = np.arange(20, dtype=np.float32) - 10
    logits = verifier.verify(matcher.analyse("Luật có hiệu lực từ khi nào?"), [passage], sentences, matches)
    assert [one.text for one in read] == [one.text for one in sentences[:11:-1]]
    # What is read is held to the same range as the matcher's.
    assert logits.tolist() == [UNREAD] * 12 + [-UNREAD] * 8


@pytest.fixture(scope="module")
def folders() -> list[Path]:
    """The folders of the bundled verifier's networks."""
    found = sorted(weights.parent for weights in resolve(RagConfig().evidence.verifier).glob(f"*/{WEIGHTS_FILE}"))
    assert len(found) > 1
    return found


def test_numpy_computes_what_torch_trained(folders: list[Path], vectors: CompanyVectors, matcher: Matcher) -> None:
    import torch
    from safetensors.torch import load_file

    sys.path.insert(0, str(resolve("models/training")))
    try:
        from verifier_examples import Encoder
        from verifier_network import VerifierNetwork as Trained
        from verifier_network import VerifierSettings, collate, run
    finally:
        sys.path.pop(0)
    trained = Trained(vectors(np.arange(matcher.embedder.size)), VerifierSettings()).eval()
    weights = load_file(folders[0] / WEIGHTS_FILE)
    trained.load_state_dict({f"weights.{name}": value.float() for name, value in weights.items()})
    question = "Luật có hiệu lực từ khi nào?"
    text = f"{WEATHER} {LAW}"
    passage = ScoredChunk(Chunk("c", "d", text, 0, len(text)), 1.0, "", "a.txt")
    example = Encoder(matcher.rarity, matcher.embedder).example(
        question, [passage], random.Random(1), gold="a.txt", answers=["ngày 1 tháng 1 năm 2026"]
    )
    assert example is not None
    with torch.no_grad():
        told = run(trained, collate([example]))
    network = VerifierNetwork(folders[0], matcher.rarity, vectors)
    asked = matcher.analyse(question)
    # The sentence that answers comes first in an example.
    sentences = [Looked(LAW, f"  {WEATHER}", text), Looked(WEATHER, "  ", text)]
    for place, sentence in enumerate(sentences):
        (group,) = network.comparison.groups(asked, [sentence])
        # Training keeps its features in half precision.
        assert network.logits(group)[0] == pytest.approx(float(told.logits[place]), abs=3e-2)


def copied(folders: Sequence[Path], into: Path) -> Path:
    """A verifier of some of the bundled networks."""
    for number, folder in enumerate(folders):
        shutil.copytree(folder, into / str(number))
    return into


def test_several_networks_say_what_their_mean_is(
    folders: list[Path], matcher: Matcher, verifier: Verifier, vectors: CompanyVectors, tmp_path: Path
) -> None:
    asked = matcher.analyse("Luật có hiệu lực từ khi nào?")
    alone = [Verifier(str(copied([folder], tmp_path / folder.name)), matcher.rarity, vectors) for folder in folders]
    read = [float(one.read(asked, [looked(LAW)])[0]) for one in alone]
    assert min(read) < max(read)
    assert float(verifier.read(asked, [looked(LAW)])[0]) == pytest.approx(np.mean(read), abs=1e-3)


def test_a_folder_without_a_verifier_is_refused(tmp_path: Path, matcher: Matcher, vectors: CompanyVectors) -> None:
    with pytest.raises(ModelError, match="is not a verifier"):
        Verifier(str(tmp_path), matcher.rarity, vectors)


def test_a_verifier_of_another_embedding_is_refused(
    folders: list[Path], tmp_path: Path, matcher: Matcher, vectors: CompanyVectors
) -> None:
    folder = copied(folders[-1:], tmp_path)
    about = (folder / "0" / "training.json").read_text(encoding="utf-8")
    (folder / "0" / "training.json").write_text(about.replace('"sha256": "', '"sha256": "0'), encoding="utf-8")
    with pytest.raises(ModelError, match="another embedding"):
        Verifier(str(folder), matcher.rarity, vectors)
