"""Speed of the bundled static embedding beside a transformer of multilingual-e5-small's shape, in one run.

    python eval/benchmarks/embedding_speed.py --data ../shared/data

The transformer has random weights, which cost as much to multiply as trained ones: BERT with 12 layers of width 384, 12
heads, 1,536 inside, 250,037 units, mean pooling. Its tokenizer is WordPiece trained here on the Wikipedia passages, one
unit for each common syllable and punctuation mark, as e5's has; the units a syllable are reported. Both run as the
system runs them, through `rag.embedding`, on the same passages, in turns. A cold start is a new Python process up to
the vector of its first question.
"""

import argparse
import itertools
import os
import platform
import random
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from question_sets import PROJECT, wiki_texts
from results_file import write_results
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

from rag.batch.resampling import bootstrap_interval
from rag.config import EmbeddingConfig, RagConfig
from rag.embedding import load_embedder
from rag.text import normalize, syllables
from rag.types import Embedder

SHAPE = {
    "num_hidden_layers": 12,
    "hidden_size": 384,
    "num_attention_heads": 12,
    "intermediate_size": 1536,
    "vocab_size": 250_037,
    "max_position_embeddings": 512,
}
SYLLABLES = range(140, 161)
QUESTIONS = 20
STATIC_REPEATS = 20
"""The static model's passes a round: a single one is too short for the clock."""
A_SECOND, SECONDS = "a second", "seconds"
_COLD = """
import sys
from rag.config import EmbeddingConfig
from rag.embedding import load_embedder
load_embedder(EmbeddingConfig(model=sys.argv[1])).embed_queries(["Thủ đô của nước Pháp là thành phố nào?"])
"""


def passages(data: Path, count: int, seed: int) -> list[str]:
    """A seeded sample of Wikipedia passages of about 150 syllables."""
    texts = map(normalize, wiki_texts(data))
    return random.Random(seed).sample([text for text in texts if len(syllables(text)) in SYLLABLES], count)


def train_tokenizer(data: Path, texts: int) -> Tokenizer:
    """WordPiece of at most 30,000 units from the first Wikipedia passages, with BERT's frame round each text."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(
        vocab_size=30_000, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]"], show_progress=False
    )
    tokenizer.train_from_iterator(itertools.islice(wiki_texts(data), texts), trainer)
    frame = [(name, tokenizer.token_to_id(name)) for name in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=frame)
    return tokenizer


def write_transformer(folder: Path, tokenizer: Tokenizer) -> None:
    """A sentence-transformers model of SHAPE with random weights."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    bert = folder / "bert"
    BertModel(BertConfig(**SHAPE)).save_pretrained(bert)
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, model_max_length=512,
        pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]",
    ).save_pretrained(bert)  # fmt: skip
    model = Transformer(str(bert))
    SentenceTransformer(modules=[model, Pooling(SHAPE["hidden_size"])], device="cpu").save(str(folder / "model"))


def seconds(work: Callable[[], object]) -> float:
    """How long it takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def rates(embedder: Embedder, texts: Sequence[str], questions: Sequence[str], repeats: int) -> tuple[float, float]:
    """Passages a second in one call, and questions a second one by one."""
    told = seconds(lambda: [embedder.embed_passages(texts) for _ in range(repeats)])
    asked = seconds(lambda: [embedder.embed_queries([one]) for _ in range(repeats) for one in questions])
    return repeats * len(texts) / told, repeats * len(questions) / asked


def cold_start(model: str) -> float:
    """Seconds from the start of Python to the vector of the first question."""
    environment = {**os.environ, "PYTHONPATH": str(PROJECT), "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-c", _COLD, model]
    return seconds(lambda: subprocess.run(command, check=True, env=environment, capture_output=True))


def compared(static: Sequence[float], transformer: Sequence[float], unit: str) -> dict[str, Any]:
    """Both medians over the rounds, and the mean of the rounds' ratios, above 1 where the static model is faster."""
    pairs = zip(static, transformer, strict=True)
    ratios = [slow / fast if unit == SECONDS else fast / slow for fast, slow in pairs]
    return {
        "unit": unit,
        "static": round(float(np.median(static)), 2),
        "transformer": round(float(np.median(transformer)), 2),
        "static_is_faster_by": round(float(np.mean(ratios)), 1),
        "interval": [round(end, 1) for end in bootstrap_interval(ratios)],
        "rounds": len(ratios),
    }


def measure(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Everything, in rounds: the static model and the transformer take turns."""
    tokenizer = train_tokenizer(options.data, options.tokenizer_texts)
    write_transformer(folder, tokenizer)
    texts = passages(options.data, options.passages, options.seed)
    questions = [" ".join(text.split()[:12]) for text in texts[:QUESTIONS]]
    names = (RagConfig().embedding.model, str(folder / "model"))
    static, transformer = (load_embedder(replace(EmbeddingConfig(), model=name)) for name in names)
    for embedder in (static, transformer):
        embedder.embed_passages(texts[:8])  # loads what is loaded late
    fast = [rates(static, texts, questions, STATIC_REPEATS)]
    slow = [rates(transformer, texts, questions, 1)]
    for _ in range(options.rounds - 1):
        fast.append(rates(static, texts, questions, STATIC_REPEATS))
        slow.append(rates(transformer, texts, questions, 1))
    cold = [[cold_start(name) for name in names] for _ in range(options.cold_starts)]
    words = sum(len(syllables(text)) for text in texts)
    units = sum(len(one.ids) - 2 for one in tokenizer.encode_batch(texts))
    return {
        "syllables_a_passage": round(words / len(texts), 1),
        "transformer_units_a_syllable": round(units / words, 2),
        "static": dict(static.identity),
        "passages": compared([one for one, _ in fast], [one for one, _ in slow], A_SECOND),
        "single_questions": compared([one for _, one in fast], [one for _, one in slow], A_SECOND),
        "cold_start": compared([one for one, _ in cold], [one for _, one in cold], SECONDS),
    }


def main() -> None:
    """Measure, print, write one JSON file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--passages", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--cold-starts", type=int, default=5)
    parser.add_argument("--tokenizer-texts", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=22)
    parser.add_argument("--out", type=Path, default=PROJECT / "eval" / "results" / "embedding_speed.json")
    options = parser.parse_args()
    import torch

    report: dict[str, Any] = {
        "date": datetime.now(UTC).date().isoformat(),
        "cpus": os.cpu_count(),
        "torch_threads": torch.get_num_threads(),
        "load_before": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "seed": options.seed,
        "passages_a_round": options.passages,
        "batch_size": EmbeddingConfig().batch_size,
        "transformer": SHAPE,
        "transformer_tokenizer": f"WordPiece, at most 30,000 units, trained on {options.tokenizer_texts} passages",
    }
    with TemporaryDirectory(prefix="rag-benchmark-") as folder:
        report |= measure(options, Path(folder))
    print(f"{'':20s}{'static':>12s}{'transformer':>14s}   static is faster by (95%)")
    for name in ("passages", "single_questions", "cold_start"):
        told = report[name]
        low, high = told["interval"]
        print(f"{name + ', ' + told['unit']:27s}{told['static']:>12}{told['transformer']:>14}"
              f"   {told['static_is_faster_by']} times ({low} to {high}), {told['rounds']} rounds")  # fmt: skip
    write_results(options.out, report)


if __name__ == "__main__":
    main()
