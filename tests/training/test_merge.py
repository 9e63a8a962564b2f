"""SCE against mergekit, against the formula, and what a merge leaves on disk."""

from __future__ import annotations

import hashlib
import itertools
import json
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from filelock import FileLock
from hypothesis import example, given, settings
from hypothesis import strategies as st
from mergekit.config import MergeConfiguration
from mergekit.merge import run_merge
from mergekit.options import MergeOptions
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import AutoModelForCausalLM, Qwen3Config, Qwen3MoeConfig

from longread.errors import InputError, LongreadError, RunBusyError, UsageError
from longread.training.merge import merge
from longread.training.sce import sce
from tests.support.cli import Cli

SIZES: dict[str, Any] = {
    "vocab_size": 64, "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
    "num_key_value_heads": 1, "head_dim": 8, "max_position_embeddings": 64,
}  # fmt: skip
CONFIGS = {
    "dense": Qwen3Config(**SIZES, tie_word_embeddings=True),
    "mixture": Qwen3MoeConfig(**SIZES, moe_intermediate_size=8, num_experts=4, num_experts_per_tok=2),
}


def make_models(
    folder: Path, kind: str = "dense", scale: float = 0.02, count: int = 2, joined: bool = False
) -> tuple[Path, list[Path]]:
    """A base and models trained from it, in shards; `joined` saves the experts of a layer as one tensor."""
    torch.manual_seed(5)
    model = AutoModelForCausalLM.from_config(CONFIGS[kind])
    start = {name: value.clone() for name, value in model.state_dict().items()}
    model.save_pretrained(folder / "base", max_shard_size="9KB", save_original_format=not joined)
    (folder / "base" / "tokenizer.json").write_text("{}")
    experts = [folder / f"expert{number}" for number in range(count)]
    for number, expert in enumerate(experts, 1):
        for name, value in start.items():
            model.state_dict()[name].copy_(value + torch.randn_like(value) * scale * number)
        model.save_pretrained(expert, max_shard_size="12KB", save_original_format=not joined)
    return folder / "base", experts


def tensors(folder: Path) -> dict[str, Tensor]:
    """All of a checkpoint."""
    return {name: value for file in folder.glob("*.safetensors") for name, value in load_file(file).items()}


def oracle(base: Path, experts: Sequence[Path], out: Path, select: float, **more: str) -> dict[str, Tensor]:
    """What mergekit makes of them."""
    wanted = {
        "merge_method": "sce",
        "base_model": str(base),
        "models": [{"model": str(expert)} for expert in experts],
        "parameters": {"select_topk": select},
        "dtype": "float32",
    }
    run_merge(
        MergeConfiguration.model_validate(wanted | more),
        str(out),
        MergeOptions(quiet=True, copy_tokenizer=False),
    )
    return tensors(out)


def furthest(ours: dict[str, Tensor], theirs: dict[str, Tensor]) -> float:
    """The largest difference of two checkpoints with the same tensors."""
    assert ours.keys() == theirs.keys()
    return max(float((ours[name].float() - theirs[name].float()).abs().max()) for name in ours)


# ------------------------------------------------------------------------------------------------ mergekit


@pytest.mark.parametrize("scale", [0.02, 1e-4], ids=["above-floor", "below-floor"])
@pytest.mark.parametrize("select", [0.1, 0.37, 1.0])
@pytest.mark.parametrize(("kind", "joined"), [("dense", False), ("mixture", True)])
def test_a_merge_is_that_of_mergekit(
    tmp_path: Path, kind: str, joined: bool, select: float, scale: float
) -> None:
    base, experts = make_models(tmp_path, kind, scale, count=3, joined=joined)
    merged = tensors(merge(base, experts, tmp_path / "ours", select, shard_bytes=10_000))
    assert furthest(merged, oracle(base, experts, tmp_path / "theirs", select)) <= 1e-6
    assert furthest(merged, tensors(base)) > scale / 10


