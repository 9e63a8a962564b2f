"""What reading costs the client: time a chunk beyond a bare HTTP call, and peak memory.

    make bench            # or: python benchmarks/overhead.py --tokens 1M 4M 10M --concurrency 1 64

An instant server answers every request at once: on every 20th section with a note that quotes it, else with
NOTHING. A bare client sends requests of the same size to the same server in the same run, as many at once. Each
measurement is a process of its own, so that peak memory is its own. One call at a time reads in order, several read
in rounds.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

CHUNK = 5_000
WORDS = (
    "river stone market letter winter engine harbour council garden window paper bridge field song".split()
)


async def serve() -> None:
    """A server that replies at once; speaks just enough HTTP/1.1 and server-sent events."""
    requests = 0

    def event(delta: dict[str, str], finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        body = {
            "id": "x",
            "object": "chat.completion.chunk",
            "created": 0,
            "model": "instant",
            "choices": [choice],
        }
        return f"data: {json.dumps(body)}\n\n".encode()

    async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal requests
        while True:
            try:
                head = await reader.readuntil(b"\r\n\r\n")
            except (asyncio.IncompleteReadError, ConnectionError):
                break
            length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
            body = await reader.readexactly(int(length[1])) if length else b""
            if not head.startswith(b"POST /v1/chat"):
                writer.write(b"HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\n\r\n{}")
                continue
            prompt = json.loads(body)["messages"][-1]["content"]
            requests += 1
            text = "NOTHING"
            if "\nSECTION " not in prompt:
                text = "It is the harbour [n1]."
            elif requests % 20 == 0:
                quote = prompt.rsplit("\nSECTION ", 1)[1].split("\n")[4][:120]
                text = f'NOTE: a harbour is named in section {requests} | "{quote}"'
            usage = {
                "prompt_tokens": len(prompt) // 4,
                "completion_tokens": 9,
                "total_tokens": len(prompt) // 4 + 9,
            }
            closing = {"id": "x", "object": "chat.completion.chunk", "created": 0, "model": "instant",
                       "choices": [], "usage": usage}  # fmt: skip
            payload = b"".join(
                (
                    event({"role": "assistant", "content": text}),
                    event({}, "stop"),
                    f"data: {json.dumps(closing)}\n\ndata: [DONE]\n\n".encode(),
                )
            )
            writer.write(
                b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: %d\r\n\r\n"
                % len(payload)
            )
            writer.write(payload)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(connection, "127.0.0.1", 0, limit=2**24)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


def text(tokens: int) -> str:
    """`tokens` tokens (of 4 bytes) of lines of words."""
    rng = random.Random(0)
    page = "\n".join(" ".join(rng.choices(WORDS, k=12)) for _ in range(1000)) + "\n"
    pages, rest = divmod(4 * tokens, len(page))
    return "".join([page] * pages + [page[:rest]])  # never held twice, so that peak memory is the reader's


async def bare(url: str, calls: int, concurrency: int) -> dict[str, float]:
    """Requests of the same size through the HTTP library alone, so many at once."""
    import httpx2 as httpx

    body = {
        "model": "instant",
        "stream": True,
        "messages": [{"role": "user", "content": "\nSECTION 1 OF 9\n<<x\n\n" + text(CHUNK)}],
    }
    left = iter(range(calls))
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=concurrency)
    async with httpx.AsyncClient(trust_env=False, limits=limits) as client:

        async def send() -> None:
            for _ in left:
                (await client.post(f"{url}/chat/completions", json=body)).raise_for_status()

        start = time.perf_counter()
        await asyncio.gather(*(send() for _ in range(concurrency)))
        return {"ms_per_call": 1000 * (time.perf_counter() - start) / calls}


async def read(url: str, tokens: int, concurrency: int) -> dict[str, float]:
    """A whole run as the command line does it, journal included."""
    from longread import Corpus, Document, Journal, Reader
    from longread.reading.events import ChunkRead, Finished, Started

    with tempfile.TemporaryDirectory() as folder:
        journal = Journal(Path(folder))
        corpus = Corpus((Document("d", "d.txt", text(tokens)),))
        reader = Reader(
            "instant", base_url=url, strategy="sequential" if concurrency == 1 else "rounds", journal=journal,
            window=32_768, chunk_tokens=CHUNK, notes_tokens=2_000, concurrency=concurrency, early_exit=False,
        )  # fmt: skip
        begin, chunks, answered = 0.0, 0, False
        start = time.perf_counter()
        async for event in reader.read("Where do the letters lie?", corpus):
            if isinstance(event, Started):
                begin = time.perf_counter()
            if isinstance(event, ChunkRead):
                chunks += 1
            if isinstance(event, Finished):
                answered = event.answers[0].answered
        end = time.perf_counter()
        await reader.close()
        journal.close()
    return {
        "tokens": tokens,
        "concurrency": concurrency,
        "chunks": chunks,
        "answered": answered,
        "prepare_s": begin - start,
        "ms_per_chunk": 1000 * (end - begin) / chunks,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "text_mib": 4 * tokens / 2**20,
    }


def measure(*args: str) -> dict[str, float]:
    """One measurement in a process of its own."""
    done = subprocess.run([sys.executable, __file__, *args], stdout=subprocess.PIPE, check=True, text=True)
    return json.loads(done.stdout)


def main() -> None:
    """Runs all and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokens", nargs="+", default=["1M", "4M", "10M"])
    parser.add_argument("--concurrency", nargs="+", type=int, default=[1, 64])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--part", choices=["serve", "bare", "read"], help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    args = parser.parse_args()
    sizes = [
        int(float(t.upper().rstrip("MK")) * {"M": 1e6, "K": 1e3}.get(t.upper()[-1], 1)) for t in args.tokens
    ]
    if args.part == "serve":
        asyncio.run(serve())
    elif args.part == "bare":
        print(json.dumps(asyncio.run(bare(args.url, 800, args.concurrency[0]))))
    elif args.part == "read":
        print(json.dumps(asyncio.run(read(args.url, sizes[0], args.concurrency[0]))))
    else:
        with subprocess.Popen(
            [sys.executable, __file__, "--part", "serve"], stdout=subprocess.PIPE
        ) as server:
            assert server.stdout
            url = f"http://127.0.0.1:{int(server.stdout.readline())}/v1"
            try:
                for together in args.concurrency:
                    report(url, sizes, str(together), args.repeats)
            finally:
                server.kill()


