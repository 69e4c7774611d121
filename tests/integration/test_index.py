"""The stored index: incremental, checked on opening, whole at any time."""

import shutil
import sqlite3
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rag.config import ChunkingConfig, EmbeddingConfig, RagConfig
from rag.embedders.vectors import unit_rows
from rag.embedding import StaticEmbedder, load_embedder
from rag.errors import DocumentError, IndexMismatchError, IndexMissingError, ModelError
from rag.index import StoredIndex, open_index, passage_text
from rag.indexing.updating import index_documents, update_index
from rag.retrieval import HybridRetriever
from rag.types import Chunk, Document, Embedder
from tests.conftest import SEEDS


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    folder = tmp_path / "corpus"
    folder.mkdir()
    (folder / "mot.txt").write_text("Hà Nội là thủ đô của Việt Nam.", encoding="utf-8")
    (folder / "hai.txt").write_text("Seoul là thủ đô của Hàn Quốc.", encoding="utf-8")
    return folder


def best(stored: StoredIndex, embedder: Embedder, config: RagConfig, question: str) -> str:
    return HybridRetriever(stored, embedder, config.retrieval).retrieve(question, 1)[0].source


def test_a_passage_asked_with_its_own_text_ranks_first_with_cosine_one(
    seeds_index: Path, embedder: Embedder, config: RagConfig
) -> None:
    stored = open_index(seeds_index, embedder, config)
    for document in stored.all_documents():
        (hit,) = stored.scored_chunks(stored.search_lexical(document.text[:600], 1))
        vector = embedder.embed_passages([passage_text(document, hit.chunk)])
        ((row, cosine),) = stored.search_dense(vector, 1)
        assert cosine == pytest.approx(1.0, abs=1e-5)
        assert stored.scored_chunks([(row, cosine)])[0].chunk == hit.chunk
        assert document.text[hit.chunk.start_char : hit.chunk.end_char] == hit.chunk.text


def test_dense_search_agrees_with_plain_numpy(seeds_index: Path, embedder: Embedder, config: RagConfig) -> None:
    stored = open_index(seeds_index, embedder, config)
    vector = embedder.embed_queries(["Hàn Quốc đầu tư bao nhiêu tiền?"])
    hits = stored.search_dense(vector, stored.chunks)
    cosines = stored.cosines(vector, [row for row, _ in hits])
    assert [score for _, score in hits] == pytest.approx(cosines, abs=1e-5)
    assert cosines == sorted(cosines, reverse=True)
    assert len(hits) == stored.chunks


def test_unchanged_files_cost_nothing_and_changes_are_seen(
    corpus: Path, tmp_path: Path, embedder: Embedder, config: RagConfig
) -> None:
    index = tmp_path / "index"
    first = update_index(index, [corpus], embedder, config)
    assert (first.added, first.documents, first.chunks) == (2, 2, 2)
    again = update_index(index, [corpus], embedder, config)
    assert (again.added, again.changed, again.removed, again.unchanged) == (0, 0, 0, 2)
    (corpus / "mot.txt").write_text("Tokyo là thủ đô của Nhật Bản.", encoding="utf-8")
    (corpus / "hai.txt").unlink()
    (corpus / "ba.txt").write_text("Paris là thủ đô của Pháp.", encoding="utf-8")
    third = update_index(index, [corpus], embedder, config)
    assert (third.added, third.changed, third.removed, third.documents) == (1, 1, 1, 2)
    stored = open_index(index, embedder, config)
    assert {document.source for document in stored.all_documents()} == {"mot.txt", "ba.txt"}
    assert best(stored, embedder, config, "thủ đô của Nhật Bản") == "mot.txt"
    assert stored.search_lexical("Seoul", 5) == []


def test_a_second_folder_joins_the_first_and_rebuild_leaves_it_out(
    corpus: Path, tmp_path: Path, embedder: Embedder, config: RagConfig
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "mot.txt").write_text("Paris là thủ đô của Pháp.", encoding="utf-8")
    index = tmp_path / "index"
    update_index(index, [corpus], embedder, config)
    assert update_index(index, [other], embedder, config).documents == 3
    assert update_index(index, [other], embedder, config, rebuild=True).documents == 1
    assert open_index(index, embedder, config).documents == 1


