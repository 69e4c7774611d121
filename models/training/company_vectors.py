"""Vectors of the bundled embedding's units by the company that they keep in raw text; and that text as units.

    python models/training/company_vectors.py --data ../shared/data --work SCRATCH --out models/company-vi

What stands beside a unit, left and right apart, counted over news and Wikipedia; the counts as positive pointwise
mutual information, reduced by a randomized singular value decomposition (Levy and Goldberg 2014, "Neural word embedding
as implicit matrix factorization"; Halko et al. 2011, arXiv:0909.4061). The embedding itself was trained to find
passages, and makes those units alike that share syllables; these make alike what is said of the same things. Four
minutes on two cores, most of it cutting the text into units.
"""

import argparse
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from raw_rows import rows
from reader_corpus import COPIED, shingles
from safetensors.numpy import save_file
from scipy import sparse
from training_sets import MEASURED_SET

from rag.config import EmbeddingConfig
from rag.embedding import StaticEmbedder, load_embedder
from rag.relevance.company import COMPANY_FILE
from rag.text import normalize
from rag.types import FloatMatrix

TOKENS = "tokens-{}.npy"
TEXT_END = -1
"""Between two texts in a stream of units."""
_PARTS = 2
_REACH = 3
"""Units to either side that are company; one that is farther away counts less."""
_DIMENSION = 128
_LENGTH = 3.0
"""Of every vector: about as long as the embedding's."""
_SMOOTHING = 0.75
"""Power of the counts of the company, which makes rare ones count less."""
_AT_ONCE = 8_000_000
_PASSES = 4
_SPARE = 24
"""Further dimensions while the decomposition is made."""


def texts(data: Path, part: int) -> Iterator[str]:
    """A part of the raw text, without copies of the measured set."""
    contexts = {normalize(row["context"]) for row in rows(data / "qa" / f"{MEASURED_SET}.jsonl.gz")}
    measured = {one for context in contexts for one in shingles(context)}
    if part == 0:
        for text in _wiki(data):
            if len(shingles(text) & measured) < COPIED:
                yield text
    for number, row in enumerate(rows(data / "text" / "vietnews-articles.jsonl.gz")):
        if (number % 5 < 2) == (part == 0):
            yield f"{row['title']}. {row['abstract']}\n{row['body']}"


def _wiki(data: Path) -> Iterator[str]:
    for row in rows(data / "text" / "viwiki2017-passages.jsonl.gz"):
        yield normalize(row["text"])
    for row in rows(data / "text" / "viwik19-articles.jsonl.gz"):
        lines = row["text"].split("\n")
        yield from (normalize(line) for line in lines if len(line) > 60 and not line.startswith("=="))


def write_tokens(data: Path, work: Path, part: int) -> int:
    """Write a part of the text as units; how many they are. Runs in a process of its own."""
    embedder = load_embedder(EmbeddingConfig())
    assert isinstance(embedder, StaticEmbedder)
    told = [np.array([*embedder.units(text)[0], TEXT_END], dtype=np.int32) for text in texts(data, part)]
    stream = np.concatenate(told)
    np.save(work / TOKENS.format(part), stream)
    return len(stream)


def read_tokens(work: Path) -> NDArray[np.int32]:
    """The whole text as units."""
    return np.concatenate([np.load(work / TOKENS.format(part)) for part in range(_PARTS)])


def counted(stream: NDArray[np.int32], units: int) -> sparse.csr_matrix:
    """How often each unit has each other one behind it, (units, units), near ones counted more."""
    counts = sparse.csr_matrix((units, units), dtype=np.float32)
    for at in range(0, len(stream), _AT_ONCE):
        part = stream[at : at + _AT_ONCE + _REACH]
        for gap in range(1, _REACH + 1):
            size = len(part) - gap
            inside = np.all([part[step : step + size] >= 0 for step in range(gap + 1)], axis=0)
            pairs = (part[:size][inside], part[gap:][inside])
            weights = np.full(len(pairs[0]), (_REACH + 1 - gap) / _REACH, dtype=np.float32)
            counts = counts + sparse.coo_matrix((weights, pairs), shape=(units, units)).tocsr()
    return counts


def company_vectors(counts: sparse.csr_matrix, seed: int) -> FloatMatrix:
    """The vectors of the units, (units, _DIMENSION), all of length _LENGTH; zero for what never occurs."""
    both = sparse.hstack([counts, counts.T.tocsr()]).tocsr()
    both.data[both.data < 1.0] = 0
    both.eliminate_zeros()
    of_unit = np.asarray(both.sum(axis=1)).ravel()
    of_company = np.asarray(both.sum(axis=0)).ravel() ** _SMOOTHING
    of_company /= of_company.sum()
    both = both.tocoo()
    information = np.log(both.data / (of_unit[both.row] * of_company[both.col]) + 1e-12)
    # What was seen once or twice says less than it seems to.
    information *= both.data / (both.data + 1)
    kept = information > 0
    matrix = sparse.csr_matrix(
        (information[kept].astype(np.float32), (both.row[kept], both.col[kept])), shape=both.shape
    )
    wide = np.random.default_rng(seed).standard_normal((matrix.shape[1], _DIMENSION + _SPARE), dtype=np.float32)
    for _ in range(_PASSES):
        narrow, _ = np.linalg.qr(matrix @ wide)
        wide, _ = np.linalg.qr(matrix.T @ narrow)
    left, sizes, _ = np.linalg.svd(matrix @ wide, full_matrices=False)
    vectors = left[:, :_DIMENSION] * np.sqrt(sizes[:_DIMENSION])
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    scaled: FloatMatrix = (_LENGTH * vectors / np.maximum(lengths, 1e-9)).astype(np.float32)
    return scaled


def write_vectors(folder: Path, vectors: FloatMatrix) -> None:
    """Write the vectors as whole numbers of one byte, with a scale for each unit."""
    scales = np.maximum(np.abs(vectors).max(axis=1), 1e-9) / 127
    rows_ = np.round(vectors / scales[:, None]).astype(np.int8)
    save_file({"rows": rows_, "scales": scales.astype(np.float16)}, str(folder / COMPANY_FILE))
    (folder / COMPANY_FILE).chmod(0o644)  # safetensors writes it for its owner alone


def main() -> None:
    """Cut the text, count, reduce, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--work", type=Path, default=Path("company-work"), help="the text as units")
    parser.add_argument("--out", type=Path, default=Path("models/company-vi"))
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    if not all((options.work / TOKENS.format(part)).exists() for part in range(_PARTS)):
        with ProcessPoolExecutor(_PARTS, mp_context=get_context("spawn")) as processes:
            jobs = [processes.submit(write_tokens, options.data, options.work, part) for part in range(_PARTS)]
            print(f"{sum(job.result() for job in jobs)} units, {time.monotonic() - began:.0f} s", flush=True)
    embedder = load_embedder(EmbeddingConfig())
    assert isinstance(embedder, StaticEmbedder)
    vectors = company_vectors(counted(read_tokens(options.work), embedder.size), options.seed)
    options.out.mkdir(parents=True, exist_ok=True)
    write_vectors(options.out, vectors)
    print(f"done, {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
