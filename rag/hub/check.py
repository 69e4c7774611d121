"""A GGUF tried out in a process of its own: what it is, whether it runs here, how fast, in how much memory."""

import json
import logging
import os
import platform
import subprocess
import sys
from dataclasses import asdict, dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from rag.errors import ModelError, marked
from rag.machine import free_ram, physical_cores

_TIMEOUT_S = 600
_ILLEGAL_INSTRUCTION, _KILLED = 4, 9
_SIGNALS = {_ILLEGAL_INSTRUCTION: "an instruction that this CPU lacks", _KILLED: "killed, as for want of memory"}
_RAN, _REMEMBERED = "ran.json", 16
_SMALL = 0.25
"""Of the free memory: a larger file may not fit today though it did before, and then another process has to end."""
_READ_FOR_EACH_WRITTEN = 8
"""Tokens: a prompt is longer than its answer, and reading is several times as fast."""

_log = logging.getLogger(__name__)

# A corrupt file or an instruction that this CPU lacks ends this process, not the caller.
_CHECK = """
import json, sys, time
path, context, threads, read, written = sys.argv[1], *map(int, sys.argv[2:])
began = time.perf_counter()
from llama_cpp import Llama, llama_model_n_params, llama_supports_gpu_offload
llama = Llama(model_path=path, n_ctx=context, n_threads=threads, n_threads_batch=threads, verbose=False)
tokens = llama.tokenize("Tài liệu nói gì về chính sách trí tuệ nhân tạo của Việt Nam? ".encode() * read)[:read]
llama.eval(tokens[:1])  # the file is mapped: only now are its weights read from the disk
loaded = time.perf_counter()
llama.reset()
llama.eval(tokens)
prompted = time.perf_counter()
for _ in range(written):
    llama.eval([llama.sample(temp=0.0)])
done = time.perf_counter()
metadata = llama.metadata
architecture = metadata.get("general.architecture", "")
try:  # not getrusage on Linux: its peak is the parent's where that was larger
    with open("/proc/self/status") as status:
        peak = next(1024 * int(line.split()[1]) for line in status if line.startswith("VmHWM:"))
except (OSError, StopIteration):
    try:
        import resource
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    except ImportError:
        peak = None
print(json.dumps({
    "architecture": architecture,
    "name": metadata.get("general.name", ""),
    "parameters": llama_model_n_params(llama.model),
    "file_type": metadata.get("general.file_type", ""),
    "context_tokens": int(metadata.get(architecture + ".context_length", 0)),
    "chat_template": "tokenizer.chat_template" in metadata,
    "load_s": round(loaded - began, 2),
    "prompt_tokens_per_s": round(len(tokens) / (prompted - loaded), 1),
    "tokens_per_s": round(written / (done - prompted), 1),
    "peak_memory_mb": None if peak is None else round(peak / 1e6),
    "gpu": bool(llama_supports_gpu_offload()),
}))
"""

_FILE_TYPES = {
    0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 7: "Q8_0", 8: "Q5_0", 9: "Q5_1", 10: "Q2_K", 11: "Q3_K_S", 12: "Q3_K_M",
    13: "Q3_K_L", 14: "Q4_K_S", 15: "Q4_K_M", 16: "Q5_K_S", 17: "Q5_K_M", 18: "Q6_K", 32: "BF16",
}  # fmt: skip
"""llama_ftype (https://github.com/ggml-org/llama.cpp/blob/master/include/llama.h), the kinds that people download."""


@dataclass(frozen=True, slots=True)
class ModelReport:
    """How a GGUF did."""

    file: str
    megabytes: float
    architecture: str
    name: str
    parameters: int
    quantization: str
    """The usual name, such as Q4_K_M; empty where the file does not say."""
    context_tokens: int
    """The longest window that it was trained for."""
    chat_template: bool
    load_s: float
    """Until its first token: the weights are read from the disk by then."""
    prompt_tokens_per_s: float
    tokens_per_s: float
    """Written ones."""
    peak_memory_mb: int | None
    """10**6 bytes of the whole process; None where the system does not say."""
    gpu: bool
    """Whether the library was built to use one; the check itself stays on the CPU."""

    def as_json(self) -> dict[str, Any]:
        """The fields."""
        return asdict(self)


def llama_cpp_is_here() -> bool:
    """Whether the library is installed; whether it runs, only a process of its own can tell."""
    return find_spec("llama_cpp") is not None


