"""The page in a real browser against a real server, for tests and for the pictures in the README."""

from __future__ import annotations

import json
import os
import sys
import sysconfig
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from playwright.sync_api import Browser, ConsoleMessage, Dialog, Page, expect, sync_playwright

from tests.support.cli import Cli

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
QUESTION = "What is the request_queue_size of the class that http.server's ThreadingHTTPServer is built on?"
_ARGS = (
    "--no-sandbox --disable-gpu --disable-background-networking --disable-component-update --disable-sync "
    "--no-first-run"
).split()
_PATIENCE = 30_000
"""Milliseconds to wait for what must come: a slow machine is no failure."""


@contextmanager
def browser() -> Iterator[Browser]:
    """Debian's Chromium. It closes with the block, and with it the event loop that Playwright keeps running."""
    expect.set_options(timeout=_PATIENCE)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=_ARGS)
        try:
            yield chromium
        finally:
            chromium.close()


@contextmanager
def open_page(
    chromium: Browser,
    url: str,
    width: int = 1280,
    height: int = 860,
    scheme: Literal["light", "dark"] = "light",
    key: str | None = None,
) -> Iterator[Watched]:
    """The page at `url`, in a window of its own, where `key` was given before."""
    context = chromium.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, reduced_motion="reduce"
    )
    context.set_default_timeout(_PATIENCE)
    if key:
        context.add_init_script(f"sessionStorage.setItem('longread-key', {json.dumps(key)})")
    try:
        page = context.new_page()
        watched = Watched(page)
        page.goto(url)
        yield watched
    finally:
        context.close()


class Watched:
    """A page, and what a good one never does: errors, violations of its policy, dialogs of scripts."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", self._console)
        page.on("dialog", self._dialog)

    def _console(self, message: ConsoleMessage) -> None:
        # The browser itself reports each answer of 4xx and each lost connection; those the page must handle.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.errors.append(message.text)

    def _dialog(self, dialog: Dialog) -> None:
        self.errors.append(f"dialog: {dialog.message}")
        dialog.dismiss()


class Server:
    """`longread serve` in a process of its own, at a port that stays the same when it is started again."""

    def __init__(self, cli: Cli, *options: str) -> None:
        self.url = ""
        self._cli = cli
        self._options = options
        self._port = "0"

    def start(self) -> None:
        """Starts it and waits until it serves."""
        self._process = self._cli.start("serve", *self._options, "--port", self._port)
        assert self._process.stderr is not None
        for line in self._process.stderr:
            if "serving at " in line:
                self.url = line.split("serving at ")[1].split()[0]
                self._port = self.url.rstrip("/").rpartition(":")[2]
                break
        else:
            raise RuntimeError(f"longread serve ended with {self._process.wait()}")
        # What it says later must not fill the pipe.
        threading.Thread(target=self._process.stderr.read, daemon=True).start()

    def kill(self) -> None:
        """Ends it as a power cut would."""
        self._process.kill()
        self._process.communicate()


@contextmanager
def serve(folder: Path, *options: str) -> Iterator[Server]:
    """A server that keeps its state in `folder`."""
    server = Server(Cli(folder), *options)
    server.start()
    try:
        yield server
    finally:
        server.kill()


def add(page: Page, *files: Path | dict[str, object]) -> None:
    """Adds files as by the file picker, and waits until they are there."""
    page.set_input_files("input[aria-label='Add files']", list(files))  # type: ignore[arg-type]
    expect(page.locator("progress")).to_have_count(0)


def add_folder(page: Page, folder: Path) -> None:
    """Adds a folder as by the folder picker, and waits until its files are there."""
    page.set_input_files("input[aria-label='Add a folder']", folder)
    expect(page.locator("progress")).to_have_count(0)


def ask(page: Page, question: str) -> None:
    """Asks one question from the first view."""
    page.get_by_label("Your question").fill(question)
    page.get_by_role("button", name="Read and answer").click()


def screenshots(docs: Path) -> None:
    """Pictures of a run over the source of Python's standard library, without a model, in light and dark."""
    with TemporaryDirectory() as folder, browser() as chromium:
        sources = _sources(Path(folder) / "python")
        with serve(Path(folder), "--model", "extractive", "--set", "strategy=sequential") as server:
            with open_page(chromium, server.url) as watched:
                add_folder(watched.page, sources)
                ask(watched.page, QUESTION)
                expect(watched.page.locator(".evidence")).to_be_visible(timeout=600_000)
                run = watched.page.url
            with open_page(chromium, run) as watched:
                _picture(watched.page, docs / "page.png")
            with open_page(chromium, run, scheme="dark") as watched:
                _picture(watched.page, docs / "page-dark.png")


def _picture(page: Page, file: Path) -> None:
    expect(page.locator(".evidence")).to_be_visible()
    page.screenshot(path=file)


def _sources(folder: Path) -> Path:
    """The modules of the standard library, without its packages other than http."""
    library = Path(sysconfig.get_path("stdlib"))
    for source in [*library.glob("*.py"), *library.glob("http/*.py")]:
        copy = folder / source.relative_to(library)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(source.read_bytes())
    return folder


if __name__ == "__main__":
    screenshots(Path(sys.argv[1]))
