"""Speed of `rag.llm.llama` beside the bare loop over llama.cpp's own functions, in one run on the same prompts.

    python eval/benchmarks/llm.py --models qwen3-0.6b qwen3-1.7b --threads 2

The models have the shapes of real ones and random weights (`random_gguf.py`), quantized by llama.cpp to Q4_K_M in a
temporary folder. The bare loop reads the prompt in llama.cpp's default batches of 512 and writes the most probable
token; both have a model and a context of their own and take turns, decoding token by token, so that a busy machine
slows both; both without flash attention, which is slower on a CPU. With `--clock cpu`, for one thread on a busy
machine, only the time on the processor counts. A warm prompt shares its first nine tenths with the one before it. Other
settings of the bare loop are measured in the same rounds: flash attention, 8-bit keys and values, smaller batches.
"""

import argparse
import ctypes
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import gguf
import numpy as np
from llama_cpp import llama_cpp as cpp
from question_sets import PROJECT
from random_gguf import SHAPES, write_q4_k_m
from results_file import write_results

from rag.config import LlmConfig
from rag.llm.llama import LlamaRuntime

WINDOW = 4096
DEFAULT_BATCH = 512
VARIANTS: dict[str, dict[str, int]] = {
    "flash attention": {"flash": cpp.LLAMA_FLASH_ATTN_TYPE_ENABLED},
    "flash attention, 8-bit keys and values": {
        "flash": cpp.LLAMA_FLASH_ATTN_TYPE_ENABLED,
        "kv": int(gguf.GGMLQuantizationType.Q8_0),
    },
    "batch 64": {"batch": 64},
}
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}
PREFIX_TOKENS = 192
"""About what the instructions before the first passage are in Qwen3's tokens, in whole blocks."""
Tokens = list[int]

chosen_clock = "wall"


class BareLoop:
    """What a C++ program of twenty lines does."""

    def __init__(
        self,
        model: Any,
        threads: int,
        *,
        flash: int = cpp.LLAMA_FLASH_ATTN_TYPE_DISABLED,
        kv: int = int(gguf.GGMLQuantizationType.F16),
        batch: int = DEFAULT_BATCH,
    ) -> None:
        parameters = cpp.llama_context_default_params()
        parameters.n_ctx = WINDOW
        parameters.n_batch = parameters.n_ubatch = self.batch = batch
        parameters.n_threads = parameters.n_threads_batch = threads
        parameters.flash_attn_type = flash
        parameters.type_k = parameters.type_v = kv
        self.context = cpp.llama_init_from_model(model, parameters)
        self.memory = cpp.llama_get_memory(self.context)
        self.sampler = cpp.llama_sampler_init_greedy()

    def read(self, tokens: Tokens, kept: int = 0) -> int:
        """The token that follows, the first `kept` tokens having been read before."""
        cpp.llama_memory_seq_rm(self.memory, 0, kept, -1)
        for begin in range(kept, len(tokens), self.batch):
            self.decode(tokens[begin : begin + self.batch])
        return self.sample()

    def decode(self, tokens: Sequence[int]) -> None:
        """Take tokens in."""
        array = (ctypes.c_int32 * len(tokens))(*tokens)
        if cpp.llama_decode(self.context, cpp.llama_batch_get_one(array, len(tokens))):
            raise RuntimeError("llama_decode failed")

    def sample(self) -> int:
        """The most probable next token."""
        token: int = cpp.llama_sampler_sample(self.sampler, self.context, -1)
        return token

    def close(self) -> None:
        """Free the context."""
        cpp.llama_sampler_free(self.sampler)
        cpp.llama_free(self.context)


@contextmanager
def loaded(path: Path) -> Iterator[Any]:
    """A model of its own."""
    model = cpp.llama_model_load_from_file(os.fsencode(path), cpp.llama_model_default_params())
    yield model
    cpp.llama_model_free(model)


def clock() -> float:
    """Seconds by the clock that was chosen."""
    return CLOCKS[chosen_clock]()


def seconds(work: Callable[[], object]) -> float:
    """How long it takes."""
    began = clock()
    work()
    return clock() - began


