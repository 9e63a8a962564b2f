"""Small files with the names that README and docs/ use, which hold the answers to the questions asked there."""

from __future__ import annotations

import json
import mailbox
import random
import shutil
import subprocess
import sys
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import docx
import numpy as np
import pptx
import xlsxwriter
from reportlab.pdfgen import canvas
from safetensors.numpy import save_file

from tests.support import lookup, planted
from tests.synth import pages

QUESTIONS = "# for every contract\nWho is the client?\nWhat is the fee?\nWhat notice must be given?\n"
"""The file of questions."""


def write_files(folder: Path) -> None:
    """Small files with the names that the pages use."""
    texts = {
        "filings/2023.txt": "ANNUAL FILING 2023\n\nNo merger was proposed in this year.\n",
        "filings/2024.htm": "<h1>Filing 2024</h1><p>The merger was approved by the Harbour Office on 4 May 2024."
        "</p><p>Costs rose.</p>",
        "src/settings.py": '"""Settings."""\n\nimport os\n\nRETRY_LIMIT = 5  # the retry limit is set here\n\n\n'
        'def retry_limit() -> int:\n    """The retry limit; the variable UPLOAD_RETRIES overrides it."""\n'
        '    return int(os.environ.get("UPLOAD_RETRIES", RETRY_LIMIT))\n',
        "src/upload.py": '"""Uploads."""\n\nfrom settings import retry_limit\n\n\n'
        'def send_with_retry(path, send):\n    """Retries a failed upload up to the retry limit."""\n'
        "    for attempt in range(retry_limit()):\n        if send(path):\n            return attempt\n"
        "    raise OSError(path)\n",
        "src/tests/test_upload.py": "def test_upload():\n    assert True\n",
        "src/README.md": "# Uploader\n\nSends files.\n",
        "docs/guide.md": "# Guide\n\nWho signed the lease is told in the lease itself.\n",
        "contracts/services.md": "# Services agreement\n\nThe client is Northwind Trading Ltd.\n"
        "The fee is 4,200 euros a month.\n",
        "contracts/annex.txt": _filler(28_000),
        "archive/companies.txt": "Acme was founded by Jane Roe in 1911.\n" + _filler(4_000),
        "archive/people.txt": _filler(4_000) + "\nJane Roe was born in the city of Turin.\n",
        "papers/review.html": "<h1>A review of sleep trials</h1><p>Most papers report small effects.</p>",
        "papers/methods.rst": "Methods\n=======\n\nBlinding\n--------\n\nAll assessors were blinded.\n",
        "reports/forecast.csv": "region,quarter,forecast\nNorth,Q3,1900000\nSouth,Q3,1250000\n",
        "world.txt": " Anna Berg works for Silver Works.\n The pet of Leo Hill is parrot.\n"
        " Silver Works is based in Oslo.\n",
        "questions.txt": QUESTIONS,
        ".bashrc": "",
        ".zfunc/.keep": "",
        ".config/fish/completions/.keep": "",
        ".local/state/.keep": "",
    }
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    _benchmark(folder / "longbench" / "data.json")
    _pages(folder)
    _lease(folder / "contracts" / "lease.docx")
    _pdf(folder / "letters.pdf", "Dear Sir,", "We write about the merger that was approved.")
    _pdf(
        folder / "report.pdf", "Report of the spring", "In March the opening hours changed: we close at six."
    )
    _pdf(folder / "papers" / "larsen-2021.pdf", "Larsen 2021. A trial of sleep hygiene.",
         "The effect was 12 percent.")  # fmt: skip
    _pdf(
        folder / "papers" / "okafor-2023.pdf",
        "Okafor 2023. A randomised trial of dosage.",
        "A dose of 60 mg reduced relapse in 212 patients.",
        "This paper reports the largest effect, 41 percent.",
    )
    _chats(folder / "chats")
    _workbook(folder / "report.xlsx")
    _slides(folder / "reports" / "board.pptx")
    binaries = folder / ".venv" / "bin"
    binaries.mkdir(parents=True)
    (binaries / "longread").symlink_to(Path(sys.executable).parent / "longread")
    _checkpoints(folder)
    _stages(folder)
    _history(folder)


def _filler(characters: int) -> str:
    rng = random.Random(characters)
    lines = []
    while sum(map(len, lines)) < characters:
        lines.append(" ".join(rng.choices(planted.WORDS, k=14)).capitalize() + ".")
    return "\n".join(lines)


def _pages(folder: Path) -> None:
    """Pages of keys and values, and the questions that the documentation makes of them."""
    (folder / "pages").mkdir()
    for name, page in pages.records().items():
        (folder / "pages" / name).write_text(json.dumps(page, indent=1), encoding="utf-8")
    subprocess.run(
        [
            *(sys.executable, "-m", "longread", "synth", "run", "pages/", "--out", "questions"),
            *("--target-tokens", "4K,8K", "--size", "40", "--processes", "1"),
        ],
        cwd=folder,
        check=True,
        capture_output=True,
    )


