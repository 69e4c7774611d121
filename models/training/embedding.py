"""Train the bundled static embedding from public Vietnamese text: `python models/training/embedding.py`.

The loop is written out rather than left to sentence-transformers' trainer for two reasons. The trainer tokenizes each
text again in every epoch, which on two cores costs more than the training itself; and the vector of a unit of several
syllables is learned as the sum of its parts and a term of its own (see `Composition`), which is folded into one plain
row when the model is written. The result is an ordinary sentence-transformers folder.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from embedding_groups import Group, Ragged, make_groups
from embedding_tokenizer import MARK, Vocabulary, build_tokenizer, build_vocabulary
from numpy.typing import NDArray
from raw_rows import rows
from safetensors.numpy import save_file
from tokenizers import Tokenizer
from torch.nn import functional

PROJECT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Settings:
    """All that decides the result, next to the data."""

    seed: int = 22
    dim: int = 256
    matryoshka: tuple[int, ...] = (256, 128, 64)
    n_singles: int = 26_000
    n_words: int = 40_000
    n_pieces: int = 8_000
    news_vocabulary_share: float = 0.25  # news is the largest source and would drown the other registers
    news_pairs_share: float = 0.5  # more than the steps below can see only costs time
    batch: int = 2048
    steps: int = 600
    warmup: float = 0.1
    learning_rate: float = 0.03
    scale: float = 20.0  # inverse temperature of the cosine
    max_tokens: int = 400
    # How often a batch comes from a group. A batch holds one group only: a wrong answer from the same register is the
    # harder one.
    mixture: tuple[tuple[str, float], ...] = (("news", 0.3), ("wiki", 0.4), ("laws", 0.1), ("questions", 0.2))
    # Pairs that stand together in a source enter a batch together: the next passages of one article or one law are the
    # wrong answers that are hard to tell from the right one.
    blocks: tuple[tuple[str, int], ...] = (("news", 4), ("wiki", 42), ("laws", 30), ("questions", 16))


def vocabulary_texts(data: Path, news_share: float, rng: random.Random) -> Iterator[str]:
    """The texts whose counts make the vocabulary."""
    for row in rows(data / "text" / "vietnews-articles.jsonl.gz"):
        if rng.random() < news_share:
            yield f"{row['title']}\n{row['abstract']}\n{row['body']}"
    for row in rows(data / "text" / "viwiki2017-passages.jsonl.gz"):
        yield f"{row['title']}\n{row['section']}\n{row['text']}"
    for row in rows(data / "text" / "laws.jsonl.gz"):
        yield str(row["text"])


class Composition(torch.nn.Module):
    """One vector a unit: its own term, plus the terms of the shorter units inside it."""

    def __init__(self, vocabulary: Vocabulary, dim: int, seed: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        own = torch.randn(len(vocabulary.pieces), dim, generator=generator) / dim**0.5
        counts = torch.tensor(vocabulary.counts, dtype=torch.float32)
        # Rare units say more: start from the weights that lexical search would give, not from equal ones.
        rarity = torch.log(counts.sum() / counts).clamp(1.0, 12.0) / 12.0
        has_parts = torch.tensor([bool(p) for p in vocabulary.parts])
        rarity[has_parts] *= 0.3
        rarity[0] = 0.0
        self.own = torch.nn.Parameter(own * rarity[:, None])
        whole = [i for i, parts in enumerate(vocabulary.parts) for _ in parts]
        self.register_buffer("whole", torch.tensor(whole, dtype=torch.long))
        self.register_buffer("part", torch.tensor([p for parts in vocabulary.parts for p in parts], dtype=torch.long))
        self.whole: torch.Tensor
        self.part: torch.Tensor

    def forward(self) -> torch.Tensor:
        """The plain rows, units x dim."""
        return self.own.index_add(0, self.whole, self.own[self.part])


def contrastive_loss(
    queries: torch.Tensor, passages: torch.Tensor, target: torch.Tensor, same: torch.Tensor, settings: Settings
) -> torch.Tensor:
    """InfoNCE over the batch, averaged over the leading dimensions (Matryoshka, arXiv:2205.13147).

    `target[i]` is the row of `passages` that answers query i. `same`, queries x passages, marks further windows of the
    same text, which are no wrong answers.
    """
    total = queries.new_zeros(())
    for dim in settings.matryoshka:
        scores = functional.normalize(queries[:, :dim]) @ functional.normalize(passages[:, :dim]).T
        scores = (settings.scale * scores).masked_fill(same, float("-inf"))
        total = total + functional.cross_entropy(scores, target)
    return total / len(settings.matryoshka)


def train(vocabulary: Vocabulary, groups: dict[str, Group], settings: Settings) -> NDArray[np.float32]:
    """The trained rows, units x dim."""
    rng = np.random.default_rng(settings.seed)
    model = Composition(vocabulary, settings.dim, settings.seed)
    optimizer = torch.optim.Adam(model.parameters(), lr=settings.learning_rate, fused=True)
    warm = max(1, int(settings.warmup * settings.steps))

    def rate(step: int) -> float:
        return min((step + 1) / warm, max(0.0, (settings.steps - step) / (settings.steps - warm)))

    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)
    names = [name for name, _ in settings.mixture]
    shares = np.array([share for _, share in settings.mixture])
    queues: dict[str, NDArray[np.int64]] = {name: np.empty(0, dtype=np.int64) for name in names}
    started = time.monotonic()
    for step in range(settings.steps):
        name = names[rng.choice(len(names), p=shares / shares.sum())]
        group = groups[name]
        if len(queues[name]) < settings.batch:
            queues[name] = _order(len(group.passage_of), dict(settings.blocks).get(name, 1), rng)
        chosen, queues[name] = queues[name][: settings.batch], queues[name][settings.batch :]
        # Pairs that share a passage share its column, so that no passage is embedded twice.
        passages, column = np.unique(group.passage_of[chosen], return_inverse=True)
        marks = torch.from_numpy(group.passage_ids)
        same = marks[group.passage_of[chosen], None] == marks[None, passages]
        target = torch.from_numpy(column)
        same[torch.arange(len(target)), target] = False
        table = model()
        loss = contrastive_loss(
            functional.embedding_bag(*_bag(group.queries, chosen, table), mode="sum"),
            functional.embedding_bag(*_bag(group.passages, passages, table), mode="sum"),
            target,
            same,
            settings,
        )
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
        if step % 50 == 0 or step == settings.steps - 1:
            seconds = time.monotonic() - started
            print(f"step {step:5d}  {name:9s}  loss {loss.item():.3f}  {seconds:.0f} s", flush=True)
    with torch.no_grad():
        result: NDArray[np.float32] = model().numpy().copy()
    # An unknown character says nothing, nor does the space before it: a text of them alone gets the zero vector.
    result[[0, vocabulary.pieces.index(MARK)]] = 0.0
    return result


def _order(size: int, block: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """All of 0..size-1, whole blocks of neighbours in random order."""
    starts = rng.permutation(np.arange(0, size, block))
    places = (starts[:, None] + np.arange(block)[None, :]).ravel()
    return places[places < size]


def _bag(
    texts: Ragged, which: NDArray[np.int64], table: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    ids, offsets = texts.gather(which)
    return ids, table, offsets


def quantize(rows_: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """int8 rows and one float32 scale a row: `rows ~ int8 * scale[:, None]`."""
    scale = np.abs(rows_).max(axis=1) / 127.0
    safe = np.where(scale > 0, scale, 1.0)
    return np.rint(rows_ / safe[:, None]).astype(np.int8), scale.astype(np.float32)


def write_model(out: Path, tokenizer: Tokenizer, table: NDArray[np.float32], settings: Settings) -> None:
    """A sentence-transformers folder at `out`, replaced in one rename; its README.md, if any, is kept."""
    fresh = out.with_name(out.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    module = fresh / "0_StaticEmbedding"
    module.mkdir(parents=True)
    (fresh / "1_Normalize").mkdir()
    tokenizer.save(str(module / "tokenizer.json"), pretty=False)
    values, scale = quantize(table)
    # The names that sentence-transformers reads as "rows times a weight a row", which is what int8 rows need.
    save_file({"embeddings": values, "weights": scale}, str(module / "model.safetensors"))
    (module / "model.safetensors").chmod(0o644)  # safetensors writes it for its owner alone
    base = "sentence_transformers.sentence_transformer.modules"
    modules = [
        {"idx": 0, "name": "0", "path": module.name, "type": f"{base}.static_embedding.StaticEmbedding"},
        {"idx": 1, "name": "1", "path": "1_Normalize", "type": f"{base}.normalize.Normalize"},
    ]
    config: dict[str, Any] = {"prompts": {}, "default_prompt_name": None, "similarity_fn_name": "cosine"}
    for name, content in (("modules.json", modules), ("config_sentence_transformers.json", config)):
        (fresh / name).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    (fresh / "training.json").write_text(json.dumps(asdict(settings), indent=2) + "\n", encoding="utf-8")
    old = out.with_name(out.name + ".old")
    shutil.rmtree(old, ignore_errors=True)
    if out.exists():
        if (out / "README.md").exists():
            shutil.copy2(out / "README.md", fresh / "README.md")
        out.rename(old)
    fresh.rename(out)
    shutil.rmtree(old, ignore_errors=True)


def main() -> None:
    """Build the vocabulary, make the pairs, train, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=PROJECT.parent / "shared" / "data")
    parser.add_argument("--out", type=Path, default=PROJECT / "models" / "embedding-vi")
    parser.add_argument("--steps", type=int, default=Settings.steps)
    parser.add_argument("--seed", type=int, default=Settings.seed)
    arguments = parser.parse_args()
    settings = Settings(steps=arguments.steps, seed=arguments.seed)
    rng = random.Random(settings.seed)
    texts = vocabulary_texts(arguments.data, settings.news_vocabulary_share, rng)
    vocabulary = build_vocabulary(texts, settings.n_singles, settings.n_words, settings.n_pieces)
    tokenizer = build_tokenizer(vocabulary)
    print(f"{len(vocabulary.pieces)} units", flush=True)
    share, longest = settings.news_pairs_share, settings.max_tokens
    groups = make_groups(tokenizer, arguments.data, settings.seed, share, longest)
    for name, group in groups.items():
        print(f"{name}: {len(group.passage_of)} pairs, {len(group.passage_ids)} passages", flush=True)
    write_model(arguments.out, tokenizer, train(vocabulary, groups, settings), settings)
    print(f"written to {arguments.out.name}/")


if __name__ == "__main__":
    main()
