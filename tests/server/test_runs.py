"""Runs of a server: watched, stopped, resumed, killed, refused."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from threading import Event

import pytest

from longread.reading.journal import Journal
from tests.server.serving import SMALL, Serving, events
from tests.servers.model import ModelServer
from tests.support import planted
from tests.support.cli import Cli

WORLD = planted.plant(6_000, 3, seed=51)
COMPANY = WORLD.question.split("company ")[1].split()[0]
FOLLOW_UP = "In which city was the founder of that company born?"


class Model(ModelServer):
    """Reads what was planted; from the call of number `hold` on it waits until it is let go."""

    def __init__(self) -> None:
        super().__init__(planted.read)
        self.hold = 10**9
        self.held, self.go = Event(), Event()
        self.on_call = self._wait

    def _wait(self, number: int) -> None:
        if number >= self.hold:
            self.held.set()
            assert self.go.wait(60)


@pytest.fixture
def model() -> Iterator[Model]:
    with Model() as server:
        yield server
        server.go.set()


def start(cli: Cli, model: Model, *args: str, **env: str) -> Serving:
    return Serving(cli, "--model", "scripted", "--base-url", model.base_url, *args, **SMALL | env)


def test_all_that_happens_in_a_run_is_told_and_kept(cli: Cli, model: Model) -> None:
    with start(cli, model) as server:
        file = server.upload(WORLD.text)["id"]
        forecast = server.http.post(
            "/api/estimate", json={"questions": [WORLD.question], "files": [file]}
        ).json()
        told = server.events(server.begin([WORLD.question], [file]))
        names = [name for name, _ in told]
        assert names[:2] == ["queued", "started"]
        started, finished = dict(told)["started"], dict(told)["finished"]
        assert len(started["chunks"]) == forecast["chunks"] == names.count("chunk")
        assert {data["chunk"] for name, data in told if name == "begun"} == set(range(len(started["chunks"])))
        notes = [note for name, data in told if name == "chunk" for note in data["notes"]]
        assert {" ".join(note["quote"].split()) for note in notes} == set(WORLD.hops)
        assert all(WORLD.text[note["start"] : note["end"]] == note["quote"] for note in notes)
        (answer,) = finished["answers"]
        assert "".join(d["text"] for n, d in told if n == "text") == answer["answer"]
        assert server.events(server.begin([WORLD.question], [file]))[-1][1]["stored"]

        run = finished["run_id"]
        shown = server.http.get(f"/api/runs/{run}").json()
        assert [n for step in shown["steps"] for n in step["added"]] == notes
        assert shown["answers"][0]["answer"] == answer["answer"]
        assert shown["status"] == "done" and shown["answered"]
        cited = answer["citations"][0]
        where = {"document": cited["document"], "start": cited["start"], "end": cited["end"], "around": 20}
        passage = server.http.get(f"/api/runs/{run}/passage", params=where).json()
        assert passage["passage"] == cited["text"]
        assert passage["before"] + passage["passage"] + passage["after"] in WORLD.text
        assert len(passage["before"]) == len(passage["after"]) == 20
        assert passage["place"] == cited["place"]
        assert WORLD.answer in server.http.get(f"/api/runs/{run}/export").text
        assert server.http.get(f"/api/runs/{run}/export?format=json").json()["run_id"] == run
        server.http.delete(f"/v1/files/{file}")
        assert server.http.get(f"/api/runs/{run}/passage", params=where).status_code == 410
        assert server.http.delete(f"/api/runs/{run}").json() == {"deleted": True}
        assert server.http.get(f"/api/runs/{run}").status_code == 404


def test_a_run_is_stopped_and_goes_on(cli: Cli, model: Model) -> None:
    model.hold = 5
    with start(cli, model) as server:
        file = server.upload(WORLD.text)["id"]
        ticket = server.begin([WORLD.question], [file])
        assert model.held.wait(30)
        (run,) = server.http.get("/api/runs").json()["runs"]
        assert run["status"] == "running" and run["ticket"] == ticket
        assert server.http.delete(f"/v1/files/{file}").status_code == 409
        assert server.http.delete(f"/api/runs/{run['run_id']}").status_code == 409
        assert server.http.post(f"/api/live/{ticket}/stop", json={}).status_code == 200
        assert server.events(ticket)[-1] == (
            "failed",
            {
                "message": "it was stopped; what was read is kept",
                "run_id": run["run_id"],
                "status": "interrupted",
            },
        )
        model.hold = 10**9
        model.go.set()
        resumed = server.http.post("/api/runs", json={"resume": run["run_id"]}).json()["ticket"]
        told = dict(server.events(resumed))
        assert told["started"]["resumed"]
        assert WORLD.answer in told["finished"]["answers"][0]["answer"]
        (again,) = server.http.get("/api/runs").json()["runs"]
        assert again["status"] == "done" and again["run_id"] == run["run_id"]
        # A follow-up is answered from its notes.
        calls = model.calls
        told = dict(server.events(server.begin([FOLLOW_UP], [file], follow=run["run_id"])))
        assert told["started"]["follows"] == run["run_id"]
        assert COMPANY in told["understood"]["text"]
        assert model.calls - calls < 5


def test_who_watches_late_or_again_misses_nothing(cli: Cli, model: Model) -> None:
    with start(cli, model) as server:
        ticket = server.begin([WORLD.question], [server.upload(WORLD.text)["id"]])
        watched = events(server.http, f"/api/live/{ticket}")
        first = [next(watched) for _ in range(4)]
        watched.close()
        rest = server.events(ticket, after=4)  # a page's run goes on when nobody watches
        assert first + rest == server.events(ticket)
        assert rest[-1][0] == "finished"


def test_killed_in_the_middle_of_ten_runs_none_is_lost_or_doubled(cli: Cli, model: Model) -> None:
    worlds = [planted.plant(6_000, 3, seed=seed) for seed in range(60, 70)]
    model.hold = 15  # fewer than any run needs
    with start(cli, model, "--runs", "10") as server:
        files = [server.upload(world.text, f"{n}.txt")["id"] for n, world in enumerate(worlds)]
        for world, file in zip(worlds, files, strict=True):
            server.begin([world.question], [file])
        assert model.held.wait(60)
        while len(server.http.get("/api/runs").json()["runs"]) < len(worlds):
            pass
        server.kill()
    before = dict(model.replied)
    model.hold = 10**9
    model.go.set()
    with start(cli, model, "--runs", "10") as server:
        rows = server.http.get("/api/runs").json()["runs"]
        assert len(rows) == len(worlds)
        assert {row["status"] for row in rows} == {"killed"}
        for row in rows:
            ticket = server.http.post("/api/runs", json={"resume": row["run_id"]}).json()["ticket"]
            told = dict(server.events(ticket))["finished"]
            world = next(w for w in worlds if w.question == row["questions"][0])
            assert world.answer in told["answers"][0]["answer"]
        after = server.http.get("/api/runs").json()["runs"]
    assert {row["run_id"] for row in after} == {row["run_id"] for row in rows}
    assert {row["status"] for row in after} == {"done"}
    repeated = sum(model.replied[prompt] > count for prompt, count in before.items())
    assert repeated <= len(worlds)  # at most the calls that were in flight
    journal = Journal(cli.folder / ".state" / "serve" / "local")
    assert len(journal.list(100)) == len(worlds)
    journal.close()


def test_ended_in_the_middle_it_keeps_what_was_read(cli: Cli, model: Model) -> None:
    model.hold = 5
    with start(cli, model) as server:
        file = server.upload(WORLD.text)["id"]
        ticket = server.begin([WORLD.question], [file])
        assert model.held.wait(30)
        watched = events(server.http, f"/api/live/{ticket}")
        server.process.terminate()
        last = list(watched)[-1]
        assert last[0] == "failed" and last[1]["status"] == "interrupted"
        assert server.process.wait(30) in (0, -signal.SIGTERM)  # after it has put all in order
        assert not any("Traceback" in line for line in server.log)
    model.hold = 10**9
    model.go.set()
    with start(cli, model) as server:
        (row,) = server.http.get("/api/runs").json()["runs"]
        assert row["status"] == "interrupted"
        assert row["read"] >= 3


def test_more_than_it_can_do_is_refused_with_the_time_to_come_back(cli: Cli, model: Model) -> None:
    model.hold = 1
    with start(cli, model, "--runs", "1", "--queue", "1", "--key-runs", "3") as server:
        file = server.upload(WORLD.text)["id"]
        one = server.begin([WORLD.question], [file], fresh=True)
        assert model.held.wait(30)
        two = server.begin([WORLD.question], [file], fresh=True)
        assert server.events_until(two, "queued")["ahead"] == 0
        asked = {"questions": [WORLD.question], "files": [file], "fresh": True}
        refused = server.http.post("/api/runs", json=asked)
        assert refused.status_code == 429
        assert int(refused.headers["retry-after"]) > 0
        assert refused.json()["error"]["code"] == "queue_full"
        server.http.post(f"/api/live/{two}/stop", json={})
        assert server.events(two)[-1][1]["run_id"] is None
        model.go.set()
        assert server.events(one)[-1][0] == "finished"


def test_a_question_that_is_being_read_for_is_joined_however_it_came(cli: Cli, model: Model) -> None:
    model.hold = 5
    with start(cli, model) as server:
        file = server.upload(WORLD.text)["id"]
        fresh = server.begin([WORLD.question], [file], fresh=True)
        assert model.held.wait(30)
        run = server.events_until(fresh, "started")["run_id"]
        assert server.begin([WORLD.question], [file]) == fresh
        server.http.post(f"/api/live/{fresh}/stop", json={})
        assert server.events(fresh)[-1][1]["status"] == "interrupted"
        resumed = [server.http.post("/api/runs", json={"resume": run}).json()["ticket"] for _ in range(2)]
        assert server.begin([WORLD.question], [file]) == resumed[0] == resumed[1]
        assert server.http.delete(f"/api/runs/{run}").status_code == 409
        model.hold = 10**9
        model.go.set()
        assert server.events(resumed[0])[-1][0] == "finished"
        model.hold, model.go = model.calls + 1, Event()
        follow = [server.begin([FOLLOW_UP], [file], follow=run) for _ in range(2)]
        assert follow[0] == follow[1]
        model.go.set()
        assert server.events(follow[0])[-1][0] == "finished"
        said = server.http.get("/metrics").text
    assert 'longread_runs_total{how="finished"} 2.0' in said
    assert 'longread_runs_total{how="interrupted"} 1.0' in said
    assert 'how="failed"' not in said


def test_what_is_known_needs_no_place(cli: Cli, model: Model) -> None:
    with start(cli, model, "--runs", "1", "--queue", "0") as server:
        file, other = server.upload(WORLD.text)["id"], server.upload("Nothing of note.\n", "other.txt")["id"]
        assert server.events(server.begin([WORLD.question], [file]))[-1][0] == "finished"
        model.hold = model.calls + 1
        busy = server.begin([WORLD.question], [other])
        assert model.held.wait(30)
        refused = server.http.post("/api/runs", json={"questions": [FOLLOW_UP], "files": [file]})
        assert refused.status_code == 429
        assert server.events(server.begin([WORLD.question], [file]))[-1][1]["stored"]
        model.go.set()
        assert server.events(busy)[-1][0] == "finished"


def test_two_files_of_one_name_are_told_apart(cli: Cli) -> None:
    with Serving(cli, "--model", "extractive") as server:
        texts = [
            "The lease was signed by Anna Berg.\n",
            "The lease ends in May. The lease was signed in Oslo.\n",
        ]
        files = [server.upload(text, "lease.txt")["id"] for text in texts]
        finished = dict(server.events(server.begin(["Where and by whom was the lease signed?"], files)))[
            "finished"
        ]
        cited = finished["answers"][0]["citations"]
        assert {c["source"] for c in cited} == {"lease.txt", "lease.txt (2)"}
        for c in cited:
            where = {"document": c["document"], "start": c["start"], "end": c["end"]}
            shown = server.http.get(f"/api/runs/{finished['run_id']}/passage", params=where).json()
            assert shown["passage"] == c["text"]


def test_only_one_server_has_the_files_of_a_state_dir(cli: Cli) -> None:
    with Serving(cli, "--model", "extractive"):
        done = cli("serve", "--model", "extractive", "--port", "0")
    assert done.returncode == 2
    assert "another server" in done.stderr


def test_a_key_may_use_so_many_tokens_a_day(cli: Cli, model: Model) -> None:
    with start(cli, model, "--key-tokens", "3000") as server:
        file = server.upload(WORLD.text)["id"]
        told = dict(server.events(server.begin([WORLD.question], [file])))["finished"]
        assert told["answers"][0]["usage"]["input_tokens"] > 3_000
        asked = {"questions": ["Another?"], "files": [file]}
        refused = server.http.post("/api/runs", json=asked)
        assert refused.status_code == 429
        assert "3,000 tokens" in refused.json()["error"]["message"]
        run = told["answers"][0]["run_id"]
        assert server.http.delete(f"/api/runs/{run}").status_code == 200  # which gives nothing back
        assert server.http.post("/api/runs", json=asked).status_code == 429
        short = {"model": "longread", "messages": [{"role": "user", "content": "hello"}]}
        assert server.http.post("/v1/chat/completions", json=short).status_code == 429


def test_much_text_for_a_remote_endpoint_needs_consent(cli: Cli, model: Model) -> None:
    # A host that is not this machine, for which nothing needs to be asked: the window is given.
    remote = "http://192.0.2.1:9/v1"
    with Serving(
        cli, "--model", "scripted", "--base-url", remote, "--window", "8192", LONGREAD_RETRIES="0"
    ) as server:
        file = server.upload("It rained all day, and the clerk noted it. " * 30_000)["id"]
        asked = {"questions": ["What did it do?"], "files": [file]}
        refused = server.http.post("/api/runs", json=asked)
        assert refused.status_code == 403
        assert refused.json()["error"]["code"] == "consent_required"
        assert "192.0.2.1:9" in refused.json()["error"]["message"]
        assert "192.0.2.1:9" in server.http.post("/api/estimate", json=asked).json()["consent"]


def test_what_cannot_be_read_is_said(cli: Cli) -> None:
    with Serving(cli, "--model", "extractive") as server:
        made = server.http.post("/v1/files", files={"file": ("a.pdf", b"%PDF-1.4 broken")})
        assert made.status_code == 400
        assert "a.pdf" in made.json()["error"]["message"]
        gone = {"questions": ["What?"], "files": ["file-" + "0" * 32]}
        assert server.http.post("/api/runs", json=gone).status_code == 404
        for body in (
            {"questions": [], "files": []},
            {"questions": ["?"], "files": ["../x"]},
            {"resume": "x"},
        ):
            assert server.http.post("/api/runs", json=body).status_code == 400
        assert server.http.post("/api/runs", json={"resume": "0" * 12}).status_code == 404


def test_a_port_that_is_taken_is_named(cli: Cli) -> None:
    with Serving(cli, "--model", "extractive") as server:
        port = server.url.rpartition(":")[2]
        done = cli("serve", "--model", "extractive", "--port", port)
        assert done.returncode == 2
        assert f"--port {port}" in done.stderr
