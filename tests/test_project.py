"""The project file comes with the repository, so its writer may be anyone."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from longread import project
from longread.config import Resolved, Settings, resolve_settings
from longread.errors import UsageError
from longread.reading.prompts import BUILT_IN
from tests.support.cli import Cli

ENDPOINT = 'base_url = "http://127.0.0.1:9/v1"\n'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: a repository in a home folder."""
    work = tmp_path / "home" / "work"
    (work / ".git").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(work)
    return work


def resolve(folder: Path, text: str = "", user: str = "", flags: dict | None = None, **env: str) -> Resolved:
    """With `text` as the project file and `user` as the user's."""
    if text:
        (folder / "longread.toml").write_text(text)
    (folder.parent / "config.toml").write_text(user)
    return resolve_settings(flags, {"LONGREAD_CONFIG": str(folder.parent / "config.toml")} | env)


TUNING = {
    "strategy": "search", "prompts": "text", "window": 4096, "chunk_tokens": 2048, "notes_tokens": 300,
    "answer_tokens": 200, "thinking_tokens": 100, "temperature": 0.0, "top_p": 0.5, "seed": 7, "attempts": 2,
    "stream": False, "structured": True, "discover": False, "max_calls": 5, "max_total_tokens": 900,
    "max_cost": 0.5, "model": "served", "revisits": 1, "early_exit": True,
}  # fmt: skip
FORBIDDEN = {
    "base_url": '"https://evil.example/v1"', "api_key": '"sk-evil"', "state_dir": '"/tmp/evil"', "timeout": "0.1",
    "retries": "0", "price": "{input = 0, output = 0}", "prices": '{"m" = {input = 0, output = 0}}',
    "keep_days": "0.1", "keep_runs": "1", "pdf": "\"docling\"", "concurrency": "64", "chunk_first": "true",
}  # fmt: skip


def test_every_setting_is_decided_on() -> None:
    assert set(TUNING) == project.TUNABLE
    assert set(TUNING) | set(FORBIDDEN) == set(Settings.model_fields), "may a project file set the new one?"
    assert project.PROMPT_SETS == BUILT_IN


def test_it_stands_between_the_users_file_and_the_environment(folder: Path) -> None:
    resolved = resolve(
        folder,
        "seed = 2\nwindow = 4096\ntop_p = 0.5",
        "seed = 1\nattempts = 2",
        {"top_p": 0.4},
        LONGREAD_WINDOW="8192",
    )
    settings = resolved.settings
    assert (settings.seed, settings.attempts, settings.window, settings.top_p) == (2, 2, 8192, 0.4)
    assert resolved.origin["seed"] == "./longread.toml"
    assert resolved.remarks == ("./longread.toml sets seed",)


@pytest.mark.parametrize("name", sorted(TUNING))
def test_it_may_tune_the_reading(folder: Path, name: str) -> None:
    resolved = resolve(folder, f"{name} = {json.dumps(TUNING[name])}", ENDPOINT)
    assert getattr(resolved.settings, name) == TUNING[name]
    assert resolved.origin[name] == "./longread.toml"


@pytest.mark.parametrize("name", sorted(FORBIDDEN))
def test_what_it_may_not_set_is_ignored_and_named_without_its_value(folder: Path, name: str) -> None:
    plain = resolve(folder, user=ENDPOINT)
    resolved = resolve(folder, f"{name} = {FORBIDDEN[name]}\n", ENDPOINT)
    assert resolved.settings == plain.settings
    assert resolved.origin == plain.origin
    assert resolved.remarks == (f"./longread.toml: ignored what a project file may not set: {name}",)


