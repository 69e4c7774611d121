"""The reader's training data: what is asked, what is packed, and which tokens are learned."""

import random
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "models" / "training"))

from nouns import Nouns
from question_forms import Forms
from reader_data import ROW_TOKENS, Packer
from reader_examples import MOST_TOKENS, Reading
from reader_network import (
    ANSWER,
    PADDING,
    QUESTION,
    SHAPES,
    Block,
    Network,
    Shape,
    answer_marks,
    in_answer,
    layout,
    loss_of,
    rotated,
)
from reader_questions import made_questions
from reader_start import set_heads
from reader_tokenizer import plain, token_bytes, train_tokenizer

from rag.llm.span_decoding import CONTROL_TOKENS, ReaderToken, sentence_token
from rag.relevance.matching import Matcher
from rag.relevance.pointing import Place, Pointer
from rag.relevance.units import Looked

PASSAGE = (
    "A.X 4.0 dựa trên mô hình nguồn mở Qwen 2.5 của Alibaba Cloud. Mô hình gồm hai phiên bản: 72 tỷ và 7 tỷ tham số. "
    "Hàn Quốc khởi động sáng kiến này vào tháng 6/2025 tại Seoul để cạnh tranh với Mỹ và Trung Quốc. "
    "Năm công ty được chọn sẽ nhận hỗ trợ của chính phủ trong nhiều năm."
)
QUESTION_TEXT = "Hàn Quốc khởi động sáng kiến này khi nào?"


@pytest.fixture(scope="module")
def reading(matcher: Matcher) -> Reading:
    tokenizer = train_tokenizer([PASSAGE] * 4, 600)
    return Reading(plain(tokenizer), matcher)


@pytest.mark.parametrize("seed", range(40))
def test_what_is_asked_for_stands_in_the_sentence_at_its_place(reading: Reading, matcher: Matcher, seed: int) -> None:
    forms = Forms(Nouns(frozenset({"sáng kiến", "quốc gia"}), {"hàn quốc": "quốc gia"}), matcher.embedder)
    for told in reading.sentences(PASSAGE):
        for made in made_questions(told.text, "", 3, random.Random(seed), {}, forms):
            answer = told.text[made.start : made.end]
            assert answer.strip(" .,") == answer
            assert 0 < len(answer) < len(told.text)


def test_prompt_cites_the_sentence_with_the_answer_and_copies_its_tokens(reading: Reading, pointer: Pointer) -> None:
    told = [*reading.sentences(PASSAGE), *reading.sentences("Việt Nam cũng khởi động sáng kiến này, Mỹ thì không.")]
    found = reading.gold(QUESTION_TEXT, told, ["tháng 6/2025"])
    assert found is not None
    gold, (start, end) = found
    assert gold.text[start:end] == "tháng 6/2025"
    pieces = token_bytes(train_tokenizer([PASSAGE] * 4, 600))
    prompt = reading.prompt(QUESTION_TEXT, told, gold, (start, end), pointer)
    assert prompt is not None
    ids = prompt.ids()
    answer = ids[ids.index(ANSWER) + 1 :]
    cited = CONTROL_TOKENS.index(sentence_token(prompt.sentences.index(gold) + 1))
    assert answer[0] == cited
    assert answer[-1] == CONTROL_TOKENS.index(ReaderToken.END)
    assert b"".join(pieces[token] for token in answer[1:-1]).decode().strip() == "tháng 6/2025"


def test_prompt_is_pointed_into_and_else_says_its_sentences_word_for_word(reading: Reading, pointer: Pointer) -> None:
    prompt = reading.prompt(QUESTION_TEXT, reading.sentences(PASSAGE), None, None, pointer)
    assert prompt is not None
    ids = prompt.ids()
    marks = [CONTROL_TOKENS.index(name) for name in (ReaderToken.POINTED, ReaderToken.POINTED_END)]
    assert [ids.count(mark) for mark in marks] == [len(prompt.sentences)] * 2
    first = ids.index(CONTROL_TOKENS.index(sentence_token(1)))
    words = [token for token in ids[first:] if token >= len(CONTROL_TOKENS)]
    assert words == [token for told in prompt.sentences for token in told.ids]


def test_prompt_without_gold_says_not_there(reading: Reading, pointer: Pointer) -> None:
    prompt = reading.prompt(QUESTION_TEXT, reading.sentences(PASSAGE), None, None, pointer)
    assert prompt is not None
    assert prompt.ids()[-2:] == [ANSWER, CONTROL_TOKENS.index(ReaderToken.NOT_THERE)]


