"""A real GGUF through the real llama.cpp: tiny models that say what a test tells them to."""

import re
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import rag
from rag.citations import UNSUPPORTED_NOTE, check_answer
from rag.config import AUTO_LAYERS, LlmConfig, RagConfig
from rag.errors import GenerationError, ModelError
from rag.events import GENERATOR_REFUSED, Sending
from rag.generation import LlamaGenerator
from rag.llm import llama
from rag.llm.llama import LlamaRuntime
from rag.prompting import REFUSAL
from rag.types import Answer, Chunk, Notice, ScoredChunk, Support, Task
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


class Looks:
    """A `cancelled` that counts how often it is asked, and is true from the `last` time on."""

    def __init__(self, last: int = 1_000_000) -> None:
        self.count = 0
        self.last = last

    def __call__(self) -> bool:
        self.count += 1
        return self.count >= self.last


def task(*texts: str, question: str = QUESTION) -> Task:
    chunks = [Chunk(f"c{place}", f"d{place}", text, 0, len(text)) for place, text in enumerate(texts)]
    return Task(question, tuple(ScoredChunk(chunk, 1.0, "Tin", f"{chunk.doc_id}.txt") for chunk in chunks), ())


def said(pieces: Iterable[str | Notice]) -> str:
    """The text that stands at the end."""
    text = ""
    for piece in pieces:
        if isinstance(piece, str):
            text += piece
        elif piece.restarts:
            text = ""
    return text


def remarks(pieces: Iterable[str | Notice]) -> list[str]:
    """What is told of an answer at its end."""
    told: list[str] = []
    for piece in pieces:
        if isinstance(piece, Notice):
            told = [*([] if piece.restarts else told), *([str(piece)] if piece.remark else [])]
    return told


def words(text: str) -> list[str]:
    """Pieces of a text, a word each, for texts that repeat no word."""
    return re.findall(r"\s*\S+", text)


def say(
    folder: Path,
    *pieces: str | bytes,
    start: str = ASSISTANT,
    template: str | None = CHAT_TEMPLATE,
    config: LlmConfig = CONFIG,
    **more: Any,
) -> LlamaGenerator:
    path = write_scripted_gguf(folder / "scripted.gguf", pieces, start=start, template=template, **more)
    return LlamaGenerator(path, config)


@pytest.fixture(scope="module")
def scripted(tmp_path_factory: pytest.TempPathFactory) -> LlamaGenerator:
    return say(tmp_path_factory.mktemp("scripted"), *PIECES)


def test_an_answer_comes_in_pieces_of_whole_characters(scripted):
    assert list(scripted.stream(task(AX), never)) == ["A.X", " 4.0 d", "ựa", " trên Qwen", " 2.5 [1]."]
    assert scripted.name == "scripted.gguf"


def test_a_character_that_the_model_leaves_unfinished_is_left_out(tmp_path):
    assert said(say(tmp_path, "Hà Nội", b" \xe1\xbb").stream(task(AX), never)) == "Hà Nội "


def test_the_same_question_has_the_same_answer_whatever_was_asked_between(tmp_path):
    random = LlamaGenerator(write_random_gguf(tmp_path / "random.gguf", seed=3), replace(CONFIG, max_tokens=24))
    first = said(random.stream(task(AX), never))
    other = said(random.stream(task("Đoạn khác.", question="Câu khác?"), never))
    assert said(random.stream(task(AX), never)) == first
    assert first != other


def test_an_answer_ends_at_max_tokens(tmp_path):
    random = LlamaGenerator(write_random_gguf(tmp_path / "random.gguf"), replace(CONFIG, max_tokens=12))
    pieces = list(random.stream(task(AX), never))
    assert len(said(pieces)) == 12  # a token of the random model is a sign
    assert remarks(pieces) == ["cut_tokens: 12"]


def test_an_answer_ends_early_once_it_is_cancelled(scripted):
    pieces: list[str] = []
    for piece in scripted.stream(task(AX), lambda: len(pieces) == 2):
        pieces.append(piece)  # noqa: PERF402 - the stream looks at the list
    assert pieces == ["A.X", " 4.0 d"]
    assert said(scripted.stream(task(AX), never)) == ANSWER


def test_an_answer_that_ends_by_itself_has_no_remarks(scripted):
    assert remarks(scripted.stream(task(AX), never)) == []


