"""What clients send."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from longread.server.api.errors import Refusal

Name = Annotated[str, Field(max_length=400)]
Asked = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=20_000)]
Tokens = Annotated[int, Field(ge=1, le=1 << 31)]
Form = TypeVar("Form", bound=BaseModel)
FileId = Annotated[str, Field(max_length=64, pattern=r"^file-[0-9a-f]{32}$")]
RunId = Annotated[str, Field(max_length=64, pattern=r"^[0-9a-f]{1,64}$")]


class _Open(BaseModel):
    """Takes fields that are not known: they are another server's matter."""

    model_config = ConfigDict(extra="allow")


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Attached(_Open):
    """The `file` of a part: an upload, or a file within the request."""

    file_id: str | None = None
    filename: Name | None = None
    file_data: str | None = None
    """`data:MEDIA;base64,DATA`, or the Base64 alone."""


class Part(_Open):
    """A part of a message: text, file, or what only the model behind understands."""

    type: str
    text: str | None = None
    file: Attached | None = None


class ChatMessage(_Open):
    """One turn."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[Part] | None = None


class GivenDocument(_Closed):
    """A document within a request, or an upload."""

    text: str | None = None
    name: Name | None = None
    file_id: FileId | None = None


class Wishes(_Closed):
    """What only Longread understands."""

    fresh: bool = False
    """Read again although the answer is known."""
    follow: RunId | None = None
    """The run that the question follows up on."""
    agreed: bool = False
    """Whether much text may go to an endpoint that may cost money."""


class StreamOptions(_Open):
    """Of a stream."""

    include_usage: bool | None = None


class ChatRequest(_Open):
    """OpenAI's request for a chat completion, with documents."""

    model: Annotated[str, Field(max_length=400)]
    messages: Annotated[list[ChatMessage], Field(min_length=1)]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    n: Annotated[int, Field(ge=1, le=128)] | None = None
    max_tokens: Tokens | None = None
    max_completion_tokens: Tokens | None = None
    documents: list[str | GivenDocument] | None = None
    longread: Wishes | None = None


class EstimateRequest(_Closed):
    """What would it take?"""

    questions: Annotated[list[Asked], Field(min_length=1, max_length=20)]
    files: Annotated[list[FileId], Field(min_length=1, max_length=5_000)]
    follow: RunId | None = None


class RunRequest(EstimateRequest):
    """Read, and go on when nobody watches."""

    fresh: bool = False
    agreed: bool = False


class ResumeRequest(_Closed):
    """Go on with a run."""

    resume: RunId
    agreed: bool = False


def parse(form: type[Form], body: bytes) -> Form:
    """A request's body in that form. Refusal says what is wrong where."""
    try:
        return form.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the body"
        raise Refusal(400, f"{place}: {first['msg']}", "invalid_request") from None


def schema(form: type[BaseModel]) -> dict[str, Any]:
    """How a route describes the body that it takes."""
    content = {
        "application/json": {"schema": form.model_json_schema(ref_template="#/components/schemas/{model}")}
    }
    return {"requestBody": {"required": True, "content": content}}
