"""Two people who log in: each has documents and conversations of their own, whatever the other one's program sends."""

import json
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client

from rag.page.people import _folder_name, owner_of_login
from tests.asynchronous import finished
from tests.serving import rag, served

PASSWORDS = {"lan": "mật khẩu của Lan", "Minh": "mật khẩu của Minh"}
CAT = "Con mèo của bà Lan tên là gì?"
SECRET = "Con mèo của bà Lan tên là Mướp, nó bốn tuổi."
AX = "A.X 4.0 được phát triển dựa trên mô hình nào?"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("people")


@pytest.fixture(scope="module")
def address(seeds_index: Path, data: Path) -> Iterator[str]:
    for name, password in PASSWORDS.items():
        made = rag("serve", "--auth", str(data / "logins"), "--add-login", name, told=f"{password}\n")
        assert made.returncode == 0
    with served("--index", str(seeds_index), "--auth", str(data / "logins"), "--mcp", data=data) as at:
        yield at


class Person:
    """A tab of the page, by what the page's own script sends."""

    def __init__(self, address: str, name: str) -> None:
        self.address = address
        self.http = httpx.Client(base_url=address, timeout=60)
        self.http.post("/login", data={"username": name, "password": PASSWORDS[name]}).raise_for_status()
        self.session = uuid4().hex
        config = self.http.get("/config").json()
        self.ids = {one["props"].get("elem_id"): one["id"] for one in config["components"]}
        self.events = config["dependencies"]

    def event(self, elem_id: str, name: str) -> dict[str, Any]:
        """The page's event of a component."""
        return next(one for one in self.events if [self.ids[elem_id], name] in one["targets"])

    def send(self, event: dict[str, Any], values: dict[int, Any], told: Any = None, session: str = "") -> str:
        """What the server answers to an event with these inputs, as text."""
        body = {
            "data": [values.get(place) for place in event["inputs"]],
            "event_data": told,
            "fn_index": event["id"],
            "trigger_id": event["targets"][0][0],
            "session_hash": session or self.session,
        }
        joined = self.http.post("/gradio_api/queue/join", json=body)
        if joined.status_code != 200:
            return joined.text
        lines = []
        asked = {"session_hash": session or self.session}
        with self.http.stream("GET", "/gradio_api/queue/data", params=asked) as stream:
            for line in stream.iter_lines():
                lines.append(line)
                if '"process_completed"' in line or '"close_stream"' in line:
                    break
        told = (json.loads(line.removeprefix("data:")) for line in lines if line)
        return "\n".join(json.dumps(one, ensure_ascii=False) for one in told)

    def act(self, **told: str) -> str:
        """What the page's script asks for."""
        return self.send(self.event("bridge", "click"), {}, told)

    def hand_in(self, file: Path) -> str:
        """A file through the button of the page."""
        with file.open("rb") as stream:
            (path,) = self.http.post("/gradio_api/upload", files={"files": (file.name, stream)}).json()
        return self.add(path, file.name)

    def add(self, path: str, name: str) -> str:
        """The event behind the button, with whatever path."""
        sent = [{"path": path, "orig_name": name, "meta": {"_type": "gradio.FileData"}}]
        return self.send(self.event("upload", "upload"), {self.ids["upload"]: sent})

    def ask(self, question: str, session: str = "") -> str:
        return self.send(self.event("send", "click"), {self.ids["box"]: question}, session=session)


@pytest.fixture(scope="module")
def lan(address: str, tmp_path_factory: pytest.TempPathFactory) -> Person:
    """Has a collection with a document in it, and a conversation about it."""
    person = Person(address, "lan")
    assert "Nhà Lan" in person.act(act="create", text="Nhà Lan")
    file = tmp_path_factory.mktemp("sent") / "meo.txt"
    file.write_text(f"Chuyện mèo\n\n{SECRET}\n", encoding="utf-8")
    assert "Đã thêm 1 tài liệu" in person.hand_in(file)
    assert "Mướp" in person.ask(CAT)
    return person


def doc_id(page: str) -> str:
    """The first document that a page lists."""
    return page.split('data-pick=\\"')[1].split('\\"', maxsplit=1)[0]


def test_another_one_neither_sees_nor_asks_it(lan: Person, address: str) -> None:
    minh = Person(address, "Minh")
    for told in (
        {"act": "search", "text": ""},
        {"act": "collection", "value": ""},
        {"act": "collection", "value": "Nhà Lan"},
        {"act": "collection", "value": "../lan/collections/Nhà Lan"},
    ):
        assert "Mướp" not in (page := minh.act(**told))
        assert "Chuyện mèo" not in page
        assert 'option value=\\"Nhà Lan\\"' not in page
    assert "không có bộ sưu tập" in minh.act(act="collection", value="Nhà Lan")
    assert "Mướp" not in minh.ask(CAT)