def resident_mb() -> float | None:
    """Memory of this process, in MB; None where the system does not tell."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return None
    return next((round(int(line.split()[1]) / 1000) for line in lines if line.startswith("VmRSS")), None)


def prompts(count: int, size: int, shared: float) -> list[Tokens]:
    """Prompts of random tokens, all with the same beginning."""
    random = np.random.default_rng(7)
    common = random.integers(300, 150_000, int(size * shared)).tolist()
    return [[*common, *random.integers(300, 150_000, size - len(common)).tolist()] for _ in range(count)]


def measure_turns(bare: BareLoop, ours: LlamaRuntime, size: int, shared: float, written: int) -> dict[str, float]:
    """One round: each reads a prompt cold, writes, and reads one with the same beginning; seconds."""
    cold, warm = prompts(2, size, shared)
    other = [token + 1 for token in cold[:64]]  # makes the next prompt cold
    times = {"bare_cold": seconds(lambda: bare.read(cold))}
    list(ours.generate(other, 1, lambda: False))
    pieces = ours.generate(cold, written + 1, lambda: False)
    times["ours_cold"] = seconds(lambda: next(pieces))
    token = bare.sample()
    mine, theirs = [], []
    for _ in range(written):
        theirs.append(seconds(lambda: bare.decode([token])))  # noqa: B023 - called at once
        began = clock()
        token = bare.sample()
        theirs[-1] += clock() - began
        mine.append(seconds(lambda: next(pieces, "")))
    pieces.close()
    # Medians: a hiccup of the machine hits one of the two.
    times |= {"bare_token": statistics.median(theirs), "ours_token": statistics.median(mine)}
    times["bare_warm"] = seconds(lambda: bare.read(warm, int(size * shared)))
    times["ours_warm"] = seconds(lambda: next(ours.generate(warm, 1, lambda: False)))
    return times


def measure_variant(model: Any, threads: int, size: int, shared: float, settings: dict[str, int]) -> dict[str, float]:
    """One round of another setting of the bare loop; seconds."""
    loop = BareLoop(model, threads, **settings)
    cold, warm = prompts(2, size, shared)
    times = {"cold": seconds(lambda: loop.read(cold))}
    tokens = [seconds(lambda: loop.decode([9])) for _ in range(12)]
    times |= {"token": statistics.median(tokens), "warm": seconds(lambda: loop.read(warm, int(size * shared)))}
    loop.close()
    return times


def measure_prefix_on_disk(bare: BareLoop, folder: Path, size: int) -> dict[str, float]:
    """What it takes to read the fixed beginning of every prompt, to save its state and to load it again."""
    tokens = prompts(1, size, 1.0)[0]
    read = seconds(lambda: bare.read(tokens))
    file = folder / "prefix.state"
    array = (ctypes.c_int32 * size)(*tokens)
    save = seconds(lambda: cpp.llama_state_seq_save_file(bare.context, os.fsencode(file), 0, array, size))
    count = ctypes.c_size_t()
    cpp.llama_memory_clear(bare.memory, True)
    load = seconds(
        lambda: cpp.llama_state_seq_load_file(bare.context, os.fsencode(file), 0, array, size, ctypes.byref(count))
    )
    megabytes = file.stat().st_size / 1e6
    file.unlink()
    return {"tokens": size, "read_s": read, "save_s": save, "load_s": load, "file_mb": megabytes}


def measure(name: str, folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Everything about one model."""
    path = folder / f"{name}.gguf"
    if not path.exists():
        write_q4_k_m(path, SHAPES[name], options.threads)
    before = resident_mb()
    config = replace(LlmConfig(), context_tokens=WINDOW, max_tokens=400, threads=options.threads)
    ours = LlamaRuntime(path, config)
    list(ours.generate(prompts(1, 512, 1.0)[0], 1, lambda: False))  # what is loaded late
    after = resident_mb()
    rounds, variants = [], dict[str, list[dict[str, float]]]()
    with loaded(path) as model:
        bare = BareLoop(model, options.threads)
        bare.read(prompts(1, 512, 1.0)[0])
        for _ in range(options.rounds):
            rounds.append(measure_turns(bare, ours, options.prompt_tokens, options.shared, options.written))
            print(name, {key: round(value, 3) for key, value in rounds[-1].items()}, flush=True)
            for label, settings in VARIANTS.items() if name in options.variants else ():
                one = measure_variant(model, options.threads, options.prompt_tokens, options.shared, settings)
                variants.setdefault(label, []).append(
                    {key: value / rounds[-1][f"bare_{key}"] for key, value in one.items()}
                )
                print(name, label, {key: round(value, 3) for key, value in variants[label][-1].items()}, flush=True)
        on_disk = measure_prefix_on_disk(bare, folder, PREFIX_TOKENS)
        bare.close()
    megabytes = path.stat().st_size / 1e6

    def middle(value: Callable[[dict[str, float]], float], digits: int = 3) -> float:
        return round(statistics.median(map(value, rounds)), digits)

    size = options.prompt_tokens
    return {
        "file_mb": round(megabytes),
        "memory_mb": None if before is None or after is None else after - before,
        "prompt_tokens_per_s": {
            "ours": middle(lambda one: size / one["ours_cold"], 1),
            "bare": middle(lambda one: size / one["bare_cold"], 1),
        },
        "decode_tokens_per_s": {
            "ours": middle(lambda one: 1 / one["ours_token"], 2),
            "bare": middle(lambda one: 1 / one["bare_token"], 2),
        },
        "first_token_s": {
            "ours_cold": middle(lambda one: one["ours_cold"]),
            "ours_warm": middle(lambda one: one["ours_warm"]),
            "bare_cold": middle(lambda one: one["bare_cold"]),
            "bare_warm": middle(lambda one: one["bare_warm"]),
        },
        # Within a round the two took turns; of these ratios the middle one.
        "time_of_bare": {
            "prompt": middle(lambda one: one["ours_cold"] / one["bare_cold"]),
            "decode": middle(lambda one: one["ours_token"] / one["bare_token"]),
            "warm": middle(lambda one: one["ours_warm"] / one["bare_warm"]),
        },
        "cold_by_warm": {
            "ours": middle(lambda one: one["ours_cold"] / one["ours_warm"], 2),
            "bare": middle(lambda one: one["bare_cold"] / one["bare_warm"], 2),
        },
        "variants_time_of_bare": {
            label: {key: round(statistics.median(one[key] for one in found), 3) for key in found[0]}
            for label, found in variants.items()
        },
        "prefix_on_disk": {key: round(value, 3) for key, value in on_disk.items()},
        "rounds": [{key: round(value, 4) for key, value in one.items()} for one in rounds],
    }


