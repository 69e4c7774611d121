"""Collections as the page uses them: real indexes, real files, and bots that stay usable while all that changes."""

import gc
import threading
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from rag.assembly import load_models
from rag.config import RagConfig
from rag.errors import CollectionError, DocumentError, RagError
from rag.indexing.progress import IndexProgress
from rag.indexing.updating import update_index
from rag.page.document_rows import DocumentState
from rag.page.library import DEFAULT, Library
from rag.types import Answer, Embedder
from tests.pdf_files import new_pdf

POOL = "Giờ mở cửa\n\nBể bơi thành phố mở cửa lúc sáu giờ sáng mỗi ngày."
ZOO = "Dạo chơi\n\nVườn thú Thủ Lệ có bảy con hổ và ba con voi."


@pytest.fixture
def library(tmp_path: Path, embedder: Embedder, config: RagConfig) -> Library:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "pool.txt").write_text(POOL)
    (folder / "bridge.txt").write_text("Cây cầu\n\nCầu Long Biên dài 2.290 mét, do người Pháp xây năm 1899.")
    update_index(tmp_path / "index", [folder], embedder, config)
    mine = replace(
        config, index=str(tmp_path / "index"), data=str(tmp_path / "data"), llm=replace(config.llm, model="none")
    )
    return Library(tmp_path / "index", mine, load_models(mine, embedder), allow_folders=True)


@pytest.fixture
def sent(tmp_path: Path):
    """Writes a file as a browser's upload would leave it."""

    def write(name: str, text: str | bytes = ZOO) -> Path:
        file = tmp_path / "sent" / name
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return file

    return write


def sources(library: Library, collection: str = DEFAULT) -> list[str]:
    return [row.source for row in library.documents(collection)]


def test_documents_are_listed_with_what_is_known_of_them(library: Library, tmp_path: Path) -> None:
    bridge, pool = library.documents()
    assert (pool.source, pool.kind, pool.passages, pool.pages, pool.state) == ("pool.txt", "txt", 1, None, "ready")
    assert not pool.uploaded
    assert library.file(DEFAULT, pool.doc_id) == tmp_path / "docs" / "pool.txt"
    (tmp_path / "docs" / "pool.txt").write_text("Khác hẳn.")
    (tmp_path / "docs" / "bridge.txt").unlink()
    assert [row.state for row in library.documents()] == [DocumentState.MISSING, DocumentState.CHANGED]
    assert library.file(DEFAULT, bridge.doc_id) is None
    with pytest.raises(DocumentError, match="no document"):
        library.file(DEFAULT, "nothing")
    report = library.refresh(DEFAULT)
    assert report is not None
    assert (report.changed, report.removed) == (1, 1)


def test_an_uploaded_document_is_answered_from_at_once_and_gone_when_removed(library: Library, sent, tmp_path) -> None:
    question = "Vườn thú Thủ Lệ có bao nhiêu con hổ?"
    assert library.bot().ask(question).abstained
    seen: list[IndexProgress] = []
    report = library.add(DEFAULT, [sent("zoo.txt")], seen.append)
    assert (report.added, report.failed) == (("zoo.txt",), ())
    assert seen[-1].files_done == 1
    assert [citation.source for citation in library.bot().ask(question).citations] == ["zoo.txt"]
    (row,) = (row for row in library.documents() if row.uploaded)
    assert library.file(DEFAULT, row.doc_id) == tmp_path / "data" / "uploads" / "zoo.txt"
    library.remove(DEFAULT, {row.doc_id})
    assert sources(library) == ["bridge.txt", "pool.txt"]
    assert library.bot().ask(question).abstained
    assert list((tmp_path / "data" / "uploads").iterdir()) == []


def test_what_is_handed_in_belongs_to_one_index_and_outlives_its_rebuilding(
    library: Library, sent, tmp_path: Path, embedder: Embedder, config: RagConfig
) -> None:
    library.add(DEFAULT, [sent("zoo.txt")])
    update_index(tmp_path / "another", [tmp_path / "docs"], embedder, config)
    another = Library(tmp_path / "another", library._config, library._models, allow_folders=True)
    another.add(DEFAULT, [sent("sea.txt", "Biển khơi\n\nBiển Đông có rất nhiều cá ngừ và mực ống.")])
    assert sources(another) == ["bridge.txt", "pool.txt", "sea.txt"]
    assert sources(library) == ["bridge.txt", "pool.txt", "zoo.txt"]
    update_index(tmp_path / "index", [tmp_path / "docs"], embedder, config, rebuild=True)
    assert sources(library) == ["bridge.txt", "pool.txt"]
    library.refresh(DEFAULT)
    assert sources(library) == ["bridge.txt", "pool.txt", "zoo.txt"]


