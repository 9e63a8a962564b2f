"""What a stage will take: exact where it can be, as measured where not, and said so that a user can act on it."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM, Qwen3Config, Qwen3MoeConfig
from typer import Exit

from benchmarks import plan as benchmark
from longread.cli.plan import plan as plan_command
from longread.errors import InputError, UsageError
from longread.training import generation, memory, stages, update
from longread.training.data import read_cases
from longread.training.memory import GIB, activations, moments, on_cluster, one_process, trained
from longread.training.network import Network
from longread.training.pace import H100, SINGLE, Crew, decode_rate, step_seconds
from longread.training.plan import parse_gpus, plans
from longread.training.shapes import KNOWN, Shape, read_shape
from longread.training.stage import Cluster, Lora, Merge, Reinforcement, Sizes, Supervised
from longread.training.workload import Alike, workload
from tests.support.cli import Cli

RECIPES = Path(__file__).parents[2] / "recipes"
PAPER = {
    "1-20k": (20_000, 12_000),
    "2-60k": (60_000, 20_000),
    "3-120k": (120_000, 50_000),
    "6-final": (120_000, 50_000),
}


def on_meta(name: str) -> torch.nn.Module:
    """transformers' model of a published configuration, without weights."""
    own = {key: value for key, value in KNOWN[name].items() if key != "model_type"}
    config = (Qwen3MoeConfig if "A3B" in name else Qwen3Config)(**own)
    with torch.device("meta"):
        return AutoModelForCausalLM.from_config(config)


def stage(**settings: object) -> Reinforcement:
    return Reinforcement(**{"model": "m", "data": "d", "steps": 1} | settings)  # type: ignore[arg-type]


