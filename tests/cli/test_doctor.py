"""`longread doctor`: what is wrong is told in one line each, and a healthy setup is told as such."""

from __future__ import annotations

import json
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from longread.cli.doctor import _announcement
from longread.config import load_settings
from longread.models.probe import Speed
from longread.models.scripted import ScriptedModel
from longread.reading.examiner import Cost
from longread.reading.language import LanguagePolicy
from longread.reading.opening import Opened
from tests.servers.model import ModelServer
from tests.servers.real import RealServer
from tests.servers.scripted import Answer, End, ScriptServer, chunk, http, message, said, sse, usage
from tests.support import examinee
from tests.support.cli import Cli

PROMPTLY = ("--set", "timeout=0.4", "--set", "retries=0")
FINE = (
    said("ready"),
    sse(chunk("It is about towns, "), chunk("mostly."), chunk(finish="stop"), usage(1_900, 12)),
)


def vllm(*answers: Answer, **fields: Any) -> ScriptServer:
    entry = {"id": "m", "object": "model", "owned_by": "vllm", "max_model_len": 40960, **fields}
    return ScriptServer(*answers, routes={"/v1/models": {"object": "list", "data": [entry]}})


def checks(done: CompletedProcess[str]) -> dict[str, list[tuple[str, str, str | None]]]:
    """What -> (status, detail, todo) of each such check, out of the one object."""
    assert "Traceback" not in done.stderr
    data = json.loads(done.stdout)
    assert data["ok"] == (done.returncode == 0)
    assert data["ok"] == all(check["status"] != "fail" for check in data["checks"])
    found: dict[str, list[tuple[str, str, str | None]]] = {}
    for check in data["checks"]:
        found.setdefault(check["what"], []).append((check["status"], check["detail"], check["todo"]))
    return found


def diagnose(
    cli: Cli, server: ScriptServer, *more: str, **env: str
) -> dict[str, list[tuple[str, str, str | None]]]:
    return checks(cli("doctor", "--json", "--base-url", server.base_url, *more, **env))


def test_a_healthy_setup_is_ok_throughout(cli: Cli) -> None:
    with vllm(*FINE, said('{"metal": "copper"}')) as server:
        done = cli("doctor", "--base-url", server.base_url)
        asked = server.asked
    assert done.returncode == 0, done.stdout
    lines = done.stdout.splitlines()
    assert [line.split()[1] for line in lines] == (
        [
            "versions",
            "settings",
            "model",
            "answers",
            "window",
            "speed",
            "JSON",
            "counting",
            "journal",
            "disk",
            "extras",
        ]
    )
    assert {line.split()[0] for line in lines} == {"ok"}
    assert "40,960 as vLLM says" in done.stdout
    assert "1,900 reported" in done.stdout
    assert len(asked) == 3
    assert asked[2]["response_format"]["json_schema"]["strict"]


def test_without_any_model_it_warns_and_says_how_to_get_one(cli: Cli) -> None:
    found = checks(cli("doctor", "--json"))
    (status, detail, todo) = found["model"][0]
    assert (status, "extractive" in detail) == ("warn", True)
    assert todo
    assert "--base-url" in todo
    assert "answers" not in found
    asked = checks(cli("doctor", "--json", "--model", "extractive"))
    assert asked["model"][0][0] == "ok"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (http({"error": {"message": "bad key sk-mine"}}, 401), "API key"),
        (http({"error": {"message": "out of order"}}, 500), "out of order"),
        ((End.STALL,), "0.4 seconds"),
        ((End.DROP,), "broken connection"),
        (http("<html>"), "not JSON"),
    ],
    ids=["refuses the key", "fails", "hangs", "hangs up", "is no model server"],
)
def test_a_server_that_does_not_answer_is_one_failed_line(cli: Cli, answer: Answer, words: str) -> None:
    with vllm(answer) as server:
        done = cli("doctor", "--base-url", server.base_url, *PROMPTLY, LONGREAD_API_KEY="sk-mine")
    assert done.returncode == 1
    failed = [line for line in done.stdout.splitlines() if line.startswith("FAIL")]
    assert len(failed) == 1
    assert "answers" in failed[0]
    assert words in failed[0]
    assert "journal" in done.stdout  # the rest is looked at all the same
    assert "speed" not in done.stdout
    assert "sk-mine" not in done.stdout + done.stderr
    assert done.stderr == ""


def test_nobody_at_the_address_is_one_failed_line(cli: Cli) -> None:
    for more in ([], ["--model", "m"]):
        done = cli("doctor", "--base-url", "http://127.0.0.1:1/v1", *more, "--set", "retries=0")
        assert done.returncode == 1
        assert sum(line.startswith("FAIL") for line in done.stdout.splitlines()) == 1
        assert "connection" in done.stdout
        assert done.stderr == ""


def test_a_server_that_asks_to_wait_does_not_hold_it_up(cli: Cli) -> None:
    with vllm(http({"error": {"message": "slow down"}}, 429, retry_after="60")) as server:
        found = diagnose(cli, server, "--set", "timeout=0.4")
    assert found["answers"][0][:2] == ("fail", "no reply within 0.4 seconds")


