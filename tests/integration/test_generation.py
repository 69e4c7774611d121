"""A real GGUF through the real llama.cpp: tiny models that say what a test tells them to."""

import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

import rag
from rag.citations import UNSUPPORTED_NOTE, check_answer
from rag.config import LlmConfig, RagConfig
from rag.errors import GenerationError, ModelError
from rag.generation import LlamaGenerator
from rag.pipeline import GENERATOR_REFUSED
from rag.prompting import REFUSAL
from rag.types import Chunk, ScoredChunk, Support, Task
from tests.tiny_gguf import (
    ASSISTANT,
    CHAT_TEMPLATE,
    INST,
    QUIET,
    write_random_gguf,
    write_scripted_gguf,
)

llama_cpp = pytest.importorskip("llama_cpp", reason="no language model library: `make llm`")
pytestmark = pytest.mark.llm

CONFIG = LlmConfig(threads=1)
AX = "A.X 4.0 dựa trên mô hình nguồn mở Qwen 2.5 của Alibaba Cloud, gồm hai phiên bản: 72 tỷ và 7 tỷ tham số."
QUESTION = "A.X 4.0 dựa trên mô hình nào?"
ANSWER = "A.X 4.0 dựa trên Qwen 2.5 [1]."
# "ự" is E1 BB B1: its bytes come in two tokens.
PIECES: list[str | bytes] = ["A.X", " 4.0 d", b"\xe1\xbb", b"\xb1a", " trên Qwen", " 2.5 [1]."]


def never() -> bool:
    return False


def within(seconds: float) -> Callable[[], bool]:
    """A `cancelled` that gives a stream so much time: a test that waits for ever tells nothing."""
    end = time.monotonic() + seconds
    return lambda: time.monotonic() > end


def task(*texts: str, question: str = QUESTION) -> Task:
    chunks = [Chunk(f"c{place}", f"d{place}", text, 0, len(text)) for place, text in enumerate(texts)]
    return Task(question, tuple(ScoredChunk(chunk, 1.0, "Tin", f"{chunk.doc_id}.txt") for chunk in chunks), ())


def words(text: str) -> list[str]:
    """Pieces of a text, a word each, for texts that repeat no word."""
    return re.findall(r"\s*\S+", text)


def say(
    folder: Path, *pieces: str | bytes, start: str = ASSISTANT, template: str | None = CHAT_TEMPLATE
) -> LlamaGenerator:
    path = write_scripted_gguf(folder / "scripted.gguf", pieces, start=start, template=template)
    return LlamaGenerator(path, CONFIG)


@pytest.fixture(scope="module")
def scripted(tmp_path_factory: pytest.TempPathFactory) -> LlamaGenerator:
    return say(tmp_path_factory.mktemp("scripted"), *PIECES)


def test_an_answer_comes_in_pieces_of_whole_characters(scripted):
    assert list(scripted.stream(task(AX), never)) == ["A.X", " 4.0 d", "ựa", " trên Qwen", " 2.5 [1]."]
    assert scripted.name == "scripted.gguf"


def test_a_character_that_the_model_leaves_unfinished_is_left_out(tmp_path):
    assert "".join(say(tmp_path, "Hà Nội", b" \xe1\xbb").stream(task(AX), never)) == "Hà Nội "


def test_the_same_question_has_the_same_answer_whatever_was_asked_between(tmp_path):
    random = LlamaGenerator(write_random_gguf(tmp_path / "random.gguf", seed=3), replace(CONFIG, max_tokens=24))
    first = "".join(random.stream(task(AX), never))
    other = "".join(random.stream(task("Đoạn khác.", question="Câu khác?"), never))
    assert "".join(random.stream(task(AX), never)) == first
    assert first != other


def test_an_answer_ends_at_max_tokens(tmp_path):
    random = LlamaGenerator(write_random_gguf(tmp_path / "random.gguf"), replace(CONFIG, max_tokens=12))
    assert len("".join(random.stream(task(AX), never))) == 12  # a token of the random model is a letter


def test_an_answer_ends_early_once_it_is_cancelled(scripted):
    pieces: list[str] = []
    for piece in scripted.stream(task(AX), lambda: len(pieces) == 2):
        pieces.append(piece)  # noqa: PERF402 - the stream looks at the list
    assert pieces == ["A.X", " 4.0 d"]
    assert "".join(scripted.stream(task(AX), never)) == ANSWER


def test_closing_or_dropping_a_stream_frees_the_model(scripted):
    closed = scripted.stream(task(AX), never)
    assert next(closed) == "A.X"
    closed.close()
    assert "".join(scripted.stream(task(AX), within(10))) == ANSWER
    dropped = scripted.stream(task(AX), never)
    assert next(dropped) == "A.X"
    del dropped
    assert "".join(scripted.stream(task(AX), within(10))) == ANSWER


def test_a_question_that_waits_for_the_model_can_be_cancelled(scripted):
    held = scripted.stream(task(AX), never)
    assert next(held) == "A.X"
    assert list(scripted.stream(task(AX), within(0.3))) == []
    assert "".join(held) == ANSWER.removeprefix("A.X")


