import json
import re
from pathlib import Path

import pytest

from longread.config import Settings, load_settings, no_such_setting, parse_value, resolve_settings
from longread.errors import UsageError
from tests.support.cli import Cli
from tests.support.generated import CONFIGURATION


@pytest.fixture
def user_file(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


def load(user_file: Path, flags: dict | None = None, **env: str):
    return load_settings(flags, {"LONGREAD_CONFIG": str(user_file), **env})


def key(settings) -> str | None:
    return settings.api_key.get_secret_value() if settings.api_key else None


def test_later_layers_win(user_file: Path) -> None:
    user_file.write_text('model = "from-file"\nwindow = 2048\nseed = 1\n')
    settings = load(user_file, {"seed": 3, "top_p": None}, LONGREAD_WINDOW="4096", LONGREAD_SEED="2")
    assert (settings.model, settings.window, settings.seed) == ("from-file", 4096, 3)
    assert settings.top_p is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("modle = 'x'", "modle.*no such setting"),
        ("window = 'wide'", "window"),
        ("window = 5", "window"),
        ("seed = 1\n= nonsense", "cannot be read.*line 2"),
        ("seed = " + "[" * 9000, "nests too deeply"),
        ("seed = " + "9" * 9000, "cannot be read"),
        ("max_cost = inf", "max_cost.*finite"),
        ("state_dir = '~nobody-of-that-name/x'", "state_dir.*home folder"),
        ("price = {input = 1, outptu = 2}", "price.output"),
        ("[prices.m]\ninput = 1\noutput = 2\nper = 3", "prices.m.per.*input, output and cached"),
    ],
)
def test_a_wrong_user_file_is_one_clear_error(user_file: Path, text: str, said: str) -> None:
    user_file.write_text(text)
    with pytest.raises(UsageError, match=said) as error:
        load(user_file)
    assert "\n" not in str(error.value).split("TOML")[0]
    assert str(user_file) in str(error.value)


def test_an_unknown_variable_is_an_error(user_file: Path) -> None:
    with pytest.raises(UsageError, match=r"modell.*environment"):
        load(user_file, LONGREAD_MODELL="x")


def test_a_price_from_the_environment(user_file: Path) -> None:
    settings = load(user_file, LONGREAD_PRICE="{input = 1.5, output = 6}")
    assert settings.price is not None
    assert (settings.price.input, settings.price.output, settings.price.cached) == (1.5, 6, None)


def test_a_key_stays_with_its_host(user_file: Path) -> None:
    user_file.write_text('base_url = "https://a.example/v1"\napi_key = "secret-a"\n')
    assert key(load(user_file)) == "secret-a"
    assert key(load(user_file, {"base_url": "https://a.example/v2"})) == "secret-a"
    assert key(load(user_file, {"base_url": "https://b.example/v1"})) is None
    assert key(load(user_file, {"base_url": "https://b.example/v1"}, LONGREAD_API_KEY="env")) is None


def test_a_key_alone_goes_where_the_command_says(user_file: Path) -> None:
    assert key(load(user_file, {"base_url": "https://b.example/v1"}, LONGREAD_API_KEY="env")) == "env"


def test_openai_variables_serve_openai_alone(user_file: Path) -> None:
    named = load(user_file, {"model": "gpt-x"}, OPENAI_API_KEY="sk")
    assert (named.base_url, key(named)) == ("https://api.openai.com/v1", "sk")
    assert (
        key(load(user_file, {"model": "m", "base_url": "http://127.0.0.1:1/v1"}, OPENAI_API_KEY="sk")) is None
    )
    assert load(user_file, OPENAI_API_KEY="sk").base_url is None  # documents leave only for a named model
    assert load(user_file, {"model": "extractive"}, OPENAI_API_KEY="sk").base_url is None


def test_a_key_is_never_shown(user_file: Path) -> None:
    assert "secret-a" not in repr(load(user_file, {"base_url": "https://a/v1"}, LONGREAD_API_KEY="secret-a"))


