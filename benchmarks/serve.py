"""What `longread serve` adds to a short request, and whether it loses anything under load.

    make bench-serve      # or: python benchmarks/serve.py --tokens 200000

An instant model server (that of overhead.py) is asked straight and through Longread, in turn, in one run. Clients
that ask again at once measure how many requests a second pass; clients that pause between requests, as people and
programs do, measure what is added to the time of one. Then 200 clients stream short replies while 20 documents are
read.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

from overhead import text

ASKED = json.dumps(
    {"model": "instant", "stream": True, "messages": [{"role": "user", "content": "Where is it?"}]}
)
REPLY = "It is the harbour [n1]."


async def ask(url: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> float:
    """One streamed reply over a connection that is open; the seconds it took. Raises where it is not whole."""
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: {urlsplit(url).netloc}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(ASKED)}\r\n\r\n{ASKED}"
    )
    start = time.perf_counter()
    writer.write(head.encode())
    top = await reader.readuntil(b"\r\n\r\n")
    if b" 200 " not in top.split(b"\r\n")[0]:
        raise RuntimeError(top.decode())
    if length := re.search(rb"content-length: (\d+)", top, re.IGNORECASE):
        body = await reader.readexactly(int(length[1]))
    else:
        body = b""
        while size := int(await reader.readuntil(b"\r\n"), 16):
            body += await reader.readexactly(size)
            await reader.readexactly(2)
        await reader.readexactly(2)
    seconds = time.perf_counter() - start
    if REPLY.encode() not in body or b"[DONE]" not in body:
        raise RuntimeError(f"not a whole reply: {body!r}")
    return seconds


async def clients(url: str, count: int, requests: int, pause: float) -> tuple[list[float], float]:
    """Seconds of all requests of so many clients, and how many were answered a second."""
    parts = urlsplit(url)

    async def client(seed: int) -> list[float]:
        rng = random.Random(seed)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        taken = []
        for _ in range(requests):
            if pause:
                await asyncio.sleep(rng.uniform(0, 2 * pause))
            taken.append(await ask(url, reader, writer))
        writer.close()
        return taken

    start = time.perf_counter()
    made = await asyncio.gather(*(client(seed) for seed in range(count)))
    taken = [one for own in made for one in own]
    return taken, len(taken) / (time.perf_counter() - start)


def share(values: list[float], part: float) -> float:
    """The value that so many of all are below."""
    return sorted(values)[min(len(values) - 1, int(part * len(values)))]


async def compare(straight: str, through: str, pause: float, requests: int, rounds: int) -> None:
    """Prints what is added at 50 clients: medians of rounds, in which both are asked in turn."""
    rows = []
    for _ in range(rounds):
        one, other = [await clients(url, 50, requests, pause) for url in (straight, through)]
        rows.append((one, other))
    kind = f"pausing {1000 * pause:.0f} ms on average" if pause else "asking again at once"
    print(
        f"50 clients, {kind}, {50 * requests:,} requests a round, {rounds} rounds (median, lowest to highest)"
    )
    for part in (0.5, 0.99):
        added = [1000 * (share(b[0], part) - share(a[0], part)) for a, b in rows]
        own = [1000 * share(a[0], part) for a, _ in rows]
        print(
            f"  p{100 * part:.0f}: straight {median(own):.2f} ms, added {median(added):.2f} ms"
            f" ({min(added):.2f} to {max(added):.2f})"
        )
    own, rate = (median(pair[side][1] for pair in rows) for side in (0, 1))
    print(f"  requests a second: straight {own:,.0f}, through {rate:,.0f}")


def resident(pid: int) -> float:
    """MiB of memory that a process has had at most."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024


async def load(through: str, pid: int, tokens: int) -> None:
    """200 streams, again and again, while 20 documents are read; then whether anything was lost."""
    import httpx2 as httpx

    before = resident(pid)
    async with httpx.AsyncClient(
        base_url=through, headers={"X-Longread": "1"}, timeout=600, trust_env=False
    ) as http:

        async def run(number: int) -> int:
            document = f"Document {number}.\n{text(tokens)}".encode()
            made = await http.post("/v1/files", files={"file": (f"{number}.txt", document)})
            asked = {
                "questions": ["Where do the letters lie?"],
                "files": [made.raise_for_status().json()["id"]],
            }
            ticket = (await http.post("/api/runs", json=asked)).raise_for_status().json()["ticket"]
            chunks = 0
            async with http.stream("GET", f"/api/live/{ticket}") as events:
                async for line in events.aiter_lines():
                    chunks += line == "event: chunk"
                    if line.startswith("event: f"):
                        assert line == "event: finished", line
            return chunks

        start = time.perf_counter()
        reading = asyncio.gather(*(run(number) for number in range(20)))
        taken = []
        while not reading.done():
            taken += (await clients(through, 200, 1, 0))[0]
        chunks = await reading
        seconds = time.perf_counter() - start
        listed = (await http.get("/api/runs?limit=500")).json()["runs"]
    done = sum(row["status"] == "done" for row in listed)
    print(
        f"200 streams at once beside 20 runs over {tokens:,} tokens each: {len(taken):,} replies, all whole, p50"
        f" {1000 * share(taken, 0.5):.0f} ms, p99 {1000 * share(taken, 0.99):.0f} ms; {done} of 20 runs done,"
        f" {sum(chunks):,} chunks, {seconds:.1f} s; peak memory {resident(pid):.0f} MiB ({before:.0f} before)"
    )
    assert done == 20


def main() -> None:
    """Starts both servers, measures, prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokens", type=int, default=200_000, help="Of each document.")
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    here = Path(__file__).parent
    model = subprocess.Popen(
        [sys.executable, here / "overhead.py", "--part", "serve"], stdout=subprocess.PIPE
    )
    with model, tempfile.TemporaryDirectory() as folder:
        assert model.stdout
        straight = f"http://127.0.0.1:{int(model.stdout.readline())}"
        command = [
            sys.executable, "-m", "longread", "serve", "--model", "instant", "--base-url", f"{straight}/v1",
            "--port", "0", "--window", "32768", "--set", "chunk_tokens=5000", "--set", "notes_tokens=2000",
            "--key-runs", "100",
        ]  # fmt: skip
        env = os.environ | {"LONGREAD_STATE_DIR": folder, "LONGREAD_CONFIG": f"{folder}/none"}
        server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=env)
        with server:
            assert server.stderr
            found = next(m for line in server.stderr if (m := re.search(r"serving at (http://\S+?)/ ", line)))
            through = found[1]
            try:
                asyncio.run(compare(straight, through, 0.5, 8, args.rounds))
                asyncio.run(compare(straight, through, 0.0, 20, args.rounds))
                asyncio.run(load(through, server.pid, args.tokens))
            finally:
                server.kill()
                model.kill()


if __name__ == "__main__":
    main()