def test_question_whose_sentence_is_not_shown_makes_no_prompt(reading: Reading, pointer: Pointer) -> None:
    (other,) = reading.sentences("Trời hôm nay rất đẹp ở ngoài.")
    told = [*reading.sentences(PASSAGE), other]
    assert other not in [one for one, _ in reading.shown(QUESTION_TEXT, told)]
    assert reading.prompt(QUESTION_TEXT, told, other, (0, 4), pointer) is None


def test_best_sentence_is_shown_first(reading: Reading) -> None:
    shown = reading.shown(QUESTION_TEXT, reading.sentences(PASSAGE))
    assert "tháng 6/2025" in shown[0][0].text
    shares = [share for _, share in shown]
    assert shares == sorted(shares, reverse=True)
    assert 0 < sum(shares) <= 1.0001


def test_prompt_has_the_most_promising_sentence_first(
    reading: Reading, pointer: Pointer, monkeypatch: pytest.MonkeyPatch
) -> None:
    question = "Công ty đầu tư bao nhiêu tiền?"
    told = reading.sentences("Công ty đầu tư tiền vào nhiều dự án lớn của nhà nước. Số tiền là 3 tỷ USD trong năm nay.")
    best, other = (one.text for one, _ in reading.shown(question, told))

    def strongly(text: str) -> list[str]:
        def point(_asked: object, sentences: Sequence[Looked]) -> list[Place]:
            return [Place(0, 3, 9.0 if one.text == text else -9.0) for one in sentences]

        monkeypatch.setattr(pointer, "point", point)
        prompt = reading.prompt(question, told, None, None, pointer)
        assert prompt is not None
        return [one.text for one in prompt.sentences]

    assert strongly(best) == [best, other]
    assert strongly(other) == [other, best]


def test_text_that_looks_like_a_control_token_is_text(reading: Reading) -> None:
    assert not set(reading.question("<|answer|><|1|><|not_there|>")) & set(range(len(CONTROL_TOKENS)))


def test_rows_are_full_of_whole_examples() -> None:
    packer = Packer()
    rng = random.Random(3)
    sizes = [rng.randint(60, 480) for _ in range(400)]
    for size in sizes:
        packer.add([QUESTION, *[30] * (size - 1)])
    rows = packer.take(len(packer.full))
    assert rows.shape[1] == ROW_TOKENS
    lengths = [len(part) for row in rows for part in _examples(row)]
    left = list(sizes)
    for length in lengths:
        left.remove(length)
    assert (rows != PADDING).mean() > 0.85
    assert MOST_TOKENS < ROW_TOKENS


def _examples(row: "np.ndarray[tuple[int], np.dtype[np.uint16]]") -> list[list[int]]:
    begins = [*np.flatnonzero(row == QUESTION).tolist(), int((row != PADDING).sum())]
    return [row[begin:end].tolist() for begin, end in pairwise(begins)]


ROW = [QUESTION, 40, ANSWER, 50, 51, QUESTION, 41, 42, ANSWER, 52, PADDING]


def test_examples_of_a_row_have_their_own_positions() -> None:
    owner, positions = layout(torch.tensor([ROW]))
    assert owner.tolist() == [[1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2]]
    assert positions.tolist() == [[0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 5]]
    assert in_answer(torch.tensor([ROW])).int().tolist() == [[0, 0, 1, 1, 1, 0, 0, 0, 1, 1, 1]]


def test_examples_of_a_row_do_not_see_each_other() -> None:
    torch.manual_seed(1)
    network = Network(Shape(32, 2, 2, 1, 32), 64)
    with torch.inference_mode():
        together = network(torch.tensor([ROW]))[0, 5:10]
        alone = network(torch.tensor([ROW[5:10]]))[0]
    assert float((together - alone).abs().max()) < 1e-5


def test_loss_without_context_is_the_mean_of_the_answers_alone() -> None:
    torch.manual_seed(1)
    network = Network(Shape(32, 2, 2, 1, 32), 64)
    tokens = torch.tensor([ROW])
    with torch.inference_mode():
        logs = torch.log_softmax(network(tokens)[0], dim=-1)
        # After the answer marks: 50, 51 and 52; the next question is nothing to be foretold.
        expected = -float(logs[2, 50] + logs[3, 51] + logs[8, 52]) / 3
        loss, answers = loss_of(network, tokens, 0.0)
        whole, same = loss_of(network, tokens, 1.0)
    assert float(loss) == pytest.approx(expected, abs=1e-5)
    assert float(answers) == pytest.approx(expected, abs=1e-5)
    assert float(same) == pytest.approx(expected, abs=1e-5)
    assert float(whole) != pytest.approx(expected, abs=1e-5)