def test_a_file_that_is_not_text_names_the_line(user_file: Path) -> None:
    user_file.write_bytes(b"seed = 1\n# caf\xe9\n")
    with pytest.raises(UsageError, match="line 2 is not UTF-8"):
        load(user_file)
    user_file.write_bytes(b"\xef\xbb\xbfseed = 3\n")
    assert load(user_file).seed == 3


def test_each_value_tells_its_origin(user_file: Path) -> None:
    user_file.write_text('model = "a"\nwindow = 2048\nseed = 1\n')
    resolved = resolve_settings(
        {"seed": 3}, {"LONGREAD_CONFIG": str(user_file), "LONGREAD_WINDOW": "4096", "OPENAI_API_KEY": "sk"}
    )
    assert set(resolved.origin) == set(Settings.model_fields)
    told = {name: place for name, place in resolved.origin.items() if place != "default"}
    assert told == {
        "model": str(user_file),
        "window": "LONGREAD_WINDOW",
        "seed": "the command",
        "base_url": "OPENAI_API_KEY",
        "api_key": "OPENAI_API_KEY",
    }
    assert resolved.user_file == user_file


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("modle", "'model'"),
        ("chunk-tokens", "'chunk_tokens'"),
        ("baseurl", "'base_url'"),
        ("colour", "config show"),
    ],
)
def test_an_unknown_name_brings_the_closest_to_mind(user_file: Path, name: str, said: str) -> None:
    assert said in str(no_such_setting(name, "--set"))
    user_file.write_text(f'{name} = "x"')
    with pytest.raises(UsageError, match=f"'{name}' in {user_file}: there is no such setting.*{said}"):
        load(user_file)
    user_file.unlink()
    with pytest.raises(UsageError, match=f"'{name}' in the environment: there is no such setting.*{said}"):
        load(user_file, **{f"LONGREAD_{name.upper()}": "x"})


def test_a_models_own_price_comes_first(user_file: Path) -> None:
    user_file.write_text(
        "[price]\ninput = 1\noutput = 2\n[prices.'a/b:7']\ninput = 3\noutput = 4\ncached = 0.5\n"
    )
    settings = load(user_file)
    assert settings.price_of("a/b:7").cached == 0.5
    assert settings.price_of("a/b").output == 2
    only = load(user_file, {"price": None})
    assert only.price_of("a/b") is None
    assert load(user_file, LONGREAD_PRICES='{"x" = {input = 0, output = 9}}').price_of("x").output == 9
    assert (
        load_settings(json.loads(settings.model_dump_json(exclude={"api_key"})), {}).prices == settings.prices
    )


def test_a_table_given_as_text_is_toml_and_nothing_more() -> None:
    assert parse_value("prices", '{m = {input = 1, output = 2}}\nmodel = "x"') == {
        "m": {"input": 1, "output": 2}
    }
    for broken in ("{", "[" * 9000, "{input = " + "9" * 9000 + "}"):
        with pytest.raises(UsageError, match="'prices' is"):
            parse_value("prices", broken)


FILE = 'base_url = "https://me:pass-word@a.example/v1?key=url-word"\napi_key = "key-word"\n'


def test_config_show_tells_value_and_origin_of_every_setting(cli: Cli) -> None:
    (cli.folder / ".config.toml").write_text(FILE + "[prices.'a b']\ninput = 1\noutput = 2\n")
    (cli.folder / "longread.toml").write_text('seed = 7\nbase_url = "x"\n')
    done = cli("config", "show", LONGREAD_STREAM="false")
    assert done.returncode == 0, done.stderr
    table, _, rest = done.stdout.partition("\n\n")
    rows = {line.split()[0]: line.split(maxsplit=1)[1].split("  ") for line in table.splitlines()}
    rows = {name: (cells[0], cells[-1].strip()) for name, cells in rows.items()}
    assert list(rows) == list(Settings.model_fields)
    user = str(cli.folder / ".config.toml")
    assert rows["base_url"] == ("(hidden)a.example/v1(hidden)", user)
    assert rows["api_key"] == ("set (hidden)", user)
    assert rows["prices"] == ('{"a b" = {input = 1.0, output = 2.0}}', user)
    assert rows["seed"] == ("7", "./longread.toml")
    assert rows["stream"] == ("false", "LONGREAD_STREAM")
    assert rows["window"] == ("none", "default")
    assert rest.splitlines() == [
        f"user file: {user}",
        f"project file: {cli.folder / 'longread.toml'}",
        "remark: ./longread.toml: ignored what a project file may not set: base_url",
        "remark: ./longread.toml sets seed",
    ]