def test_without_usage_counts_stay_estimates(cli: Cli) -> None:
    bare = sse(chunk("It is "), chunk("about towns."), chunk(finish="stop"))
    with vllm(said("ready"), bare, said('{"metal": "copper"}')) as server:
        found = diagnose(cli, server)
    status, detail, _ = found["counting"][0]
    assert status == "warn"
    assert "does not report usage" in detail


def test_a_prompt_that_the_server_cut_is_seen_in_its_usage(cli: Cli) -> None:
    cut = sse(chunk("Something "), chunk("short."), chunk(finish="stop"), usage(512, 3))
    with vllm(said("ready"), cut, said('{"metal": "copper"}')) as server:
        found = diagnose(cli, server)
    status, _, todo = found["counting"][0]
    assert status == "warn"
    assert todo
    assert "cut the prompt" in todo


def test_the_servers_tokenizer_is_named(cli: Cli) -> None:
    with vllm(*FINE, said('{"metal": "copper"}')) as server:
        server.routes["/tokenize"] = {"tokens": list(range(1_870))}
        found = diagnose(cli, server)
    assert "by the server's tokenizer" in found["counting"][0][1]
    counted = int(found["counting"][0][1].split("; ")[1].split()[0].replace(",", ""))
    assert counted == pytest.approx(1_870, rel=0.05)


@pytest.mark.parametrize(
    ("reply", "status", "words"),
    [
        (said('{"metal": "copper"}'), "ok", "enforced"),
        (said("The sea is wide."), "warn", "not enforced"),
        (said('{"metal": "gold"}'), "warn", "not enforced"),
        (said("[" * 5_000), "warn", "not enforced"),
        (sse(chunk("<think>hm"), chunk(finish="length")), "warn", "thought"),
        (http({"error": {"message": "cannot do that"}}, 400), "fail", "cannot do that"),
    ],
)
def test_schemas_are_really_tried(cli: Cli, reply: Answer, status: str, words: str) -> None:
    with vllm(*FINE, reply) as server:
        found = diagnose(cli, server, *PROMPTLY)
    assert found["JSON schema"][0][0] == status
    assert words in found["JSON schema"][0][1]


@pytest.mark.slow
def test_a_server_that_refuses_schemas_is_told_as_such(cli: Cli) -> None:
    with ModelServer(examinee.read) as server:
        server.refuses = "response_format"
        found = diagnose(cli, server, "--set", "structured=true")
        assert found["JSON schema"][0][0] == "warn"
        assert "refuses" in found["JSON schema"][0][1]
        found = diagnose(cli, server)
    assert found["JSON schema"][0][0] == "ok"


@pytest.mark.slow
def test_the_windows_traps_are_told(cli: Cli) -> None:
    answers = (*FINE, said('{"metal": "copper"}'))
    with vllm(*answers) as server:
        status, detail, todo = diagnose(cli, server, "--window", "131072")["window"][0]
    assert (status, todo) == ("warn", "set window to 40,960")
    with vllm(*answers, max_model_len=None, owned_by="me") as server:
        status, detail, todo = diagnose(cli, server)["window"][0]
    assert (status, "32,768 assumed" in detail) == ("warn", True)
    with vllm(*answers, owned_by="library", max_model_len=None) as server:  # Ollama
        status, detail, todo = diagnose(cli, server)["window"][0]
        assert (status, "has not loaded" in detail) == ("warn", True)
        server.routes["/api/ps"] = {"models": [{"name": "m", "context_length": 4096}]}
        server.answers.extend(answers)
        status, detail, todo = diagnose(cli, server)["window"][0]
    assert status == "warn"
    assert todo
    assert "OLLAMA_CONTEXT_LENGTH" in todo


def test_a_reply_that_is_not_streamed_has_a_speed_too(cli: Cli) -> None:
    whole = http(message("It is about towns.", usage={"prompt_tokens": 1_900, "completion_tokens": 6}))
    with vllm(whole) as server:
        found = diagnose(cli, server, "--set", "stream=false", "--set", "structured=false")
    assert found["speed"][0][0] == "ok"
    assert "in one piece" in found["speed"][0][1]
    assert "a million tokens" in found["speed"][0][1]
    assert found["JSON schema"][0][:2] == ("ok", "turned off; notes are asked for as lines")


def test_a_journal_that_cannot_be_kept_fails(cli: Cli) -> None:
    (cli.folder / "file").write_text("not a folder")
    done = cli("doctor", "--json", LONGREAD_STATE_DIR=str(cli.folder / "file" / "state"))
    assert done.returncode == 1
    assert checks(done)["journal"][0][0] == "fail"
    (cli.folder / ".state").mkdir()
    (cli.folder / ".state" / "journal.db").write_bytes(b"this is no database" * 100)
    found = checks(cli("doctor", "--json"))
    assert found["journal"][0][0] == "fail"


def test_a_folder_that_others_can_write_to_is_told(cli: Cli) -> None:
    state = cli.folder / ".state"
    state.mkdir()
    state.chmod(0o777)
    assert checks(cli("doctor", "--json"))["journal"][0][0] == "warn"
    state.chmod(0o700)
    assert checks(cli("doctor", "--json"))["journal"][0][0] == "ok"