@pytest.mark.parametrize("select", [0.1, 1.0])
def test_a_mixture_of_experts_saved_matrix_by_matrix_is_merged_matrix_by_matrix(
    tmp_path: Path, select: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    base, experts = make_models(tmp_path, "mixture")
    merged = tensors(merge(base, experts, tmp_path / "ours", select, shard_bytes=10_000))
    assert "model.layers.1.mlp.experts.3.up_proj.weight" in merged
    for folder in (base, *experts):  # mergekit would join the experts of a layer if it knew what this is
        config = json.loads((folder / "config.json").read_text()) | {"architectures": ["OtherForCausalLM"]}
        (folder / "config.json").write_text(json.dumps(config))
    monkeypatch.setattr("mergekit.architecture.auto.get_transformers_info", lambda *_: (None,) * 4)
    assert furthest(merged, oracle(base, experts, tmp_path / "theirs", select)) <= 1e-6


def test_half_precision_is_kept_and_only_the_result_is_rounded(tmp_path: Path) -> None:
    base, experts = make_models(tmp_path, scale=1e-3)
    for file in (f for folder in (base, *experts) for f in folder.glob("*.safetensors")):
        save_file({name: value.bfloat16() for name, value in load_file(file).items()}, file)
    merged = tensors(merge(base, experts, tmp_path / "ours", 0.3))
    assert {value.dtype for value in merged.values()} == {torch.bfloat16}
    theirs = oracle(base, experts, tmp_path / "theirs", 0.3, out_dtype="bfloat16")
    assert furthest(merged, theirs) == 0


# ------------------------------------------------------------------------------------------------- formula


def by_hand(base: list[float], experts: list[list[float]], select: float) -> Iterator[list[float]]:
    """The formula, number by number, with the paper's weights: one result for each way of breaking ties."""
    places = range(len(base))
    deltas = [[expert[place] - base[place] for place in places] for expert in experts]
    means = [sum(delta[place] for delta in deltas) / len(deltas) for place in places]
    varies = [  # rounded, so that what is equal on paper is a tie here too
        round(sum((d[place] - means[place]) ** 2 for d in deltas) / len(deltas), 9) for place in places
    ]
    count = len(base) if select == 1 else int(select * sum(v > 0 for v in varies))
    least = sorted(varies, reverse=True)[count - 1] if count else float("inf")
    sure = {place for place in places if select == 1 or varies[place] > least}
    tied = [place for place in places if place not in sure and varies[place] == least]
    for drawn in itertools.combinations(tied, count - len(sure) if count else 0):
        kept = [[d[place] if place in sure | {*drawn} else 0.0 for place in places] for d in deltas]
        squares = [sum(value**2 for value in row) for row in kept]
        weights = [s / sum(squares) if sum(squares) else 1 / len(kept) for s in squares]
        result = []
        for place in places:
            total = sum(row[place] for row in kept)
            agree = [i for i, row in enumerate(kept) if row[place] and (row[place] > 0) == (total >= 0)]
            share = sum(weights[i] for i in agree)
            result.append(
                base[place] + (sum(weights[i] * kept[i][place] for i in agree) / share if agree else 0)
            )
        yield result


whole = st.integers(-3, 3).map(float)
"""So few values that ties, equal models and zero differences are common."""


@st.composite
def cases(draw: st.DrawFn) -> tuple[Tensor, list[Tensor]]:
    """A base and one to four experts, of no dimension up to three."""
    shape = draw(st.lists(st.integers(1, 3), max_size=3).filter(lambda s: torch.Size(s).numel() <= 8))
    size = torch.Size(shape).numel()
    row = st.lists(whole, min_size=size, max_size=size).map(lambda v: torch.tensor(v).reshape(shape))
    return draw(row), draw(st.lists(row, min_size=1, max_size=4))


_TIE = (
    torch.tensor([0.0, 0.0, 0.0, 0.0, 2.0, 0.0]),
    [torch.zeros(6), torch.zeros(6), torch.tensor([0.0, 0.0, 0.0, 2.0, -2.0, 0.0])],
)
"""Two entries vary alike, but not to the last bit of a double."""


@given(cases(), st.sampled_from([0.25, 0.5, 0.75, 1.0]))
@example(_TIE, 0.5)
@settings(deadline=None, max_examples=300)
def test_it_is_the_formula(case: tuple[Tensor, list[Tensor]], select: float) -> None:
    base, experts = case
    merged = sce(base, experts, select, floor=0)
    assert merged.shape == base.shape
    possible = by_hand(base.flatten().tolist(), [e.flatten().tolist() for e in experts], select)
    assert any(torch.allclose(merged.flatten(), torch.tensor(result), atol=1e-5) for result in possible)


@given(cases(), st.integers(-12, 4))
@settings(deadline=None)
def test_without_a_floor_the_size_of_changes_does_not_matter(
    case: tuple[Tensor, list[Tensor]], power: int
) -> None:
    base, experts = torch.zeros_like(case[0]), case[1]
    scaled = sce(base, [expert * 2.0**power for expert in experts], floor=0, select=1)
    assert torch.allclose(scaled, sce(base, experts, floor=0, select=1) * 2.0**power, rtol=1e-5, atol=0)


@given(cases())
@settings(deadline=None)
def test_equal_models_are_kept_and_unchanged_ones_do_not_count(case: tuple[Tensor, list[Tensor]]) -> None:
    base, experts = case
    assert torch.allclose(sce(base, [experts[0]] * 3, 1.0), experts[0], atol=1e-5)
    assert torch.equal(sce(base, [experts[0]] * 3, 0.5), base)
    assert torch.equal(sce(base, [base, base], 1.0), base)
    assert torch.allclose(sce(base, [base, experts[0]], 1.0), experts[0], atol=1e-5)
    # The order of experts says nothing.
    assert torch.allclose(sce(base, experts, 1.0), sce(base, experts[::-1], 1.0), atol=1e-5)


def test_signs_weights_and_floor_as_worked_by_hand() -> None:
    base = torch.zeros(3)
    one, two = torch.tensor([2.0, 1.0, -1.0]), torch.tensor([4.0, -1.0, -2.0])
    weights = (6 / 27, 21 / 27)  # of 4 + 1 + 1 and 16 + 1 + 4
    expected = [weights[0] * 2 + weights[1] * 4, 1.0, -weights[0] - weights[1] * 2]
    assert sce(base, [one, two], 1.0).tolist() == pytest.approx(expected)
    small = sce(base, [one / 4096, two / 4096], 1.0) * 4096
    assert small.tolist() == pytest.approx([3, 1, -1.5])
    assert (sce(base, [one / 4096, two / 4096], 1.0, floor=0) * 4096).tolist() == pytest.approx(expected)
    assert sce(base, [one, two + torch.tensor([0.0, -1.0, 0.0])], 0.34).tolist() == [0, -2, 0]


# -------------------------------------------------------------------------------------------- checkpoints


def test_the_merged_model_loads_in_transformers_and_computes_with_the_merged_weights(tmp_path: Path) -> None:
    base, experts = make_models(tmp_path, "mixture", joined=True)
    out = merge(base, experts, tmp_path / "deep" / "merged", 0.5, shard_bytes=10_000)
    merged = AutoModelForCausalLM.from_pretrained(out)
    models = [AutoModelForCausalLM.from_pretrained(folder).state_dict() for folder in (base, *experts)]
    expected = AutoModelForCausalLM.from_config(CONFIGS["mixture"])
    expected.load_state_dict(
        {name: sce(v, [m[name] for m in models[1:]], 0.5) for name, v in models[0].items()}
    )
    ids = torch.arange(24).reshape(2, 12)
    assert torch.equal(merged(ids).logits, expected(ids).logits)
    assert not torch.allclose(merged(ids).logits, AutoModelForCausalLM.from_pretrained(base)(ids).logits)


def test_what_stands_beside_the_weights(tmp_path: Path) -> None:
    base, experts = make_models(tmp_path)
    (base / "optimizer.bin").write_bytes(b"pickle")
    (base / "LICENSE").write_text("free")
    told: list[tuple[int, int]] = []
    out = merge(base, experts, tmp_path / "out", 0.2, 0, lambda *done: told.append(done), 8_000)
    index = json.loads((out / "model.safetensors.index.json").read_text())
    shards = sorted(out.glob("*.safetensors"))
    assert told == [(number, len(shards)) for number in range(1, len(shards) + 1)]
    assert len(shards) > 2
    assert index["weight_map"] == {name: file.name for file in shards for name in load_file(file)}
    assert index["metadata"]["total_size"] == sum(v.numel() * 4 for v in tensors(out).values())
    beside = {"config.json", "generation_config.json", "tokenizer.json", "LICENSE"}
    assert {f.name for f in out.iterdir()} - {f.name for f in shards} == beside | {
        "README.md",
        "model.safetensors.index.json",
    }
    assert all((out / name).read_bytes() == (base / name).read_bytes() for name in beside)
    assert {file.stat().st_mode & 0o777 for file in out.iterdir()} == {out.stat().st_mode & 0o666}
    card = (out / "README.md").read_text()
    assert "select 0.2 and floor 0" in card
    for folder in (base, *experts, out):
        for file in folder.glob("*.safetensors"):
            assert f"`{folder}` | `{file.name}` | `{hashlib.sha256(file.read_bytes()).hexdigest()}`" in card
    assert [f.name for f in tmp_path.iterdir() if f.name.startswith(".")] == []
    single = merge(base, experts, tmp_path / "single")
    assert [f.name for f in single.glob("model*")] == ["model.safetensors"]


def test_a_prompt_set_comes_along_where_all_experts_have_the_same(tmp_path: Path) -> None:
    base, experts = make_models(tmp_path)
    (base / "prompts.toml").write_text("the base's")
    for number, (sets, wanted) in enumerate(
        [(("ours", "ours"), "ours"), (("ours", "theirs"), None), (("ours", None), None), ((None, None), None)]
    ):
        for expert, text in zip(experts, sets, strict=True):
            (expert / "prompts.toml").unlink(missing_ok=True)
            if text:
                (expert / "prompts.toml").write_text(text)
        own = merge(base, experts, tmp_path / str(number)) / "prompts.toml"
        assert (own.read_text() if own.exists() else None) == wanted


# ------------------------------------------------------------------------------------------------- faults


def without(folder: Path, name: str) -> None:
    """Leaves one tensor out."""
    kept = tensors(folder)
    for file in folder.glob("model*"):
        file.unlink()
    del kept[name]
    save_file(kept, folder / "model.safetensors")


def other_shape(folder: Path) -> None:
    without(folder, "model.norm.weight")
    save_file(
        load_file(folder / "model.safetensors") | {"model.norm.weight": torch.ones(17)},
        folder / "model.safetensors",
    )


def pickled(folder: Path) -> None:
    for file in folder.glob("model*"):
        file.unlink()
    torch.save({}, folder / "pytorch_model.bin")


def adapted(folder: Path) -> None:
    pickled(folder)
    save_file({"lora": torch.ones(1)}, folder / "adapter_model.safetensors")


def other_kind(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"model_type": "llama"}))