@pytest.mark.parametrize(
    ("text", "user", "why"),
    [
        ('model = "local:/home/me/model"', ENDPOINT, "path"),
        ('model = "gpt-oss:120b-cloud"', ENDPOINT, "cloud"),
        ('model = "glm-5:Cloud"', ENDPOINT, "cloud"),
        ('model = "a\\u001b[2Jb"', ENDPOINT, "control"),
        ('model = "a\\nlongread: all is well"', ENDPOINT, "control"),
        ('model = "\\u202egpj"', ENDPOINT, "control"),
        (f'model = "{"a" * 201}"', ENDPOINT, "too long"),
        ('model = ""', ENDPOINT, "empty"),
        ('model = "gpt-9"', "", "no base_url"),
        ('model = "gpt-9"', ENDPOINT + 'model = "extractive"', "in this process"),
        ('model = "gpt-9"', ENDPOINT + 'model = "local:/m"', "in this process"),
        ('prompts = "mine.toml"', "", "built-in"),
        ('prompts = "../../secret"', "", "built-in"),
        ('strategy = "a\\u0007"', "", "control"),
        ("discover = true", "discover = false", "turn it off"),
        ("attempts = 4", "", "lower"),
        ("revisits = 3", "", "lower"),
        ("max_calls = 11", "max_calls = 10", "lower"),
        ('max_calls = "11"', "max_calls = 10", "lower"),
        ("max_total_tokens = 2000", "max_total_tokens = 1000", "lower"),
        ("max_cost = 1.01", "max_cost = 1", "lower"),
        ("chunk_tokens = 64", "", "1,024 or more"),
        ("chunk_tokens = 256", "chunk_tokens = 512", "1,024 or more"),
        ("notes_tokens = 100000", "", "16,384 or less"),
        ("thinking_tokens = 100000", "", "16,384 or less"),
    ],
)
def test_a_value_that_it_may_not_set_is_ignored_with_a_remark(
    folder: Path, text: str, user: str, why: str
) -> None:
    plain = resolve(folder, user=user)
    resolved = resolve(folder, text, user)
    assert resolved.settings == plain.settings
    name, _, value = text.partition(" = ")
    (remark,) = resolved.remarks
    assert remark.startswith(f"./longread.toml: {name} is ignored: ")
    assert why in remark
    assert remark.isprintable()
    assert value not in remark.removeprefix(f"./longread.toml: {name} is ignored: ") or len(value) < 3


@pytest.mark.parametrize(
    ("text", "user"),
    [
        ("max_calls = 9", "max_calls = 10"),
        ("max_cost = 0.5", ""),
        ("chunk_tokens = 600", "chunk_tokens = 512"),
        ("notes_tokens = 20000", "notes_tokens = 30000"),
        ("discover = false", "discover = true"),
        ('model = "extractive"', ENDPOINT + 'model = "m"'),
    ],
)
def test_it_may_go_below_the_users_limits(folder: Path, text: str, user: str) -> None:
    assert resolve(folder, text, user).origin[text.split()[0]] == "./longread.toml"


@pytest.mark.parametrize(
    "env", [{"OPENAI_API_KEY": "sk"}, {"OPENAI_API_KEY": "sk", "OPENAI_BASE_URL": "https://o.example/v1"}]
)
def test_its_model_never_turns_openais_variables_into_an_endpoint(folder: Path, env: dict) -> None:
    resolved = resolve(folder, 'model = "gpt-9"', "", None, **env)
    settings = resolved.settings
    assert (settings.model, settings.base_url, settings.api_key) == (None, None, None)
    named = resolve(folder, 'model = "gpt-9"', 'model = "gpt-mini"', None, **env).settings
    assert named.model == "gpt-mini"