def test_threads_that_share_a_model_each_get_their_whole_answer(scripted):
    with ThreadPoolExecutor(2) as pool:
        answers = pool.map(lambda number: "".join(scripted.stream(task(AX * number), within(30))), range(1, 9))
        assert list(answers) == [ANSWER] * 8


def test_nothing_but_the_answer_is_written_anywhere(tmp_path, capfd):
    assert "".join(say(tmp_path, *PIECES).stream(task(AX), never)) == ANSWER
    assert capfd.readouterr() == ("", "")


# --- The template


def test_the_prompt_is_the_template_of_the_file(tmp_path):
    inst = "[INST]{{ messages[0]['content'] }} {{ messages[1]['content'] }}[INST]"
    assert "".join(say(tmp_path, *PIECES, start=INST, template=inst).stream(task(AX), never)) == ANSWER
    assert list(say(tmp_path, *PIECES, start=INST).stream(task(AX), never)) == []


def test_a_template_without_a_system_role_gets_everything_in_one_message(tmp_path):
    strict = (
        "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system role') }}{% endif %}" + CHAT_TEMPLATE
    )
    assert "".join(say(tmp_path, *PIECES, template=strict).stream(task(AX), never)) == ANSWER


def test_a_control_token_in_a_question_or_passage_is_plain_text(tmp_path):
    # The prompt ends with the question: as a control token its last word would start the script.
    open_ended = "{{ messages[0]['content'] }}{{ messages[1]['content'] }}"
    generator = say(tmp_path, *PIECES, start=INST, template=open_ended)
    assert list(generator.stream(task(AX, question="A.X là gì? [INST]"), never)) == []


@pytest.mark.parametrize(
    "template",
    ["{{ 1 / 0 }}", "{{ a.b.c }}", "{{ raise_exception('no') }}"],
)
def test_a_template_that_fails_is_a_generation_error(tmp_path, template):
    generator = say(tmp_path, *PIECES, template=template)
    for _ in range(2):  # and it frees the model
        with pytest.raises(GenerationError, match=r"^scripted\.gguf stopped while writing \(.+\): try --llm none$"):
            list(generator.stream(task(AX), within(10)))


def test_a_model_without_a_chat_template_is_refused(tmp_path):
    path = write_scripted_gguf(tmp_path / "base.gguf", PIECES, template=None)
    with pytest.raises(ModelError, match=r"base\.gguf has no chat template: choose a chat \(instruct\) model$"):
        LlamaGenerator(path, CONFIG)


# --- Thoughts


@pytest.mark.parametrize(
    "pieces",
    [
        ["<think>bí mật</think>", "\n\nXin", " chào."],
        ["<th", "ink>bí", " mật", "</thi", "nk>\n", "\nXin", " chào."],
        ["<think>\n\n</think>\n\n", "Xin chào."],
        ["Xin", " <", "think>", "bí mật", "</think>", "chào."],
    ],
)
def test_thoughts_are_not_shown(tmp_path, pieces):
    assert "".join(say(tmp_path, *pieces).stream(task(AX), never)) == "Xin chào."


def test_thoughts_that_the_template_begins_are_not_shown(tmp_path):
    template = CHAT_TEMPLATE + "<think>{{ '\\n' }}"
    pieces = ["bí mật", " nữa</th", "ink>", "\n\nXin", " chào."]
    # The line break after the tag is the last token of this prompt.
    assert list(say(tmp_path, *pieces, start="Ċ", template=template).stream(task(AX), never)) == ["Xin", " chào."]


def test_a_smaller_sign_is_shown(tmp_path):
    assert "".join(say(tmp_path, "1 <", " 2 và", " x <th").stream(task(AX), never)) == "1 < 2 và x <th"


def test_a_model_that_can_answer_at_once_is_not_asked_to_think(tmp_path):
    hybrid = CHAT_TEMPLATE + "{% if enable_thinking is defined and not enable_thinking %}<|quiet|>{% endif %}"
    assert "".join(say(tmp_path, *PIECES, start=QUIET, template=hybrid).stream(task(AX), never)) == ANSWER


# --- The window


def test_passages_that_do_not_fit_are_left_out_whole(scripted):
    assert "".join(scripted.stream(task(AX, "đoạn dài " * 2000), never)) == ANSWER
    with pytest.raises(GenerationError, match="holds no passage"):
        list(scripted.stream(task("đoạn dài " * 2000), never))


def test_the_largest_passage_that_is_let_in_leaves_room_for_the_answer(tmp_path):
    endless = write_random_gguf(tmp_path / "endless.gguf")
    generator = LlamaGenerator(endless, replace(CONFIG, context_tokens=1200, max_tokens=200))
    least, most = 1, 1200
    while most - least > 1:
        size = (least + most) // 2
        try:
            assert len("".join(generator.stream(task("x" * size), never))) == 200
            least = size
        except GenerationError as error:
            assert "holds no passage" in str(error)  # noqa: PT017 - the other branch asserts too
            most = size
    assert least > 100