def first(folder: Path) -> Path:
    return sorted(folder.glob("*.safetensors"))[0]


def quantised(folder: Path) -> None:
    save_file({n: v.to(torch.float8_e4m3fn) for n, v in load_file(first(folder)).items()}, first(folder))


def infinite(folder: Path) -> None:
    save_file({n: v + float("inf") for n, v in load_file(first(folder)).items()}, first(folder))


def same(folder: Path) -> None:
    shutil.rmtree(folder)
    shutil.copytree(folder.parent / "base", folder)


BROKEN = {
    "gone": (shutil.rmtree, UsageError, "expert1: there is no such folder"),
    "no config": (lambda f: (f / "config.json").unlink(), UsageError, "expert1: config.json is missing"),
    "config is no JSON": (lambda f: (f / "config.json").write_text("{"), InputError, "expert1: cannot be read"),
    "config is a list": (lambda f: (f / "config.json").write_text("[]"), InputError, "expert1: cannot be read"),
    "no weights": (lambda f: [file.unlink() for file in f.glob("model*")], UsageError, "no model.safetensors"),
    "pickle": (pickled, UsageError, "pickle is never loaded; convert it"),
    "adapter": (adapted, UsageError, "it is an adapter; join it"),
    "a shard is missing": (lambda f: first(f).unlink(), UsageError, "model-00001-of-.*is missing"),
    "a shard is cut": (lambda f: first(f).write_bytes(first(f).read_bytes()[:-9]), InputError, "cannot be read"),
    "a tensor is missing": (
        lambda f: without(f, "model.norm.weight"),
        UsageError,
        "1 tensors are missing in .*expert1, the first is model.norm.weight",
    ),
    "shape": (other_shape, UsageError, r"model.norm.weight has the shape \(17,\), that of the base \(16,\)"),
    "architecture": (other_kind, UsageError, "it is llama Qwen3ForCausalLM, the base qwen3 Qwen3ForCausalLM"),
    "quantised": (quantised, UsageError, "is F8_E4M3; merge models that are not quantised"),
    "infinite": (infinite, InputError, "no finite number"),
    "the base": (same, UsageError, "both are the same, .*give as --base the model that all experts"),
}  # fmt: skip