@pytest.mark.parametrize("where", ["file", "env"])
def test_the_price_of_the_users_model_is_not_taken_for_its_model(folder: Path, where: str) -> None:
    user = f'{ENDPOINT}model = "cheap"\nmax_cost = 1\n'
    price = "{input = 1, output = 2}"
    user += f"price = {price}\n" if where == "file" else ""
    env = {"LONGREAD_PRICE": price} if where == "env" else {}
    resolved = resolve(folder, 'model = "dear"', user, **env)
    assert resolved.settings.model == "dear"
    assert resolved.settings.price_of("dear") is None
    assert any("price is not used" in remark for remark in resolved.remarks)
    assert resolve(folder, 'model = "cheap"', user, **env).settings.price_of("cheap").output == 2
    assert (
        resolve(folder, 'model = "dear"', user, {"price": {"input": 3, "output": 4}}).settings.price.output
        == 4
    )
    listed = resolve(folder, 'model = "dear"', f"{user}[prices.dear]\ninput = 9\noutput = 9\n", **env)
    assert listed.settings.price_of("dear").output == 9
    assert listed.remarks == ("./longread.toml sets model",)
    free = resolve(folder, 'model = "dear"', user, None, LONGREAD_PRICE="{input = 0, output = 0}")
    assert free.settings.price_of("dear").output == 0


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"modle = 'x'", "'modle'.*did you mean 'model'"),
        (b"tool = {longread = 1}", "'tool'.*no such setting"),
        (b'"a\\nlongread: fine" = 1', "no such setting"),
        (b'"' + b"a" * 9000 + b'" = 1', "no such setting"),
        (b"window = 5", "window"),
        (b"window = 'wide'", "window"),
        (b"max_cost = nan", "max_cost"),
        (b"max_cost = inf", "max_cost"),
        (b"window = 99999999999", "window"),
        (b"seed = 1\n= nonsense", "line 2"),
        (b"seed = 1\nmodel = '\xff'", "line 2 is not UTF-8"),
        (b"seed = " + b"[" * 9000, "nests too deeply"),
        (b"seed = " + b"{a=" * 3000, "nests too deeply"),
        (b"seed = " + b"9" * 9000, "cannot be read"),
        (b".".join([b"a"] * 8000), "cannot be read"),
        (b"#" * 20_000, "larger than"),
    ],
    ids=range(16),
)
def test_a_broken_one_is_one_short_error_that_names_it(folder: Path, content: bytes, said: str) -> None:
    (folder / "longread.toml").write_bytes(content)
    with pytest.raises(UsageError, match=said) as error:
        resolve(folder)
    text = str(error.value)
    assert "./longread.toml" in text
    assert "\n" not in text
    assert len(text) < 500


def test_the_nearest_one_up_to_the_repositorys_folder_counts(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder.parent / "longread.toml").write_text("seed = 9")
    deep = folder / "a" / "b"
    deep.mkdir(parents=True)
    monkeypatch.chdir(deep)
    assert resolve(folder).origin["seed"] == "default"
    assert resolve(folder, "seed = 1").origin["seed"] == "../../longread.toml"
    (deep.parent / "longread.toml").write_text("seed = 2")
    assert resolve(folder).origin["seed"] == "../longread.toml"
    (deep / ".git").write_text("gitdir: elsewhere")  # as in a submodule or worktree
    assert resolve(folder).origin["seed"] == "default"


def test_without_a_repository_only_the_current_folder_counts(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / ".git").rmdir()
    (folder / "sub").mkdir()
    assert resolve(folder, "seed = 5").settings.seed == 5
    monkeypatch.chdir(folder / "sub")
    assert resolve(folder).settings.seed == 0


def test_nothing_above_the_home_folder_counts(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / ".git").rename(folder.parent.parent / ".git")
    (folder.parent.parent / "longread.toml").write_text("seed = 5")
    assert resolve(folder).settings.seed == 0
    monkeypatch.setenv("HOME", str(folder.parent.parent))
    assert resolve(folder).settings.seed == 5


@pytest.mark.parametrize("kind", ["link", "broken link", "folder", "pipe", "socket"])
def test_only_a_regular_file_is_read(folder: Path, kind: str) -> None:
    path = folder / "longread.toml"
    match kind:
        case "link":
            (folder / "real.toml").write_text("seed = 5")
            path.symlink_to("real.toml")
        case "broken link":
            path.symlink_to("nowhere")
        case "folder":
            path.mkdir()
        case "pipe":
            os.mkfifo(path)
        case "socket":
            with socket.socket(socket.AF_UNIX) as listener:
                listener.bind("longread.toml")
    resolved = resolve(folder)
    assert resolved.settings.seed == 0
    assert resolved.remarks == ("./longread.toml is ignored: it is not a regular file",)


