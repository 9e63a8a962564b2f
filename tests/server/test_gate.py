"""What must not get in, and what must not get out."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest

from longread.errors import UsageError
from longread.server.api.keys import add_key, read_keys
from tests.server.serving import Serving
from tests.support.cli import Cli

SECRET = "The code of the safe is 4711.\n"


@pytest.fixture
def open_server(cli: Cli) -> Iterator[Serving]:
    with Serving(cli, "--model", "extractive") as server:
        yield server


@pytest.fixture
def keyed(cli: Cli) -> Iterator[tuple[Serving, str, str]]:
    anna, ben = (add_key(cli.folder / "keys", name) for name in ("anna", "ben"))
    with Serving(cli, "--model", "extractive", "--api-key-file", "keys", key=anna) as server:
        yield server, anna, ben


def raw(url: str, data: bytes) -> tuple[int, bytes]:
    """Status and body of what a server answers to these bytes."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port), timeout=30) as connection:
        connection.sendall(data)
        response = http.client.HTTPResponse(connection)
        response.begin()
        return response.status, response.read()


def status(url: str, path: str, method: str = "GET", body: bytes | None = None, **headers: str) -> int:
    """The status of a request with just these headers."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    connection.putrequest(method, path, skip_host="Host" in headers, skip_accept_encoding=True)
    for name, value in headers.items():
        connection.putheader(name.replace("_", "-"), value)
    if body is not None:
        connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body)
    with connection.getresponse() as response:
        response.read()
        return response.status


def test_no_key_a_wrong_one_and_somebody_elses_reach_nothing(keyed: tuple[Serving, str, str]) -> None:
    server, _, ben = keyed
    file = server.upload(SECRET)["id"]
    run = dict(server.events(server.begin(["What is the code of the safe?"], [file])))["finished"]["run_id"]
    ticket = server.begin(["What is the code of the safe, please?"], [file])
    paths = [
        "/v1/models", "/v1/files", f"/v1/files/{file}", f"/v1/files/{file}/content", "/api/status", "/api/runs",
        f"/api/runs/{run}", f"/api/runs/{run}/export", f"/api/live/{ticket}", "/metrics", "/openapi.json", "/nothing",
    ]  # fmt: skip
    with httpx2.Client(base_url=server.url, trust_env=False) as stranger:
        for key in (None, "lr-wrong", server.http.headers["Authorization"][7:-1], "x" * 10_000, "ключ"):
            headers = {} if key is None else {"Authorization": f"Bearer {key}".encode()}
            assert {stranger.get(path, headers=headers).status_code for path in paths} == {401}
        assert stranger.get("/").status_code == stranger.get("/health").status_code == 200
    with httpx2.Client(
        base_url=server.url, headers={"Authorization": f"Bearer {ben}"}, trust_env=False
    ) as other:
        assert other.get("/v1/files").json()["data"] == []
        assert other.get("/api/runs").json()["runs"] == []
        theirs = [*paths[2:4], *paths[6:9], f"/api/runs/{run}/passage?document=x&start=0&end=1"]
        assert {other.get(path).status_code for path in theirs} == {404}
        assert other.delete(f"/v1/files/{file}").status_code == 404
        assert other.delete(f"/api/runs/{run}").status_code == 404
        asked = {"questions": ["What is the code?"], "files": [file]}
        assert other.post("/api/runs", json=asked).status_code == 404
        assert other.post("/api/runs", json={"resume": run}).status_code == 404
        assert other.post(f"/api/live/{ticket}/stop", json={}).status_code == 404
        message = [{"role": "user", "content": [{"type": "file", "file": {"file_id": file}}]}]
        made = other.post("/v1/chat/completions", json={"model": "longread", "messages": message})
        assert "4711" not in made.text
    assert server.http.get(f"/v1/files/{file}/content").text == SECRET


def test_keys_are_kept_as_hashes_and_shown_once(cli: Cli) -> None:
    made = cli("serve", "--api-key-file", "keys", "--new-key", "anna")
    key, file = made.stdout.strip(), cli.folder / "keys"
    assert key.startswith("lr-")
    assert key not in file.read_text()
    assert file.stat().st_mode & 0o077 == 0
    assert read_keys(file).owner(key) == "anna"
    assert read_keys(file).owner(key + "x") is read_keys(file).owner(None) is None
    with Serving(cli, "--model", "extractive", "--api-key-file", "keys", key=key) as server:
        server.upload(SECRET)
        server.http.get("/v1/files", headers={"Authorization": "Bearer lr-nobodys-key"})
    assert key not in "".join(server.log)
    assert not [f for f in cli.folder.rglob("*") if f.is_file() and key.encode() in f.read_bytes()]


@pytest.mark.parametrize("line", ["lr-abc", "anna lr-abc", "../x " + "0" * 64, "anna " + "0" * 63])
def test_a_wrong_line_of_keys_is_named_and_not_repeated(tmp_path: Path, line: str) -> None:
    (tmp_path / "keys").write_text(f"# keys\n{line}\n")
    with pytest.raises(UsageError, match="line 2") as caught:
        read_keys(tmp_path / "keys")
    assert "abc" not in str(caught.value)


def test_other_machines_need_a_key(cli: Cli) -> None:
    done = cli("serve", "--model", "extractive", "--host", "0.0.0.0", "--port", "0")
    assert done.returncode == 2
    assert "--api-key-file" in done.stderr
    assert cli("serve", "--new-key", "anna").returncode == 2
    assert "name has" in cli("serve", "--api-key-file", "keys", "--new-key", "../x").stderr


def test_a_page_elsewhere_cannot_drive_it(open_server: Serving) -> None:
    url, host = open_server.url, urlsplit(open_server.url).netloc
    port = urlsplit(url).port
    assert status(url, "/api/status") == 200
    assert status(url, "/api/status", Host=f"localhost:{port}") == 200
    assert status(url, "/api/status", Host=f"evil.example:{port}") == 403  # DNS rebinding
    assert status(url, "/api/status", Host=f"localhost.evil.example:{port}") == 403
    assert status(url, "/api/status", Host="") == 403
    assert status(url, "/api/status", Host="[::1") == 403
    assert status(url, "/api/status", Origin=f"http://{host}") == 200
    for origin in ("http://evil.example", "null", "http://127.0.0.1:1", f"http://evil@{host}", "http://["):
        assert status(url, "/api/status", Origin=origin) == 403
    assert status(url, "/api/status", Sec_Fetch_Site="cross-site") == 403
    # What a form can send without being asked about it.
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        assert status(url, "/api/runs", "POST", b"{}", Content_Type=kind) == 415
        assert status(url, "/v1/files", "POST", b"{}", Content_Type=kind) == 415
    twice = f"GET /api/status HTTP/1.1\r\nHost: {host}\r\nHost: evil.example\r\nConnection: close\r\n\r\n"
    assert raw(url, twice.encode())[0] == 400


def test_names_lead_nowhere(open_server: Serving, cli: Cli) -> None:
    (cli.folder / "secret.txt").write_text(SECRET)
    names = {
        "../../secret.txt": "secret.txt", "/etc/passwd.txt": "etc/passwd.txt", "..\\..\\x.txt": "x.txt",
        "a/./../b.txt": "a/b.txt", "..": "unnamed", "c\u202e.txt": "c\ufffd.txt",
        "d" * 900 + ".txt": "d" * 396 + ".txt",
    }  # fmt: skip
    before = {f for f in cli.folder.parent.rglob("*") if ".state" not in f.parts}
    for number, (name, shown) in enumerate(names.items()):
        made = open_server.upload(f"Text number {number}.", name)
        assert made["filename"] == shown
        assert open_server.http.get(f"/v1/files/{made['id']}/content").text == f"Text number {number}."
    assert {f for f in cli.folder.parent.rglob("*") if ".state" not in f.parts} == before
    for path in (
        "/static/../app.py", "/static/..%2fapp.py", "/static/%2e%2e/gate.py",
        "/v1/files/..%2f..%2fsecret.txt/content", "/v1/files/file-../content", "/api/runs/..", "//etc/passwd",
        "/static//etc/passwd",
    ):  # fmt: skip
        code, body = raw(
            open_server.url, f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
        )
        assert code in (400, 404), path
        assert b"4711" not in body


def test_bodies_are_bounded(cli: Cli) -> None:
    with Serving(cli, "--model", "extractive", "--max-file", "1", "--max-disk", "2") as server:
        http, url = server.http, server.url
        big = b"x" * ((1 << 20) + 1)
        assert http.post("/v1/files", files={"file": ("a.txt", big)}).status_code == 413
        head = "POST /v1/files HTTP/1.1\r\nHost: localhost\r\nX-Longread: 1\r\n"
        head += "Content-Type: multipart/form-data; boundary=b\r\n"
        assert raw(url, f"{head}Content-Length: 99999999999\r\n\r\n".encode())[0] == 413
        assert raw(url, f"{head}Content-Length: -1\r\n\r\n".encode())[0] == 400
        part = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'
        chunks = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in (part, big, big))
        assert raw(url, f"{head}Transfer-Encoding: chunked\r\n\r\n".encode() + chunks)[0] == 413
        for body in (b"", b"[]", b"{", b"\xff", b"[" * 100_000, b"1" * 10_000, b'{"model": 1}', b'"\\ud800"'):
            for path in ("/v1/chat/completions", "/api/runs", "/api/estimate"):
                made = http.post(path, content=body, headers={"Content-Type": "application/json"})
                assert made.status_code == 400, (path, body[:20])
                assert len(made.text) < 2_000
        for form in (
            b"",
            b"--b\r\n",
            b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\nx\r\n--b--\r\n',
        ):
            kind = {"Content-Type": "multipart/form-data; boundary=b"}
            assert http.post("/v1/files", content=form, headers=kind).status_code == 400
        assert http.get("/health").status_code == 200


def test_a_body_that_does_not_come_is_given_up(open_server: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    import anyio

    from longread.server.api.errors import Refusal
    from longread.server.api.gate import _Body

    async def never() -> dict[str, object]:
        await anyio.sleep_forever()
        raise AssertionError

    async def receive() -> None:
        await _Body(never, 10, None, 0.01)()

    with pytest.raises(Refusal) as caught:
        anyio.run(receive)
    assert caught.value.status == 408


def test_the_least_used_files_give_way(cli: Cli) -> None:
    import os

    with Serving(cli, "--model", "extractive", "--max-disk", "1") as server:
        texts = [os.urandom(120_000).hex() for _ in range(4)]  # some 360 KB each, as they come and packed
        first, second = (server.upload(text, f"{n}.txt")["id"] for n, text in enumerate(texts[:2]))
        server.upload(texts[0], "0.txt")  # used again
        third = server.upload(texts[2], "2.txt")["id"]
        assert {f["id"] for f in server.http.get("/v1/files").json()["data"]} == {first, third}
        assert "gave way" in server.http.get(f"/v1/files/{second}").json()["error"]["message"]
        made = server.http.post("/v1/files", files={"file": ("big.txt", os.urandom(500_000).hex().encode())})
        assert made.status_code == 507


def test_what_documents_say_is_never_more_than_text(open_server: Serving) -> None:
    script = "<script>alert(1)</script><img src=x onerror=alert(1)>"
    file = open_server.upload(f"The code of {script} is 4711.\n", f"{script}.txt")
    finished = dict(open_server.events(open_server.begin([f"What is the code of {script}?"], [file["id"]])))[
        "finished"
    ]
    run = finished["run_id"]
    for path in (
        f"/api/runs/{run}",
        f"/api/runs/{run}/export",
        f"/v1/files/{file['id']}/content",
        "/v1/files",
    ):
        made = open_server.http.get(path)
        assert made.headers["content-type"].split(";")[0] in (
            "application/json", "text/markdown", "application/octet-stream",
        )  # fmt: skip
        assert made.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in made.headers["content-security-policy"]
    exported = open_server.http.get(f"/api/runs/{run}/export")
    assert "attachment" in exported.headers["content-disposition"]


def test_addresses_in_requests_are_not_visited(open_server: Serving) -> None:
    with socket.create_server(("127.0.0.1", 0)) as trap:
        trap.settimeout(0.5)
        url = f"http://127.0.0.1:{trap.getsockname()[1]}/"
        parts = [
            {"type": "image_url", "image_url": {"url": url}},
            {"type": "file", "file": {"file_data": url, "filename": url}},
            {"type": "text", "text": f"<text>{url}</text> What is at {url}?"},
        ]
        open_server.http.post(
            "/v1/chat/completions",
            json={"model": "longread", "messages": [{"role": "user", "content": parts}]},
        )
        with pytest.raises(TimeoutError):
            trap.accept()


def test_logs_hold_neither_keys_nor_text(keyed: tuple[Serving, str, str]) -> None:
    server, anna, _ = keyed
    file = server.upload(SECRET)["id"]
    server.events(server.begin(["What is the code of the safe?"], [file]))
    server.http.post(
        "/v1/chat/completions", content=b"{" + anna.encode(), headers={"Content-Type": "application/json"}
    )
    server.process.terminate()
    server.process.wait(30)
    server._rest.join(10)
    said = "".join(server.log)
    assert anna not in said
    assert "4711" not in said
    assert json.dumps(said).count("Traceback") == 0