@pytest.mark.parametrize("fault", BROKEN)
def test_a_fault_is_one_line_and_nothing_is_left(tmp_path: Path, fault: str) -> None:
    base, experts = make_models(tmp_path)
    spoil, kind, said = BROKEN[fault]
    spoil(experts[1])
    with pytest.raises(kind, match=said) as error:
        merge(base, experts, tmp_path / "out", shard_bytes=8_000)
    assert "\n" not in str(error.value)
    assert {f.name for f in tmp_path.iterdir()} <= {"base", "expert0", "expert1"}


def test_an_expert_with_more_than_the_base_is_refused(tmp_path: Path) -> None:
    base, experts = make_models(tmp_path)
    without(base, "model.norm.weight")
    with pytest.raises(UsageError, match=r"1 tensors are missing in .*base"):
        merge(base, experts, tmp_path / "out")


def test_experts_that_do_not_vary_have_nothing_to_select(tmp_path: Path) -> None:
    base, experts = make_models(tmp_path, count=1)
    for few in (experts, experts * 2):
        with pytest.raises(UsageError, match="or --select 1"):
            merge(base, few, tmp_path / "out")
    assert furthest(tensors(merge(base, experts, tmp_path / "out", 1)), tensors(experts[0])) < 1e-6
    with pytest.raises(UsageError, match="there is no expert"):
        merge(base, [], tmp_path / "none")
    for select, floor in ((0, 0), (1.1, 0), (float("nan"), 0), (1, -1), (1, float("nan"))):
        with pytest.raises(UsageError, match="0 < select <= 1"):
            merge(base, experts, tmp_path / "none", select, floor)


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    base, experts = make_models(tmp_path)
    (tmp_path / "out").mkdir()
    with pytest.raises(UsageError, match="exists"):
        merge(base, experts, tmp_path / "out")
    with (
        FileLock(tmp_path / ".new.part.lock"),
        pytest.raises(RunBusyError, match="another process is making"),
    ):
        merge(base, experts, tmp_path / "new")


