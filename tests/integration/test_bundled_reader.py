"""The reader that ships, through llama.cpp: what answers when nobody has chosen anything."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import rag
from rag.config import RagConfig
from rag.models import BUNDLED, MODELS_DIR
from rag.pipeline import Bot
from rag.types import Support

pytest.importorskip("llama_cpp", reason="no language model library: `make llm`")
pytestmark = pytest.mark.llm

FILE = MODELS_DIR / BUNDLED / f"{BUNDLED}.gguf"


@pytest.fixture(scope="module")
def reading_bot(seeds_index: Path, config: RagConfig) -> Iterator[Bot]:
    bot = rag.open(seeds_index, replace(config, llm=replace(config.llm, threads=1)), llm=BUNDLED)
    yield bot
    bot.close()


def test_it_is_small_enough_to_ship() -> None:
    assert 1e6 < FILE.stat().st_size < 40e6


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Ai là Phó Chủ tịch điều hành của Upstage?", "Soon-il Kwon"),
        ("Phòng thí nghiệm AI quốc gia của Hàn Quốc chính thức ra mắt ngày nào?", "28/10/2024"),
        ("Việt Nam ban hành chiến lược quốc gia về AI vào năm nào?", "2021"),
    ],
)
def test_a_short_answer_stands_before_the_sentence_that_bears_it(
    reading_bot: Bot, question: str, answer: str
) -> None:  # fmt: skip
    found = reading_bot.ask(question)
    short, quotation = found.sentences[0], found.sentences[1]
    assert found.generator == FILE.name
    assert answer in short.text
    assert short.text.rstrip(".") in quotation.text
    assert len(short.text) < 0.6 * len(quotation.text)
    assert {sentence.support for sentence in found.sentences} == {Support.SUPPORTED}


def test_it_shows_all_that_a_quotation_shows(reading_bot: Bot, bot: Bot) -> None:
    question = "A.X 4.0 được phát triển dựa trên mô hình nào?"
    _, _, behind = reading_bot.ask(question).text.partition("\n")
    assert behind == bot.ask(question).text


def test_what_the_corpus_does_not_hold_is_refused_as_before(reading_bot: Bot) -> None:
    assert reading_bot.ask("Cách nấu phở bò như thế nào?").abstained
