"""A reader from torch to llama.cpp to an answer: the same ids and logits on both sides, spans held to the evidence."""

import sys
from collections.abc import Generator
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "models" / "training"))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "eval" / "benchmarks"))

from reader import WEIGHTS
from reader_examples import Reading as Prompts
from reader_export import quantize, read_weights
from reader_network import Network
from reader_tokenizer import plain
from reading import ANSWERABLE, FREE, GOLD_OUT, SWAPPED, UNANSWERABLE, figures, percent, with_gold
from safetensors.torch import save
from tokenizers import Tokenizer

import rag
from rag.batch.questions import Question
from rag.chunking import split_document
from rag.config import LlmConfig, RagConfig
from rag.documents import make_document
from rag.events import GENERATOR_REFUSED
from rag.evidence import EvidenceModel
from rag.generation import LlamaGenerator
from rag.llm.llama import LlamaRuntime
from rag.llm.span_decoding import ReaderToken, Reading, sentence_token
from rag.llm.span_reading import ANSWER_TOKENS, SpanReader, completion, messages
from rag.prompting import REFUSAL
from rag.quoting import quoted
from rag.relevance.matching import Matcher
from rag.relevance.pointing import Pointer
from rag.text import sentence_spans
from rag.types import Evidence, FloatMatrix, Notice, ScoredChunk, Support, Task
from tests.conftest import SEEDS
from tests.tiny_gguf import write_random_gguf
from tests.tiny_reader import seed_lines, tiny_network, tiny_tokenizer, write_tiny_reader

llama_cpp = pytest.importorskip("llama_cpp", reason="no language model library: `make llm`")
pytestmark = pytest.mark.llm

CONFIG = LlmConfig(threads=1)
QUESTION = "A.X 4.0 được phát triển dựa trên mô hình nào?"


def never() -> bool:
    return False


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return tiny_tokenizer()


@pytest.fixture(scope="module")
def network(tokenizer: Tokenizer) -> Network:
    return tiny_network(tokenizer)


@pytest.fixture(scope="module")
def reader_file(tmp_path_factory: pytest.TempPathFactory, network: Network, tokenizer: Tokenizer) -> Path:
    return write_tiny_reader(tmp_path_factory.mktemp("reader") / "tiny-reader.gguf", network, tokenizer)


@pytest.fixture(scope="module")
def runtime(reader_file: Path) -> LlamaRuntime:
    return LlamaRuntime(reader_file, CONFIG)


@pytest.fixture(scope="module")
def task() -> Task:
    file = next(SEEDS.glob("002_*.txt"))
    document = make_document(file.read_text(encoding="utf-8"), file.name)
    chunks = split_document(document, RagConfig().chunking)
    chunk = next(chunk for chunk in chunks if "dựa trên mô hình nguồn mở" in chunk.text)
    text = chunk.text
    spans = sentence_spans(text)
    at = next(at for at, span in enumerate(spans) if "dựa trên mô hình nguồn mở" in text[slice(*span)])
    evidence = []
    for (start, end), score in ((spans[at], 0.7), (spans[at - 1], 0.2)):
        sentence = text[start:end]
        word = sentence.split()[3]
        pointed = (sentence.index(f" {word}") + 1, sentence.index(f" {word}") + 1 + len(word))
        place = chunk.start_char
        evidence.append(Evidence(0, place + start, place + end, sentence, score, pointed, promise=score))
    return Task(QUESTION, (ScoredChunk(chunk, 1.0, document.title, document.source),), tuple(evidence))


def next_of(pieces: Generator[str, None, Reading | None]) -> str | Reading:
    """The next piece, or what was read in the end."""
    try:
        return next(pieces)
    except StopIteration as end:
        answered: Reading | None = end.value
    if answered is None:
        raise AssertionError("it was stopped")
    return answered


def logits_of(runtime: LlamaRuntime, prompt: list[int]) -> FloatMatrix:
    kept: list[FloatMatrix] = []

    def look(logits: FloatMatrix) -> None:
        kept.append(logits.copy())

    list(runtime.generate(prompt, 1, never, look))
    return kept[0]