def test_settings_remarks_and_readable_keys_are_told_and_never_the_key(cli: Cli) -> None:
    config = cli.folder / ".config.toml"
    config.write_text('api_key = "sk-secret"\nbase_url = "http://127.0.0.1:1/v1"\n')
    config.chmod(0o644)
    (cli.folder / "longread.toml").write_text('chunk_tokens = 2000\nbase_url = "http://evil.example/v1"\n')
    done = cli("doctor", "--json", "--set", "retries=0")
    found = checks(done)
    assert [status for status, *_ in found["settings"]] == ["ok", "warn", "warn", "warn"]
    told = " ".join(detail for _, detail, _ in found["settings"])
    assert "base_url" in told
    assert "others can read the API key" in told
    assert "sk-secret" not in done.stdout + done.stderr
    config.chmod(0o600)
    assert "others can read" not in cli("doctor", "--set", "retries=0").stdout


def test_wrong_settings_are_a_failed_line(cli: Cli) -> None:
    (cli.folder / ".config.toml").write_text("windo = 3\n")
    done = cli("doctor")
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1].startswith("FAIL  settings")
    assert done.stderr == ""


@pytest.mark.slow
def test_quality_of_a_perfect_reader_is_ten_of_ten(cli: Cli) -> None:
    with ModelServer(examinee.read) as server:
        args = ("doctor", "--quality", "--base-url", server.base_url, "--window", "8192")
        shown = cli(*args)
        before = server.calls
        done = cli(*args, "--json", "--set", "price={input=1, output=2}")
        calls = server.calls - before
    assert shown.returncode == done.returncode == 0
    assert "10/10 right" in shown.stdout
    assert (
        shown.stdout.index("some 58 calls")
        < shown.stdout.index("right  single fact")
        < shown.stdout.index("good")
    )
    assert "some 58 calls" in done.stderr
    quality = json.loads(done.stdout)["quality"]
    assert (quality["right"], quality["verdict"], quality["broken"]) == (10, "good", 0)
    assert quality["replies"] == calls - 2  # the first reply, and the probe
    assert quality["input_tokens"] > 30_000
    assert len(quality["questions"]) == 10


def test_quality_of_a_bad_reader_is_low_and_counts_what_broke(cli: Cli) -> None:
    with ModelServer(lambda prompt: "Well, the text speaks of a great many things.") as server:
        done = cli("doctor", "--quality", "--json", "--base-url", server.base_url, "--window", "8192")
        calls = server.calls
    assert done.returncode == 0  # ask works; how well is another matter
    quality = json.loads(done.stdout)["quality"]
    assert (quality["right"], quality["verdict"]) == (0, "weak")
    assert quality["replies"] == calls - 2
    assert quality["broken"] == quality["replies"] - 10
    verdict = checks(done)["verdict"][0]
    assert verdict[0] == "warn"


def test_quality_of_nothing_is_not_asked_when_something_failed(cli: Cli) -> None:
    with vllm(http({"error": {"message": "no"}}, 401)) as server:
        done = cli("doctor", "--quality", "--json", "--base-url", server.base_url)
    assert done.returncode == 1
    assert json.loads(done.stdout)["quality"] is None
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("free", "price", "words"),
    [
        (True, None, ""),
        (False, None, "api.example.com may charge"),
        (False, {"input": 10, "output": 100}, "cost about 1.5"),
    ],
)
def test_what_the_exam_takes_is_said_before(free: bool, price: Any, words: str) -> None:
    async def close() -> None: ...

    policy = LanguagePolicy.over(ScriptedModel(lambda messages, sampling: ""))
    opened = Opened(policy, "", None if free else "api.example.com", free, {}, close)
    speed = Speed(2.0, 1_000, 21, True, 1.0, 1.0, 1_000)
    settings = load_settings({"price": price} if price else {}, {})
    told = _announcement(Cost(50, 100_000, 5_000), opened, settings, speed)
    assert "some 50 calls, 100,000 tokens in and 5,000 out" in told
    assert "about 6 min" in told  # 100 s to read, 250 s to write
    assert words in told
    assert free == ("cost" not in told and "charge" not in told)


def test_a_real_server_passes(cli: Cli, real_server: RealServer) -> None:
    found = checks(cli("doctor", "--json", "--base-url", real_server.base_url, "--model", real_server.model))
    assert {status for name in ("answers", "speed", "counting") for status, *_ in found[name]} == {"ok"}
    assert "reported" in found["counting"][0][1]


@pytest.mark.slow
def test_a_checkpoint_in_this_process_passes(cli: Cli, tiny_checkpoint: Path) -> None:
    found = checks(cli("doctor", "--json", "--model", f"local:{tiny_checkpoint}"))
    assert {status for name in ("answers", "window", "speed", "counting") for status, *_ in found[name]} == {
        "ok"
    }
    assert "its own tokenizer" in found["counting"][0][1]
    missing = checks(cli("doctor", "--json", "--model", "local:/nowhere"))
    assert missing["model"][0][0] == "fail"
