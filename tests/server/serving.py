"""`longread serve` as a process of its own, beside a model server that follows a script."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import threading
from typing import Any, Self

import httpx2

from tests.support.cli import Cli

SMALL = {"LONGREAD_CHUNK_TOKENS": "500", "LONGREAD_WINDOW": "8192", "LONGREAD_STRATEGY": "sequential"}
"""Settings for reading in small chunks."""


class Serving:
    """A server while the `with` block lasts. What it says on stderr is in `log`."""

    def __init__(self, cli: Cli, *args: str, key: str | None = None, **env: str) -> None:
        self._cli, self._args, self._env = cli, args, env
        self.log: list[str] = []
        self.http = httpx2.Client(
            headers={"Authorization": f"Bearer {key}"} if key else {"X-Longread": "1"},
            timeout=60,
            trust_env=False,
        )

    def __enter__(self) -> Self:
        self.process = self._cli.start("serve", "--port", "0", *self._args, **self._env)
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.log.append(line)
            if found := re.search(r"serving at (http://\S+?)/ ", line):
                self.url = found[1]
                break
        else:
            raise AssertionError("".join(self.log))
        self._rest = threading.Thread(target=lambda: self.log.extend(self.process.stderr or ()))
        self._rest.start()
        self.http.base_url = self.url
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)
        self._rest.join(10)
        assert self.process.stdout is not None and self.process.stderr is not None
        self.process.stdout.close()
        self.process.stderr.close()

    def kill(self) -> None:
        """As when the machine fails."""
        self.process.kill()
        self.process.wait(30)

    def upload(self, text: str | bytes, name: str = "world.txt", **more: Any) -> dict[str, Any]:
        """Uploads a file; what the server says of it."""
        data = text.encode() if isinstance(text, str) else text
        made = self.http.post(
            "/v1/files", files={"file": (name, data)}, data={"purpose": "user_data"}, **more
        )
        assert made.status_code == 200, made.text
        out: dict[str, Any] = made.json()
        return out

    def begin(self, questions: list[str], files: list[str], **more: Any) -> str:
        """Begins a run; its ticket."""
        made = self.http.post("/api/runs", json={"questions": questions, "files": files} | more)
        assert made.status_code == 202, made.text
        return str(made.json()["ticket"])

    def events(self, ticket: str, after: int = 0) -> list[tuple[str, dict[str, Any]]]:
        """All events of a run, to its end."""
        return list(events(self.http, f"/api/live/{ticket}?after={after}"))

    def events_until(self, ticket: str, name: str) -> dict[str, Any]:
        """The first event of that name."""
        return next(data for told, data in events(self.http, f"/api/live/{ticket}") if told == name)


def events(client: httpx2.Client, url: str) -> Any:
    """Server-sent events as they come: name and data."""
    with client.stream("GET", url) as response:
        assert response.status_code == 200, response.read()
        name = ""
        for line in response.iter_lines():
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data: "):
                yield name, json.loads(line.removeprefix("data: "))


def curl(*args: str) -> str:
    """What curl prints."""
    return subprocess.run(
        ["curl", "-sS", *args], capture_output=True, text=True, timeout=60, check=True
    ).stdout