def test_marks_say_where_in_the_cited_sentence_the_answer_stands() -> None:
    first, second, end = (CONTROL_TOKENS.index(name) for name in (sentence_token(1), sentence_token(2), "<|end|>"))
    not_there, pointed = (CONTROL_TOKENS.index(name) for name in (ReaderToken.NOT_THERE, ReaderToken.POINTED))
    answered = [QUESTION, 40, first, 50, 51, second, 52, 50, pointed, 51, ANSWER, second, 50, 51, end]
    refused = [QUESTION, 41, first, 60, ANSWER, not_there, PADDING]
    marks = answer_marks(torch.tensor([answered + refused]))[0].tolist()
    assert marks[: len(answered)] == [-1, -1, -1, 0, 0, -1, 0, 1, -1, 2, -1, -1, -1, -1, -1]
    assert marks[len(answered) :] == [-1, -1, -1, 0, -1, -1, -1]


@pytest.mark.parametrize("size", ["compact", "medium"])
def test_set_heads_find_the_word_before_and_the_question_word_in_whose_place_a_word_stands(size: str) -> None:
    torch.manual_seed(2)
    network = Network(SHAPES[size], 200)
    set_heads(network, torch.Generator().manual_seed(3))
    # "… 90 91 ?" asked of a sentence that goes "… 90 91 150 …": 150 stands where the question word (99) does.
    asked, told = [QUESTION, 80, 81, 90, 91, 99, 82], [15, 100, 101, 102, 90, 91, 150, 103, 104]
    tokens = torch.tensor([[*asked, *told]])
    assert float(attention(network, tokens, layer=0, head=0)[1:].diagonal().min()) > 0.85
    place, question_word = len(asked) + told.index(150), asked.index(99)
    found = attention(network, tokens, layer=1, head=0)[place]
    assert float(found[question_word]) > 0.2
    assert int(found[:place].argmax()) == question_word


def test_heads_are_not_set_where_there_is_no_room_for_them() -> None:
    with pytest.raises(ValueError, match="no room"):
        set_heads(Network(SHAPES["tiny"], 200), torch.Generator())


@torch.no_grad()
def attention(network: Network, tokens: torch.Tensor, layer: int, head: int) -> torch.Tensor:
    """How much a head with keys of its own looks from each token to each, shape (tokens, tokens)."""
    shape, count = network.shape, tokens.shape[1]
    angles = torch.arange(count)[:, None, None].float() * network.get_buffer("frequencies")
    x, mask = network.token_embd(tokens), torch.ones(count, count, dtype=torch.bool).tril()
    *before, block = [block for block in network.blk[: layer + 1] if isinstance(block, Block)]
    for one in before:
        x = one(x, angles.cos()[None], angles.sin()[None], mask[None, None])
    inner = block.attn_norm(x)
    q, k = (weight(inner).view(1, count, -1, shape.head_width) for weight in (block.attn_q, block.attn_k))
    q, k = (rotated(one, angles.cos()[None], angles.sin()[None]) for one in (q, k))
    scores = q[0, :, head * shape.heads // shape.kv_heads] @ k[0, :, head].T / shape.head_width**0.5
    return torch.softmax(scores.masked_fill(~mask, -torch.inf), dim=-1)


def test_network_learns_to_copy_from_its_prompt() -> None:
    torch.manual_seed(0)
    begin, size, cited = len(CONTROL_TOKENS), 60, CONTROL_TOKENS.index(sentence_token(1))
    network = Network(Shape(64, 2, 4, 2, 128), begin + size)
    optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3, betas=(0.9, 0.98))
    loss = torch.tensor(9.0)
    for _ in range(200):
        told = torch.stack([torch.randperm(size)[:10] for _ in range(32)]) + begin
        asked = told[:, 3:4]
        marks = [torch.full_like(asked, mark) for mark in (QUESTION, cited, ANSWER, CONTROL_TOKENS.index("<|end|>"))]
        rows = torch.cat([marks[0], asked, marks[1], told, marks[2], marks[1], asked, marks[3]], dim=1)
        whole, loss = loss_of(network, rows, 0.0)
        optimizer.zero_grad()
        whole.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    # A third of ln(60) is what citing and ending alone would leave.
    assert float(loss) < 0.5 * np.log(size) / 3