def test_both_sides_cut_a_thousand_sentences_alike(runtime: LlamaRuntime, tokenizer: Tokenizer) -> None:
    lines = seed_lines()
    texts = [line[start:end] for line in lines for start, end in sentence_spans(line)]
    texts += [" ".join(line.split()[at : at + 9]) for line in lines for at in range(0, len(line.split()), 5)]
    texts += [
        "  hai  dấu cách",
        "số 1.234,56%",
        "<|1|> <|answer|>",
        "Ⅳ ½ ²",
        "tiếng 日本語 và emoji 🎉",
        "a\tb\nc",
        "“…”—–",
    ]
    texts = list(dict.fromkeys(texts))
    assert len(texts) >= 1000
    cut = plain(tokenizer)
    assert [text for text in texts if cut.encode(text).ids != runtime.tokens(text)] == []


def test_prompt_in_use_is_the_prompt_of_the_training(
    runtime: LlamaRuntime, tokenizer: Tokenizer, matcher: Matcher, pointer: Pointer
) -> None:
    reading = Prompts(plain(tokenizer), matcher)
    seen = 0
    for line in seed_lines():
        told = reading.sentences(line)
        trained = reading.prompt(QUESTION, told, None, None, pointer)
        if trained is None:
            continue
        places = pointer.point(matcher.analyse(QUESTION), [one.looked for one in trained.sentences])
        evidence = [
            Evidence(0, 0, 0, one.text, 0.5, (place.start, place.end))
            for one, place in zip(trained.sentences, places, strict=True)
        ]
        *prompt, last = trained.ids()
        assert runtime.prompt(messages(QUESTION, evidence)) == prompt
        assert tokenizer.id_to_token(last) == ReaderToken.NOT_THERE
        seen += 1
    assert seen > 50


@pytest.mark.parametrize(
    ("written", "closed"),
    [
        ("94,6 tỷ won (68,2 triệu USD", ")"),
        ("Trợ lý “A.", "”"),
        ("94,6 tỷ won", ""),
        ("A.” là (tên", ""),
        ("hơn 9", "%"),
        ("94,6", " tỷ won"),
        ("68,2", " triệu USD"),
        ("6", ""),
    ],
)
def test_a_span_has_what_belongs_to_it(written: str, closed: str) -> None:
    sentence = "Họ đầu tư 94,6 tỷ won (68,2 triệu USD) vào Trợ lý “A.” là (tên gọi) mới, hơn 9% một chút."
    assert completion(written, sentence) == closed


def test_torch_and_llama_cpp_compute_the_same_logits(
    reader_file: Path, runtime: LlamaRuntime, network: Network, tokenizer: Tokenizer
) -> None:
    line = max(seed_lines(), key=len)[:400]
    prompt = tokenizer.encode(f"{ReaderToken.QUESTION}{QUESTION}{sentence_token(1)}{line}{ReaderToken.ANSWER}").ids
    assert 100 < len(prompt) < 500
    with torch.inference_mode():
        ours = network(torch.tensor([prompt]))[0, -1].numpy()
    # Keys and values in float32; in use they are float16, which is the whole difference.
    exact = llama_cpp.Llama(
        str(reader_file), n_ctx=512, n_threads=1, n_threads_batch=1, type_k=0, type_v=0, verbose=False
    )  # fmt: skip
    exact.eval(prompt)
    theirs = np.ctypeslib.as_array(llama_cpp.llama_get_logits_ith(exact.ctx, -1), (tokenizer.get_vocab_size(),))
    assert np.abs(ours).max() > 1.0
    assert np.abs(ours - theirs).max() < 1e-3
    assert np.abs(ours - logits_of(runtime, prompt)).max() < 2e-2


def test_quantized_file_is_smaller_and_nearly_the_same(
    tmp_path: Path, reader_file: Path, runtime: LlamaRuntime, tokenizer: Tokenizer
) -> None:
    small = tmp_path / "small.gguf"
    quantize(reader_file, small)
    assert small.stat().st_size < 0.5 * reader_file.stat().st_size
    prompt = tokenizer.encode(f"{ReaderToken.QUESTION}{QUESTION}{ReaderToken.ANSWER}").ids
    whole, rough = logits_of(runtime, prompt), logits_of(LlamaRuntime(small, CONFIG), prompt)
    assert float(np.corrcoef(whole, rough)[0, 1]) > 0.99


