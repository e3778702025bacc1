"""Who may do what: people, organizations and access tokens, and the short-lived tokens of Xet storage."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from .errors import HubError

Role = Literal["read", "write"]

XET_TOKEN_SECONDS = 900


@dataclass(frozen=True)
class AccessToken:
    """A user's token, as made under Settings → Access tokens."""

    user: str
    role: Role
    name: str


@dataclass(frozen=True)
class XetToken:
    """What a Xet connection may do, until `expires` (seconds since the epoch)."""

    scope: Role
    expires: int


@dataclass
class Accounts:
    """People with the organizations they belong to, and every token that was handed out."""

    members: dict[str, frozenset[str]] = field(default_factory=dict)
    tokens: dict[str, AccessToken] = field(default_factory=dict)
    xet_tokens: dict[str, XetToken] = field(default_factory=dict)
    _secret: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)

    def add_token(self, user: str, role: Role, name: str) -> str:
        """Make a new token for a user and return it."""
        value = f"hf_{secrets.token_hex(17)}"
        self.tokens[value] = AccessToken(user, role, name)
        return value

    def namespaces(self, user: str) -> frozenset[str]:
        """Where a user may write: under their own name and their organizations'."""
        return frozenset({user}) | self.members.get(user, frozenset())

    def caller(self, headers: Mapping[str, str]) -> AccessToken | None:
        """Who sends this request; None without a token. Raises 401 for a token nobody was given."""
        value = headers.get("authorization", "")
        if not value:
            return None
        token = self.tokens.get(value.removeprefix("Bearer "))
        if token is None:
            raise HubError(401, "Invalid credentials in Authorization header")
        return token

    def issue_xet_token(self, scope: Role) -> tuple[str, int]:
        """A new Xet token and when it expires (seconds since the epoch)."""
        value, expires = f"xet_{secrets.token_hex(16)}", int(time.time()) + XET_TOKEN_SECONDS
        self.xet_tokens[value] = XetToken(scope, expires)
        return value, expires

    def check_xet_token(self, headers: Mapping[str, str], scope: Role) -> None:
        """Raise 401 unless the request carries a living Xet token that covers `scope`."""
        token = self.xet_tokens.get(headers.get("authorization", "").removeprefix("Bearer "))
        if token is None or token.expires < time.time():
            raise HubError(401, "Invalid or expired Xet token")
        if scope == "write" and token.scope != "write":
            raise HubError(403, "This Xet token may only read")

    def sign(self, subject: str) -> str:
        """A signature for a storage address that is used without a token, as on S3."""
        return hmac.new(self._secret, subject.encode(), hashlib.sha256).hexdigest()[:32]

    def check_signature(self, subject: str, signature: str) -> None:
        """Raise 403 unless `signature` was made for `subject`."""
        if not hmac.compare_digest(self.sign(subject), signature):
            raise HubError(403, "SignatureDoesNotMatch")