def test_a_file_that_cannot_be_read_harms_no_other(
    corpus: Path, tmp_path: Path, embedder: Embedder, config: RagConfig
) -> None:
    (corpus / "anh.txt").write_bytes(b"\x89PNG\x00\xff")
    report = update_index(tmp_path / "index", [corpus], embedder, config)
    assert report.documents == 2
    assert [source for source, _ in report.failed] == ["anh.txt"]


def test_a_file_that_became_unreadable_keeps_its_last_version(
    corpus: Path, tmp_path: Path, embedder: Embedder, config: RagConfig
) -> None:
    index = tmp_path / "index"
    update_index(index, [corpus], embedder, config)
    (corpus / "mot.txt").write_bytes(b"\x00\xff")
    report = update_index(index, [corpus], embedder, config)
    assert (report.documents, len(report.failed)) == (2, 1)


@pytest.mark.parametrize("rebuild", [False, True])
def test_wrong_input_leaves_the_index_as_it_was(
    corpus: Path, tmp_path: Path, embedder: Embedder, config: RagConfig, rebuild: bool
) -> None:
    index = tmp_path / "index"
    update_index(index, [corpus], embedder, config)
    empty, binary = tmp_path / "empty", tmp_path / "binary.txt"
    empty.mkdir()
    binary.write_bytes(b"\x00\x01\xff")
    for wrong in (tmp_path / "nowhere", empty):
        with pytest.raises(DocumentError):
            update_index(index, [wrong], embedder, config, rebuild=rebuild)
    if rebuild:
        with pytest.raises(DocumentError):
            update_index(index, [binary], embedder, config, rebuild=True)
    stored = open_index(index, embedder, config)
    assert stored.documents == 2
    assert best(stored, embedder, config, "thủ đô Hàn Quốc") == "hai.txt"


def test_nothing_readable_makes_no_index(tmp_path: Path, embedder: Embedder, config: RagConfig) -> None:
    binary = tmp_path / "binary.txt"
    binary.write_bytes(b"\x00\x01\xff")
    with pytest.raises(DocumentError, match=r"binary\.txt"):
        update_index(tmp_path / "index", [binary], embedder, config)
    assert not (tmp_path / "index").exists()


def test_another_model_is_refused_by_name(corpus: Path, tmp_path: Path, embedder: Embedder, config: RagConfig) -> None:
    index = tmp_path / "index"
    update_index(index, [corpus], embedder, config)
    other = load_embedder(replace(config.embedding, query_prefix="query: "))
    for use in (lambda: open_index(index, other, config), lambda: update_index(index, [corpus], other, config)):
        with pytest.raises(IndexMismatchError, match=r"'embedding-vi'.*query_prefix.*--rebuild"):
            use()
    update_index(index, [corpus], other, config, rebuild=True)
    assert open_index(index, other, config).documents == 2


def test_other_chunk_settings_are_refused(corpus: Path, tmp_path: Path, embedder: Embedder, config: RagConfig) -> None:
    index = tmp_path / "index"
    update_index(index, [corpus], embedder, config)
    with pytest.raises(IndexMismatchError, match="chunk_chars"):
        open_index(index, embedder, replace(config, chunking=ChunkingConfig(300, 0)))


def test_no_index_and_no_database_say_what_to_type(tmp_path: Path, embedder: Embedder, config: RagConfig) -> None:
    with pytest.raises(IndexMissingError, match="run `rag index`"):
        open_index(tmp_path, embedder, config)
    (tmp_path / "catalog.sqlite").write_text("this is no database, only a text of some length " * 40)
    with pytest.raises(IndexMismatchError, match="--rebuild"):
        open_index(tmp_path, embedder, config)


def test_another_format_is_refused_by_number(
    corpus: Path, tmp_path: Path, embedder: Embedder, config: RagConfig
) -> None:
    index = tmp_path / "index"
    update_index(index, [corpus], embedder, config)
    with sqlite3.connect(index / "catalog.sqlite") as catalog:
        catalog.execute("UPDATE manifest SET value = '99' WHERE name = 'format'")
    with pytest.raises(IndexMismatchError, match="format 99"):
        open_index(index, embedder, config)
    with pytest.raises(IndexMismatchError, match=r"format 99.*run `rag index --rebuild`"):
        update_index(index, [corpus], embedder, config)
    assert update_index(index, [corpus], embedder, config, rebuild=True).documents == 2
    assert open_index(index, embedder, config).documents == 2