@pytest.mark.parametrize("seed", range(4))
def test_span_stands_word_for_word_in_the_sentence_that_it_cites(
    tmp_path: Path, tokenizer: Tokenizer, task: Task, seed: int
) -> None:  # fmt: skip
    path = write_tiny_reader(tmp_path / "r.gguf", tiny_network(tokenizer, seed), tokenizer)
    reader = SpanReader(LlamaRuntime(path, CONFIG))
    sentences = reader.fitting(task)
    texts = [one.text for one in sentences]
    pieces = reader.read(task, sentences, never)
    written = ""
    while not isinstance(reading := next_of(pieces), Reading):
        written += reading
    assert reading.logprob < 0
    assert len(reading.tokens) <= ANSWER_TOKENS
    assert (reading.sentence is None) == (written == "")
    if reading.sentence is not None:
        assert written in texts[reading.sentence]


def test_answer_is_the_span_and_then_all_that_would_be_quoted(
    tmp_path: Path, tokenizer: Tokenizer, task: Task
) -> None:  # fmt: skip
    network = tiny_network(tokenizer)
    _steer(network, tokenizer, away=ReaderToken.NOT_THERE)
    generator = LlamaGenerator(write_tiny_reader(tmp_path / "r.gguf", network, tokenizer), CONFIG)
    assert generator.is_reader
    assert generator.fitted(task) == task
    text = "".join(piece for piece in generator.stream(task, never) if isinstance(piece, str))
    span, _, quotation = text.partition("\n")
    assert span.endswith(" [1]")
    assert span.removesuffix(" [1]") in quotation
    assert quotation == "".join(quoted(task))


def test_where_the_evidence_step_doubts_an_answer_the_reader_needs_little_doubt_to_refuse(
    reader_file: Path, task: Task
) -> None:
    generator = LlamaGenerator(reader_file, CONFIG)
    answered, refused = (list(generator.stream(replace(task, margin=margin), never)) for margin in (10.0, -10.0))
    assert refused == [REFUSAL]
    assert answered[-1] != REFUSAL