def test_one_that_others_can_write_to_is_ignored(folder: Path) -> None:
    (folder / "longread.toml").write_text("seed = 5")
    (folder / "longread.toml").chmod(0o666)
    resolved = resolve(folder)
    assert resolved.settings.seed == 0
    assert "others can write to it" in resolved.remarks[0]
    (folder / "longread.toml").chmod(0o664)
    assert resolve(folder).settings.seed == 5


def test_one_of_another_user_is_ignored(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = folder / "longread.toml"
    path.write_text("seed = 5")
    if os.geteuid() == 0:
        os.chown(path, 12345, -1)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: path.stat().st_uid + 1)
    resolved = resolve(folder)
    assert resolved.settings.seed == 0
    assert resolved.remarks == ("./longread.toml is ignored: it belongs to another user",)


def test_what_the_user_names_as_their_own_file_is_theirs(folder: Path) -> None:
    (folder / "longread.toml").write_text('api_key = "mine"\ntimeout = 5')
    resolved = resolve_settings({}, {"LONGREAD_CONFIG": "longread.toml"})
    assert resolved.settings.timeout == 5
    assert resolved.remarks == ()
    assert resolved.project_file is None


def test_a_current_folder_that_is_gone_has_none(folder: Path) -> None:
    resolve(folder, "seed = 5")
    gone = folder / "gone"
    gone.mkdir()
    os.chdir(gone)
    gone.rmdir()
    assert resolve_settings({}, {}).settings.seed == 0


def some_value(name: str) -> st.SearchStrategy[object]:
    """Of the setting's kind, so that few files are refused as a whole."""
    match TUNING.get(name):
        case None:
            return st.one_of(
                st.booleans(), st.integers(0, 10**6), st.text(max_size=8), st.just("https://evil.example")
            )
        case bool():
            return st.booleans()
        case int():
            return st.integers(2048, 10**6) if name == "window" else st.integers(1, 2000)
        case float():
            return st.floats(0.01, 1)
    names = ["extractive", "local:/x", "x-cloud", "m", "other", "text", "ledger", "full", "../x"]
    return st.one_of(st.sampled_from(names), st.text(max_size=8))


contents = st.lists(
    st.sampled_from(sorted(Settings.model_fields)), unique=True, max_size=8
).flatmap(lambda names: st.fixed_dictionaries({name: some_value(name) for name in names}))  # fmt: skip


@given(contents)
@hypothesis_settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_project_file_changes_where_text_goes_or_raises_a_cap(folder: Path, content: dict) -> None:
    user = (
        f'{ENDPOINT}api_key = "mine"\nmodel = "m"\nmax_calls = 10\nmax_total_tokens = 1000\nmax_cost = 0.5\n'
        "discover = false\nprice = {input = 1, output = 1}\n"
    )
    text = "\n".join(f"{name} = {json.dumps(value)}" for name, value in content.items())
    mine = resolve(folder, "# nothing", user).settings
    try:
        theirs = resolve(folder, text, user).settings
    except UsageError as error:
        assert "longread.toml" in str(error)
        return
    for name in (
        "base_url",
        "api_key",
        "state_dir",
        "timeout",
        "retries",
        "keep_days",
        "keep_runs",
        "discover",
    ):
        assert getattr(theirs, name) == getattr(mine, name)
    assert theirs.max_calls <= 10
    assert theirs.max_total_tokens <= 1000
    assert theirs.max_cost <= 0.5
    assert theirs.price_of(theirs.model) == (mine.price if theirs.model == "m" else None)
    assert theirs.prompts in (None, *BUILT_IN)
    assert not theirs.model.startswith("local:")


def test_a_folder_of_documents_is_not_searched(cli: Cli) -> None:
    (cli.folder / "docs" / ".git").mkdir(parents=True)
    (cli.folder / "docs" / "longread.toml").write_text("= nonsense")
    (cli.folder / "docs" / "a.txt").write_text("Jane Roe founded Acme.\n")
    done = cli("ask", "Who founded Acme?", "docs/", "--include", "*.txt")
    assert done.returncode == 0, done.stderr
    assert "Jane Roe" in done.stdout
