"""Rollouts and updates of reinforcement learning: tokens a second and peak memory, beside TRL's GRPOTrainer.

    make bench-rl         # or: python benchmarks/rl.py --trl build/trl/bin/python

Both sides have the same model (a Qwen3 with random weights), prompts, group size and lengths; no reply ends early.
TRL lives in an environment of its own. Each side tries its threads, types and ways to generate first; then the best
settings run by turns, each in a process of its own, so that peak memory is its own. TRL is taken at its best for
each figure apart, Longread with the one setting whose step is fastest. Told too is how far ours is from the machine's
limit.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

VOCABULARY = 1_500
LAYERS, WIDTH, HEADS, GROUPS, HEAD, INNER = 4, 128, 4, 2, 32, 384
QUESTIONS, ATTEMPTS = 4, 8
SPREAD = 16
"""Prompts differ in length by up to so many tokens, as prompts do."""
PASS = 2_048
"""Tokens of a pass of ours (a stage's `pass_tokens`): on a CPU as fast as more, in less memory."""
BAR = 2.0


class Workload(NamedTuple):
    """Lengths in tokens."""

    name: str
    prompt: int
    reply: int
    shared: bool = True
    """Whether the attempts of a group have one prompt. TRL reads a prompt for each attempt either way."""


WORKLOADS = (Workload("long prompts", 512, 64), Workload("long replies", 64, 256))
APART = Workload("long prompts, none shared", 512, 64, shared=False)


class Setting(NamedTuple):
    """How a side runs."""

    side: str
    threads: int
    dtype: str
    """`bf16` is autocast over fp32 weights; `bf16-weights` keeps the weights in bf16 too, which only TRL does."""
    backend: str = "dynamic"
    """TRL's: `dynamic` or `static` cache of transformers, or its `continuous` batching."""
    parts: int = 1
    """TRL's: micro-batches of an update, by gradient accumulation."""
    checkpointing: bool = False
    """TRL's default: activations are computed again in the backward pass, for less memory."""

    def __str__(self) -> str:
        own = [self.backend, f"{self.parts} part{'s' * (self.parts > 1)}"] if self.side == "trl" else []
        own += ["checkpointing"] * self.checkpointing
        return ", ".join([f"{self.threads} thread{'s' * (self.threads > 1)}", self.dtype, *own])


def prompts(workload: Workload, steps: int, seed: int) -> list[list[int]]:
    """Ids of QUESTIONS prompts for each step, or of as many as there are rows where none is shared."""
    rng = random.Random(seed)
    count = steps * QUESTIONS * (1 if workload.shared else ATTEMPTS)
    return [
        rng.choices(range(2, VOCABULARY), k=workload.prompt - rng.randrange(SPREAD)) for _ in range(count)
    ]


def write_model(folder: Path, seed: int) -> None:
    """The model and a tokenizer of whole words; the id that ends a reply is one that the model cannot draw."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

    words = {"<pad>": 0, "<unk>": 1, **{f"w{at}": at for at in range(2, VOCABULARY)}, "<end>": VOCABULARY}
    raw = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    raw.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=raw, eos_token="<end>", pad_token="<pad>", unk_token="<unk>"
    )
    torch.manual_seed(seed)
    config = Qwen3Config(
        vocab_size=VOCABULARY, hidden_size=WIDTH, intermediate_size=INNER, num_hidden_layers=LAYERS,
        num_attention_heads=HEADS, num_key_value_heads=GROUPS, head_dim=HEAD, max_position_embeddings=4096,
        tie_word_embeddings=True, pad_token_id=0, bos_token_id=None, eos_token_id=VOCABULARY,
    )  # fmt: skip
    Qwen3ForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def held() -> float:
    """Memory this process holds now, MiB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def peak() -> float:
    """The most it has held, MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


class Ours:
    """Steps as `longread train` makes them, without reading tasks around the prompts."""

    def __init__(self, setting: Setting, workload: Workload, model: Path, seed: int) -> None:
        import torch
        from transformers import AutoModelForCausalLM

        from longread.training import advantages, generation, learner, loss, network, records  # noqa: F401

        torch.set_num_threads(setting.threads)
        self.workload = workload
        loaded = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32).eval()
        self.network = network.Network(loaded, torch.bfloat16 if setting.dtype == "bf16" else torch.float32)
        self.learner = learner.Learner(
            self.network,
            [torch.optim.AdamW(loaded.parameters(), lr=1e-6, weight_decay=0.0, betas=(0.9, 0.95))],
            pass_tokens=PASS,
        )
        self.random = torch.Generator().manual_seed(seed)
        self.rewards = random.Random(seed)

    def step(self, prompts: list[list[int]]) -> dict[str, float]:
        """Seconds of a rollout and of an update on it, and the tokens of both."""
        import torch

        from longread.training.advantages import group_advantages
        from longread.training.generation import Drawing, Request, generate
        from longread.training.loss import updates
        from longread.training.records import Trajectory

        rows = [p for p in prompts for _ in range(ATTEMPTS if self.workload.shared else 1)]
        requests = [Request(tuple(row), self.workload.reply) for row in rows]
        drawing = Drawing(1.0, 1.0, (), self.random)
        begun = time.perf_counter()
        made = generate(self.network, requests, drawing, 1_000_000)
        drawn = time.perf_counter()
        trajectories = [
            Trajectory(at // ATTEMPTS, "all", (one.conversation,), "", self.rewards.random())
            for at, one in enumerate(made)
        ]
        rewards = torch.tensor([one.reward for one in trajectories])
        groups = torch.tensor([one.question for one in trajectories])
        own = group_advantages(rewards, groups, groups)
        parts = updates(trajectories, [one[None] for one in own])
        self.learner.learn(
            [trajectories[part.trajectory].conversations[0] for part in parts],
            [part.weights for part in parts],
        )
        ended = time.perf_counter()
        replies = [len(one.conversation.reply) for one in made]
        assert set(replies) == {self.workload.reply}
        return {
            "rollout_s": drawn - begun,
            "update_s": ended - drawn,
            "replies": sum(replies),
            "tokens": sum(map(len, rows)) + sum(replies),
        }


def run_ours(setting: Setting, workload: Workload, model: Path, seed: int, steps: int) -> dict[str, Any]:
    """One step unmeasured, then `steps`."""
    ours = Ours(setting, workload, model, seed)
    base = held()
    every = prompts(workload, steps + 1, seed)
    size = len(every) // (steps + 1)
    done = [ours.step(every[at * size : (at + 1) * size]) for at in range(steps + 1)]
    return {"steps": done[1:], "peak_mib": peak(), "base_mib": base}


def run_trl(setting: Setting, workload: Workload, model: Path, seed: int, steps: int) -> dict[str, Any]:
    """The same by GRPOTrainer. Generation is timed alone; an update is a step without generating and scoring."""
    import torch
    from datasets import Dataset
    from transformers import AutoTokenizer, TrainerCallback
    from trl import GRPOConfig, GRPOTrainer

    torch.set_num_threads(setting.threads)
    rng = random.Random(seed)
    rows = QUESTIONS * ATTEMPTS
    config = GRPOConfig(
        output_dir=str(model / "out"), use_cpu=True, report_to="none", save_strategy="no", logging_strategy="no",
        disable_tqdm=True, seed=seed, learning_rate=1e-6, max_steps=steps + 1,
        per_device_train_batch_size=rows // setting.parts, gradient_accumulation_steps=setting.parts,
        num_generations=ATTEMPTS, max_completion_length=workload.reply,
        temperature=1.0, top_p=1.0, top_k=0, beta=0.0, num_iterations=1, loss_type="dapo", scale_rewards="group",
        mask_truncated_completions=False, shuffle_dataset=False, use_vllm=False, bf16=setting.dtype != "fp32",
        gradient_checkpointing=setting.checkpointing,
        model_init_kwargs={"dtype": "bfloat16" if setting.dtype == "bf16-weights" else "float32"},
        cache_implementation="static" if setting.backend == "static" else None,
        use_transformers_continuous_batching=setting.backend == "continuous",
    )  # fmt: skip
    spent = {"rollout": 0.0, "prepare": 0.0}
    made: list[dict[str, float]] = []
    lengths: list[int] = []

    class Timed(GRPOTrainer):  # type: ignore[misc]
        def _generate_single_turn(self, *args: Any, **kwargs: Any) -> Any:
            begun = time.perf_counter()
            ids, *rest = super()._generate_single_turn(*args, **kwargs)
            spent["rollout"] = time.perf_counter() - begun
            lengths[:] = map(len, ids)
            return ids, *rest

        def _prepare_inputs(self, batch: Any) -> Any:
            begun = time.perf_counter()
            inputs = super()._prepare_inputs(batch)
            spent["prepare"] += time.perf_counter() - begun
            spent["tokens"] += int(inputs["prompt_mask"].sum() + inputs["completion_mask"].sum())
            return inputs

    class Clock(TrainerCallback):  # type: ignore[misc]
        def on_step_begin(self, *_: Any, **__: Any) -> None:
            spent.update(begun=time.perf_counter(), prepare=0.0, tokens=0)

        def on_step_end(self, *_: Any, **__: Any) -> None:
            whole = time.perf_counter() - spent["begun"]
            assert set(lengths) == {workload.reply} and len(lengths) == rows, lengths
            made.append(
                {
                    "rollout_s": spent["rollout"],
                    "update_s": whole - spent["prepare"],
                    "other_s": spent["prepare"] - spent["rollout"],
                    "replies": sum(lengths),
                    "tokens": spent["tokens"],
                }
            )

    data = [{"prompt": " ".join(f"w{at}" for at in ids)} for ids in prompts(workload, steps + 1, seed)]
    trainer = Timed(
        model=str(model),
        reward_funcs=lambda completions, **_: [rng.random() for _ in completions],
        args=config,
        train_dataset=Dataset.from_list(data),
        processing_class=AutoTokenizer.from_pretrained(model),
        callbacks=[Clock()],
    )
    base = held()
    trainer.train()
    return {"steps": made[1:], "peak_mib": peak(), "base_mib": base}


def versions() -> dict[str, str]:
    """Of what matters to speed."""
    from importlib.metadata import PackageNotFoundError, version

    found = {}
    for name in ("torch", "transformers", "trl"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def limit(setting: Setting) -> float:
    """GFLOP/s of a product of two matrices of 2048 x 2048."""
    import torch

    torch.set_num_threads(setting.threads)
    matrix = torch.randn(2048, 2048, dtype=torch.float32 if setting.dtype == "fp32" else torch.bfloat16)
    times = []
    for _ in range(8):
        begun = time.perf_counter()
        matrix @ matrix
        times.append(time.perf_counter() - begun)
    return float(2 * 2048**3 / min(times) / 1e9)


PRODUCTS = ("aten::mm", "aten::addmm", "aten::bmm", "aten::baddbmm", "aten::mkldnn_linear", "aten::linear")


def shares(setting: Setting, workload: Workload, model: Path, seed: int) -> dict[str, float]:
    """One step of ours under the profiler: time in matrix products and attention, and what they achieve."""
    from torch.profiler import ProfilerActivity, profile

    ours = Ours(setting, workload, model, seed)
    every = prompts(workload, 2, seed)
    ours.step(every[: len(every) // 2])
    with profile(activities=[ProfilerActivity.CPU], record_shapes=True, with_flops=True) as profiler:
        ours.step(every[len(every) // 2 :])
    total = products = attention = flops = 0.0
    for event in profiler.key_averages(group_by_input_shape=True):
        total += event.self_cpu_time_total
        if event.key in PRODUCTS:
            products += event.self_cpu_time_total
            flops += event.flops
        elif "scaled_dot_product" in event.key and event.self_cpu_time_total:
            attention += event.self_cpu_time_total
            flops += event.count * attention_flops(event.key, event.input_shapes)
    return {
        "products": products / total,
        "attention": attention / total,
        "gflops_step": flops / total / 1e3,
        "gflops_products": flops / (products + attention) / 1e3,
    }


def attention_flops(name: str, shapes: list[list[int]]) -> float:
    """Of one fused attention: two products forward, five backward; half of each where it is causal without mask."""
    if "flash_attention_for_cpu" not in name:
        return 0.0
    backward = "backward" in name
    query, key = (shapes[1], shapes[2]) if backward else (shapes[0], shapes[1])
    batch, heads, length, width = query
    causal = (
        length > 1 and length == key[2] and not any(len(shape) == 4 and shape[1] == 1 for shape in shapes)
    )
    return (5 if backward else 2) * 2 * batch * heads * length * key[2] * width * (0.5 if causal else 1.0)


class Bench:
    """Runs measurements, each in a process of its own."""

    def __init__(self, trl: Path, model: Path, seed: int) -> None:
        self._python = {"ours": sys.executable, "trl": str(trl)}
        self._model = model
        self._seed = seed

    def call(self, part: str, setting: Setting, workload: Workload = WORKLOADS[0], steps: int = 0) -> Any:
        """What a part of this file gives; None where the side cannot run so."""
        order = [part, list(setting), list(workload), str(self._model), self._seed, steps]
        done = subprocess.run(
            [self._python[setting.side], __file__, "--part", json.dumps(order)],
            capture_output=True, text=True,
            env={**os.environ, "OMP_NUM_THREADS": str(setting.threads), "HF_HUB_OFFLINE": "1",
                 "TOKENIZERS_PARALLELISM": "false"},
        )  # fmt: skip
        if done.returncode:
            why = (done.stderr.strip() or "no word").splitlines()[-1]
            print(f"  {setting.side}, {setting}: does not run: {why[:160]}", flush=True)
            return None
        return json.loads(done.stdout.splitlines()[-1])


def part(order: str) -> None:
    """One measurement, as JSON on the last line of standard output."""
    name, setting, workload, model, seed, steps = json.loads(order)
    how, work, folder = Setting(*setting), Workload(*workload), Path(model)
    run = run_trl if how.side == "trl" else run_ours
    if name == "model":
        write_model(folder, seed)
        made: Any = versions()
    elif name == "versions":
        made = versions()
    elif name == "limit":
        made = limit(how)
    elif name == "shares":
        made = shares(how, work, folder, seed)
    else:
        made = run(how, work, folder, seed, steps)
    print("\n" + json.dumps(made))


class Figures(NamedTuple):
    """Of all measured steps of a setting."""

    rollout: float
    """Reply tokens a second of generating, prompts read included; the median over steps."""
    update: float
    """Prompt and reply tokens of all rows a second of learning."""
    step: float
    """Reply tokens a second of generating and learning."""
    peak: float
    above: float
    """MiB at the peak, beyond what libraries and weights take; the median over processes."""
    low: float
    high: float
    """The slowest and the fastest step, as `step`."""
    other: float
    """Seconds a step of what is neither: TRL's encoding, decoding and scoring. Not counted in `step`."""


def figures(runs: list[dict[str, Any]]) -> Figures:
    steps = [step for run in runs for step in run["steps"]]
    whole = [step["replies"] / (step["rollout_s"] + step["update_s"]) for step in steps]
    return Figures(
        statistics.median(step["replies"] / step["rollout_s"] for step in steps),
        statistics.median(step["tokens"] / step["update_s"] for step in steps),
        statistics.median(whole),
        statistics.median(run["peak_mib"] for run in runs),
        statistics.median(run["peak_mib"] - run["base_mib"] for run in runs),
        min(whole),
        max(whole),
        statistics.median(step.get("other_s", 0.0) for step in steps),
    )


def busy() -> float:
    """CPU seconds that all processes of the machine have used."""
    user, nice, system = map(int, Path("/proc/stat").read_text().split()[1:4])
    return (user + nice + system) / os.sysconf("SC_CLK_TCK")


def tried(bench: Bench, workload: Workload, settings: list[Setting], steps: int) -> dict[Setting, Figures]:
    """Figures of a few steps with each setting that runs."""
    found = {}
    for setting in settings:
        if (run := bench.call("run", setting, workload, steps)) is not None:
            found[setting] = figures([run])
            print(
                f"  {setting.side}, {setting}: rollout {found[setting].rollout:,.0f}, update "
                f"{found[setting].update:,.0f}, step {found[setting].step:,.0f} tokens/s",
                flush=True,
            )
    return found


def finalists(
    bench: Bench, workload: Workload, threads: list[int], steps: int, types: dict[str, list[str]]
) -> list[Setting]:
    """Our setting with the fastest step; TRL's that are best at anything; and TRL's with the least memory.

    A type that takes twice the time of fp32 is dropped from `types`, and not tried on the next workload.
    """
    print(f"{workload.name}: which settings are best", flush=True)
    found: dict[str, dict[Setting, Figures]] = {}
    for side in ("ours", "trl"):
        own = tried(bench, workload, [Setting(side, n, "fp32") for n in threads], steps)
        plain = max(own, key=lambda setting: own[setting].step)
        own |= tried(bench, workload, [plain._replace(dtype=dtype) for dtype in types[side]], 1)
        half = own[plain].step / 2
        types[side] = [one.dtype for one in own if one.dtype != "fp32" and own[one].step >= half]
        if side == "trl":
            quick = max(own, key=lambda setting: own[setting].rollout)
            own |= tried(
                bench, workload, [quick._replace(backend=b) for b in ("static", "continuous")], steps
            )
            quick = max(own, key=lambda setting: own[setting].step)
            own |= tried(bench, workload, [quick._replace(parts=parts) for parts in (4, 8)], steps)
        found[side] = own
    ours, trl = found["ours"], found["trl"]
    best = [max(trl, key=lambda setting: trl[setting][at]) for at in range(3)]
    small = best[2]._replace(parts=8, checkpointing=True)
    return list(dict.fromkeys([max(ours, key=lambda setting: ours[setting].step), *best, small]))


def measured(
    bench: Bench, workload: Workload, settings: list[Setting], rounds: int, steps: int
) -> dict[tuple[str, Setting], Figures]:
    """Settings by turns, in the order turned round each time; ours without shared prompts too."""
    todo = [(workload, setting) for setting in settings]
    if workload.prompt == APART.prompt:
        todo.append((APART, settings[0]))
    runs: dict[tuple[str, Setting], list[dict[str, Any]]] = {}
    for number in range(rounds):
        for work, setting in todo if number % 2 == 0 else reversed(todo):
            if (run := bench.call("run", setting, work, steps)) is not None:
                runs.setdefault((work.name, setting), []).append(run)
    return {(work.name, setting): figures(runs[work.name, setting]) for work, setting in todo}


def main() -> None:
    """Runs all, prints a table and a line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trl", type=Path, default=Path("build/trl/bin/python"), help="Python that has TRL")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=3, help="processes of each setting")
    parser.add_argument("--steps", type=int, default=4, help="measured steps of a process")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--part", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.part:
        part(args.part)
        return
    if not args.trl.exists():
        parser.error(f"{args.trl} does not exist: `make bench-rl` makes it")
    begun, used = time.perf_counter(), busy()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(args.trl.absolute(), Path(folder), args.seed)
        found = {
            "ours": bench.call("model", Setting("ours", 1, "fp32")),
            "trl": bench.call("versions", Setting("trl", 1, "fp32")),
        }
        report: dict[str, Any] = {
            "cores": os.cpu_count(), "versions": found, "seed": args.seed, "load_before": os.getloadavg()[0],
            "workloads": {},
        }  # fmt: skip
        print(
            f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.2f}; {found}; seed {args.seed}; {LAYERS} layers, "
            f"width {WIDTH}, vocabulary {VOCABULARY:,}; {QUESTIONS} questions x {ATTEMPTS} attempts"
        )
        types = {"ours": ["bf16"], "trl": ["bf16", "bf16-weights"]}
        for workload in WORKLOADS:
            settings = finalists(bench, workload, args.threads, 2, types)
            results = measured(bench, workload, settings, args.rounds, args.steps)
            share = bench.call("shares", settings[0], workload)
            share["gflops_limit"] = bench.call("limit", settings[0])
            report["workloads"][workload.name] = tell(workload, settings[0], results, share)
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    own = resource.getrusage(resource.RUSAGE_SELF)
    mine = spent.ru_utime + spent.ru_stime + own.ru_utime + own.ru_stime
    report["seconds"] = time.perf_counter() - begun
    report["others_cpu_share"] = max(0.0, busy() - used - mine) / report["seconds"] / (os.cpu_count() or 1)
    print(
        f"\n{report['seconds']:.0f} s; other processes used {report['others_cpu_share']:.1%} of the machine's cores"
    )
    print(json.dumps(report))


def tell(
    workload: Workload,
    best: Setting,
    results: dict[tuple[str, Setting], Figures],
    share: dict[str, float],
) -> dict[str, Any]:
    """Prints a workload's table; its figures for JSON."""
    print(f"\n{workload.name}: {workload.prompt} + {workload.reply} tokens")
    print(f"{'':66} rollout/s  update/s   step/s (slowest-fastest)  peak MiB  above base  other s")
    for (name, setting), own in results.items():
        label = f"{'Longread' if setting.side == 'ours' else 'TRL'}, {setting}" + ", none shared" * (
            name == APART.name
        )
        print(
            f"{label:66} {own.rollout:>9,.0f} {own.update:>9,.0f} {own.step:>8,.0f}"
            f" ({own.low:>6,.0f}-{own.high:<6,.0f}) {own.peak:>14,.0f} {own.above:>11,.0f} {own.other:>8.3f}"
        )
    ours = results[workload.name, best]
    trl = {setting: own for (_, setting), own in results.items() if setting.side == "trl"}
    plain = [own for setting, own in trl.items() if not setting.checkpointing]
    ratios = {
        name: getattr(ours, name) / max(getattr(own, name) for own in trl.values())
        for name in ("rollout", "update", "step")
    }
    apart = results.get((APART.name, best))
    if apart:
        ratios |= {
            f"{name}, none shared": getattr(apart, name) / max(getattr(own, name) for own in trl.values())
            for name in ("rollout", "update", "step")
        }
    memory = ours.above / min(own.above for own in plain)
    least = ours.above / min(own.above for own in trl.values())
    for name, ratio in ratios.items():
        verdict = "" if "shared" in name else f" (bar {BAR:g}: {'met' if ratio >= BAR else 'MISSED'})"
        print(f"{name}: {ratio:.2f} times TRL{verdict}")
    print(
        f"memory above base: {memory:.2f} times TRL's least without checkpointing (bar below 1: "
        f"{'met' if memory < 1 else 'MISSED'}), {least:.2f} times its least with it "
        f"({'lower' if least < 1 else 'not lower'})"
    )
    print(
        f"Longread's step: {share['products']:.0%} of the time in matrix products, {share['attention']:.0%} in "
        f"attention; {share['gflops_products']:.0f} GFLOP/s in them, {share['gflops_step']:.0f} over the whole "
        f"step, of {share['gflops_limit']:.0f} in a product of 2048 x 2048"
    )
    return {
        "runs": [
            {"prompts": name, "setting": str(setting), "side": setting.side, **own._asdict()}
            for (name, setting), own in results.items()
        ],
        "ratios": ratios,
        "memory_ratio": memory,
        "memory_ratio_checkpointing": least,
        "shares": share,
    }


if __name__ == "__main__":
    main()