@pytest.mark.parametrize("limit", ["ANSWER_TOKENS", "MOST_SYLLABLES"])
def test_what_is_not_short_is_taken_back(
    tmp_path: Path, tokenizer: Tokenizer, task: Task, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    monkeypatch.setattr(f"rag.llm.span_reading.{limit}", 3 if limit == "ANSWER_TOKENS" else 0)
    network = tiny_network(tokenizer)
    _steer(network, tokenizer, away=ReaderToken.NOT_THERE)
    path = write_tiny_reader(tmp_path / "r.gguf", network, tokenizer)
    pieces = list(LlamaGenerator(path, CONFIG).stream(task, never))
    restarts = [place for place, piece in enumerate(pieces) if isinstance(piece, Notice) and piece.restarts]
    assert len(restarts) == 1
    assert "".join(str(piece) for piece in pieces[restarts[0] + 1 :]) == "".join(quoted(task))


@pytest.mark.parametrize("question", [f"{QUESTION} Ai phát triển A.X 4.0?", "Gồm những phiên bản nào?"])
def test_several_questions_at_once_and_what_asks_for_a_list_are_quoted(
    reader_file: Path, task: Task, question: str
) -> None:
    asked = Task(question, task.passages, task.evidence)
    text = "".join(str(piece) for piece in LlamaGenerator(reader_file, CONFIG).stream(asked, never))
    assert text == "".join(quoted(asked))


def test_a_list_that_is_not_pointed_into_is_quoted(reader_file: Path, task: Task) -> None:
    items = Task(QUESTION, task.passages, tuple(replace(one, pointed=None) for one in task.evidence))
    text = "".join(str(piece) for piece in LlamaGenerator(reader_file, CONFIG).stream(items, never))
    assert text == "".join(quoted(items))


def test_sentences_longer_than_the_window_are_left_out_the_best_kept(runtime: LlamaRuntime, task: Task) -> None:
    best, other = task.evidence
    long = replace(other, text=" ".join(["dài"] * 600), pointed=(0, 3))
    reader = SpanReader(runtime)
    assert reader.fitting(Task(QUESTION, task.passages, (long, best))) == [best]
    assert reader.fitting(Task(QUESTION, task.passages, (other, best))) == [best, other]


def test_bot_refuses_where_the_reader_does(
    reader_file: Path, seeds_index: Path, config: RagConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rag.llm.span_decoding.is_none", lambda doubt, margin: True)
    bot = rag.open(seeds_index, config, llm=str(reader_file))
    answer = bot.ask(QUESTION)
    assert (answer.abstained, answer.reason, answer.text) == (True, GENERATOR_REFUSED, REFUSAL)
    bot.close()


def test_bot_answers_with_a_reader_and_everything_it_shows_is_borne_out(
    tmp_path: Path, tokenizer: Tokenizer, seeds_index: Path, config: RagConfig
) -> None:
    network = tiny_network(tokenizer)
    _steer(network, tokenizer, away=ReaderToken.NOT_THERE)
    path = write_tiny_reader(tmp_path / "r.gguf", network, tokenizer)
    bot = rag.open(seeds_index, config, llm=str(path))
    answer = bot.ask(QUESTION)
    assert (answer.abstained, answer.generator) == (False, "r.gguf")
    assert {sentence.support for sentence in answer.sentences} == {Support.SUPPORTED}
    for citation in answer.citations:
        text = bot.document(citation.doc_id).text
        assert text[citation.start_char : citation.end_char] == citation.quote
    bot.close()


def test_a_chat_model_is_no_reader(tmp_path: Path) -> None:
    assert not LlamaRuntime(write_random_gguf(tmp_path / "chat.gguf"), CONFIG).is_reader


def test_weights_in_parts_become_the_network_again(tmp_path: Path, network: Network) -> None:
    tensors = {name: weight.half() for name, weight in network.state_dict().items()}
    whole = save(tensors, metadata={name: str(value) for name, value in asdict(network.shape).items()})
    for number, at in enumerate(range(0, len(whole), 100_000)):
        (tmp_path / f"{WEIGHTS}.{number:02d}").write_bytes(whole[at : at + 100_000])
    again = read_weights(tmp_path)
    assert again.shape == network.shape
    tokens = torch.tensor([[1, 50, 60, 2]])
    with torch.inference_mode():
        assert float((again(tokens) - network(tokens)).abs().max()) < 0.05


def _steer(network: Network, tokenizer: Tokenizer, away: str) -> None:
    """Make a token improbable: the first number is large in all states, and against it in this token's row alone."""
    rows = network.token_embd.weight
    with torch.no_grad():
        rows[:, 0] = 4.0
        rows[tokenizer.token_to_id(away)] = 0.0
        rows[tokenizer.token_to_id(away), 0] = -8.0


def test_benchmark_reads_each_question_in_its_forms(runtime: LlamaRuntime, matcher: Matcher) -> None:
    line = next(line for line in seed_lines() if len(sentence_spans(line)) > 2)
    start, end = sentence_spans(line)[1]
    answer = " ".join(line[start:end].split()[:3])
    question = Question("q", "Theo Alibaba thì năm 2024 có gì?", (answer,), context=line)
    evidence = EvidenceModel(RagConfig().evidence, matcher)
    reads = with_gold(SpanReader(runtime), evidence, [question], ["Hà Nội"], 1)
    assert [one.kind for one in reads] == [ANSWERABLE, FREE, GOLD_OUT, SWAPPED]
    report = figures(reads)
    assert report["questions"] == 1
    assert report["milliseconds"]["whole"]["median"] >= report["milliseconds"]["first_token"]["median"] > 0
    assert report["held"]["f1"] == percent([reads[0].f1])
    told = [one.refused for one in reads[2:]]
    assert report["refused_in_use"][UNANSWERABLE] == percent([float(one) for one in told])
    assert all(one.refused >= one.refused_before for one in reads)
