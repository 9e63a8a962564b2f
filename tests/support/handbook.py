"""What README and docs/ print as commands, and a folder with the files that they name, to run them in."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from longread.synth.dataset import read_samples
from tests.servers.model import ModelServer
from tests.support.generated import ROOT, commands, examples

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
GENERATED = "commands.md"
"""Its examples are those of the help texts."""

ELSEWHERE = ("make ", "pip install ", "claude mcp add ", "inspect ")
"""What commands begin with that set up or call other tools; they are checked, not run."""

SERVED = "longread serve --model qwen3 --base-url http://localhost:8000/v1"
"""What listens at the port 8484 that pages speak of."""

READERS = ("jq", "less")
"""Tools that commands pipe into; where one is missing, that end of the pipe is left out."""

MODELS = ("qwen3", "qwen3:30b")

FACTS = {
    "Which office approved the merger, and when?": "Harbour Office",
    "Where is the retry limit set, and what overrides it?": "RETRY_LIMIT = 5",
    "Where is the retry limit set?": "RETRY_LIMIT = 5",
    "Which function retries a failed upload?": "def send_with_retry",
    "Who signed the lease, and until when does it run?": "Anna Berg",
    "Who signed the lease?": "Anna Berg",
    "When was the cache removed, and why?": "stale prices",
    "In which city was the founder of Acme born?": "Turin",
    "What is the seat of the employer of Anna Berg?": "Oslo",
    "What changed in March?": "opening hours",
    "Who is the client?": "Northwind",
    "What is the fee?": "4,200 euros",
    "What notice must be given?": "three months",
    "And what notice must be given?": "three months",
    "And when does the certificate expire?": "Friday",
    "And when does it end?": "31 March 2031",
    "Which paper reports the largest effect?": "41 percent",
    "Which dose reduced relapse?": "60 mg",
    "And in how many patients?": "212 patients",
    "When does the certificate expire?": "Friday",
    "And what overrides it?": "UPLOAD_RETRIES",
    "Why was the launch moved to June?": "customs",
    "Which region had the highest revenue?": "north region",
    "What did the north region earn in Q2?": "1840000",
    "Which risk does the board see in the forecast?": "single supplier",
}
"""Question -> words of the answer, or of its evidence, that the files of the folder hold."""


# ---------------------------------------------------------------------------------------------- commands


FIRST = (
    'longread ask "Who signed the lease, and until when does it run?" contracts/'
    " --model qwen3 --base-url http://localhost:8000/v1"
)
"""What has been asked in a new folder."""


class Printed(NamedTuple):
    """A command as a reader sees it."""

    page: str
    command: str
    output: str = ""
    """What the page shows below it."""
    follows: str = ""
    """The command whose run `--continue` goes on from."""

    @property
    def exit_code(self) -> int:
        """0, or what the comment behind the command says."""
        stated = re.search(r"#.*\bexit code (\d+)", self.command)
        return int(stated[1]) if stated else 0

    @property
    def elsewhere(self) -> bool:
        """Whether it is another tool's."""
        return self.command.startswith(ELSEWHERE)


def printed() -> list[Printed]:
    """Every command of README.md and docs/, and every example of a help text, in order."""
    found = [one for page in PAGES if page.name != GENERATED for one in _of_page(page)]
    for name, command in commands():
        found += [Printed(name, line, follows=FIRST) for line in examples(command)]
    # What is printed on several pages runs once, preferably where its output is shown.
    first = {one.command: one for one in sorted(found, key=lambda one: not one.output)[::-1]}
    return [one for one in found if one.output or one is first[one.command]]


def blocks(page: Path) -> Iterator[tuple[str, str]]:
    """Language and content of the fenced blocks of a page, but for the tree of the code."""
    text = page.read_text(encoding="utf-8").split("\n## The tree\n")[0]
    yield from re.findall(r"^```(\w*)\n(.*?)^```$", text, re.M | re.S)