def _checkpoints(folder: Path) -> None:
    """A model and two that were trained from it, as far as merging goes."""
    rng = np.random.default_rng(1)
    start = rng.normal(size=(8, 8)).astype(np.float32)
    for name in ("original", "stage3", "memory"):
        weights = start if name == "original" else start + rng.normal(size=(8, 8)).astype(np.float32)
        (folder / name).mkdir()
        (folder / name / "config.json").write_text('{"model_type": "qwen3"}', encoding="utf-8")
        save_file({"model.norm.weight": weights}, folder / name / "model.safetensors")


def _stages(folder: Path) -> None:
    """A tiny model, and stages that train it on the questions."""
    lookup.write_checkpoint(folder / "tiny")
    sizes = '[sizes]\nprompts = "{0}tiny/prompts.toml"\nwindow = 16384\nanswer = 4\n'
    warm = 'kind = "supervised"\nmodel = "{0}tiny"\ndata = "{0}questions"\nsteps = 1\nbatch = 2\n' + sizes
    learn = 'model = "{0}tiny"\ndata = "{0}questions"\nsteps = 1\nquestions = 2\nattempts = 2\n' + sizes
    (folder / "stage1.toml").write_text(learn.format(""), encoding="utf-8")
    (folder / "recipe").mkdir()
    (folder / "recipe" / "1.toml").write_text(warm.format("../"), encoding="utf-8")
    (folder / "recipe" / "2.toml").write_text(learn.format("../"), encoding="utf-8")


def _benchmark(path: Path) -> None:
    """One item of LongBench-v2's schema."""
    choices = {
        f"choice_{letter}": town
        for letter, town in zip("ABCD", ("Turin", "Lyon", "Bern", "Graz"), strict=True)
    }
    row = {"_id": "1", "domain": "Single-Document QA", "sub_domain": "Literary", "difficulty": "easy"}
    row |= {"length": "short", "question": "Where was Jane Roe born?", **choices, "answer": "A"}
    path.parent.mkdir()
    path.write_text(json.dumps([row | {"context": "Jane Roe was born in Turin."}]))


def _lease(path: Path) -> None:
    document = docx.Document()
    document.add_heading("Lease of the mill", 1)
    document.add_heading("Term", 2)
    document.add_paragraph("The lease was signed by Anna Berg on 2 April 2021 and runs until 31 March 2031.")
    document.add_heading("Notice", 2)
    document.add_paragraph("Notice of three months must be given in writing.")
    document.save(str(path))


def _pdf(path: Path, *pages: str) -> None:
    sheet = canvas.Canvas(str(path))
    for page in pages:
        sheet.drawString(72, 720, page)
        sheet.showPage()
    sheet.save()


def _chats(folder: Path) -> None:
    folder.mkdir()
    messages: list[dict[str, Any]] = [
        {"time": "2025-03-03T09:12", "speaker": "Tom", "text": "Morning! Is the new site up?"},
        {
            "time": "2025-03-03T09:14",
            "speaker": "Priya",
            "text": "Not yet. The certificate expires on Friday, I renew it first.",
        },
        {"time": "2025-03-03T09:15", "speaker": "Tom", "text": "Thanks. Ping me when it is done."},
        {"time": "2025-03-05T16:40", "speaker": "Mara", "text": "Lunch tomorrow?"},
    ]
    (folder / "team.jsonl").write_text("".join(json.dumps(m) + "\n" for m in messages))
    box = mailbox.mbox(str(folder / "launch.mbox"))
    for sender, subject, body in (
        ("Tom <tom@example.org>", "Launch", "Can we launch in May?"),
        (
            "Mara <mara@example.org>",
            "Re: Launch",
            "The launch was moved to June because customs held the parts.",
        ),
    ):
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = sender, "team@example.org", subject
        mail["Date"] = "Mon, 03 Mar 2025 10:00:00 +0100"
        mail.set_content(body)
        box.add(mail)
    box.close()


def _workbook(path: Path) -> None:
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet("Revenue")
        rows = [
            ("Region", "Quarter", "Revenue"),
            ("South region", "Q2", 1_210_000),
            ("North region", "Q2", 1_840_000),
        ]
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)
        notes = book.add_worksheet("Notes")
        notes.write(0, 0, "The north region had the highest revenue, as the new depot opened.")


def _slides(path: Path) -> None:
    deck = pptx.Presentation()
    for title, body in (
        ("Outlook", "Revenue is forecast to rise by three percent."),
        ("Risks", "The board sees one risk in the forecast: a single supplier."),
    ):
        slide = deck.slides.add_slide(deck.slide_layouts[1])
        slide.shapes.title.text = title
        slide.placeholders[1].text = body
    deck.save(str(path))


def _history(folder: Path) -> None:
    """A git repository in which a cache comes and goes."""
    if shutil.which("git") is None:
        return
    who = ["-c", "user.name=Ann", "-c", "user.email=ann@example.org"]

    def git(*args: str) -> None:
        subprocess.run(["git", *who, *args], cwd=folder, check=True, capture_output=True)

    git("init", "-q")
    cache = folder / "src" / "cache.py"
    cache.write_text("PRICES = {}\n")
    git("add", "src/cache.py")
    git("commit", "-qm", "Add a cache of prices")
    git("rm", "-q", "src/cache.py")
    git("commit", "-qm", "The cache was removed because it served stale prices")
