"""Which of a server's models can chat, judged by what its model list says of them."""

from __future__ import annotations

import re
from typing import Any

_OTHER_KINDS = re.compile(
    r"embed|rerank|(^|[/_:.-])(bge|gte|e5|minilm|colbert|whisper|tts|asr|sdxl|flux|clip|siglip)([/_:.\d-]|$)|all-minilm"
    r"|stable-diffusion|dall-e|gpt-image|image-gen|transcri|speech|moderation|davinci-00|babbage-00",
    re.IGNORECASE,
)
_OTHER_TYPES = re.compile(
    r"embed|rerank|score|classif|whisper|transcri|speech|audio|image|diffusion", re.IGNORECASE
)


def can_chat(entry: dict[str, Any]) -> bool:
    """Whether an entry of a model list is a chat model: not one for embedding, ranking, speech or images."""
    kinds = [entry.get(name) for name in ("type", "task", "model_type")]
    if any(isinstance(kind, str) and _OTHER_TYPES.search(kind) for kind in kinds):
        return False
    capabilities = entry.get("capabilities")
    if (
        isinstance(capabilities, list)
        and capabilities
        and not {"completion", "chat"} & set(map(str, capabilities))
    ):
        return not any(_OTHER_TYPES.search(str(capability)) for capability in capabilities)
    architecture = entry.get("architecture")
    outputs = architecture.get("output_modalities") if isinstance(architecture, dict) else None
    if isinstance(outputs, list) and "text" not in outputs:
        return False
    return not _OTHER_KINDS.search(str(entry.get("id")))
