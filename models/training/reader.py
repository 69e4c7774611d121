"""Trains the reader: question and numbered sentences to a citation and a span of it, or "not there".

    python models/training/reader_corpus.py --out reader-work/corpus             # once, beforehand, where the data are
    python models/training/reader.py --work reader-work --size medium --minutes 20 --workers 15 --stop-after 9

The second line is repeated until it says "done": it goes on from its last checkpoint, and the learning rate follows
the minutes trained in all. While the network trains, `--workers` processes make new data; where none are wanted (0),
shards that reader_data.py wrote are read. bf16 on CUDA and on processors that multiply it, fp32 elsewhere. `--out`
gets the log and, whenever it is measured, the weights in float16, cut into files of at most 15 MB, because some
machines give back no larger ones. rag/llm/span_decoding.py says what the tokens mean.
"""

import argparse
import json
import math
import random
import shutil
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from reader_corpus import TOKENIZER
from reader_data import MADE, REAL, ROW_TOKENS, pointers_of, reading_of, start_workers
from reader_network import SHAPES, Marker, Network, Shape, loss_of
from reader_start import set_heads
from reader_tokenizer import load_tokenizer, started_rows
from reader_watch import Watched, measure, watched_questions
from safetensors.torch import save as save_tensors
from torch import Tensor

from rag.config import EmbeddingConfig
from rag.embedding import StaticEmbedder, load_embedder

PART_BYTES = 15_000_000
WEIGHTS = "weights.f16"
_WAIT_S = 2.0


@dataclass(frozen=True, slots=True)
class Settings:
    """What a run is made of; a checkpoint goes on only with the same, the minutes apart."""

    size: str
    minutes: float
    """Of the whole run; a run that is over goes on when they are raised, and its rate goes up with what is left."""
    rows: int
    """Rows of ROW_TOKENS in a step."""
    rate: float
    context_weight: float
    """Weight in the loss of the tokens before the answer."""
    context_share: float
    """Share of them that count, drawn anew in each step."""
    real_share: float
    """Share of the rows with real questions, which grows in a straight line to `real_share_end`."""
    real_share_end: float
    seed: int
    set_heads: bool
    """Whether the first heads are set (reader_start.py) instead of learned."""
    weight_decay: float = 0.05
    warmup: float = 0.02
    """Share of the minutes."""


class Rows:
    """Rows of the shards in a folder in random order, new ones first, all of them again when they run out."""

    def __init__(self, folder: Path, kind: str, seed: int) -> None:
        self._folder, self._kind = folder, kind
        self._rng = random.Random(f"{seed} {kind} {time.time_ns()}")
        self._shards: dict[Path, np.ndarray[Any, np.dtype[np.uint16]]] = {}
        self._queue: list[tuple[Path, int]] = []
        self.passes = 0

    def look(self) -> None:
        """Take in shards that were written since."""
        new = [path for path in sorted(self._folder.glob(f"{self._kind}-*.npy")) if path not in self._shards]
        fresh = []
        for path in new:
            self._shards[path] = np.load(path)
            fresh += [(path, row) for row in range(len(self._shards[path]))]
        self._rng.shuffle(fresh)
        self._queue += fresh

    def take(self, count: int) -> list[np.ndarray[Any, np.dtype[np.uint16]]]:
        """The next rows."""
        while len(self._queue) < count:
            self.look()
            if len(self._queue) < count and self._shards:
                again = [(path, row) for path, shard in self._shards.items() for row in range(len(shard))]
                self._rng.shuffle(again)
                self._queue = again + self._queue
                self.passes += 1
            elif not self._shards:
                time.sleep(_WAIT_S)
        return [self._shards[path][row] for path, row in (self._queue.pop() for _ in range(count))]

    @property
    def count(self) -> int:
        """Rows that are there."""
        return sum(len(shard) for shard in self._shards.values())


def batches(work: Path, settings: Settings, progress: "Progress") -> Iterator[Tensor]:
    """Endless batches of tokens, shape (rows, ROW_TOKENS), real and made mixed."""
    rng = random.Random(settings.seed)
    made, real = (Rows(work / "shards", kind, settings.seed) for kind in (MADE, REAL))
    looked = time.monotonic()
    while True:
        if time.monotonic() - looked > 10:
            made.look()
            real.look()
            looked = time.monotonic()
        share = settings.real_share + (settings.real_share_end - settings.real_share) * progress.share
        wanted = settings.rows * share
        of_real = int(wanted) + (rng.random() < wanted % 1)
        chosen = real.take(of_real) + made.take(settings.rows - of_real)
        progress.rows_there = made.count + real.count
        progress.passes = (made.passes, real.passes)
        yield torch.from_numpy(np.stack(chosen).astype(np.int64))


