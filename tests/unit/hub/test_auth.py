"""Who a token belongs to, and whose token is used."""

import pytest
from pydantic import SecretStr

from studio.core.errors import HubUnreachable, SignInRequired
from studio.core.settings import Settings
from studio.core.types import Caller
from studio.hub import auth, spaces
from tests.hubserver.faults import Fault
from tests.hubserver.server import HubServer


def test_an_account_is_read_once(server: HubServer, settings: Settings, token: SecretStr) -> None:
    found = auth.account(token, settings)
    assert (found.name, found.orgs, found.role, found.can_write) == ("alice", ("acme",), "write", True)
    assert found.owns("alice")
    assert found.owns("Acme")
    assert not found.owns("bob")
    auth.account(token, settings)
    assert [request.path for request in server.requests].count("/api/whoami-v2") == 1


def test_a_read_token_cannot_write(server: HubServer, settings: Settings) -> None:
    assert not auth.account(SecretStr(server.read_token), settings).can_write


def test_a_wrong_token_is_said_to_be_wrong_and_never_shown(settings: Settings) -> None:
    secret = "hf_" + "x" * 30
    with pytest.raises(SignInRequired, match="wrong or has expired") as raised:
        auth.account(SecretStr(secret), settings)
    assert secret not in str(raised.value)
    assert secret not in repr(auth._accounts)


def test_a_silent_hub_is_given_up_on(server: HubServer, settings: Settings, token: SecretStr) -> None:
    server.faults.add(Fault("GET", "/api/whoami-v2", "silent"))
    quick = settings.model_copy(update={"hub_deadline": 0.5})
    with pytest.raises(HubUnreachable):
        auth.account(token, quick)
    assert auth.account(token, settings).name == "alice"


def test_whose_token_is_used(server: HubServer, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    assert auth.token_for(Caller("local"), settings) is None
    monkeypatch.setenv("HF_TOKEN", "hf_operator")
    local = auth.token_for(Caller("local"), settings)
    assert local is not None
    assert local.get_secret_value() == "hf_operator"
    assert auth.token_for(Caller("session:1"), settings) is None
    assert auth.token_for(Caller("local"), settings.model_copy(update={"public": True})) is None
    own = auth.token_for(Caller("hf:bob", token=SecretStr("hf_bob")), settings)
    assert own is not None
    assert own.get_secret_value() == "hf_bob"


def test_oauth_needs_a_space_that_offers_it(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not spaces.oauth_available(settings)
    monkeypatch.setenv("OAUTH_CLIENT_ID", "id")
    assert not spaces.oauth_available(settings)
    monkeypatch.setenv("SYSTEM", "spaces")
    assert spaces.oauth_available(settings)