def test_a_full_disk_is_told_before_and_while_it_fills(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base, experts = make_models(tmp_path)
    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (9000, 9000))\n"
        "import sys; from pathlib import Path; from longread.training.merge import merge\n"
        "merge(*map(Path, sys.argv[1:2]), [*map(Path, sys.argv[2:4])], Path(sys.argv[4]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, [base, *experts, tmp_path / "out"])],
        capture_output=True,
        text=True,
    )
    assert re.search(r"LongreadError: .*out cannot be made: .*too large", done.stderr), done.stderr
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10, 0, 10))  # type: ignore[attr-defined]
    with pytest.raises(LongreadError, match=r"out takes 22,976 bytes, but 10 are free"):
        merge(base, experts, tmp_path / "out")
    assert {f.name for f in tmp_path.iterdir()} == {"base", "expert0", "expert1"}


SLOWLY = """
import sys
from pathlib import Path
from longread.training.merge import merge
def wait(done, of):
    print(done, of, flush=True)
    sys.stdin.readline()
base, *experts, out = map(Path, sys.argv[1:])
merge(base, experts, out, on_shard=wait, shard_bytes=8_000)
"""


def test_a_merge_killed_in_the_middle_leaves_nothing_that_loads(tmp_path: Path) -> None:
    base, experts = make_models(tmp_path)
    command = [sys.executable, "-c", SLOWLY, *map(str, [base, *experts, tmp_path / "out"])]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin and process.stdout
        process.stdout.readline()
        process.stdin.write("\n")
        process.stdin.flush()
        assert process.stdout.readline().startswith("2 ")
        process.send_signal(signal.SIGKILL)
    assert not (tmp_path / "out").exists()
    (left,) = tmp_path.glob(".*.part/out")
    assert len(list(left.iterdir())) == 2
    with pytest.raises((OSError, ValueError)):
        AutoModelForCausalLM.from_pretrained(left)
    assert len(tensors(merge(base, experts, tmp_path / "out"))) == len(tensors(base))
    assert [f.name for f in tmp_path.iterdir() if f.name.startswith(".")] == []


