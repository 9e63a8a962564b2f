"""What an answer earns: graders by task, the rule first and the judge only where it fails."""

from __future__ import annotations

from longread.config import load_settings
from longread.errors import ModelError
from longread.grading import Gold, grade
from longread.grading.answer import STRIPPED
from longread.grading.graders import HEDGE
from longread.grading.judge import equivalence_prompt, verdict
from longread.grading.size import tokens
from longread.models.base import ChatModel, Message, Sampling
from longread.models.discover import connect_all, inspect_servers, open_model
from longread.project import in_process
from longread.types import Sample

_JUDGE_TOKENS = 2_048


async def reward(sample: Sample, response: str, judge: ChatModel | None = None) -> float:
    """The reward of a response, in [0, 1] (recipe §2): dense for MRCR, 0 or 1 elsewhere.

    An answer more than 20 tokens longer than its gold earns nothing, since it could list every candidate; a response
    that does not say which part of it is the answer is taken whole. A judge is asked only where the rule rejects an
    answer; ModelError when it gives no verdict.
    """
    gold = Gold((sample.answer, *sample.aliases))
    graded = grade(sample.grader, response, gold)
    if sample.grader == "mrcr":
        return graded.strict
    if graded.answer is None:
        bare = response.strip(STRIPPED + "()")
        said = f"The correct answer is ({bare})" if sample.grader == "choice" else f"the answer is {bare}"
        graded = grade(sample.grader, said, gold)
    if not graded.answer or tokens(graded.answer) > max(map(tokens, gold.answers)) + HEDGE:
        return 0.0
    if graded.strict or judge is None:
        return graded.strict
    prompt = equivalence_prompt(sample.question, sample.answer, graded.answer)
    reply = await judge.chat((Message.of("user", prompt),), Sampling(_JUDGE_TOKENS, temperature=0.0))
    same = verdict(reply.text)
    if same is None:
        raise ModelError(f"the judge {judge.name} gave no verdict; try another model")
    return float(same)


async def open_judge(name: str, url: str | None) -> ChatModel:
    """The model that compares answers, at the address or else at the servers of the settings."""
    settings = load_settings({"base_url": url} if url else {})
    servers = settings.servers if url or name == settings.model else settings.unaliased().servers
    if in_process(name) or not servers:
        return await open_model(name)
    return connect_all(*await inspect_servers(servers, name), servers)