def test_lost_views_are_named_and_made_again_without_embedding(
    corpus: Path, tmp_path: Path, embedder: Embedder, config: RagConfig
) -> None:
    index = tmp_path / "index"
    update_index(index, [corpus], embedder, config)
    for views in index.glob("views-*"):
        shutil.rmtree(views)
    with pytest.raises(IndexMismatchError, match=r"views-.* is damaged .*: run `rag index`"):
        open_index(index, embedder, config)
    assert update_index(index, [corpus], embedder, config).embedded == 0
    assert best(open_index(index, embedder, config), embedder, config, "thủ đô Việt Nam") == "mot.txt"


def test_a_reader_keeps_its_generation_while_another_is_written(
    corpus: Path, tmp_path: Path, embedder: Embedder, config: RagConfig
) -> None:
    index = tmp_path / "index"
    update_index(index, [corpus], embedder, config)
    reader = open_index(index, embedder, config)
    (corpus / "hai.txt").write_text("Bangkok là thủ đô của Thái Lan.", encoding="utf-8")
    update_index(index, [corpus], embedder, config)
    ((_, _),) = reader.search_lexical("Seoul", 5)
    assert best(reader, embedder, config, "thủ đô của Hàn Quốc Seoul") == "hai.txt"
    assert {document.text for document in reader.all_documents()} == {
        "Hà Nội là thủ đô của Việt Nam.",
        "Seoul là thủ đô của Hàn Quốc.",
    }
    assert open_index(index, embedder, config).search_lexical("Seoul", 5) == []


def test_a_rebuild_never_takes_up_the_views_of_the_old_catalog(
    corpus: Path, tmp_path: Path, embedder: Embedder, config: RagConfig
) -> None:
    index = tmp_path / "index"
    update_index(index, [corpus], embedder, config)
    (index / "catalog.sqlite").unlink()
    (corpus / "mot.txt").write_text("Tokyo là thủ đô của Nhật Bản.", encoding="utf-8")
    update_index(index, [corpus], embedder, config)
    assert best(open_index(index, embedder, config), embedder, config, "Tokyo Nhật Bản") == "mot.txt"


def test_unaccented_questions_find_accented_passages(seeds_index: Path, embedder: Embedder, config: RagConfig) -> None:
    stored = open_index(seeds_index, embedder, config)
    assert best(stored, embedder, config, "tong lanh su emily hamblin noi gi").startswith("003")


def test_neighbours_are_the_passages_before_and_after_in_order(
    tmp_path: Path, embedder: Embedder, config: RagConfig
) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    lines = [f"Dòng này nói {'rất nhiều điều ' * 4}về con {word}." for word in "mèo chó gà vịt".split()]
    (corpus / "a.txt").write_text("\n\n".join(lines), encoding="utf-8")
    small = replace(config, chunking=ChunkingConfig(100, 0))
    update_index(tmp_path / "index", [corpus], embedder, small)
    stored = open_index(tmp_path / "index", embedder, small)
    chunks = [stored.scored_chunks(stored.search_lexical(word, 1))[0].chunk for word in "mèo chó gà vịt".split()]
    assert [chunk.text for chunk in chunks] == lines
    assert stored.neighbours(chunks[1]) == ([chunks[0]], [chunks[2]])
    assert stored.neighbours(chunks[2], before=5, after=0) == (chunks[:2], [])
    assert stored.neighbours(chunks[0], after=2) == ([], chunks[1:3])
    assert stored.neighbours(chunks[3]) == ([chunks[2]], [])
    with pytest.raises(DocumentError, match="no passage 'gone'"):
        stored.neighbours(replace(chunks[0], chunk_id="gone"))


def test_documents_that_are_no_files_can_be_indexed(tmp_path: Path, embedder: Embedder, config: RagConfig) -> None:
    documents = [Document(str(n), f"t{n}", text, f"context-{n}") for n, text in enumerate(("Mèo đen.", "Chó trắng."))]
    index_documents(tmp_path / "index", "contexts", documents, embedder, config)
    assert best(open_index(tmp_path / "index", embedder, config), embedder, config, "chó") == "context-1"


def test_a_title_made_of_the_first_sentence_is_not_indexed_twice() -> None:
    chunk = Chunk("c", "d", "Thân bài.", 0, 9, heading="Mục")
    known = Document("d", "Tựa", "Thân bài.", "a", metadata={"title_from": "first line"})
    made = Document("d", "Tựa", "Thân bài.", "a", metadata={"title_from": "first sentence"})
    assert passage_text(known, chunk) == "Tựa\nMục\nThân bài."
    assert passage_text(made, chunk) == "Mục\nThân bài."


