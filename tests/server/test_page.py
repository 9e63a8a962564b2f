"""The page as its users meet it: a browser, `longread serve`, and a model server over HTTP."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Literal, NamedTuple

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, Route, expect

from longread.server.api.keys import add_key
from tests.server.browser import CHROMIUM, add, add_folder, ask, browser, open_page, serve
from tests.servers.model import ModelServer
from tests.support import planted
from tests.support.cli import Cli

pytestmark = pytest.mark.slow
WORLD = planted.plant(6_000, 2, seed=51)
COMPANY = WORLD.question.split("company ")[1].split()[0]
HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>"
USERS = 40
SMALL = (
    "--window",
    "8192",
    "--set",
    "chunk_tokens=500",
    "--set",
    "strategy=sequential",
    "--runs",
    str(USERS),
)


class Model(ModelServer):
    """Reads perfectly. After `patience` calls it says nothing more, until it is `free`."""

    def __init__(self) -> None:
        super().__init__(self._reply, lambda number, prompt: None if self.free else self._late(number))
        self.patience = 6
        self.free = True
        self.thought = ""
        """What it thinks before it says anything."""

    def forget(self) -> None:
        """Begins anew, for another test."""
        self.free = True
        self.thought = ""
        self.received.clear()
        self.replied.clear()

    def _reply(self, prompt: str) -> str:
        return (f"<think>{self.thought}</think>" if self.thought else "") + planted.read(prompt)

    def _late(self, number: int) -> str | None:
        return "stall" if number > self.patience else None


class Site(NamedTuple):
    """One server for most tests. What one key has no other sees: each test is a user of its own."""

    url: str
    model: Model
    keys: list[str]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    if not Path(CHROMIUM).exists() and "CHROMIUM" not in os.environ:
        pytest.skip(f"no browser at {CHROMIUM}; `apt-get install chromium`, or name one in CHROMIUM")
    with browser() as chromium:
        yield chromium


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    file = folder / "keys"
    keys = [add_key(file, f"user{number}") for number in range(USERS)]
    with Model() as model, serve(folder, *scripted(model), "--api-key-file", str(file)) as server:
        yield Site(server.url, model, keys)


def scripted(model: ModelServer) -> tuple[str, ...]:
    """Options of a server that reads with this model."""
    return ("--model", "scripted", "--base-url", model.base_url, *SMALL)


@pytest.fixture
def model(site: Site) -> Model:
    site.model.forget()
    return site.model


Window = Callable[..., AbstractContextManager[Page]]


@pytest.fixture
def window(chromium: Browser, site: Site) -> Window:
    """Opens windows of one user, and sees that nothing goes wrong in them."""
    key = site.keys.pop()

    @contextmanager
    def opened(url: str, **options: Any) -> Iterator[Page]:
        with open_page(chromium, url, key=key, **options) as watched:
            yield watched.page
            assert watched.errors == []

    return opened


@pytest.fixture
def page(window: Window, site: Site, model: Model) -> Iterator[Page]:
    with window(site.url) as page:
        yield page


@pytest.fixture
def world(tmp_path: Path) -> Path:
    file = tmp_path / "world.txt"
    file.write_text(WORLD.text)
    return file


@pytest.fixture
def answered(page: Page, world: Path) -> Page:
    """The page with a run that is done."""
    add(page, world)
    ask(page, WORLD.question)
    expect(page.locator(".evidence")).to_be_visible()
    expect(page.get_by_role("button", name="Copy answer")).to_be_visible()
    return page


@pytest.fixture
def halfway(page: Page, world: Path, model: Model) -> Page:
    """The page with a run whose model has fallen silent."""
    model.free = False
    add(page, world)
    ask(page, WORLD.question)
    expect(page.locator(".progress")).to_contain_text("6 of ")
    return page


def text_file(name: str, text: str) -> dict[str, object]:
    return {"name": name, "mimeType": "text/plain", "buffer": text.encode()}


def strip(page: Page) -> str:
    """What the strip of chunks tells those who do not see it."""
    return page.locator(".strip canvas").get_attribute("aria-label") or ""


def test_files_and_folders_are_added_chosen_and_deleted(page: Page, tmp_path: Path) -> None:
    folder = tmp_path / "letters"
    (folder / "old").mkdir(parents=True)
    (folder / "old" / "one.txt").write_text("The first letter.")
    (folder / "two.txt").write_text("The second letter.")
    (folder / ".hidden.txt").write_text("Nobody meant to add this.")
    expect(page.get_by_text("Drop files or folders here")).to_be_visible()
    add(page, text_file("a.txt", "A text."))
    add_folder(page, folder)
    names = page.locator(".documents .name")
    expect(names).to_have_text(["a.txt", "letters/old/one.txt", "letters/two.txt"])
    expect(page.get_by_label("3 of 3 files chosen")).to_be_checked()
    page.get_by_label("3 of 3 files chosen").click()
    page.get_by_label("letters/two.txt").first.check()
    expect(page.get_by_text("1 of 3 files chosen")).to_be_visible()
    page.get_by_role("button", name="Delete letters/two.txt").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Delete").click()
    expect(names).to_have_text(["a.txt", "letters/old/one.txt"])
    page.reload()
    expect(names).to_have_text(["a.txt", "letters/old/one.txt"])


def test_dropped_files_and_folders_are_added(page: Page, tmp_path: Path) -> None:
    (tmp_path / "single.txt").write_text("A file.")
    (tmp_path / "letters" / "old").mkdir(parents=True)
    (tmp_path / "letters" / "old" / "one.txt").write_text("A letter.")
    expect(page.get_by_text("Drop files or folders here")).to_be_visible()
    devices = page.context.new_cdp_session(page)
    files = [str(tmp_path / "single.txt"), str(tmp_path / "letters")]
    for kind in ("dragEnter", "dragOver", "drop"):
        data = {"items": [], "files": files, "dragOperationsMask": 1}
        devices.send("Input.dispatchDragEvent", {"type": kind, "x": 300, "y": 300, "data": data})
    expect(page.locator(".documents .name")).to_have_text(["letters/old/one.txt", "single.txt"])


def test_a_file_that_cannot_be_read_is_named_with_the_reason(page: Page) -> None:
    add(page, {"name": "broken.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.4 and no more"})
    problem = page.get_by_role("alert").filter(has_text="could not be added")
    expect(problem).to_contain_text(re.compile(r"broken\.pdf: .{10,}"))
    problem.get_by_role("button", name="Dismiss").click()
    expect(problem).to_have_count(0)


def test_a_run_is_watched_and_its_citation_opens_the_passage(page: Page, world: Path) -> None:
    add(page, world)
    page.get_by_label("Your question").fill(WORLD.question)
    expect(page.locator(".figures")).to_contain_text(re.compile(r"chunks.*calls.*time.*cost"))
    page.get_by_label("Your question").press("Control+Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(WORLD.question)
    expect(page.locator(".answer .prose")).to_contain_text(WORLD.answer)
    expect(page).to_have_url(re.compile(r"#/run/[0-9a-f]{12}$"))
    assert re.fullmatch(r"\d+ chunks: 2 noted, \d+ read", strip(page))
    expect(page.locator(".note")).to_have_count(2)
    expect(page.locator(".note").first).to_contain_text(WORLD.hops[1])  # the newest comes first
    page.get_by_role("button", name="Citation 1: world.txt").click()
    panel = page.get_by_role("dialog")
    expect(panel.locator("mark")).to_have_text(WORLD.hops[0])
    expect(panel.locator("mark")).to_be_in_viewport()
    page.keyboard.press("Escape")
    expect(panel).to_have_count(0)
    page.locator(".note").first.get_by_role("button", name="world.txt").click()
    expect(panel.locator("mark")).to_have_text(WORLD.hops[1])


def test_the_document_can_be_read_on_to_its_ends(answered: Page) -> None:
    answered.get_by_role("button", name="Citation 2: world.txt").click()
    panel = answered.get_by_role("dialog")
    read_on(panel, "Show what comes before")
    read_on(panel, "Show what comes after")
    assert panel.locator(".text").text_content() == WORLD.text


def read_on(panel: Locator, name: str) -> None:
    """Shows more of the document until there is no more."""
    more, text = panel.get_by_role("button", name=name), panel.locator(".text")
    expect(panel.locator("mark")).to_be_visible()
    while more.is_visible():
        shown = text.evaluate("(element) => element.childNodes.length")
        more.click()
        grown = "([element, shown]) => element.childNodes.length > shown"
        text.page.wait_for_function(grown, arg=[text.element_handle(), shown])


def test_a_passage_whose_file_was_deleted_says_so(answered: Page) -> None:
    answered.get_by_role("link", name="Ask", exact=True).click()
    answered.get_by_role("button", name="Delete world.txt").click()
    answered.get_by_role("alertdialog").get_by_role("button", name="Delete").click()
    expect(answered.get_by_text("Drop files or folders here")).to_be_visible()
    answered.locator(".recent .run").click()
    answered.get_by_role("button", name="Citation 1: world.txt").click()
    expect(answered.get_by_role("dialog").locator(".error")).to_contain_text("no longer here")


def test_several_questions_are_asked_in_one_read(page: Page, tmp_path: Path) -> None:
    worlds = planted.several(6_000, 2, seed=7)
    (tmp_path / "worlds.txt").write_text(worlds.document.text)
    add(page, tmp_path / "worlds.txt")
    page.get_by_label("Your question").fill(worlds.questions[0])
    page.get_by_role("button", name="Add a question").click()
    page.get_by_label("Question 2").fill(worlds.questions[1])
    page.get_by_role("button", name="Read and answer").click()
    expect(page.locator(".answer .prose")).to_have_count(2)
    for number, answer in enumerate(worlds.answers):
        expect(page.locator(".answer").nth(number)).to_contain_text(worlds.questions[number])
        expect(page.locator(".answer .prose").nth(number)).to_contain_text(answer)


def test_what_a_model_thinks_is_there_for_those_who_want_it(page: Page, world: Path, model: Model) -> None:
    model.thought = f"The notes name a city. {HOSTILE}"
    add(page, world)
    ask(page, WORLD.question)
    expect(page.locator(".evidence")).to_be_visible()
    expect(page.locator(".answer .prose")).not_to_contain_text("The notes name a city.")
    thoughts = page.get_by_text("The notes name a city.")
    expect(thoughts).not_to_be_visible()
    page.get_by_text("What the model thought").click()
    expect(thoughts).to_be_visible()
    expect(thoughts).to_contain_text(HOSTILE)


def test_what_is_not_in_the_documents_is_said_to_be_not_there(page: Page, world: Path) -> None:
    add(page, world)
    ask(page, "Who founded the company Nirgendwo?")
    expect(page.locator(".verdict")).to_have_text("Not in the documents")
    expect(page.locator(".evidence")).to_have_count(0)


def test_a_run_is_stopped_and_resumed(halfway: Page, model: Model) -> None:
    halfway.get_by_role("button", name="Stop").click()
    expect(halfway.locator(".progress")).to_contain_text("Stopped")
    expect(halfway.locator(".progress")).to_contain_text("what was read is kept")
    before = strip(halfway).partition(" read")[0]
    halfway.get_by_role("button", name="Resume").click()
    expect(halfway.locator(".strip canvas")).to_have_attribute(
        "aria-label", re.compile(f"{before} read, 1 being")
    )
    halfway.get_by_role("button", name="Stop").click()
    expect(halfway.locator(".progress")).to_contain_text("Stopped")
    model.free = True
    calls = model.calls
    halfway.get_by_role("button", name="Resume").click()
    expect(halfway.locator(".answer .prose")).to_contain_text(WORLD.answer)
    assert model.calls > calls
    assert set(model.replied.values()) == {1}  # no chunk was read twice


def test_a_reload_finds_the_run_that_goes_on(halfway: Page, model: Model) -> None:
    halfway.reload()
    expect(halfway.locator(".progress")).to_contain_text("6 of ")
    expect(halfway.locator(".strip canvas")).to_have_attribute("aria-label", re.compile("1 being read"))
    expect(halfway.get_by_role("button", name="Stop")).to_be_visible()


def test_a_broken_stream_is_taken_up_where_it_broke(page: Page, world: Path) -> None:
    asked: list[str] = []

    def once_broken(route: Route) -> None:
        asked.append(route.request.url.partition("?")[2])
        if len(asked) > 1:
            route.continue_()
        else:
            first = 'id: 1\nevent: queued\ndata: {"ahead": 0}\n\nid: 2\nevent: sta'
            route.fulfill(body=first, content_type="text/event-stream")

    page.route("**/api/live/*?*", once_broken)
    add(page, world)
    ask(page, WORLD.question)
    expect(page.locator(".answer .prose")).to_contain_text(WORLD.answer)
    assert asked == ["after=0", "after=1"]


def test_a_run_that_waits_says_so(chromium: Browser, tmp_path: Path, model: Model, world: Path) -> None:
    model.free = False
    options = (*scripted(model), "--runs", "1")
    with serve(tmp_path, *options) as server, open_page(chromium, server.url) as watched:
        add(watched.page, world)
        ask(watched.page, WORLD.question)
        expect(watched.page.locator(".progress")).to_contain_text("6 of ")
        watched.page.get_by_role("link", name="Ask").click()
        add(watched.page, text_file("b.txt", "Another text."))
        ask(watched.page, "Who founded the company Nirgendwo?")
        expect(watched.page.locator(".progress")).to_contain_text(re.compile("Starting|Waiting"))
        watched.page.get_by_role("button", name="Stop").click()
        expect(watched.page.get_by_role("alert").filter(has_text="stopped")).to_be_visible()


def test_a_follow_up_is_answered_from_the_notes(answered: Page) -> None:
    answered.get_by_label("Ask further").fill("Who founded that company?")
    answered.get_by_label("Ask further").press("Control+Enter")
    founder = WORLD.hops[0].split()[-1].rstrip(".")
    expect(answered.get_by_role("heading", level=1)).to_have_text("Who founded that company?")
    expect(answered.locator(".answer .prose")).to_contain_text(founder)
    expect(answered.get_by_role("link", name="Follows an earlier question")).to_be_visible()
    expect(answered.locator(".answer")).to_contain_text(f"Understood as: Who founded the company {COMPANY}?")
    assert re.fullmatch(r"(\d+) chunks: \1 skipped", strip(answered))


def test_a_short_text_is_read_in_one_pass(chromium: Browser, tmp_path: Path, model: Model) -> None:
    sentence = "The company Acme was founded by Roe."
    options = ("--model", "scripted", "--base-url", model.base_url, "--window", "8192")
    with serve(tmp_path, *options) as server, open_page(chromium, server.url) as watched:
        add(watched.page, text_file("short.txt", sentence))
        ask(watched.page, "Who founded the company Acme?")
        expect(watched.page.locator(".answer .prose")).to_contain_text("Roe")
        expect(watched.page.locator(".note")).to_have_count(1)
        assert strip(watched.page) == "1 chunk: 1 noted"


def test_a_stored_answer_is_known_as_such_and_can_be_asked_afresh(answered: Page, model: Model) -> None:
    calls = model.calls
    answered.get_by_role("link", name="Ask", exact=True).click()
    ask(answered, WORLD.question)
    expect(answered.locator(".progress")).to_contain_text("a stored answer")
    expect(answered.locator(".answer .prose")).to_contain_text(WORLD.answer)
    assert model.calls == calls
    answered.get_by_role("button", name="Ask again afresh").click()
    expect(answered.locator(".progress")).not_to_contain_text("a stored answer")
    expect(answered.locator(".answer .prose")).to_contain_text(WORLD.answer)
    assert model.calls > calls


def test_history_lists_opens_and_deletes(answered: Page) -> None:
    answered.get_by_role("link", name="History").click()
    run = answered.locator(".runs .run")
    expect(run).to_have_count(1)
    expect(run).to_contain_text("world.txt")
    run.click()
    expect(answered.locator(".answer .prose")).to_contain_text(WORLD.answer)
    answered.get_by_role("link", name="History").click()
    answered.get_by_role("button", name="Delete this run").click()
    answered.get_by_role("alertdialog").get_by_role("button", name="Delete").click()
    expect(answered.get_by_text("Nothing was asked yet.")).to_be_visible()


def test_an_audit_plays_the_notes_step_by_step(answered: Page) -> None:
    answered.get_by_role("link", name="How it was read").click()
    where = answered.locator(".progress")
    expect(where).to_have_text(re.compile(r"Step 1 of (\d+): chunk 1 of \1, world\.txt"))
    expect(answered.get_by_text("No notes yet.")).to_be_visible()
    answered.keyboard.press("ArrowRight")
    expect(where).to_contain_text("Step 2 of")
    answered.get_by_role("button", name="Previous step").click()
    expect(where).to_contain_text("Step 1 of")
    answered.keyboard.press("End")
    expect(answered.get_by_label("Notes held then").locator(".note")).to_have_count(2)
    answered.get_by_role("slider").fill("1")
    expect(where).to_contain_text("Step 2 of")
    answered.get_by_role("button", name="Play").click()
    expect(answered.get_by_role("button", name="Pause")).to_be_visible()
    expect(where).to_contain_text("Step 3 of")
    answered.get_by_role("button", name="Pause").click()
    expect(answered.get_by_role("button", name="Play")).to_be_visible()
    answered.reload()
    expect(where).to_contain_text("Step 1 of")


def test_an_audit_names_what_was_refused(chromium: Browser, tmp_path: Path, world: Path) -> None:
    prompts = tmp_path / "exact.toml"
    prompts.write_text(planted.prompts(exact=True))
    with (
        ModelServer(planted.embroider) as model,
        serve(tmp_path, *scripted(model), "--set", f"prompts={prompts}") as server,
        open_page(chromium, server.url) as watched,
    ):
        page = watched.page
        add(page, world)
        ask(page, WORLD.question)
        expect(page.locator(".answer .prose")).to_contain_text(WORLD.answer)
        page.get_by_role("link", name="How it was read").click()
        step = page.get_by_label("This step")
        expect(step).to_contain_text("Nothing was noted")
        noted = re.compile("Added.*Refused.*The moon is a cheese.*quote not in the text", re.DOTALL)
        for _ in range(page.get_by_role("slider").evaluate("slider => Number(slider.max)")):
            if noted.search(step.inner_text()):
                break
            page.keyboard.press("ArrowRight")
        expect(step).to_have_text(noted)
        page.keyboard.press("ArrowLeft")
        expect(step).not_to_contain_text("Refused")


def test_chunks_that_were_skipped_are_told(chromium: Browser, tmp_path: Path, world: Path) -> None:
    prompts = tmp_path / "skip.toml"
    prompts.write_text(planted.prompts(exact=True, named=True, skip=True))
    with (
        ModelServer(planted.read) as model,
        serve(tmp_path, *scripted(model), "--set", f"prompts={prompts}") as server,
        open_page(chromium, server.url) as watched,
    ):
        add(watched.page, world)
        ask(watched.page, WORLD.question)
        about = watched.page.locator(".answer .about")
        expect(about).to_contain_text(
            re.compile(r"chunks read · \d+ skipped, without a name or word that is asked for")
        )
        assert re.fullmatch(r"\d+ chunks: 2 noted, \d+ skipped", strip(watched.page))


def test_answers_are_exported_and_copied_with_their_sources(answered: Page) -> None:
    with answered.expect_download() as saved:
        answered.get_by_role("button", name="Export Markdown").click()
    assert WORLD.hops[0] in saved.value.path().read_text()
    assert saved.value.suggested_filename.endswith(".md")
    with answered.expect_download() as saved:
        answered.get_by_role("button", name="Export JSON").click()
    assert WORLD.answer in json.dumps(json.loads(saved.value.path().read_text()))
    answered.context.grant_permissions(["clipboard-read", "clipboard-write"])
    answered.get_by_role("button", name="Copy answer").click()
    expect(answered.get_by_text("Copied, with its sources.")).to_be_visible()
    copied = answered.evaluate("() => navigator.clipboard.readText()")
    assert copied.startswith(f"{WORLD.answer} [1][2]") and WORLD.hops[1] in copied


def test_a_server_that_is_killed_and_comes_back_finds_its_page_waiting(
    chromium: Browser, tmp_path: Path, model: Model, world: Path
) -> None:
    model.free = False
    with serve(tmp_path, *scripted(model)) as server, open_page(chromium, server.url) as watched:
        page = watched.page
        add(page, world)
        ask(page, WORLD.question)
        expect(page.locator(".progress")).to_contain_text("6 of ")
        server.kill()
        banner = page.locator("#connection")
        expect(banner).to_contain_text("The connection to the server is lost")
        model.free = True
        server.start()
        banner.get_by_role("button", name="Try now").click()
        expect(banner).to_be_empty()
        expect(page.locator(".progress")).to_contain_text("6 of ")
        page.get_by_role("button", name="Resume").click()
        expect(page.locator(".answer .prose")).to_contain_text(WORLD.answer)


def test_a_question_that_finds_no_server_says_so_and_is_not_lost(
    chromium: Browser, tmp_path: Path, world: Path
) -> None:
    with serve(tmp_path, "--model", "extractive") as server, open_page(chromium, server.url) as watched:
        page = watched.page
        add(page, world)
        server.kill()
        ask(page, WORLD.question)
        expect(page.locator(".ask > .error")).to_contain_text("The server does not answer")
        expect(page.get_by_label("Your question")).to_have_value(WORLD.question)


def test_a_key_is_asked_for_and_a_wrong_one_refused(chromium: Browser, tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    key = Cli(tmp_path)("serve", "--api-key-file", str(keys), "--new-key", "anna").stdout.strip()
    with (
        serve(tmp_path, "--model", "extractive", "--api-key-file", str(keys)) as server,
        open_page(chromium, server.url) as watched,
    ):
        page = watched.page
        field = page.get_by_role("textbox", name="Key")
        field.fill("not the key")
        page.get_by_role("button", name="Continue").click()
        expect(page.get_by_text("The server did not take this key.")).to_be_visible()
        field.fill(key)
        page.keyboard.press("Enter")
        expect(page.get_by_text("Drop files or folders here")).to_be_visible()
        page.reload()
        expect(page.get_by_text("Drop files or folders here")).to_be_visible()
        assert page.evaluate("() => localStorage.length + document.cookie.length") == 0
        page.get_by_role("button", name="Forget the key").click()
        expect(page.get_by_role("heading", name="This server needs a key")).to_be_visible()
        assert watched.errors == []


def test_much_text_goes_elsewhere_only_with_consent(chromium: Browser, tmp_path: Path, model: Model) -> None:
    elsewhere = model.base_url.replace(
        "127.0.0.1", "0.0.0.0"
    )  # the same server, but not known as this machine
    (tmp_path / "world.txt").write_text(planted.plant(150_000, 1, seed=3).text)
    with (
        serve(tmp_path, "--model", "scripted", "--base-url", elsewhere, *SMALL) as server,
        open_page(chromium, server.url) as watched,
    ):
        page = watched.page
        calls = model.calls
        add(page, tmp_path / "world.txt")
        ask(page, WORLD.question)
        consent = page.get_by_role("alertdialog")
        expect(consent).to_contain_text(re.compile(r"tokens in [\d,]+ calls would go to 0\.0\.0\.0"))
        consent.get_by_role("button", name="Cancel").click()
        expect(page.get_by_label("Your question")).to_have_value(WORLD.question)
        assert model.calls == calls
        page.get_by_role("button", name="Read and answer").click()
        consent.get_by_role("button", name="Agree and read").click()
        expect(page.locator(".progress")).to_contain_text("Reading")
        page.get_by_role("button", name="Stop").click()
        expect(page.locator(".progress")).to_contain_text("Stopped")


def test_all_of_it_works_by_keyboard(page: Page, world: Path) -> None:
    add(page, world)
    focus(page, "Your question")
    page.keyboard.type(WORLD.question)
    page.keyboard.press("Control+Enter")
    expect(page.locator(".evidence")).to_be_visible()
    focus(page, "Citation 1: world.txt")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog").locator("mark")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert "Citation 1" in focused(page)  # where the reader was
    focus(page, "How it was read", backwards=True)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="How it was read")).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".progress")).to_contain_text("Step 2 of")


def focused(page: Page) -> str:
    """The name of the element that has the focus."""
    name: str = page.evaluate(
        """() => {
            const at = document.activeElement;
            return [at.getAttribute("aria-label"), at.labels?.[0]?.textContent, at.textContent].join(" ");
        }"""
    )
    return name


def focus(page: Page, name: str, backwards: bool = False) -> None:
    """Presses Tab until the element of that name has the focus."""
    for _ in range(60):
        page.keyboard.press("Shift+Tab" if backwards else "Tab")
        if name in focused(page):
            return
    raise AssertionError(f"Tab does not reach {name}")


@pytest.fixture
def views(answered: Page, site: Site) -> dict[str, str]:
    """The address of each view."""
    run = answered.url.rpartition("/")[2]
    places = {
        "home": "", "run": f"#/run/{run}", "audit": f"#/audit/{run}", "history": "#/history",
        "error": "#/run/000000000000",
    }  # fmt: skip
    return {name: site.url + place for name, place in places.items()}


READY = {
    "home": ".documents li",
    "run": ".evidence",
    "audit": ".player",
    "history": ".runs",
    "error": ".error",
}


def test_nothing_scrolls_sideways_on_a_phone(window: Window, views: dict[str, str]) -> None:
    for name, url in views.items():
        with window(url, width=360, height=740) as page:
            expect(page.locator(READY[name]).first).to_be_visible()
            assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth"), name
            outside = page.evaluate(
                """() => [...document.querySelectorAll("main *")]
                    .filter((element) => element.getBoundingClientRect().right > innerWidth + 1)
                    .map((element) => element.outerHTML)"""
            )
            assert outside == [], name


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(
    window: Window, views: dict[str, str], scheme: Literal["light", "dark"]
) -> None:
    for name, url in views.items():
        with window(url, scheme=scheme) as page:
            expect(page.locator(READY[name]).first).to_be_visible()
            assert violations(page) == [], name
            if name == "run":
                page.get_by_role("button", name="Citation 1: world.txt").click()
                expect(page.locator("mark")).to_be_visible()
                assert violations(page) == [], "passage"


def violations(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {node['html']} {node['failureSummary']}"
        for one in found
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]


def test_the_dark_scheme_is_dark(window: Window, site: Site) -> None:
    with window(site.url, scheme="dark") as page:
        colour = page.evaluate("() => getComputedStyle(document.body).backgroundColor")
        assert max(map(int, re.findall(r"\d+", colour))) < 60


def test_markup_in_names_texts_and_questions_stays_text(page: Page) -> None:
    name = "<img src=x onerror=alert(3)>.txt"
    company = "Xa<b>"
    text = f"{HOSTILE} {WORLD.text} {HOSTILE}"
    question = f"{WORLD.question} {HOSTILE} {company}"
    add(page, text_file(name, text))
    expect(page.locator(".documents .name")).to_have_text([name])
    ask(page, question)
    expect(page.get_by_role("heading", level=1)).to_have_text(question)
    expect(page.locator(".evidence")).to_be_visible()
    page.locator(".evidence .source").first.click()
    panel = page.get_by_role("dialog")
    read_on(panel, "Show what comes before")
    expect(panel.locator(".text")).to_contain_text(HOSTILE)
    page.keyboard.press("Escape")
    page.get_by_role("link", name="History").click()
    expect(page.locator(".run .question")).to_have_text(question)
    assert page.locator("main img, main script, main b").count() == 0


def test_a_model_that_writes_markup_writes_text(page: Page) -> None:
    page.evaluate(
        """async (hostile) => {
            const { prose } = await import("/static/prose.js");
            const text = `**${hostile}** and \\`${hostile}\\`\\n\\n- ${hostile}`;
            document.querySelector("main").replaceChildren(...prose(text));
        }""",
        HOSTILE,
    )
    expect(page.locator("main strong")).to_have_text(HOSTILE)
    expect(page.locator("main code")).to_have_text(HOSTILE)
    expect(page.locator("main li")).to_have_text(HOSTILE)
    assert page.locator("main img, main script").count() == 0


@pytest.mark.parametrize("chunks", [1, 5_000])
def test_the_strip_shows_one_chunk_and_thousands(page: Page, chunks: int) -> None:
    page.evaluate(
        """async (chunks) => {
            const { Strip } = await import("/static/strip.js");
            const strip = new Strip();
            document.querySelector("main").replaceChildren(strip.element);
            strip.update(Array.from({ length: chunks }, (_, i) => (i % 100 ? 2 : 3)));
        }""",
        chunks,
    )
    assert strip(page) == ("1 chunk: 1 noted" if chunks == 1 else "5,000 chunks: 50 noted, 4,950 read")
    painted = page.evaluate(
        """() => {
            const canvas = document.querySelector("main canvas");
            const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
            return data.some((value) => value > 0);
        }"""
    )
    assert painted


def test_notes_that_were_replaced_or_dropped_are_struck_through(page: Page) -> None:
    page.evaluate(
        """async () => {
            const [{ Reading }, { NoteList }] = await Promise.all(
                [import("/static/reading.js"), import("/static/notes.js")]);
            const note = (id, replaces) => (
                { question: 0, id, claim: `claim ${id}`, quote: "", document: null, replaces });
            const reading = new Reading();
            const chunk = (chunk, notes, dropped) =>
                reading.take("chunk", { chunk, read: chunk + 1, total: 3, notes, dropped });
            reading.take("started", { run_id: "1", questions: ["?"], chunks: [9, 9, 9] });
            chunk(0, [note(1, null), note(2, null), note(3, null)], []);
            chunk(1, [note(4, 1)], []);
            chunk(1, [note(4, 1)], []);
            chunk(2, [], [{ question: 0, id: 2 }]);
            const list = new NoteList(() => {}, "Notes");
            document.querySelector("main").replaceChildren(list.element);
            list.update(reading.notes, false, "");
        }"""
    )
    expect(page.locator(".note .claim")).to_have_text(
        ["claim 4", "claim 3", "dropped: claim 2", "replaced: claim 1"]
    )
    expect(page.locator(".note s")).to_have_text(["claim 2", "claim 1"])
    expect(page.get_by_role("heading", name="Notes")).to_have_text("Notes · 2 held, 2 struck")


def test_the_page_holds_the_latest_notes_and_shows_all_on_demand(page: Page) -> None:
    page.evaluate(
        """async () => {
            const { NoteList } = await import("/static/notes.js");
            const list = new NoteList(() => {}, "Notes");
            document.querySelector("main").replaceChildren(list.element);
            const notes = Array.from({ length: 450 }, (_, i) => (
                { question: 0, id: i, claim: `claim ${i}`, quote: "", document: null, chunk: i, gone: null }));
            list.update(notes.slice(0, 300), false, "");
            notes[299].gone = "replaced";
            list.update(notes, false, "");
        }"""
    )
    notes = page.locator(".note")
    expect(notes).to_have_count(200)
    expect(notes.first).to_contain_text("claim 449")
    expect(page.locator("s")).to_have_text(["claim 299"])
    page.get_by_role("button", name="Show all 450 notes").click()
    expect(notes).to_have_count(450)
    expect(notes.last).to_contain_text("claim 0")
