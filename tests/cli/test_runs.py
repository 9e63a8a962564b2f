"""Follow-ups, and what `longread runs` can do with what was kept."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import time

import pytest

from longread.reading.export import _plain
from tests.servers.model import ModelServer
from tests.support import planted
from tests.support.cli import Cli

WORLD = planted.plant(6_000, 3, seed=51)
COMPANY = WORLD.question.split("company ")[1].split()[0]
FIRST = f"In which city was the founder of the company {COMPANY} born?"
SMALL = ("--chunk-tokens", "500", "--window", "8192", "--strategy", "sequential")


@pytest.fixture
def server():
    with ModelServer(planted.read) as server:
        yield server


@pytest.fixture
def world(cli: Cli) -> Cli:
    (cli.folder / "world.txt").write_text(WORLD.text)
    return cli


def ask(world: Cli, server: ModelServer, question: str = FIRST, *more: str) -> dict:
    done = world(
        "ask", question, "world.txt", "--model", "scripted", "--base-url", server.base_url, *SMALL, "--json", *more
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    data: dict = json.loads(done.stdout)
    return data


def test_a_follow_up_is_answered_from_the_notes(world: Cli, server: ModelServer) -> None:
    first = ask(world, server)
    calls = server.calls
    done = world("ask", "--continue", "Who founded that company?", "--json")
    assert done.returncode == 0, done.stderr
    data = json.loads(done.stdout)
    assert f"understood as: Who founded the company {COMPANY}?" in done.stderr
    assert data["answer"].endswith("[1]") and data["citations"][0]["text"] == WORLD.hops[0]
    assert (data["strategy"], data["chunks"]["read"]) == ("notes", 0)
    assert server.calls == calls + 2  # one to understand, one to answer
    assert data["run_id"] != first["run_id"]
    assert f"follows   {first['run_id']}" in world("runs", "show", data["run_id"]).stdout


def test_a_follow_up_reads_the_text_again_when_the_notes_do_not_suffice(
    world: Cli, server: ModelServer
) -> None:
    other = planted.plant(3_000, 1, seed=52)
    (world.folder / "world.txt").write_text(f"{WORLD.text}\n{other.text}")
    first = ask(world, server)
    done = world("ask", "-c", other.question, "--json")
    assert done.returncode == 0, done.stderr
    data = json.loads(done.stdout)
    assert data["answer"].startswith(other.answer)
    assert data["citations"][0]["text"] == other.hops[0]
    assert data["strategy"] == "sequential"
    assert data["chunks"]["read"] == data["chunks"]["total"] == first["chunks"]["total"]


def test_a_second_follow_up_still_has_the_notes_of_the_first_run(world: Cli, server: ModelServer) -> None:
    ask(world, server, WORLD.question)
    world("ask", "-c", "Who founded that company?")
    done = world("ask", "-c", WORLD.question.replace(f"the company {COMPANY}", "that company"), "--json")
    data = json.loads(done.stdout)
    assert data["answer"].startswith(WORLD.answer)
    assert data["chunks"]["read"] == 0
    assert [c["text"] for c in data["citations"]] == list(WORLD.hops)


def test_notes_of_a_file_that_changed_are_not_used(world: Cli, server: ModelServer) -> None:
    ask(world, server)
    (world.folder / "world.txt").write_text(WORLD.text.replace(WORLD.hops[0], ""))
    done = world("ask", "-c", "Who founded that company?", "--json")
    assert done.returncode == 3, done.stdout


def test_a_follow_up_without_a_model_reads_again(cli: Cli) -> None:
    (cli.folder / "a.txt").write_text("Acme was founded by Jane Roe.\nJane Roe was born in Turin.\n")
    assert cli("ask", "Who founded Acme?", "a.txt").returncode == 0
    done = cli("ask", "-c", "In which city was Jane Roe born?")
    assert "Turin" in done.stdout


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["ask", "-c", "And then?"], "no run yet"),
        (["ask", "-c", "And then?", "world.txt"], "leave out world.txt"),
        (["ask", "-c"], "nothing is asked"),
        (["ask", "--questions", "none.txt", "world.txt"], "none.txt"),
        (["ask", "--question", "Why?"], "nothing to read"),
        (["ask", "--question", " ", "world.txt"], "empty"),
        (["runs", "delete"], "which runs"),
        (["runs", "delete", "abc"], "no run with an id"),
        (["runs", "export", "abc", "--format", "pdf"], "markdown or json"),
    ],
)
def test_a_mistake_is_one_clear_line(world: Cli, args: list[str], says: str) -> None:
    done = world(*args)
    assert done.returncode == 2
    (line,) = done.stderr.strip().splitlines()
    assert says in line


def test_several_questions_are_a_list(world: Cli, server: ModelServer) -> None:
    (world.folder / "asked.txt").write_text(f"# two questions\n{FIRST}\n\n{WORLD.question}\n")
    args = ("world.txt", "--model", "scripted", "--base-url", server.base_url, *SMALL)
    done = world("ask", "--questions", "asked.txt", *args, "--json")
    assert done.returncode == 0, done.stderr
    first, second = json.loads(done.stdout)
    assert (first["question"], second["question"]) == (FIRST, WORLD.question)
    assert second["answer"].startswith(WORLD.answer)
    assert first["usage"] == second["usage"] and first["chunks"] == second["chunks"]
    assert first["run_id"] == second["run_id"]

    shown = world("ask", "--question", FIRST, "--question", WORLD.question, *args).stdout
    assert f"1. {FIRST}" in shown and f"2. {WORLD.question}" in shown and WORLD.hops[2] in shown
    listed = world("runs").stdout
    assert len(listed.splitlines()) == 1 and listed.rstrip().endswith("and 1 more")


def test_one_unanswered_question_of_several_is_exit_code_3(world: Cli, server: ModelServer) -> None:
    args = ("world.txt", "--model", "scripted", "--base-url", server.base_url, *SMALL)
    done = world(
        "ask", "--question", FIRST, "--question", "Who founded the company Nowhere?", *args, "--json"
    )
    assert done.returncode == 3
    assert [one["answered"] for one in json.loads(done.stdout)] == [True, False]


def test_calls_are_shown_as_the_server_got_them(world: Cli, server: ModelServer) -> None:
    run = ask(world, server)["run_id"]
    shown = world("runs", "show", run, "--calls").stdout
    assert all(prompt in shown for prompt in server.received)
    assert shown.count("── reply") == server.calls
    assert f'| "{WORLD.hops[0]}"' in shown
    (world.folder / "world.txt").write_text("something else")
    changed = world("runs", "show", run, "--calls")
    assert changed.returncode == 2
    assert "have changed" in changed.stderr.strip().splitlines()[-1]


def test_calls_of_an_unfinished_run_are_shown_as_far_as_they_went(world: Cli, server: ModelServer) -> None:
    stopped = world(
        "ask", FIRST, "world.txt", "--model", "scripted", "--base-url", server.base_url, *SMALL, "--max-calls", "4"
    )  # fmt: skip
    assert stopped.returncode == 4
    run = stopped.stderr.split("runs resume ")[1].split()[0]
    assert world("runs", "show", run, "--calls").stdout.count("── reply") == 4


def test_a_run_is_exported_for_people_and_for_programs(world: Cli, server: ModelServer) -> None:
    evil = "Evil *bold* <img src=x> [link](javascript:x) ``` end\x1b[2J"
    (world.folder / evil.split()[0]).write_text("nothing")
    run = ask(world, server)["run_id"]
    page = world("runs", "export", run).stdout
    assert page.startswith(f"# {FIRST}") and WORLD.hops[0] in page and "world.txt" in page
    record = json.loads(world("runs", "export", run, "--format", "json").stdout)
    assert record["answers"][0]["answer"].startswith(record["notes"][1]["claim"].split()[-1])
    assert [note["quote"] for note in record["notes"]][:2] == list(WORLD.hops[:2])
    assert (
        record["questions"] == [FIRST] and record["status"] == "done" and record["documents"] == ["world.txt"]
    )
    assert "api_key" not in json.dumps(record)


def test_what_documents_say_has_no_effect_in_an_exported_page(cli: Cli) -> None:
    (cli.folder / "a.txt").write_text("Acme was founded by <script>x</script> *Roe* ```` `` [a](b).\n")
    more = "Acme was founded by www.evil.example & http://evil.example\n"
    (cli.folder / "b.txt").write_text(more)
    assert cli("ask", "Who founded Acme?", "a.txt", "b.txt").returncode == 0
    page = cli("runs", "export", cli("runs").stdout[:6]).stdout
    assert "\\<script\\>" in page and "\\*Roe\\*" in page
    assert "`````text\nAcme was founded by <script>" in page
    assert "www\\.evil.example \\& http\\://evil" in page
    lines = _plain("Total\n---\n- item\n    code\n1. one\n===", lines=True).splitlines()
    assert [line.strip() for line in lines] == ["Total", "\\---", "\\- item", "code", "1\\. one", "\\==="]


def test_an_empty_id_names_no_run(world: Cli, server: ModelServer) -> None:
    ask(world, server)
    for command in ("delete", "show", "resume", "export"):
        done = world("runs", command, "")
        assert done.returncode == 2 and "no run" in done.stderr
    assert len(world("runs").stdout.splitlines()) == 1


def test_a_follow_up_may_be_strict(cli: Cli) -> None:
    (cli.folder / "a.txt").write_text("Acme was founded by Jane Roe.\n")
    (cli.folder / "b.pdf").write_bytes(b"%PDF-1.7 and no more")
    assert cli("ask", "Who founded Acme?", ".").returncode == 0
    done = cli("ask", "-c", "Who founded Acme?", "--strict")
    assert done.returncode == 1 and "b.pdf" in done.stderr


def test_a_folder_that_is_gone_is_one_line(cli: Cli) -> None:
    script = 'mkdir gone; cd gone; rmdir ../gone; exec "$0" -m longread ask "Who?" x --model extractive'
    done = subprocess.run(
        ["sh", "-c", script, sys.executable], cwd=cli.folder, env=cli.env, capture_output=True, text=True
    )
    assert done.returncode == 2 and done.stderr.count("\n") == 1, done.stderr


def test_deleted_runs_leave_nothing_behind(world: Cli, server: ModelServer) -> None:
    run = ask(world, server, FIRST)["run_id"]
    other = ask(world, server, WORLD.question)["run_id"]
    assert world("runs", "delete", run[:6]).returncode == 0
    assert [line.split()[0] for line in world("runs").stdout.splitlines()] == [other]
    assert world("runs", "delete", "--all").returncode == 0
    assert world("runs").stdout == ""
    state = world.folder / ".state"
    for path in (path for path in state.rglob("*") if path.is_file()):
        content = path.read_bytes()
        assert COMPANY.encode() not in content and WORLD.hops[0].encode() not in content, path
    assert not list((state / "locks").glob("*"))


@pytest.mark.slow
def test_old_runs_are_deleted_by_age_and_number(world: Cli, server: ModelServer) -> None:
    runs = [ask(world, server, FIRST, "--fresh")["run_id"] for _ in range(3)]
    with sqlite3.connect(world.folder / ".state" / "journal.db") as db:
        db.execute("UPDATE runs SET updated = ? WHERE id = ?", (time.time() - 40 * 86_400, runs[0]))
    ask(world, server, FIRST, "--fresh", "--set", "keep_days=30")
    listed = [line.split()[0] for line in world("runs").stdout.splitlines()]
    assert len(listed) == 3 and runs[0] not in listed
    ask(world, server, FIRST, "--fresh", "--set", "keep_runs=2")
    assert len(world("runs").stdout.splitlines()) == 2
    assert world("runs", "delete", "--older-than", "1").returncode == 0
    assert len(world("runs").stdout.splitlines()) == 2


def test_a_run_at_work_is_not_deleted(world: Cli, server: ModelServer) -> None:
    tried = []

    def at(number: int) -> None:
        if number == 3:
            run = world("runs").stdout.split()[0]
            tried.extend([world("runs", "delete", run), world("runs", "delete", "--all")])

    server.on_call = at
    ask(world, server)
    assert tried[0].returncode == 1 and "worked on" in tried[0].stderr
    assert "deleted 0 runs" in tried[1].stderr


def test_a_follow_up_whose_first_run_was_deleted_says_so(world: Cli, server: ModelServer) -> None:
    first = ask(world, server)["run_id"]
    stopped = world("ask", "-c", "Who founded that company?", "--max-calls", "1")
    assert stopped.returncode == 4
    run = stopped.stderr.split("runs resume ")[1].split()[0]
    world("runs", "delete", first)
    done = world("runs", "resume", run, "--max-calls", "9")
    assert done.returncode == 2 and "was deleted" in done.stderr.strip().splitlines()[-1]


def test_runs_made_in_another_folder_are_followed_there(world: Cli, server: ModelServer) -> None:
    ask(world, server)
    elsewhere = world.folder / "elsewhere"
    elsewhere.mkdir()
    other = Cli(elsewhere)
    done = other(
        "ask", "-c", "Who founded that company?", "--json", LONGREAD_STATE_DIR=str(world.folder / ".state")
    )
    assert done.returncode == 0, done.stderr


def test_a_memory_is_shown_where_it_was_written(cli: Cli) -> None:
    facts = {"Riga": "Riga has a harbour.", "Perth": "Perth has a mill."}
    (cli.folder / "towns.txt").write_text(
        "\n".join(f"{facts['Riga']:.<900}\n{facts['Perth']:.<900}" for _ in "ab")
    )
    (cli.folder / "mine.toml").write_text(planted.prompts(of="text", skip=True))

    def reply(prompt: str) -> str:
        (town,) = [town for town in facts if f"What has {town}?" in prompt]
        return f"<memory>{facts[town]}</memory>"

    with ModelServer(reply) as server:
        run = ("--model", "scripted", "--base-url", server.base_url, "--prompts", "mine.toml", *SMALL)
        questions = ("--question", "What has Riga?", "--question", "What has Perth?")
        done = cli("ask", *questions, "towns.txt", *run, "--chunk-tokens", "200", "--json")
    assert done.returncode == 0, done.stderr
    shown = cli("runs", "show", json.loads(done.stdout)[0]["run_id"], "--notes").stdout
    steps = [(step[0].split(", ")[1], step[-1]) for step in map(str.splitlines, shown.split("\nchunk ")[1:])]
    assert [who for who, _ in steps].count("question 1") == [who for who, _ in steps].count("question 2") == 2
    assert {memory for who, memory in steps if who == "question 1"} == {"  memory: Riga has a harbour."}
