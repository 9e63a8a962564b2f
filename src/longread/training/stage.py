"""What a stage of training is set to: one TOML file."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from longread.errors import InputError, UsageError

if TYPE_CHECKING:
    from longread.training.rollouts import Reads

MODEL = "model"
"""Where a stage leaves its model, in its folder."""
CHECKPOINTS = "checkpoints"
"""Where its checkpoints are."""


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Sizes(_Settings):
    """How texts are read, in tokens."""

    mode: Literal["full", "memory"] = "full"
    """`full`: one pass over all documents; `memory`: chunk by chunk, then an answer from the notes."""
    prompts: str = "ledger"
    """A built-in prompt set, or a file."""
    window: int = 131_072
    """Prompt and reply together."""
    input: int | None = None
    """Samples whose documents are longer are left out; all that the mode can read where not given."""
    answer: int | None = None
    chunk: int | None = None
    notes: int | None = None
    thinking: int | None = None
    """Sizes that are not given are those of the prompt set, or suit the window; there is no thinking then."""

    @property
    def reads(self) -> Reads:
        """The same without the filter."""
        from longread.training.rollouts import Reads  # it loads torch, which stage files do without

        return Reads(**self.model_dump(exclude={"input"}))


class Lora(_Settings):
    """Low-rank adapters (peft) in place of all weights; they are merged into the model at the end."""

    rank: int = 16
    alpha: float = 32.0
    targets: str | list[str] = "all-linear"


class NegativeClip(_Settings):
    """Masks gradients of negative samples by entropy (recipe §3.3, for ablations)."""

    unit: Literal["token", "sequence"]
    side: Literal["high", "low"]
    threshold: float
    """Nats."""


class Select(_Settings):
    """Draws questions by how often the model that the stage begins with solves them."""

    draw: Literal["hard", "equal"] = "hard"
    """`hard`: without those solved always or never, the others by 1 - pass rate (recipe §4); `equal`: as many from
    every bin of every source (§3.1)."""
    k: int = Field(8, gt=0)
    """Attempts at each question."""
    keep: float = Field(0.5, gt=0, le=1)
    """Share of the questions that `hard` draws at most."""
    bins: list[float] = [0.0, 0.25, 0.5, 0.75, 1.0]
    """Upper bounds of pass rates for `equal`."""


class Cluster(_Settings):
    """Machines that a stage is for: it then runs in verl, not in one process."""

    nodes: int = Field(1, gt=0)
    gpus: int = Field(8, gt=0)
    """Of a node."""
    engine: Literal["vllm", "sglang"] = "vllm"
    """What draws replies."""
    tensor_parallel: int = Field(1, gt=0)
    """GPUs that hold one copy of the model while replies are drawn."""
    sequence_parallel: int = Field(1, gt=0)
    """GPUs that share the tokens of a conversation while it is learnt (Ulysses)."""
    offload: bool = False
    """Parameters, gradients and optimizer wait in the host's memory where they are not needed."""
    rollout_memory: float = Field(0.6, gt=0, lt=1)
    """Share of a GPU's memory that the engine takes while replies are drawn."""


