"""The file of logins, and who is let in by it."""

import asyncio
import stat
import time
from pathlib import Path

import pytest

from rag.config import is_loopback
from rag.errors import ConfigError
from rag.page.login import add_login, login_of, require_login
from tests.asynchronous import finished

HASH = "ab" * 32
SALT = "cd" * 16


def test_only_the_right_password_of_a_name_lets_in(tmp_path: Path) -> None:
    file = tmp_path / "logins"
    add_login(file, "Lan", "mật khẩu dài")
    add_login(file, "mai", "another one")
    login = login_of(file)

    async def tries() -> list[bool]:
        pairs = [
            ("Lan", "mật khẩu dài"),
            ("Lan", "ma\u0323\u0302t kha\u0302\u0309u da\u0300i"),  # the same, decomposed, as some keyboards send it
            ("Lan", "another one"),
            ("mai", "another one"),
            ("lan", "mật khẩu dài"),
            ("Lan", ""),
            ("nobody", "mật khẩu dài"),
        ]
        return list(await asyncio.gather(*(login(*pair) for pair in pairs)))

    assert finished(tries()) == [True, True, False, True, False, False, False]


def test_no_password_stands_in_the_file_and_nobody_else_reads_it(tmp_path: Path) -> None:
    file = tmp_path / "new" / "logins"
    add_login(file, "lan", "password one")
    first = file.read_text()
    add_login(file, "mai", "password one")
    add_login(file, "lan", "password one")
    text = file.read_text()
    assert "password" not in text
    assert [line.split(":")[0] for line in text.splitlines()] == ["lan", "mai"]
    assert len({line.split(":")[3] for line in text.splitlines()} | {first.split(":")[3].strip()}) == 3  # each its salt
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_wrong_guess_costs_time_whether_the_name_exists_or_not(tmp_path: Path) -> None:
    file = tmp_path / "logins"
    add_login(file, "lan", "password one")
    login = login_of(file)
    for name in ("lan", "nobody"):
        began = time.monotonic()
        assert not finished(login(name, "guess"))
        assert time.monotonic() - began >= 1.0


@pytest.mark.parametrize("name", ["", " ", "a:b", "a\nb", "#x", "x" * 65])
def test_a_name_that_would_break_the_file_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="no name for a login"):
        add_login(tmp_path / "logins", name, "password one")


def test_a_short_password_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="at least 8"):
        add_login(tmp_path / "logins", "lan", "1234567")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("lan:secret\n", "line 1: is no login"),
        (f"# ours\nlan:scrypt:{SALT}:{HASH}\nmai:md5:{SALT}:{HASH}\n", "line 3"),
        (f"lan:scrypt:{SALT}:{HASH[:-2]}\n", "line 1"),
        (f"lan:scrypt::{HASH}\n", "line 1"),
        ("\n", "names nobody"),
    ],
)
def test_a_wrong_file_is_named_with_its_line(tmp_path: Path, text: str, reason: str) -> None:
    file = tmp_path / "logins"
    file.write_text(text)
    with pytest.raises(ConfigError, match=reason) as caught:
        login_of(file)
    assert "secret" not in str(caught.value)
    with pytest.raises(ConfigError, match="--add-login NAME"):
        login_of(tmp_path / "none")


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.2", "::", "", "my-machine"])
def test_a_page_that_others_reach_asks_who_comes(host: str) -> None:
    with pytest.raises(ConfigError, match="--auth FILE"):
        require_login(host, "")
    require_login(host, "logins")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost", "LOCALHOST"])
def test_a_page_for_this_machine_needs_no_login(host: str) -> None:
    assert is_loopback(host)
    require_login(host, "")