@dataclass
class Progress:
    """How far a run is; kept in the checkpoint."""

    minutes: float
    """Of the whole run."""
    trained_s: float = 0.0
    steps: int = 0
    tokens: int = 0
    rows_there: int = 0
    passes: tuple[int, int] = (0, 0)

    @property
    def share(self) -> float:
        """0 to 1."""
        return min(self.trained_s / (60 * self.minutes), 1.0)


def rate_at(share: float, settings: Settings) -> float:
    """The learning rate at a share of the minutes: up in a straight line, then down a cosine to a fiftieth."""
    if share < settings.warmup:
        return settings.rate * max(share, 0.01 * settings.warmup) / settings.warmup
    left = 0.5 * (1 + math.cos(math.pi * (share - settings.warmup) / (1 - settings.warmup)))
    return settings.rate * (0.02 + 0.98 * left)


class Run:
    """A network in training, with its optimizer, its checkpoint and its log."""

    def __init__(self, work: Path, out: Path, settings: Settings, device: torch.device) -> None:
        """Go on from the checkpoint in `work`, or begin."""
        self.work, self.out, self.settings, self.device = work, out, settings, device
        self.tokenizer = load_tokenizer(work / "corpus" / TOKENIZER)
        torch.manual_seed(settings.seed)
        self.network = Network(SHAPES[settings.size], self.tokenizer.get_vocab_size())
        embedder = load_embedder(EmbeddingConfig())
        if isinstance(embedder, StaticEmbedder):
            rows = started_rows(self.tokenizer, embedder, self.network.shape.width, settings.seed)
            with torch.no_grad():
                self.network.token_embd.weight.copy_(torch.from_numpy(rows))
        if settings.set_heads:
            set_heads(self.network, torch.Generator().manual_seed(settings.seed))
        self.network.to(device)
        self.marker = Marker(self.network.shape.width).to(device)
        weights = [*self.network.parameters(), *self.marker.parameters()]
        matrices = [weight for weight in weights if weight.dim() == 2]
        others = [weight for weight in weights if weight.dim() != 2]
        groups: list[dict[str, Any]] = [{"params": matrices}, {"params": others, "weight_decay": 0.0}]
        self.optimizer = torch.optim.AdamW(
            groups,
            lr=settings.rate, weight_decay=settings.weight_decay, betas=(0.9, 0.98), fused=True,
        )  # fmt: skip
        self._multiplies_bf16 = device.type == "cuda" or torch.cpu._is_avx512_bf16_supported()
        self.progress = Progress(settings.minutes)
        self._checkpoint = work / f"checkpoint-{settings.size}.pt"
        if self._checkpoint.exists():
            kept = torch.load(self._checkpoint, map_location=device, weights_only=True)
            if kept["settings"] | {"minutes": settings.minutes} != asdict(settings):
                raise SystemExit(f"{self._checkpoint} is of another run ({kept['settings']}): move it away first")
            self.network.load_state_dict(kept["network"])
            self.marker.load_state_dict(kept["marker"])
            self.optimizer.load_state_dict(kept["optimizer"])
            self.progress = Progress(**kept["progress"] | {"minutes": settings.minutes})
        out.mkdir(parents=True, exist_ok=True)

    def log(self, **figures: Any) -> None:
        """One line of JSON, shown and kept."""
        progress = self.progress
        about = {"minutes": round(progress.trained_s / 60, 2), "steps": progress.steps, "tokens": progress.tokens}
        line = json.dumps(about | figures)
        print(line, flush=True)
        whole = self.work / f"log-{self.settings.size}.jsonl"
        with whole.open("a", encoding="utf-8") as stream:
            stream.write(line + "\n")
        shutil.copyfile(whole, self.out / whole.name)  # the commands before this one are in it, too

    def save(self) -> None:
        """Renew the checkpoint."""
        state = {
            "network": self.network.state_dict(), "marker": self.marker.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "progress": asdict(self.progress), "settings": asdict(self.settings),
        }  # fmt: skip
        torch.save(state, self._checkpoint.with_suffix(".new"))
        self._checkpoint.with_suffix(".new").replace(self._checkpoint)

    def give_weights(self) -> None:
        """Write the weights in float16 with their shape, in parts."""
        tensors = {name: weight.detach().half().cpu() for name, weight in self.network.state_dict().items()}
        shape = {name: str(value) for name, value in asdict(self.network.shape).items()}
        whole = save_tensors(tensors, metadata=shape | {"progress": json.dumps(asdict(self.progress))})
        for old in self.out.glob(f"{WEIGHTS}.*"):
            old.unlink()
        for number, at in enumerate(range(0, len(whole), PART_BYTES)):
            (self.out / f"{WEIGHTS}.{number:02d}").write_bytes(whole[at : at + PART_BYTES])

    def step(self, tokens: Tensor) -> Tensor:
        """One step; the mean loss of the answers' tokens, on the device."""
        for group in self.optimizer.param_groups:
            group["lr"] = rate_at(self.progress.share, self.settings)
        tokens = tokens.to(self.device, non_blocking=True)
        settings = self.settings
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self._multiplies_bf16):
            loss, answers = loss_of(self.network, tokens, settings.context_weight, settings.context_share, self.marker)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return answers