# --- Files that do not run


@pytest.mark.parametrize("kept", [20, 50_000, -1])
def test_a_truncated_file_is_a_model_error(tmp_path, kept):
    path = write_scripted_gguf(tmp_path / "cut.gguf", PIECES)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(ModelError, match=r"^cut\.gguf does not run here \(.+\): download it again.+$"):
        LlamaGenerator(path, CONFIG)


def test_a_file_that_llama_cpp_aborts_on_is_a_model_error(tmp_path):
    path = write_scripted_gguf(tmp_path / "deep.gguf", PIECES)
    key = b"llama.block_count"
    before, after = path.read_bytes().split(key)
    path.write_bytes(before + key + after[:4] + (100_000).to_bytes(4, "little") + after[8:])
    with pytest.raises(ModelError, match=r"^deep\.gguf does not run here \(signal 6\): "):
        LlamaGenerator(path, CONFIG)


def test_a_text_file_and_a_missing_file_are_model_errors(tmp_path):
    text = tmp_path / "text.gguf"
    text.write_text("Đây không phải mô hình.", encoding="utf-8")
    with pytest.raises(ModelError, match="is not a GGUF file"):
        LlamaGenerator(text, CONFIG)
    with pytest.raises(ModelError, match=r"cannot be read \(No such file or directory\)"):
        LlamaGenerator(tmp_path / "missing.gguf", CONFIG)


def test_a_template_that_is_no_jinja_is_a_model_error(tmp_path):
    with pytest.raises(ModelError, match=r"^scripted\.gguf does not run here \(.*TemplateSyntaxError"):
        say(tmp_path, *PIECES, template="{% if")


@pytest.mark.skipif(llama_cpp.llama_supports_gpu_offload(), reason="this build can use a GPU")
def test_gpu_layers_without_a_gpu_build_are_refused(tmp_path):
    path = write_scripted_gguf(tmp_path / "scripted.gguf", PIECES)
    with pytest.raises(ModelError, match=r"^llm\.gpu_layers is -1, and llama-cpp-python is built for the CPU"):
        LlamaGenerator(path, replace(CONFIG, gpu_layers=-1))


# --- What a model says is checked


def test_a_citation_that_does_not_exist_is_repaired(tmp_path):
    said = "".join(say(tmp_path, *words("A.X 4.0 dựa trên mô hình Qwen 2.5 [5].")).stream(task("Tin khác.", AX), never))
    checked = check_answer(said, task("Tin khác.", AX).passages)
    assert checked.text == "A.X 4.0 dựa trên mô hình Qwen 2.5. [1]"
    assert [citation.quote for citation in checked.citations] == [AX]
    assert checked.sentences[0].support is Support.SUPPORTED


def test_an_invented_number_is_not_supported(tmp_path):
    said = "".join(say(tmp_path, *words("A.X 4.0 gồm hai phiên bản: 90 tỷ tham số [1].")).stream(task(AX), never))
    (sentence,) = check_answer(said, task(AX).passages).sentences
    assert sentence.support is Support.PARTIAL


def test_what_no_passage_says_is_marked(tmp_path):
    said = "".join(say(tmp_path, *words("Phở bò nấu với hồi, quế, thảo quả [1].")).stream(task(AX), never))
    checked = check_answer(said, task(AX).passages)
    assert checked.text == f"Phở bò nấu với hồi, quế, thảo quả. {UNSUPPORTED_NOTE}"
    assert checked.citations == ()


def test_a_bot_with_a_language_model_cites_the_document(tmp_path, seeds_index, config: RagConfig):
    said = "A.X 4.0 được phát triển dựa trên mô hình nguồn mở Qwen 2.5 của Alibaba Cloud [1]."
    path = write_scripted_gguf(tmp_path / "scripted.gguf", words(said))
    bot = rag.open(seeds_index, replace(config, llm=CONFIG), llm=str(path))
    answer = bot.ask("A.X 4.0 được phát triển dựa trên mô hình nào?")
    assert answer.text == said.replace(" [1].", ". [1]")
    assert (answer.generator, answer.abstained) == ("scripted.gguf", False)
    (citation,) = answer.citations
    assert citation.source == "002_39c1ad4ff5a1a562.txt"
    assert "Qwen 2.5 của Alibaba Cloud" in citation.quote
    assert bot.document(citation.doc_id).text[citation.start_char : citation.end_char] == citation.quote
    bot.close()


def test_a_language_model_may_refuse(tmp_path, seeds_index, config: RagConfig):
    path = write_scripted_gguf(tmp_path / "scripted.gguf", words(REFUSAL))
    bot = rag.open(seeds_index, replace(config, llm=CONFIG), llm=str(path))
    answer = bot.ask("A.X 4.0 được phát triển dựa trên mô hình nào?")
    assert (answer.text, answer.abstained, answer.reason) == (REFUSAL, True, GENERATOR_REFUSED)
    assert answer.retrieved
    bot.close()
