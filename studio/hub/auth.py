"""Who somebody is on the Hub. Tokens are only looked at here: never stored, never logged."""

import hashlib
import threading
import time
from dataclasses import dataclass

from pydantic import SecretStr

from studio.core.errors import SignInRequired
from studio.core.settings import Settings
from studio.core.types import Caller
from studio.hub import session

REMEMBERED_SECONDS = 300.0
REMEMBERED_ACCOUNTS = 256
WRITING_ORG_ROLES = {"admin", "write", "contributor"}

_accounts: dict[str, tuple[float, "Account"]] = {}
_remembering = threading.Lock()


@dataclass(frozen=True)
class Account:
    """A Hub account as a token shows it.

    Attributes:
        orgs: organisations in which the account may create repositories.
        role: the token's role: "read", "write", "fineGrained", or "oauth".
        can_write: False when the token certainly may not write; fine-grained tokens show it on use.
    """

    name: str
    orgs: tuple[str, ...] = ()
    role: str = ""
    can_write: bool = False

    def owns(self, namespace: str) -> bool:
        """Whether repositories under `namespace` are this account's to write."""
        return namespace.lower() in {self.name.lower(), *(org.lower() for org in self.orgs)}


def account(token: SecretStr, settings: Settings) -> Account:
    """Ask the Hub who this is; remembered for five minutes under the token's hash.

    Raises `SignInRequired` for a token that is wrong or expired, `HubUnreachable` without a Hub.
    """
    key = hashlib.sha256(f"{settings.endpoint} {token.get_secret_value()}".encode()).hexdigest()
    with _remembering:
        until, known = _accounts.get(key, (0.0, Account("")))
    if time.monotonic() < until:
        return known
    api = session.api(settings, token)
    try:
        found = _read(session.ask(api.whoami, settings.hub_deadline, "asking who you are"))
    except SignInRequired:
        with _remembering:
            _accounts.pop(key, None)
        raise
    with _remembering:
        if len(_accounts) >= REMEMBERED_ACCOUNTS:
            _accounts.pop(next(iter(_accounts)))
        _accounts[key] = (time.monotonic() + REMEMBERED_SECONDS, found)
    return found


def _read(answer: dict[str, object]) -> Account:
    """The parts of `/api/whoami-v2` that matter; whatever is missing or of another shape reads as nothing."""
    orgs, auth = answer.get("orgs"), answer.get("auth")
    token = auth.get("accessToken") if isinstance(auth, dict) else None
    kind = str(auth.get("type", "")) if isinstance(auth, dict) else ""
    role = str(token.get("role", "")) if isinstance(token, dict) else ("oauth" if "oauth" in kind else "")
    names = tuple(
        str(org.get("name", ""))
        for org in (orgs if isinstance(orgs, list) else [])
        if isinstance(org, dict) and org.get("roleInOrg", "write") in WRITING_ORG_ROLES
    )
    return Account(str(answer.get("name", "")), names, role, can_write=role != "read")


def token_for(caller: Caller, settings: Settings) -> SecretStr | None:
    """The token to act with in the caller's name.

    A visitor acts with their own sign-in only. The operator's token (HF_TOKEN, or the login that
    `hf auth login` stored) is for the owner "local", which nobody is in public mode.
    """
    if caller.token is not None:
        return caller.token
    return operator_token(settings) if caller.owner == "local" else None


def reading_token(settings: Settings) -> SecretStr | None:
    """The token to download with: that of whoever the settings are used for, else the operator's own."""
    return settings.reader or operator_token(settings)


def operator_token(settings: Settings) -> SecretStr | None:
    """The token of whoever runs this installation on their own machine; None in public mode."""
    if settings.public:
        return None
    if settings.token is not None:
        return settings.token
    from huggingface_hub import get_token

    stored = get_token()
    return SecretStr(stored) if stored else None
