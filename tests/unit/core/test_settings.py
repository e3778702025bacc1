"""Settings come from the environment, Spaces' own variables included."""

from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from studio.core.settings import Settings


def test_own_variables_win(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("STUDIO_PORT", "1234")
    monkeypatch.setenv("STUDIO_HOME", str(tmp_path))
    settings = Settings()
    assert (settings.port, settings.home, settings.public) == (1234, tmp_path, False)


def test_a_space_listens_outside_and_treats_visitors_as_strangers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYSTEM", "spaces")
    settings = Settings()
    assert (settings.host, settings.port, settings.public) == ("0.0.0.0", 7860, True)


def test_own_variables_win_on_a_space_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYSTEM", "spaces")
    monkeypatch.setenv("STUDIO_PUBLIC", "false")
    assert not Settings().public


def test_a_bad_value_names_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STUDIO_PORT", "seventy")
    with pytest.raises(ValidationError, match="port"):
        Settings()


def test_the_token_never_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    settings = Settings()
    assert settings.token is not None
    assert "hf_secret" not in f"{settings!r} {settings.token!r}"


def test_a_visitors_token_is_in_no_variable_no_text_and_no_other_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("STUDIO_READER", "STUDIO__READER"):
        monkeypatch.setenv(name, "hf_from_outside")
    plain = Settings()
    ann, ben = plain.reading_as(SecretStr("hf_ann")), plain.reading_as(SecretStr("hf_ben"))
    assert (plain.reader, plain.reading_as(None)) == (None, plain)
    assert len({plain, ann, ben}) == 3
    assert ann == plain.reading_as(SecretStr("hf_ann"))
    assert "hf_ann" not in repr(ann) + str(ann) + ann.model_dump_json()
