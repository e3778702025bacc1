"""`/api/whoami-v2`: who a token belongs to and what it may do; and what the client asks about itself."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from .access import hub_of, signed_in

_CREATED = "2026-01-01T00:00:00.000Z"


async def whoami(request: Request) -> Response:
    """The user, the organizations, and the role of the token in use."""
    token = signed_in(request)
    orgs = sorted(hub_of(request).accounts.members.get(token.user, frozenset()))
    return JSONResponse(
        {
            "type": "user",
            "id": f"{len(token.user):024x}",
            "name": token.user,
            "fullname": token.user.capitalize(),
            "email": f"{token.user}@example.com",
            "emailVerified": True,
            "canPay": False,
            "isPro": False,
            "periodEnd": None,
            "avatarUrl": f"/avatars/{token.user}.svg",
            "orgs": [
                {"type": "org", "id": name, "name": name, "fullname": name.capitalize(), "roleInOrg": "admin"}
                for name in orgs
            ],
            "auth": {
                "type": "access_token",
                "accessToken": {"displayName": token.name, "role": token.role, "createdAt": _CREATED},
            },
        }
    )


async def agent_harnesses(request: Request) -> Response:
    """The registry from which the client tells whether an agent runs it: none is known here."""
    return JSONResponse({"standardEnvVars": [], "harnesses": {}})


ROUTES: list[BaseRoute] = [Route("/api/whoami-v2", whoami), Route("/api/agent-harnesses", agent_harnesses)]