@pytest.mark.parametrize(("name", "count"), [("Qwen3-4B", 4_022_468_096), ("Qwen3-30B-A3B", 30_532_122_624)])
def test_parameters_gradients_and_moments_are_exact(name: str, count: int) -> None:
    """Those of transformers' own model and torch's own optimizer; the counts are those of the published files."""
    model, shape = on_meta(name), read_shape(name)
    parameters = list(model.parameters())
    assert shape.parameters == count == sum(one.numel() for one in parameters)
    optimizer = torch.optim.AdamW(parameters)
    for one in parameters:
        one.grad = torch.empty_like(one, dtype=torch.float32)
    optimizer.step()
    states = optimizer.state.values()
    kept = sum(value.numel() for state in states for value in state.values() if value.ndim)
    for world in (8, 32):
        cluster = Cluster(nodes=world // 8, offload=True)
        parts = on_cluster(shape, stage(), cluster, 80 * GIB, width=2)
        of = {part.name: part for part in parts}
        assert of["parameters"].learning * world == 4 * count
        assert of["gradients"].learning * world == sum(4 * one.numel() for one in parameters)
        assert of["optimizer"].learning * world == 4 * kept
        assert of["optimizer"].host * cluster.nodes == 4 * kept
    inner = [value for key, value in model.named_parameters() if "embed" not in key and "lm_head" not in key]
    matrices = sum(one.numel() for one in inner if one.ndim == 2)
    assert moments(shape, stage(optimizer="muon")) == 2 * count - matrices


def test_adapters_are_counted_exactly() -> None:
    from peft import LoraConfig, get_peft_model

    for targets in ("all-linear", ["q_proj", "down_proj"]):
        with torch.device("meta"):
            model = AutoModelForCausalLM.from_config(Qwen3Config(**small()))
            model = get_peft_model(model, LoraConfig(r=4, target_modules=targets, task_type="CAUSAL_LM"))
        given = stage(lora=Lora(rank=4, targets=targets))
        found = sum(one.numel() for one in model.parameters() if one.requires_grad)
        assert trained(dense(), given) == found > 0


def test_libraries_are_as_the_benchmark_measured_them() -> None:
    page = (RECIPES.parent / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    table = page[page.index("libraries, MiB |") :].split("\n\n")[0]
    assert {int(row) for row in re.findall(r"\| (\d+) \|$", table, re.MULTILINE)} == {memory.LIBRARIES >> 20}


def test_bounds_are_those_of_the_trainer() -> None:
    assert memory._LOGITS == update._LOGITS
    assert memory._PREFILL == generation._PREFILL


def small() -> dict[str, object]:
    return {
        "vocab_size": 512, "hidden_size": 128, "intermediate_size": 384, "num_hidden_layers": 3,
        "num_attention_heads": 8, "num_key_value_heads": 2, "head_dim": 32, "tie_word_embeddings": True,
    }  # fmt: skip


def dense() -> Shape:
    return Shape(3, 128, 8, 2, 32, 384, 512, True)


@pytest.mark.parametrize("masked", [False, True], ids=["plain", "shared prompts"])
@pytest.mark.parametrize("experts", [0, 8])
def test_activations_are_what_is_saved_for_the_backward_pass(
    experts: int, masked: bool, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    config = (
        Qwen3MoeConfig(**small(), num_experts=experts, num_experts_per_tok=2, moe_intermediate_size=64)
        if experts
        else Qwen3Config(**small())
    )
    config.save_pretrained(tmp_path)
    shape = read_shape(str(tmp_path))
    network = Network(AutoModelForCausalLM.from_config(config).train())
    own = {one.untyped_storage().data_ptr() for one in network.model.parameters()}
    kept: dict[int, torch.Tensor] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        if tensor.untyped_storage().data_ptr() not in own:
            kept[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    rows, prompt, reply, attempts = (2, 300, 51, 4) if masked else (2, 1, 500, 1)
    length = prompt + attempts * (reply - 1)
    mask = torch.ones(length, length, dtype=torch.bool).tril().repeat(rows, 1, 1, 1) if masked else None
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        network.hidden(
            torch.zeros(rows, length, dtype=torch.int64), torch.arange(length).repeat(rows, 1), mask
        )
    saved = sum(one.untyped_storage().nbytes() for one in kept.values())
    work = [Alike(rows * attempts, prompt, reply, attempts)]
    parts = one_process(shape, stage(pass_tokens=rows * length), work, width=4, gpu=False)
    planned = next(part.learning for part in parts if part.name == "activations")
    assert planned == pytest.approx(saved + (mask.nbytes if mask is not None else 0), rel=0.02)
    assert planned > 4 * rows * length * shape.layers * activations(shape)


def test_a_prompt_longer_than_a_pass_is_read_in_one_all_the_same() -> None:
    for prompt, read in ((100, 4_096), (60_000, 60_000)):
        parts = one_process(dense(), stage(), [Alike(80, prompt, 50, 1)], width=4, gpu=False)
        planned = next(part.drawing for part in parts if part.name == "activations")
        assert planned == 4 * read * activations(dense())


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_memory_is_as_measured_at_three_sizes() -> None:
    points = [
        benchmark.point(size, pass_tokens) for size in benchmark.SIZES for pass_tokens in benchmark.PASSES
    ]
    assert points[0].parameters < 2e6 and points[-1].parameters > 100e6
    assert benchmark.slope(points) == pytest.approx(1, abs=0.15)
    for small_pass, large_pass in zip(points[::2], points[1::2], strict=True):
        more = large_pass.planned - small_pass.planned
        assert large_pass.measured - small_pass.measured == pytest.approx(more, rel=0.15)


@pytest.mark.parametrize("recipe", ["qwen3-4b", "qwen3-30b-a3b"])
def test_recipes_have_the_papers_stages_and_fit(recipe: str) -> None:
    planned = {one.name: one.stage for one in stages.plan(RECIPES / recipe, Path("out"))}
    assert list(planned) == ["1-20k", "2-60k", "3-120k", "4-memory", "5-merged", "6-final"]
    for name, (read, replied) in PAPER.items():
        own = planned[name]
        assert isinstance(own, Reinforcement) and own.cluster and own.aepo
        (only,) = workload(own)
        assert (own.sizes.input, only.reply) == (read, replied)
        assert only.prompt + only.reply <= own.sizes.window
        assert only.prompt > read, "the window has room for less"
    memory = planned["4-memory"]
    assert isinstance(memory, Reinforcement)
    assert (memory.sizes.input, memory.sizes.chunk, memory.sizes.notes) == (131_072, 32_768, 15_000)
    assert workload(memory)[0].number == 4 * 1_024
    assert memory.model == "out/3-120k/model"
    merged = planned["5-merged"]
    assert isinstance(merged, Merge)
    assert merged.experts == ["out/3-120k/model", "out/4-memory/model"]
    assert Path(merged.base).name == Path(str(getattr(planned["1-20k"], "model", ""))).name
    for plan in plans(RECIPES / recipe):
        assert not plan.faults, plan.name


def test_what_does_not_fit_is_told_with_exit_code_1(cli: Cli) -> None:
    file = str(RECIPES / "qwen3-30b-a3b" / "3-120k.toml")
    done = cli("train", "plan", file, "--gpus", "2x8x40GB", "--json")
    told = json.loads(done.stdout)
    assert (done.returncode, told["fits"]) == (1, False)
    (one,) = told["stages"]
    assert one["stage"] == "3-120k"
    assert one["learning"] > one["room"] == 40 * GIB
    assert one["learning"] == sum(part["learning"] for part in one["memory"])
    assert "while the model learns" in one["faults"][0]
    shown = cli("train", "plan", file)
    assert shown.returncode == 0, shown.stderr
    assert "fits    yes" in shown.stdout and "32 GPUs of 80.0 GiB on 4 nodes" in shown.stdout


def test_a_cache_too_small_for_one_conversation_does_not_fit() -> None:
    (plan,) = plans(RECIPES / "qwen3-4b" / "3-120k.toml", "8x24GB")
    assert any("a conversation may take 170,700" in fault for fault in plan.faults)


def test_it_needs_no_torch() -> None:
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from pathlib import Path\nfrom longread.training.plan import plans\n"
        f"print(*(one.name for one in plans(Path({str(RECIPES / 'qwen3-4b')!r}))))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.split() == ["1-20k", "2-60k", "3-120k", "4-memory", "6-final"], done.stderr


def test_a_stage_in_one_process_is_planned_for_this_machine_or_one_gpu(
    dense: Path, data: Path, tmp_path: Path, cli: Cli
) -> None:
    (tmp_path / "start").symlink_to(dense)
    file = tmp_path / "warm.toml"
    file.write_text(
        'kind = "supervised"\nmodel = "start"\ndata = "nowhere"\nsteps = 2\nsizes = {window = 2048}\n'
    )
    here = cli("train", "plan", str(file))
    assert here.returncode == 0, here.stderr
    assert "one process on the CPU" in here.stdout and "drawing" in here.stdout
    (on_gpu,) = plans(file, "1x24GB")
    assert on_gpu.room == 24 * GIB
    assert (
        on_gpu.shape.parameters
        == AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(dense)).num_parameters()
    )
    (of_several,) = plans(file, "8x24GB")
    assert of_several == on_gpu, "a warm start runs on one of them"
    file.write_text('model = "start"\ndata = "nowhere"\nsteps = 2\nsizes = {window = 2048}\n')
    (spread,) = plans(file, "2x8x80GB")
    assert "16 GPUs" in spread.where


@pytest.mark.parametrize("text", ["8", "8x80", "x80GB", "0x80GB", "8x80GB x", "8 x 80 PB"])
def test_gpus_that_cannot_be_read_are_told(text: str) -> None:
    with pytest.raises(UsageError, match="8x80GB"):
        parse_gpus(text)


def test_models_of_unknown_shape_are_told(tmp_path: Path, cli: Cli) -> None:
    with pytest.raises(InputError, match="Qwen3-30B-A3B"):
        read_shape("nowhere/Qwen9")
    for config in ("[1]", "{}", '{"model_type": "gpt2"}', "\xff"):
        (tmp_path / "config.json").write_text(config, "latin-1")
        with pytest.raises(InputError, match="does not say the shape"):
            read_shape(str(tmp_path))
    cluster = "[cluster]\ntensor_parallel = 3\n"
    (tmp_path / "s.toml").write_text(f'model = "Qwen3-4B"\ndata = "d"\nsteps = 1\n{cluster}')
    done = cli("train", "plan", str(tmp_path / "s.toml"))
    assert (done.returncode, "s: cluster.tensor_parallel: 3 does not divide the 8" in done.stderr) == (
        2,
        True,
    )
    done = cli("train", "plan", str(RECIPES / "qwen3-4b"), "--fill", "0")
    assert (done.returncode, "shares" in done.stderr) == (2, True)


def written(folder: Path, text: str) -> Path:
    file = folder / "s.toml"
    file.write_text(f'model = "Qwen3-4B"\ndata = "questions"\nsteps = 2\n{text}')
    return file


@pytest.mark.parametrize(("cluster", "more"), [("", 4), ("[cluster]\n", 13 / 4)])
def test_each_update_is_learnt(cluster: str, more: float, tmp_path: Path) -> None:
    """On a cluster log-probabilities are computed once more before all of them (verl's `_step_once`)."""
    (once,) = plans(written(tmp_path, cluster))
    (often,) = plans(written(tmp_path, "updates = 4\nclip = [0.2, 0.3]\n" + cluster))
    assert often.seconds.learning == pytest.approx(more * once.seconds.learning)
    assert often.seconds.drawing == once.seconds.drawing


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[cluster]\n[lora]\n", "s: lora: "),
        ('optimizer = "muon"\n[cluster]\n', "s: optimizer: "),
        ("[cluster]\nnodes = 2\ngpus = 4\ntensor_parallel = 8\n", "8 does not divide the 4 GPUs of a node"),
        ("[cluster]\ngpus = 3\nsequence_parallel = 3\n", "3 does not divide the model's 32 heads"),
    ],
)
def test_what_a_run_refuses_is_not_planned(text: str, said: str, tmp_path: Path, cli: Cli) -> None:
    done = cli("train", "plan", str(written(tmp_path, text)))
    assert (done.returncode, said in done.stderr) == (2, True), done.stderr


def test_single_precision_takes_its_memory_and_time_on_a_cluster_too(tmp_path: Path) -> None:
    """The engine draws in bfloat16 whatever the stage says."""
    (half,) = plans(written(tmp_path, "[cluster]\n"))
    (single,) = plans(written(tmp_path, 'precision = "float32"\n[cluster]\n'))
    was, of = ({part.name: part for part in one.parts} for one in (half, single))
    for name in ("activations", "gathered layers"):
        assert of[name].learning == 2 * was[name].learning
    assert single.drawing == half.drawing
    assert single.seconds.drawing == half.seconds.drawing
    assert single.seconds.learning == pytest.approx(half.seconds.learning * H100.flops / SINGLE)


@pytest.mark.parametrize(
    ("name", "nodes", "offload", "numbers"),
    [
        ("Qwen3-4B", 1, True, 8),  # its embeddings are tied: each of 8 processes reads all
        ("Qwen3-4B", 1, False, 8),
        ("Qwen3-30B-A3B", 4, True, 1),
        ("Qwen3-30B-A3B", 1, True, 3),  # parameters and moments, which wait there later
        ("Qwen3-30B-A3B", 1, False, 1),
    ],
)
def test_a_host_holds_what_is_loaded_and_then_what_waits(
    name: str, nodes: int, offload: bool, numbers: int
) -> None:
    shape = read_shape(name)
    parts = on_cluster(shape, stage(), Cluster(nodes=nodes, offload=offload), 80 * GIB, width=2)
    assert sum(part.host for part in parts) == pytest.approx(4 * numbers * shape.parameters)


def test_selection_takes_the_time_of_its_attempts(data: Path, tmp_path: Path, cli: Cli) -> None:
    file = written(tmp_path, "questions = 16\nattempts = 4\n[select]\nk = 4\n[cluster]\n")
    (unknown,) = plans(file)
    assert unknown.selection == (None, 4, 0)
    assert unknown.hours == pytest.approx(2 * sum(unknown.seconds) / 3600)
    (told,) = plans(file, questions=160)
    assert told.selection
    assert told.selection.seconds == pytest.approx(10 * told.seconds.drawing)
    assert told.hours == pytest.approx(unknown.hours + 10 * told.seconds.drawing / 3600)
    assert "--questions" in cli("train", "plan", str(file)).stdout
    assert "160 questions, 4 attempts each" in cli("train", "plan", str(file), "--questions", "160").stdout
    (tmp_path / "questions").symlink_to(data)
    (counted,) = plans(file)
    assert counted.selection and counted.selection.questions == len(read_cases(data, "train"))
    (plain,) = plans(written(tmp_path, "[cluster]\n"), questions=160)
    assert plain.selection is None


def test_where_memory_cannot_be_asked_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As on Windows."""
    monkeypatch.delattr(os, "sysconf")
    file = written(tmp_path, "")
    (one,) = plans(file)
    assert (one.room, one.fits) == (None, None)
    with pytest.raises(Exit) as ended:
        plan_command(str(file))
    assert ended.value.exit_code == 0
    assert "not known: this machine does not tell its memory" in capsys.readouterr().out


def test_assumptions_stand_on_lines_of_their_own(cli: Cli) -> None:
    shown = cli("train", "plan", str(RECIPES / "qwen3-4b" / "1-20k.toml")).stdout.splitlines()
    start = next(at for at, line in enumerate(shown) if line.startswith("assumed "))
    assert "(--fill)" in shown[start] and "(--efficiency)" in shown[start + 1]
    assert "told, not checked" in next(line for line in shown if line.startswith("host "))
    page, heading = re.findall(r"(docs/\S+\.md), \"(.*)\"", shown[-1])[0]
    assert f"\n## {heading}\n" in (text := (RECIPES.parent / page).read_text(encoding="utf-8"))
    rows = [line[:20].strip() for line in shown[2:start] if re.search(r"\d\.\d$", line)]
    assert not [row for row in rows if f"`{row}`" not in text]


def test_time_follows_from_tokens_and_processors() -> None:
    shape, work = read_shape("Qwen3-4B"), [Alike(1_024, 20_000, 4_000, 8)]
    crew = Crew(8, H100, H100, 1, 10**9, 2, 4, False)
    drawing, learning = step_seconds(shape, work, crew, draws=True)
    assert learning == pytest.approx(4 * 1_024 * shape.products(24_000) / (8 * H100.flops))
    twice = step_seconds(shape, work, crew._replace(processors=16), draws=True)
    assert twice.learning == pytest.approx(learning / 2)
    assert twice.drawing < drawing
    alone = decode_rate(shape, 20_000, 4_000, crew._replace(cached=24_000), 128)
    assert alone == pytest.approx(H100.bandwidth / (2 * shape.parameters + 22_000 * shape.kv_bytes(2)))
    assert decode_rate(shape, 20_000, 4_000, crew, 128) > alone
    sparse = read_shape("Qwen3-30B-A3B")
    assert decode_rate(sparse, 100, 100, crew, 1) > H100.bandwidth / (2 * sparse.parameters)


def test_lengths_follow_from_the_stage() -> None:
    full = stage(questions=2, attempts=3, sizes=Sizes(window=8_192, input=4_000, answer=500))
    assert workload(full) == [Alike(6, 4_700, 500, 3)]
    assert workload(full, 0.5) == [Alike(6, 2_700, 250, 3)]
    memory = stage(
        questions=2,
        attempts=3,
        sizes=Sizes(mode="memory", window=8_192, input=5_000, chunk=2_000, notes=600, answer=500),
    )
    assert workload(memory) == [Alike(18, 3_300, 600), Alike(6, 1_300, 500)]
    texts = Supervised(kind="supervised", data="d", steps=1, batch=4, target="text", sizes=Sizes(window=256))
    assert workload(texts) == [Alike(4, 1, 256)]
