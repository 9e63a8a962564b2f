"""What a chat model is: messages in, a reply out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, Protocol

from longread.types import Usage

PROMPTS = "prompts.toml"
"""The prompt set that a checkpoint was trained with, in its folder."""


class Text(NamedTuple):
    """A text part of a message."""

    text: str


Part = Text  # images join this union

Role = Literal["system", "user", "assistant"]


class Message(NamedTuple):
    """One turn of a conversation."""

    role: Role
    content: tuple[Part, ...]

    @classmethod
    def of(cls, role: Role, text: str) -> Message:
        """A message with a single text part."""
        return cls(role, (Text(text),))

    @property
    def text(self) -> str:
        """All text parts joined."""
        return "".join(part.text for part in self.content)


class Sampling(NamedTuple):
    """How a reply is drawn. None leaves a value to the server."""

    max_tokens: int
    """Hard limit on generated tokens, thinking included."""
    temperature: float | None = 0.7
    top_p: float | None = 0.95
    seed: int | None = None
    schema: dict[str, Any] | None = None
    """JSON schema the reply must follow, for models with `structured`."""


class Delta(NamedTuple):
    """A piece of a reply as it streams."""

    text: str = ""
    thinking: str = ""
    restart: bool = False
    """The reply begins again after a fault: what was received so far does not count."""


OnDelta = Callable[[Delta], None]


@dataclass(frozen=True)
class Reply:
    """What the model said. Thinking is kept apart: it never enters notes or answers."""

    text: str
    thinking: str = ""
    finish: Literal["stop", "length"] = "stop"
    """`length` when the reply was cut off at `max_tokens`."""
    usage: Usage = field(default_factory=lambda: Usage(1, None, None, None, None))
    token_ids: tuple[int, ...] | None = None
    """Generated ids, thinking included, when the model gives them."""
    prompt_ids: tuple[int, ...] | None = None
    logprobs: tuple[float, ...] | None = None
    """Log-probability of each of `token_ids`, nats."""


class ChatModel(Protocol):
    """Anything that answers messages."""

    @property
    def name(self) -> str:
        """What the user calls it."""
        ...

    @property
    def window(self) -> int | None:
        """Tokens that prompt and reply may take together; None when unknown."""
        ...

    @property
    def structured(self) -> bool:
        """Whether `Sampling.schema` is honoured."""
        ...

    @property
    def ratio(self) -> float | None:
        """Tokens for each four bytes of UTF-8 where `count` estimates; None where it is exact."""
        ...

    def count(self, text: str) -> int:
        """Tokens in `text`, exactly or as an estimate that errs on the high side."""
        ...

    async def calibrate(self, samples: Sequence[str]) -> bool:
        """Corrects the estimate by the server's tokenizer; False where there is none, or nothing to correct.

        Args:
            samples: Pieces of the text to be read, a few thousand characters each.
        """
        ...

    async def chat(
        self, messages: tuple[Message, ...], sampling: Sampling, on_delta: OnDelta | None = None
    ) -> Reply:
        """One reply. Retries what can pass; raises ModelError when no reply can be had.

        An empty or cut-off reply is returned as it is: what it means is the caller's matter.
        `on_delta` receives the pieces as they come, and `Delta(restart=True)` before a retry that follows some.
        """
        ...

    async def close(self) -> None:
        """Releases connections and memory."""
        ...
