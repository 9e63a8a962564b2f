"""`longread ask` as a user meets it: a process, files, and a model server over HTTP."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest

from tests.servers.model import ModelServer
from tests.support import planted
from tests.support.cli import Cli
from tests.support.generated import ROOT

WORLD = planted.plant(12_000, 2, seed=11)
SMALL = ("--chunk-tokens", "1500", "--window", "8192")


@pytest.fixture(scope="module")
def server():
    with ModelServer(planted.read) as server:
        yield server


@pytest.fixture
def world(cli: Cli) -> Cli:
    (cli.folder / "world.txt").write_text(WORLD.text)
    return cli


def ask(server: ModelServer, question: str = WORLD.question) -> list[str]:
    return ["ask", question, "world.txt", "--model", "scripted", "--base-url", server.base_url, *SMALL]


def last_line(text: str) -> str:
    return text.strip().splitlines()[-1]


@pytest.mark.parametrize("strategy", ["auto", "sequential"])
@pytest.mark.parametrize("stream", ["true", "false"])
def test_json_follows_the_schema_and_cites_exactly(
    world: Cli, server: ModelServer, strategy: str, stream: str
) -> None:
    done = world(*ask(server), "--strategy", strategy, "--set", f"stream={stream}", "--json")
    assert done.returncode == 0, done.stderr
    data = json.loads(done.stdout)
    jsonschema.validate(data, json.loads((ROOT / "docs" / "answer.schema.json").read_text()))
    assert data["answer"] == f"{WORLD.answer} [1][2]"
    assert [c["text"] for c in data["citations"]] == list(WORLD.hops)
    for citation in data["citations"]:
        assert WORLD.text[citation["start"] : citation["end"]] == citation["text"]
        assert WORLD.text.count("\n", 0, citation["start"]) + 1 == citation["line"]
    assert data["usage"]["input_tokens"] > 0
    assert data["usage"]["cached_tokens"] is None
    assert data["usage"]["cost"] is None
    assert data["stopped"] is None


def test_search_reads_the_passages_that_match_and_says_how_many(cli: Cli, server: ModelServer) -> None:
    single = planted.plant(30_000, 1, seed=12)
    (cli.folder / "world.txt").write_text(single.text)
    done = cli(*ask(server, single.question), "--strategy", "search", "--json")
    data = json.loads(done.stdout)
    assert data["answer"] == f"{single.answer} [1]"
    assert data["citations"][0]["text"] == single.hops[0]
    assert data["chunks"]["read"] < data["chunks"]["total"] / 2
    assert data["usage"]["calls"] == 1


def test_the_answer_goes_to_stdout_and_all_else_to_stderr(world: Cli, server: ModelServer) -> None:
    done = world(*ask(server))
    assert done.stdout.splitlines()[0] == f"{WORLD.answer} [1][2]"
    assert done.stdout.count("[1] world.txt:") == 1
    assert WORLD.hops[0] in done.stdout
    assert "model: scripted" in done.stderr.splitlines()[0]
    assert "strategy speculative" in done.stderr
    assert "\x1b" not in done.stderr


def test_a_price_gives_a_cost(world: Cli, server: ModelServer) -> None:
    done = world(*ask(server), "--json", "--set", "price={input = 2, output = 10}")
    usage = json.loads(done.stdout)["usage"]
    assert usage["cost"] == pytest.approx((2 * usage["input_tokens"] + 10 * usage["output_tokens"]) / 1e6)


def test_what_the_documents_do_not_hold_exits_with_3(world: Cli, server: ModelServer) -> None:
    (world.folder / "world.txt").write_text(WORLD.document(without=1).text)
    done = world(*ask(server), "--json")
    assert done.returncode == 3
    data = json.loads(done.stdout)
    assert (data["answered"], data["citations"]) == (False, [])


@pytest.mark.slow
def test_the_same_command_gives_the_stored_answer_until_something_changes(
    world: Cli, server: ModelServer
) -> None:
    first = json.loads(world(*ask(server), "--json").stdout)
    before = server.calls
    again = world(*ask(server), "--json")
    assert json.loads(again.stdout) == first | {"stored": True}
    assert "stored answer" in again.stderr
    assert server.calls == before
    fresh = json.loads(world(*ask(server), "--json", "--fresh").stdout)
    assert fresh["run_id"] != first["run_id"]
    (world.folder / "world.txt").write_text(WORLD.text + " More.")
    changed = json.loads(world(*ask(server), "--json").stdout)
    assert not changed["stored"]
    other = json.loads(world(*ask(server), "--json", "--set", "temperature=0").stdout)
    assert not other["stored"]


def test_standard_input_is_a_document(cli: Cli, server: ModelServer) -> None:
    command = [a if a != "world.txt" else "-" for a in ask(server)]
    done = cli(*command, "--json", stdin=WORLD.text.encode())
    data = json.loads(done.stdout)
    assert data["citations"][0]["source"] == "-"
    shown = cli("runs", "show", data["run_id"])
    assert "speculative" in shown.stdout


def test_full_on_too_long_a_text_is_refused_unless_truncation_is_asked_for(
    world: Cli, server: ModelServer
) -> None:
    done = world(*ask(server), "--strategy", "full")
    assert done.returncode == 2
    assert "--truncate middle" in last_line(done.stderr)
    done = world(*ask(server), "--strategy", "full", "--truncate", "middle", "--json")
    assert done.returncode in (0, 3)
    data = json.loads(done.stdout)
    assert "middle was cut" in data["stopped"]


def test_without_a_model_the_extractive_policy_answers(world: Cli) -> None:
    done = world("ask", WORLD.question, "world.txt", "--json")
    assert "extractive" in done.stderr.splitlines()[0]
    data = json.loads(done.stdout)
    assert {c["text"].strip() for c in data["citations"]} >= set(WORLD.hops)
    assert data["usage"] == {
        "calls": 0, "input_tokens": 0, "cached_tokens": 0, "output_tokens": 0, "cost": 0.0
    }  # fmt: skip


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (["ask", "What?", "missing.txt"], 1, "missing.txt"),
        (["ask", "", "world.txt"], 2, "question is empty"),
        (["ask", "What?", "world.txt", "--model", "m"], 2, "--base-url"),
        (["ask", "What?", "world.txt", "--strategy", "fast"], 2, "'fast'"),
        (["ask", "What?", "world.txt", "--truncate", "end"], 2, "middle"),
        (["ask", "What?", "world.txt", "--set", "colour=red"], 2, "colour"),
        (["ask", "What?", "world.txt", "--set", "api_key=x"], 2, "LONGREAD_API_KEY"),
        (["ask", "What?", "world.txt", "--set", "window=wide"], 2, "window"),
        (["ask", "What?", "world.txt", "--prompts", "nowhere.toml"], 2, "nowhere.toml"),
        (["ask", "What?", "world.txt", "--chunk-tokens", "5"], 2, "chunk_tokens"),
        (["ask", "What?", "world.txt", "--model", "m", "--base-url", "http://127.0.0.1:9/v1"], 1, "127.0.0.1:9"),
        (["ask", "What?", "world.txt", "--model", "local:nowhere"], 1, "nowhere"),
        (["ask", "What?", ""], 1, "empty path"),
        (["ask", "What?", "world.txt", "--prompts", "leger"], 2, "leger"),
        (["ask", "What?", "world.txt", "--truncate", "middle"], 2, "--strategy full"),
        (["ask", "What?", "world.txt", "--set", "state_dir="], 2, "state_dir"),
        (["ask", "What?", "world.txt", "--model", "m", "--base-url", "http://a:b@127.0.0.1:9/v1"], 2, "password"),
        (["runs", "show", "zz"], 2, "no run"),
        (["ask", "What?"], 2, "after the question"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_clear_line_and_an_exit_code(
    world: Cli, args: list[str], code: int, said: str
) -> None:
    more = (
        {"LONGREAD_MODEL": "x", "LONGREAD_BASE_URL": "http://127.0.0.1:9/v1"} if "--prompts" in args else {}
    )
    done = world(*args, "--set", "retries=0", **more) if args[0] == "ask" else world(*args)
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    if code == 1:
        assert last_line(done.stderr).startswith("longread: ")


def test_a_key_reaches_the_server_and_nothing_else(world: Cli, server: ModelServer) -> None:
    secret = "sk-very-secret-value"
    done = world(*ask(server), "--json", LONGREAD_API_KEY=secret)
    assert done.returncode == 0
    written = [p for p in (world.folder / ".state").rglob("*") if p.is_file()]
    assert written
    assert not [p for p in written if secret.encode() in p.read_bytes()]
    assert secret not in done.stdout + done.stderr
    assert server.requests[-1].headers["authorization"] == f"Bearer {secret}"


def test_control_characters_of_documents_do_not_reach_the_terminal(cli: Cli) -> None:
    text = "Jane Roe founded Acme.\x1b]0;owned\x07\x1b[2J\x9b2J\u202e And left.\n"
    (cli.folder / "evil.txt").write_text(text)
    done = cli("ask", "Who founded Acme?", "evil.txt")
    assert "Jane Roe" in done.stdout
    as_json = cli("ask", "Who founded Acme?", "evil.txt", "--json")
    for printed in (done.stdout, done.stderr, as_json.stdout):
        assert not set("\x1b\x07\x9b\u202e") & set(printed)
    (citation,) = json.loads(as_json.stdout)["citations"]
    assert citation["text"] == text[citation["start"] : citation["end"]]


def test_runs_are_listed_and_shown_with_their_notes(world: Cli, server: ModelServer) -> None:
    run = json.loads(world(*ask(server), "--json").stdout)["run_id"]
    listed = world("runs").stdout
    assert run in listed
    assert "done" in listed
    shown = world("runs", "show", run[:6], "--notes").stdout
    assert shown.index(WORLD.hops[0]) < shown.index(WORLD.hops[1])
    assert "[n1]" in shown
    assert f"{WORLD.answer} [1][2]" in shown


def test_help_costs_no_heavy_import(world: Cli) -> None:
    import subprocess
    import sys

    script = (
        "import sys; sys.argv = ['longread', '--help']\n"
        "from longread.cli import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        "print([m for m in ('pydantic', 'openai', 'torch', 'numpy', 'rich', 'pypdf') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=world.env)
    assert done.stdout.strip().endswith("[]")


def test_files_that_were_skipped_are_named(world: Cli, server: ModelServer) -> None:
    Path(world.folder / "image.png").write_bytes(b"\x89PNG\r\n\x1a\n\x00\x00")
    done = world(*ask(server), "image.png", "--json")
    assert "image.png" in done.stderr
    assert [s["source"] for s in json.loads(done.stdout)["skipped"]] == ["image.png"]


def test_what_filters_leave_out_of_folders_and_archives_is_added_up(cli: Cli) -> None:
    (cli.folder / "a.md").write_text("Acme was founded by Jane Roe.\n")
    (cli.folder / "b.txt").write_text("text")
    with zipfile.ZipFile(cli.folder / "c.zip", "w") as archive:
        archive.writestr("d.txt", "text")
        archive.writestr("e.txt", "text")
    done = cli("ask", "Who founded Acme?", ".", "--include", "*.md")
    assert done.returncode == 0, done.stderr
    assert "skipped, 3 entries not matched by --include: c.zip, ." in done.stderr


def test_a_prompt_set_of_ones_own_is_used_and_is_another_run(world: Cli, server: ModelServer) -> None:
    mine = planted.prompts().replace("NOTHING\n'''", "NOTHING\nRead as a notary would.\n'''", 1)
    (world.folder / "mine.toml").write_text(mine)
    in_order = [*ask(server), "--strategy", "sequential"]  # what is asked ahead in vain is no call of the run
    first = json.loads(world(*in_order, "--json").stdout)
    before = len(server.received)
    done = world(*in_order, "--prompts", "mine.toml", "--json")
    assert json.loads(done.stdout)["answer"] == first["answer"]
    asked = list(server.received)[before:]
    assert len(asked) == first["usage"]["calls"]
    assert all("Read as a notary would." in prompt for prompt in asked[:-2])  # the review and the answer
    (world.folder / "mine.toml").write_text(mine.replace("$close", "$ close"))
    broken = world(*ask(server), "--prompts", "mine.toml")
    assert broken.returncode == 2
    assert "$$" in last_line(broken.stderr)
    free = (ROOT / "src/longread/reading/prompts/text.toml").read_text()
    noting = ", and true only for the format ledger"
    for wrong, told in (
        (f"exact = 1\n{mine}", "exact is true or false"),
        (f"exact = true\n{free}", f"exact is true or false{noting}"),
        (f"confirm = true\n{free}", f"confirm is true or false{noting}"),
        (f"named = true\nskip = true\n{free}", f"named is true or false{noting}"),
        (f"skip = 1\n{free}", "skip is true or false"),
    ):
        (world.folder / "mine.toml").write_text(wrong)
        broken = world(*ask(server), "--prompts", "mine.toml")
        assert broken.returncode == 2 and last_line(broken.stderr).endswith(f": {told}")
    for wish, rest in (("confirm", ""), ("named", ""), ("skip", "named = true\n")):
        for wrong in (f"{wish} = true\n{mine}", f"{wish} = 1\nexact = true\n{rest}{mine}"):
            (world.folder / "mine.toml").write_text(wrong)
            broken = world(*ask(server), "--prompts", "mine.toml")
            assert broken.returncode == 2 and f"{wish} is true or false, and" in last_line(broken.stderr)


def told(world: Cli, reply: Callable[[str], str], **wishes: bool) -> tuple[str, str]:
    """What a run with a prompt set that wants more tells at its end, and its notes; its answer stands."""
    (world.folder / "mine.toml").write_text(planted.prompts(**wishes))
    with ModelServer(reply) as server:
        done = world(*ask(server), "--strategy", "sequential", "--prompts", "mine.toml", "--json")
    answer = json.loads(done.stdout)
    assert answer["answer"].startswith(WORLD.answer) and len(answer["citations"]) == 2
    return done.stderr, world("runs", "show", answer["run_id"], "--notes").stdout


def test_a_name_that_stands_nowhere_is_told(world: Cli) -> None:
    (world.folder / "mine.toml").write_text(planted.prompts(exact=True, named=True, skip=True))
    with ModelServer(planted.read) as server:
        asked = ask(server, "Who founded the company Omega?")
        done = world(*asked, "--strategy", "sequential", "--prompts", "mine.toml")
        assert server.calls == 0
    assert done.returncode == 3
    assert "nothing was read: no name in the question stands in the text" in done.stderr
    found = re.search(r"read 0 of (\d+) chunks .*; \1 skipped, without a name.*; run (\w+)", done.stderr)
    assert found
    assert (
        f"read      0 of {found[1]} chunks, 0 noted, {found[1]} skipped"
        in world("runs", "show", found[2]).stdout
    )
    exported = world("runs", "export", found[2], "--format", "json").stdout
    assert json.loads(exported)["chunks"]["skipped"] == int(found[1])


def test_a_note_refused_for_its_quote_is_told_and_named(world: Cli) -> None:
    end, notes = told(world, planted.embroider, exact=True)
    assert "2 notes refused: quote not in the text; see `longread runs show" in end
    assert notes.count("The moon is a cheese. (refused: quote not in the text)") == 2


def test_a_note_that_does_not_come_again_is_told_and_named(world: Cli) -> None:
    prompts: list[str] = []

    def reply(prompt: str) -> str:
        said = planted.read(prompt)
        if not said.startswith("NOTE") or prompts:
            return said
        prompts.append(prompt)
        _, _, section = prompt.partition("--- world.txt ---\n")
        stray = " ".join(section.splitlines()[3].split()[:6])
        return f'{said}\nNOTE: The moon is a cheese. | "{stray}"'

    end, notes = told(world, reply, exact=True, confirm=True)
    assert "1 note refused: not noted again when its lines were read alone; see `longread runs show" in end
    assert notes.count("The moon is a cheese. (refused: not noted again when its lines were read alone)") == 1


def test_a_run_is_resumed_as_it_was_asked_or_not_at_all(world: Cli, server: ModelServer) -> None:
    run = json.loads(world(*ask(server), "--json", LONGREAD_SEED="7").stdout)["run_id"]
    newer = json.loads(world(*ask(server), "--json", "--fresh", LONGREAD_SEED="7").stdout)["run_id"]
    resumed = world("runs", "resume", run, "--json")  # without the variable, and with a newer twin
    assert json.loads(resumed.stdout)["run_id"] == run != newer
    assert "stored answer" in resumed.stderr
    (world.folder / "world.txt").write_text(WORLD.text + " More.")
    changed = world("runs", "resume", run)
    assert changed.returncode == 2
    assert "have changed" in last_line(changed.stderr)
    assert changed.stdout == ""


def test_a_run_goes_on_although_the_server_reports_another_window(world: Cli) -> None:
    with ModelServer(planted.read) as server:
        entry = {"id": "scripted", "object": "model", "max_model_len": 8192}
        server.routes["/v1/models"] = {"object": "list", "data": [entry]}
        command = [
            "ask",
            WORLD.question,
            "world.txt",
            "--base-url",
            server.base_url,
            "--model",
            "scripted",
            "--json",
        ]
        first = json.loads(world(*command).stdout)
        entry["max_model_len"] = 16_384
        assert json.loads(world(*command).stdout)["run_id"] == first["run_id"]
    assert json.loads(world(*command).stdout) == first | {"stored": True}  # and although it is gone


def test_json_survives_an_output_that_is_not_utf8(cli: Cli) -> None:
    text = "The lease of Żółć was signed by Zoë in 2020."
    (cli.folder / "a.txt").write_text(text)
    done = cli("ask", "Who signed the lease?", "a.txt", "--json", PYTHONIOENCODING="ascii")
    assert json.loads(done.stdout)["citations"][0]["text"] == text


@pytest.mark.parametrize("redirect", [">/dev/full", ">&-", "2>&-", "<&-"])
def test_closed_and_full_outputs_give_no_traceback(world: Cli, redirect: str) -> None:
    import shlex
    import subprocess
    import sys

    command = shlex.join([sys.executable, "-m", "longread", "ask", WORLD.question, "world.txt", "--json"])
    done = subprocess.run(
        f"{command} {redirect}", shell=True, cwd=world.folder, env=world.env, capture_output=True, text=True
    )
    assert "Traceback" not in done.stderr
    assert done.returncode == (1 if "full" in redirect else 0)
