"""A page with a login, served as people start it."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from gradio_client import Client

from tests.serving import rag, served


@pytest.fixture(scope="module")
def address(seeds_index: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Open to all the machine's networks, behind a login that the command line made."""
    file = tmp_path_factory.mktemp("auth") / "logins"
    made = rag("serve", "--auth", str(file), "--add-login", "lan", told="mật khẩu dài\n")
    assert (made.returncode, made.stderr) == (0, "")
    with served("--index", str(seeds_index), "--host", "0.0.0.0", "--auth", str(file)) as at:
        yield at


def test_nobody_asks_without_logging_in(address: str) -> None:
    for path in ("config", "gradio_api/info", "gradio_api/file=x"):
        assert httpx.get(f"{address}/{path}").status_code == 401
    asked = httpx.post(f"{address}/gradio_api/call/search", json={"data": ["AI", 3, ""]})
    assert asked.status_code == 401
    assert httpx.post(f"{address}/gradio_api/upload", files={"files": b"x"}).status_code == 401
    assert "A.X 4.0" not in httpx.get(address).text  # no example, no passage before the login


def test_a_client_with_its_password_asks(address: str) -> None:
    client = Client(address, auth=("lan", "mật khẩu dài"), verbose=False)
    assert client.predict("A.X 4.0", 2, api_name="/search")[0]["source"].startswith("002")
    with pytest.raises(ValueError, match="Could not login"):
        Client(address, auth=("lan", "wrong password"), verbose=False)


def test_a_page_behind_a_login_answers_to_any_name(address: str) -> None:
    assert httpx.get(address, headers={"Host": "documents.example"}).status_code == 200


def test_without_a_login_no_other_machine_is_let_in(seeds_index: Path) -> None:
    refused = rag("serve", "--index", str(seeds_index), "--host", "0.0.0.0")
    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1
    assert "--auth FILE --add-login NAME" in refused.stderr