def train(run: Run, watched: dict[str, list[Watched]], stop_s: float, every_s: float) -> None:
    """Train until the run's minutes are over, or this command's `stop_s`; measure and save every `every_s`."""
    progress = run.progress
    began = last = measured = time.monotonic()
    losses: list[Tensor] = []
    for tokens in batches(run.work, run.settings, progress):
        losses.append(run.step(tokens))
        now = time.monotonic()
        progress.trained_s += now - last
        last = now
        progress.steps += 1
        progress.tokens += int(tokens.numel())
        is_over = progress.share >= 1 or now - began > stop_s
        if len(losses) >= 50 and progress.steps % 50 == 0:
            mean = round(float(torch.stack(losses[-50:]).mean()), 4)
            speed = round(progress.tokens / max(progress.trained_s, 1e-9))
            run.log(loss=mean, tokens_per_s=speed, rows=progress.rows_there, passes=progress.passes)
            losses = losses[-50:]
        if is_over or now - measured > every_s:
            figures = {name: measure(run.network, part, run.tokenizer) for name, part in watched.items()}
            run.log(loss=round(float(torch.stack(losses).mean()), 4), **figures)
            run.save()
            run.give_weights()
            # Measuring counts too: on a borrowed machine it costs the same.
            progress.trained_s += time.monotonic() - last
            measured = last = time.monotonic()
        if is_over:
            break
    print("done" if progress.share >= 1 else "to be continued: the same command again", flush=True)


def main() -> None:
    """Train, or go on with a training."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=Path("reader-work"), help="corpus, shards and checkpoint")
    parser.add_argument("--out", type=Path, default=Path("reader-work/out"), help="log and weights")
    parser.add_argument("--size", choices=list(SHAPES), default="medium")
    parser.add_argument("--minutes", type=float, default=20.0, help="of the whole run")
    parser.add_argument("--stop-after", type=float, default=1e9, help="minutes of this command")
    parser.add_argument("--workers", type=int, default=0, help="processes that make data meanwhile")
    parser.add_argument("--rows", type=int, default=128, help=f"rows of {ROW_TOKENS} tokens a step")
    parser.add_argument("--rate", type=float, default=1.5e-3)
    parser.add_argument("--context-weight", type=float, default=0.1)
    parser.add_argument("--context-share", type=float, default=0.5)
    parser.add_argument("--real-share", type=float, default=0.12)
    parser.add_argument("--real-share-end", type=float, default=0.3)
    parser.add_argument("--set-heads", action="store_true", help="start from heads that copy (reader_start.py)")
    parser.add_argument("--measure-every", type=float, default=4.0, help="minutes")
    parser.add_argument("--watched", type=int, default=300, help="questions that are measured of each kind")
    parser.add_argument("--threads", type=int, default=0, help="of torch on a CPU; 0 leaves it to torch")
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    torch.set_float32_matmul_precision("high")
    settings = Settings(
        options.size, options.minutes, options.rows, options.rate, options.context_weight, options.context_share,
        options.real_share, options.real_share_end, options.seed, options.set_heads,
    )  # fmt: skip
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    run = Run(options.work, options.out, settings, device)
    # Each command makes other data: the seed goes on with the steps.
    seconds = 60 * min(options.stop_after, options.minutes) + 60
    start_workers(options.work, options.workers, options.seed + run.progress.steps, seconds)
    corpus = options.work / "corpus"
    # Neither half was trained on what is watched.
    watched = watched_questions(corpus, reading_of(corpus), pointers_of(options.work)[0], options.watched)
    shape: Shape = run.network.shape
    run.log(device=str(device), shape=asdict(shape), weights=sum(one.numel() for one in run.network.parameters()))
    train(run, watched, 60 * options.stop_after, 60 * options.measure_every)


if __name__ == "__main__":
    main()