def test_an_answer_ends_at_the_time_limit(tmp_path):
    endless = say(
        tmp_path, *words("một hai ba bốn năm sáu bảy"), config=replace(CONFIG, time_limit_s=1, max_tokens=2000)
    )
    pieces: list[str | Notice] = []
    for piece in endless.stream(task(AX), never):
        pieces.append(piece)
        time.sleep(0.3)
    assert 1 < len(said(pieces).split()) < 7
    assert remarks(pieces) == ["cut_time: 1"]


def test_an_answer_whose_time_is_over_before_its_first_word_is_an_error(tmp_path):
    slow = say(tmp_path, *PIECES, config=replace(CONFIG, time_limit_s=1))

    def late() -> bool:
        time.sleep(1.1)
        return False

    with pytest.raises(GenerationError, match=r"did not get to its first word in 1 s: raise llm\.time_limit_s"):
        list(slow.stream(task(AX), late))


def test_closing_or_dropping_a_stream_frees_the_model(scripted):
    closed = scripted.stream(task(AX), never)
    assert next(closed) == "A.X"
    closed.close()
    assert said(scripted.stream(task(AX), within(10))) == ANSWER
    dropped = scripted.stream(task(AX), never)
    assert next(dropped) == "A.X"
    del dropped
    assert said(scripted.stream(task(AX), within(10))) == ANSWER


def test_a_question_that_waits_for_the_model_can_be_cancelled(scripted):
    held = scripted.stream(task(AX), never)
    assert next(held) == "A.X"
    assert list(scripted.stream(task(AX), within(0.3))) == []
    assert said(held) == ANSWER.removeprefix("A.X")


def test_a_prompt_that_is_being_read_can_be_cancelled(tmp_path):
    runtime = LlamaRuntime(write_random_gguf(tmp_path / "random.gguf"), CONFIG)
    prompt = list(range(20, 220)) * 15
    assert list(runtime.generate(prompt, 9, Looks(last=3))) == []
    assert 0 < runtime.tokens_read < len(prompt)
    whole = "".join(runtime.generate(prompt, 9, Looks()))
    assert runtime.tokens_read == len(prompt)  # what was read before the end of it is not read again
    runtime = LlamaRuntime(tmp_path / "random.gguf", CONFIG)
    assert "".join(runtime.generate(prompt, 9, Looks())) == whole


def test_what_llama_cpp_computes_can_be_aborted(tmp_path):
    runtime = LlamaRuntime(write_random_gguf(tmp_path / "random.gguf"), CONFIG)
    prompt = list(range(20, 220)) * 15
    whole = "".join(runtime.generate(prompt, 9, never))
    for share in (0.0, 0.3, 0.6):
        other = prompt[:2000] + prompt[100 + round(100 * share) :][:900]
        runtime._abort.value = b"1"  # as the thread that watches sets it, in the middle of a batch
        assert list(runtime.generate(other, 9, never)) == []
        assert "".join(runtime.generate(prompt, 9, never)) == whole


