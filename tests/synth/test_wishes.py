"""Options in a file, and what is said of a wrong one."""

from __future__ import annotations

from pathlib import Path

import pytest

from longread.errors import UsageError
from longread.synth.types import TYPES
from longread.synth.wishes import wishes
from tests.support.cli import Cli
from tests.synth import pages


def test_options_have_the_last_word(tmp_path: Path):
    file = tmp_path / "set.toml"
    file.write_text('size = 40\ntarget-tokens = "4K, 8K"\ntypes = "temporal, ordering"\nseed = 3\n')
    recipe = wishes(str(file), {"size": 7, "seed": None}).recipe
    assert (recipe.size, recipe.seed) == (7, 3)
    assert (recipe.targets, recipe.types) == ((4_096, 8_192), ("temporal", "ordering"))
    assert wishes(None, {}).recipe.types == tuple(TYPES)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sizes = 40", "'sizes' is none; there are avoid, balance, base-url, max-calls, "),
        ("tries = 4", "--tries needs --model"),
        ("max-calls = 4", "--max-calls needs --model, or extractive for stand-ins"),
        ('model = ""', "--model and --base-url cannot be empty"),
        (
            'model = "extractive"\nparaphrase = true',
            "--paraphrase needs a model that replies; extractive is none",
        ),
        ('model = "extractive"\ntries = 2', "--tries needs a model that replies; extractive is none"),
        ('model = "m"\ntries = 0\ntried = 3', "--tried goes by tries; give --tries 1 or more"),
        ("max-cost = 0.0", "'max-cost' Input should be greater than 0"),
        ('types = "viewpoint"', "questions of type 'viewpoint' need --model"),
        ('model = "m"\ntries = 0\nbalance = true', "--balance goes by tries; give --tries 1 or more"),
        ('size = "many"', "'size' Input should be a valid integer"),
        ("size = 0", "'size' Input should be greater than or equal to 1"),
        ("size", "it is no TOML"),
        ('types = "riddle"', "there is no type 'riddle'"),
        ('target-tokens = "5 miles"', "is no length"),
    ],
)
def test_a_wrong_file_is_told_in_a_line(tmp_path: Path, text: str, said: str):
    (tmp_path / "set.toml").write_text(text)
    with pytest.raises(UsageError) as caught:
        print(wishes(str(tmp_path / "set.toml"), {}).recipe)
    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_what_is_not_wished_needs_no_model():
    assert not wishes(None, {"paraphrase": False, "balance": False, "tries": 0}).asks


def test_a_file_decides_and_what_is_to_be_avoided_is(cli: Cli):
    pages.write(cli.folder)
    (cli.folder / "set.toml").write_text(
        'size = 6\ntarget-tokens = "4K"\ntypes = "comparison"\navoid = ["benchmark.txt"]\n'
    )
    (cli.folder / "benchmark.txt").write_text(
        "What is the largest of all the things that there are in here, do you think?"
    )
    done = cli("synth", "run", "pages", "--config", "set.toml", "--out", "out", "--size", "5")
    assert done.returncode == 0, done.stderr
    assert (cli.folder / "out" / "README.md").read_text().startswith("# Data card\n\n5 samples")
    absent = cli("synth", "run", "pages", "--config", "nowhere.toml", "--out", "q")
    assert (absent.returncode, absent.stdout) == (2, "")
    assert absent.stderr == "longread: --config nowhere.toml: it cannot be read: No such file or directory\n"
