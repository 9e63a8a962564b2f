"""Questions of two and three hops over a million tokens, through HTTP, by a reader that sees only its prompts."""

from __future__ import annotations

import pytest

from longread import Corpus, Reader
from tests.servers.model import ModelServer
from tests.support import planted


@pytest.fixture(scope="module")
def server():
    with ModelServer(planted.read) as server:
        yield server


async def ask(server: ModelServer, world: planted.World, without: int | None = None):
    reader = Reader(
        "scripted", base_url=server.base_url, strategy="sequential", window=32_768, chunk_tokens=5_000
    )
    try:
        return await reader.aask(world.question, Corpus((world.document(without),)))
    finally:
        await reader.close()


@pytest.mark.parametrize("hops", [2, pytest.param(3, marks=pytest.mark.slow)])
async def test_chains_among_decoys_are_found_and_each_hop_is_needed(server: ModelServer, hops: int) -> None:
    world = planted.plant(1_000_000, hops, seed=hops, decoys=3_000)
    answer = await ask(server, world)
    assert answer.text.startswith(world.answer)
    assert answer.chunks.read == answer.chunks.total >= 200
    document = world.document()
    for citation, hop in zip(answer.citations, world.hops, strict=True):
        assert citation.text == document.text[citation.start : citation.end] == hop
        assert citation.start == document.text.index(hop)
    for hop in range(hops):
        missing = await ask(server, world, without=hop)
        assert not missing.answered
        assert missing.citations == ()