def test_what_every_prompt_begins_with_is_read_once_for_all_starts_and_changes_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(llama, "WORTH_KEEPING_S", 0.0)  # a model of this size reads everything in no time
    path = write_random_gguf(tmp_path / "random.gguf", seed=5)
    config = replace(CONFIG, cache=str(tmp_path / "cache"))
    beginning, rest = list(range(20, 220)), list(range(40, 90))

    def started(config: LlmConfig) -> tuple[str, int]:
        """The text that a new process would write, and how many tokens it reads for it."""
        runtime = LlamaRuntime(path, config)
        runtime.begin(beginning, never)
        return "".join(runtime.generate(beginning + rest, 40, never)), runtime.tokens_read

    text, read = started(config)
    assert (len(text), read) == (40, 250)
    assert started(config) == (text, 50)
    assert started(replace(CONFIG, cache="")) == (text, 250)
    (kept,) = (tmp_path / "cache").glob("*.state")
    content = bytearray(kept.read_bytes())
    content[len(content) // 2] ^= 1
    kept.write_bytes(content)
    assert started(config) == (text, 250)  # a damaged state is not used, and made anew
    assert started(config) == (text, 50)
    (tmp_path / "random.gguf").touch()  # it may be another model now
    assert started(config) == (text, 250)


def test_a_state_that_cannot_be_kept_harms_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(llama, "WORTH_KEEPING_S", 0.0)
    path = write_random_gguf(tmp_path / "random.gguf")
    (tmp_path / "file").touch()
    runtime = LlamaRuntime(path, replace(CONFIG, cache=str(tmp_path / "file" / "cache")))
    runtime.begin(list(range(20, 60)), never)
    assert len("".join(runtime.generate(list(range(20, 80)), 9, never))) == 9


def test_what_two_prompts_begin_with_is_read_once_and_changes_nothing(tmp_path):
    path = write_random_gguf(tmp_path / "random.gguf", seed=5)
    runtime = LlamaRuntime(path, CONFIG)

    def written(prompt: list[int]) -> tuple[str, int]:
        """The text, and how many tokens were read for it."""
        before = runtime.tokens_read
        return "".join(runtime.generate(prompt, 40, never)), runtime.tokens_read - before

    first = list(range(20, 220)) * 5
    other = first[:900] + first[:77]
    cold, read = written(first)
    assert (len(cold), read) == (40, 1000)
    assert written(first) == (cold, 8)  # the last tokens, in a whole tile
    changed, read = written(other)
    assert read == 977 - 896
    assert written(first) == (cold, 1000 - 896)
    runtime = LlamaRuntime(path, CONFIG)
    assert written(other) == (changed, 977)


def test_waiting_questions_are_answered_in_the_order_of_their_arrival(scripted):
    order: list[int] = []
    held = scripted.stream(task(AX), never)
    assert next(held) == "A.X"

    def ask(number: int) -> None:
        assert said(scripted.stream(task(AX), within(30))) == ANSWER
        order.append(number)

    with ThreadPoolExecutor(6) as pool:
        for number in range(6):
            pool.submit(ask, number)
            time.sleep(0.05)
        assert order == []
        held.close()
    assert order == list(range(6))


def test_threads_that_share_a_model_each_get_their_whole_answer(scripted):
    with ThreadPoolExecutor(2) as pool:
        answers = pool.map(lambda number: said(scripted.stream(task(AX * number), within(30))), range(1, 9))
        assert list(answers) == [ANSWER] * 8


def test_nothing_but_the_answer_is_written_anywhere(tmp_path, capfd):
    assert said(say(tmp_path, *PIECES).stream(task(AX), never)) == ANSWER
    assert capfd.readouterr() == ("", "")


# --- The template


def test_the_prompt_is_the_template_of_the_file(tmp_path):
    inst = "[INST]{{ messages[0]['content'] }} {{ messages[1]['content'] }}[INST]"
    assert said(say(tmp_path, *PIECES, start=INST, template=inst).stream(task(AX), never)) == ANSWER
    assert list(say(tmp_path, *PIECES, start=INST).stream(task(AX), never)) == []


def test_a_template_without_a_system_role_gets_everything_in_one_message(tmp_path):
    strict = (
        "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system role') }}{% endif %}" + CHAT_TEMPLATE
    )
    assert said(say(tmp_path, *PIECES, template=strict).stream(task(AX), never)) == ANSWER


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
    assert said(say(tmp_path, *pieces).stream(task(AX), never)) == "Xin chào."


def test_thoughts_that_the_template_begins_are_not_shown(tmp_path):
    template = CHAT_TEMPLATE + "<think>{{ '\\n' }}"
    pieces = ["bí mật", " nữa</th", "ink>", "\n\nXin", " chào."]
    # The line break after the tag is the last token of this prompt.
    assert list(say(tmp_path, *pieces, start="Ċ", template=template).stream(task(AX), never)) == ["Xin", " chào."]


def test_a_smaller_sign_is_shown(tmp_path):
    assert said(say(tmp_path, "1 <", " 2 và", " x <th").stream(task(AX), never)) == "1 < 2 và x <th"


def test_a_model_that_can_answer_at_once_is_not_asked_to_think(tmp_path):
    hybrid = CHAT_TEMPLATE + "{% if enable_thinking is defined and not enable_thinking %}<|quiet|>{% endif %}"
    assert said(say(tmp_path, *PIECES, start=QUIET, template=hybrid).stream(task(AX), never)) == ANSWER


def test_a_model_that_never_stops_thinking_says_nothing(tmp_path):
    pieces = list(
        say(tmp_path, "<think>bí", " mật", " nữa", config=replace(CONFIG, max_tokens=2)).stream(task(AX), never)
    )
    assert (said(pieces), remarks(pieces)) == ("", ["cut_tokens: 2"])


# --- Answers that go wrong


def test_an_answer_stops_where_the_model_goes_on_with_the_prompt(tmp_path):
    pieces = ["Hà Nội [1].", "\nCâu", " hỏi", ": Ai?", "\nTrả lời"]
    assert list(say(tmp_path, *pieces).stream(task(AX), never)) == ["Hà Nội [1]."]
    assert said(say(tmp_path, "Hà Nội [1].", "\nCâu", " chuyện").stream(task(AX), never)) == "Hà Nội [1].\nCâu chuyện"


def test_a_model_that_goes_round_in_circles_is_stopped_and_its_first_round_kept(tmp_path):
    circle = say(tmp_path, "A.X 4.0 dựa trên", " Qwen 2.5 [1].", " Nó có hai", " phiên bản [1]. ", endless=True)
    pieces = list(circle.stream(task(AX), within(30)))
    assert said(pieces) == "A.X 4.0 dựa trên Qwen 2.5 [1]. Nó có hai phiên bản [1]. "
    assert remarks(pieces) == ["cut_loop"]
    assert len(pieces) < 20


# The prompt's last token is "?" of the question, then the "." of the reminder.
OPEN_ENDED = "{{ messages[0]['content'] }}{{ messages[1]['content'] }}"
ENGLISH = words("The model is based on one open source project by some large company in another country")


def test_an_answer_in_english_is_asked_for_once_more(tmp_path):
    bilingual = say(tmp_path, *ENGLISH, start="?", template=OPEN_ENDED, others={".": PIECES})
    pieces = list(bilingual.stream(task(AX), never))
    assert (said(pieces), remarks(pieces)) == (ANSWER, [])
    assert sum(isinstance(piece, Notice) for piece in pieces) == 1
    assert said(pieces[: pieces.index(Notice(restarts=True))]) == "".join(
        ENGLISH[:13]
    )  # a name's capital letter tells nothing


def test_an_answer_that_stays_english_is_shown_with_a_remark(tmp_path):
    second = [f" {word}" for word in "they did not want this to be written like that".split()]
    stubborn = say(tmp_path, *ENGLISH[:6], start="?", template=OPEN_ENDED, others={".": second})
    pieces = list(stubborn.stream(task(AX), never))
    assert (said(pieces), remarks(pieces)) == ("".join(second), ["other_language"])


# --- The window


def test_passages_that_do_not_fit_are_left_out_whole(scripted):
    both = task(AX, "đoạn dài " * 2000)
    assert scripted.fitted(both) == replace(both, passages=both.passages[:1])
    assert said(scripted.stream(both, never)) == ANSWER
    with pytest.raises(GenerationError, match="holds no passage"):
        list(scripted.stream(task("đoạn dài " * 2000), never))


def test_the_largest_passage_that_is_let_in_leaves_room_for_the_answer(tmp_path):
    endless = write_random_gguf(tmp_path / "endless.gguf")
    generator = LlamaGenerator(endless, replace(CONFIG, context_tokens=1200, max_tokens=200))
    least, most = 1, 1200
    while most - least > 1:
        size = (least + most) // 2
        try:
            assert len(said(generator.stream(task("x" * size), never))) == 200
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
def test_automatic_gpu_layers_without_a_gpu_build_stay_on_the_cpu_and_say_so(tmp_path, caplog):
    assert (
        said(say(tmp_path, *PIECES, config=replace(CONFIG, gpu_layers=AUTO_LAYERS)).stream(task(AX), never)) == ANSWER
    )
    assert [record.message for record in caplog.records] == [
        "llama-cpp-python is built for the CPU: the language model runs there, not on a GPU"
    ]


@pytest.mark.skipif(llama_cpp.llama_supports_gpu_offload(), reason="this build can use a GPU")
@pytest.mark.parametrize(("asked", "small_bytes", "threads"), [(0, 1 << 30, 1), (0, 0, 7), (3, 1 << 30, 3)])
def test_a_small_model_has_one_thread_unless_more_are_asked_for(tmp_path, monkeypatch, asked, small_bytes, threads):
    monkeypatch.setattr("rag.llm.loaded.physical_cores", lambda: 7)
    monkeypatch.setattr("rag.llm.loaded._SMALL_BYTES", small_bytes)
    path = write_random_gguf(tmp_path / "tiny.gguf")
    assert llama_cpp.llama_n_threads(LlamaRuntime(path, LlmConfig(threads=asked))._context) == threads


def test_gpu_layers_without_a_gpu_build_are_refused(tmp_path):
    path = write_scripted_gguf(tmp_path / "scripted.gguf", PIECES)
    with pytest.raises(ModelError, match=r"^llm\.gpu_layers is -1, and llama-cpp-python is built for the CPU"):
        LlamaGenerator(path, replace(CONFIG, gpu_layers=-1))


# --- What a model says is checked


def test_a_citation_that_does_not_exist_is_repaired(tmp_path):
    text = said(say(tmp_path, *words("A.X 4.0 dựa trên mô hình Qwen 2.5 [5].")).stream(task("Tin khác.", AX), never))
    checked = check_answer(text, task("Tin khác.", AX).passages)
    assert checked.text == "A.X 4.0 dựa trên mô hình Qwen 2.5. [1]"
    assert [citation.quote for citation in checked.citations] == [AX]
    assert checked.sentences[0].support is Support.SUPPORTED


@pytest.mark.parametrize(
    "pieces",
    [
        ["A.X 4.0 dựa trên", " Qwen 2.5."],
        ["A.X 4.0 dựa trên", " Qwen 2.5 [1,2]."],
        ["A.X 4.0 dựa trên", " Qwen 2.5 【2】."],
        ["A.X 4.0 dựa trên", " Qwen 2.5 [", "^2", "]."],
        ["A.X 4.0 dựa trên", " Qw[", "2]en", " 2.5."],
        ["Theo tài liệu [2], ", "A.X 4.0 dựa trên", " Qwen 2.5."],
    ],
)
def test_a_mark_that_is_missing_doubled_misspelled_or_misplaced_is_mended(tmp_path, pieces):
    text = said(say(tmp_path, *pieces).stream(task("Tin khác.", AX), never))
    checked = check_answer(text, task("Tin khác.", AX).passages)
    assert [citation.quote for citation in checked.citations] == [AX]
    assert checked.text.endswith("A.X 4.0 dựa trên Qwen 2.5. [1]")


def test_an_invented_number_is_not_supported(tmp_path):
    text = said(say(tmp_path, *words("A.X 4.0 gồm hai phiên bản: 90 tỷ tham số [1].")).stream(task(AX), never))
    (sentence,) = check_answer(text, task(AX).passages).sentences
    assert sentence.support is Support.PARTIAL


def test_what_no_passage_says_is_marked(tmp_path):
    text = said(say(tmp_path, *words("Phở bò nấu với hồi, quế, thảo quả [1].")).stream(task(AX), never))
    checked = check_answer(text, task(AX).passages)
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


def test_passages_that_do_not_fit_are_told(tmp_path, seeds_index, config: RagConfig):
    path = write_scripted_gguf(tmp_path / "scripted.gguf", PIECES)
    small = replace(config, llm=replace(CONFIG, context_tokens=2600, max_tokens=100))
    bot = rag.open(seeds_index, small, llm=str(path))
    events = list(bot.stream("A.X 4.0 được phát triển dựa trên mô hình nào?"))
    (sending,) = (event for event in events if isinstance(event, Sending))
    assert sending.left_out > 0
    assert len(sending.passages) > 0
    answer = events[-1]
    assert isinstance(answer, Answer)
    assert answer.as_json()["notes"] == [f"left_out: {sending.left_out}"]
    bot.close()


def test_questions_from_many_threads_are_all_answered(tmp_path, seeds_index, config: RagConfig):
    path = write_scripted_gguf(tmp_path / "scripted.gguf", PIECES)
    bot = rag.open(seeds_index, replace(config, llm=CONFIG), llm=str(path))
    with ThreadPoolExecutor(4) as pool:
        texts = list(pool.map(lambda _: bot.ask("A.X 4.0 được phát triển dựa trên mô hình nào?").text, range(8)))
    assert texts == ["A.X 4.0 dựa trên Qwen 2.5. [1]"] * 8
    bot.close()


@pytest.mark.parametrize("nothing", [REFUSAL, "Theo tài liệu [1]:"])
def test_a_language_model_may_refuse(tmp_path, seeds_index, config: RagConfig, nothing: str):
    path = write_scripted_gguf(tmp_path / "scripted.gguf", words(nothing))
    bot = rag.open(seeds_index, replace(config, llm=CONFIG), llm=str(path))
    answer = bot.ask("A.X 4.0 được phát triển dựa trên mô hình nào?")
    assert (answer.text, answer.abstained, answer.reason) == (REFUSAL, True, GENERATOR_REFUSED)
    assert answer.retrieved
    bot.close()
