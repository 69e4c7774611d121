"""Which files are found below a folder, and when one counts as read before."""

import os
import tempfile
from pathlib import Path

import pytest

from rag.documents import SourceFile
from rag.errors import DocumentError
from rag.store.scanning import Scan, Stamp, content_key, read_still, scan, stamp


def write(path: Path, text: str = "Xin chào.") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_files_below_the_folder_are_listed_and_hidden_ones_passed_over(tmp_path: Path) -> None:
    for name in ("b.txt", "sub/a.txt", ".hidden", ".git/config", "khong-duoi"):
        write(tmp_path / name)
    assert [file.source for file in scan(tmp_path).files] == ["b.txt", "khong-duoi", "sub/a.txt"]


def test_what_is_not_there_or_empty_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="no such file or folder"):
        scan(tmp_path / "nowhere")
    with pytest.raises(DocumentError, match="has no files"):
        scan(tmp_path)


def test_a_loop_of_links_ends_and_is_named(tmp_path: Path) -> None:
    write(tmp_path / "a.txt")
    os.symlink(tmp_path, tmp_path / "vong")
    os.symlink(tmp_path / "self", tmp_path / "self")
    os.symlink(tmp_path / "a.txt", tmp_path / "b.txt")
    found = scan(tmp_path)
    assert [file.source for file in found.files] == ["a.txt", "b.txt"]
    assert found.unread == [
        ("vong", "vong: links to folders are not followed: name that folder itself"),
        ("self", "self: the link leads to no file: mend or remove it"),
    ]


def test_the_index_is_no_document(tmp_path: Path) -> None:
    write(tmp_path / "a.txt")
    write(tmp_path / "index" / "catalog.sqlite")
    assert [file.source for file in scan(tmp_path, leave_out=tmp_path / "index").files] == ["a.txt"]


def test_a_folder_that_may_not_be_listed_is_named_and_may_hold_what_was_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "a.txt")
    write(tmp_path / "kin" / "b.txt")
    system = os.scandir

    def refusing(path: str) -> object:  # root, whom tests in a container run as, may list everything
        if str(path).endswith("kin"):
            raise PermissionError(13, "Permission denied", str(path))
        return system(path)

    monkeypatch.setattr(os, "scandir", refusing)
    found = scan(tmp_path)
    assert [file.source for file in found.files] == ["a.txt"]
    assert found.unread == [("kin", "kin: the folder cannot be listed (Permission denied): check its permissions")]
    assert found.may_hold("kin/b.txt")
    assert found.may_hold("kin/sau/c.txt")
    assert not found.may_hold("kin-khac/b.txt")
    assert Scan([], [(".", "")]).may_hold("a.txt")


def test_names_are_kept_as_they_are(tmp_path: Path) -> None:
    decomposed = "ta\u0300i lie\u0323\u0302u.txt"
    for name in (decomposed, "hai\ndòng.txt"):
        write(tmp_path / name)
    assert {file.source for file in scan(tmp_path).files} == {decomposed, "hai\ndòng.txt"}


@pytest.mark.skipif(os.name == "nt", reason="names are bytes on POSIX alone")
def test_a_name_that_is_no_utf_8_is_written_out(tmp_path: Path) -> None:
    place = os.fsencode(tmp_path) + b"/t\xe0i.txt"
    try:
        Path(os.fsdecode(place)).write_text("Xin chào.", encoding="utf-8")
    except OSError:
        pytest.skip("this file system takes UTF-8 alone")
    (file,) = scan(tmp_path).files
    assert file.source == "t\\xe0i.txt"
    assert content_key(file).endswith(".txt")


def test_the_content_key_is_that_of_bytes_and_ending(tmp_path: Path) -> None:
    files = [SourceFile(write(tmp_path / name, text), name) for name, text in
             (("a.txt", "x"), ("b.TXT", "x"), ("c.md", "x"), ("d.txt", "y"))]  # fmt: skip
    one, same, otherwise_read, other = map(content_key, files)
    assert one == same
    assert len({one, otherwise_read, other}) == 3


def test_a_file_that_was_just_written_has_a_stamp_that_fits_nothing(tmp_path: Path) -> None:
    file = SourceFile(write(tmp_path / "a.txt"), "a.txt")
    stamped, read = read_still(file, lambda: "read")
    assert (stamped, read) == (Stamp(len("Xin chào.".encode()), 0, 0), "read")
    assert stamp(file) != stamped


def test_a_file_that_changes_once_while_it_is_read_is_read_again(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", "một")
    reads: list[str] = []

    def read() -> str:
        reads.append(path.read_text(encoding="utf-8"))
        if len(reads) == 1:
            path.write_text("một hai", encoding="utf-8")
        return reads[-1]

    assert read_still(SourceFile(path, "a.txt"), read)[1] == "một hai"
    assert reads == ["một", "một hai"]


def test_a_file_that_goes_on_changing_is_refused_by_name(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt")
    with pytest.raises(DocumentError, match=r"^a\.txt: it changes while it is read"):
        read_still(SourceFile(path, "a.txt"), lambda: path.write_text(path.read_text() + "x"))


def test_a_file_that_is_gone_is_refused_by_name(tmp_path: Path) -> None:
    gone = SourceFile(tmp_path / "a.txt", "a.txt")
    for look in (stamp, content_key):
        with pytest.raises(DocumentError, match=r"^a\.txt: cannot be read"):
            look(gone)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="takes on the rights of another user")
def test_a_folder_without_permission_is_named_to_a_user_who_has_none() -> None:
    with tempfile.TemporaryDirectory() as name:  # tmp_path is closed to other users as a whole
        folder = Path(name)
        folder.chmod(0o755)
        write(folder / "a.txt")
        write(folder / "kin" / "b.txt")
        (folder / "kin").chmod(0o700)
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                os.setuid(65534)
                found = scan(folder)
                os.write(writer, repr(([file.source for file in found.files], found.unread)).encode())
            finally:
                os._exit(0)
        os.close(writer)
        with os.fdopen(reader) as said:
            told = said.read()
        os.waitpid(child, 0)
    reason = "kin: the folder cannot be listed (Permission denied): check its permissions"
    assert told == repr((["a.txt"], [("kin", reason)]))