def _of_page(page: Path) -> Iterator[Printed]:
    shown = list(blocks(page))
    first = FIRST
    for (language, content), (following, output) in zip(shown, [*shown[1:], ("", "")], strict=False):
        if language not in ("", "sh", "console"):
            continue
        lines = [line for line in content.replace("\\\n", " ").splitlines() if line.strip()]
        for line in lines:
            last = line is lines[-1] and following == "text"
            yield Printed(page.name, line, output if last else "", first)
            if line.startswith("longread ask ") and "--continue" not in line and "--dry-run" not in line:
                first = line.split("   #")[0]


# ------------------------------------------------------------------------------------------------ sandbox


@dataclass
class Sandbox:
    """A folder in which the commands of a page are run, one after the other."""

    folder: Path
    server: Models
    before: str = ""
    """The command that was run last."""
    _runs: int = 0
    _finished: str = ""

    @classmethod
    def make(cls, folder: Path, files: Path, server: Models) -> Sandbox:
        """A copy of `files`, with a run in its journal."""
        shutil.copytree(files, folder, symlinks=True)
        sandbox = cls(folder, server)
        first = sandbox.run(FIRST.split(" --model")[0])
        assert first.returncode == 0, first.stderr
        return sandbox

    @property
    def env(self) -> dict[str, str]:
        """Of each command: the folder is home, and its configuration and journal are in it."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("LONGREAD_", "OPENAI_", "XDG_"))}
        return kept | {
            "HOME": str(self.folder),
            "PATH": f"{Path(sys.executable).parent}:{kept['PATH']}",
            "LONGREAD_DISCOVER": "false",
            "OMP_NUM_THREADS": "1",
            "GIT_PAGER": "cat",
        }

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        """Runs a line as a shell would, with the port of the model server and ids of real runs put in."""
        fitted = self._fitted(command)
        self.before = command
        if command.startswith("longread serve") and "--new-key" not in command:
            return self._served(fitted)
        return subprocess.run(
            ["bash", "-c", f"set -o pipefail; {fitted}"],
            cwd=self.folder,
            env=self.env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )

    def python(self, code: str) -> subprocess.CompletedProcess[str]:
        """Runs a snippet."""
        code = self._ported(code)
        return subprocess.run(
            [sys.executable, "-c", code], cwd=self.folder, env=self.env, capture_output=True, text=True
        )

    def _served(self, command: str) -> subprocess.CompletedProcess[str]:
        """Has a server begin and end."""
        process, said = self._start(command)
        process.terminate()
        process.communicate(timeout=30)
        return subprocess.CompletedProcess(command, 0, said, "")

    def _start(self, command: str) -> tuple[subprocess.Popen[str], str]:
        """A server that listens, and what it said until then."""
        process = subprocess.Popen(
            f"exec {command} --port 0", shell=True, cwd=self.folder, env=self.env, stderr=subprocess.PIPE, text=True
        )  # fmt: skip
        said = ""
        for line in process.stderr or ():
            said += line
            if "serving at" in line:
                return process, said
        raise AssertionError(said)

    def _ported(self, text: str) -> str:
        if "localhost:8484" in text:
            if not self.server.reading:
                # With files of its own: pages have other servers begin in the same folder.
                process, said = self._start(f"{self._ported(SERVED)} --set state_dir=.served")
                address = re.search(r"serving at http://(\S+?)/", said)
                assert address
                self.server.process, self.server.reading = process, address[1]
            text = text.replace("localhost:8484", self.server.reading)
        return re.sub(r"http://localhost:\d+/v1", self.server.base_url, text)

    def _fitted(self, command: str) -> str:
        for reader in READERS:
            if shutil.which(reader) is None:
                command = re.sub(rf"\| {reader}\b[^#]*", "", command)
        return re.sub(r"\b(3f2a|90c1)\b", lambda _: self._id(command)[:8], self._ported(command))

    def _id(self, command: str) -> str:
        """Id of a run, or of a question, that the command can do something with."""
        if "synth" in command:
            return read_samples(self.folder / "questions" / "samples-00000.parquet")[0].sample.id
        if "resume" in command:
            return self._read(broken=True)
        if "delete" in command:
            return self._read()
        self._finished = self._finished or self._read()
        return self._finished

    def _read(self, *, broken: bool = False) -> str:
        """A new run with notes; a broken one ended when the server went out of order."""
        self._runs += 1
        question = f"Who signed the lease? ({self.folder.parent.name} {self._runs})"
        if broken:
            self.server.refused.add(question)
        done = self.run(
            f'longread ask "{question}" contracts/ --set retries=0 --strategy sequential --chunk-tokens 2048'
            " --model qwen3 --base-url http://localhost:8000/v1"
        )
        self.server.refused.discard(question)
        assert done.returncode == int(broken), done.stderr
        return re.findall(r"run(?:s resume)? (\w{12})$", done.stderr, re.M)[-1]


class Models(ModelServer):
    """A model server that lists the models that the pages name, and is out of order for some questions."""

    def __init__(self) -> None:
        super().__init__(read, self._fault)
        self.refused: set[str] = set()
        self.process: subprocess.Popen[str] | None = None
        self.reading = ""
        """Where Longread serves, once a page asked it."""
        models = [{"id": name, "object": "model", "max_model_len": 32768} for name in MODELS]
        self.routes["/v1/models"] = {"object": "list", "data": models}

    def __exit__(self, *error: object) -> None:
        if self.process:
            self.process.terminate()
            self.process.communicate(timeout=30)
        super().__exit__(*error)

    def _fault(self, number: int, prompt: str) -> str | None:
        late = "\nSECTION 3 " in prompt
        return "500" if late and any(question in prompt for question in self.refused) else None


# -------------------------------------------------------------------------------------------------- model


_SMALL = frozenset(
    "who what which when where why how many does did was were the and until from into that with end".split()
)
"""Words that say nothing of what a question is about."""


def read(prompt: str) -> str:
    """What a model would reply that quotes the sentence most like the question, and knows nothing else."""
    fence = re.search(r"^(<<\w+)$", prompt, re.M)
    fenced = re.findall(rf"^{fence[1]}\n(.*?)\n?^{fence[1][2:]}>>$", prompt, re.M | re.S) if fence else []
    if not fenced:
        return "ready"
    if "\nNEW QUESTION\n" in prompt:
        asked = prompt.split("\nNEW QUESTION\n")[1].split("\n")[0]
        before = re.search(r"[^\n:]+\?", fenced[0])
        return f"QUESTION: {asked} ({before[0].strip() if before else ''})"
    if several := re.findall(r"^Q\d+: (.+)$", prompt.replace(fenced[-1], ""), re.M):
        lines = [(number, _best(question, fenced[-1])) for number, question in enumerate(several, 1)]
        return "\n".join(f'Q{n} NOTE: {s} | "{s}"' for n, s in lines if s) or "NOTHING"
    question = re.search(r"^QUESTION\n(.+?)$", prompt, re.M)
    if question is None:
        return f"QUESTION: {' '.join(fenced[0].split())}\nINSTRUCTIONS: NONE"
    found = _best(question[1], fenced[-1])
    if "\nSECTION " in prompt:
        return f'NOTE: {found} | "{found}"' if found else "NOTHING"
    if "\nDOCUMENTS" in prompt:
        return f'NOTE: {found} | "{found}"\nANSWER: {found} [n1]' if found else "ANSWER: NOT IN THE DOCUMENTS"
    note = next((line for line in fenced[-1].splitlines() if found and found in line), "")
    label = re.search(r"\[n\d+\]", note)
    return f"{found} {label[0]}" if label else "NOT IN THE DOCUMENTS"


def _best(question: str, text: str) -> str:
    asked, _, before = question.partition(" (")
    wanted = _stems(asked) or _stems(before)
    sentences = [one.strip() for one in re.split(r"(?<=[.!?;])\s+|\n", text) if one.strip()]
    best = max(sentences, key=lambda one: len(wanted & _stems(one)), default="")
    best = re.sub(r'^\[n\d+\] | "[^"]*$|"', "", best)
    return best if len(wanted & _stems(best)) >= max(1, len(wanted) / 2) else ""


def _stems(text: str) -> set[str]:
    return {word[:5] for word in re.findall(r"\w{3,}", text.lower()) if word not in _SMALL}