def test_config_show_as_json_says_the_same(cli: Cli) -> None:
    (cli.folder / ".config.toml").write_text(FILE)
    data = json.loads(cli("config", "show", "--json", LONGREAD_WINDOW="4096").stdout)
    assert list(data["settings"]) == list(Settings.model_fields)
    assert data["settings"]["window"] == {"value": 4096, "from": "LONGREAD_WINDOW"}
    assert data["settings"]["api_key"]["value"] == "set (hidden)"
    assert data["settings"]["seed"] == {"value": 0, "from": "default"}
    assert data["files"] == [
        {"kind": "user", "path": str(cli.folder / ".config.toml"), "exists": True},
        {"kind": "project", "path": str(cli.folder / "longread.toml"), "exists": False},
    ]
    assert data["remarks"] == []


def test_config_path_names_the_users_file(cli: Cli) -> None:
    assert cli("config", "path").stdout == f"{cli.folder / '.config.toml'}\n"


@pytest.mark.parametrize("format", [(), ("--json",)])
@pytest.mark.parametrize(
    "text",
    [
        FILE,
        FILE + "seed = [\n",
        FILE + 'api_key = "key-word"\n',
        "api_key = key-word\n",
        'api_key = "key-word\n',
        'api_key = ["key-word"]\n',
        'api_kye = "key-word"\n',
        'prices = "key-word"\n',
        "",
    ],
    ids=range(9),
)
def test_no_output_of_config_show_holds_a_secret(cli: Cli, text: str, format: tuple[str, ...]) -> None:
    (cli.folder / ".config.toml").write_text(text)
    (cli.folder / "longread.toml").write_text('api_key = "key-word"\n')
    env = {
        "LONGREAD_API_KEY": "key-word-env", "OPENAI_API_KEY": "key-word-openai", "LONGREAD_MODEL": "m",
        "LONGREAD_BASE_URL": "https://me:pass-word@b.example/v1#url-word",
    }  # fmt: skip
    for more in (
        {},
        env,
        {**env, "LONGREAD_API_KYE": "key-word"},
        {"OPENAI_BASE_URL": "u:pass-word@c"} | env,
    ):
        done = cli("config", "show", *format, **more)
        assert done.stdout + done.stderr
        assert "-word" not in done.stdout + done.stderr
        assert "Traceback" not in done.stderr


def test_config_show_prints_no_control_characters(cli: Cli) -> None:
    inner = cli.folder / "a\x1b[2J\nremark: fine"
    inner.mkdir()
    (inner / "longread.toml").write_text("seed = 1")
    (cli.folder / ".config.toml").write_text('model = "a\\u001b[2Jb\\nremark: fine\\u202e"\n')
    done = Cli(inner)("config", "show", LONGREAD_CONFIG=str(cli.folder / ".config.toml"))
    assert done.returncode == 0
    assert not {c for c in done.stdout if not c.isprintable()} - {"\n"}
    assert "\nremark: fine" not in done.stdout


def test_a_broken_file_is_one_line(cli: Cli) -> None:
    (cli.folder / ".config.toml").write_text("seed = 1\nwindow = = 3\n")
    done = cli("config", "show")
    assert done.returncode == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert str(cli.folder / ".config.toml") in line
    assert "line 2" in line


def test_the_files_in_the_documentation_are_valid(user_file: Path) -> None:
    blocks = re.findall(
        r"^```toml\n(.*?)^```", CONFIGURATION.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    assert blocks
    for block in blocks:
        user_file.write_text(block)
        assert len(set(resolve_settings({}, {"LONGREAD_CONFIG": str(user_file)}).origin.values())) == 2
