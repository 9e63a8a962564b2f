"""`longread synth` on the command line."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from longread.synth import dataset
from longread.synth.dataset import Made
from longread.synth.pipeline import CARD, PLAN
from longread.synth.seal import SEAL, Seal
from tests.support.cli import Cli
from tests.synth import pages

ARGS = ("synth", "run", "pages", "--out", "out", "--target-tokens", "4K", "--types", "comparison,temporal",
        "--processes", "1")  # fmt: skip


def test_run_makes_a_data_set_and_tells_what_it_does(cli: Cli):
    pages.write(cli.folder)
    done = cli(*ARGS, "--size", "6")
    assert (done.returncode, done.stdout) == (0, "out/README.md\n")
    sealed = Seal.read(cli.folder / "out" / SEAL).root
    assert done.stderr.splitlines() == [
        "1 of 4: 3 of 3 comparison (train)", "2 of 4: 0 of 0 comparison (evaluation)",
        "3 of 4: 3 of 3 temporal (train)", "4 of 4: 0 of 0 temporal (evaluation)",
        "no sample is for evaluation: --size or the corpus is too small",
        f"root {sealed}: note it, as `longread synth verify` tells it again",
    ]  # fmt: skip
    card = (cli.folder / "out" / CARD).read_text()
    assert "6 samples over 46 documents (30 for training, 16 for evaluation; 0 left out)" in card
    assert "| 4,097 to 8,192 | " in card or "| 2,049 to 4,096 | 6 | " in card
    assert "| comparison | 100.0% of 3 | " in card and "| all | 100.0% of 6 | " in card
    assert json.loads((cli.folder / "out" / PLAN).read_text())["types"] == ["comparison", "temporal"]

    again = cli(*ARGS, "--size", "6")
    assert (again.returncode, again.stdout, again.stderr) == (
        0, "out/README.md\n", "\n".join(done.stderr.splitlines()[-2:]) + "\n",
    )  # fmt: skip
    other = cli(*ARGS, "--size", "7")
    assert (other.returncode, other.stdout) == (2, "")
    assert other.stderr == "longread: out holds another data set; give another --out, or remove it\n"
    assert cli("synth", "verify", "out").stdout == f"6 of 6 samples are proven\nroot {sealed}\n"


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (("run", "pages", "--out", "q", "--types", "riddle"), 2, "there is no type 'riddle'"),
        (("run", "pages", "--out", "q", "--target-tokens", "12 miles"), 2, "is no length"),
        (("run", "pages", "--out", "q", "--target-tokens", "1K"), 2, "out of reach"),
        (("run", "pages", "--out", "q", "--size", "0"), 2, "size"),
        (("run", "pages", "--out", "q", "--processes", "0"), 2, "processes"),
        (("run", "pages", "--out", "q", "--runner", "spark"), 2, "--runner spark: there is no such runner"),
        (
            ("run", "pages", "--out", "q", "--runner", "ray://host:10001"),
            2,
            "there is no such runner; give ray",
        ),
        (("run", "pages"), 2, "out"),
        (("run", "absent", "--out", "q"), 1, "absent"),
        (("run", "prose", "--out", "q"), 1, "nothing to ask for was found"),
        (("run", "pages", "--out", "prose"), 2, "prose is not empty; give another --out"),
        (("verify", "absent"), 1, "cannot be read"),
        (("show", "absent", "x"), 2, "no sample whose id begins with 'x'"),
    ],
)
def test_what_is_wrong_is_told_in_a_line_with_its_code(
    cli: Cli, args: tuple[str, ...], code: int, message: str
):
    (cli.folder / "pages").mkdir()
    (cli.folder / "pages" / "one.json").write_text(json.dumps({"name": "Alpha", "text": "word " * 100}))
    (cli.folder / "prose").mkdir()
    (cli.folder / "prose" / "one.txt").write_text("Once upon a time there was a river. " * 20)
    done = cli("synth", *args)
    assert done.returncode == code, done.stderr
    assert message in done.stderr and "Traceback" not in done.stderr and done.stdout == ""


def test_show_explains_one_sample(cli: Cli, folder: Path, finished: list[Made]):
    sample = finished[0].sample
    done = cli("synth", "show", str(folder), sample.id[:12])
    assert done.returncode == 0
    assert sample.question.splitlines()[0] in done.stdout and f"Answer: **{sample.answer}**" in done.stdout
    assert sample.plan in done.stdout and done.stdout.endswith("Checks: all passed\n")
    assert all(f"document `{piece.doc}` at {piece.start:,}" in done.stdout for piece in sample.evidence)
    many = cli("synth", "show", str(folder), "")
    assert many.returncode == 2 and f"has {len(finished)} samples whose id begins with ''" in many.stderr
    none = cli("synth", "show", str(folder), "zz")
    assert none.returncode == 2 and "no sample whose id begins with 'zz'" in none.stderr


def test_verify_lists_what_is_not_proven(cli: Cli, folder: Path, finished: list[Made]):
    shutil.copytree(folder, cli.folder / "copy")
    first = next(one for one in finished if one.sample.type == "ordering")
    wrong = Made(replace(first.sample, answer="nobody"), first.quotes)
    made = [wrong if one is first else one for one in finished]
    dataset.write_samples(next(dataset.shards(cli.folder / "copy")), made)
    done = cli("synth", "verify", "copy")
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        f"{first.sample.id}: seal: it is not as it was sealed",
        f"{first.sample.id}: answer: the answer is 'nobody', the plan gives {first.sample.answer!r}",
        f"{len(made) - 1} of {len(made)} samples are proven",
        f"root {Seal.of(cli.folder / 'copy').root}, which was sealed as {Seal.of(folder).root}",
    ]
    shown = cli("synth", "show", "copy", first.sample.id)
    assert (
        shown.returncode == 1
        and "Checks that failed:\n- seal: it is not as it was sealed\n- answer: the answer is 'nobody'"
        in shown.stdout
    )


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"aliases": ("the",)}, "it takes other answers, such as 'the'"),
        ({"task": "foo"}, "its task is 'foo', that of its type is 'reading'"),
        ({"type": "riddle"}, "there is no type 'riddle'"),
        ({"grader": "kind"}, "no grader 'kind'"),
        ({"id": ""}, "another sample has this id"),
    ],
)
def test_verify_takes_no_sample_that_was_tampered_with(
    cli: Cli, folder: Path, finished: list[Made], changed: dict[str, object], told: str
):
    shutil.copytree(folder, cli.folder / "copy")
    first = next(one for one in finished[1:] if one.sample.type == "ordering")
    if "id" in changed:
        changed = {"id": finished[0].sample.id}
    wrong = Made(replace(first.sample, **changed), first.quotes)  # type: ignore[arg-type]
    dataset.write_samples(
        next(dataset.shards(cli.folder / "copy")), [wrong if one is first else one for one in finished]
    )
    done = cli("synth", "verify", "copy")
    assert done.returncode == 1 and done.stdout.count(": identity: ") == 1 and told in done.stdout


@pytest.mark.slow
def test_fewer_samples_than_wanted_and_an_unusable_folder_are_told(cli: Cli):
    pages.write(cli.folder)
    few = cli(*ARGS, "--size", "2000")
    assert few.returncode == 0
    assert (
        "of 2,000 samples were made; out/README.md says what was dropped, and why"
        in few.stderr.splitlines()[-2]
    )
    (cli.folder / "out" / PLAN).write_text("{")
    cut = cli(*ARGS, "--size", "2000")
    assert (cut.returncode, cut.stdout) == (1, "") and "out/plan.json cannot be read" in cut.stderr
    assert len(cut.stderr.splitlines()) == 1
    (cli.folder / "file").write_text("mine")
    bad = cli("synth", "run", "pages", "--out", "file/set", "--processes", "1")
    assert (bad.returncode, bad.stdout) == (2, "") and "file/set cannot be used" in bad.stderr