PEAK = """
import resource, sys
from pathlib import Path
from longread.training.merge import merge
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
base, *experts, out = map(Path, sys.argv[1:])
before = peak()
merge(base, experts, out, shard_bytes=8 << 20)
print(peak() - before)
"""


@pytest.mark.slow
def test_memory_is_that_of_a_few_tensors_however_many_there_are(tmp_path: Path) -> None:
    of, rows = 64, 1024
    torch.manual_seed(1)
    for folder in ("base", "one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "config.json").write_text('{"model_type": "any"}')
        for number in range(of):
            save_file({f"m{number}": torch.rand(rows, rows)}, tmp_path / folder / f"{number}.safetensors")
        names = {f"m{number}": f"{number}.safetensors" for number in range(of)}
        (tmp_path / folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": names}))
    paths = [str(tmp_path / name) for name in ("base", "one", "two", "out")]
    done = subprocess.run([sys.executable, "-c", PEAK, *paths], capture_output=True, text=True, check=True)
    model = of * rows * rows * 4
    assert int(done.stdout) < 0.8 * model, "four such models are read and written"
    assert len(list((tmp_path / "out").glob("*.safetensors"))) == of // 2


# ------------------------------------------------------------------------------------------------ command


def test_the_command_merges_and_tells_what_is_wrong_in_one_line(cli: Cli) -> None:
    make_models(cli.folder)
    command = ("merge", "expert0", "expert1", "--base", "base", "--out", "out")
    done = cli(*command, "--select", "0.5")
    assert (done.returncode, done.stdout) == (0, "out\n"), done.stderr
    assert done.stderr == "shard 1 of 1 is merged\n"
    assert "select 0.5 and floor 1e-06" in (cli.folder / "out" / "README.md").read_text()
    again = cli(*command)
    assert again.returncode == 2
    assert again.stderr == "longread: out exists; give another folder as --out, or remove it\n"
    assert cli("merge", "--base", "base", "--out", "none").returncode == 2


def test_help_needs_no_torch(cli: Cli) -> None:
    code = "import sys; sys.modules['torch'] = None; from longread.cli import main; main()"
    for args in (["--help"], ["merge", "--help"]):
        done = subprocess.run(
            [sys.executable, "-c", code, *args], env=cli.env, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        assert "merge" in done.stdout