def test_the_bundled_embedder_gives_the_vectors_of_sentence_transformers(embedder: Embedder, config: RagConfig) -> None:
    from sentence_transformers import SentenceTransformer

    texts = [path.read_text(encoding="utf-8")[:700] for path in sorted(SEEDS.glob("*.txt"))]
    texts += ["Trí tuệ nhân tạo", "hoà bình", "GPT-4o 94,6 tỷ", "😀"]
    model = SentenceTransformer(str(Path(__file__).parents[2] / config.embedding.model), device="cpu")
    theirs = unit_rows(np.asarray(model.encode(texts, convert_to_numpy=True), dtype=np.float32))
    np.testing.assert_allclose(embedder.embed_queries(texts), theirs, atol=1e-4)


def test_an_empty_text_has_the_zero_vector(embedder: Embedder) -> None:
    vectors = embedder.embed_passages(["", "Hà Nội"])
    assert not vectors[0].any()
    assert np.linalg.norm(vectors[1]) == pytest.approx(1.0, abs=1e-5)


def test_a_folder_that_is_no_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "modules.json").write_text('[{"type": "x.StaticEmbedding", "path": "0"}]', encoding="utf-8")
    with pytest.raises(ModelError, match="is not a static embedding"):
        StaticEmbedder(tmp_path)
    with pytest.raises(ModelError, match="cannot be loaded"):
        load_embedder(EmbeddingConfig(model=str(tmp_path / "nothing-here"))).embed_queries(["x"])


def test_an_index_moves_with_the_folder_beside_it(
    corpus: Path, tmp_path: Path, embedder: Embedder, config: RagConfig
) -> None:
    update_index(tmp_path / "index", [corpus], embedder, config)
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    shutil.move(corpus, moved / "corpus")
    shutil.move(tmp_path / "index", moved / "index")
    report = update_index(moved / "index", [moved / "corpus"], embedder, config)
    assert (report.unchanged, report.added, report.documents) == (2, 0, 2)


def test_two_gigabytes_in_one_line_are_refused_without_being_read(
    corpus: Path, tmp_path: Path, embedder: Embedder, config: RagConfig
) -> None:
    with (corpus / "dai.txt").open("wb") as line:
        line.write("Một dòng rất dài. ".encode())
        line.truncate(2_000_000_000)  # the rest takes no place on the disk
    update_index(tmp_path / "before", [corpus / "mot.txt"], embedder, config)  # loads what is loaded late
    tracemalloc.start()
    report = update_index(tmp_path / "index", [corpus], embedder, config)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert report.failed == (("dai.txt", "dai.txt: 2000 MB is over the limit of 50 MB: split it or raise max_file_mb"),)
    assert report.documents == 2
    assert peak < 8_000_000


def test_a_long_line_within_the_limit_is_cut_into_passages(
    corpus: Path, tmp_path: Path, embedder: Embedder, config: RagConfig
) -> None:
    (corpus / "dai.txt").write_text("từ " * 100_000 + "a" * 100_000, encoding="utf-8")
    report = update_index(tmp_path / "index", [corpus], embedder, config)
    assert (report.documents, report.failed) == (3, ())
    assert report.chunks > 400_000 / config.chunking.chunk_chars


def test_names_with_a_newline_or_decomposed_letters_are_found_again(
    corpus: Path, tmp_path: Path, embedder: Embedder, config: RagConfig
) -> None:
    names = {"ta\u0300i lie\u0323\u0302u.txt": "Đà Lạt có nhiều thông.", "hai\ndòng.txt": "Huế có sông Hương."}
    for name, text in names.items():
        (corpus / name).write_text(text, encoding="utf-8")
    assert update_index(tmp_path / "index", [corpus], embedder, config).added == 4
    assert update_index(tmp_path / "index", [corpus], embedder, config).unchanged == 4
    stored = open_index(tmp_path / "index", embedder, config)
    assert best(stored, embedder, config, "thông Đà Lạt") == "ta\u0300i lie\u0323\u0302u.txt"
    assert best(stored, embedder, config, "sông Hương ở Huế") == "hai\ndòng.txt"
