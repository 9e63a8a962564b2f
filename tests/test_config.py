from pathlib import Path

import pytest

from longread.config import load_settings
from longread.errors import UsageError


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
        ("= nonsense", "cannot be read"),
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