def check_model(path: Path, written_tokens: int = 16, *, context_tokens: int = 512, threads: int = 0) -> ModelReport:
    """Run a GGUF in a process of its own; it reads eight tokens for each that it writes.

    Args:
        path: the file.
        written_tokens: 1 or more; few tell whether it runs, 16 how fast.
        context_tokens: the window to allocate, which the memory depends on.
        threads: 0 takes the physical cores.

    Raises:
        ModelError: it is no GGUF, or the process ended without a report.
    """
    require_gguf(path)
    read = written_tokens * _READ_FOR_EACH_WRITTEN
    numbers = (max(context_tokens, 2 * (read + written_tokens)), threads or physical_cores(), read, written_tokens)
    try:
        # -P: a file of the working folder must not be imported in place of a library.
        run = subprocess.run(
            [sys.executable, "-P", "-c", _CHECK, str(path), *map(str, numbers)],
            capture_output=True, text=True, errors="replace", timeout=_TIMEOUT_S, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise ModelError(f"{path.name} did not run within {_TIMEOUT_S} s: try a smaller model") from error
    if run.returncode != 0:
        raise ModelError(f"{path.name} does not run here ({_cause(run)}): {_way_out(run)}")
    report: dict[str, Any] = json.loads(run.stdout.strip().splitlines()[-1])
    file_type = str(report.pop("file_type"))
    return ModelReport(
        file=str(path),
        megabytes=round(path.stat().st_size / 1e6, 1),
        quantization=_FILE_TYPES.get(int(file_type), "") if file_type.isdigit() else "",
        **report,
    )


def require_runs(path: Path, folder: Path | None) -> None:
    """Try a GGUF out, unless this very file ran on this computer with this library before: that saves a second.

    Args:
        path: the file.
        folder: where that is remembered; None remembers nothing.

    Raises:
        ModelError: as `check_model`.
    """
    require_gguf(path)
    ran = folder / _RAN if folder is not None else None
    now = _identity(path)
    try:
        known: list[object] = list(json.loads(ran.read_text(encoding="utf-8"))) if ran is not None else []
    except (OSError, ValueError, TypeError):
        known = []
    if now in known and path.stat().st_size < _SMALL * free_ram():
        return
    check_model(path, written_tokens=1)
    if ran is None:
        return
    new = ran.with_suffix(f".{os.getpid()}.new")
    try:
        ran.parent.mkdir(parents=True, exist_ok=True)
        new.write_text(json.dumps([*known, now][-_REMEMBERED:]), encoding="utf-8")
        new.replace(ran)
    except OSError as error:
        _log.info("that %s runs is not remembered in %s: %s", path.name, ran.parent, error)


def _identity(path: Path) -> list[str | int]:
    """All that decides whether a file runs: its content, the library and the computer."""
    file = path.stat()
    spec = find_spec("llama_cpp")
    built = Path(spec.origin).stat().st_mtime_ns if spec is not None and spec.origin else 0
    library = version("llama-cpp-python") if built else ""
    return [str(path.resolve()), file.st_size, file.st_mtime_ns, library, built, platform.node(), platform.machine()]


def require_gguf(path: Path) -> None:
    """Make sure that a file begins like a GGUF.

    Raises:
        ModelError: it cannot be read or does not.
    """
    try:
        with path.open("rb") as stream:
            magic = stream.read(4)
    except OSError as error:
        raise ModelError(f"{path} cannot be read ({error.strerror}): check the path") from error
    if magic != b"GGUF":
        raise ModelError(f"{path} is not a GGUF file: download it again or convert it with llama.cpp")


def ended_by(returncode: int) -> str:
    """Which signal ended a process, and what that means where it is known; empty when it ended by itself."""
    if returncode >= 0:
        return ""
    meaning = _SIGNALS.get(-returncode)
    return f"signal {-returncode}: {meaning}" if meaning else f"signal {-returncode}"


def _cause(run: "subprocess.CompletedProcess[str]") -> str:
    lines = run.stderr.strip().splitlines()
    return ended_by(run.returncode) or (lines[-1] if lines else f"status {run.returncode}")


def _way_out(run: "subprocess.CompletedProcess[str]") -> str:
    if run.returncode == -_ILLEGAL_INSTRUCTION or "No module named" in run.stderr:
        return marked("run `make llm`, or use --llm none")
    if run.returncode == -_KILLED:
        return marked("take a smaller model (`rag models list`), or use --llm none")
    return marked("download it again, run `make llm`, or use --llm none")