def report(url: str, sizes: list[int], concurrency: str, repeats: int) -> None:
    """A table of reading with so many calls at once: medians, each reading with a bare client before and after it."""
    common = ("--url", url, "--concurrency", concurrency)
    bare = [measure("--part", "bare", *common)["ms_per_call"]]
    rows = []
    for _ in range(repeats):
        for size in sizes:
            row = measure("--part", "read", *common, "--tokens", str(size))
            bare.append(measure("--part", "bare", *common)["ms_per_call"])
            rows.append(row | {"floor": (bare[-2] + bare[-1]) / 2})
    print(f"{concurrency} at once, bare call: {median(bare):.2f} ms ({min(bare):.2f} to {max(bare):.2f})")
    print("tokens     chunks  prepare s  ms/chunk  overhead ms  share of bare            peak MiB  text MiB")
    for size in sizes:
        own = [row for row in rows if row["tokens"] == size]
        shares = [row["floor"] / row["ms_per_chunk"] for row in own]
        row = {name: median(one[name] for one in own) for name in own[0]}
        print(
            f"{size:>10,} {row['chunks']:>6,.0f} {row['prepare_s']:>9.2f} {row['ms_per_chunk']:>9.2f}"
            f" {row['ms_per_chunk'] - row['floor']:>12.2f} {median(shares):>13.0%} ({min(shares):.0%} to"
            f" {max(shares):.0%}) {row['peak_mib']:>9.0f} {row['text_mib']:>9.1f}"
        )


if __name__ == "__main__":
    main()
