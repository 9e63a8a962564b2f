"""verl on a machine without a GPU: one process that learns over gloo, one that draws replies with our generator.

Loaded in each of verl's processes by `VERL_USE_EXTERNAL_MODULES`, like the package's own parts. The engine goes by
the name of vLLM, since stages know no other.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import ray
import torch
from verl.plugin.platform import PlatformRegistry, set_platform
from verl.plugin.platform.platform_cuda import PlatformCUDA
from verl.workers.rollout import base
from verl.workers.rollout.replica import RolloutReplica, RolloutReplicaRegistry, TokenOutput

from longread.training import rollouts, weighing
from longread.training.records import Trajectory

RECORD = "CANARY_RECORD"
"""Names the file that gets a line for each batch: its trajectories and the weights of their tokens."""
SERVER = "drawing"


class _Device:
    """Stands for `torch.cuda`: nothing to wait for, nothing held."""

    def is_available(self) -> bool:
        return False

    def get_device_name(self) -> str:
        return "CPU"

    def mem_get_info(self) -> tuple[int, int]:
        return 0, 0

    def __getattr__(self, name: str) -> Any:
        return lambda *args, **how: 0


@PlatformRegistry.register(platform="cpu")
class Cpu(PlatformCUDA):
    device_name = "cpu"
    vendor_name = "none"

    @property
    def device_module(self) -> Any:
        return _Device()

    def is_platform_available(self, use_smi_check: bool = False) -> bool:
        return True

    def current_device(self) -> Any:
        return torch.device("cpu")

    def communication_backend_name(self) -> str:
        return "gloo"

    def set_allocator_settings(self, settings: str) -> None:
        pass

    def is_ipc_supported(self) -> bool:
        return False

    @contextmanager
    def nvtx_range(self, msg: str) -> Any:
        yield


set_platform(Cpu())
os.environ["VERL_ENGINE_DEVICE"] = "cuda"  # FSDP's engine is registered for it, and runs here too

_group = torch.distributed.init_process_group


def _gloo(backend: str | None = None, **how: Any) -> None:
    _group("gloo", **how)  # verl asks for one of the CPU and one of the device, which here is the CPU


torch.distributed.init_process_group = _gloo


@ray.remote(num_cpus=1)
class Drawer:
    """Holds the weights last sent, and draws replies one by one."""

    def __init__(self, folder: str) -> None:
        from longread.models.local import load_checkpoint
        from longread.training.network import Network

        torch.set_num_threads(1)
        _, model = load_checkpoint(Path(folder))
        self._network = Network(model.float().eval())
        self._random = torch.Generator().manual_seed(0)
        self._version = -1

    def load(self, weights: dict[str, torch.Tensor], version: int) -> None:
        self._network.model.load_state_dict(weights, strict=False)
        self._version = version

    async def generate(
        self, request_id: str, prompt_ids: list[int], sampling_params: dict[str, Any], **how: Any
    ) -> TokenOutput:
        from longread.training.generation import Drawing, Request, generate

        assert self._version >= 0, "asked before weights came"
        drawing = Drawing(
            sampling_params["temperature"],
            sampling_params["top_p"],
            sampling_params["stop_token_ids"],
            self._random,
        )
        request = Request(tuple(prompt_ids), sampling_params["max_tokens"])
        ((said, _),) = generate(self._network, [request], drawing, 1 << 16)
        return TokenOutput(
            token_ids=list(said.reply),
            log_probs=list(said.logprobs),
            extra_fields={"global_steps": self._version},
        )


class Replica(RolloutReplica):
    async def launch_servers(self) -> None:
        self._server_address = SERVER
        self._server_handle = Drawer.options(name=SERVER).remote(self.model_config.path)

    async def sleep(self) -> None:
        pass


class Adapter(base.BaseRollout):
    async def resume(self, tags: list[str]) -> None:
        pass

    async def release(self) -> None:
        pass

    async def update_weights(self, weights: Any, global_steps: int = 0, **how: Any) -> None:
        await ray.get_actor(SERVER).load.remote(dict(weights), global_steps or 0)


RolloutReplicaRegistry.register("vllm", lambda: Replica)
base._ROLLOUT_REGISTRY["vllm", "async"] = f"{__name__}.Adapter"


async def _parity(sample: Any, trajectory: Trajectory, judge: Any = None) -> Trajectory:
    """Rewards that an untrained model can earn."""
    return replace(trajectory, reward=float(sum(trajectory.conversations[-1].reply) % 2))


rollouts.rewarded = _parity  # before the agent loop takes it


class _Recording(weighing.Weigher):
    def weigh(self, trajectories: Sequence[Trajectory]) -> weighing.Weighed:
        made = super().weigh(trajectories)
        if RECORD in os.environ:
            parts = [[part.trajectory, part.conversation, part.weights.tolist()] for part in made.parts]
            batch = {"trajectories": [asdict(one) for one in trajectories], "parts": parts}
            with Path(os.environ[RECORD]).open("a") as file:
                file.write(json.dumps(batch) + "\n")
        return made


weighing.Weigher = _Recording  # before the trainer takes it