def main() -> None:
    """Measure, print, write one JSON file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", choices=list(SHAPES), default=list(SHAPES))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--prompt-tokens", type=int, default=2000)
    parser.add_argument("--shared", type=float, default=0.9)
    parser.add_argument("--written", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--variants", nargs="*", choices=list(SHAPES), default=list(SHAPES), help="with these models")
    parser.add_argument("--clock", choices=list(CLOCKS), default="wall")
    parser.add_argument(
        "--folder", type=Path, help="keep the models here for the next run (default: removed at the end)"
    )
    parser.add_argument("--note", default="", help="kept in the results: what else the machine was doing")
    parser.add_argument("--out", type=Path, default=PROJECT / "eval" / "results" / "llm.json")
    options = parser.parse_args()
    global chosen_clock  # noqa: PLW0603 - one for the whole run
    chosen_clock = options.clock
    report: dict[str, Any] = {
        "date": datetime.now(UTC).date().isoformat(),
        "cpus": os.cpu_count(),
        "threads": options.threads,
        "clock": options.clock,
        "load_before": round(os.getloadavg()[0], 1),
        "note": options.note,
        "python": platform.python_version(),
        "llama_cpp": cpp.llama_print_system_info().decode(),
        "prompt_tokens": options.prompt_tokens,
        "shared": options.shared,
        "models": {},
    }
    with TemporaryDirectory() as temporary:
        for name in options.models:
            report["models"][name] = measure(name, options.folder or Path(temporary), options)
            write_results(options.out, report)
    print(f"written to {options.out}")


if __name__ == "__main__":
    main()
