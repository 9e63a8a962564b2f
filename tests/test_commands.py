"""Every command printed in README.md, in docs/ and in the help texts runs as it is printed."""

from __future__ import annotations

import json
import re
import shutil
import tomllib
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from tests.support import handbook, samples
from tests.support.generated import ROOT, commands, examples
from tests.support.handbook import FACTS, Printed, Sandbox

PRINTED = handbook.printed()
RUN = [one for one in PRINTED if not one.elsewhere]
SLOW = (
    "longread demo",
    ".venv/bin/longread demo",
    "longread doctor --quality",
    "longread eval run",
    "longread train run",
)
UNLIKE = re.compile(r"\b[0-9a-f]{12}\b|[\d.]+ s\b|\d{4}-\d\d-\d\d \d\d:\d\d")
"""What of an output is another one each time: ids, durations, dates."""
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]+")
COUNTED = re.compile(r"^(calls|input tokens|output tokens|time|cost|would read|reading|read) .*")
"""Lines whose numbers follow from the wording of prompts."""


def named(one: Printed) -> str:
    """A readable id."""
    words = re.sub(r"[^\w.-]+", "-", one.command.replace("http://localhost:", ""))
    return f"{one.page}:{words[:90]}".replace(" ", "-")


Open = Callable[[str], Sandbox]
Done = CompletedProcess[str]


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Open]:
    """Folders to run commands in, by name."""
    files = tmp_path_factory.mktemp("files")
    samples.write_files(files)
    made: dict[str, Sandbox] = {}
    with handbook.Models() as server:

        def of(name: str) -> Sandbox:
            if name not in made:
                made[name] = Sandbox.make(tmp_path_factory.mktemp(name) / "folder", files, server)
            return made[name]

        yield of


@pytest.fixture(scope="module")
def outcomes(request: pytest.FixtureRequest, sandbox: Open) -> Iterator[dict[Printed, Future[Done]]]:
    """What the selected commands did: those of a page in order, as a reader would, two pages at a time."""
    pages: dict[str, list[Printed]] = {}
    for item in request.session.items:
        if getattr(item, "function", None) is test_what_is_printed_runs_and_gives_what_is_said:
            one = item.callspec.params["one"]  # type: ignore[attr-defined]
            pages.setdefault(one.page if one.page.endswith(".md") else "help", []).append(one)
    done: dict[Printed, Future[Done]] = {one: Future() for page in pages.values() for one in page}

    def work(name: str, page: list[Printed]) -> None:
        for one in page:
            try:
                done[one].set_result(carry_out(sandbox(name), one))
            except BaseException as error:
                done[one].set_exception(error)

    with ThreadPoolExecutor(2) as pool:
        for name, page in pages.items():
            pool.submit(work, name, page)
        yield done


def carry_out(box: Sandbox, one: Printed) -> Done:
    """Runs a command; what it wrote into a file counts as printed."""
    if "--continue" in one.command and box.before != one.follows:
        before = box.run(f"{one.follows} --fresh")
        assert before.returncode == 0, before.stderr
    done = box.run(one.command)
    if target := re.search(r">>? *(\S+)", re.sub(r"'[^']*'", "", one.command)):
        path = target[1].replace("~", str(box.folder), 1)
        done.stdout += (box.folder / path).read_text(encoding="utf-8")
    return done


@pytest.mark.parametrize(
    "one",
    [
        pytest.param(
            o,
            marks=[pytest.mark.slow] if o.page != "README.md" or o.command.startswith(SLOW) else [],
            id=named(o),
        )
        for o in RUN
    ],
)
def test_what_is_printed_runs_and_gives_what_is_said(
    one: Printed, outcomes: dict[Printed, Future[Done]]
) -> None:
    if one.command.startswith("git") and shutil.which("git") is None:
        pytest.skip("there is no git")
    done = outcomes[one].result()
    assert done.returncode == one.exit_code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    for question in asked(one.command) if one.exit_code == 0 and "--dry-run" not in one.command else []:
        assert FACTS[question] in done.stdout, done.stdout
        if "| jq" not in one.command:
            assert re.search(r'^\[1\] |"citations": \[\{', done.stdout, re.M), done.stdout
    assert done.stdout or one.exit_code or "delete" in one.command or " mcp" in one.command
    for line in one.output.splitlines():
        if line.strip() not in ("", "…"):
            said = [alike(other) for other in (done.stdout + done.stderr).splitlines()]
            assert any(fits(alike(line), other) for other in said), f"{line!r} is not in\n" + "\n".join(said)