def test_a_bad_file_is_named_and_not_kept_and_harms_no_other(library: Library, sent, tmp_path) -> None:
    files = [sent("zoo.txt"), sent("broken.pdf", b"%PDF-1.4 nothing"), sent("program.exe"), sent("empty.txt", " ")]
    report = library.add(DEFAULT, files)
    assert report.added == ("zoo.txt",)
    assert sorted(name for name, _ in report.failed) == ["broken.pdf", "empty.txt", "program.exe"]
    assert [path.name for path in (tmp_path / "data" / "uploads").iterdir()] == ["zoo.txt"]
    only_bad = library.add(DEFAULT, [sent("other.exe")])
    assert (only_bad.added, only_bad.report) == ((), None)


def test_a_document_of_a_folder_is_left_out_and_its_file_stays(library: Library, tmp_path: Path) -> None:
    (bridge,) = (row for row in library.documents() if row.source == "bridge.txt")
    library.remove(DEFAULT, [bridge.doc_id])
    assert sources(library) == ["pool.txt"]
    assert (tmp_path / "docs" / "bridge.txt").is_file()
    library.refresh(DEFAULT)
    assert sources(library) == ["pool.txt"]  # not even when its folder is read again
    library.add_folder(DEFAULT, tmp_path / "docs")
    assert sources(library) == ["bridge.txt", "pool.txt"]  # but when it is named again


def test_a_folder_comes_and_goes_as_a_whole(library: Library, tmp_path: Path, sent) -> None:
    more = tmp_path / "elsewhere" / "more"
    more.mkdir(parents=True)
    (more / "zoo.txt").write_text(ZOO)
    assert library.add_folder(DEFAULT, more).added == ("zoo.txt",)
    assert library.folders() == [tmp_path / "docs", more] or library.folders() == [more, tmp_path / "docs"]
    library.remove_folder(DEFAULT, more)
    assert sources(library) == ["bridge.txt", "pool.txt"]
    assert (more / "zoo.txt").is_file()
    library.remove_folder(DEFAULT, tmp_path / "docs")
    assert sources(library) == []
    assert library.bot().ask("Bể bơi mở cửa lúc nào?").reason == "no_passage"
    assert library.add(DEFAULT, [sent("zoo.txt")]).added == ("zoo.txt",)


@pytest.mark.parametrize("path", ["/", "relative", "/no/such/folder"])
def test_what_is_no_folder_of_documents_is_refused(library: Library, path: str, tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="no folder of documents"):
        library.add_folder(DEFAULT, Path(path))
    (tmp_path / "data" / "uploads").mkdir(parents=True)
    with pytest.raises(DocumentError, match="belongs to this program"):
        library.add_folder(DEFAULT, tmp_path / "data" / "uploads")


def test_no_folder_is_named_where_others_reach_the_page(library: Library, tmp_path: Path) -> None:
    library.allow_folders = False
    with pytest.raises(CollectionError, match="hand the files in"):
        library.add_folder(DEFAULT, tmp_path / "docs")


def test_collections_are_apart_and_outlive_the_library(library: Library, sent, embedder: Embedder) -> None:
    assert library.create(" Vườn  thú ") == "Vườn thú"
    assert library.bot("Vườn thú").ask("Có bao nhiêu con hổ?").reason == "no_passage"
    library.add("Vườn thú", [sent("zoo.txt")])
    assert not library.bot("Vườn thú").ask("Vườn thú Thủ Lệ có bao nhiêu con hổ?").abstained
    assert sources(library) == ["bridge.txt", "pool.txt"]
    with pytest.raises(CollectionError, match="already"):
        library.create("vườn THÚ")
    again = Library(library._index, library._config, library._models, allow_folders=False)
    assert again.collections() == [DEFAULT, "Vườn thú"]
    assert sources(again, "Vườn thú") == ["zoo.txt"]
    again.delete("Vườn thú")
    assert library.collections() == [DEFAULT]
    for name in ("Vườn thú", "..", "../data", "/"):
        for attempt in (library.documents, library.bot, library.delete):
            with pytest.raises(CollectionError, match="no collection"):
                attempt(name)
    with pytest.raises(CollectionError, match="first collection stays"):
        library.delete(DEFAULT)


def test_an_archive_goes_with_its_last_document(library: Library, tmp_path: Path) -> None:
    packed = tmp_path / "two.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("zoo.txt", ZOO)
        archive.writestr("sea.txt", "Biển Đông có rất nhiều cá ngừ và mực ống.")
    assert library.add(DEFAULT, [packed]).added == ("two.zip",)
    by_source = {row.source: row.doc_id for row in library.documents()}
    library.remove(DEFAULT, [by_source["two.zip/zoo.txt"]])
    library.refresh(DEFAULT)
    assert [source for source in sources(library) if source.startswith("two")] == ["two.zip/sea.txt"]
    kept = tmp_path / "data" / "uploads" / "two.zip"
    assert kept.is_file()
    library.add(DEFAULT, [packed])  # handed in again, it is whole again
    assert len(sources(library)) == 4
    library.remove(DEFAULT, [row.doc_id for row in library.documents() if row.uploaded])
    assert sources(library) == ["bridge.txt", "pool.txt"]
    assert not kept.exists()