class _Training(_Settings):
    model: str | None = None
    """Folder of the checkpoint to begin with; that of the stage before where not given."""
    data: str
    """Folder of a data set that `longread synth run` made."""
    split: str = "train"
    seed: int = 0
    sizes: Sizes = Sizes()
    steps: int = Field(gt=0)
    learning_rate: float = Field(2e-6, gt=0)
    optimizer: Literal["adamw", "muon"] = "adamw"
    """Muon learns small models from nothing faster; its matrices change as much a step as AdamW's would."""
    max_grad_norm: float = Field(1.0, gt=0)
    """Longer gradients are scaled down to it."""
    explodes: float = Field(1e4, gt=0)
    """A gradient norm above it stops the run."""
    pass_tokens: int = Field(16_384, gt=0)
    """Tokens of one forward and backward pass; gradients of several add up to a step."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """Of matrix products; auto takes bfloat16 on a GPU that has it. Weights are kept in float32."""
    lora: Lora | None = None
    save_every: int = Field(50, gt=0)
    """Steps between checkpoints."""


class Supervised(_Training):
    """A warm start: tokens of documents, or the replies of a reader that knows the evidence."""

    kind: Literal["supervised"]
    target: Literal["text", "evidence", "replies"] = "replies"
    """`text`: next tokens of the documents; `evidence`: of what in them is evidence alone, each piece as a reply;
    `replies`: what a reader says that knows the evidence."""
    batch: int = Field(32, gt=0)
    """Samples of a step."""
    learning_rate: float = Field(1e-3, gt=0)


class Reinforcement(_Training):
    """Reinforcement learning (GRPO) with the recipe's stabilisers."""

    kind: Literal["rl"] = "rl"
    questions: int = Field(128, gt=0)
    """Questions of a step."""
    attempts: int = Field(8, gt=0)
    """Trajectories of a question: a group."""
    temperature: float = Field(0.7, gt=0)
    top_p: float = Field(0.95, gt=0, le=1)
    select: Select | None = None
    """Draws the questions by difficulty before the stage begins; all of them where not given."""
    balanced: bool = True
    """As many questions of each task in each step; otherwise at random."""
    weights: dict[str, float] = {}
    """Of tasks, in place of equal ones."""
    advantage: Literal["group", "batch", "task"] = "task"
    """Whose standard deviation scales the advantage."""
    step_credit: float = Field(0.0, ge=0, le=1)
    """Share of an update's own gold facts in its advantage."""
    stray_cost: float = Field(0.0, ge=0)
    """Gold facts that a note beside the evidence takes from what its update gained."""
    aepo: tuple[float, float] | None = None
    """Bounds of the entropy, in nats; none leaves negatives on."""
    positives_only: bool = False
    """Negative samples are never learnt from."""
    negatives: NegativeClip | None = None
    updates: int = Field(1, gt=0)
    """Optimizer steps on one batch."""
    clip: tuple[float, float] | None = None
    """Bounds of the ratio below and above 1, for several updates."""
    judge: str | None = None
    """Model that compares answers which the rule rejects."""
    judge_url: str | None = None
    cache_tokens: int = Field(262_144, gt=0)
    """Tokens of keys and values held at once while replies are drawn."""
    cluster: Cluster | None = None
    """Runs the stage in verl; in this process where not given."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.aepo and not 0 <= self.aepo[0] < self.aepo[1]:
            raise ValueError("aepo must be two rising bounds")
        if self.aepo and self.positives_only:
            raise ValueError("aepo and positives_only exclude each other")
        if self.stray_cost and not self.step_credit:
            raise ValueError("stray_cost needs step_credit")
        if self.updates > 1 and self.clip is None:
            raise ValueError("several updates need clip")
        return self


class Merge(_Settings):
    """SCE of experts (recipe §4)."""

    kind: Literal["merge"]
    base: str
    """Folder of the model before training, or the name of an earlier stage."""
    experts: list[str] = Field(min_length=2)
    """Folders, or names of earlier stages."""
    select: float = Field(0.1, gt=0, le=1)
    """Share of entries that are selected."""


Stage = Annotated[Supervised | Reinforcement | Merge, Field(discriminator="kind")]
_READ: TypeAdapter[Supervised | Reinforcement | Merge] = TypeAdapter(Stage)


def read_stage(path: Path) -> Supervised | Reinforcement | Merge:
    """The stage that a file describes; paths in it are relative to its folder. UsageError says what is wrong."""
    try:
        data: dict[str, Any] = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not TOML: {error}") from error
    try:
        return _READ.validate_python({"kind": "rl", **data})
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"][1:]) or "kind"
        raise UsageError(f"{path}: {place}: {first['msg']}") from error