def asked(command: str) -> list[str]:
    """The questions in a command that asks."""
    if "longread ask" not in command:
        return []
    if "--questions" in command:
        lines = (line for line in samples.QUESTIONS.splitlines() if not line.startswith("#"))
        return list(lines)
    return [text for text in re.findall(r'"([^"]+)"', command) if text.endswith("?")]


def alike(line: str) -> str:
    """A line without what differs from run to run."""
    line = UNLIKE.sub("0", line.rstrip())
    return re.sub(r"\d[\d,.]*[KM]?", "0", line) if COUNTED.match(line) else line


def fits(shown: str, said: str) -> bool:
    """Whether a line is what the page shows, which may be abridged by an ellipsis at its end."""
    return said.startswith(shown[:-1]) if shown.endswith("…") and not said.endswith("…") else shown == said


def test_a_question_that_no_page_asks_has_no_answer_here() -> None:
    said = {question for one in PRINTED for question in asked(one.command)}
    unknown = said - set(FACTS) - {"Who is the landlord's insurer?"}
    assert not unknown and set(FACTS) <= said | {"Who signed the lease?"}


@pytest.mark.parametrize("one", [o for o in PRINTED if o.elsewhere], ids=named)
def test_other_tools_are_called_as_they_can_be(one: Printed, sandbox: Open) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    if target := re.match(r"make ([\w-]+)", one.command):
        assert re.search(rf"^{target[1]}:", makefile, re.M)
    for extra in re.findall(r"\[(\w+)\]", one.command):
        assert extra in extras
    if served := re.search(r"longread mcp .*", one.command):
        assert sandbox("others").run(served[0]).returncode == 0


@pytest.mark.parametrize("page", handbook.PAGES, ids=lambda page: page.name)
def test_snippets_and_configurations_are_valid(page: Path, sandbox: Open) -> None:
    for language, content in handbook.blocks(page):
        if language == "python":
            done = sandbox("others").python(content)
            assert done.returncode == 0, done.stderr
            assert "Anna Berg" in done.stdout
        elif language == "json":
            json.loads(content)
        elif language == "toml":
            project = "longread.toml" in content
            file = "longread.toml" if project else ".config/longread/config.toml"
            box = sandbox("others")
            (box.folder / file).parent.mkdir(parents=True, exist_ok=True)
            (box.folder / file).write_text(content, encoding="utf-8")
            shown = box.run("longread config show --json")
            (box.folder / file).unlink()
            assert shown.returncode == 0, shown.stderr
            told = json.loads(shown.stdout)
            assert project or not told["remarks"]
            named = [name for name, setting in told["settings"].items() if file in setting["from"]]
            assert set(tomllib.loads(content)) == set(named)


@pytest.mark.parametrize("name", [name for name, _ in commands()])
def test_every_help_text_has_examples(name: str) -> None:
    command = dict(commands())[name]
    assert any(name in example for example in examples(command))


def test_options_that_pages_speak_of_exist() -> None:
    known = {o for _, c in commands() for p in c.params for o in (*p.opts, *p.secondary_opts)} | {"--help"}
    recipe = "".join(file.read_text("utf-8") for file in (ROOT / "recipes/nano").glob("*.*"))
    own = {
        one
        for form in (r'add_argument\(\s*"(--[a-z-]+)"', r"\n +(--[a-z-]+)\)")
        for one in re.findall(form, recipe)
    }
    for page in handbook.PAGES:
        text = "\n".join(
            line
            for line in page.read_text(encoding="utf-8").splitlines()
            if "longread" in line or "`--" in line
        )
        if page.name not in ("benchmarks.md", "experiments.md", "deploy.md"):  # they speak of other tools'
            spoken = set(OPTION.findall(text)) - {"--from", "--solver", "--model-role"}
            assert spoken <= (known | own if page.name == "nano.md" else known), page.name