def test_a_duplicate_of_a_folders_file_is_deleted_and_the_other_left_out(library: Library, sent, tmp_path) -> None:
    library.add(DEFAULT, [sent("copy.txt", POOL)])
    (row,) = (row for row in library.documents() if row.passages and row.other_sources)
    assert {row.source, *row.other_sources} == {"copy.txt", "pool.txt"}
    assert not row.uploaded
    library.remove(DEFAULT, [row.doc_id])
    assert sources(library) == ["bridge.txt"]
    assert (tmp_path / "docs" / "pool.txt").is_file()
    assert not (tmp_path / "data" / "uploads" / "copy.txt").exists()


def test_who_streams_goes_on_with_the_generation_before(library: Library, sent) -> None:
    before = library.bot()
    index = before.index
    stream = before.stream("Bể bơi thành phố mở cửa lúc mấy giờ?")
    next(stream)
    library.add(DEFAULT, [sent(f"{number}.txt", f"{ZOO} {number}") for number in range(3)])
    assert library.bot() is not before
    assert library.bot() is library.bot()
    del before
    gc.collect()
    assert len(index.sources()) == 2
    *_, answer = stream
    assert isinstance(answer, Answer)
    assert [citation.source for citation in answer.citations] == ["pool.txt"]
    del stream
    gc.collect()
    with pytest.raises(RagError, match="closed"):
        index.sources()


def test_questions_are_answered_while_documents_come_and_go(library: Library, sent) -> None:
    stop, wrong = threading.Event(), list[str]()

    def keep_asking() -> None:
        while not stop.is_set():
            answer = library.bot().ask("Bể bơi thành phố mở cửa lúc mấy giờ?")
            if answer.abstained or answer.citations[0].source != "pool.txt":
                wrong.append(answer.text)

    askers = [threading.Thread(target=keep_asking) for _ in range(2)]
    for asker in askers:
        asker.start()
    try:
        for number in range(4):
            library.add(DEFAULT, [sent(f"{number}.txt", f"{ZOO} Số {number}.")])
        library.remove(DEFAULT, [row.doc_id for row in library.documents() if row.uploaded])
    finally:
        stop.set()
        for asker in askers:
            asker.join()
    assert wrong == []
    assert sources(library) == ["bridge.txt", "pool.txt"]


def test_a_collection_keeps_its_documents_under_another_name(library: Library, sent) -> None:
    library.create("Thú")
    library.add("Thú", [sent("zoo.txt")])
    asked = library.bot("Thú")
    (document,) = library.documents("Thú")
    assert library.rename("Thú", "  Vườn   thú ") == "Vườn thú"
    assert library.collections() == [DEFAULT, "Vườn thú"]
    assert library.documents("Vườn thú") == [document]
    question = "Vườn thú Thủ Lệ có bao nhiêu con hổ?"
    assert library.bot("Vườn thú").ask(question).citations == asked.ask(question).citations
    assert library.rename("Vườn thú", "vườn thú") == "vườn thú"
    library.remove("vườn thú", {document.doc_id})
    assert sources(library, "vườn thú") == []
    library.create("Khác")
    for name, new in (("Khác", "VƯỜN THÚ"), ("Khác", "../x"), (DEFAULT, "Mới"), ("không có", "Mới")):
        with pytest.raises(CollectionError):
            library.rename(name, new)


def test_a_pdf_is_as_long_as_it_is_and_is_read_out_of_its_archive(library: Library, tmp_path: Path) -> None:
    pdf = new_pdf()
    for text in ("Vườn thú Thủ Lệ có bảy con hổ.", "", ""):
        pdf.add_page()
        pdf.multi_cell(0, text=text)
    pdf.output(str(tmp_path / "zoo.pdf"))
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.write(tmp_path / "zoo.pdf", "sở thú/zoo.pdf")
    library.create("Thú")
    assert library.add("Thú", [tmp_path / "all.zip"]).failed == ()
    (document,) = library.documents("Thú")
    assert document.pages == 3
    source = library.source("Thú", document.doc_id)
    assert source is not None
    with source.open() as stream:
        assert stream.read() == (tmp_path / "zoo.pdf").read_bytes()
    (tmp_path / "data" / "collections" / "Thú" / "uploads" / "all.zip").unlink()
    assert library.source("Thú", document.doc_id) is None