def test_made_up_calls_reach_nothing_of_it(lan: Person, address: str) -> None:
    minh = Person(address, "Minh")
    shown = lan.act(act="collection", value="Nhà Lan")
    document, page = doc_id(shown), lan.act(act="search", text="")
    conversation = page.split('data-act=\\"open\\" data-id=\\"')[1].split('\\"')[0]
    for told in (
        {"act": "document", "doc": document},
        {"act": "open", "id": conversation},
        {"act": "export", "id": conversation},
        {"act": "delete", "id": conversation},
        {"act": "rename", "id": conversation, "text": "x"},
        {"act": "drop", "id": "Nhà Lan"},
        {"act": "remove", "doc": document},
    ):
        answered = minh.act(**told)
        assert "Không làm được" in answered, told
        assert "Mướp" not in answered, told
    # The other one's tab itself, whose name leaked.
    assert "người đăng nhập khác" in minh.ask(CAT, session=lan.session)
    assert "Mướp" in lan.act(act="document", doc=document)
    assert conversation in lan.act(act="search", text="")


def test_programs_are_held_to_the_same(lan: Person, address: str) -> None:
    own = Client(address, auth=("lan", PASSWORDS["lan"]), verbose=False)
    assert "Mướp" in own.predict(CAT, "Nhà Lan", api_name="/ask")["answer"]
    other = Client(address, auth=("Minh", PASSWORDS["Minh"]), verbose=False)
    for function in ("/ask", "/search"):
        with pytest.raises(AppError, match="there is no collection 'Nhà Lan'"):
            other.predict(question=CAT, collection="Nhà Lan", api_name=function)
    assert "Mướp" not in json.dumps(other.predict(CAT, api_name="/search"), ensure_ascii=False)


def test_tools_know_who_calls_them(lan: Person, address: str) -> None:
    async def asked(name: str, collection: str) -> Any:
        async with (
            httpx.AsyncClient(auth=(name, PASSWORDS[name]), timeout=60) as http,
            streamable_http_client(f"{address}/gradio_api/mcp/", http_client=http) as (read, write, _),
            ClientSession(read, write) as session,
        ):
            await session.initialize()
            return await session.call_tool("ask", {"question": CAT, "collection": collection})

    for _ in range(2):  # whoever came first: the server calls the page as one client
        assert "Mướp" in finished(asked("lan", "Nhà Lan")).content[0].text
        refused = finished(asked("Minh", "Nhà Lan"))
        assert refused.isError
        assert refused.content[0].text == "there is no collection 'Nhà Lan': load the list again"
        assert json.loads(finished(asked("Minh", "")).content[0].text)["abstained"]


@pytest.mark.parametrize(
    "path", ["mcp", "mcp/", "mcp/sse", "mcp/schema", "mcp/messages/", "mcp/http/", "/mcp/", "mcp/../mcp/"]
)
def test_tools_answer_nobody_without_a_password(address: str, path: str) -> None:
    cookie = Person(address, "lan").http.cookies
    lan = b64encode(b"lan:guess me").decode()
    for headers in ({}, {"Authorization": "Basic x"}, {"Authorization": f"Basic {lan}"}, {"Authorization": "Bearer a"}):
        for method in ("GET", "POST"):
            answered = httpx.request(method, f"{address}/gradio_api/{path}", headers=headers, cookies=cookie)
            assert answered.status_code == 401


def test_files_of_another_one_are_not_served_nor_taken_in(lan: Person, address: str, data: Path) -> None:
    (file,) = data.glob("people/*/collections/*/uploads/meo.txt")
    minh = Person(address, "Minh")
    for path in (f"file={file}", f"file/{file}"):
        answered = minh.http.get(f"/gradio_api/{path}")
        assert answered.status_code in (403, 404)
        assert "Mướp" not in answered.text
    minh.act(act="create", text="Của tôi")
    assert "Đã thêm 1" not in minh.add(str(file), "meo.txt")
    assert "Mướp" not in minh.ask(CAT)


def test_the_first_collection_is_everybodys_to_ask_and_nobodys_to_change(lan: Person, address: str, tmp_path) -> None:
    minh = Person(address, "Minh")
    assert "Qwen 2.5" in minh.ask(AX)
    listed = minh.act(act="collection", value="")
    assert "Tài liệu chung chỉ để đọc" in listed
    assert 'data-act=\\"remove\\"' not in listed
    assert "chỉ để đọc" in minh.act(act="remove", doc=doc_id(listed))
    file = tmp_path / "thêm.txt"
    file.write_text("Một câu được thêm vào.\n", encoding="utf-8")
    assert "chỉ để đọc" in minh.hand_in(file)


def test_names_that_look_alike_are_two_people(tmp_path: Path) -> None:
    assert len({_folder_name(name).casefold() for name in ("an", "An", "a/n", "a_n", "..", "_", "à")}) == 7
    assert owner_of_login(" an ") == owner_of_login("an") == "login:an"
    assert owner_of_login(None) == owner_of_login("") == ""
