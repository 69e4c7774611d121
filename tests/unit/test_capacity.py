"""How many texts go through a model at once."""

from pathlib import Path

import pytest

from rag.embedders.capacity import fitting_texts, free_bytes, halving
from rag.errors import ModelError
from rag.machine import _container_bytes

GB = 1 << 30


def runs_out_above(most: int, error: BaseException, tried: list[int]):
    def work(size: int) -> str:
        tried.append(size)
        if size > most:
            raise error
        return f"done with {size}"

    return work


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB."),
        RuntimeError("[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory: you tried to"),
    ],
    ids=["python", "gpu", "cpu"],
)
def test_a_size_that_is_too_large_is_halved(error: BaseException) -> None:
    tried: list[int] = []
    assert halving(runs_out_above(10, error, tried), 32) == ("done with 8", 8)
    assert tried == [32, 16, 8]


def test_when_not_one_text_fits_the_way_out_is_told() -> None:
    with pytest.raises(ModelError, match="one text at a time does not fit into the memory: lower max_tokens"):
        halving(runs_out_above(0, MemoryError(), []), 4)


def test_another_error_is_not_taken_for_too_little_memory() -> None:
    tried: list[int] = []
    with pytest.raises(RuntimeError, match="shapes do not match"):
        halving(runs_out_above(0, RuntimeError("shapes do not match"), tried), 4)
    assert tried == [4]


@pytest.mark.parametrize(
    ("free", "width", "heads", "tokens", "texts"),
    [
        # 4 * 512 * (16 * 1024 + 2 * 16 * 512) = 64 MiB a text
        (8 * GB, 1024, 16, 512, 32),
        (8 * GB - 1, 1024, 16, 512, 16),
        (GB, 1024, 16, 512, 4),
        (1, 1024, 16, 512, 1),
        # 4 * 256 * (16 * 384 + 2 * 12 * 256) = 12 MiB a text
        (GB, 384, 12, 256, 16),
    ],
)
def test_texts_fill_a_quarter_of_the_free_memory(free: int, width: int, heads: int, tokens: int, texts: int) -> None:
    assert fitting_texts(free, width, heads, tokens) == texts


def test_a_container_has_what_its_limit_leaves(tmp_path: Path) -> None:
    (tmp_path / "memory.max").write_text("1000\n", encoding="ascii")
    (tmp_path / "memory.current").write_text("700\n", encoding="ascii")
    (tmp_path / "memory.stat").write_text("anon 500\ninactive_file 150\n", encoding="ascii")
    assert _container_bytes(tmp_path) == 450
    (tmp_path / "memory.max").write_text("max\n", encoding="ascii")
    assert _container_bytes(tmp_path) == 1 << 62
    assert _container_bytes(tmp_path / "nothing") == 1 << 62
    assert 0 < free_bytes("cpu") < 1 << 62
