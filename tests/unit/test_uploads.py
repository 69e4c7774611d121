"""Names of files and collections that people send, and what of their files is taken in."""

from pathlib import Path

import pytest

from rag.config import RagConfig
from rag.errors import CollectionError, DocumentError
from rag.page.uploads import collection_name, safe_name, take_in


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("Báo cáo.pdf", "Báo cáo.pdf"),
        ("Ba\u0301o.txt", "Báo.txt"),
        ("../../etc/passwd.txt", "passwd.txt"),
        ("..\\..\\boot.txt", "boot.txt"),
        ("/etc/a.txt", "a.txt"),
        (".hidden.txt", "hidden.txt"),
        ("~$doc.docx", "$doc.docx"),
        ("a\x00b\nc\u202e.txt", "abc.txt"),
        ('<img src="x">.txt', "_img src=_x_.txt"),
        ("CON.txt", "_CON.txt"),
        ("nửa\ud83d.txt", "nửa_.txt"),
    ],
)
def test_a_files_name_leads_nowhere_else(name: str, safe: str) -> None:
    assert safe_name(name) == safe


@pytest.mark.parametrize("name", ["", "..", "/", "...", "a/.."])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(DocumentError, match="no name for a file"):
        safe_name(name)


def test_a_long_name_keeps_its_ending() -> None:
    name = safe_name("ộ" * 300 + ".pdf")
    assert len(name.encode()) <= 184
    assert name.endswith("ộ.pdf")


@pytest.mark.parametrize("name", ["Luật đất đai", "2026", "a-b_c.d"])
def test_a_collections_name_may_be_any_word(name: str) -> None:
    assert collection_name(f"  {name} ") == name


@pytest.mark.parametrize(
    "name", ["", " ", ".", "..", "../x", "a/b", "a\\b", ".a", "a.", "x" * 61, "a\x00", "nul", "<b>", "a:b"]
)
def test_a_collections_name_is_no_path(name: str) -> None:
    with pytest.raises(CollectionError, match="no name for a collection"):
        collection_name(name)


def test_files_are_copied_within_limits_and_another_of_a_name_gets_a_number(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    one, other, program, large = (tmp_path / name for name in ("a.txt", "b/a.txt", "a.exe", "big.txt"))
    one.write_text("Một")
    other.write_text("Hai")
    program.write_text("MZ")
    large.write_bytes(b"x" * 1_000_001)
    names, refused = take_in([one, other, one, program, large], tmp_path / "in", RagConfig(max_file_mb=1))
    assert names == ["a.txt", "a (2).txt", "a.txt"]
    assert [name for name, _ in refused] == ["a.exe", "big.txt"]
    assert ["files of this kind" in reason or "limit of 1 MB" in reason for _, reason in refused] == [True, True]
    assert sorted(path.name for path in (tmp_path / "in").iterdir()) == ["a (2).txt", "a.txt"]
